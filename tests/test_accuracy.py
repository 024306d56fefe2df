"""The rules over the labelled corpus: how often right, and wrong in no way that is unforgivable."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.accuracy import __main__ as accuracy
from tests.accuracy import score
from tests.accuracy.corpus import HALVES, pairs
from tests.accuracy.score import Score
from verifier import quotes
from verifier.records import Finding, Quote

FLOORS = {
    ("apart", "quotations"): 0.99,
    ("known", "quotations"): 0.98,
    ("apart", "pages"): 0.97,
    ("known", "pages"): 0.97,
}
"""Raised when the rules get better; what falls below has forgotten something."""


@cache
def scored() -> dict[tuple[str, str], Score]:
    return {(one.half, one.name): one for one in score.scores(HALVES)}


@pytest.mark.parametrize("part", FLOORS, ids=" ".join)
def test_the_rules_are_as_good_as_they_were(part: tuple[str, str]) -> None:
    """
    A rule that heals one page and spoils ten looks like progress until all are asked.
    """
    assert scored()[part].accuracy >= FLOORS[part], [case.id for case in scored()[part].errors]


@pytest.mark.parametrize("part", FLOORS, ids=" ".join)
def test_no_error_is_unforgivable(part: tuple[str, str]) -> None:
    """
    A false quotation is not called found, and a page that stands or refuses us is not lost.
    """
    assert not [case.id for case in scored()[part].cases if case.unforgivable]


def test_a_rule_that_finds_everything_is_caught(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    A measure that can't fail measures nothing.
    """
    sound = Finding(result=Quote.FOUND, reason="verbatim: so it is said", score=100.0)
    monkeypatch.setattr(quotes, "locate", lambda *_args, **_more: sound)
    few = [pair for pair in pairs("apart") if pair.label in ("altered", "found")][:20]
    monkeypatch.setattr(score, "pairs", lambda _half: few)
    monkeypatch.setattr(score, "looks", lambda _half: [])
    monkeypatch.setattr("sys.argv", ["accuracy", "--half", "apart"])

    assert accuracy.main() == 1
    assert "UNFORGIVABLE" in capsys.readouterr().out


def test_the_summary_is_written_between_its_marks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    The figures in the documents are the program's, and what stands around them is a person's.
    """
    page = tmp_path / "accuracy.md"
    page.write_text("before\n<!-- accuracy: begin -->\nold\n<!-- accuracy: end -->\nafter\n")
    right = [pair for pair in pairs("apart") if pair.id == "en-dam-01"]
    monkeypatch.setattr(score, "pairs", lambda half: right if half == "apart" else [])
    monkeypatch.setattr(score, "looks", lambda _half: [])
    monkeypatch.setattr("sys.argv", ["accuracy", "--write", str(page)])

    assert accuracy.main() == 0
    written = page.read_text()
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert "| quotations | made apart from the rules | 1 | 100.0 % | 0 |" in written
    assert "old" not in written
