"""When the trouble is ours: a wrong word here strikes a thousand pages that are well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from verifier import outage
from verifier.outage import Crowd, HostLook
from verifier.records import Failure, Fetched, Hop, NoReply, Reply


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


NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def hop(url: str, status: int = 200) -> Hop:
    return Hop(
        url=url,
        requested_at=NOW,
        request=b"",
        peer="192.0.2.1",
        version="HTTP/1.1",
        status=status,
        reason=b"",
        headers=(),
        body=b"",
        truncated=None,
    )


def answer(*urls: str, status: int = 200, content: bytes = b"") -> Reply:
    """A canary that answered at the last of these addresses."""
    return Reply(hops=tuple(hop(url, status) for url in urls), content=content)


def silence(failure: Failure = Failure.CONNECTION_REFUSED) -> NoReply:
    return NoReply(url="http://a.example/", failure=failure, detail="no", requested_at=NOW)


LOGIN = b"<form>log in"


@pytest.mark.parametrize(
    ("canaries", "state"),
    [
        ([silence(), answer("http://b.example/"), silence()], "up"),
        ([silence(), silence()], "down"),
        ([], "not-tested"),
        ([answer("http://a.example/", status=500)], "up"),
        ([answer("http://a.example/", status=511)], "down"),
        ([answer("http://a.example/", "http://10.0.0.1/login")], "down"),
        ([answer("http://a.example/", "https://login.hotel.example/")], "down"),
        ([answer("http://a.example/", "https://www.a.example/")], "up"),
        ([answer("https://a.example/", "https://elsewhere.example/")], "up"),
        ([answer("http://a.example/", content=LOGIN), answer("http://b.example/", content=LOGIN)],
         "down"),
        ([answer("http://a.example/", content=b"1"), answer("http://b.example/", content=b"2")],
         "up"),
        ([answer("http://a.example/1", content=b"1"), answer("http://a.example/2", content=b"1")],
         "up"),
        ([answer("http://a.example/", "http://10.0.0.1/"), answer("https://b.example/")], "up"),
    ],
)  # fmt: skip
def test_a_canary_proves_a_network_unless_the_network_itself_may_have_answered(
    canaries: list[Fetched], state: str
) -> None:
    """
    A hotel's login answers every address with 200: that is no network, and nobody's page.
    """
    found = outage.network(canaries)

    assert found.state == state
    assert bool(found.reason) is (state == "down")


@pytest.mark.parametrize(
    ("failures", "said"),
    [
        ([Failure.CONNECTION_REFUSED, Failure.DEADLINE], "none of 2 canaries"),
        ([Failure.TLS_EXPIRED, Failure.DEADLINE], "clock"),
        ([Failure.RESOLVER_FAILED, Failure.RESOLVER_FAILED], "no name could be looked up"),
    ],
)
def test_why_there_is_no_network_is_said(failures: list[Failure], said: str) -> None:
    """
    A name server, a clock and a cable are mended by different people.
    """
    assert said in outage.network([silence(failure) for failure in failures]).reason


def test_looks_that_never_left_our_network_say_nothing() -> None:
    """
    However few there are: the proxy of a list of one is down, too.
    """
    ours = HostLook(well=True, silent=True, ours=True)
    unnamed = HostLook(well=True, silent=True, unnamed=True)
    other = HostLook(well=True, silent=True)

    assert outage.inconclusive([ours])
    assert outage.inconclusive([ours, unnamed])
    assert outage.inconclusive([unnamed, unnamed])
    assert not outage.inconclusive([unnamed])  # one domain's own name server may be broken
    assert not outage.inconclusive([ours, other])
    assert not outage.inconclusive([])


@pytest.mark.parametrize(
    ("back", "judged"), [(-3, True), (0, True), (4, True), (6, False), (60 * 24 * 365, False)]
)
def test_a_clock_behind_what_is_stored_is_not_judged_by(back: int, judged: bool) -> None:
    """
    Minutes: time servers set a clock back by seconds; an empty battery by years.
    """
    assert (outage.behind(NOW - timedelta(minutes=back), NOW) == "") is judged
    assert outage.behind(NOW, None) == ""


@pytest.mark.parametrize(
    ("off", "wrong"),
    [
        ([0, 0, 0], False),
        ([20, 1, 3], False),
        ([24 * 365] * 3, True),
        ([-24 * 365] * 3, True),
        ([24 * 365, 0, 0], False),
        ([24 * 365, 24 * 300, 24 * 10], False),
        ([24 * 365] * 8 + [0, 0], True),
        ([24 * 365] * 2, False),
    ],
)
def test_a_clock_that_most_servers_contradict_is_wrong(off: list[int], wrong: bool) -> None:
    """
    Hours: they must agree with each other, not only contradict us.
    """
    told = [(NOW + timedelta(hours=hours), NOW) for hours in off]

    assert bool(outage.wrong_clock(told, enough=3)) is wrong


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ([("Date", "Sun, 22 Nov 2026 12:00:00 GMT")], NOW),
        ([("date", "Sun, 22 Nov 2026 12:00:00 GMT"), ("AGE", "0")], NOW),
        ([("Date", "Sun, 22 Nov 2026 12:00:00 GMT"), ("Age", "86400")], None),
        ([("Date", "yesterday")], None),
        ([], None),
    ],
)
def test_what_time_a_server_says_it_is(
    headers: list[tuple[str, str]], told: datetime | None
) -> None:
    """
    A page that a cache kept has the date of when it was kept.
    """
    assert outage.said_date(headers) == told


def a_crowd(**but: Any) -> Crowd:
    like: dict[str, Any] = {"sites": 6, "well": 6, "of": 6, "of_well": 6, "content": LOGIN}
    return Crowd(**like | but)


@pytest.mark.parametrize(
    ("crowd", "ours"),
    [
        (a_crowd(), True),
        (a_crowd(content=b"up again"), False),
        (a_crowd(content=b"up again", lost=True), True),
        (a_crowd(content=b"", address="http://10.0.0.1/login"), True),
        (a_crowd(known=True), False),
        (a_crowd(found=True), False),
        (a_crowd(sites=5, well=5, of=12, of_well=10), True),
        (a_crowd(sites=5, well=5, of=12, of_well=11), False),
        (a_crowd(sites=4, well=4, of=8, of_well=8), False),
        (a_crowd(sites=3, well=0, of=3, of_well=0), True),
        (a_crowd(sites=3, well=0, of=4, of_well=0), False),
        (a_crowd(sites=2, well=2, of=2, of_well=2), False),
    ],
)
def test_one_login_wherever_we_go_is_our_networks(crowd: Crowd, ours: bool) -> None:
    """
    And a page that some sites of one owner share, or that was there before, is theirs.
    """
    assert bool(outage.portal(crowd)) is ours


def test_a_canary_that_answers_after_it_proves_that_there_is_no_portal() -> None:
    """
    Else sites that all moved to one new address would never be judged again.
    """
    moved = a_crowd(content=b"", address="https://new.example/")

    assert outage.is_no_portal(moved, [answer("https://c.example/", content=b"c")])
    assert not outage.is_no_portal(a_crowd(), [answer("http://c.example/", content=LOGIN)])
    assert not outage.is_no_portal(moved, [silence()])
    assert not outage.is_no_portal(moved, [])


def test_a_network_that_went_away_takes_the_round_with_it() -> None:
    """
    The canaries sang before it; what failed since then is no fault of the pages.
    """
    assert "went away" in outage.gone(outage.network([silence()]))
    assert outage.gone(outage.network([])) == ""
    assert outage.gone(outage.network([answer("https://c.example/")])) == ""
