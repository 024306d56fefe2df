"""When a round as a whole says nothing about its sources, because the trouble is ours.

Nothing here asks the time, the network or the disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from statistics import median

from verifier.baseline import domain_of
from verifier.records import Failure, Fetched, Reading, Reply

GATE_HOSTS = 5
"""So many hosts at once, and half of those that were well: then it is us. Source: EDGI
web-monitoring and verdict-rules, 4.1."""

CROWD = 3
"""So many sites that all say the very same are no coincidence, if it is all there are."""

BACK = timedelta(minutes=5)
"""So far a clock may be set back, as time servers do, before nothing is judged by it."""

OFF = timedelta(days=1)
"""So far may servers' clocks and ours differ; pages that a cache kept have yesterday's date."""

DECEIVED = ("portal", "wrong-clock")
"""Networks of rounds of which nothing counts, neither what failed nor what was seen well."""

_DOOR = re.compile(
    rb"<form|<input|http-equiv\W+refresh|location\.(?:href|replace)|log[ -]?in\b|sign[ -]?in\b"
    rb"|password|wi-?fi|hotspot|captive|voucher|terms of (?:use|service)",
    re.IGNORECASE,
)
_DOOR_BYTES = 64_000


# ---- before the round --------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What the canaries say: ``up``, ``down`` or ``not-tested``, and why it is down.

    After the looks it may also be ``portal`` or ``wrong-clock``.
    """

    state: str
    reason: str = ""


def network(canaries: Sequence[Fetched]) -> Network:
    """Whether there is a network, from what the canaries did: one that answers proves it.

    An answer over TLS proves it always: nobody else has the certificate. Any other must not
    come from the network at our own door: not lead to a foreign site, be no 511, and not be
    the same page that another canary's site gave.

    Source: RFC 8910 and 6585, section 6, on captive portals.
    """
    if not canaries:
        return Network(state="not-tested")
    answers = [came for came in canaries if isinstance(came, Reply)]
    if any(_proves(answer, answers) for answer in answers):
        return Network(state="up")
    if answers:
        where = next((a.last.url for a in answers if _led_away(a)), answers[0].last.url)
        reason = (
            "no network: a page of the network itself answers in place of the canaries"
            f" ({where[:200]}): log in there; nothing was judged"
        )
        return Network(state="down", reason=reason)
    reason = f"no network: none of {len(canaries)} canaries answered, so nothing was judged"
    failures = {came.failure for came in canaries if not isinstance(came, Reply)}
    if Failure.TLS_EXPIRED in failures:
        reason += "; their certificates are out of date, so the clock may be wrong"
    elif failures == {Failure.RESOLVER_FAILED} or failures == {Failure.NAME_NOT_FOUND}:
        reason += "; no name could be looked up"
    elif failures == {Failure.NETWORK_DOWN}:
        reason += f"; {next(c.detail for c in canaries if not isinstance(c, Reply))[:200]}"
    return Network(state="down", reason=reason)


def _proves(answer: Reply, answers: Sequence[Reply]) -> bool:
    if answer.hops[0].url.startswith("https:"):
        return True
    if answer.last.status == 511 or _led_away(answer):
        return False
    site = domain_of(answer.hops[0].url)
    return not any(
        answer.content and other.content == answer.content and domain_of(other.hops[0].url) != site
        for other in answers
    )


def _led_away(answer: Reply) -> bool:
    return domain_of(answer.last.url) != domain_of(answer.hops[0].url)


def behind(now: datetime, newest: datetime | None) -> str:
    """Why a round can't begin now, or "": what is stored already must not be from the future.

    Args:
        newest: When the newest look that counts was stored.
    """
    if newest is None or now >= newest - BACK:
        return ""
    return (
        f"our clock says {now:%Y-%m-%d %H:%M} UTC, and the newest look is of "
        f"{newest:%Y-%m-%d %H:%M}: one of the two is wrong, so nothing was judged"
    )


def wrong_clock(told: Sequence[tuple[datetime, datetime]], *, enough: int = 1) -> str:
    """Why our clock is not to be trusted, or "".

    Args:
        told: What time it was there and here, for each server that said so.
        enough: Servers that it takes.
    """
    if len(told) < enough:
        return ""
    off = median((there - here).total_seconds() for there, here in told)
    agree = sum(abs((there - here).total_seconds() - off) < OFF.total_seconds() / 2
                for there, here in told)  # fmt: skip
    if abs(off) <= OFF.total_seconds() or 5 * agree < 4 * len(told):
        return ""
    days = abs(off) / 86_400
    way = "behind" if off > 0 else "ahead of"
    return (
        f"our clock is {days:.0f} days {way} that of {agree} of {len(told)} servers, "
        "so nothing was judged"
    )


