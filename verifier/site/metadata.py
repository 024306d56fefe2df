"""What Datasette is told about the audit database: titles, descriptions, facets, queries."""

from __future__ import annotations

from typing import Any

from verifier.site import ours
from verifier.site.columns import COLUMNS
from verifier.site.queries import QUERIES

_TABLES: dict[str, dict[str, Any]] = {
    "audit": {
        "title": "audit: every source with its three answers",
        "description": "Newest answers first. The three facets can be combined. “found” means "
        "that the words stand there, not that they are true; “unchecked” is not “sound”.",
        "facets": ["link", "quote", "copy"],
        "sort_desc": "link_since",
        "size": 50,
    },
    "sources": {
        "description": "sources.csv as it was last read; a row that left is retired.",
        "sort": "line",
        "sortable_columns": ["id", "line", "host", "changed_at", "first_seen_at", "retired_at"],
    },
    "runs": {
        "description": "The rounds, the newest first.",
        "sort_desc": "id",
        "facets": ["outcome"],
        "size": 50,
    },
    "checks": {
        "description": "Every look at every source: what was seen, before what it means.",
        "sort_desc": "id",
        "size": 50,
    },
    "captures": {
        "description": "Every response kept in our WARC files; file opens the copy.",
        "sort_desc": "id",
        "label_column": "captured_at",
        "size": 50,
    },
    "quote_findings": {
        "description": "Where a quotation was looked for, and what was found.",
        "sort_desc": "id",
        "size": 50,
    },
    "readings": {
        "description": "What a look means by newer rules than those of its round.",
        "sort_desc": "id",
    },
    "passages": {"description": "The words around a finding; these can be erased."},
    "submissions": {
        "description": "What was asked of an archive, noted before it was asked.",
        "sort_desc": "id",
        "facets": ["state"],
    },
    "snapshots": {"description": "Copies in archives that we know of.", "sort_desc": "id"},
    "readbacks": {
        "description": "What the archive showed when a copy was read back.",
        "sort_desc": "id",
        "facets": ["outcome"],
    },
    "judgements": {"description": "Where a person overruled an answer.", "sort_desc": "id"},
    "ledger": {
        "description": "The digest of every entry, chained to the one before.",
        "sort_desc": "seq",
        "size": 50,
    },
    "baselines": {"description": "What a page was like when it was first seen good."},
    "probes": {
        "description": "What a host answered for a page that cannot be: how its errors look.",
        "sort_desc": "id",
    },
    "daily": {
        "description": "How many sources had each answer, day by day.",
        "sort_desc": "day",
        "facets": ["axis"],
    },
    # not listed, or it would stand before the audit table; each row's page shows its own
    "alternatives": {
        "description": "Other addresses of the sources, and what proves that they say the same.",
        "facets": ["verified_by", "link"],
        "hidden": True,
    },
    "standings": {"hidden": True},
    "lookups": {"hidden": True},
    "near_lookups": {"hidden": True},
    "courtesies": {"hidden": True},
    "_sqlite_migrations": {"hidden": True},
}

_TITLE = "Cited sources"
_DESCRIPTION = (
    "For every source that is cited: is it still there (link), does it say what is quoted "
    "(quote), and is a copy kept where others can read it (copy). “Not checked” is not “sound”."
)


def metadata(*, plugin: dict[str, Any]) -> dict[str, Any]:
    """Datasette's metadata for a site with the audit database alone.

    Args:
        plugin: The plugin's settings, of `verifier.site.ours.settings`.
    """
    return {
        "title": _TITLE,
        "description": _DESCRIPTION,
        "license": "findings are facts; archived pages remain their authors’",
        "source": "sources.csv, and what its addresses answered",
        "about": "Verifier",
        "plugins": {ours.PLUGIN: plugin},
        "databases": {
            ours.DATABASE: {
                "title": "The audit",
                "description": _DESCRIPTION,
                "tables": {
                    name: told | {"columns": COLUMNS.get(name, {})}
                    for name, told in _TABLES.items()
                },
                "queries": QUERIES,
            }
        },
    }
