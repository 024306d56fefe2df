"""Archived pages built afresh: every word of them, nothing that acts, the mark where it belongs."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier import shown, text
from verifier.records import Quote, QuoteKind

CORPUS = sorted((Path(__file__).parent / "corpus").rglob("*.html"))
HTML = "text/html; charset=utf-8"

ELEMENTS = frozenset(
    "p div section article main header footer nav aside address h1 h2 h3 h4 h5 h6 blockquote pre "
    "ul ol li dl dt dd table caption thead tbody tfoot tr td th hr br wbr a b strong i em u s "
    "small sub sup code kbd samp var abbr cite dfn bdi bdo ruby span mark".split()
)
ATTRIBUTES = frozenset("id href title lang dir colspan rowspan start class".split())


class Read(HTMLParser):
    """A document's elements, attributes and words, as another parser sees them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.words = ""
        self.marked = ""
        self.first_mark_at = -1
        self._in_mark = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}
        if tag == "mark":
            self._in_mark = True
            if ("id", shown.MARK) in attrs:
                self.first_mark_at = len(self.marked)

    def handle_endtag(self, tag: str) -> None:
        if tag == "mark":
            self._in_mark = False

    def handle_data(self, data: str) -> None:
        self.words += data
        if self._in_mark:
            self.marked += data


def marked(page: str, quotation: str, kind: QuoteKind = QuoteKind.VERBATIM) -> Read:
    """The page as it is shown with the quotation marked."""
    told = shown.document(page.encode(), HTML, quotation=quotation, kind=kind)
    assert told.marked
    read = Read(told.body)
    assert read.first_mark_at == 0
    return read


# ---- the mark ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "quotation", "expected"),
    [
        ("<p>One two three.</p>", "two three", "two three"),
        ("<p>On<em>e t</em>wo <b>thr<i>ee</i></b>.", "One two three", "One two three"),
        ("<p>ground&shy;water &amp;&nbsp;soil", "groundwater & soil", "ground\xadwater &\xa0soil"),
        ("<p>fell by<br>a third", "fell by a third", "fell bya third"),
        ("<p>It &ldquo;fell&#8221; &#x2014; twice", '"fell" - twice', "fell” — twice"),
        ("<p>fell by<sup><a href=#n>[7]</a></sup> a third", "fell by a third", "fell by a third"),
        ("<table><td>First cell<td>second cell", "First cell second", "First cellsecond"),
        ("<p>he said</p><script>x</script><p>and left</p>", "said and left", "saidand left"),
        ("<p>the <span hidden>un</span>seen", "the seen", "the seen"),
    ],
)
def test_the_mark_is_around_the_words_whatever_they_run_through(
    page: str, quotation: str, expected: str
) -> None:
    """
    A mark beside the words is worse than none: the reader trusts it.
    """
    assert marked(page, quotation).marked == expected


def test_a_footnotes_mark_within_the_words_is_shown_and_not_marked() -> None:
    """
    The page has it, so it is shown; the quotation has not, so it is none of its words.
    """
    read = marked("<p>fell by<sup><a href=#n>[7]</a></sup> a third", "fell by a third")

    assert read.words == "fell by[7] a third"


def test_the_nearest_passage_is_marked_when_the_words_are_altered() -> None:
    """
    Whoever is told "altered" wants to see what stands there instead.
    """
    page = "<p>Before.</p><p>The council found that 900 wells had <b>run dry</b> by June.</p>"
    told = shown.document(
        page.encode(), HTML, quotation="The council found that 12 wells had run dry by June"
    )

    assert told.result is Quote.ALTERED
    assert "900 wells had run dry by June" in Read(told.body).marked


def test_words_that_do_not_stand_there_are_marked_nowhere() -> None:
    """
    A mark somewhere would look like evidence.
    """
    told = shown.document(b"<p>One two three", HTML, quotation="Nothing of this was ever said")

    assert (told.result, told.marked) == (Quote.ABSENT, False)
    assert "<mark" not in told.body


def test_plain_text_is_marked_too() -> None:
    """
    RFCs and speeches are published as plain text.
    """
    told = shown.document(b"a <b> & the\n  words", "text/plain", quotation="the words")

    assert '&amp; <mark id="quote">the\n  words</mark></pre>' in told.body
    assert "a &lt;b&gt; " in told.body


