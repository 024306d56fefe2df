"""When the trouble is ours: a wrong word here strikes a thousand pages that are well."""

from __future__ import annotations

import pytest

from verifier import outage
from verifier.outage import HostLook


def looks(well: int, silent: int, others: int = 0) -> str:
    hosts = [HostLook(well=True, silent=place < silent) for place in range(well)]
    return outage.inconclusive(hosts + [HostLook(well=False, silent=True)] * others)


@pytest.mark.parametrize(
    ("well", "silent", "ours"),
    [
        (10, 8, True),
        (10, 5, True),
        (10, 4, False),
        (11, 5, False),
        (11, 6, True),
        (5, 5, True),
        (4, 4, False),
        (1, 1, False),
        (0, 0, False),
        (1000, 499, False),
        (1000, 500, True),
    ],
)
def test_the_gate_closes_when_half_of_the_well_hosts_fall_silent(
    well: int, silent: int, ours: bool
) -> None:
    """
    Half of all hosts, at least five, at once: that is us, and no strike may come of it.
    """
    assert bool(looks(well, silent)) is ours


def test_hosts_that_failed_before_do_not_close_the_gate() -> None:
    """
    A list of many old, dead links would otherwise never be judged again.
    """
    assert looks(10, 0, others=500) == ""


def test_the_gates_reason_has_the_numbers() -> None:
    """
    "Inconclusive" alone helps nobody to find the fault.
    """
    assert "8 of 10 hosts" in looks(10, 8)


def test_one_canary_that_answers_proves_a_network() -> None:
    """
    Canaries fail, too; and without any, nothing is claimed.
    """
    assert outage.network({"a": False, "b": True, "c": False}) == "up"
    assert outage.network({"a": False, "b": False}) == "down"
    assert outage.network({}) == "not-tested"
