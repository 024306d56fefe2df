"""``python -m tests.accuracy``: how often the answers are right, with every error."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.accuracy.corpus import HALVES
from tests.accuracy.score import Score, scores
from verifier.text import TEXT_VERSION
from verifier.verdict import RULES_VERSION

_NAMES = {"apart": "made apart from the rules", "known": "made with the rules in view"}
_MARKS = re.compile(r"(<!-- accuracy: begin -->\n).*?(<!-- accuracy: end -->)", re.DOTALL)


def main() -> int:
    """Print the tables and the errors; 1 where one of them is unforgivable."""
    wanted = _arguments()
    found = scores(wanted.half or HALVES)
    sys.stdout.writelines(f"{line}\n" for score in found for line in told(score))
    sys.stdout.write(summary(found))
    if wanted.write is not None:
        page = wanted.write.read_text("utf-8")
        new, times = _MARKS.subn(lambda mark: f"{mark[1]}{summary(found)}{mark[2]}", page)
        if not times:
            sys.stderr.write(f"{wanted.write} has no marks to write between\n")
            return 2
        if new != page:
            wanted.write.write_text(new, "utf-8")
    return int(any(score.unforgivable for score in found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy", description=__doc__)
    parser.add_argument(
        "--half", action="append", choices=HALVES, help="of the corpus; both, when not given"
    )
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="put the summary into FILE, between its marks"
    )
    return parser.parse_args()


def told(score: Score) -> Iterator[str]:
    """A score for the terminal: its confusion table, then every error with its reason."""
    yield f"{score.name}, {_NAMES[score.half]}"
    yield from _confusion(score)
    for case in score.errors:
        worst = "UNFORGIVABLE " if case.unforgivable else ""
        yield f"  {worst}{case.id}: {case.label}, called {case.said}. {case.why}"
        yield f"      {' '.join(case.reason.split())[:240]}"
    yield ""


def _confusion(score: Score) -> Iterator[str]:
    labels = sorted({label for label, _ in score.table})
    answers = sorted({said for _, said in score.table})
    rows = [["", *answers]]
    rows += [
        [label, *(str(score.table[label, said] or "·") for said in answers)] for label in labels
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()


def summary(found: Sequence[Score]) -> str:
    """The scores as a table in Markdown."""
    lines = [
        f"Rules version {RULES_VERSION}, text version {TEXT_VERSION}.",
        "",
        "| | half | cases | right | unforgivable |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for score in found:
        lines.append(
            f"| {score.name} | {_NAMES[score.half]} | {len(score.cases)} "
            f"| {100 * score.accuracy:.1f} % | {score.unforgivable} |"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
