"""Marks by which a page is known for what it is: read from ``marks/*.toml``, and compared."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from verifier.outline import Page, fold, is_prose
from verifier.records import Hop

BODY = 40_000
"""Bytes in which marks of the markup are looked for."""

LONG = 30
"""Bytes from which a phrase may stand anywhere in a line; shorter ones must begin it. A list
whose marks are bound to little text may set it lower."""

LINE = 300
"""Characters that a line has at most in which a phrase is looked for: longer ones tell of it."""


_BARS = re.compile(r"\s+[|–—\-·•]+\s+|\s*\|\s*")

TALK = 1_200
"""Characters of prose above which a page is about something: consent pages talk at length."""

WORDS = 700
"""The same for marks of words alone."""


def load(name: str) -> dict[str, Any]:
    """One of the lists."""
    file = resources.files(__package__).joinpath("marks", f"{name}.toml")
    return tomllib.loads(file.read_text("utf-8"))


def says(lines: Iterable[str], phrases: Sequence[str], *, long: int = LONG) -> str:
    """The first of *phrases* that one of *lines* says, or ""; both are folded."""
    for line in lines:
        if not line or len(line) > LINE:
            continue
        for phrase in phrases:
            if phrase in line and (len(phrase.encode()) >= long or _begins(line, phrase)):
                return phrase
    return ""


def _begins(line: str, phrase: str) -> bool:
    """Whether a line begins with a phrase, and doesn't go on for long."""
    return line.startswith(phrase) and len(line) <= len(phrase) + 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Conditions that hold together: see the head of each list for their meaning."""

    name: str
    kind: str = ""
    header: str = ""
    value: str = ""
    status: tuple[int, ...] = ()
    title: frozenset[str] = frozenset()
    starts: tuple[str, ...] = ()
    body: tuple[bytes, ...] = ()
    also: tuple[bytes, ...] = ()
    text: tuple[str, ...] = ()
    most: int | None = None
    below: int | None = None
    long: int = LONG
    talks: bool = False
    part: bool = False
    password: bool = False
    alone: bool = False
    without: tuple[bytes, ...] = ()
    unless: tuple[str, ...] = ()
    links: int | None = None

    @classmethod
    def of(cls, entry: dict[str, Any], *, long: int = LONG) -> Mark:
        """A mark from its entry in a list."""
        return cls(
            long=entry.get("long", long),
            talks=entry.get("talks", False),
            part=entry.get("part", False),
            password=entry.get("password", False),
            alone=entry.get("alone", False),
            links=entry.get("links"),
            unless=tuple(map(fold, entry.get("unless", ()))),
            without=tuple(mark.encode("ascii") for mark in entry.get("without", ())),
            name=entry["name"],
            kind=entry.get("kind", ""),
            header=entry.get("header", ""),
            value=entry.get("value", "").lower(),
            status=tuple(entry.get("status", ())),
            title=frozenset(map(fold, entry.get("title", ()))),
            starts=tuple(entry.get("starts", ())),
            body=tuple(mark.encode("ascii") for mark in entry.get("body", ())),
            also=tuple(mark.encode("ascii") for mark in entry.get("also", ())),
            text=tuple(map(fold, entry.get("text", ()))),
            most=entry.get("most"),
            below=entry.get("below"),
        )

    def fits(self, look: Look) -> bool:
        """Whether all conditions hold; the cheap ones are asked first."""
        if look.prosy and self.most is not None and not self.talks:
            return False
        if self.status and look.hop.status not in self.status:
            return False
        if look.named and not self.header and (self.title or self.starts):
            return False
        if self.header:
            value = look.hop.header(self.header)
            if not value or self.value not in value.lower():
                return False
        if self.below is not None and look.length >= self.below:
            return False
        titles = look.title_parts() if self.part else (look.title,)
        if self.title and not any(title in self.title for title in titles):
            return False
        if self.starts and not look.title.startswith(self.starts):
            return False
        return self._fits_page(look)

    def _fits_page(self, look: Look) -> bool:
        for marks in (self.body, self.also):
            if marks and not any(mark in look.start for mark in marks):
                return False
        if any(mark in look.start for mark in self.without):
            return False
        if self.most is None and not self.text:
            return True
        known = bool(self.title or self.starts or self.body)
        page = look.page() if look.deep or known else None
        return page is not None and self._fits_size(page, known=known) and self._fits_text(page)

    def _fits_size(self, page: Page, *, known: bool) -> bool:
        if self.password and not page.password:
            return False
        if self.links is not None and len(page.links) > self.links:
            return False
        if self.most is not None and page.size > self.most:
            return False
        return self.talks or page.prose <= (TALK if known else WORDS)

    def _fits_text(self, page: Page) -> bool:
        if not self.text:
            return True
        others = [line for line in page.lines if is_prose(line)] if self.alone else []
        if not all(says([line], self.text, long=self.long) for line in others):
            return False
        lines = page.lines
        if self.unless:
            lines = tuple(line for line in lines if not any(word in line for word in self.unless))
        return bool(says(lines, self.text, long=self.long))


@dataclass(slots=True, kw_only=True)
class Look:
    """A reply, as far as marks are compared with it.

    Attributes:
        title: Folded.
        start: The first bytes of the body, lower case.
        length: Bytes of the whole body.
        named: Its title has the words of the address: it is about what it seems to be.
        prosy: It is an article for sure: marks for pages with little text can't fit.
        deep: Something gives reason to read the page for its words alone.
        page: The page's markup, read when first asked for; None when it has none.
    """

    hop: Hop
    title: str
    start: bytes
    length: int
    named: bool = False
    prosy: bool = False
    deep: bool = True
    page: Callable[[], Page | None]

    def title_parts(self) -> tuple[str, ...]:
        """The title, and what stands between its dividers, folded."""
        return tuple(dict.fromkeys(fold(part) for part in (self.title, *_BARS.split(self.title))))


def first(marks: Iterable[Mark], look: Look) -> Mark | None:
    """The first mark that fits."""
    return next((mark for mark in marks if mark.fits(look)), None)
