"""What an editor needs to mend a page: its words, the source's words, where, and the link."""

from __future__ import annotations

from collections.abc import Iterator

from verifier.attention import KEPT, plain, plural, safe_address, source_changed, wrapped
from verifier.bulletin import Bulletin
from verifier.differences import words
from verifier.records import AuditRow, Link, Quote, Source

_OPEN = (Quote.NOT_COMPARABLE, Quote.UNREADABLE, Quote.UNCHECKED)
_GONE = (Link.DEAD, Link.HIJACKED)
_INDENT = 4
_SEVERAL = 8  # differing stretches that are listed; beyond, the wordings speak for themselves


def corrections(bulletin: Bulletin, *, width: int = 80) -> str:
    """Each misquoted line with both wordings, what differs, locator and link.

    First the lines that the source was never seen to say, then those whose source has changed.
    Of a report since some day only those whose answer is news; one line where there is none.

    Returns:
        Text that ends with a newline and holds no control characters but newlines.
    """
    rows = chosen(bulletin)
    if not rows:
        told = _none(bulletin)
        return f"{told if bulletin.since is not None else wrapped(told, width)}\n"
    never = [row for row in rows if not source_changed(row)]
    changed = [row for row in rows if source_changed(row)]
    cited = {source.id: source for source in bulletin.cited}
    blocks = [wrapped(plain(f"{_count(never, changed)} {bulletin.state}"), width)]
    for title, meaning, members in (
        (
            "MEND THE PAGE",
            "The source was never seen to say the words that stand in quotation marks.",
            never,
        ),
        (
            "THE SOURCE HAS CHANGED",
            "It said these words once. Cite the copy, or quote anew.",
            changed,
        ),
    ):
        if members:
            blocks.append(f"{title} ({len(members)})\n{wrapped(meaning, width)}")
            blocks += ["\n".join(_entry(row, cited.get(row.id), width)) for row in members]
    blocks.append(wrapped(_not_covered(bulletin), width))
    return "\n\n".join(blocks) + "\n"


def chosen(bulletin: Bulletin) -> list[AuditRow]:
    """The misquoted rows that are told of: all, or those whose answer is news."""
    if bulletin.since is None:
        return bulletin.misquoted
    changed = {change.source_id for change in bulletin.changes if change.axis == "quote"}
    return [row for row in bulletin.misquoted if row.id in changed]


def where_to_look(row: AuditRow) -> str:
    """The live address at the passage; "" where it leads to nothing or to somebody else."""
    return "" if row.link in _GONE else row.quote_url or row.final_url or row.url


def _entry(row: AuditRow, source: Source | None, width: int) -> Iterator[str]:
    yield plain(row.id)
    named = ", ".join(part for part in (row.title, row.publisher, row.published) if part)
    facts = [
        ("cited in", source.cited_in if source is not None else ""),
        ("source", named),
        ("claim", row.claim),
        ("place", row.locator),
        (_whose(source), f"“{row.cited}”"),
        ("source says", f"“{row.source_says}”" if row.source_says else _NOTHING_NEAR),
        ("differs", _differs(row)),
        ("why", row.quote_reason),
    ]
    for label, told in facts:
        if told:
            yield wrapped(plain(told), width, first=f"  {label}: ", indent=" " * _INDENT)
    for label, address in (
        ("link", where_to_look(row)),
        ("copy", row.snapshot_url if row.copy in KEPT else ""),
    ):
        if address:
            yield f"  {label}: {safe_address(address)}"  # never broken: one has to follow it


_NOTHING_NEAR = "nothing like it"


def _whose(source: Source | None) -> str:
    """Whose words the row holds, by its ``quote_from``."""
    return "sources.csv" if source is not None and source.quote_from == "source" else "page says"


def _differs(row: AuditRow) -> str:
    both = words(plain(row.cited), plain(row.source_says))
    stretches = [part for part in both if part.op != "equal"]
    if not row.source_says or len(stretches) > _SEVERAL:
        return ""
    return "; ".join(f"{_quoted(part.before)} → {_quoted(part.after)}" for part in stretches)


def _quoted(said: str) -> str:
    return f"“{said.strip()}”" if said.strip() else "(nothing)"


def _count(never: list[AuditRow], changed: list[AuditRow]) -> str:
    parts = []
    if never:
        parts.append(plural(len(never), "quotation to mend", "quotations to mend"))
    if changed:
        parts.append(plural(len(changed), "source has changed", "sources have changed"))
    return f"{', '.join(parts)}."


def _none(bulletin: Bulletin) -> str:
    if bulletin.no_news:
        return plain(bulletin.no_news)
    word = "more quotation" if bulletin.since is not None else "quotation"
    return plain(f"No {word} is known to need mending. {_not_covered(bulletin)} {bulletin.state}")


def _not_covered(bulletin: Bulletin) -> str:
    """How much this list does not know, so that it is not taken for all there is."""
    found = sum(1 for row in bulletin.rows if row.quote is Quote.FOUND)
    loose = sum(
        1
        for row in bulletin.rows
        if row.quote in (Quote.ALTERED, Quote.ABSENT) and row not in bulletin.misquoted
    )
    unknown = sum(1 for row in bulletin.rows if row.quote in _OPEN)
    parts = [
        f"{found} found",
        f"{unknown} not checked, not readable or not comparable",
        f"{loose} not verbatim and not found in these words",
    ]
    return f"Other quotations: {'; '.join(parts)}."
