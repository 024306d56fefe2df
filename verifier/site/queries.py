"""The canned queries: questions that maintainers ask, each under an address that stays."""

from __future__ import annotations

from typing import Any

from verifier.records import Link, Quote
from verifier.site.groups import HEADINGS

NEEDS_A_PERSON = (
    "(link in ('dead', 'hijacked', 'invalid')"
    " or (quote_kind = 'verbatim' and quote in ('altered', 'absent'))"
    " or copy in ('none', 'failed', 'excluded', 'lost'))"
)
"""`verifier.attention.needs_reader` in SQL; a test holds the two together."""

USE_INSTEAD = (
    "case when link in ('moved', 'dead') and suggested_url <> '' then suggested_url"
    " when link in ('moved', 'dead', 'hijacked') and copy <> 'lost' then snapshot_url"
    " else '' end"
)
"""`verifier.attention.address_to_use` in SQL; a test holds the two together."""

_TITLE = "coalesce(nullif(audit.title, ''), audit.claim) as title"
_WHY = "case {} else '' end".format(
    " ".join(f"when {heading.where} then '{heading.title}'" for heading in HEADINGS)
)
_WEIGHT = "case {} else {} end".format(
    " ".join(f"when {heading.where} then {place}" for place, heading in enumerate(HEADINGS)),
    len(HEADINGS),
)
_WRONG_WORDS = f"""audit.id, {_TITLE}, audit.quote, audit.cited, audit.source_says, audit.locator,
  sources.cited_in, audit.quote_url, audit.snapshot_url, audit.quote_reason, audit.quote_since,
  audit.quote_last_found_at, audit.link
from audit join sources on sources.id = audit.id
where audit.quote in ('altered', 'absent') and audit.quote_kind = 'verbatim'"""


def _over_time(axis: str, words: type[Link] | type[Quote]) -> str:
    columns = ",\n  ".join(
        f"sum(sources) filter (where answer = '{word}') as \"{word}\"" for word in words
    )
    return (
        f"select day,\n  {columns},\n  max(run_id) as run_id\n"
        f"from daily where axis = '{axis}'\ngroup by day order by day desc"
    )


_SUMMARY = "\nunion all\n".join(
    f"select '{axis}' as question, {axis} as answer, count(*) as sources,\n"  # noqa: S608
    f"  round(100.0 * count(*) / (select count(*) from audit), 1) as percent\n"
    f"from audit group by {axis}"
    for axis in ("link", "quote", "copy")
)

