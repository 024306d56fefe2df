"""The headings under which a source needs somebody: as SQL, and as filters of the table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from verifier.attention import GROUPS

WEEKS = 3
"""So long a source has to be blocked before a person should try to see it."""

_MISQUOTED = "quote in ('altered', 'absent') and quote_kind = 'verbatim'"
_FILTERED = "quote__in=altered,absent&quote_kind=verbatim"
_TOLD = {group.name: group for group in GROUPS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """One of them; a source can stand under several.

    Attributes:
        name: As `verifier.attention` calls the group.
        where: The condition in SQL.
        filters: The same as a query string of the table ``audit``; ``{day}`` is so many weeks
            ago.
    """

    name: str
    title: str
    meaning: str
    where: str
    filters: str

    def query_string(self, now: datetime) -> str:
        """The filters of the table ``audit``, as of today."""
        return self.filters.format(day=f"{now - timedelta(weeks=WEEKS):%Y-%m-%d}")


def _of(name: str, where: str, filters: str) -> Heading:
    group = _TOLD[name]
    return Heading(
        name=name, title=group.title, meaning=group.meaning, where=where, filters=filters
    )


HEADINGS = (
    _of(
        "misquoted",
        f"{_MISQUOTED} and quote_reason not like 'found-until%'",
        f"{_FILTERED}&quote_reason__notlike=found-until%25",
    ),
    _of(
        "source-changed",
        f"{_MISQUOTED} and quote_reason like 'found-until%'",
        f"{_FILTERED}&quote_reason__startswith=found-until",
    ),
    _of(
        "dead-without-copy",
        "link = 'dead' and copy not in ('confirmed', 'captured')",
        "link=dead&copy__notin=confirmed,captured",
    ),
    _of("hijacked", "link = 'hijacked'", "link=hijacked"),
    _of("copy-lost", "copy = 'lost'", "copy=lost"),
    _of(
        "dead-with-copy",
        "link = 'dead' and copy in ('confirmed', 'captured')",
        "link=dead&copy__in=confirmed,captured",
    ),
    Heading(
        name="blocked-for-weeks",
        title="Blocked for weeks",
        meaning="A server answers and refuses us. Look at it in a browser, and say with "
        "“verifier judge” what you saw.",
        where=f"link = 'blocked' and link_since < date('now', '-{7 * WEEKS} days')",
        filters="link=blocked&link_since__lt={day}",
    ),
    _of("no-address", "link = 'invalid' and url = ''", "link=invalid&url__isblank=1"),
    _of("invalid", "link = 'invalid' and url <> ''", "link=invalid&url__notblank=1"),
    _of(
        "no-copy",
        "copy in ('none', 'failed', 'excluded')",
        "copy__in=none,failed,excluded",
    ),
)
"""From the heaviest to the lightest."""