def said_date(headers: Iterable[tuple[str, str]]) -> datetime | None:
    """What time a server says it is; None when it doesn't, or a cache says it for it."""
    fields = {name.lower(): value for name, value in headers}
    if "date" not in fields or fields.get("age", "0").strip() not in ("", "0"):
        return None
    try:
        told = parsedate_to_datetime(fields["date"])
    except (ValueError, OverflowError):
        return None
    return told if told.tzinfo is not None else None


def dates_of(came: Fetched) -> Sequence[tuple[datetime, datetime]]:
    """What time it was there and here, if a server said so."""
    if not isinstance(came, Reply):
        return ()
    headers = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in came.last.headers
    ]
    there = said_date(headers)
    return () if there is None else ((there, came.last.requested_at),)


# ---- after the looks ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLook:
    """How one host did in this round, beside the round before.

    Attributes:
        well: Some source of it was live or moved last time.
        silent: Every look at it in this round failed in transport.
        ours: Every look failed before it left our own network.
        unnamed: Every look failed because no name server knew.
    """

    well: bool
    silent: bool
    ours: bool = False
    unnamed: bool = False


def with_look(before: HostLook | None, reading: Reading) -> HostLook:
    """How a host did after one more look at it; whether it was well before is for others."""
    was = before or HostLook(well=False, silent=True, ours=True, unnamed=True)
    return HostLook(
        well=was.well,
        silent=was.silent and reading.transport,
        ours=was.ours and reading.rule == Failure.NETWORK_DOWN,
        unnamed=was.unnamed and reading.rule == Failure.RESOLVER_FAILED,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Sites that all gave one and the same page in this round.

    Attributes:
        sites: So many, with a good status each, and nothing else from any of them.
        well: So many of them were well last time.
        of, of_well: How many sites answered, and how many were well last time.
        address: Where all of them led, away from themselves; "" when they gave the page.
        content: The page they gave, or as much of it as is at hand.
        known: Some site of them gave this page, or led there, in an earlier round.
        lost: Quotations were found on them last time, and none is now.
        found: A quotation stands on the page.
    """

    sites: int
    well: int
    of: int
    of_well: int
    address: str = ""
    content: bytes = b""
    known: bool = False
    lost: bool = False
    found: bool = False


def inconclusive(hosts: Iterable[HostLook]) -> str:
    """Why a round says nothing about its sources, or "" when it does.

    When at least half of the hosts that were well last time, and at least five, fail in
    transport at once, it is us; so it is when no look at all left our own network.
    """
    looks = list(hosts)
    well = [host for host in looks if host.well]
    silent = sum(host.silent for host in well)
    if silent >= GATE_HOSTS and 2 * silent >= len(well):
        return (
            f"{silent} of {len(well)} hosts that were well last time failed in transport at once: "
            "that is our network, not theirs"
        )
    if all(host.ours or host.unnamed for host in looks) and (
        len(looks) > 1 or any(host.ours for host in looks)
    ):
        return "no look left our own network: no route, no proxy, or no name server"
    return ""


def portal(crowd: Crowd) -> str:
    """Why a round says nothing in which a login stood wherever we went, or "".

    One page at half of the sites that were well, and at five at least, or wherever we went and
    at three at least; which none of them gave before, and which is a door: it has a form or
    the words of one, all were led there, or the quotations are gone that stood on the pages.
    """
    if crowd.found or crowd.known:
        return ""
    half = crowd.well >= GATE_HOSTS and 2 * crowd.well >= crowd.of_well
    if not half and not (crowd.sites >= CROWD and crowd.sites == crowd.of):
        return ""
    door = crowd.address or crowd.lost or _DOOR.search(crowd.content, 0, _DOOR_BYTES)
    if not door:
        return ""
    what = f"led to {crowd.address[:200]}" if crowd.address else "gave the very same page"
    return (
        f"{crowd.sites} of {crowd.of} sites {what}: "
        "that is a login of the network we are in, not theirs"
    )


def is_no_portal(crowd: Crowd, canaries: Sequence[Fetched]) -> bool:
    """Whether canaries that were asked after it prove that the crowd is no portal's."""
    if network(canaries).state != "up":
        return False
    answers = [came for came in canaries if isinstance(came, Reply)]
    return not any(
        (crowd.content and answer.content == crowd.content) or answer.last.url == crowd.address
        for answer in answers
    )


def gone(network: Network) -> str:
    """Why a round says nothing whose canaries are silent after it, or ""."""
    if network.state != "down":
        return ""
    return f"the network went away during the round ({network.reason})"
