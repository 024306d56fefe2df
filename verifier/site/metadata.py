"""What Datasette is told about the audit database: titles, descriptions, facets, queries."""

from __future__ import annotations

from typing import Any

from verifier.site import ours

NEEDS_A_PERSON = (
    "(link in ('dead', 'hijacked', 'invalid')"
    " or (quote_kind = 'verbatim' and quote in ('altered', 'absent'))"
    " or copy in ('none', 'failed', 'excluded', 'lost'))"
)
"""`verifier.report.needs_reader` in SQL; a test holds the two together."""

USE_INSTEAD = (
    "case when link in ('moved', 'dead') and suggested_url <> '' then suggested_url"
    " when link in ('moved', 'dead', 'hijacked') and copy <> 'lost' then snapshot_url"
    " else '' end"
)
"""`verifier.report.address_to_use` in SQL; a test holds the two together."""

_QUERIES: dict[str, dict[str, Any]] = {
    "needs_a_person": {
        "title": "What needs a person",
        "description": "Sources that are dead, hijacked or can't be checked, verbatim quotations "
        "that the source does not say, and sources without a copy that others can read; the "
        "heaviest first. use_instead is what a page can cite in their place.",
        "hide_sql": True,
        "sql": f"""select id, coalesce(nullif(title, ''), claim) as title, link, quote, copy,
  url, {USE_INSTEAD} as use_instead,
  link_reason, quote_reason, copy_reason, link_since, quote_since, copy_since
from audit
where {NEEDS_A_PERSON}
order by case
    when link = 'hijacked' then 0
    when link = 'dead' and copy not in ('confirmed', 'captured') then 1
    when link = 'dead' then 2
    when quote_kind = 'verbatim' and quote in ('altered', 'absent') then 3
    when link = 'invalid' then 4
    else 5 end, id""",  # noqa: S608
    },
    "changed_since": {
        "title": "What changed since a day",
        "description": "Sources of which an answer is newer than the day given as since "
        "(2026-11-30, or a time such as 2026-11-30T06:00:00Z); without one, the last seven days. "
        "New sources count as changed.",
        "hide_sql": True,
        "sql": """with asked(day) as (
  select coalesce(nullif(trim(:since), ''), date('now', '-7 days'))
)
select id, coalesce(nullif(title, ''), claim) as title, link, quote, copy, url,
  max(coalesce(link_since, ''), coalesce(quote_since, ''), coalesce(copy_since, '')) as changed_at,
  link_reason, quote_reason, copy_reason
from audit, asked
where link_since >= day or quote_since >= day or copy_since >= day
order by changed_at desc, id""",
    },
    "archive_failures": {
        "title": "Copies that could not be made",
        "description": "Sources whose copy failed, is barred from the archive or was lost, and "
        "those still waiting after a refusal, with what the archive answered last.",
        "hide_sql": True,
        "sql": """select audit.id, coalesce(nullif(audit.title, ''), audit.claim) as title,
  audit.link, audit.copy, audit.copy_reason, audit.copy_since, audit.url,
  submissions.archive, submissions.state, submissions.code, submissions.message,
  submissions.tries, submissions.asked_at, submissions.retry_at
from audit
join sources on sources.id = audit.id
left join submissions on submissions.id = (
  select max(id) from submissions where address = sources.address
)
where audit.copy in ('failed', 'excluded', 'lost')
  or (audit.copy = 'pending' and submissions.code <> '')
order by audit.copy_since desc, audit.id""",
    },
}

