"""A round under load, scaled down: `make load` is the same over 100,000 sources."""

from __future__ import annotations

from pathlib import Path

from bench.load import load


def test_a_round_over_many_hosts_of_which_some_misbehave_is_exact(tmp_path: Path) -> None:
    """
    Every source is checked once and judged by what its page did; every host has its rest, though
    several processes ask; nothing that one host does keeps the others waiting.
    """
    came = load(tmp_path, sources=1_200, hosts=60, VERIFIER_DEADLINE="1.5", VERIFIER_PROCESSES="2")

    assert came.wrong(1_200) == []
