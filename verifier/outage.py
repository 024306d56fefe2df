"""When a round as a whole says nothing about its sources, because the trouble is ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

GATE_HOSTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLook:
    """How one host did in this round, beside the round before.

    Attributes:
        well: Some source of it was live or moved last time.
        silent: Every look at it in this round failed in transport.
    """

    well: bool
    silent: bool


def inconclusive(hosts: Iterable[HostLook]) -> str:
    """Why a round says nothing about its sources, or "" when it does.

    When at least half of the hosts that were well last time, and at least five, fail in
    transport at once, it is us. Source: EDGI web-monitoring and verdict-rules, 4.1.
    """
    well = [host for host in hosts if host.well]
    silent = sum(host.silent for host in well)
    if silent >= GATE_HOSTS and 2 * silent >= len(well):
        return (
            f"{silent} of {len(well)} hosts that were well last time failed in transport at once: "
            "that is our network, not theirs"
        )
    return ""


def network(answers: Mapping[str, bool]) -> str:
    """Whether there is a network, from what the canaries did: one that answers proves it."""
    if not answers:
        return "not-tested"
    return "up" if any(answers.values()) else "down"
