"""The report for mail, spreadsheets, programs and editors: complete, and harmless to open."""

from __future__ import annotations

import csv
import html.parser
import io
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.test_report import NOW, ROUND, bulletin, row
from verifier.bulletin import GATES, Bulletin, exit_code, gates_of
from verifier.corrections import corrections
from verifier.errors import InputError
from verifier.news import merged
from verifier.records import AuditRow, Change, Copy, Link, Quote, QuoteKind, Run, Source
from verifier.report import text
from verifier.report_csv import as_csv
from verifier.report_html import html as as_html
from verifier.report_json import as_json
from verifier.report_markdown import markdown

DOCS = Path(__file__).parent.parent / "docs"
MARKUP = "<script>alert(1)</script><img src=http://e.example/x onerror=y>&amp;\"'{{7*7}}"


def change(name: str, axis: str, before: str, after: str, reason: str = "why") -> Change:
    return Change(source_id=name, axis=axis, before=before, after=after, reason=reason)


def misquoted(name: str = "wrong", **fields: Any) -> AuditRow:
    """A verbatim quotation that the source never said."""
    told: dict[str, Any] = {
        "quote": Quote.ALTERED,
        "quote_reason": "never-found: 2 words differ",
        "cited": "a blood bath in the summer of 1988",
        "source_says": "a massacre in the summer of 1988",
        "locator": "paragraph 12",
    }
    return row(name, **{**told, **fields})


# ---- HTML --------------------------------------------------------------------------------


class Elements(html.parser.HTMLParser):
    """Names, attributes and words of a document."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_html_runs_nothing_and_loads_nothing() -> None:
    """Mail programs refuse the rest, and a report must not tell anyone that it was opened."""
    nasty = misquoted(
        title=MARKUP,
        url="javascript:alert(1)",
        publisher=MARKUP,
        link=Link.DEAD,
        link_reason=MARKUP,
        cited=MARKUP,
        source_says=MARKUP.upper(),
        snapshot_url="data:text/html,<script>alert(2)</script>",
        judged_by=MARKUP,
    )
    run = Run(id=1, started_at=NOW, problems=(MARKUP,), wrong_rows=1, head=MARKUP, reason=MARKUP)

    page = as_html(bulletin([nasty, row("s", title=MARKUP)], run))

    found = Elements(page)
    forbidden = {"script", "img", "link", "iframe", "object", "embed", "form", "base", "svg"}
    assert not forbidden & set(found.names)
    assert not {name for name, _ in found.attributes if name.startswith("on") or name == "src"}
    assert {value.partition(":")[0] for name, value in found.attributes if name == "href"} <= {
        "http",
        "https",
    }
    assert "url(" not in page
    assert "@import" not in page
    assert "{{7*7}}" in found.words, "it is shown as it is, not computed"


def test_the_html_has_every_source_and_its_parts_in_order() -> None:
    """News, what is known, what could not be known: and nobody is left out."""
    rows = [
        misquoted(),
        row("gone", link=Link.DEAD),
        row("walled", link=Link.BLOCKED),
        row("waiting", copy=Copy.PENDING),
        row("fine", title="A fine source"),
    ]
    run = Run(id=3, started_at=NOW, outcome="conclusive", news=(change("gone", "link", "x", "y"),))

    page = as_html(bulletin(rows, run))

    titles = ("News (1)", "What is known", "Misquoted (1)", "Dead, with a copy (1)",
              "What could not be known", "Blocked (1)", "Not known (1)", "Sound (1)")  # fmt: skip
    places = [page.index(f">{title}<") for title in titles]
    assert places == sorted(places)
    for one in rows:
        assert one.url in page
    assert "A fine source" in page


def test_the_differing_words_are_marked_in_both_wordings() -> None:
    """An editor's eye must not search two long sentences for one word."""
    page = as_html(bulletin([misquoted()]))

    assert "“a <del>blood bath</del> in the summer of 1988”" in page
    assert "“a <ins>massacre</ins> in the summer of 1988”" in page


# ---- JSON --------------------------------------------------------------------------------


def keys_of(value: Any) -> set[str]:
    """All names in a piece of JSON but answers, which are names of counts."""
    if isinstance(value, dict):
        inner = {key for name, one in value.items() if name != "counts" for key in keys_of(one)}
        return set(value) | inner
    return {key for one in value for key in keys_of(one)} if isinstance(value, list) else set()


