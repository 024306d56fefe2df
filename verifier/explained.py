"""An explanation of a source's answers as plain text and as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime

from verifier.attention import minute, plain, safe_address, short, stamp, title_of
from verifier.explain import Answer, Evidence, Explanation, Strikes, of_look
from verifier.records import Link, Quote

JSON_FORMAT = "verifier-explain/1"
"""Name of the JSON of :func:`as_json`; a change that breaks readers gets another number."""


def text(told: Explanation, *, width: int = 80) -> str:
    """The explanation for a terminal; no control characters but newlines, ends with one."""
    row, source = told.row, told.source
    lines = [plain(f"{source.id}: {title_of(replace(row, title=source.title))}").rstrip(": ")]
    if source.url:
        lines.append(f"  {safe_address(source.url)}")
    if source.fetch_url:
        lines.append(f"  fetched: {safe_address(source.fetch_url)}")
    if row.suggested_url and row.link in (Link.MOVED, Link.DEAD, Link.SUSPECT):
        moved = row.link is Link.MOVED
        lines.append(f"  {'leads to' if moved else 'instead'}: {safe_address(row.suggested_url)}")
    if told.judgement is not None and row.judged_by:
        said = told.judgement.judgement
        words = (
            f"A person overruled the rules: {said.judged_by} says {said.link} until "
            f"{minute(said.until)} (judgement {said.id}). By the rules it is "
            f"{told.ruled.link} ({told.ruled.link_reason})."
        )
        lines += ["", *_wrap(words, width, "  ")]
    for answer in told.answers:
        lines += ["", *_text_answer(answer, told, width)]
    lines += ["", f"Looks ({len(told.looks)} newest, oldest first)"]
    for look in told.looks:
        lines += _wrap(_evidence_words(of_look(look)), width, "  ")
    return "\n".join(lines) + "\n"


def _text_answer(answer: Answer, told: Explanation, width: int) -> Iterator[str]:
    since = f" since {answer.since}" if answer.since else ""
    yield f"{answer.axis.upper()}: {answer.answer.replace('_', ' ')}{since}"
    yield from _wrap(f"rule: {short(answer.reason, 600)}", width, "  ")
    if answer.axis == "quote" and told.row.cited:
        yield from _wrap(f"cited: “{short(told.row.cited, 600)}”", width, "  ")
        if told.row.source_says and told.row.quote is not Quote.FOUND:
            yield from _wrap(f"source says: “{short(told.row.source_says, 600)}”", width, "  ")
        if told.row.quote_first_found_at and told.row.quote_last_found_at:
            first, last = told.row.quote_first_found_at, told.row.quote_last_found_at
            yield f"  found: first {minute(first)}, last {minute(last)}"
    if answer.axis == "copy":
        held = "the quoted words" if told.row.cited else "what was seen"
        who = ", ".join(told.keepers) or "nobody"
        yield from _wrap(f"keepers of {held}: {len(told.keepers)} ({who})", width, "  ")
    for evidence in answer.evidence:
        yield from _wrap(f"evidence: {_evidence_words(evidence)}", width, "  ")
    if answer.axis == "link":
        yield from _wrap(_strike_words(told.strikes), width, "  ")
    for words in answer.happens_next:
        yield from _wrap(f"next: {words}", width, "  ")
    for words in answer.would_change:
        yield from _wrap(f"would change it: {words}", width, "  ")


def _strike_words(strikes: Strikes) -> str:
    told = f"strikes: {strikes.counted} of {strikes.needed}"
    which = [f"check {strike.check_id} at {minute(strike.at)}" for strike in strikes.checks]
    return f"{told} ({', '.join(which)})" if which else told


def _evidence_words(evidence: Evidence) -> str:
    name = f"{evidence.table} {evidence.id}" if evidence.id else evidence.table
    at = f" of {evidence.at}" if evidence.at else ""
    return plain(f"{name}{at}: {evidence.words}")


def _wrap(words: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        plain(words),
        width=max(width, 40),
        initial_indent=indent,
        subsequent_indent=f"{indent}    ",
        break_long_words=False,  # an address that is broken can't be followed
        break_on_hyphens=False,
    )


def as_json(told: Explanation, *, now: datetime) -> str:
    """The explanation for programs: one JSON object in ASCII, with a newline.

    Keys: ``format`` (:data:`JSON_FORMAT`), ``generated_at id url fetch_url title retired_at
    rules_version next_check_at quote_first_found_at quote_last_found_at``; ``link``, ``quote``
    and ``copy``, each with ``answer since rule reason evidence happens_next would_change``
    (``evidence``: objects with ``table id at words``); ``strikes``
    (``counted needed checks next_not_before dead_not_before``);
    ``keepers`` (names of those who hold the quoted words now);
    ``judgement`` (or null), with ``ruled``: what the rules say beneath it; ``looks``.
    """
    said = told.judgement.judgement if told.judgement is not None else None
    strikes = told.strikes
    answer = {
        "format": JSON_FORMAT,
        "generated_at": stamp(now),
        "id": told.source.id,
        "url": told.source.url,
        "fetch_url": told.source.fetch_url,
        "title": told.source.title,
        "retired_at": stamp(told.retired_at),
        "rules_version": told.rules_version,
        "next_check_at": stamp(told.next_check_at),
        "quote_first_found_at": stamp(told.row.quote_first_found_at),
        "quote_last_found_at": stamp(told.row.quote_last_found_at),
        **{one.axis: {k: v for k, v in asdict(one).items() if k != "axis"} for one in told.answers},
        "strikes": {
            "counted": strikes.counted,
            "needed": strikes.needed,
            "checks": [{"check_id": one.check_id, "at": stamp(one.at)} for one in strikes.checks],
            "next_not_before": stamp(strikes.next_not_before),
            "dead_not_before": stamp(strikes.dead_not_before),
        },
        "keepers": list(told.keepers),
        "judgement": None
        if said is None
        else {
            "id": said.id,
            "link": said.link,
            "reason": said.reason,
            "by": said.judged_by,
            "at": stamp(said.judged_at),
            "until": stamp(said.until),
            "ruled": {
                "link": told.ruled.link,
                "reason": told.ruled.link_reason,
                "since": stamp(told.ruled.link_since),
            },
        },
        "looks": [asdict(of_look(look)) for look in told.looks],
    }
    return json.dumps(answer, indent=2) + "\n"
