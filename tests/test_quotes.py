"""Finding a quotation: typography must not hide the words, and no other words may pass for them."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from verifier.quotes import CONTEXT, SKIP, changed_around, fragment_url, locate, normalise
from verifier.records import Finding, Quote, QuoteKind, Text
from verifier.text import extract


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
        ("cooperation of experts", "the co-\noperation of ex\u00ad\nperts"),
        ("a state-of-the-art machine", "a state-of-\nthe-art ma-\n   chine"),
        ("pre- and post-war years", "the pre-\nand post-war years"),
        ("the co-\noperation of experts", "the cooperation of experts"),
        ("Anglo-Saxon law", "old Anglo-\nSaxon law"),
        ("well known authors", "by well-known authors"),
        ("the toll – five people – rose", "the toll—five people—rose"),
        ("he said we must go", "he said: “‘we must’ go”".replace(":", "")),
        ("« les exécutions » : 50 %", "reconnu «les exécutions»: 50% des cas"),
        ("the number of prisoners remains", "the number of prisoners[12] remains"),
        ("他说「你好」，2020年", "昨天他说“你好”, 2020 年"),
        ("رفضت السلطات عام 1988", "رَفَضَتِ السُّلُطاتُ عــام ١٩٨٨"),
        ("این کتاب ۱۲۳", "اين كتاب 123"),
        ("می شود گفت", "همچنین می‌شود گفت"),
        ("می‌شود گفت", "همچنین می شود گفت"),
        ("השלטונות סירבו", "הַשִּׁלְטוֹנוֹת סירבו\u200f לחשוף"),
        ("١٩٨٨ and १९८८", "1988 and 1988"),
        ("ISPARTA'DA IŞIK", "Isparta'da ışık yandı"),
        ("10² people", "about 10² people"),
        ("of the people", "of the people² there"),
        ("all the people there", "all the people² there"),
        ("The authorities have known", "The authorities7 have known"),
        ("le coeur du bourg", "le cœur du bourg"),
        ("Cæsar's œuvre", "Caesar’s oeuvre"),
        ("kost €83.000 of $5", "het kost € 83.000 of $\u00a05"),
        ("12€ at -3°C", "12 € at -3 °C"),
        ("the gov-\fernments agree", "the governments agree"),
        ("cooperation by e-mail, extrajudicially", "Co-operation by email, extra-judicially"),
        ("by evening / and by night", "by evening\nand by night"),
        ("12500 € par an", "12 500 € par an"),
        ("12.500 prisoners", "about 12500 prisoners"),
        ("ein 1'250 Meter", "ein 1250 Meter"),
        ("62 заключенных", "62 заключённых"),
        ("زندانى", "یک زندانی"),
        ("نامه‌ی هیأت", "به نامهٔ هیأت"),
        ("نامه هیأت", "به نامهٔ هیأت"),
        ("Ο ΠΛΟΙΑΡΧΟΣ ΜΑΝΩΛΗΣ ΡΗΓΑΣ ΔΕΝ", "Ο πλοίαρχος Μανώλης Ρήγας δεν είπε"),
        ("l'état d'urgence reconnu", "L’ETAT D’URGENCE RECONNU"),
    ],
)
def test_words_are_found_whatever_the_typography(quotation: str, page: str) -> None:
    """
    Spaces, hyphens, quotation marks, ligatures and case are the typesetter's, not the author's.
    """
    told = finding(quotation, page)

    assert told.result is Quote.FOUND
    assert told.reason.startswith("verbatim: ")
    assert told.start is not None
    assert told.end is not None
    assert normalise(page[told.start : told.end])[:1] in normalise(quotation)


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
        ("12500 people", "12 600 people"),
        ("the minister resigned", "the minister re-signed"),
        ("l'etat d'urgence", "l’état d’urgence"),
        ("the 1988 killings", "the 1 989 killings"),
        ("4.5 tonnes", "45 tonnes"),
        ("500 people were there", "1 500 people were there"),
        ("it grew by 1", "it grew by 1 500"),
        ("三人在事故中死亡", "十三人在事故中死亡"),
        ("on sınır ihlali yapıldı", "on sinir ihlali yapıldı"),
        ("102 people were there", "10² people were there"),
        ("the minister resigned", "the ex-minister resigned"),
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


@pytest.mark.parametrize("why", ["empty", "scan", "encrypted", "garbled", "damaged"])
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


def test_the_passage_is_the_pages_own_words_with_what_stands_around_them() -> None:
    """
    A reader judges by the context, in the page's spelling; a whole page would be a copy.
    """
    page = "Before — “it” " * 400 + "The  words\nTHEMSELVES" + " after" * 400
    found = finding("the words themselves", page)

    assert found.start == len("Before — “it” ") * 400
    assert found.end is not None
    assert page[found.start : found.end] == "The  words\nTHEMSELVES"
    assert found.passage == page[found.start - CONTEXT : found.end + CONTEXT]
    assert finding("words", "words").passage == "words"


def test_the_page_of_a_text_with_pages_is_told() -> None:
    """
    A maintainer opens a PDF of two hundred pages at the right one.
    """
    pdf = replace(text_of("one two here are the words"), pages=(0, 4, 8))

    assert locate("here are the words", pdf).page == 3
    assert locate("two", pdf).page == 2
    assert finding("the words", "here are the words").page is None


def test_what_was_not_read_to_its_end_lacks_nothing() -> None:
    """
    The words may stand in the rest: "absent" would accuse somebody of our own limit.
    """
    cut = replace(text_of("It begins with other things entirely."), cut=True)
    found = locate("the farmers were killed near the lake in May", cut)

    assert found.result is Quote.UNCHECKED
    assert found.reason.startswith("cut: ")


# ---- parts, and what the quoter put in ---------------------------------------------------

REPORT = (
    "The committee met in Geneva. The authorities have not treated the killings as state secrets, "
    "although many people were buried in unmarked mass graves. Families said that they had waited "
    "thirty years for an answer. In 1988 at least 2,500 prisoners died; the minister, Ali Razmara, "
    "denied it. The report was published on 3 September 2020 and it may amount to an accusation. "
    "We must act now."
)


@pytest.mark.parametrize(
    "quotation",
    [
        "Families said … waited thirty years for an answer",
        "Families said [...] waited thirty years for an answer",
        "Families said (…) waited thirty years for an answer",
        "Families said . . . waited thirty years for an answer",
        "The committee met in Geneva. […] Families said that they had waited",
        "many people were buried in unmarked … graves. Families said … for an answer",
        "[The authorities] have not treated the killings as state secrets",
        "The [Iranian] authorities have not treated the killings as state secrets",
        "The authorities have not treated [them] as state secrets",
        "[T]he authorities have not treat[ed] the killings [sic] as state secrets",
        "In 1988 at least 2,500 prisoners died [in Iran]",
    ],
)
def test_what_the_quoter_left_out_or_put_in_is_the_quoters(quotation: str) -> None:
    """
    Ellipses and square brackets are how one quotes honestly.
    """
    found = finding(quotation, REPORT)

    assert found.result is Quote.FOUND
    assert found.reason.startswith(("in-parts: ", "with-brackets: ", "verbatim: "))


def test_what_was_left_out_and_put_in_is_told() -> None:
    """
    The reader sees what the ellipsis hides without opening the page.
    """
    found = finding("Families said … waited [more than] thirty years for an answer", REPORT)

    assert "left out: “that they had”" in found.reason
    assert "put in: “more than”" in found.reason
    assert "that they had waited" in found.passage


@pytest.mark.parametrize(
    ("quotation", "rule"),
    [
        ("The authorities have … treated the killings as state secrets", "turned"),
        ("treated the killings as state secrets … buried in unmarked mass graves", "turned"),
        ("The report was published on 3 September 2020 … amount to an accusation", "turned"),
        ("The committee met in Geneva … many people were buried in unmarked graves", "reworded"),
        ("people were buried in unmarked … they had waited thirty years", "spliced"),
        ("waited thirty years for an answer … many people were buried", "apart"),
        ("The authorities have [indeed] treated the killings as state secrets", "reworded"),
        ("The authorities have not treated the killings as [no] state secrets", "reworded"),
        ("In [1989] at least 2,500 prisoners died", "reworded"),
    ],
)
def test_a_gap_that_turns_what_is_said_is_an_alteration(quotation: str, rule: str) -> None:
    """
    The oldest way to lie with true words.
    """
    found = finding(quotation, REPORT)

    assert found.result is Quote.ALTERED
    assert found.reason.startswith(f"{rule}: ")
    assert found.source_says


@pytest.mark.parametrize(
    ("quotation", "page"),
    [
        (
            "Les autorités ont … reconnu les exécutions",
            "Les autorités ont peu ou pas reconnu les exécutions",
        ),
        (
            "Die Behörden haben … die Morde zugegeben",
            "Die Behörden haben bis heute nie die Morde zugegeben",
        ),
        (
            "Las autoridades … reconocieron los crímenes",
            "Las autoridades del país no reconocieron los crímenes",
        ),
        (
            "Власти страны … признали эти убийства",
            "Власти страны до сих пор не признали эти убийства",
        ),
        (
            "السلطات في البلاد … تعترف بالقتل",
            "السلطات في البلاد حتى اليوم لم تعترف بالقتل",
        ),
        (
            "联合国专家表示，这些处决……构成危害人类罪",
            "联合国专家表示，这些处决并不构成危害人类罪",
        ),
        (
            "정부는 그 사건을 … 공식 발표했다",
            "정부는 그 사건을 인정하지 않고 공식 발표했다",
        ),
        (
            "सरकार ने सभी आरोपों … स्वीकार किया",
            "सरकार ने सभी आरोपों को कभी नहीं स्वीकार किया",
        ),
        (
            "Le autorità del paese … hanno ammesso tutto",
            "Le autorità del paese però non hanno ammesso tutto",
        ),
        (
            "Hükümet bu iddiaları … kabul etti",
            "Hükümet bu iddiaları hiç araştırmadan kabul etti",
        ),
        (
            "Myndigheterna i landet … erkände morden",
            "Myndigheterna i landet har aldrig erkände morden",
        ),
        (
            "Władze kraju … przyznały się do winy",
            "Władze kraju nigdy nie przyznały się do winy",
        ),
        (
            "Povjerenstvo je … objavilo imena mrtvih u izvješću",
            "Povjerenstvo je odlučilo da se ne objavilo imena mrtvih u izvješću",
        ),
        (
            "Комисија … објавила имена мртвих у извештају",
            "Комисија до данас није објавила имена мртвих у извештају",
        ),
        (
            "Комисията … обяви имената на мъртвите и мястото",
            "Комисията до днес не обяви имената на мъртвите и мястото",
        ),
        (
            "Obžalovaný … zabil oba vězně v noci na pátek",
            "Obžalovaný nepřiznal, že zabil oba vězně v noci na pátek. To řekl soud, který o tom "
            "jednal v Praze, a jeho mluvčí byl při tom, jak se o všem mluvilo.",
        ),
        (
            "Komisjon … avaldanud hukkunute nimesid ja kohta",
            "Komisjon ei ole tänaseni avaldanud hukkunute nimesid ja kohta",
        ),
        (
            "El comitè … va publicar els noms dels morts",
            "El comitè de la ciutat mai no va publicar els noms dels morts",
        ),
        (
            "Komisioni … publikoi emrat e të vdekurve në raport",
            "Komisioni deri më sot nuk publikoi emrat e të vdekurve në raport",
        ),
        (
            "კომისიამ … გამოაქვეყნა დაღუპულთა სახელები",
            "კომისიამ დღემდე არ გამოაქვეყნა დაღუპულთა სახელები",
        ),
        (
            "دادگاه … حکم اعدام زندانیان را تایید کرد",
            "دادگاه نپذیرفت که حکم اعدام زندانیان را تایید کرد",
        ),
        (
            "The minister … had ordered the hangings of that summer",
            "The minister rejected claims that he had ordered the hangings of that summer",
        ),
        (
            "The guard … killed two of the prisoners that night",
            "The guard is accused of having killed two of the prisoners that night",
        ),
    ],
)
def test_a_hidden_negation_is_seen_in_many_languages(quotation: str, page: str) -> None:
    """
    Sources are cited in the languages of the world.
    """
    assert finding(quotation, page).result is Quote.ALTERED


@pytest.mark.parametrize(
    ("quotation", "page"),
    [
        (
            "Obžalovaný … zabil oba vězně v noci",
            "Obžalovaný podle všech zpráv zabil oba vězně v noci",
        ),
        (
            "Soud v Praze … vynesl rozsudek nad oběma",
            "Soud v Praze v neděli vynesl rozsudek nad oběma",
        ),
        ("The board … sold the old pier", "The board of the town sold the old pier"),
    ],
)
def test_a_word_that_only_looks_like_a_negation_turns_nothing(quotation: str, page: str) -> None:
    """
    Czech denies by a syllable, and "neděle" is a Sunday.
    """
    assert finding(quotation, page).result is Quote.FOUND


def test_a_power_is_no_number_with_a_digit_more() -> None:
    """
    Raised digits lose their place with their markup: 10⁶ cells are not 106.
    """
    page = extract(
        b"<html><body><p>There were 10<sup>6</sup> cells in the first sample.</p></body></html>",
        "text/html",
    )

    assert locate("There were 106 cells in the first sample", page).result is Quote.ALTERED
    assert locate("There were 10\u2076 cells in the first sample", page).result is Quote.FOUND


def test_parts_far_from_each_other_were_not_said_together() -> None:
    """
    From a long page, any sentence could be made.
    """
    near = f"We condemn the killings {'yes ' * 100}and we demand an inquiry"
    far = f"We condemn the killings {'yes ' * (SKIP // 4 + 1)}and we demand an inquiry"

    assert is_found("We condemn the killings … and we demand an inquiry", near)
    assert finding("We condemn the killings … and we demand an inquiry", far).result is (
        Quote.ALTERED
    )


# ---- other words -------------------------------------------------------------------------

PAIRS = [
    ("en", "The committee condemned the killing of twelve farmers near Lake Sevan on 3 May 2019",
     "The panel condemned the murder of twelve peasants near Lake Sevan on 3 May 2019"),
    ("de", "Der Ausschuss verurteilte die Tötung von zwölf Bauern am 3. Mai 2019 nahe Jerewan",
     "Der Ausschuss verurteilte den Mord an zwölf Landwirten am 3. Mai 2019 nahe Jerewan"),
    ("fr", "Le comité a condamné le meurtre de douze paysans près du lac le 3 mai 2019",
     "Le comité a condamné l’assassinat de douze fermiers près du lac le 3 mai 2019"),
    ("es", "El comité condenó el asesinato de doce campesinos cerca del lago el 3 de mayo de 2019",
     "El comité condenó la muerte de doce agricultores cerca del lago el 3 de mayo de 2019"),
    ("it", "Il comitato ha condannato l’uccisione di dodici contadini presso il lago nel 2019",
     "Il comitato ha condannato l’omicidio di dodici agricoltori presso il lago nel 2019"),
    ("pl", "Komitet potępił zabójstwo dwunastu rolników w pobliżu jeziora w maju 2019 roku",
     "Komitet potępił morderstwo dwunastu chłopów w pobliżu jeziora w maju 2019 roku"),
    ("ru", "Комитет осудил убийство двенадцати крестьян у озера Севан в мае 2019 года",
     "Комитет осудил гибель двенадцати фермеров у озера Севан в мае 2019 года"),
    ("tr", "Komite, Mayıs 2019’da göl kıyısında on iki çiftçinin öldürülmesini kınadı",
     "Komite, Mayıs 2019’da göl kıyısında on iki köylünün katledilmesini kınadı"),
    ("ar", "أدانت اللجنة مقتل اثني عشر مزارعا قرب البحيرة في مايو 2019",
     "أدانت اللجنة اغتيال اثني عشر فلاحا قرب البحيرة في مايو 2019"),
    ("fa", "کمیته کشتار دوازده کشاورز در نزدیکی دریاچه در سال ۲۰۱۹ را محکوم کرد",
     "کمیته قتل دوازده دهقان در نزدیکی دریاچه در سال ۲۰۱۹ را محکوم کرد"),
    ("he", "הוועדה גינתה את הריגתם של שנים עשר חקלאים ליד האגם במאי 2019",
     "הוועדה גינתה את רציחתם של שנים עשר איכרים ליד האגם במאי 2019"),
    ("hi", "समिति ने मई 2019 में झील के पास बारह किसानों की हत्या की निंदा की",
     "समिति ने मई 2019 में झील के पास बारह मजदूरों की मौत की निंदा की"),
    ("zh", "委员会谴责2019年5月在湖边杀害十二名农民的行为",
     "委员会谴责2019年5月在湖边谋杀十二名村民的行为"),
    ("ja", "委員会は2019年5月に湖の近くで農民十二人が殺害されたことを非難した",
     "委員会は2019年5月に湖の近くで村人十二人が殺されたことを非難した"),
    ("ko", "위원회는 2019년 5월 호수 근처에서 농부 열두 명이 살해된 것을 규탄했다",
     "위원회는 2019년 5월 호수 근처에서 주민 열두 명이 살해된 것을 비난했다"),
    ("th", "คณะกรรมการประณามการสังหารชาวนาสิบสองคนใกล้ทะเลสาบในปี 2019",
     "คณะกรรมการประณามการฆาตกรรมชาวบ้านสิบสองคนใกล้ทะเลสาบในปี 2019"),
]  # fmt: skip
"""A sentence, and the same with some words changed for others, in 16 languages."""

UNRELATED = {
    "en": "The market opens each morning at seven and sells bread, cheese and fruit from the hills",
    "de": "Der Markt öffnet jeden Morgen um sieben und verkauft Brot, Käse und Obst aus den Bergen",
    "fr": "Le marché ouvre chaque matin à sept heures et vend du pain, du fromage et des fruits",
    "es": "El mercado abre cada mañana a las siete y vende pan, queso y fruta de la montaña",
    "it": "Il mercato apre ogni mattina alle sette e vende pane, formaggio e frutta di montagna",
    "pl": "Targ otwiera się co rano o siódmej i sprzedaje chleb, ser i owoce z gór",
    "ru": "Рынок открывается каждое утро в семь часов, там продают хлеб, сыр и фрукты с гор",
    "tr": "Pazar her sabah yedide açılır; ekmek, peynir ve dağdan gelen meyveler satılır",
    "ar": "يفتح السوق كل صباح في الساعة السابعة ويبيع الخبز والجبن والفواكه من الجبال",
    "fa": "بازار هر روز صبح ساعت هفت باز می‌شود و نان و پنیر و میوه می‌فروشد",
    "he": "השוק נפתח בכל בוקר בשעה שבע ומוכרים בו לחם, גבינה ופירות מן ההרים",
    "hi": "बाज़ार हर सुबह सात बजे खुलता है और वहाँ रोटी, पनीर तथा पहाड़ी फल बिकते हैं",
    "zh": "市场每天早上七点开门，出售面包、奶酪和山里的水果",
    "ja": "市場は毎朝七時に開き、パンやチーズ、山の果物を売っている",
    "ko": "시장은 매일 아침 일곱 시에 열리며 빵과 치즈와 산에서 온 과일을 판다",
    "th": "ตลาดเปิดทุกเช้าเวลาเจ็ดโมงและขายขนมปัง ชีส และผลไม้จากภูเขา",
}


@pytest.mark.parametrize(("lang", "true", "spun"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_the_same_in_other_words_is_altered_and_shown(lang: str, true: str, spun: str) -> None:
    """
    The reader sees both side by side, and what was changed.
    """
    page = f"{UNRELATED[lang]}. {true}. {UNRELATED[lang]}."
    found = finding(spun, page)

    assert found.result is Quote.ALTERED
    assert found.source_says in page
    assert true in found.source_says or found.source_says in true
    assert found.score is not None
    assert 40 < found.score < 95
    assert found.start is not None
    assert found.difference
    for op, cited, said in found.difference:
        assert op in ("replace", "delete", "insert")
        assert cited in spun
        assert said in page
    assert finding(true, page).result is Quote.FOUND


@pytest.mark.parametrize(("lang", "true", "spun"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_what_is_nowhere_near_is_absent(lang: str, true: str, spun: str) -> None:
    """
    A passage that only shares small words is no other wording of it.
    """
    found = finding(spun, f"{UNRELATED[lang]}. {UNRELATED[lang]}!")

    assert found.result is Quote.ABSENT
    assert found.reason.startswith("absent: ")
    assert "the best score is " in found.reason
    assert found.source_says == ""


@pytest.mark.parametrize("lang", ["en", "ar", "zh", "th"])
def test_the_passage_is_found_in_the_middle_of_a_long_page(lang: str) -> None:
    """
    The same words stand all over a long page; only one place has them together.
    """
    true, spun = next((true, spun) for name, true, spun in PAIRS if name == lang)
    gap = "" if lang in ("zh", "th") else " "
    words = true.split() if gap else list(true)
    filler = gap.join(words[::-2] + list(UNRELATED[lang])) + "。"
    page = filler * 400 + true + "。" + filler * 400
    found = finding(spun, page)

    assert found.result is Quote.ALTERED
    assert true in found.source_says or found.source_says in true


def test_the_reason_says_what_was_changed() -> None:
    """
    One sentence, and the maintainer knows what to mend.
    """
    found = finding(
        "into mass disappearances and abstract executions in Iran in 1988",
        "An inquiry into mass disappearances and summary executions in Iran in 1988 began.",
    )

    assert found.difference == (("replace", "abstract", "summary"),)
    assert "cited “abstract”, the source says “summary”" in found.reason


def test_words_that_stand_there_only_within_others_are_told_so() -> None:
    """
    "The same words" would puzzle a reader who sees no difference.
    """
    found = finding("500 people were there", "In all, 1 500 people were there.")

    assert found.result is Quote.ALTERED
    assert "“1 500 people were there.”" in found.reason


@pytest.mark.parametrize(
    ("quotation", "expected"),
    [
        ("prisoners died", Quote.FOUND),
        ("We must act", Quote.FOUND),
        ("prisoners fled", Quote.ABSENT),
        ("the minister confirmed", Quote.ABSENT),
        ("green tea", Quote.ABSENT),
        ("denied", Quote.FOUND),
        ("den", Quote.ABSENT),
        ("act … now", Quote.ABSENT),
        ("2,600 prisoners died", Quote.ALTERED),
        ("on 4 September", Quote.ALTERED),
    ],
)
def test_few_words_are_found_whole_or_not_at_all(quotation: str, expected: Quote) -> None:
    """
    Two words of a three-word quotation stand on any page: that accuses nobody.
    """
    assert finding(quotation, REPORT).result is expected


@pytest.mark.parametrize("kind", [QuoteKind.PARAPHRASE, QuoteKind.TITLE, QuoteKind.TRANSLATION])
def test_only_verbatim_quotations_are_held_to_the_words(kind: QuoteKind) -> None:
    """
    A translation is never word for word in the source: nobody is accused of that.
    """
    page = text_of(REPORT)
    near = locate("Relatives said they had waited thirty years for a reply", page, kind=kind)

    assert near.result is Quote.NOT_COMPARABLE
    assert near.reason.startswith("not-comparable: ")
    assert "waited thirty years for an answer" in near.source_says
    assert locate("Der Markt öffnet morgens", page, kind=kind).result is Quote.NOT_COMPARABLE
    assert locate("We must act now", page, kind=kind).result is Quote.FOUND


@pytest.mark.parametrize(
    ("quotation", "page", "word"),
    [
        ("Dat voorstel haalde het.", "Dat voorstel haalde het niet. Volgens de raad", "niet"),
        ("He did.", "They say he did not. It rained.", "not"),
        ("“Stop for fog”, he said.", "“We never stop for fog”, he said.", "never"),
        ("„היה לי רישיון”, אמר", "„מעולם לא היה לי רישיון”, אמר", "לא"),
        ("“Prisoners were tried.”", "No prisoners were tried. It rained.", "no"),
        ("[P]risoners were tried", "In June not prisoners were tried but guards", "not"),
        ("Das Haus ist alt!", "Das Haus ist alt nicht, sondern neu", "nicht"),
        ("all were thieves … unlawful men", "Nobody believes that all were thieves; they were "
         "for the most part unlawful men.", "nobody"),
    ],
)  # fmt: skip
def test_a_sentence_cut_behind_its_negation_is_an_alteration(
    quotation: str, page: str, word: str
) -> None:
    """
    Who adds a capital or a full stop makes a sentence; made so, it says the opposite.
    """
    told = finding(quotation, page)

    assert told.result is Quote.ALTERED
    assert f"“{word}”" in told.reason
    assert word in told.source_says.lower() or word in told.passage.lower()


@pytest.mark.parametrize(
    ("quotation", "page"),
    [
        ("He did.", "They say he did. Not one of us saw it."),
        ("he did", "They say he did not."),
        ("prisoners were tried", "No prisoners were tried."),
        ("Prisoners were tried.", "In June prisoners were tried."),
        ("Iranians were tried.", "No Iranians were tried."),
        ("Er kam.", "Er kam, nicht sie."),
        ("[Ortega] gave the order", "In 1988 he gave the order."),
        ("[President Rohani] gave the order", "But today Rohani gave the order."),
        ("[Ortega] gave the order", "It rained. Nobody knew. He gave the order."),
    ],
)
def test_who_only_cuts_words_out_made_no_sentence_of_them(quotation: str, page: str) -> None:
    """
    A quotation in the middle of the quoter's own sentence may begin and end where it likes.
    """
    assert is_found(quotation, page)


@pytest.mark.parametrize(
    ("quotation", "page"),
    [
        ("the lamp was lit […] He could not say.", "Ted: the lamp was lit, and that it was not lit "
         "at ten he saw. He could not say."),
        ("les récits […] l’entretien a été négligé", "La commission lit les récits ; elle estime "
         "toutefois que l’entretien a été négligé."),
        ("close the mill … nobody objected", "They close the mill on 3 May 1921, and nobody "
         "objected. It rained."),
        ("(1) close it; … (3) pay for it", "They ask: (1) close it; (2) not to blame the guard; "
         "(3) pay for it."),
        ("（一）立即封闭全桥；……（三）拨款三万元", "意见：（一）立即封闭全桥；"
         "（二）不追究责任；（三）拨款三万元。"),
    ],
)  # fmt: skip
def test_a_clause_of_its_own_may_be_left_out_with_its_negation(quotation: str, page: str) -> None:
    """
    What is said beside a statement does not turn it, whatever it denies.
    """
    assert is_found(quotation, page)


@pytest.mark.parametrize(
    ("quotation", "page"),
    [
        ("The Council … approve[d] the sale.", "She moved that the Council approve the sale."),
        ("the lamp was lit […] He could not say.", "The lamp was lit, and not by him. He could "
         "not say."),
        ("says that [Ibáñez] gave the order", "He says that Colonel Ortega gave the order."),
        ("I … I will not.", "I shall be brief. It rained. I cannot. I will not."),
        ("les récits […] l’entretien a été négligé", "La commission lit les récits ; elle nie "
         "que l’entretien a été négligé."),
    ],
)  # fmt: skip
def test_what_depends_on_another_verb_is_not_said(quotation: str, page: str) -> None:
    """
    A motion is no decision, and what is denied behind a comma is denied.
    """
    assert finding(quotation, page).result is Quote.ALTERED


@pytest.mark.parametrize(
    "page", ["Tuna 7.500\nKembung    9.250\nTeri 11.000", "Kembung: 9.250 Teri 11.000"]
)
def test_a_short_quotation_with_another_number_is_altered(page: str) -> None:
    """
    A row of a table is two words, and one of them is all that is quoted.
    """
    told = finding("Kembung 11.000", page)

    assert told.result is Quote.ALTERED
    assert "9.250" in told.source_says


def test_a_cropped_negation_outside_leaves_the_words_found() -> None:
    """
    The words do stand there; what the crop hides is in the passage beside them.
    """
    found = finding("treated the killings as state secrets", REPORT)

    assert found.result is Quote.FOUND
    assert "have not treated" in found.passage


# ---- any text ---------------------------------------------------------------------------

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


# ---- surroundings ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (
            "so they say: the words stand. And rain fell.",
            "so they say: the words stand. And rain fell.",
            0,
        ),
        ("so they say: “the words stand”.", "so they  say: 'the words stand'.", 0),
        ("It is true that the words stand here.", "It is not true that the words stand here.", 1),
        ("It is true that the words stand.", "It is a lie that the words stand.", 2),
        ("of old it is true that the words stand", "it is true that the words stand and last", 0),
        (
            "The first. The second. The words stand.",
            "Another beginning altogether. The words stand.",
            4,
        ),
    ],
)
def test_changed_surroundings_are_counted_and_cut_ends_are_not(
    before: str, after: str, changed: int
) -> None:
    """
    "It is not true that" in front of a quotation leaves every word of it in its place.
    """
    assert changed_around(before, after) == changed