def test_the_json_is_documented_name_by_name() -> None:
    """A program is written against the page that describes it."""
    run = Run(id=6, started_at=NOW, outcome="conclusive", news=(change("a", "link", "x", "dead"),))
    answer = json.loads(as_json(bulletin([row("a", link=Link.DEAD)], run)))
    described = (DOCS / "reports.md").read_text("utf-8")

    assert answer["format"] == "verifier-report/1"
    missing = {key for key in keys_of(answer) if f"`{key}`" not in described}
    assert missing == set()


def test_the_json_has_every_column_of_the_audit_and_what_follows_from_it() -> None:
    """Who works on with it should not need the database as well."""
    moved = row("m", link=Link.MOVED, suggested_url="https://example.org/new", tags=("a", "b"))

    (told,) = json.loads(as_json(bulletin([moved])))["sources"]

    assert set(told) >= set(AuditRow.__dataclass_fields__)
    assert told["tags"] == ["a", "b"]
    assert told["use_instead"] == "https://example.org/new"
    assert (told["group"], told["needs_reader"]) == ("moved", [])
    assert told["link_since"] == "2026-11-19T12:00:00Z"


def test_the_json_has_the_same_names_on_a_day_without_news() -> None:
    """A consumer needs no second code path."""
    quiet = json.loads(as_json(bulletin([], None, since=NOW)))
    full = json.loads(as_json(bulletin([row()])))

    assert quiet.keys() == full.keys()
    assert quiet["round"] is None
    assert quiet["since"] == "2026-11-22T12:00:00Z"
    assert full["since"] is None


# ---- CSV ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sign", ["=", "+", "-", "@", "\t=", "\r=", " =", "\n@", "＝", "＋", "\ufeff="]
)
def test_no_cell_is_a_formula(sign: str) -> None:
    """A title may be =HYPERLINK("http://…"); a spreadsheet would run it on opening."""
    nasty = row(f"{sign}1", title=f'{sign}HYPERLINK("http://e.example";"x")', tags=(f"{sign}t",))

    page = as_csv(bulletin([nasty]))

    (told,) = csv.DictReader(io.StringIO(page))
    for name in ("id", "title", "tags"):
        assert told[name].startswith("'"), name
    for cells in csv.reader(io.StringIO(page)):
        assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r\n＝＋")]


@pytest.mark.parametrize("behind", [";=1+1", "; =1+1", ';"=1+1', ";;@x", "a;-1;+2", "';＝1"])
def test_no_cell_is_a_formula_where_lines_are_cut_at_semicolons(behind: str) -> None:
    """So does Excel in Berlin and Paris, whose decimal sign is the comma."""
    page = as_csv(bulletin([row("a", title=f"A title{behind}", source_says=f"words{behind}")]))

    cut = [cell.strip(" \"'") for cell in page.replace("\r\n", ";").split(";")]
    whole = [cell.lstrip(' "') for cell in page.replace("\r\n", ";").split(";")]
    assert any(cell.startswith(tuple("=+-@＝")) for cell in cut), "it would be one"
    assert not [cell for cell in whole if cell.startswith(tuple("=+-@＝"))]


def test_the_csv_is_one_line_a_source_with_all_columns() -> None:
    """It is opened to sort and to hand on: commas and quotation marks must not shift cells."""
    rows = [misquoted(title='He said, "no"\nand left', status=200), row("b")]

    page = as_csv(bulletin(rows))

    told = list(csv.DictReader(io.StringIO(page)))
    assert page.count("\r\n") == 3
    assert [one["id"] for one in told] == ["wrong", "b"]
    assert set(told[0]) >= set(AuditRow.__dataclass_fields__)
    assert told[0]["title"] == 'He said, "no" and left'
    assert told[0]["status"] == "200"
    assert told[0]["group"] == "misquoted"
    assert told[0]["needs_reader"] == "quote altered"
    assert told[1]["group"] == "sound"


# ---- corrections -------------------------------------------------------------------------


