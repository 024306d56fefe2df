"""The page that this program was made for: each misquotation beside the source's own words."""

from __future__ import annotations

import csv
import html
import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.typeset import pdf
from verifier.quotes import locate
from verifier.records import Quote, QuoteKind, Text
from verifier.text import extract

ROOT = Path(__file__).parent
ROWS: list[dict[str, Any]] = [
    json.loads(line)
    for line in (ROOT / "corpus" / "page" / "pairs.jsonl").read_text("utf-8").splitlines()
]
BEFORE = (
    "The committee met in the old customs house and heard the reports of its members. Tea was "
    "served at four, and the windows were closed against the noise of the harbour."
)
AFTER = (
    "Whoever wishes to add to this record may write to the secretary before the end of the month. "
    "Letters without a sender's name will be returned to the post office."
)


def as_pdf(*wordings: str) -> Text:
    """A report with a page for each wording, in narrow lines, with ligatures and a heading."""
    pages = []
    for number, wording in enumerate(wordings, 1):
        lines = textwrap.wrap(f"{BEFORE} {wording}. {AFTER}", 46, break_on_hyphens=False)
        pages.append([f"Report of the committee {number}", *lines])
    return extract(pdf(*pages, ligatures=("ffi", "fi", "fl")), "application/pdf")


def as_html(*wordings: str) -> Text:
    """A web page with a paragraph for each wording, its words in several elements."""
    paragraphs = []
    for wording in wordings:
        first, _, rest = html.escape(wording).partition(" ")
        paragraphs.append(f"<p>{BEFORE} &ldquo;<b>{first}</b>&nbsp;{rest}&rdquo;. {AFTER}</p>")
    page = "<!doctype html><title>Report</title>" + "".join(paragraphs)
    return extract(page.encode(), "text/html; charset=utf-8")


def judged(row: dict[str, Any], text: Text) -> tuple[Quote, str]:
    found = locate(row["quote"], text, kind=QuoteKind(row["kind"]), lang=row["lang"])
    return found.result, " ".join(found.source_says.split())


@pytest.mark.parametrize("typeset", [as_pdf, as_html])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_each_misquotation_stands_beside_the_true_words(row: dict[str, Any], typeset: Any) -> None:
    """
    That is what was asked for; and who paraphrases is not accused.
    """
    alone = judged(row, typeset(row["wording"]))
    among_all = judged(row, typeset(*dict.fromkeys(each["wording"] for each in ROWS)))

    for result, says in (alone, among_all):
        assert result is Quote(row["label"])
        assert row["shows"] in says.replace("- ", "")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_the_sources_own_words_are_found(row: dict[str, Any]) -> None:
    """
    Corrected, the page is sound.
    """
    corrected = row | {"quote": row["wording"], "kind": "verbatim"}

    assert judged(corrected, as_pdf(row["wording"]))[0] is Quote.FOUND
    assert judged(corrected, as_html(row["wording"]))[0] is Quote.FOUND


def test_the_labels_are_of_the_rows_that_the_program_is_run_over() -> None:
    """
    Labels of other words would prove nothing about the page.
    """
    with (ROOT.parent / "sources.csv").open(encoding="utf-8", newline="") as file:
        listed = {row["id"]: row for row in csv.DictReader(file)}

    for row in ROWS:
        source = listed[row["id"]]
        assert (source["quote"], source["quote_kind"]) == (row["quote"], row["kind"])
        assert source["wording_in_source"] == row["wording"]
