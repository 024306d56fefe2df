"""Tables of runs, with medians and ratios to verifier, for the terminal and for Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from bench.measure import Cost
from bench.web import Asked, Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one tool: what it cost, what the server saw, and what is to be said of it."""

    cost: Cost
    asked: Asked
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """All runs of one tool over one case; none, with the reason, where it could not run."""

    name: str
    key: str
    runs: tuple[Run, ...]
    missing: str = ""


HEAD = (
    "",
    "s",
    "sources/s",
    "µs CPU/source",
    "peak MB",
    "time ÷ verifier",
    "method (connections)",
    "remarks",
)


def cells(row: Row, case: Case, *, ours: Row | None) -> tuple[str, ...]:
    """The medians of a row as text; times are medians, memory the highest seen."""
    if not row.runs:
        return (row.name, *[""] * 6, row.missing)
    seconds = median(run.cost.seconds for run in row.runs)
    cpu = median(run.cost.cpu for run in row.runs)
    asked, ratio = row.runs[-1].asked, ""
    if ours is not None and ours.runs:
        ratio = f"{seconds / median(run.cost.seconds for run in ours.runs):.2f}"
    return (
        row.name,
        f"{seconds:.2f}",
        f"{case.sources / seconds:,.0f}",
        f"{cpu / case.sources * 1e6:,.0f}",
        f"{max(run.cost.peak for run in row.runs) / 1e6:,.0f}",
        ratio,
        f"{' '.join(asked.methods)} ({asked.connections:,})",
        "; ".join(_remarks(row, case)),
    )


def _remarks(row: Row, case: Case) -> list[str]:
    fewest = min(run.asked.sources for run in row.runs)
    most = max(run.asked.requests for run in row.runs)
    said = []
    if fewest < case.sources:
        said.append(f"**asked {fewest:,} of {case.sources:,}**")
    if most > case.sources * 1.01:
        said.append(f"{most:,} requests")
    if any(run.cost.timed_out for run in row.runs):
        said.append(f"**stopped after {case.limit:.0f} s**")
    if max(run.asked.busy / run.cost.seconds for run in row.runs) > 0.85:
        said.append("the server was the limit")
    return said + sorted({run.remark for run in row.runs if run.remark})


def as_text(case: Case, rows: list[Row]) -> str:
    """A table for the terminal."""
    lines = _lines(rows, case)
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    drawn = [
        "  ".join(
            cell.ljust(width) if place in (0, 6, 7) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return f"{case.title}\n" + "\n".join(drawn)


def as_markdown(case: Case, rows: list[Row]) -> str:
    """A table for docs/speed.md."""
    lines = [" | ".join(line) for line in _lines(rows, case)]
    lines.insert(1, "|".join(["---"] + [" ---: "] * 5 + ["---"] * 2))
    return f"### {case.title}\n\n" + "\n".join(f"| {line} |" for line in lines)


def _lines(rows: list[Row], case: Case) -> list[tuple[str, ...]]:
    ours = next((row for row in rows if row.key == "verifier"), None)
    return [HEAD, *(cells(row, case, ours=ours) for row in rows)]
