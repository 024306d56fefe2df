"""``python -m tests.fuzz TARGET``: coverage-guided bytes against what reads strangers' bytes.

Run by ``make fuzz``, which installs atheris. A crash, an exception that nobody expects, or an
input that takes longer than 10 s ends it, and libFuzzer leaves the input in ``.fuzz/``. What was
found once stands in ``tests/fuzz/found/`` and is tried in every run of the tests.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Fuzz one target: its name, then libFuzzer's own words."""
    import atheris

    with atheris.instrument_imports(include=["verifier"]):
        from tests.fuzz.targets import TARGETS

    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
