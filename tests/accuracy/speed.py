"""``python -m tests.accuracy.speed``: what looking for words in a page of 500 kB costs."""

from __future__ import annotations

import argparse
import html
import platform
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import process_time

from tests.accuracy.corpus import pairs
from verifier.quotes import locate
from verifier.records import Text
from verifier.text import extract
from verifier.typography import levelled

SIZE = 500_000
"""Bytes of a page."""

TIMES = 7
_LONG = {"en-long-01": "English", "de-long-01": "German", "ru-long-01": "Russian",
         "zh-long-01": "Chinese"}  # fmt: skip
_MARKS = re.compile(r"(<!-- speed: begin -->\n).*?(<!-- speed: end -->)", re.DOTALL)


def page_of(words: str) -> bytes:
    """A page of SIZE bytes in paragraphs, of *words* over and over."""
    paragraphs, size = list[str](), 0
    while size < SIZE:
        for line in words.split("\n"):
            paragraph = f"<p>{html.escape(line)}</p>\n"
            size += len(paragraph.encode())
            if size >= SIZE:
                break
            paragraphs.append(paragraph)
    return f"<!doctype html><title>Long</title>{''.join(paragraphs)}".encode()


def sought(text: str) -> Iterator[tuple[str, str]]:
    """What is looked for in *text*: by name, words of its second half."""
    place = len(text) * 3 // 5
    start = text.find(" ", place, place + 200) + 1 or place
    words = text[start : start + 100].replace("\n", " ").rsplit(" ", 1)[0]
    yield "found", words
    yield "a number more", f"{words} 4711"
    middle = len(words) // 2
    yield "a word changed", f"{words[:middle]} Zanzibar {words[middle + 8 :]}"
    yield "in parts", f"{words[: middle - 5]} … {words[middle + 5 :]}"
    yield "absent", "the regiment mutinied when its pay was withheld for a second quarter in Lima"


def cost(call: Callable[[], object]) -> float:
    """Milliseconds of CPU time, the median of some."""
    times = []
    for _ in range(TIMES):
        levelled.cache_clear()
        before = process_time()
        call()
        times.append(1000 * (process_time() - before))
    return median(times)


def measured() -> Iterator[tuple[str, ...]]:
    """A row for each language: what extracting costs, and what looking costs."""
    for pair in pairs("apart"):
        if pair.id not in _LONG:
            continue
        content = page_of(extract(pair.content, pair.content_type).visible)
        text: Text = extract(content, "text/html; charset=utf-8")
        row = [_LONG[pair.id], f"{cost(lambda page=content: extract(page, 'text/html')):.0f}"]  # type: ignore[misc]
        for _, quotation in sought(text.visible):
            row.append(f"{cost(lambda words=quotation, seen=text: locate(words, seen)):.0f}")  # type: ignore[misc]
        yield tuple(row)


def main() -> int:
    """Print the table, and write it where it is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy.speed", description=__doc__)
    parser.add_argument("--write", type=Path, metavar="FILE", help="put it into FILE's marks")
    wanted = parser.parse_args()
    names = ("page of 500 kB", "extract", *(name for name, _ in sought("some words " * 40)))
    lines = [
        f"Milliseconds of CPU time, median of {TIMES}; Python {platform.python_version()}, "
        f"{platform.machine()}.",
        "",
        f"| {' | '.join(names)} |",
        f"| --- |{' ---: |' * (len(names) - 1)}",
        *(f"| {' | '.join(row)} |" for row in measured()),
        "",
    ]
    told = "\n".join(lines)
    sys.stdout.write(told)
    if wanted.write is not None:
        page = wanted.write.read_text("utf-8")
        wanted.write.write_text(_MARKS.sub(lambda mark: mark[1] + told + mark[2], page), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
