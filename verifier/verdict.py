"""What one look at a source means, and when a round as a whole says nothing.

Nothing here asks the time, the network or the disk. Rules are the contract's; where it is
silent, those of InternetArchiveBot, EDGI web-monitoring and Sphinx's linkcheck, named in place.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from urllib.parse import urlsplit

from verifier.records import (
    Failure,
    Fetched,
    Hop,
    NoReply,
    Reading,
    Reply,
    Seen,
    Source,
    Truncated,
)

RULES_VERSION = 2
"""Raised whenever the same observations would be judged otherwise."""

GATE_HOSTS = 5

_REFUSALS = {
    401: "wants a login",
    402: "wants a payment",
    403: "refuses us",
    405: "refuses this kind of request",
    406: "refuses this kind of client",
    407: "wants a proxy login",
    412: "refuses this kind of request",
    418: "refuses us",
    428: "wants a conditional request",
    429: "says we ask too often",
    431: "refuses our headers",
    440: "says the session is over",
    449: "wants more information first",
    451: "withholds the page for legal reasons",
    999: "refuses us",
}
_NO_SERVICE = {
    503: "the server is out of service now",  # Sphinx's linkcheck doesn't judge a 503 either
    509: "the site has used up its bandwidth for now",
    511: "a network between us and the site wants a login",  # never the site: RFC 6585, 6
}
_INVALID = {
    Failure.NO_ADDRESS: "the row names no address",
    Failure.NOT_A_WEB_ADDRESS: "this is no address of the web",
    Failure.FORBIDDEN_ADDRESS: "it leads to an address that is not public",
}
_UNKNOWN = {
    Failure.RESOLVER_FAILED: "the resolver could not say whether the name exists",
    Failure.NETWORK_DOWN: "our own network was down",
    Failure.UNEXPECTED: "something happened that Verifier has no name for",
}
_FAILING = {
    Failure.NAME_NOT_FOUND: "the host's name does not exist",
    Failure.CONNECTION_REFUSED: "the host refused the connection",
    Failure.CONNECTION_TIMEOUT: "the host did not take the connection in time",
    Failure.DEADLINE: "the page did not come in time",
    Failure.DISCONNECTED: "the host hung up before it answered",
    Failure.TLS_EXPIRED: "the certificate has expired",
    Failure.TLS_WRONG_HOST: "the certificate is for another host",
    Failure.TLS_UNTRUSTED: "the certificate is by nobody we trust",
    Failure.TLS_FAILED: "no encrypted connection could be made",
    Failure.BAD_REPLY: "what came back is not HTTP",
    Failure.TOO_MANY_REDIRECTS: "it redirects without end",
    Failure.BAD_REDIRECT: "it redirects to no address of the web",
}
_NOT_TRANSPORT = {Failure.BAD_REPLY, Failure.TOO_MANY_REDIRECTS, Failure.BAD_REDIRECT}
_PERMANENT = {301, 308}
_HOMES = {"", "index", "default", "home", "main"}
_MARKS = tomllib.loads(resources.files(__package__).joinpath("walls.toml").read_text("utf-8"))


# ---- one look ----------------------------------------------------------------------------


def read(fetched: Fetched, title: str = "", *, quote_found: bool = False) -> Reading:
    """What one look at a source means, before its history.

    Args:
        fetched: What came over the wire.
        title: Of the page; some walls are known by theirs.
        quote_found: The quotation stands on the page: then the page is alive, whatever an
            address or a redirect may suggest.
    """
    if isinstance(fetched, NoReply):
        return _read_silence(fetched)
    last = fetched.last
    wall = _wall(last, fetched.content, title)
    if wall and not quote_found:
        return Reading(
            seen=Seen.BLOCKED,
            rule=f"wall-{wall}",
            reason=f"a bot wall answered (HTTP {last.status})",
        )
    if 200 <= last.status < 300:
        return _read_success(fetched, quote_found=quote_found)
    return _read_status(last)


def invalid(source: Source) -> Reading | None:
    """Why a source can't be checked at all, or None when it can."""
    if not source.url:
        return Reading(seen=Seen.INVALID, rule="no-address", reason=_INVALID[Failure.NO_ADDRESS])
    if source.fault:
        rule, _, reason = source.fault.partition(": ")
        return Reading(seen=Seen.INVALID, rule=rule, reason=reason or rule)
    return None


def _read_silence(silence: NoReply) -> Reading:
    failure, rule = silence.failure, str(silence.failure)
    if failure in _INVALID:
        return Reading(seen=Seen.INVALID, rule=rule, reason=_INVALID[failure])
    if failure in _UNKNOWN:
        return Reading(
            seen=Seen.UNDECIDED,
            rule=rule,
            reason=_UNKNOWN[failure],
            transport=failure is not Failure.UNEXPECTED,
        )
    return Reading(
        seen=Seen.FAILING,
        rule=rule,
        reason=_FAILING[failure],
        transport=failure not in _NOT_TRANSPORT,
    )


def _read_success(reply: Reply, *, quote_found: bool) -> Reading:
    first, last = reply.hops[0], reply.last
    if not last.body or not (reply.content or reply.undecoded):
        cut = f", cut off ({last.truncated})" if last.truncated else ""
        return Reading(
            seen=Seen.FAILING,
            rule="empty-page",
            reason=f"HTTP {last.status} with no page{cut}",
            transport=last.truncated in (Truncated.TIME, Truncated.DISCONNECT),
        )
    if len(reply.hops) > 1 and not quote_found:
        elsewhere = _elsewhere(reply.hops)
        if elsewhere is not None:
            return elsewhere
    end = next((hop for hop in reply.hops if hop.status not in _PERMANENT), last)
    if end.url != first.url:  # a page that only sets a cookie redirects to itself
        return Reading(
            seen=Seen.MOVED,
            rule=f"http-{first.status}",
            reason="it has moved for good, and the page at the end is there",
            suggested_url=end.url,
        )
    return Reading(seen=Seen.ALIVE, rule=f"http-{last.status}", reason="the page is there")


