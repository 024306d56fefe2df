"""What is changed between two texts, stretch by stretch, typography aside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import Indel

from verifier import text
from verifier.places import without_edges
from verifier.typography import UNSPACED, normalise

MOST_PAIRS = 60_000_000
"""Lines, or words, of one side times those of the other: these take 15 MB and half a second."""

_WORD = re.compile(rf"[{UNSPACED}]\s*|[^\s{UNSPACED}]+\s*|\s+")
_LINE = re.compile(r"[^\n]*\n+|[^\n]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Some words of two texts that are laid side by side.

    Attributes:
        op: ``equal``, ``replace``, ``delete`` (only before) or ``insert`` (only after).
        before, after: As either text has them, spaces included; all of one side, joined, are
            the text.
    """

    op: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two pages side by side.

    Attributes:
        unreadable: Why one of them has no text to compare, or "".
        cut: One of them goes on beyond what was read of it.
    """

    stretches: tuple[Stretch, ...] = ()
    unreadable: str = ""
    cut: bool = False


def pages(before: bytes, before_type: str, after: bytes, after_type: str) -> Compared:
    """The texts of two pages side by side, each given as its bytes and its Content-Type."""
    one, other = text.extract(before, before_type), text.extract(after, after_type)
    unreadable = one.unreadable or other.unreadable
    if unreadable:
        return Compared(unreadable=unreadable)
    stretches = texts(one.visible, other.visible)
    return Compared(stretches=stretches, cut=one.cut or other.cut)


def words(before: str, after: str) -> tuple[Stretch, ...]:
    """The words of two passages side by side; what differs in typography alone is equal."""
    return tuple(_joined(_compared(_WORD.findall(before), _WORD.findall(after))))


def texts(before: str, after: str) -> tuple[Stretch, ...]:
    """Two pages side by side: line by line, and word by word where lines differ.

    Where that would be too much work, a stretch is one ``replace``.
    """
    lines = _compared(_LINE.findall(before), _LINE.findall(after))
    return tuple(_joined(_finer(stretch) for stretch in _joined(lines)))


def _finer(stretch: Stretch) -> Stretch | tuple[Stretch, ...]:
    return words(stretch.before, stretch.after) if stretch.op == "replace" else stretch


def _compared(before: Sequence[str], after: Sequence[str]) -> Iterator[Stretch]:
    theirs, ours = [_key(part) for part in before], [_key(part) for part in after]
    head = _shared(theirs, ours)
    tail = _shared(theirs[head:][::-1], ours[head:][::-1])
    yield Stretch(op="equal", before="".join(before[:head]), after="".join(after[:head]))
    ends = len(before) - tail, len(after) - tail
    middle = theirs[head : ends[0]], ours[head : ends[1]]
    if len(middle[0]) * len(middle[1]) > MOST_PAIRS:
        yield _changed(before[head : ends[0]], after[head : ends[1]])
    else:
        for step in Indel.opcodes(*middle):
            one = before[head + step.src_start : head + step.src_end]
            other = after[head + step.dest_start : head + step.dest_end]
            if step.tag == "equal":
                yield Stretch(op="equal", before="".join(one), after="".join(other))
            else:
                yield _changed(one, other)
    yield Stretch(op="equal", before="".join(before[ends[0] :]), after="".join(after[ends[1] :]))


def _changed(before: Sequence[str], after: Sequence[str]) -> Stretch:
    one, other = "".join(before), "".join(after)
    if not (normalise(one) or normalise(other)):
        return Stretch(op="equal", before=one, after=other)  # signs alone say nothing
    op = "replace" if one and other else "delete" if one else "insert"
    return Stretch(op=op, before=one, after=other)


def _joined(
    parts: Iterator[Stretch] | Iterator[Stretch | tuple[Stretch, ...]],
) -> Iterator[Stretch]:
    """*parts* with neighbours that are both equal, or both changed, made one; no empty ones."""
    now: Stretch | None = None
    for part in parts:
        for stretch in part if isinstance(part, tuple) else (part,):
            if not (stretch.before or stretch.after):
                continue
            if now is not None and (now.op == "equal") == (stretch.op == "equal"):
                one, other = now.before + stretch.before, now.after + stretch.after
                same = now.op == "equal"
                op = "replace" if one and other else "delete" if one else "insert"
                now = Stretch(op="equal" if same else op, before=one, after=other)
                continue
            if now is not None:
                yield now
            now = stretch
    if now is not None:
        yield now


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many parts at the beginning are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


@lru_cache(maxsize=20_000)
def _key(part: str) -> str:
    """What two parts have in common that only differ in typography."""
    return without_edges(normalise(part)) or part.strip()
