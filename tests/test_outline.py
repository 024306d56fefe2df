"""What the markup of a page says of it: read wrongly, every rule about pages is wrong."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.outline import Page, fold, glimpse, read_page

URL = "https://site.example/a/b"


def read(html: str) -> Page:
    """The page."""
    page = read_page(f"<!doctype html>{html}".encode(), "text/html; charset=utf-8", URL)
    assert page is not None
    return page


def test_lines_are_what_a_reader_sees_one_a_block() -> None:
    """
    Scripts, comments and hidden elements are not read; inline elements don't break a line.
    """
    page = read(
        "<title>T &amp; T</title><!-- no --><script>var no = '<p>no</p>'</script>"
        "<style>no{}</style><p>One <b>bo</b>ld&nbsp;line</p><div hidden>no<div>no</div>no</div>"
        '<span style="display: none">no</span><ul><li>Two<li>Three</ul><template>no</template>'
        "<noscript>Scripts, please</noscript>"
    )

    assert page.title == "T & T"
    assert page.lines == ("one bold line", "two", "three")
    assert page.noscript.strip() == "scripts, please"


def test_headings_are_kept_as_they_stand_there() -> None:
    """
    They are shown in reasons.
    """
    assert read("<h1>A <em>b</em>\n c</h1><h2>D</h2><h3>E</h3>").headings == ("A b c", "D")


def test_prose_is_what_is_long_and_neither_menu_nor_link() -> None:
    """
    Menus and footers stand around lost pages, too.
    """
    words = "many words " * 20

    assert read(f"<p>{words}</p>").prose > 200
    assert read(f"<nav><p>{words}</p></nav><footer>{words}</footer>").prose == 0
    assert read(f"<p><a href=x>{words}</a></p>").prose == 0
    assert read(f"<header><p>x</p></header><p>{words}</p>").prose > 200


@pytest.mark.parametrize(
    ("content", "target"),
    [
        ("0; url=/x", "https://site.example/x"),
        ("0;URL='c?d=1'", "https://site.example/a/c?d=1"),
        ("5 ; Url = https://other.example/", "https://other.example/"),
        ("0;https://other.example/y", "https://other.example/y"),
        ("30", ""),
        ("0; url=javascript:void(0)", ""),
        ("0; url=http://[bad", ""),
        ("soon; url=/x", ""),
    ],
)
def test_a_refresh_is_an_absolute_address(content: str, target: str) -> None:
    """
    Its target is judged like a redirect's.
    """
    assert read(f'<meta http-equiv="refresh" content="{content}">').refresh == target


def test_attributes_are_read_in_all_their_forms() -> None:
    """
    Pages are written by hand.
    """
    page = read("<HTML LANG=de-DE><input Type='PASSWORD'><a href=\"a>b\">x</a><img src=s.png alt=>")

    assert (page.lang, page.password, page.shows) == ("de-de", True, True)
    assert page.links == ("a>b",)
    assert page.loads == ("s.png",)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.4 <html>", "text/html"),
        (b'{"a": ' + b"1" * 5_000 + b"}", "application/json"),
        (b"\x89PNG", "image/png"),
        (b"a\0b", "text/plain"),
        (b"", "image/png"),
    ],
)
def test_what_is_no_page_is_none(content: bytes, kind: str) -> None:
    """
    The rules about pages must not see it.
    """
    assert read_page(content, kind, URL) is None


def test_a_plain_text_has_lines_only() -> None:
    """
    Servers write their errors so.
    """
    page = read_page(b"404 page not found\n", "text/plain", URL)

    assert page is not None
    assert (page.lines, page.html) == (("404 page not found",), False)


def test_a_glimpse_is_title_and_first_heading() -> None:
    """
    Large pages are looked into only when these give reason to.
    """
    content = "<title>Çay &amp; su</title><h1 class=x><span>Bir</span> iki</h1>".encode("iso8859-9")

    assert glimpse(content, "text/html; charset=iso-8859-9") == ("Çay & su", "Bir iki")
    assert glimpse(b"nothing", "text/html") == ("", "")


def test_folding_is_done_once() -> None:
    """
    Lists and pages are folded by the same rule; twice must be the same as once.
    """
    assert fold("  Page’s   NOT found!! ") == "page's not found"
    assert fold(fold("«Ошибка»…")) == "ошибка"


@given(st.text())
def test_folding_twice_is_folding_once(words: str) -> None:
    """
    Else a phrase of a list could never be found.
    """
    assert fold(fold(words)) == fold(words)


@pytest.mark.parametrize(
    "piece",
    ["<", "<div hidden>", "<svg>", "<a x='", "<script>", "<a b=\"c", "<!--", "</a", "<a " + "'" * 9,
     "<title>", "<nav>", "<h1>", "<meta http-equiv=refresh content='"],
)  # fmt: skip
def test_no_markup_takes_longer_than_its_length(piece: str) -> None:
    """
    Pages come from anywhere; one that stops a round for minutes is an attack.
    """
    content = b"<html>" + piece.encode() * (200_000 // len(piece))
    begun = time.process_time()

    read_page(content, "text/html", URL)
    glimpse(content, "text/html")

    assert time.process_time() - begun < 20  # a quadratic reading takes minutes


@given(st.text(alphabet="<>/!-= \"'abdehilmnoprstvxy", max_size=300))
def test_any_markup_is_read(markup: str) -> None:
    """
    A page that can't be read would end the round.
    """
    page = read_page(b"<html>" + markup.encode(), "text/html", URL)

    assert page is not None
    assert page.prose <= page.size
