"""A parsing process for which every page is too large."""

from __future__ import annotations

import sys
from typing import NoReturn

from verifier import parsing_child


def poor(*_: object, **__: object) -> NoReturn:
    """There is never enough."""
    raise MemoryError


parsing_child.WORKS["judge"] = poor

if __name__ == "__main__":
    parsing_child.main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
