"""The report in CommonMark, for a tracker's issue or a wiki."""

from __future__ import annotations

import re

from verifier.attention import (
    by_axis,
    facts_of,
    overview_of,
    parted,
    plain,
    safe_address,
    tally,
    title_of,
    what_is_unknown,
)
from verifier.bulletin import Bulletin
from verifier.records import AuditRow

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$])")


def markdown(bulletin: Bulletin) -> str:
    """News, then what is known by weight, then what could not be known, with one table.

    Every word of others is escaped, every address percent-encoded; nobody is mentioned and no
    issue is referred to. One line where news was asked for and there is none.
    """
    if bulletin.no_news:
        return f"{escaped(bulletin.no_news)}\n"
    rows, run = bulletin.rows, bulletin.run
    lines = ["# Cited sources", "", f"**{bulletin.opening}** {escaped(bulletin.state)}", ""]
    lines += ["| question | answers |", "| --- | --- |"]
    lines += [
        f"| {axis} | {tally(counts)} |" for axis, counts in by_axis(overview_of(rows)).items()
    ]
    if bulletin.news:
        lines += ["", f"## {bulletin.news_title}", ""]
        for line in bulletin.news:
            name = f"**{escaped(line.source_id)}**: " if line.source_id else ""
            lines.append(f"- {name}{escaped(line.words)}")
    for part, groups in parted(rows):
        lines += ["", f"## {part}"]
        for group, members in groups:
            lines += ["", f"### {group.title} ({len(members)})", "", group.meaning, ""]
            for row in members:
                lines += _row(row, brief=group.brief)
    if run and (run.problems or run.wrong_rows):
        wrong = f"Wrong rows of sources.csv ({run.wrong_rows})"
        lines += ["", f"## {wrong if run.wrong_rows else 'About sources.csv'}", ""]
        lines += [f"- {escaped(problem)}" for problem in run.problems]
    lines += ["", bulletin.closing]
    if run and run.head:
        lines += ["", f"Ledger head: {escaped(run.head)}"]
    return "\n".join(lines) + "\n"


def _row(row: AuditRow, *, brief: bool) -> list[str]:
    name = f"- **{escaped(row.id)}**"
    if brief:
        return [f"{name}: {escaped(what_is_unknown(row))}"]
    heading = title_of(row)
    lines = [f"{name} {escaped(heading)}".rstrip()]
    if row.url:
        lines.append(f"  - {linked(row.url)}")
    for fact in facts_of(row):
        words = linked(fact.words) if fact.address else escaped(fact.words)
        lines.append(f"  - {fact.label}: {words}")
    return lines


def escaped(words: str) -> str:
    """*words* on one line, as themselves: no markup, no mention, no reference to an issue."""
    shown = _SPECIAL.sub(r"\\\1", plain(words))
    return re.sub(r"([@#])(?=\w)", "\\1\u2060", shown)


def linked(url: str) -> str:
    """A web address as a link; any other as words."""
    address = safe_address(url)
    is_web = address.lower().startswith(("http://", "https://"))
    return f"<{address}>" if is_web else escaped(address)
