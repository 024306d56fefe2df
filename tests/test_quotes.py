"""Finding a quotation: typography must not hide the words, and no other words may pass for them."""

from __future__ import annotations

import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from verifier.quotes import CONTEXT, fragment_url, locate, normalise
from verifier.records import Finding, Quote, Text


def text_of(visible: str, unreadable: str = "") -> Text:
    return Text(visible=visible, main="", title="", sha256="", version=1, unreadable=unreadable)


def finding(quotation: str, page: str) -> Finding:
    return locate(quotation, text_of(page))


def is_found(quotation: str, page: str) -> bool:
    return finding(quotation, page).result is Quote.FOUND


# ---- typography --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quotation", "page"),
    [
        ("the words themselves", "Here are the words themselves, in full."),
        ("The Words THEMSELVES", "the words themselves"),
        ("the words themselves", "the\n   words\u00a0\tthemselves"),
        ('it\'s "plain" now', "It’s “plain” now"),
        ("it’s «plain» now", 'it\'s "plain" now'),
        ("„so“ he said", "“so” he said"),
        ("the people’s choice", "the peopleʼs choice"),
        ("a – b", "a — b"),
        ("2019-2020", "2019–2020"),
        ("well-known", "well\u2011known"),
        ("minus −5", "minus -5"),
        ("the official office", "the oﬃcial oﬃce"),
        ("cooperation", "co\u00adoperation"),
        ("zero width", "zero\u200b width\ufeff"),
        ("and so on...", "and so on…"),
        ("café", "cafe\u0301"),
        ("STRASSE", "Straße"),
        ("１２３ full", "123 full"),
        ("“They said so.”", "They said so, again"),
        ("… they said so …", "Yes: they said so!"),
        ("they said so", "(they said so)"),
        ("我们的世界", "因为我们的世界是圆的"),
        ("เราอยู่", "ที่นี่เราอยู่ด้วยกัน"),
    ],
)
def test_words_are_found_whatever_the_typography(quotation: str, page: str) -> None:
    """
    Spaces, hyphens, quotation marks, ligatures and case are the typesetter's, not the author's.
    """
    assert is_found(quotation, page)
    assert finding(quotation, page).reason.startswith("verbatim: ")


@pytest.mark.parametrize(
    ("quotation", "page"),
    [
        ("grew by 5 per cent", "grew by 6 per cent"),
        ("grew by 5 per cent", "grew by 15 per cent"),
        ("5 per cent more", "grew by 2.5 per cent more"),
        ("5 per cent more", "grew by 2,5 per cent more"),
        ("500 people", "1,500 people"),
        ("500 people", "1'500 people"),
        ("grew by 1", "grew by 1.5 per cent"),
        ("grew by 1.", "grew by 1,000"),
        (".5 per cent", "5 per cent"),
        ("5 degrees", "at -5 degrees"),
        ("5 degrees", "at −5 degrees"),
        ("in 2019", "in 20195"),
        ("it is effective", "it is not effective"),
        ("is effective", "is ineffective"),
        ("effective", "ineffective"),
        ("violent protest", "a non-violent protest"),
        ("this drink is sugar", "this drink is sugar-free"),
        ("it is harm", "it is harmless"),
        ("是有效的", "这不是有效的"),
        ("the cat", "the caterpillar"),
        ("rest of it", "the forest of it"),
        ("the words themselves", "the words, themselves"),
        ("the words themselves", "themselves the words"),
        ("हिन्द", "हिन्दी"),
        ("a longer quotation than the page", "a longer quotation"),
    ],
)
def test_other_words_are_never_found(quotation: str, page: str) -> None:
    """
    A digit, a sign or a negation more is another statement: "found" would certify a falsehood.
    """
    assert finding(quotation, page).result in (Quote.ALTERED, Quote.ABSENT)


@pytest.mark.parametrize(
    ("quotation", "page"),
    [
        (".5 per cent", "only .5 per cent"),
        ("...5 people", "there were 5 people"),
        ("5 people", "the toll—5 people—rose"),
        ("5 people", "in 2019, 5 people"),
        ("grew by 5", "it grew by 5. Then it fell"),
        ("-5 degrees", "at −5 degrees"),
        ("known author", "a well-known author"),
        ("five people died", "the toll—five people died—rose"),
        ("effective", "ineffective at first, and effective later"),
        ("the year 15", "15年は the year 15"),
    ],
)
def test_care_with_numbers_does_not_hide_true_words(quotation: str, page: str) -> None:
    """
    The guards against other numbers must not cost the plain cases.
    """
    assert is_found(quotation, page)


