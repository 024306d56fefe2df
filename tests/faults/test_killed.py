"""A round may be stopped at any moment: what it said it had is there, once."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.harness import stopped_again_and_again
from tests.faults.power import COMPILER

SEED = int(os.environ.get("FAULTS_SEED", "20261128"))
TIMES = 20

pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where that is possible: syncing costs nothing there."""
    memory = Path("/dev/shm")
    place = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place, prefix="verifier-") as name:
        yield Path(name)


@pytest.mark.timeout(600)
def test_a_round_that_is_stopped_at_any_moment_loses_nothing(folder: Path) -> None:
    """
    Killed, told to end, or without power: the short form of ``make faults``.
    """
    done = stopped_again_and_again(folder, TIMES, SEED, chain=10, rest=5)

    assert sum(done.stopped.values()) >= TIMES // 2, done  # else nothing was tried
    assert done.acknowledged > 0
    assert done.submitted > 0
