"""What a reader has to know of audit rows and of a round: reasons, order of weight, plain words."""

from __future__ import annotations

import textwrap
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import quote as percent_encode

from verifier.records import AuditRow, Copy, Link, Overview, Quote, QuoteKind, Run

# ---- what the rows mean to a reader ------------------------------------------------------

_MISSING = (Copy.NONE, Copy.FAILED, Copy.EXCLUDED, Copy.LOST)
KEPT = (Copy.CONFIRMED, Copy.CAPTURED)
_BROKEN = (Link.DEAD, Link.HIJACKED, Link.INVALID)


def needs_reader(row: AuditRow, *, copies: bool = True) -> tuple[str, ...]:
    """Why somebody has to look at this source; empty when nobody has to.

    Args:
        row: The source with its three answers.
        copies: False after a round that asked no archive (``--no-preserve``): a missing copy
            is then no reason.

    Returns:
        Axis and answer, such as ``"link dead"``, in the order link, quote, copy.

    Source: the contract, exit code 1.
    """
    reasons = []
    if row.link in _BROKEN:
        reasons.append(f"link {row.link}")
    if misquoted(row):
        reasons.append(f"quote {row.quote}")
    if copies and row.copy in _MISSING:
        reasons.append(f"copy {row.copy}")
    return tuple(reasons)


def address_to_use(row: AuditRow) -> str:
    """What a page can cite instead of a moved or dead address; "" when nothing is known.

    Of a hijacked address only the copy: whatever it leads to now is the hijacker's.
    """
    copy = row.snapshot_url if row.copy is not Copy.LOST else ""
    if row.link in (Link.MOVED, Link.DEAD):
        return row.suggested_url or copy
    return copy if row.link is Link.HIJACKED else ""


def not_found(row: AuditRow) -> bool:
    """True when the source was read, and the quoted words do not stand in it."""
    return row.quote in (Quote.ALTERED, Quote.ABSENT, Quote.NOT_COMPARABLE)


def misquoted(row: AuditRow) -> bool:
    """True when words in quotation marks do not stand in the source, whosever fault it is."""
    verbatim = row.quote_kind is QuoteKind.VERBATIM
    return verbatim and row.quote in (Quote.ALTERED, Quote.ABSENT)


def source_changed(row: AuditRow) -> bool:
    """True when the words once stood there: the source was changed, not the quotation."""
    return row.quote_reason.startswith("found-until")


def is_sound(row: AuditRow) -> bool:
    """True when nothing is wrong and nothing is unknown."""
    return row.link is Link.LIVE and row.quote in (Quote.FOUND, Quote.NO_QUOTE) and row.copy in KEPT


def _is_open(row: AuditRow) -> bool:
    quote_is_open = row.quote not in (Quote.FOUND, Quote.NO_QUOTE) and not misquoted(row)
    return row.link is Link.UNCHECKED or quote_is_open or row.copy is Copy.PENDING


