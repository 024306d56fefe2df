"""The program with a name server of the test's, and public addresses on this machine.

Stands before the program's own words: ``python -m tests.hostile.with_names NAMESERVER PUBLIC …``.
The address guard is on; only PUBLIC, one of this machine's own addresses, passes for a stranger's.
"""

from __future__ import annotations

import sys
from typing import Any

from verifier.__main__ import main
from verifier.fetch import Fetcher


def install(nameserver: str, public: str) -> None:
    """Every fetcher that is made from now on asks *nameserver*, and lets *public* pass."""
    make = Fetcher.__init__

    def made(self: Fetcher, **options: Any) -> None:
        make(self, **options | {"nameservers": (nameserver,), "exempt": (public,)})

    Fetcher.__init__ = made  # type: ignore[method-assign]


if __name__ == "__main__":
    install(sys.argv[1], sys.argv[2])
    sys.argv[1:] = sys.argv[sys.argv.index("verifier") + 1 :]
    main()
