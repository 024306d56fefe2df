"""The report for programs: JSON whose names are kept, as docs/reports.md describes it."""

from __future__ import annotations

import json
from typing import Any

from verifier.attention import (
    address_to_use,
    by_axis,
    group_of,
    needs_reader,
    overview_of,
    stamp,
)
from verifier.bulletin import Bulletin
from verifier.news import for_programs
from verifier.rows import of_audit

FORMAT = "verifier-report/1"
"""Name of this JSON; a change that breaks readers gets another number."""


def as_json(bulletin: Bulletin) -> str:
    """One JSON object in ASCII, with a newline; the same keys on every day, news or none.

    New keys may come; known ones keep their meaning within a format.
    """
    run = bulletin.run
    overview = overview_of(bulletin.rows)
    answer: dict[str, Any] = {
        "format": FORMAT,
        "generated_at": stamp(bulletin.written_at),
        "since": stamp(bulletin.since),
        "last_conclusive_at": stamp(bulletin.last_conclusive),
        "round": {
            "id": run.id,
            "started_at": stamp(run.started_at),
            "ended_at": stamp(run.ended_at),
            "outcome": run.outcome,
            "reason": run.reason,
        }
        if run is not None
        else None,
        "counts": by_axis(overview),
        "next_check_at": stamp(overview.next_check_at),
        "news": [for_programs(change) for change in bulletin.changes],
        "sources": [
            {
                **of_audit(row),
                "tags": list(row.tags),
                "group": group.name if (group := group_of(row)) is not None else "sound",
                "needs_reader": list(needs_reader(row)),
                "use_instead": address_to_use(row),
            }
            for row in bulletin.rows
        ],
        "wrong_rows": run.wrong_rows if run is not None else 0,
        "problems": list(run.problems) if run is not None else [],
        "head": run.head if run is not None else "",
    }
    return json.dumps(answer, indent=2) + "\n"