def test_a_correction_has_all_that_an_editor_needs() -> None:
    """Both wordings, where they stand, and the link to see it: without searching."""
    copy = "https://web.archive.org/web/20260101000000/https://example.org/wrong"
    wrong = misquoted(quote_url="https://example.org/wrong#:~:text=a%20massacre", snapshot_url=copy)
    source = Source(id="wrong", cited_in="Reactions, third paragraph")

    page = corrections(bulletin([wrong, row("b")], cited=(source,)))

    for line in (
        "MEND THE PAGE (1)",
        "  page says: “a blood bath in the summer of 1988”",
        "  source says: “a massacre in the summer of 1988”",
        "  differs: “blood bath” → “massacre”",
        "  place: paragraph 12",
        "  cited in: Reactions, third paragraph",
        "  link: https://example.org/wrong#:~:text=a%20massacre",
        f"  copy: {copy}",
    ):
        assert line in page.splitlines()


def test_who_changed_the_words_decides_what_is_to_be_mended() -> None:
    """“We misquoted” and “they changed it” call for different letters."""
    rows = [
        misquoted("ours"),
        misquoted("theirs", quote_reason="found-until 2026-10-01: 2 words differ"),
        misquoted("loose", quote_kind=QuoteKind.PARAPHRASE),
        row("scan", quote=Quote.UNREADABLE),
    ]

    page = corrections(bulletin(rows))

    assert page.index("MEND THE PAGE (1)") < page.index("\nours\n")
    assert page.index("\nours\n") < page.index("THE SOURCE HAS CHANGED (1)")
    assert page.index("THE SOURCE HAS CHANGED (1)") < page.index("\ntheirs\n")
    assert "\nloose\n" not in page, "a paraphrase accuses nobody"
    assert "1 not checked, not readable or not comparable" in " ".join(page.split())


def test_a_correction_never_leads_to_a_hijacker() -> None:
    """The link is there to be followed."""
    stolen = misquoted(link=Link.HIJACKED, quote_url="https://example.org/wrong#:~:text=x")
    dead = misquoted("gone", link=Link.DEAD)

    page = corrections(bulletin([stolen, dead]))

    assert "link:" not in page


def test_the_html_does_not_link_to_a_hijacker_either() -> None:
    """One finger's slip on a telephone must not lead to whoever took the address."""
    page = as_html(bulletin([row("stolen", link=Link.HIJACKED)]))

    assert "https://example.org/stolen" in page
    assert "href" not in page


def test_words_of_which_nothing_is_near_are_said_to_have_nothing_near() -> None:
    """An empty place would look like a fault of ours."""
    page = corrections(bulletin([misquoted(quote=Quote.ABSENT, source_says="")]))

    assert "source says: nothing like it" in page
    assert "differs:" not in page


def test_without_misquotations_the_corrections_say_what_they_know() -> None:
    """“Nothing to mend” is worth nothing while half of the pages could not be read."""
    page = corrections(bulletin([row("a"), row("b", quote=Quote.UNCHECKED)]))

    assert "No quotation is known to need mending." in page
    assert "1 found" in page
    assert "1 not checked" in " ".join(page.split())


# ---- since -------------------------------------------------------------------------------

FORMS = (text, markdown, as_html, corrections)


def body(page: str) -> str:
    """The words of a page that stand below its title."""
    found = re.search(r"<body>(.*)</body>", page, re.DOTALL)
    return " ".join(Elements(found[1]).words.split()) if found else " ".join(page.split())


@pytest.mark.parametrize("form", FORMS)
def test_without_news_a_report_since_some_day_is_one_line(form: Any) -> None:
    """It is asked every morning: it must not repeat 61 rows every morning."""
    since = NOW - timedelta(days=7)
    quiet = bulletin([misquoted(), row("b")], since=since)

    page = body(form(quiet))

    assert "No news since 2026-11-15 12:00 UTC." in page
    assert "2 sources, of which 1 needs a person." in page
    assert "blood bath" not in page
    if form is not as_html:
        assert len(form(quiet).splitlines()) == 1


@pytest.mark.parametrize("form", FORMS)
def test_with_news_the_whole_report_follows_it(form: Any) -> None:
    """News without what is known would need a second look elsewhere."""
    run = Run(
        id=9,
        started_at=NOW,
        outcome="conclusive",
        news=(change("wrong", "quote", "found", "altered"),),
    )

    page = form(bulletin([misquoted(), row("b")], run, since=NOW - timedelta(days=7)))

    assert "No news" not in page
    assert "massacre" in page


