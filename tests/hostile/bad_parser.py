"""A parsing process with works that do what the worst page could make a parser do."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from verifier import parsing_child


def segfault() -> None:
    """Read where nothing is."""
    ctypes.string_at(0)


def hang() -> None:
    """Wait for what never comes."""
    time.sleep(3600)


def spin() -> None:
    """Compute for ever."""
    while True:
        pass


def greed(size: int) -> int:
    """Take so many bytes of memory, and touch them all."""
    taken = [bytearray(b"\1") * (1 << 20) for _ in range(size >> 20)]
    return len(taken)


def write(name: str) -> None:
    """Write a file."""
    Path(name).write_bytes(b"x" * 100_000)


def chatter() -> str:
    """Print on what used to be the answers' stream."""
    sys.stdout.write("not an answer")
    sys.stdout.flush()
    os.write(1, b"neither")
    return "quiet"


def environment() -> dict[str, str]:
    """What a page that took over the process would find."""
    return dict(os.environ)


class Pickled:
    """Runs a command in whoever unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch taken-over",)


def once(mark: str) -> str:
    """Die the first time, as when somebody else ends the process."""
    try:
        os.rmdir(mark)
    except FileNotFoundError:
        return "done"
    os.kill(os.getpid(), 9)
    return ""


def echo(word: str) -> str:
    """The word."""
    return word


def process() -> int:
    """The process's own number."""
    return os.getpid()


parsing_child.WORKS.update(
    segfault=segfault, hang=hang, spin=spin, greed=greed, write=write, chatter=chatter,
    environment=environment, pickled=Pickled, once=once, echo=echo, process=process,
)  # fmt: skip

if __name__ == "__main__":
    words: Sequence[str] = sys.argv[1:]
    parsing_child.main(int(words[0]), float(words[1]), float(words[2]))
