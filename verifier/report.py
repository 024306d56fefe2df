"""What a person is told in plain text: the report, and the summary of a round."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from verifier.attention import (
    Group,
    address_to_use,
    by_axis,
    facts_of,
    minute,
    needs_reader,
    overview_of,
    parted,
    plain,
    plural,
    rows_needing,
    safe_address,
    short,
    stamp,
    state_of,
    tally,
    title_of,
    what_is_unknown,
    wrapped,
)
from verifier.bulletin import Bulletin
from verifier.news import for_programs, headlines
from verifier.records import AuditRow, Overview, Run

__all__ = [
    "JSON_FORMAT",
    "address_to_use",
    "as_json",
    "known_unresolved",
    "needs_reader",
    "news",
    "subject",
    "summary",
    "text",
]

JSON_FORMAT = "verifier-round/1"
"""Name of the JSON of :func:`as_json`; a change that breaks readers gets another number."""

# ---- plain text --------------------------------------------------------------------------


def text(bulletin: Bulletin, *, width: int = 80) -> str:
    """The report for a terminal or a mail.

    Args:
        width: Columns to wrap at; addresses are never broken.

    Returns:
        News, then what is known by weight, then what could not be known; one line where news
        was asked for and there is none. Ends with a newline and holds no control characters
        but newlines.
    """
    if bulletin.no_news:
        return f"{plain(bulletin.no_news)}\n"
    rows, run = bulletin.rows, bulletin.run
    blocks = [wrapped(plain(f"{bulletin.opening} {bulletin.state}"), width)]
    if rows:
        blocks.append(_text_counts(overview_of(rows), width))
    if bulletin.news:
        lines = [bulletin.news_title.upper()]
        for line in bulletin.news:
            words = plain(f"{line.source_id}: {line.words}".removeprefix(": "))
            lines.append(wrapped(words, width, first="  ", indent="      "))
        blocks.append("\n".join(lines))
    for part, groups in parted(rows):
        blocks.append(f"---- {part} ----")
        blocks += [_text_group(group, members, width) for group, members in groups]
    if run and (run.problems or run.wrong_rows):
        wrong = f"WRONG ROWS OF SOURCES.CSV ({run.wrong_rows})"
        lines = [wrong if run.wrong_rows else "ABOUT SOURCES.CSV"]
        lines += [wrapped(plain(p), width, first="  ", indent="      ") for p in run.problems]
        blocks.append("\n".join(lines))
    if rows:
        blocks.append(wrapped(bulletin.closing, width))
    if run and run.head:
        blocks.append(f"Ledger head: {plain(run.head)}")
    return "\n\n".join(blocks) + "\n"


def _text_counts(overview: Overview, width: int) -> str:
    return "\n".join(
        wrapped(tally(counts), width, first=f"  {axis:<6} ", indent=" " * 9)
        for axis, counts in by_axis(overview).items()
    )


def _text_group(group: Group, members: Sequence[AuditRow], width: int) -> str:
    title = f"{group.title.upper()} ({len(members)})"
    lines = [title, wrapped(group.meaning, width)]
    for row in members:
        if group.brief:
            line = f"{plain(row.id)}: {what_is_unknown(row)}"
            lines.append(wrapped(line, width, first="  ", indent="      "))
            continue
        lines += ["", f"  {plain(row.id)}"]
        if heading := title_of(row):
            lines.append(wrapped(heading, width, first="    ", indent="    "))
        if row.url:
            lines.append(f"    {safe_address(row.url)}")
        for fact in facts_of(row):
            words = safe_address(fact.words) if fact.address else plain(fact.words)
            lines.append(wrapped(words, width, first=f"    {fact.label}: ", indent=" " * 8))
    return "\n".join(lines)


# ---- after a round -----------------------------------------------------------------------

# named one by one in the summary; the rest is in the report
_LISTED = 6
_LISTED_ROWS = 3


def summary(
    rows: Sequence[AuditRow],
    run: Run | None,
    *,
    now: datetime,
    last_conclusive: datetime | None = None,
    overview: Overview | None = None,
    copies: bool = True,
    width: int = 80,
) -> str:
    """The ten to twenty lines after a round.

    Args:
        overview: Of the whole table, where *rows* are only those that may need a reader.
        copies: As for :func:`needs_reader`.

    Returns:
        What the round did, counts, who needs a reader, wrong rows, when the next check is due,
        and the ledger's head; ends with a newline.
    """
    state, _ = state_of(run, now=now, last_conclusive=last_conclusive)
    overview = overview or overview_of(rows)
    lines = [wrapped(plain(state), width), _text_counts(overview, width)]
    needing = rows_needing(rows, copies=copies)
    if needing:
        lines.append(f"{plural(len(needing), 'source needs', 'sources need')} a reader:")
        lines += [f"  {short(f'{row.id}: {why}', width - 2)}" for row, why in needing[:_LISTED]]
        if len(needing) > _LISTED:
            lines.append(f"  and {len(needing) - _LISTED} more: verifier report")
    else:
        lines.append("No source needs a reader.")
    if run:
        lines += _round_lines(run, width)
    if overview.next_check_at:
        lines.append(f"Next check: {minute(overview.next_check_at)}")
    if run and run.head:
        lines.append(f"Ledger head: {plain(run.head)}")
    return "\n".join(lines) + "\n"


def _round_lines(run: Run, width: int) -> Iterable[str]:
    if run.news:
        known = sum(1 for change in run.news if change.before)
        new = len({change.source_id for change in run.news if not change.before})
        parts = [plural(known, "answer changed", "answers changed")] if known else []
        parts += [plural(new, "new source", "new sources")] if new else []
        yield f"News: {', '.join(parts)}"
    if run.preserve:
        yield wrapped(plain(run.preserve), width, first="Archive: ", indent=" " * 9)
    if run.wrong_rows or run.problems:
        yield (
            plural(run.wrong_rows, "row of sources.csv is wrong:", "rows of sources.csv are wrong:")
            if run.wrong_rows
            else "About sources.csv:"
        )
        for problem in run.problems[:_LISTED_ROWS]:
            yield wrapped(plain(problem), width, first="  ", indent="      ")
        if len(run.problems) > _LISTED_ROWS:
            yield f"  and {len(run.problems) - _LISTED_ROWS} more"


def news(run: Run, rows: Sequence[AuditRow], *, copies: bool = True) -> str:
    """What changed in this round, for a mail from cron; "" when nothing did."""
    by_id = {row.id: row for row in rows}
    lines = []
    for line in headlines(run.news, rows, copies=copies):
        lines.append(plain(f"{line.source_id}: {line.words}".removeprefix(": ")))
        row = by_id.get(line.source_id)
        if row and line.axis == "link" and (instead := address_to_use(row)):
            lines.append(f"  use instead: {safe_address(instead)}")
    return "\n".join(lines) + "\n" if lines else ""


def subject(run: Run, rows: Sequence[AuditRow]) -> str:
    """The subject of a mail with the news of a round."""
    bad = sum(1 for line in headlines(run.news, rows) if line.bad)
    if not bad:
        return "Cited sources: news"
    return f"Cited sources: {plural(bad, 'answer', 'answers')} to look at"


def known_unresolved(rows: Sequence[AuditRow], *, copies: bool = True) -> str:
    """What still needs a reader, a line a source, the heaviest first; "" when nothing does."""
    needing = rows_needing(rows, copies=copies)
    if not needing:
        return ""
    count = plural(len(needing), "source needs", "sources need")
    lines = [f"{count} a reader, as known before:"]
    lines += [plain(f"{row.id}: {why}") for row, why in needing]
    return "\n".join(lines) + "\n"


# ---- JSON --------------------------------------------------------------------------------


def as_json(
    rows: Sequence[AuditRow],
    run: Run | None,
    *,
    now: datetime,
    last_conclusive: datetime | None = None,
    overview: Overview | None = None,
    copies: bool = True,
) -> str:
    """The summary of a round for programs: one JSON object in ASCII, with a newline.

    Keys: ``format`` (:data:`JSON_FORMAT`), ``generated_at``, ``last_conclusive_at``, ``round``
    (``id started_at ended_at outcome reason network listed due checked preserve``, or null),
    ``sources``, ``counts`` (by axis, every answer, zeros included), ``needs_reader`` (objects
    with ``id url reasons use_instead``, the heaviest first), ``news`` (objects with
    ``source_id axis before after reason``; ``before`` is "" for a new source), ``wrong_rows``,
    ``problems`` (sentences), ``next_check_at``, ``head``. Times are UTC and end in ``Z``; null
    where there is none. New keys may come; known ones keep their meaning within a format.
    """
    _, last_conclusive = state_of(run, now=now, last_conclusive=last_conclusive)
    overview = overview or overview_of(rows)
    answer = {
        "format": JSON_FORMAT,
        "generated_at": stamp(now),
        "last_conclusive_at": stamp(last_conclusive),
        "round": _json_round(run) if run else None,
        "sources": overview.sources,
        "counts": by_axis(overview),
        "needs_reader": [
            {
                "id": row.id,
                "url": row.url,
                "reasons": list(needs_reader(row, copies=copies)),
                "use_instead": address_to_use(row),
            }
            for row, _ in rows_needing(rows, copies=copies)
        ],
        "news": [for_programs(change) for change in (run.news if run else ())],
        "wrong_rows": run.wrong_rows if run else 0,
        "problems": list(run.problems) if run else [],
        "next_check_at": stamp(overview.next_check_at),
        "head": run.head if run else "",
    }
    return json.dumps(answer, indent=2) + "\n"


def _json_round(run: Run) -> dict[str, str | int | None]:
    return {
        "id": run.id,
        "started_at": stamp(run.started_at),
        "ended_at": stamp(run.ended_at),
        "outcome": run.outcome,
        "reason": run.reason,
        "network": run.network,
        "listed": run.listed,
        "due": run.due,
        "checked": run.checked,
        "preserve": run.preserve,
    }