# ---- every word --------------------------------------------------------------------------


def _letters(words: str) -> str:
    return "".join(words.split())


@pytest.mark.parametrize("path", CORPUS[::6], ids=lambda path: path.stem)
def test_what_is_shown_is_what_is_read(path: Path) -> None:
    """
    Two walks over one page that saw other words would mark what was not found, and the reverse.
    """
    content = path.read_bytes()
    read = text.extract(content, HTML).visible

    told = shown.document(content, HTML)

    if b"<svg" not in content:  # the extractor takes the titles of drawings for words
        assert _letters(told.words) == _letters(read)
    if b"<sup" not in content and b"<img" not in content:  # shown, and no part of the words
        assert _letters(Read(told.body).words) == _letters(told.words)


# ---- nothing that acts -------------------------------------------------------------------

NASTY = st.lists(
    st.sampled_from(
        """
        <script> </script> <style> </style> <!-- --> <![CDATA[ ]]> <svg> </svg> <math> <mtext>
        </math> <table> <tr> <td> </table> <noscript> </noscript> <template> </template>
        <iframe_src=//e> </iframe> <img_src=x_onerror=alert(1)> </a>
        <a_href=javascript:alert(1)_id=quote>
        <a_href='#x'_name='"><script>'> <p_title='<img_src=x>'_onclick=x> </p>
        <form_action=//e><input> </form> <meta_http-equiv=refresh_content=0> <base_href=//e>
        <link_rel=stylesheet_href=//e> <textarea> </textarea> <title> </title> <xmp> </xmp>
        <plaintext> <select><option> </select> <object_data=//e> </object> <embed_src=//e>
        <p_lang='"><b>'_dir=rtl> <td_colspan='1_onload=x'> <b> </b> words_ &lt;script&gt; &amp;lt;
        "'>< <mark_id=quote> <span_data-v-note> <sup>[1]</sup> \0 <a/href=//e>
        """.replace("\0", "\x00").split()
    ),
    max_size=25,
).map(lambda parts: "".join(parts).replace("_", " "))


@settings(max_examples=300, deadline=None)
@given(page=NASTY)
def test_only_what_is_named_is_written(page: str) -> None:
    """
    What is not on the list can do nothing; what is on it can do nothing either.
    """
    told = shown.document(f"<p>x</p>{page}".encode(), HTML, quotation="words")

    read = Read(told.body)
    assert read.names <= ELEMENTS
    for name, value in read.attributes:
        assert name in ATTRIBUTES
        assert name != "href" or value.startswith("#p-")
        assert name != "id" or value.startswith("p-") or value == shown.MARK
        assert name != "class" or value in ("picture", "plain")
    assert read.first_mark_at in (0, -1)
    assert not re.search(r"<(?!/?[a-z])", told.body)
    assert told.body.count("<!") == 0


def test_links_lead_nowhere_but_within_the_page() -> None:
    """
    A table of contents works; a link to elsewhere tells where it led, and leads nobody there.
    """
    page = '<a href="#there">in</a><h2 id=there>x</h2><a href="https://e.example/?a&b">out</a>'

    body = shown.document(page.encode(), HTML).body

    assert '<a href="#p-there">in</a><h2 id="p-there">x</h2>' in body
    assert '<a title="https://e.example/?a&amp;b">out</a>' in body


def test_a_page_that_nests_without_end_is_shown() -> None:
    """
    Recursion would end in a crash, on pages that browsers show.
    """
    told = shown.document(b"<i>" * 3000 + b"<p>The words", HTML, quotation="The words")

    assert "The words" in html.unescape(told.body)


def test_a_page_without_end_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What is not shown must not be taken for what is not there.
    """
    monkeypatch.setattr(shown, "MOST_NODES", 10)

    told = shown.document(b"<p>x" * 100, HTML)

    assert told.cut
    assert Read(told.body).words.count("x") < 10


@pytest.mark.parametrize(
    ("content", "kind"), [(b"%PDF-1.7\n", "pdf"), (b"", "empty"), (b"\x89PNG\r\n", "image/png")]
)
def test_other_kinds_are_told_and_not_shown(content: bytes, kind: str) -> None:
    """
    Bytes shown as text would be noise, and an image may be anything.
    """
    told = shown.document(content, "text/html")

    assert (told.kind, told.body) == (kind, "")