_AUDIT_COLUMNS = {
    "id": "The source's name in sources.csv.",
    "title": "The source's title.",
    "link": "Is it still there? live, moved, blocked, suspect, dead, hijacked, invalid, unchecked.",
    "quote": "Does it say what is quoted? found (the words stand there, not that they are true), "
    "altered, absent, not_comparable, unreadable, no_quote, unchecked.",
    "copy": "Is a copy kept where others can read it? confirmed, captured, pending, failed, "
    "excluded, lost, none.",
    "cited": "The quotation, as the page prints it.",
    "source_says": "The nearest passage of the source, where the quotation was not found.",
    "quote_url": "The live address, opened at the quoted words.",
    "snapshot_url": "The copy in an archive.",
    "keepers": "How many custodians hold the quoted words now; the live page is none.",
    "link_reason": "Why link says so; begins with the rule's name.",
    "quote_reason": "Why quote says so.",
    "copy_reason": "Why copy says so.",
    "link_since": "Since when link says so. All times are UTC.",
    "quote_since": "Since when quote says so.",
    "copy_since": "Since when copy says so.",
    "checked_at": "When we last looked.",
    "last_live_at": "When it was last seen alive.",
    "quote_first_found_at": "When the quoted words were first found.",
    "quote_last_found_at": "When the quoted words were last found.",
    "publisher": "Who published the source.",
    "published": "When; may be a year or a month.",
    "claim": "What the page says on the source's authority.",
    "quote_kind": "verbatim, paraphrase, title or translation; only verbatim can be misquoted.",
    "lang": "Language of the quoted words.",
    "locator": "Paragraph or page in the source.",
    "url": "What is cited.",
    "final_url": "Where the address led when we last looked.",
    "suggested_url": "What to cite instead, when we know.",
    "status": "The last HTTP status.",
    "agreement": "In what the archive's copy agrees with what we saw: bytes, text or quote.",
    "snapshot_at": "When the archive made its copy.",
    "quote_local": "Are the quoted words in our own copy?",
    "quote_wayback": "Are they in the archive's copy?",
    "local_copy": "Our own copy, as it came over the wire.",
    "judged_by": "Who overruled the answer.",
    "judged_until": "Until when that holds.",
    "strikes": "Failures in a row that count.",
    "next_check_at": "When we look again.",
    "sha256": "Of the body after content-decoding.",
    "text_sha256": "Of the page's main text.",
    "rules_version": "Version of the rules that judged.",
    "tags": "As in sources.csv.",
}

_TABLES: dict[str, dict[str, Any]] = {
    "audit": {
        "title": "audit: every source with its three answers",
        "description": "Newest answers first. The three facets can be combined.",
        "facets": ["link", "quote", "copy"],
        "sort_desc": "link_since",
        "size": 50,
        "columns": _AUDIT_COLUMNS,
    },
    "sources": {"description": "sources.csv as it was last read; a row that left is retired."},
    "runs": {"description": "The rounds, the newest first.", "sort_desc": "id"},
    "checks": {
        "description": "Every look at every source: what was seen, before what it means.",
        "sort_desc": "id",
    },
    "captures": {
        "description": "Every response kept in our WARC files; file opens the copy.",
        "sort_desc": "id",
        "label_column": "captured_at",
    },
    "quote_findings": {"description": "Where a quotation was looked for, and what was found."},
    "readings": {
        "description": "What a look means by newer rules than those of its round.",
        "sort_desc": "id",
    },
    "passages": {"description": "The words around a finding; these can be erased."},
    "submissions": {
        "description": "What was asked of an archive, noted before it was asked.",
        "sort_desc": "id",
    },
    "snapshots": {"description": "Copies in archives that we know of.", "sort_desc": "id"},
    "readbacks": {
        "description": "What the archive showed when a copy was read back.",
        "sort_desc": "id",
    },
    "judgements": {"description": "Where a person overruled an answer.", "sort_desc": "id"},
    "ledger": {
        "description": "The digest of every entry, chained to the one before.",
        "sort_desc": "seq",
    },
    "standings": {"hidden": True},
    "lookups": {"hidden": True},
    "near_lookups": {"hidden": True},
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
        "about": "Verifier",
        "plugins": {ours.PLUGIN: plugin},
        "databases": {
            ours.DATABASE: {
                "title": "The audit",
                "description": _DESCRIPTION,
                "tables": _TABLES,
                "queries": _QUERIES,
            }
        },
    }