@pytest.mark.parametrize("quotation", ["", " ", "\n\t", "…", '""', "“ … ”", " .,; "])
def test_no_words_are_no_quotation(quotation: str) -> None:
    """
    The empty string stands in every text: finding it would be a lie.
    """
    assert finding(quotation, "any page").result is Quote.NO_QUOTE


@pytest.mark.parametrize("why", ["empty", "scan"])
def test_a_page_without_words_is_unreadable(why: str) -> None:
    """
    A scan has no words, which is no proof that it lacks these.
    """
    found = locate("words", text_of("", unreadable=why))

    assert found.result is Quote.UNREADABLE
    assert found.reason.startswith("no-text: ")
    assert finding("words", " \n ").result is Quote.UNREADABLE


def test_a_page_that_was_not_read_decides_nothing() -> None:
    """
    What this version cannot read yet, a later one may.
    """
    found = locate("words", text_of("", unreadable="not read"))

    assert found.result is Quote.UNCHECKED
    assert found.reason == "not-read: no text could be had (not read)"


def test_the_passage_has_the_words_with_what_stands_around_them() -> None:
    """
    A reader judges by the context; a whole page would be a copy.
    """
    page = "before " * 400 + "the words themselves" + " after" * 400
    found = finding("The words themselves", page)

    assert found.start == len("before ") * 400
    assert "before the words themselves after" in found.passage
    assert len(found.passage) == 2 * CONTEXT + len("the words themselves")
    assert finding("words", "words").passage == "words"


_tricky = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "’“”«»…–—−ﬁﬀßİıŉǰΐςΣſ´`¨ͅᾳ½²①\u00ad\u200b\u0301\u0345\u0308 \u00a0\n-'\"ℌ가각"
        ),
    ),
    max_size=40,
)


@given(_tricky)
def test_normalising_twice_is_normalising_once(text: str) -> None:
    """
    Stored texts are normalised again when they are compared.
    """
    once = normalise(text)

    assert normalise(once) == once
    assert once == once.strip()
    assert "  " not in once


@given(_tricky)
def test_normalising_ignores_how_characters_are_composed(text: str) -> None:
    """
    The same letters come in two encodings, and the reader sees no difference.
    """
    assume("\u0345" not in unicodedata.normalize("NFD", text))  # its place among marks may move

    assert normalise(unicodedata.normalize("NFD", text)) == normalise(
        unicodedata.normalize("NFC", text)
    )


_words = st.lists(
    st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), min_size=1, max_size=9), min_size=1
)


@given(_words, _words, _words)
def test_whole_words_of_a_page_are_always_found_there(
    before: list[str], quoted: list[str], after: list[str]
) -> None:
    """
    Quoting word for word must be recognised, wherever it stands.
    """
    page = " ".join([*before, *quoted, *after])

    assert is_found(" ".join(quoted), page)
    assert is_found("“" + " ".join(quoted).upper() + "”", page.replace(" ", "\u00a0"))


@given(_words, st.data())
def test_a_letter_less_or_more_is_never_found(quoted: list[str], data: st.DataObject) -> None:
    """
    Every single change of a letter makes other words.
    """
    words = " ".join(quoted)
    place = data.draw(st.integers(0, len(words) - 1))
    changed = words[:place] + "ä" + words[place + 1 :]

    assert not is_found(words, changed)
    assert not is_found(words, f"x{words}")
    assert not is_found(words, f"{words}x")


# ---- the address with the words ----------------------------------------------------------

PAGE = "https://a.example/page?x=1#part"


def test_a_short_quotation_is_pointed_at_word_for_word() -> None:
    """
    The browser scrolls to it: the reader need not search.
    """
    assert fragment_url(PAGE, "so they said") == (
        "https://a.example/page?x=1#:~:text=so%20they%20said"
    )


def test_a_long_quotation_is_pointed_at_by_its_ends() -> None:
    """
    An address has no room for a paragraph; its first and last words mark it as well.
    """
    words = " ".join(f"w{place}" for place in range(30))

    assert fragment_url(PAGE, words).endswith("#:~:text=w0%20w1%20w2%20w3,w26%20w27%20w28%20w29")


@given(st.text(max_size=60))
def test_signs_with_a_meaning_in_the_directive_are_encoded(quotation: str) -> None:
    """
    A hyphen, comma or ampersand of the quotation would cut the directive in two.
    """
    directive = fragment_url(PAGE, quotation).partition("#:~:text=")[2]

    assert directive.isascii()
    assert "-" not in directive
    assert "&" not in directive
    assert directive.count(",") <= 1
    if directive and "," not in directive:
        assert unquote(directive) in " ".join(quotation.split())


def test_nothing_is_pointed_at_without_words_or_address() -> None:
    """
    An empty directive is a broken link.
    """
    assert fragment_url(PAGE, " … ") == PAGE
    assert fragment_url("", "words") == ""
