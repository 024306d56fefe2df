"""The report as one HTML file: no script, nothing remote, fit for mail, phone and paper."""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from verifier.attention import (
    KEPT,
    Fact,
    Group,
    address_to_use,
    by_axis,
    facts_of,
    is_sound,
    minute,
    not_found,
    overview_of,
    parted,
    plain,
    safe_address,
    title_of,
    what_is_unknown,
)
from verifier.bulletin import Bulletin
from verifier.differences import words
from verifier.records import AuditRow

_QUESTIONS = {
    "link": "Is it still there?",
    "quote": "Does it say what we quote?",
    "copy": "Is a copy kept where others can read it?",
}
_MARKS = {
    "good": "live found confirmed captured".split(),
    "other": "moved no_quote".split(),
    "bad": "dead hijacked invalid altered absent failed excluded lost none".split(),
}
_IN_FULL = ("cited", "source says")
"""Facts that the template shows with the differing words marked instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """Some words of one wording, the space after them, and whether the other has them too."""

    words: str
    space: str
    same: bool

    @classmethod
    def of(cls, words: str, op: str) -> _Words:
        """The stretch that begins or ends with these words."""
        bare = words.rstrip()
        return cls(words=bare, space=words[len(bare) :], same=op == "equal")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What the template shows of one source."""

    row: AuditRow
    title: str
    address: str
    facts: tuple[Fact, ...]
    unknown: str
    cited: tuple[_Words, ...]
    said: tuple[_Words, ...]
    copy: str


def html(bulletin: Bulletin) -> str:
    """News, then what is known by weight, then what could not be known, then what is sound.

    One line where news was asked for and there is none. All words of others are escaped and on
    one line; only web addresses become links.
    """
    rows = bulletin.rows
    template = _environment().get_template("report.html")
    return template.render(
        bulletin=bulletin,
        questions=_QUESTIONS,
        counts=by_axis(overview_of(rows)),
        parts=[
            (str(part), [(group, [_told(row, group) for row in of]) for group, of in groups])
            for part, groups in parted(rows)
        ],
        sound=[_told(row, None) for row in rows if is_sound(row)],
        now=minute(bulletin.written_at),
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("verifier"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "plain": plain,
        "address": safe_address,
        "words": lambda answer: answer.replace("_", " "),
        "mark": lambda answer: next((mark for mark, of in _MARKS.items() if answer in of), "open"),
    }
    environment.tests["web"] = lambda url: url.lower().startswith(("http://", "https://"))
    return environment


def _told(row: AuditRow, group: Group | None) -> _Told:
    wordings = words(plain(row.cited), plain(row.source_says)) if not_found(row) else ()
    return _Told(
        row=row,
        title=title_of(row),
        address=row.url,
        facts=tuple(fact for fact in facts_of(row) if fact.label not in _IN_FULL),
        unknown=what_is_unknown(row) if group is not None and group.brief else "",
        cited=tuple(_Words.of(part.before, part.op) for part in wordings if part.before),
        said=tuple(_Words.of(part.after, part.op) for part in wordings if part.after),
        copy=row.snapshot_url if row.copy in KEPT and not address_to_use(row) else "",
    )
