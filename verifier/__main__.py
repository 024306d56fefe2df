"""``python -m verifier``."""

from __future__ import annotations

import os


def main() -> None:
    """Run the command line."""
    _fill_streams()
    from verifier.cli import cli

    cli()


def _fill_streams() -> None:
    """Open what the caller closed of the three standard streams, on nothing.

    Else the next file takes its number, and what is meant for a terminal goes into a database.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number: this one


if __name__ == "__main__":
    main()
