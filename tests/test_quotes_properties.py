"""Any page and any typesetting: what was cut from it is found, and what was changed is not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.accuracy.corpus import pairs
from verifier import negations
from verifier.quotes import locate, normalise
from verifier.records import Quote, Text
from verifier.text import extract
from verifier.typography import levelled

PAGES = {
    "en": "In 1988 the government of Iran did not publish “the list” of 4,500 prisoners; it’s a "
    "well-known fact that Amnesty – and others – have asked for it since 19 July. Nobody answered, "
    "and the families never learned where their sons were buried. Judge Nayeri denied it.",
    "de": "Im Jahr 1988 hat die Regierung „die Liste“ der 4.500 Gefangenen nicht veröffentlicht; "
    "seit dem 19. Juli haben Amnesty – und andere – danach gefragt. Niemand gab eine Antwort, und "
    "die Familien erfuhren nie, wo ihre Söhne begraben wurden. Größe und Maß sind unbekannt.",
    "fr": "En 1988 le gouvernement n’a pas publié « la liste » des 4 500 prisonniers ; depuis le "
    "19 juillet, Amnesty – et d’autres – l’ont demandée. Personne n’a répondu, et les familles "
    "n’ont jamais su où leurs fils étaient enterrés. L’œuvre reste sans réponse.",
    "ru": "В 1988 году правительство не опубликовало «список» 4500 заключённых; с 19 июля его "
    "просили Amnesty — и другие. Никто не ответил, и семьи никогда не узнали, где похоронены их "
    "сыновья. Судья Найери всё отрицал.",
    "el": "Το 1988 η κυβέρνηση δεν δημοσίευσε «τον κατάλογο» των 4.500 κρατουμένων· από τις 19 "
    "Ιουλίου τον ζητούν η Amnesty – και άλλοι. Κανείς δεν απάντησε στις οικογένειες.",
    "tr": "1988 yılında hükümet 4.500 tutuklunun “listesini” yayımlamadı; Amnesty – ve diğerleri – "
    "19 Temmuz’dan beri bunu istiyor. Hiç kimse yanıt vermedi, İstanbul’da ışıklar söndü.",
    "ar": "في عام 1988 لم تنشر الحكومة «قائمة» السجناء البالغ عددهم 4500، ومنذ 19 يوليو تطلبها "
    "منظمة العفو وغيرها. لم يجب أحد، ولم تعرف العائلات مكان دفن أبنائها قط.",
    "fa": "در سال ۱۳۶۷ دولت «فهرست» ۴۵۰۰ زندانی را منتشر نکرد و از ۲۸ تیر عفو بین‌الملل آن را "
    "می‌خواهد. هیچ‌کس پاسخ نداد و خانواده‌ها هرگز ندانستند پسرانشان کجا دفن شده‌اند.",
    "he": "בשנת 1988 לא פרסמה הממשלה את „הרשימה” של 4500 האסירים; מאז 19 ביולי מבקשים אותה אמנסטי "
    "ואחרים. איש לא ענה, והמשפחות מעולם לא ידעו היכן נקברו בניהן.",
    "hi": "1988 में सरकार ने 4500 कैदियों की “सूची” प्रकाशित नहीं की; 19 जुलाई से एमनेस्टी और दूसरे "
    "इसे माँग रहे हैं। किसी ने उत्तर नहीं दिया और परिवारों को कभी पता नहीं चला।",
    "ko": "1988년 정부는 수감자 4500명의 “명단”을 공개하지 않았다. 7월 19일부터 앰네스티 등이 이를 "
    "요구했다. 아무도 답하지 않았고 가족들은 아들들이 어디에 묻혔는지 알지 못했다.",
    "vi": "Năm 1988 chính phủ không công bố “danh sách” 4500 tù nhân; từ ngày 19 tháng 7 Amnesty – "
    "và nhiều người khác – đã yêu cầu. Không ai trả lời, và các gia đình chưa bao giờ được biết.",
}
UNSPACED_PAGES = {
    "zh": "1988年政府没有公布“名单”，其中有4500名囚犯；自7月19日以来，国际特赦组织"
    "一直要求公布。没有人答复，家属从未得知他们的儿子埋在哪里。",
    "ja": "1988年、政府は4500人の囚人の「名簿」を公表しなかった。"
    "7月19日以来、アムネスティなどがそれを求めている。"
    "誰も答えず、家族は息子がどこに埋められたかを知らない。",
    "th": "ในปี 1988 รัฐบาลไม่ได้เปิดเผย “รายชื่อ” นักโทษ 4500 คน "
    "ตั้งแต่วันที่ 19 กรกฎาคม แอมเนสตี้ขอมาโดยตลอด "
    "ไม่มีใครตอบ และครอบครัวไม่เคยรู้ว่าลูกชายถูกฝังที่ไหน",
}
Draw = Callable[[st.SearchStrategy[Any]], Any]
EVERY = PAGES | UNSPACED_PAGES
SMALL_PRINT = st.sampled_from("\u200b\u200d\u00ad\ufeff\u200e\u200f\u2060")


def text_of(visible: str) -> Text:
    return Text(visible=visible, main="", title="", sha256="", version=1)


def result(quotation: str, page: str) -> Quote:
    return locate(quotation, text_of(page)).result


def pieces(page: str, draw: Draw) -> tuple[int, int]:
    """Borders of some words of *page*."""
    words = [found.span() for found in re.finditer("[^ ]+", page)]
    first = draw(st.integers(0, len(words) - 1))
    last = draw(st.integers(first, len(words) - 1))
    return words[first][0], words[last][1]


def typeset(text: str, draw: Draw) -> str:
    """*text* with other typography."""
    text = re.sub("[“”„«»]", lambda _: draw(st.sampled_from('"“”„«»「」')), text)
    text = re.sub("[‘’']", lambda _: draw(st.sampled_from("'’ʼ")), text)
    text = re.sub("[–—]", lambda _: draw(st.sampled_from("–—-―")), text)
    text = re.sub(
        "[\u00a0 ]", lambda _: draw(st.sampled_from([" ", "\u00a0", "\n", "  ", "\u2009 "])), text
    )
    for _ in range(draw(st.integers(0, 4))):
        within = [found.end() for found in re.finditer(r"\w(?=\w)", text)]
        place = draw(st.sampled_from(within)) if within else 0
        text = text[:place] + draw(SMALL_PRINT) + text[place:]
    change = draw(st.sampled_from(["", "upper", "lower", "NFD", "NFKD", "NFC", "NFKC"]))
    if change in ("upper", "lower"):
        return str(getattr(text, change)())
    return unicodedata.normalize(change, text) if change else text


def hyphenated(text: str, draw: Draw) -> str:
    """*text* with some of its words broken at the ends of lines."""
    words = re.split("(\\s)", text)
    for place, word in enumerate(words):
        if len(word) > 5 and word.isalpha() and word.islower() and draw(st.booleans()):
            cut = draw(st.integers(2, len(word) - 2))
            hyphen = draw(st.sampled_from(["-\n", "‐\n  ", "\u00ad\n", "- \n"]))
            words[place] = word[:cut] + hyphen + word[cut:]
    return "".join(words)


@st.composite
def cuttings(draw: st.DrawFn) -> tuple[str, str]:
    """A page, and words cut from it at their borders."""
    page = draw(st.sampled_from(list(EVERY.values())))
    start, end = pieces(page, draw)
    return page, page[start:end]


@given(cuttings(), st.data())
def test_words_cut_from_a_page_are_found_after_any_typesetting(
    cutting: tuple[str, str], data: st.DataObject
) -> None:
    """
    Nobody may be accused because of a typesetter.
    """
    page, quotation = cutting
    draw = data.draw

    assert result(quotation, page) in (Quote.FOUND, Quote.NO_QUOTE)
    found = locate(typeset(quotation, draw), text_of(typeset(page, draw)))
    assert found.result in (Quote.FOUND, Quote.NO_QUOTE), found.reason


@given(st.sampled_from([PAGES[name] for name in ("en", "de", "fr", "ru", "el", "vi")]), st.data())
def test_words_broken_at_the_ends_of_lines_are_found(page: str, data: st.DataObject) -> None:
    """
    A PDF breaks words where the line ends, and so do people who copy from it.
    """
    start, end = pieces(page, data.draw)

    assert result(page[start:end], hyphenated(page, data.draw)) in (Quote.FOUND, Quote.NO_QUOTE)
    assert result(hyphenated(page[start:end], data.draw), page) in (Quote.FOUND, Quote.NO_QUOTE)


@given(cuttings(), st.data())
def test_the_place_told_holds_the_words(cutting: tuple[str, str], data: st.DataObject) -> None:
    """
    An offset that is one off shows other words.
    """
    page, quotation = cutting
    page = typeset(page, data.draw)
    found = locate(quotation, text_of(page))

    if found.result is Quote.FOUND:
        assert found.start is not None
        assert found.end is not None
        there = normalise(page[found.start : found.end]).strip(" .,;:!?'")
        assert there == normalise(quotation).strip(" .,;:!?'")


_tricky = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "’“»…–—−ﬁßİıŉǰΐςΣſ´`¨½²①\u00ad\u200b\u0301\u0308 \u00a0\n-'\".,[1]5٣中あไ가ﾞ\u0640"
        ),
    ),
    max_size=60,
)


@given(_tricky)
def test_levelling_twice_is_levelling_once(text: str) -> None:
    """
    Stored words are levelled again whenever they are compared.
    """
    once = normalise(text)

    assert normalise(once) == once


@given(_tricky)
def test_every_levelled_character_has_a_place_in_the_text(text: str) -> None:
    """
    The way back must not leave the text, nor go backwards.
    """
    page = levelled(text)
    places = [page.origin(place, place + 1) for place in range(len(page.text))]

    assert all(0 <= start < end <= len(text) for start, end in places)
    assert places == sorted(places)


# ---- one change at a time ----------------------------------------------------------------

DIGIT = re.compile(r"\d")
NAME = re.compile(r"(?<![^\W_])[A-ZÄÖÜА-ЯΑ-Ω][^\W\d_]{2,}")
NEGATIONS = {
    "en": "not nobody never denied", "de": "nicht niemand nie", "fr": "pas personne jamais sans",
    "ru": "не никто никогда", "el": "δεν κανείς", "tr": "hiç", "ar": "لم", "he": "לא מעולם",
    "fa": "هرگز هیچ‌کس", "hi": "नहीं कभी", "vi": "không chưa", "zh": "没有 从未", "ja": "ず ない",
    "th": "ไม่", "ko": "않았",
}  # fmt: skip


@pytest.mark.parametrize("lang", EVERY)
def test_no_digit_may_change(lang: str) -> None:
    """
    Of all that could be misquoted, numbers are what people look up.
    """
    page = EVERY[lang]
    for found in DIGIT.finditer(page):
        for other in {"0", "7", "8"} - {str(unicodedata.decimal(found[0]))}:
            changed = page[: found.start()] + other + page[found.end() :]
            for quotation in around(changed, found.start(), found.start() + 1):
                assert result(quotation, page) is not Quote.FOUND
        left_out = page[: found.start()] + page[found.end() :]
        assert result(left_out, page) is Quote.ALTERED


@pytest.mark.parametrize("lang", PAGES)
def test_no_name_may_change(lang: str) -> None:
    """
    Who said it is what is said.
    """
    page = PAGES[lang]
    for found in NAME.finditer(page):
        for other in ("Zuse", found[0][:-1] + "x", found[0] + "s", ""):
            if not other and not page[: found.start()]:
                continue  # that only crops it
            changed = page[: found.start()] + other + page[found.end() :]
            end = found.start() + len(other)
            for quotation in around(changed, found.start(), end) if other else (changed,):
                assert result(quotation, page) is not Quote.FOUND


@pytest.mark.parametrize("lang", NEGATIONS)
def test_no_negation_may_go_or_come(lang: str) -> None:
    """
    One small word makes the opposite, and every other word is the same.
    """
    page = EVERY[lang]
    places = [
        found.span()
        for word in NEGATIONS[lang].split()
        for found in re.finditer(re.escape(word), page, re.IGNORECASE)
        if lang not in PAGES or lang == "ko" or not page[found.end() : found.end() + 1].isalpha()
    ]
    assert places
    for start, end in places:
        without = page[:start] + page[end:].lstrip(" ")
        assert result(without, page) is Quote.ALTERED
        assert result(page, without) is Quote.ALTERED


def changes(quotation: str, lang: str) -> Iterator[str]:
    """*quotation* with one digit, name or negation changed; what is in brackets is the quoter's."""
    bracketed = [range(*found.span()) for found in re.finditer(r"\[[^\]]*\]", quotation)]

    def free(place: int) -> bool:
        return not any(place in span for span in bracketed)

    for found in DIGIT.finditer(quotation):
        if free(found.start()):
            other = str((int(found[0]) + 1) % 10)
            yield quotation[: found.start()] + other + quotation[found.end() :]
    for found in NAME.finditer(quotation):
        if free(found.start()):
            yield f"{quotation[: found.start()]}Zuse{quotation[found.end() :]}"
    name = negations.language_of(normalise(quotation), lang)
    for found in re.finditer(r"(?<=\w\s)\S+ (?=\w)", quotation):
        if free(found.start()) and negations.negations(normalise(found[0]), name):
            yield quotation[: found.start()] + quotation[found.end() :]


@pytest.mark.parametrize("half", ["apart", "known"])
def test_no_digit_name_or_negation_of_the_corpus_may_change(half: str) -> None:
    """
    One at a time, in every quotation that is found: none of them may be found then.
    """
    changed = 0
    for pair in pairs(half):
        if pair.label != "found" or len(pair.content) > 50_000:
            continue
        seen = extract(pair.content, pair.content_type)
        for quotation in changes(pair.quote, pair.lang):
            changed += 1
            found = locate(quotation, seen, kind=pair.kind, lang=pair.lang)
            assert found.result is not Quote.FOUND, (pair.id, quotation, found.reason)
    assert changed > 150


def around(text: str, start: int, end: int) -> tuple[str, ...]:
    """What may be quoted of *text* with the change in it: all, a few words, the word."""
    left = text.rfind(" ", 0, max(0, start - 25)) + 1
    right = text.find(" ", min(len(text), end + 25))
    near = text[left : right if right != -1 else None]
    return text, near