class Part(StrEnum):
    """The parts of a report, in its order; a group is of one of them."""

    KNOWN = "What is known"
    UNKNOWN = "What could not be known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One heading of the report. Several may hold for a row; it stands under the first.

    Attributes:
        name: For programs, and for ``verifier report --fail-on``.
        brief: One line a row is enough: there is nothing to do yet.
    """

    name: str
    title: str
    meaning: str
    holds: Callable[[AuditRow], bool]
    part: Part = Part.KNOWN
    brief: bool = False


GROUPS = (
    Group(
        name="misquoted",
        title="Misquoted",
        meaning="The source does not say the words that stand in quotation marks, and was never "
        "seen to say them.",
        holds=lambda row: misquoted(row) and not source_changed(row),
    ),
    Group(
        name="source-changed",
        title="The source has changed",
        meaning="The quoted words stood there and no longer do. Cite the copy, or quote anew.",
        holds=lambda row: misquoted(row) and source_changed(row),
    ),
    Group(
        name="dead-without-copy",
        title="Dead, without a copy",
        meaning="Gone, and no copy in an archive is known.",
        holds=lambda row: row.link is Link.DEAD and row.copy not in KEPT,
    ),
    Group(
        name="hijacked",
        title="Hijacked",
        meaning="The address now shows someone else's page. Take the link out, or cite the copy.",
        holds=lambda row: row.link is Link.HIJACKED,
    ),
    Group(
        name="copy-lost",
        title="Copy lost",
        meaning="An archive's copy was read back once, and no longer can be.",
        holds=lambda row: row.copy is Copy.LOST,
    ),
    Group(
        name="dead-with-copy",
        title="Dead, with a copy",
        meaning="Gone; an archive has a copy that can be cited.",
        holds=lambda row: row.link is Link.DEAD and row.copy in KEPT,
    ),
    Group(
        name="no-address",
        title="Claims without an address",
        meaning="Nobody has named a source yet.",
        holds=lambda row: row.link is Link.INVALID and not row.url,
    ),
    Group(
        name="invalid",
        title="Addresses that cannot be checked",
        meaning="Mend the address in sources.csv.",
        holds=lambda row: row.link is Link.INVALID and bool(row.url),
    ),
    Group(
        name="no-copy",
        title="Without a copy",
        meaning="No archive keeps a copy that others can read.",
        holds=lambda row: row.copy in _MISSING and row.copy is not Copy.LOST,
    ),
    Group(
        name="moved",
        title="Moved",
        meaning="Still there, at another address for good.",
        holds=lambda row: row.link is Link.MOVED,
    ),
    Group(
        name="blocked",
        title="Blocked",
        meaning="A server answers and refuses us. This says nothing against the source: "
        "a person may see it in a browser.",
        holds=lambda row: row.link is Link.BLOCKED,
        part=Part.UNKNOWN,
    ),
    Group(
        name="suspect",
        title="Suspect",
        meaning="Failing, not yet long enough to be called dead.",
        holds=lambda row: row.link is Link.SUSPECT,
        part=Part.UNKNOWN,
    ),
    Group(
        name="not-known",
        title="Not known",
        meaning="Not checked, or not yet: this is neither good news nor bad.",
        holds=lambda row: _is_open(row),
        part=Part.UNKNOWN,
        brief=True,
    ),
)
"""From the heaviest to the lightest; what is not known comes last."""


def group_of(row: AuditRow) -> Group | None:
    """The heading under which a row stands; None for a sound one."""
    return next((group for group in GROUPS if group.holds(row)), None)


def grouped(rows: Sequence[AuditRow]) -> list[tuple[Group, list[AuditRow]]]:
    """The groups that have rows, in the order of weight; sound rows are in none."""
    members: dict[str, list[AuditRow]] = {}
    for row in sorted(rows, key=lambda row: row.id):
        if (group := group_of(row)) is not None:
            members.setdefault(group.name, []).append(row)
    return [(group, members[group.name]) for group in GROUPS if group.name in members]


def parted(rows: Sequence[AuditRow]) -> list[tuple[Part, list[tuple[Group, list[AuditRow]]]]]:
    """The groups that have rows, part by part; a part without any is left out."""
    found = grouped(rows)
    parts = [(part, [pair for pair in found if pair[0].part is part]) for part in Part]
    return [(part, pairs) for part, pairs in parts if pairs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line about a source: what it is about, the words, and whether they are an address."""

    label: str
    words: str
    address: bool = False


def facts_of(row: AuditRow) -> list[Fact]:
    """What the report says of a row below its title: answers with reasons, what to use instead."""
    if not row.url:
        return [Fact(label="link", words=_answer(row.link, row.link_since, row.link_reason))]
    facts = [Fact(label="link", words=_answer(row.link, row.link_since, row.link_reason))]
    if row.judged_by:
        until = f" until {_day(row.judged_until)}" if row.judged_until else ""
        facts.append(Fact(label="judged", words=f"by {row.judged_by}{until}"))
    if row.quote is not Quote.NO_QUOTE:
        words = _answer(row.quote, row.quote_since, row.quote_reason)
        facts.append(Fact(label="quote", words=words))
    if not_found(row):
        facts.append(Fact(label="cited", words=f"“{short(row.cited, 300)}”"))
        if row.source_says:
            facts.append(Fact(label="source says", words=f"“{short(row.source_says, 300)}”"))
    facts.append(Fact(label="copy", words=_answer(row.copy, row.copy_since, row.copy_reason)))
    if instead := address_to_use(row):
        facts.append(Fact(label="use instead", words=instead, address=True))
    elif row.snapshot_url and row.copy is not Copy.LOST:
        facts.append(Fact(label="a copy", words=row.snapshot_url, address=True))
    return facts


def what_is_unknown(row: AuditRow) -> str:
    """What is not known of a row that has nothing worse, in one line."""
    parts = []
    if row.link is Link.UNCHECKED:
        parts.append(_answer(row.link, None, row.link_reason, axis="link "))
    if row.quote not in (Quote.FOUND, Quote.NO_QUOTE):
        parts.append(_answer(row.quote, None, row.quote_reason, axis="quote "))
    if row.copy not in KEPT:
        parts.append(_answer(row.copy, None, row.copy_reason, axis="copy "))
    return "; ".join(parts)


def _answer(value: str, since: datetime | None, reason: str, *, axis: str = "") -> str:
    # "not checked" in so many words: a reader who skims must not take it for an answer
    word = "not checked" if value == "unchecked" else value.replace("_", " ")
    when = f" since {_day(since)}" if since else ""
    why = f" ({short(reason, 400)})" if reason else ""
    return f"{axis}{word}{when}{why}"


# ---- words about a round -----------------------------------------------------------------


