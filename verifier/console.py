"""What a person at a terminal sees while a round runs: nothing anywhere else."""

from __future__ import annotations

import sys
from typing import Any, TextIO

import click


class Bar:
    """A progress bar on a terminal: done, failing, hosts, time left. Silent in a pipe."""

    def __init__(self, stream: TextIO | None = None, *, counted: str = "addresses") -> None:
        self._counted = counted  # what the number before the bar is of; "": what is begun
        # Python's own is None where the caller closed it, as cron jobs may with "2>&-"
        self._stream: TextIO | None = sys.stderr if stream is None else stream
        self._bar: Any = None
        self._failing = 0

    def begin(self, what: str, total: int, hosts: int) -> None:
        """Show a bar of *total* addresses, if anyone can see it."""
        if not total or self._stream is None or not self._stream.isatty():
            return
        place = f" on {hosts} hosts" if hosts > 1 else ""
        self._bar = click.progressbar(
            length=total,
            label=f"{total} {self._counted or what}{place}",
            file=self._stream,
            show_pos=True,
            show_eta=True,
            item_show_func=lambda _: f"{self._failing} failing" if self._failing else what,
        )
        self._bar.__enter__()
        self._bar.render_progress()

    def step(self, done: int, failing: int) -> None:
        """So many are done, so many of them failing."""
        if self._bar is not None:
            self._failing = failing
            self._bar.update(done - self._bar.pos, failing)

    def end(self) -> None:
        """Leave the bar as it stands, and go to the next line."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None
