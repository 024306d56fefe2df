"""The text of a page: read in the wrong encoding, every quotation would look altered."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.typeset import pdf
from verifier.text import MOST_DIVS, TEXT_VERSION, decoded, encoding_of, extract, glance

HTML = "text/html"


def page(body: str, head: str = "") -> str:
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>"


def visible(body: str, head: str = "") -> str:
    """The words a reader sees, with single spaces."""
    return " ".join(extract(page(body, head).encode(), "text/html; charset=utf-8").visible.split())


# ---- encodings ---------------------------------------------------------------------------

WORDS = "Größe “é” – naïve"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_wins_over_every_label(encoding: str) -> None:
    """
    The bytes know better than the server's configuration.
    """
    content = page(f"<p>{WORDS}").encode(encoding)

    assert WORDS in extract(content, "text/html; charset=iso-8859-1").visible
    assert not decoded(content, HTML).startswith("\ufeff")


def test_big_endian_with_its_mark_is_read() -> None:
    """
    Rare, and cheap to get right.
    """
    content = b"\xfe\xff" + page(f"<p>{WORDS}").encode("utf-16-be")

    assert encoding_of(content, "text/html; charset=utf-8") == "utf-16-be"
    assert WORDS in extract(content, HTML).visible


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("text/html; charset=windows-1251", "cp1251"),
        ('text/html;CHARSET="Shift_JIS"', "shift_jis"),
        ("text/html; charset='utf-8'", "utf-8"),
        ("text/html; charset = koi8-r ; x=y", "koi8-r"),
        ("text/html; charset=iso-8859-1", "cp1252"),
        ("text/html; charset=us-ascii", "cp1252"),
        ("text/html; charset=gb2312", "gbk"),
    ],
)
def test_the_headers_charset_is_taken_as_browsers_take_it(content_type: str, encoding: str) -> None:
    """
    Labels are older than their meanings: "iso-8859-1" has curly quotes on the web.
    """
    assert encoding_of(b"<p>x", content_type) == encoding


def test_latin_1_pages_have_their_quotation_marks() -> None:
    """
    By the letter of ISO 8859-1, 0x93 is a control character, and the quotation is lost.
    """
    content = page("<p>\u201cso\u201d").encode("cp1252")

    assert "“so”" in extract(content, "text/html; charset=ISO-8859-1").visible


@pytest.mark.parametrize(
    ("page", "encoding", "content_type"),
    [
        ("<meta charset=windows-1254><p>ışık Yıldırım", "cp1254", "text/html; charset=utf-8"),
        ("<p>Grüße aus Köln", "utf-8", "text/html; charset=iso-8859-1"),
        ("<p>Привет из Омска", "utf-8", "text/html; charset=windows-1251"),
        ("<meta charset=utf-8><p>Größe", "cp1252", "text/html; charset=iso-8859-1"),
        ("<meta charset=utf-8><p>日本語の頁です", "shift_jis", "text/html; charset=shift_jis"),
    ],
)
def test_a_label_that_the_bytes_refute_is_passed_over(
    page: str, encoding: str, content_type: str
) -> None:
    """
    Servers have one label for all their pages, and nobody quotes "GrÃ¼ÃŸe".
    """
    words = page.rpartition(">")[2]

    assert words in extract(page.encode(encoding), content_type).visible


def test_a_damaged_byte_makes_no_other_encoding() -> None:
    """
    One broken character in a long page must not break the others.
    """
    content = "<p>Größe und Maß: ".encode() + b"\xff" + " für Köln".encode()

    assert "Größe und Maß" in extract(content, "text/html; charset=utf-8").visible


@pytest.mark.parametrize(
    "head",
    [
        '<meta charset="windows-1251">',
        '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">',
    ],
)
def test_the_pages_own_declaration_counts_where_the_header_is_silent(head: str) -> None:
    """
    Most old pages say it only there.
    """
    content = page("<p>Привет, мир", head).encode("cp1251")

    assert "Привет, мир" in extract(content, HTML).visible
    assert "Привет, мир" not in extract(content, "text/html; charset=koi8-r").visible


def test_the_declaration_of_xml_counts() -> None:
    """
    XHTML says its encoding there, and is in the habit of being short.
    """
    content = '<?xml version="1.0" encoding="iso-8859-2"?><html><p>Łódź'.encode("iso-8859-2")

    assert extract(content, "application/xhtml+xml").visible == "Łódź"


def test_an_ascii_page_that_calls_itself_utf_16_is_not() -> None:
    """
    A declaration that we can read as ASCII disproves itself (WHATWG HTML says so, too).
    """
    content = page("<p>plain words", '<meta charset="utf-16">').encode()

    assert "plain words" in extract(content, HTML).visible


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_an_undeclared_encoding_is_guessed(encoding: str) -> None:
    """
    No label at all is common on the pages that need checking most.
    """
    content = page("<p>Die Größe der Bevölkerung wächst jährlich für alle Länder.").encode(encoding)

    assert "Größe der Bevölkerung wächst jährlich für" in extract(content, HTML).visible


@pytest.mark.parametrize(
    "label",
    "hex zlib bz2 base64 rot13 uu quopri undefined unicode_escape idna punycode utf-7 é x 123 "
    "charset ".split(),
)
def test_no_label_breaks_the_round(label: str) -> None:
    """
    Python knows encodings that are none: "zlib" as charset must not raise, nor inflate a bomb.
    """
    content = page("<p>caf\u00e9 \\d words").encode()

    assert "words" in extract(content, f"text/html; charset={label}").visible
    assert glance(content, f"text/html; charset={label}").title == ""


@given(st.binary(max_size=300), st.text(max_size=30))
def test_no_bytes_and_no_label_raise(content: bytes, label: str) -> None:
    """
    One bad page never ends a round.
    """
    for content_type in (label, f"text/html; charset={label}"):
        text = extract(content, content_type)
        text.visible.encode()
        glance(content, content_type).title.encode()
        assert bool(text.sha256) is not bool(text.unreadable)


# ---- what is visible ---------------------------------------------------------------------


def test_a_reader_sees_words_and_not_what_makes_them() -> None:
    """
    A quotation "found" in a script or a style sheet was never said to anybody.
    """
    seen = visible(
        "<p>said<script>var scripted = 1</script><style>.styled{}</style>"
        "<!-- commented --><template>templated</template>",
        "<title>titled</title><meta name=description content=described>",
    )

    assert seen == "said"


@pytest.mark.parametrize(
    "attributes",
    [
        "hidden",
        'style="display:none"',
        'style="display: none"',
        'style="color: red; DISPLAY: NONE"',
        'style="display :none"',
        'style="display:block; display:none"',
        'style="visibility: hidden"',
        'STYLE="VISIBILITY:HIDDEN"',
        'class="link sr-only"',
        "class=visually-hidden",
    ],
)
def test_what_is_hidden_is_not_said(attributes: str) -> None:
    """
    Old wordings are often left in the page, hidden.
    """
    assert visible(f"<p>said</p><p {attributes}>hushed <b>words</b></p>") == "said"


@pytest.mark.parametrize(
    "attributes",
    [
        'style="overflow: hidden"',
        'style="display:none; display:block"',
        'style="border:none"',
        'aria-hidden="true"',
        "hidden=until-found",
        'class="hidden-gem"',
    ],
)
def test_what_only_sounds_hidden_is_said(attributes: str) -> None:
    """
    A page whose frame hides what overflows is not an empty page.
    """
    assert visible(f"<p>said</p><p {attributes}>aloud</p>") == "said aloud"


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        ("<noscript>no script</noscript>a", "a"),
        ("<dialog>closed</dialog><dialog open>opened</dialog>", "opened"),
        ("<details><summary>more</summary>closed</details>", "more closed"),
        ("<canvas>c</canvas><iframe>i</iframe><video>v</video><object>o</object>a", "a"),
        ("<img alt=alternative title=titled>a<input value=typed>", "a"),
        ("<select><option>one<option>two</select><textarea>typed</textarea>a", "a"),
        ("<label>Do you agree?</label> <button>Yes</button>", "Do you agree? Yes"),
        ("<figure><blockquote>said</blockquote><figcaption>by her</figcaption>", "said by her"),
        ("<fieldset><legend>Title</legend>words", "Title words"),
        ("he said <q>no</q> and <Q cite=x>never</Q>", "he said “no” and “never”"),
        ("<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp>字<rt>ji</rt></ruby>", "漢字"),
        ("super<wbr>cali&shy;fragil", "supercali\u00adfragil"),
        ("<math><mi>x</mi><annotation>tex</annotation></math>", "x"),
        ("was <del>10</del> <ins>12</ins>", "was 10 12"),
        ("<ol><li>one<li>two</ol><table><caption>c</caption><tr><th>h<td>d", "one two c h d"),
    ],
)
def test_elements_are_read_as_a_browser_shows_them(body: str, seen: str) -> None:
    """
    Each kind of element that a quotation can meet has its rule.
    """
    assert visible(body) == seen


@pytest.mark.parametrize(
    "mark",
    [
        "<sup>[3]</sup>",
        "<sup>[note 1]</sup>",
        "<sup class=reference><a href='#cite_note-3'>[3]</a></sup>",
        "<sup><a href=#fn3>3</a></sup>",
        "<a href=#fn3><sup>3</sup></a>",
        "<a href=#fn3 role=doc-noteref>3</a>",
        "<a href='#_ftn3' name='_ftnref3'>[3]</a>",
        "<sup>3</sup>",
        "<SUP>12</SUP>",
        "<sup><i>[citation needed]</i></sup>",
        "<sup>*</sup>",
        "<sup>1</sup><sup>,</sup><sup>2</sup>",
    ],
)
def test_the_mark_of_a_footnote_is_not_part_of_the_sentence(mark: str) -> None:
    """
    Nobody quotes it, and "population3" would be another word than the quotation's.
    """
    assert visible(f"<p>the population{mark} grew.{mark}</p>") == "the population grew."


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        ("10<sup>6</sup> people", "10⁶ people"),
        ("5 m<sup>2</sup>, 7 metres<sup>3</sup>", "5 m2, 7 metres3"),
        ("the 1<sup>st</sup>", "the 1st"),
        ("carbon <sup>14</sup>C", "carbon 14C"),
        ("Cl<sup>-</sup> CO<sub>2</sub>", "Cl- CO2"),
        ("M<sup>me</sup> Curie, f(x)<sup>2</sup>", "Mme Curie, f(x)2"),
        ("as <a href=#x>shown below</a> and <a href=#_ftnref1>here</a>", "as shown below and here"),
    ],
)
def test_what_is_raised_for_another_reason_stays(body: str, seen: str) -> None:
    """
    A power of ten that is left out is another number: altered would be called found.
    """
    assert visible(body) == seen


def test_inline_elements_do_not_tear_words_and_blocks_do() -> None:
    """
    "un<b>likely</b>" is one word; two paragraphs are not.
    """
    assert visible("<p>un<b>like</b>ly</p><p>so</p>it<br>is<table><tr><td>a</td><td>b</td>") == (
        "unlikely so it is a b"
    )


def test_entities_are_characters() -> None:
    """
    The reader sees the sign.
    """
    assert visible("<p>R&amp;D &ldquo;so&rdquo;&nbsp;&#8211; caf&eacute;") == "R&D “so” – café"


def test_navigation_is_visible_but_not_part_of_the_main_text() -> None:
    """
    A quotation may stand anywhere; a new menu item is not a change of the source.
    """
    body = "<nav><a href=/>{}</a></nav><main><article><p>{}</p></article></main>"
    text = extract(page(body.format("Menu", "The article. " * 20)).encode(), HTML)
    other = extract(page(body.format("New menu", "The article. " * 20)).encode(), HTML)

    assert "Menu" in text.visible
    assert "Menu" not in text.main
    assert text.sha256 == other.sha256
    assert text.sha256 == hashlib.sha256(text.main.encode()).hexdigest()
    assert text.version == TEXT_VERSION


def test_a_page_without_main_text_is_not_the_same_as_every_other_such_page() -> None:
    """
    The hash of "" would say "unchanged" for ever.
    """
    bodies = [f"<nav><ul><li>{words}</li></ul></nav>" for words in ("one thing", "another thing")]
    hashes = {extract(page(body).encode(), HTML).sha256 for body in bodies}

    assert len(hashes) == 2
    assert hashlib.sha256(b"").hexdigest() not in hashes


def test_white_space_is_no_change_of_the_source() -> None:
    """
    Another template indents otherwise.
    """
    loose = extract(page("<p>The   same\n\n words</p>").encode(), HTML)

    assert loose.sha256 == extract(page("<p>The same words</p>").encode(), HTML).sha256


def test_the_title_is_read_by_both_ways_alike() -> None:
    """
    A look for words and a mere glance must know the same walls.
    """
    head = "<title>\n Just a\n moment&hellip; &amp; caf\u00e9 </title>"
    for encoding in ("utf-8", "cp1252"):
        content = page("<p>The café closes at eight on Sundays.", head).encode(encoding)
        content_type = f"text/html; charset={encoding}"
        assert glance(content, content_type).title == "Just a moment… & café"
        assert extract(content, content_type).title == "Just a moment… & café"
    declared = page("", '<meta charset="windows-1251"><title>Отчёт</title>').encode("cp1251")
    assert glance(declared, HTML).title == extract(declared, HTML).title == "Отчёт"


def test_a_glance_reads_no_text() -> None:
    """
    What was not read must not look like an empty page.
    """
    text = glance(page("<p>words", "<title>t</title>").encode(), HTML)

    assert (text.visible, text.sha256, text.unreadable) == ("", "", "not read")


# ---- kinds -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "content_type", "unreadable"),
    [
        (b"%PDF-1.7 ...", "application/pdf", "damaged"),
        (b"%PDF-1.7 ...", "text/html", "damaged"),
        (b"", HTML, "empty"),
        (b" \n\t ", HTML, "empty"),
        (b"\xef\xbb\xbf", HTML, "empty"),
        (b"<html><body><img src=x></body></html>", HTML, "empty"),
        (b"<html><body><div id=app></div><script>x()</script>", HTML, "script"),
        (b"<script src=x></script><noscript>Please turn scripts on</noscript>", HTML, "script"),
        (b"\x89PNG....", "image/png", "image/png"),
        (b"\x89PNG\r\n\x1a\n....", HTML, "image/png"),
        (b"PK\x03\x04...", "text/plain", "application/zip"),
        (b"\x7fELF\x02\x01\x01\0\0", "", "application/octet-stream"),
        (b"\x00\x01", "application/octet-stream", "application/octet-stream"),
    ],
)
def test_what_has_no_text_says_why(content: bytes, content_type: str, unreadable: str) -> None:
    """
    "Unreadable" is an answer; a hash of nothing would be a false baseline.
    """
    text = extract(content, content_type)

    assert (text.unreadable, text.sha256, text.visible.strip()) == (unreadable, "", "")


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"<!DOCTYPE html><p>the words", ""),
        (b"<!doctype html><p>the words", "application/pdf"),
        (b"\xef\xbb\xbf \n<html><p>the words", "application/octet-stream"),
        (b"<?xml version='1.0'?><html xmlns='x'><p>the words</p></html>", "application/xhtml+xml"),
        (b"\n" * 3000 + b"<html><p>the words", HTML),
        (b"<p>the words", "text/html"),
        (b"some intro <html><p>the words", "text/plain"),
        (b"<!-- made by hand --><p>the words", ""),
        ("<!doctype html><p>the words".encode("utf-16"), ""),
        (b"the words", "application/octet-stream"),
        (b"the words", ""),
    ],
)
def test_the_bytes_decide_what_is_a_page(content: bytes, content_type: str) -> None:
    """
    Labels are wrong often enough, and blank lines before the page are common.
    """
    assert extract(content, content_type).visible.split()[-2:] == ["the", "words"]


def test_plain_text_is_kept_as_it_is() -> None:
    """
    Angle brackets of a plain text are part of what it says.
    """
    text = extract("a < b and “c” > d\n".encode(), "text/plain; charset=utf-8")

    assert text.visible == "a < b and “c” > d\n"
    assert text.main == "a < b and “c” > d"


def test_what_heads_and_foots_the_pages_of_a_plain_text_is_left_out_between_them() -> None:
    """
    RFCs and texts out of PDFs are made page by page, and sentences don't stop for that.
    """
    pages = (
        "The Bureau        IBS/2007/41\n\nOf the 86 who replied, 51 kept\n\n            38\n",
        "\nIBS/2007/41        Hours of Rest\n\nthem always, and the others\n\n            39\n",
        "\nThe Bureau         IBS/2007/41\n\nnever did.\n\n             40\n",
    )
    text = extract("\f".join(pages).encode(), "text/plain")

    assert "51 kept them always, and the others never did." in " ".join(text.visible.split())
    assert text.visible.startswith("The Bureau")


def test_a_plain_texts_lines_and_pages_are_kept() -> None:
    """
    An RFC is read by its line breaks and form feeds; a stray NUL must not end it.
    """
    text = extract(b"one\r\ntwo\x0cthree\0four", "text/plain")

    assert text.visible == "one\r\ntwo\x0cthree\ufffdfour"
    assert (text.kind, text.main) == ("plain", "one two three\ufffdfour")


def test_xhtml_is_read_as_xml() -> None:
    """
    An HTML parser takes all that follows <script/> for a script, and CDATA for a comment.
    """
    page = (
        '<?xml version="1.0" encoding="iso-8859-2"?><html xmlns="http://www.w3.org/1999/xhtml" '
        'xml:lang="pl"><head><title/><script src="x"/></head><body><p><a id="x"/>wąż<br/>'
        "<![CDATA[a < b]]></p></body></html>"
    ).encode("iso-8859-2")
    text = extract(page, "application/xhtml+xml")

    assert (text.visible.split(), text.lang) == (["wąż", "a", "<", "b"], "pl")


def test_kind_and_language_are_told() -> None:
    """
    A page that changes its language may have changed hands.
    """
    text = extract(b"<!doctype html><html lang=de-CH><p>Worte", HTML)

    assert (text.kind, text.lang, text.pages, text.cut) == ("html", "de-CH", (), False)


def test_a_pdf_is_what_starts_like_one() -> None:
    """
    Servers send PDFs as pages, and some write a warning before them.
    """
    content = pdf(["The words of", "page one."], ["Page two."], title="A  report")
    for before in (b"", b"\n", b"<br>Warning: " + b"x" * 900 + b"\n"):
        for label in ("application/pdf", HTML, "text/plain", ""):
            text = extract(before + content, label)
            assert (text.kind, text.title, text.unreadable) == ("pdf", "A report", "")
            assert text.main == "The words of page one. Page two."
            assert text.visible[text.pages[1] :] == "Page two."


def test_a_page_about_pdfs_is_a_page() -> None:
    """
    What starts like a page is one, whatever it tells.
    """
    text = extract(b"<!doctype html><p>A file starts with %PDF-1.7 and has an endobj.", HTML)

    assert text.kind == "html"


@given(st.binary(max_size=200), st.sampled_from([HTML, "application/xhtml+xml", "", "text/plain"]))
def test_the_same_bytes_have_the_same_text(noise: bytes, label: str) -> None:
    """
    A hash that changes by itself would report changes that nobody made; and cut pages come.
    """
    whole = page("<p>words <sup>[1]</sup> <q>said</q> <b hidden>x</b><label>y").encode()
    for content in (whole + noise, whole[: len(noise)], whole[:120] + noise + whole[120:]):
        text = extract(content, label)
        assert text == extract(content, label)
        text.visible.encode()


@given(st.text(alphabet="<>/!-=\"' scriptySCRIPT\n", max_size=60))
def test_no_script_is_visible(before: str) -> None:
    """
    Words that only a program reads were said to nobody, however broken the page around it is.
    """
    content = f"<p>{before.replace('<', '&lt;')}</p>"
    text = extract(f"{content}<script>var Zcripted = 1</script><p>said".encode(), HTML)

    assert "Zcripted" not in text.visible + text.main
    assert "said" in text.visible


@pytest.mark.parametrize(
    "trap",
    [
        "<p " + " ".join(f"a{number}" for number in range(100_000)) + ">",
        "".join(f"<font size={number}><p>" for number in range(20_000)),
        "<section><article>" * 20_000,
        "<a><div>" * 100_000,
    ],
    ids=["attributes", "never closed", "deep", "deep links"],
)
def test_a_trap_is_not_walked_into(trap: str) -> None:
    """
    Parsers take quadratic time over some pages; their words are had without one.
    """
    program = (
        "import sys\nfrom verifier.text import extract\n"
        "text = extract(sys.stdin.buffer.read(), 'text/html')\n"
        "assert text.visible.split() == ['said', 'words'] == text.main.split(), text.visible[:99]\n"
        "assert text.title == 'T', text.title\n"
    )
    content = f"<title>T</title><script>scripted</script><i>sa</i>id{trap}words".encode()

    done = subprocess.run([sys.executable, "-c", program], input=content, timeout=20, check=False)

    assert done.returncode == 0


def test_a_page_made_to_be_slow_costs_little() -> None:
    """
    Finding the main text takes time quadratic in nested divs: 100 kB of them took half a
    minute, and the whole round waits for it.
    """
    program = (
        "from verifier.text import extract\n"
        f"text = extract(b'<div>' * {10 * MOST_DIVS} + b'deep words', 'text/html')\n"
        "assert text.visible.strip() == 'deep words' == text.main, text\n"
    )

    done = subprocess.run([sys.executable, "-c", program], timeout=20, check=False)

    assert done.returncode == 0