def state_of(
    run: Run | None, *, now: datetime, last_conclusive: datetime | None
) -> tuple[str, datetime | None]:
    """A sentence on how far the answers can be trusted, and when they were last renewed."""
    if run is None:
        return "No round has run yet: nothing was checked.", last_conclusive
    if run.outcome == "conclusive":
        last_conclusive = last_conclusive or run.ended_at or run.started_at
    where = f"Round {run.id} of {minute(run.started_at)}"
    if run.outcome == "conclusive":
        sentence = f"{where}: {run.listed} listed, {run.due} due, {run.checked} checked."
    elif run.outcome == "running":
        sentence = f"{where} has not ended; what follows is of the rounds before it."
    else:
        sentence = f"{where} was {run.outcome}: {run.reason or 'no reason is known'}."
    if last_conclusive is None:
        sentence += " No round was conclusive yet: nothing below is an answer."
    elif run.outcome != "conclusive" or now - last_conclusive > timedelta(hours=2):
        age = _age(now - last_conclusive)
        sentence += f" The last conclusive round was {age} ago ({minute(last_conclusive)})."
    return sentence, last_conclusive


def overview_of(rows: Sequence[AuditRow]) -> Overview:
    """The table as a whole, counted from its rows."""
    counted = Counter(
        (axis, str(getattr(row, axis))) for row in rows for axis in ("link", "quote", "copy")
    )
    upcoming = [row.next_check_at for row in rows if row.next_check_at]
    return Overview(
        sources=len(rows),
        counts=answer_counts(counted),
        next_check_at=min(upcoming) if upcoming else None,
    )


def answer_counts(found: Mapping[tuple[str, str], int]) -> tuple[tuple[str, str, int], ...]:
    """Counts by (axis, answer) in the contract's order, zeros included."""
    return tuple(
        (axis, str(word), found.get((axis, str(word)), 0))
        for axis, words in (("link", Link), ("quote", Quote), ("copy", Copy))
        for word in words
    )


def by_axis(overview: Overview) -> dict[str, dict[str, int]]:
    """The counts of an overview, axis by axis."""
    axes: dict[str, dict[str, int]] = {}
    for axis, word, number in overview.counts:
        axes.setdefault(axis, {})[word] = number
    return axes


def tally(counts: dict[str, int]) -> str:
    """The answers that occur with their counts, as one phrase."""
    words = [f"{n} {word.replace('_', ' ')}" for word, n in counts.items() if n]
    return ", ".join(words) or "none"


def plural(n: int, one: str, many: str) -> str:
    """The number with the word that fits it."""
    return f"{n} {one if n == 1 else many}"


def _age(age: timedelta) -> str:
    if age < timedelta(minutes=2):
        return "a moment"
    if age < timedelta(hours=2):
        return f"{age // timedelta(minutes=1)} minutes"
    if age < timedelta(days=2):
        return f"{age // timedelta(hours=1)} hours"
    return f"{age.days} days"


def _day(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}" if moment else ""


def minute(moment: datetime) -> str:
    """A time for people, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def title_of(row: AuditRow) -> str:
    """What people call the source: its title, else the claim; at most 200 characters.

    Without an address the claim is all there is to go by.
    """
    return short((row.title or row.claim) if row.url else (row.claim or row.title), 200)


def rows_needing(rows: Sequence[AuditRow], *, copies: bool) -> list[tuple[AuditRow, str]]:
    """Rows that need a reader with the reasons, the heaviest first."""
    ordered = [row for _, members in grouped(rows) for row in members]
    reasons = ((row, ", ".join(needs_reader(row, copies=copies))) for row in ordered)
    return [(row, why) for row, why in reasons if why]


# ---- texts of others, made harmless ------------------------------------------------------

_JOINERS = "\u200c\u200d"  # Persian and Indic words need them
_IN_URL = "!#$%&'()*+,-./:;=?@[]_~"  # RFC 3986, sections 2.2 and 2.3


def plain(words: str) -> str:
    """One line of printable text: no controls, escapes, direction overrides or lone surrogates.

    Titles, reasons and passages come from servers that may want to move a reader's cursor.
    """
    if words.isprintable():  # nearly all are: none of the characters below is in it
        return " ".join(words.split())
    kept = []
    for letter in words:
        category = unicodedata.category(letter)
        if category in ("Cc", "Zl", "Zp", "Zs"):
            kept.append(" ")
        elif category == "Cs":
            kept.append("\ufffd")
        elif category != "Cf" or letter in _JOINERS:
            kept.append(letter)
    return " ".join("".join(kept).split())


def short(words: str, limit: int) -> str:
    """*words* made :func:`plain`, cut to *limit* characters."""
    words = plain(words)
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def wrapped(words: str, width: int, *, first: str = "", indent: str = "") -> str:
    """*words* in lines of *width* characters, never of fewer than 40; *first* begins the first."""
    return textwrap.fill(
        words,
        width=max(width, 40),
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,  # an address that is broken can't be followed
        break_on_hyphens=False,
    )


def safe_address(url: str) -> str:
    """An address on one line, without anything that ends it early in text or Markdown."""
    if url.isascii():
        return percent_encode(url.strip(), safe=_IN_URL)
    return "".join(
        letter
        if letter.isalnum() or letter in _IN_URL
        else percent_encode(letter, errors="replace")
        for letter in url.strip()
    )


def stamp(moment: datetime | None) -> str | None:
    """A time for programs: UTC, ISO 8601, ending in ``Z``."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