def test_tables_since_some_day_have_the_rows_that_changed() -> None:
    """A spreadsheet of what is new is opened to be worked off."""
    run = Run(id=9, started_at=NOW, outcome="conclusive", news=(change("b", "link", "x", "y"),))

    page = as_csv(bulletin([row("a"), row("b")], run, since=NOW))
    none = as_csv(bulletin([row("a")], ROUND, since=NOW))

    assert [told["id"] for told in csv.DictReader(io.StringIO(page))] == ["b"]
    assert len(none.splitlines()) == 1
    assert none.startswith("id,group,")


def test_changes_of_several_rounds_are_told_as_one() -> None:
    """Who was away for a month asks where things stand, not how they swayed."""
    rounds = [
        [change("a", "link", "live", "suspect"), change("b", "link", "live", "suspect")],
        [change("a", "link", "suspect", "dead", "http-404"), change("c", "quote", "", "found")],
        [change("b", "link", "suspect", "live"), change("c", "quote", "found", "altered")],
    ]

    assert merged(rounds) == (
        change("a", "link", "live", "dead", "http-404"),
        change("c", "quote", "", "altered"),
    )


# ---- exit codes --------------------------------------------------------------------------


def conclusive(rows: list[AuditRow], **options: Any) -> Bulletin:
    return bulletin(rows, last_conclusive=NOW, **options)


@pytest.mark.parametrize(
    ("fields", "gate", "code"),
    [
        ({"link": Link.DEAD}, "dead-with-copy", 1),
        ({"link": Link.DEAD}, "dead-without-copy", 0),
        ({"link": Link.DEAD, "copy": Copy.NONE}, "dead-without-copy", 1),
        ({"quote": Quote.ALTERED, "quote_reason": "never-found: x"}, "misquoted", 1),
        ({"quote": Quote.ALTERED, "quote_reason": "never-found: x"}, "source-changed", 0),
        ({"quote": Quote.ALTERED, "quote_reason": "found-until 2026: x"}, "source-changed", 1),
        ({"quote": Quote.ALTERED, "link": Link.DEAD}, "dead-with-copy", 1),
        ({"link": Link.MOVED}, "reader", 0),
        ({"link": Link.DEAD}, "reader", 1),
        ({"link": Link.BLOCKED}, "blocked", 1),
        ({"link": Link.UNCHECKED}, "not-known", 1),
        ({"link": Link.DEAD}, "never", 0),
        ({}, "reader", 0),
        ({}, "not-known", 0),
    ],
)
def test_a_report_fails_on_what_it_was_told_to(
    fields: dict[str, Any], gate: str, code: int
) -> None:
    """A script stops a publication by it: one gate too wide and it is taken out."""
    assert exit_code(conclusive([row(**fields)]), gates_of([gate])) == code


def test_a_gate_before_the_first_conclusive_round_is_inconclusive() -> None:
    """What was never checked must not pass for sound."""
    assert exit_code(bulletin([row()]), ("reader",)) == 3
    assert exit_code(bulletin([row()]), ()) == 0


def test_news_and_wrong_rows_can_be_gates() -> None:
    """A wrong row of sources.csv is one of the contract's reasons for 1."""
    wrong = Run(id=1, started_at=NOW, outcome="conclusive", wrong_rows=1, problems=("line 2",))
    newer = Run(id=2, started_at=NOW, outcome="conclusive", news=(change("a", "link", "x", "y"),))

    assert exit_code(conclusive([row()], run=wrong), ("reader",)) == 1
    assert exit_code(conclusive([row("a")], run=newer, rounds=(newer,)), ("news",)) == 1
    assert exit_code(conclusive([row("a")]), ("news",)) == 0


def test_an_unknown_gate_is_named_with_those_that_are_known() -> None:
    """A gate that was silently ignored would never close."""
    with pytest.raises(InputError, match=r"there is no 'ded'.*dead-with-copy"):
        gates_of(["reader,ded"])
    assert gates_of(["reader, news", "never"]) == ("reader", "news")


def test_every_gate_is_documented() -> None:
    """Its name is all that a reader has."""
    described = (DOCS / "reports.md").read_text("utf-8")

    assert [name for name in GATES if f"`{name}`" not in described] == []
