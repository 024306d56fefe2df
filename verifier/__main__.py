"""``python -m verifier``."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from verifier.cli import cli

    cli()


if __name__ == "__main__":
    main()