def _elsewhere(hops: Sequence[Hop]) -> Reading | None:
    """What a redirect's end tells against the page: a gate, a not-found address, the front page."""
    asked, ended = urlsplit(hops[0].url), urlsplit(hops[-1].url)
    before = set(asked.path.lower().strip("/").split("/"))
    segments = set(ended.path.lower().strip("/").split("/")) - before
    if not segments.isdisjoint(_MARKS["gates"]["segments"]):
        return Reading(
            seen=Seen.BLOCKED, rule="login-redirect", reason="it wants a login or a consent first"
        )
    lost = not segments.isdisjoint(_MARKS["lost"]["segments"])
    if lost or any(mark in ended.query.lower() for mark in _MARKS["lost"]["query"]):
        return Reading(
            seen=Seen.FAILING,
            rule="soft-404-address",
            reason="it redirects to an address for pages that are not found",
        )
    home = _home(ended.path) and not ended.query
    if not _home(asked.path) and home and _same_site(asked.hostname, ended.hostname):
        return Reading(
            seen=Seen.FAILING,
            rule="soft-404-home",
            reason="it redirects to the site's front page instead of the page",
        )
    return None


def _read_status(last: Hop) -> Reading:
    status, rule = last.status, f"http-{last.status}"
    if status in _REFUSALS:
        return Reading(seen=Seen.BLOCKED, rule=rule, reason=f"the server {_REFUSALS[status]}")
    if status == 410:
        return Reading(seen=Seen.GONE, rule=rule, reason="the server says it is gone for good")
    if status in _NO_SERVICE:
        return Reading(seen=Seen.UNDECIDED, rule=rule, reason=_NO_SERVICE[status])
    if status == 404:
        return Reading(seen=Seen.FAILING, rule=rule, reason="the server does not find the page")
    if status >= 500:
        return Reading(seen=Seen.FAILING, rule=rule, reason="the server failed")
    if 300 <= status < 400:
        return Reading(seen=Seen.FAILING, rule=rule, reason="it redirects, but not to a page")
    return Reading(seen=Seen.FAILING, rule=rule, reason="the server answers with an error")


def _wall(last: Hop, content: bytes, title: str) -> str:
    start = content[:20_000].lower()
    for wall in _MARKS["wall"]:
        if "status" in wall and last.status not in wall["status"]:
            continue
        if "header" in wall:
            value = last.header(wall["header"])
            if not value or wall.get("value", "").lower() not in value.lower():
                continue
        if "below" in wall and len(content) >= wall["below"]:
            continue
        if "body" in wall and wall["body"].encode("ascii") not in start:
            continue
        if "title" in wall and title.strip().lower() not in wall["title"]:
            continue
        return str(wall["name"])
    return ""


def _home(path: str) -> bool:
    name = path.strip("/").lower()
    return "/" not in name and name.partition(".")[0] in _HOMES


def _same_site(one: str | None, other: str | None) -> bool:
    first, second = ((name or "").lower().removeprefix("www.") for name in (one, other))
    return first == second


def why(reading: Reading) -> str:
    """A reason as the tables keep it: the rule's name, then a sentence."""
    return f"{reading.rule}: {reading.reason}"


# ---- trying again within the round -------------------------------------------------------

_TRY_AGAIN_STATUS = {408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524}
_TRY_AGAIN = {
    Failure.RESOLVER_FAILED: 3,
    Failure.CONNECTION_REFUSED: 3,
    Failure.CONNECTION_TIMEOUT: 1,
    Failure.DISCONNECTED: 3,
    Failure.DEADLINE: 1,
    Failure.TLS_FAILED: 1,
}
LONGEST_WAIT = timedelta(seconds=60)


def retry_in(fetched: Fetched, *, attempts: int, pause: float, now: datetime) -> float | None:
    """Seconds until the same address should be asked again in this round, or None for "not now".

    The pause doubles with each attempt: 2, 4, 8 seconds by default. A ``Retry-After`` is
    obeyed up to a minute; a longer wish is not slept but kept for the next round
    (see :func:`verifier.history.next_look`).

    Args:
        attempts: Tries made so far, 1 after the first.
        pause: Seconds before the first retry.
    """
    match fetched:
        case Reply():
            again = 3 if fetched.last.status in _TRY_AGAIN_STATUS else 0
        case NoReply():
            again = _TRY_AGAIN.get(fetched.failure, 0)
    if attempts > again:
        return None
    wait = pause * float(2 ** (attempts - 1))
    if fetched.retry_after is not None:
        wish = (fetched.retry_after - now).total_seconds()
        if wish > LONGEST_WAIT.total_seconds():
            return None
        wait = max(wait, wish)
    return wait


# ---- the round as a whole ----------------------------------------------------------------


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


def retires_too_many(known: int, leaving: int, listed: int) -> bool:
    """Whether so many rows left sources.csv that the file is likelier broken than meant.

    All of them when nothing is listed any more; else more than half, from three on: in a list
    of one or two, a row without an id whose address was corrected is a row that left.
    """
    return leaving > 0 and (listed == 0 or (known > 2 and 2 * leaving > known))


def network(answers: Mapping[str, bool]) -> str:
    """Whether there is a network, from what the canaries did: one that answers proves it."""
    if not answers:
        return "not-tested"
    return "up" if any(answers.values()) else "down"
