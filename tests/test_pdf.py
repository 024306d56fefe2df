"""The words of PDFs: a quotation runs over the ends of lines and pages as if there were none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.typeset import pdf
from verifier.pdf import healed, read


def words(*lines: str, **more: object) -> str:
    """What a page of these lines says."""
    return read(pdf(lines, **more)).words  # type: ignore[arg-type]


def test_ligatures_are_their_letters() -> None:
    """
    Typesetters join letters to one sign; a quotation has them apart.
    """
    lines = ("An efficient office", "finds the flaw.")

    assert words(*lines, ligatures=["ffi", "fi", "fl"]).split() == " ".join(lines).split()
    assert words("e\ufb03cient \ufb02aw") == "efficient flaw"


@pytest.mark.parametrize("hyphen", ["-", "\u2010", "\u00ad"])
def test_a_word_divided_at_the_end_of_a_line_is_whole(hyphen: str) -> None:
    """
    Every third line of a report ends so.
    """
    assert "industry" in words(f"in the whole indus{hyphen}", "try and each industry").split()[3]
    assert words(f"the indus{hyphen}", "try").replace("\u00ad", "") == "the industry"


@pytest.mark.parametrize(
    ("divided", "whole"),
    [
        ("a well-\nknown and well-known man", "a well-known and well-known man"),
        ("indus-\ntry, industry", "industry, industry"),
        ("Indus-\ntry, industry", "Industry, industry"),
        ("Baden-\nWürttemberg", "Baden-Württemberg"),
        ("in 2019-\n2020", "in 2019-2020"),
        ("state-of-\nthe-\nart", "state-of\u00adthe\u00adart"),
        ("so \u2013\nno", "so \u2013\nno"),
        ("a -\nb", "a -\nb"),
        ("exam\ufffeple", "exam\u00adple"),
        ("one exam-\fple more, example", "one example\f more, example"),
    ],
)
def test_the_hyphen_goes_or_stays_as_the_text_has_the_word_elsewhere(
    divided: str, whole: str
) -> None:
    """
    "well-known" without its hyphen is as wrong as "indus-try" with one. U+00AD says: perhaps.
    """
    assert healed(divided) == whole


def test_pages_are_told_apart() -> None:
    """
    A finding names the page; one without words must not shift the count.
    """
    reading = read(pdf(["First page."], None, ["Third page."]))

    first, second, third = reading.pages
    assert reading.words[first:second].strip() == "First page."
    assert reading.words[second:third].strip() == ""
    assert reading.words[third:] == "Third page."


def test_a_sentence_runs_over_the_end_of_a_page() -> None:
    """
    Headings and page numbers stand in its midst; they come once, and the sentence is whole.
    """
    pages = [
        ["Annual Report 2020", f"ends {name} and this sentence", f"begun {name} is", f"{n + 7}"]
        for n, name in enumerate("abcdef")
    ]
    said = read(pdf(*pages)).words.split()

    text = " ".join(said)
    assert "begun a is ends b and this sentence begun b is ends c" in text
    assert text.count("Annual Report 2020") == 1
    assert "begun f is" in text


def test_a_number_that_counts_no_pages_stays() -> None:
    """
    The last line of a table may be a number, too.
    """
    said = read(pdf(*[["Result", f"{number}"] for number in (40, 17, 93, 21)])).words

    assert [number for number in said.split() if number.isdigit()] == ["40", "17", "93", "21"]


@pytest.mark.parametrize(
    "line", ["Привет, мир", "Ελληνικά λόγια", "한국어 문장 하나", "ประโยคหนึ่ง", "हिन्दी में"]
)
def test_other_scripts_are_read(line: str) -> None:
    """
    Half of the sources are not in English.
    """
    assert words(line) == line


def test_lines_of_scripts_without_spaces_are_joined_without_one() -> None:
    """
    A space amid a Chinese sentence would make every quotation of it another.
    """
    assert words("漢字と仮名の", "文章です。") == "漢字と仮名の文章です。"
    assert words("한국어", "문장") == "한국어\n문장"


@pytest.mark.parametrize(
    ("content", "unreadable"),
    [
        (pdf(["secret"], password=b"sesame"), "encrypted"),
        (pdf(None, None), "scan"),
        (pdf([]), "scan"),
        (pdf(), "damaged"),
        (pdf(["words"])[:200], "damaged"),
        (b"%PDF-1.7\n" + b"\0" * 500, "damaged"),
        (b"", "damaged"),
        (pdf(["\ue001\ue002\ue003 \ue004\ue005 a"]), "garbled"),
    ],
)
def test_what_cannot_be_read_says_why(content: bytes, unreadable: str) -> None:
    """
    "Absent" about a scan would accuse a quoter whose words stand on the paper.
    """
    reading = read(content)

    assert (reading.unreadable, reading.words, reading.pages) == (unreadable, "", ())


def test_a_file_that_only_forbids_changes_is_read() -> None:
    """
    Governments encrypt what everybody may read; it asks for no password.
    """
    assert read(pdf(["Public words"], password=b"")).words == "Public words"


def test_the_title_is_the_files_own() -> None:
    """
    It is all that a row without a title has to show.
    """
    assert read(pdf(["x"], title="Überblick – 概要")).title == "Überblick – 概要"


def test_a_long_file_is_read_to_the_bound_and_says_so() -> None:
    """
    A round waits for each file. What was not read must not be called absent.
    """
    three, two = pdf(["one"], ["two"], ["three"]), pdf(["one"], ["two"])

    assert (read(three, most_pages=2).words, read(three, most_pages=2).cut) == ("one\ntwo", True)
    assert (read(two, most_pages=2).words, read(two, most_pages=2).cut) == ("one\ntwo", False)
    assert (read(two, most_characters=5).words, read(two, most_characters=5).cut) == (
        "one\ntw",
        True,
    )
    assert (read(two, most_characters=6).words, read(two, most_characters=6).cut) == (
        "one\ntwo",
        False,
    )


def test_threads_take_turns() -> None:
    """
    pdfium crashes the whole process when two threads are in it.
    """
    contents = [pdf(*[[f"file {number}"] * 20] * 20) for number in range(4)]
    alone = [read(content) for content in contents]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(read, contents * 5))

    assert together == alone * 5


@settings(max_examples=150)
@given(st.data())
def test_no_bytes_raise(data: st.DataObject) -> None:
    """
    Files come cut and broken; one must not end a round, and none is read two ways.
    """
    whole = pdf(["Some words that", "go on-", "ward."], None, ["End"], title="T", ligatures=["rd"])
    start = data.draw(st.integers(0, len(whole)))
    length = data.draw(st.integers(0, 400))
    noise = data.draw(st.binary(max_size=40))
    content = whole[:start] + noise + whole[start + length :]

    reading = read(content)

    assert reading == read(content)
    assert bool(reading.words) is not bool(reading.unreadable)
    assert list(reading.pages) == sorted(reading.pages)
    reading.words.encode()


@pytest.mark.parametrize(
    "line",
    [
        "הוא העיד כי בשעה 21:15, אך לא ידע (ראו 4.500 דולר) מי נהג.",
        "הם מנו 62, 71 ו־15 איש; 45% מהם (כ־20) חזרו ב־12/05/2003.",
        "לפי Amnesty International, 1988 היה 15-17 רע.",
        "در سال ۱۳۶۷، ۴۳۰ زندانی (بند ۲) را بردند؛ ۴۵٪ از آنان.",
        "قتل 317، ثم 12.5 (انظر 4).",
    ],
)
def test_what_runs_to_the_left_is_read_so_with_its_numbers(line: str) -> None:
    """
    On paper the last word stands first, and a comma behind a number stands before it.
    """
    assert words(line) == line


def test_a_sign_before_a_number_stays_where_the_writing_runs_to_the_right() -> None:
    """
    ".5 per cent" is another number than "5. per cent".
    """
    assert words("grew by .5 per cent or %45 of it") == "grew by .5 per cent or %45 of it"
