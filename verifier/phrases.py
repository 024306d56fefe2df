"""Whether a line says hardly more than that what was asked for is gone, in many languages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from verifier.marks import LINE, load
from verifier.outline import fold

WHOLE = 0.0
"""Part of a title's or heading's words that may say something else."""

JOINED = 0.15
"""The same in languages without spaces, of whose letters no list knows all."""

LOOSE = 0.1
"""The same for a line of a page that has hardly any."""

_LETTERS = re.compile(r"[^\W\d_]")
_WORDS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class _Language:
    """The words of one language, as expressions that find them in a folded line."""

    things: re.Pattern[str]
    many: re.Pattern[str]
    gone: re.Pattern[str]
    asked: re.Pattern[str]
    fill: re.Pattern[str]
    joined: bool

    @classmethod
    def of(cls, entry: dict[str, Any]) -> _Language:
        """From its entry in the list."""
        joined = entry.get("joined", False)

        def words(name: str) -> re.Pattern[str]:
            return _any_of(map(fold, entry[name]), joined=joined)

        return cls(
            things=words("things"),
            many=words("many"),
            gone=words("gone"),
            asked=words("asked"),
            fill=words("fill"),
            joined=joined,
        )


def _any_of(words: Iterable[str], *, joined: bool) -> re.Pattern[str]:
    longest = sorted({word for word in words if word}, key=len, reverse=True)
    one = "|".join(map(re.escape, longest)) or r"(?!)"
    return re.compile(one if joined else rf"(?<!\w)(?:{one})(?!\w)")


@cache
def _languages() -> tuple[_Language, ...]:
    return tuple(
        _Language.of(entry)
        for name, entry in load("gone").items()
        if isinstance(entry, dict) and name not in ("notice", "lacks")
    )


@cache
def _notices() -> frozenset[str]:
    return frozenset(map(fold, load("gone")["notice"]["headings"]))


def is_notice(heading: str) -> bool:
    """Whether a heading only says that a notice follows."""
    return fold(heading) in _notices()


def says_asked(words: str) -> bool:
    """Whether *words* say that what the visitor asked for is gone, and name that wish."""
    line = fold(words)
    if not line or len(line) > LINE:
        return False
    return any(
        language.asked.search(line) and _says(language, line, most=LOOSE, many=False)
        for language in _languages()
    )


@cache
def _lacks() -> re.Pattern[str]:
    words = map(fold, load("gone")["lacks"]["words"])
    return re.compile("|".join(rf"(?<!\w){re.escape(w)}" if w.isascii() else w for w in words))


def says_gone(words: str, *, most: float = WHOLE, many: bool = False) -> bool:
    """Whether *words* say that a thing is gone, and hardly anything more.

    Args:
        most: Part of the words that may be others (of the letters, in languages without spaces);
            where some may, any may beside the words for what the visitor asked for.
        many: Things in the plural count as well.
    """
    line = fold(words)
    if not line or len(line) > LINE:
        return False
    return any(_says(language, line, most=most, many=many) for language in _languages())


def says_main(words: str, *, most: float, many: bool = False) -> bool:
    """The same of something that a page can't lack: of a picture or a comment it may be said."""
    return says_gone(words, most=most, many=many) and not _lacks().search(fold(words))


def _says(language: _Language, line: str, *, most: float, many: bool) -> bool:
    if language.gone.search(line) is None:
        return False
    rest = language.gone.sub(" ", line)
    asked = language.asked.search(rest) is not None
    rest = language.asked.sub(" ", rest)
    named = language.things.search(rest) is not None
    if not named and not (many and language.many.search(rest)):
        return False
    if asked and most > WHOLE:
        return True
    for words in (language.things, language.many, language.fill):
        rest = words.sub(" ", rest)
    parts = _LETTERS if language.joined else _WORDS
    part = max(most, JOINED) if language.joined else most
    return len(parts.findall(rest)) <= part * len(parts.findall(line))