QUERIES: dict[str, dict[str, Any]] = {
    "needs_a_person": {
        "title": "What needs a person",
        "description": "Sources that are dead, hijacked or can't be checked, verbatim quotations "
        "that the source does not say, and sources without a copy that others can read; the "
        "heaviest first. use_instead is what a page can cite in their place.",
        "sql": f"""select id, {_TITLE},
  {_WHY} as why,
  link, quote, copy, url, {USE_INSTEAD} as use_instead,
  link_reason, quote_reason, copy_reason, link_since, quote_since, copy_since
from audit
where {NEEDS_A_PERSON}
order by {_WEIGHT}, id""",  # noqa: S608
    },
    "corrections": {
        "title": "Corrections: what the page says and what the source says",
        "description": "Every quotation in quotation marks that does not stand in its source: the "
        "page's words (cited), the source's words (source_says), the place in the source, and "
        "where the page has them (cited_in).",
        "sql": f"select {_WRONG_WORDS}\norder by audit.quote_since desc, audit.id",
    },
    "changed_since": {
        "title": "What changed since a day",
        "description": "Sources of which an answer is newer than the day given as since "
        "(2026-11-30, or a time such as 2026-11-30T06:00:00Z); without one, the last seven days. "
        "New sources count as changed.",
        "sql": f"""with asked(day) as (
  select coalesce(nullif(trim(:since), ''), date('now', '-7 days'))
)
select id, {_TITLE}, link, quote, copy, url,
  max(coalesce(link_since, ''), coalesce(quote_since, ''), coalesce(copy_since, '')) as changed_at,
  link_reason, quote_reason, copy_reason
from audit, asked
where link_since >= day or quote_since >= day or copy_since >= day
order by changed_at desc, id""",  # noqa: S608
    },
    "source_changed": {
        "title": "The source has changed",
        "description": "Quotations that once stood in their source and no longer do: they changed "
        "it. snapshot_url is a copy from before, if an archive has one.",
        "sql": f"""select {_WRONG_WORDS}
  and audit.quote_reason like 'found-until%'
order by audit.quote_since desc, audit.id""",
    },
    "one_keeper": {
        "title": "Only one keeper",
        "description": "Sources whose quoted words are held by one custodian alone: when that "
        "copy goes, nobody has them. The live page is no keeper.",
        "sql": f"""select id, {_TITLE}, link, quote, copy, keepers, quote_local, quote_wayback,
  local_copy, snapshot_url, copy_reason, url
from audit
where keepers = 1
order by case link when 'live' then 1 when 'moved' then 1 else 0 end, copy_since, id""",  # noqa: S608
    },
    "blocked_without_copy": {
        "title": "Blocked, and without a copy",
        "description": "Servers that refuse us, of whose pages no archive is known to have a "
        "copy: a person with a browser may be able to make one.",
        "sql": f"""select id, {_TITLE}, link, copy, url, link_reason, link_since, copy_reason,
  last_live_at
from audit
where link = 'blocked' and copy not in ('confirmed', 'captured')
order by link_since, id""",  # noqa: S608
    },
    "never_live": {
        "title": "Never seen alive",
        "description": "Sources that were looked at and never found: perhaps the address was "
        "wrong from the start.",
        "sql": f"""select id, {_TITLE}, link, copy, status, url, link_reason, link_since, strikes,
  snapshot_url
from audit
where last_live_at is null and link not in ('invalid', 'unchecked')
order by link_since, id""",  # noqa: S608
    },
    "claims_without_address": {
        "title": "Claims without an address",
        "description": "Lines of sources.csv that still need a source.",
        "sql": """select audit.id, audit.claim, audit.title, audit.cited, sources.cited_in,
  sources.note, audit.tags
from audit join sources on sources.id = audit.id
where audit.link = 'invalid' and audit.url = ''
order by sources.line""",
    },
    "archive_failures": {
        "title": "Copies that could not be made",
        "description": "Sources whose copy failed, is barred from the archive or was lost, and "
        "those still waiting after a refusal, with what the archive answered last.",
        "sql": f"""select audit.id, {_TITLE},
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
order by audit.copy_since desc, audit.id""",  # noqa: S608
    },
    "stale": {
        "title": "Not looked at when they should have been",
        "description": "Sources that were due more than a day ago, the longest first, and those "
        "that were never looked at: what stands in their row is old.",
        "sql": f"""select id, {_TITLE}, link, quote, copy, checked_at, next_check_at,
  round(julianday('now') - julianday(next_check_at), 1) as days_late, url
from audit
where next_check_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-1 day') or link = 'unchecked'
order by next_check_at is null, next_check_at, id""",  # noqa: S608
    },
    "summary": {
        "title": "The three questions in numbers",
        "description": "How many sources have each answer. “Unchecked” is not “sound”.",
        "sql": _SUMMARY,
    },
    "link_over_time": {
        "title": "link, day by day",
        "description": "How many sources had each answer after the last conclusive round or "
        "judgement of a day. Is it still there?",
        "sql": _over_time("link", Link),
    },
    "quote_over_time": {
        "title": "quote, day by day",
        "description": "How many sources had each answer after the last conclusive round or "
        "judgement of a day. Does it say what is quoted?",
        "sql": _over_time("quote", Quote),
    },
}
"""What Datasette is told of each; SQL is hidden until a reader asks for it."""

for _query in QUERIES.values():
    _query["hide_sql"] = True
