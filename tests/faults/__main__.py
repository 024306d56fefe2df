"""``make faults``: the long form, 200 rounds; FAULTS_TIMES and FAULTS_SEED say otherwise."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.harness import LostError, stopped_again_and_again


def main() -> int:
    times = int(os.environ.get("FAULTS_TIMES", "200"))
    seed = int(os.environ.get("FAULTS_SEED") or secrets.randbelow(10**6))
    memory = Path("/dev/shm")
    place = memory if os.access(memory, os.W_OK) else None
    sys.stdout.write(f"seed {seed}, {times} rounds are stopped\n")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=place, prefix="verifier-") as folder:
        try:
            done = stopped_again_and_again(Path(folder), times, seed, chain=25, rest=1, tell=_tell)
        except LostError as error:
            sys.stdout.write(f"LOST: {error}\n")
            return 1
    for way, number in done.times.items():
        sys.stdout.write(f"{way}: {number} times, {done.stopped[way]} while it ran; lost: 0\n")
    sys.stdout.write(
        f"{done.whole} rounds after it completed; {done.acknowledged} acknowledged checks were "
        f"there once; {done.submitted} submissions, none lost, none twice; "
        f"{time.monotonic() - began:.0f} s\n"
    )
    return 0


def _tell(line: str) -> None:
    sys.stdout.write(f"  {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
