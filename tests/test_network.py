"""Our own network and clock fail: the round says so, and nothing is held against a page."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.loopback import Answer, Site, page, redirect
from tests.program import Program

LOGIN = page("<title>Welcome</title><form action=/login><input name=room></form>")
FAKETIME = shutil.which("faketime")


def at_a_date(test: Callable[..., None]) -> Callable[..., None]:
    skip = pytest.mark.skipif(FAKETIME is None, reason="needs faketime")
    marked: Callable[..., None] = pytest.mark.faketime(skip(test))
    return marked


@pytest.fixture
def web() -> Iterator[list[Site]]:
    """Six sites, each on an address of its own."""
    with ExitStack() as stack:
        yield [stack.enter_context(Site(f"127.0.0.{n}")) for n in range(2, 8)]


def listed(program: Program, web: list[Site]) -> None:
    program.write(
        *(
            {"id": f"s{n}", "url": site.url("/"), "quote": f"sentence {n}" if n % 2 else ""}
            for n, site in enumerate(web)
        )
    )


def well(program: Program, web: list[Site], **how: str) -> list[tuple[object, ...]]:
    """One conclusive round; what is derived from it."""
    for n, site in enumerate(web):
        site.default = page(f"<p>Here is sentence {n}, and more of it. " + "filler " * 20)
    listed(program, web)
    done = program.run("run", "--no-preserve")
    assert done.returncode == 0, done.stdout + done.stderr
    return program.dump()


def at(program: Program, when: str) -> None:
    """The program runs on that date from now on."""
    assert FAKETIME is not None
    program.before = (FAKETIME, "-f", when)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def nothing_was_held_against_a_page(
    program: Program, before: list[tuple[object, ...]], done: subprocess.CompletedProcess[str]
) -> None:
    assert done.returncode == 3, done.stdout + done.stderr
    assert done.stderr == ""
    assert program.dump() == before
    last = program.sql("SELECT outcome FROM runs ORDER BY id DESC LIMIT 1")
    assert last == [("inconclusive",)]
    report = program.run("report").stdout
    assert "inconclusive" in report


@pytest.mark.parametrize("how", ["one page", "one address"])
def test_a_login_in_the_place_of_every_page_is_our_network(
    program: Program, web: list[Site], how: str
) -> None:
    """
    200 for everything, with a hotel's form: nobody is alive by it, and nobody misquoted.
    """
    before = well(program, web)
    with Site("127.0.0.99") as door:
        door.default = LOGIN
        for site in web:
            site.default = LOGIN if how == "one page" else redirect(door.url("/login"))

        done = program.run("run", "--all", "--no-preserve")

    nothing_was_held_against_a_page(program, before, done)
    assert "login of the network we are in" in " ".join(done.stdout.split())
    assert program.sql("SELECT count(*) FROM checks WHERE run_id = 2") == [(6,)]

    for n, site in enumerate(web):
        site.default = page(f"<p>Here is sentence {n} again")
    assert program.run("run", "--all", "--no-preserve").returncode == 0
    assert set(program.audit("link").values()) == {"live"}
    assert program.audit("quote")["s1"] == "found"


def test_a_login_on_the_first_day_makes_nobody_live(program: Program, web: list[Site]) -> None:
    """
    Nor does it become what the pages are compared with from then on.
    """
    for site in web:
        site.default = LOGIN
    listed(program, web)

    done = program.run("run", "--no-preserve")

    assert done.returncode == 3
    assert program.sql("SELECT * FROM audit") == []
    assert program.sql("SELECT * FROM baselines") == []


def test_a_canary_that_the_login_answers_proves_nothing(program: Program, web: list[Site]) -> None:
    """
    Asked before a round over plain HTTP: then no page is asked at all.
    """
    before = well(program, web)
    with Site("127.0.0.98") as one, Site("127.0.0.99") as door:
        one.default = redirect(door.url("/login"))
        door.default = LOGIN
        program.settings["canaries"] = one.url("/")
        asked = len(web[0].visits)

        done = program.run("run", "--all", "--no-preserve")

    nothing_was_held_against_a_page(program, before, done)
    assert len(web[0].visits) == asked
    assert "log in there" in done.stdout
    assert "the last round that judged was of" in done.stdout


def test_sites_that_moved_to_one_address_are_judged_where_a_canary_sings(
    program: Program, web: list[Site]
) -> None:
    """
    Else a publisher who closes six names for one would never be told of.
    """
    well(program, web)
    with Site("127.0.0.98") as canary, Site("127.0.0.99") as new:
        canary.default = page("I sing")
        new.default = LOGIN
        for site in web:
            site.default = redirect(new.url("/"))
        program.settings["canaries"] = canary.url("/")

        done = program.run("run", "--all", "--no-preserve")

    assert done.returncode != 3, done.stdout


def test_a_gateway_that_goes_halfway_takes_the_round_with_it(
    program: Program, web: list[Site]
) -> None:
    """
    Two of six hosts fail: too few for the gate, but the canary that sang is silent now.
    """
    before = well(program, web)
    with Site("127.0.0.98") as canary:
        canary.set("/", page("I sing"), Answer(steps=(), reset=True))
        program.settings["canaries"] = canary.url("/")
        for site in web[4:]:
            site.default = Answer(steps=(), reset=True)

        done = program.run("run", "--all", "--no-preserve")

    nothing_was_held_against_a_page(program, before, done)
    assert "went away during the round" in " ".join(done.stdout.split())


@pytest.mark.parametrize("number", [1, 6])
def test_a_proxy_that_is_down_is_no_fault_of_the_pages(
    program: Program, web: list[Site], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    However few pages there are.
    """
    before = well(program, web[:number])
    environment = program.environment | {"http_proxy": "http://127.0.0.1:9"}
    monkeypatch.setattr(Program, "environment", property(lambda _: environment))

    done = program.run("run", "--all", "--no-preserve")

    nothing_was_held_against_a_page(program, before, done)
    told = " ".join(done.stdout.split())
    assert "left our own network" in told or "that is our network" in told


@at_a_date
def test_a_clock_that_went_back_a_year_stops_before_anything_is_asked(
    program: Program, web: list[Site]
) -> None:
    """
    Times that go backwards would make strikes and quotations of the past out of the present.
    """
    before = well(program, web)
    asked = len(web[0].visits)
    rows = program.sql("SELECT * FROM sources ORDER BY id")
    at(program, "-1y")

    done = program.run("run", "--all", "--no-preserve")

    program.before = ()
    nothing_was_held_against_a_page(program, before, done)
    assert "our clock" in done.stdout.lower()
    assert len(web[0].visits) == asked
    assert program.sql("SELECT * FROM sources ORDER BY id") == rows
    assert program.run("run", "--all", "--no-preserve").returncode == 0


@at_a_date
@pytest.mark.parametrize("by", ["canary", "sites"])
def test_a_clock_a_year_ahead_is_found_by_what_servers_say(
    program: Program, web: list[Site], by: str
) -> None:
    """
    And when it is right again, the rounds go on: nothing is left of the year that never was.
    """
    before = well(program, web)
    now = [("Date", format_datetime(datetime.now(UTC), usegmt=True))]
    for n, site in enumerate(web):
        headers = now if by == "sites" else []
        site.default = page(f"<p>Here is sentence {n}, and more of it.", headers=headers)
    with Site("127.0.0.98") as canary:
        canary.default = page("I sing", headers=now)
        if by == "canary":
            program.settings["canaries"] = canary.url("/")
        at(program, "+1y")

        done = program.run("run", "--all", "--no-preserve")

        program.before = ()
        nothing_was_held_against_a_page(program, before, done)
        assert "our clock is 36" in " ".join(done.stdout.lower().split())
        assert program.run("run", "--all", "--no-preserve").returncode == 0


@at_a_date
def test_summer_time_changes_nothing(
    program: Program, web: list[Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The hour that comes twice in October: times are UTC, and go on.
    """
    environment = program.environment | {"TZ": "Europe/Berlin"}
    monkeypatch.setattr(Program, "environment", property(lambda _: environment))
    well_once = []
    for when in ("@2026-10-25 02:30:00", "@2026-10-25 02:59:50"):  # before and after, by the wall
        at(program, when)
        for site in web:
            site.default = page("here")
        listed(program, web)
        done = program.run("run", "--all", "--no-preserve")
        well_once.append(done.returncode)

    times = [time for (time,) in program.sql("SELECT started_at FROM runs ORDER BY id")]
    assert 3 not in well_once
    assert times == sorted(times)
    assert all(time.endswith("Z") for time in times)


def _own_mounts() -> bool:
    """Whether a child may have its own view of files: root may, but for some containers."""
    unshare = shutil.which("unshare")
    told = [unshare or "false", "-m", "true"]
    return subprocess.run(told, check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not _own_mounts(), reason="needs a mount namespace: root")
def test_names_that_no_server_knows_are_our_network(program: Program) -> None:
    """
    The name server is down: not even the first round may call anybody dead.
    """
    nobody = program.folder / "resolv.conf"
    nobody.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")  # nobody listens
    hide = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
    program.before = ("unshare", "-m", "sh", "-c", hide, str(nobody))
    program.write(*({"id": f"s{n}", "url": f"http://site{n}.example/"} for n in range(3)))

    done = program.run("run", "--no-preserve")
    again = program.run("run", "--no-preserve")

    assert (done.returncode, again.returncode) == (3, 3), done.stdout + done.stderr
    assert "our own network" in done.stdout
    assert program.sql("SELECT * FROM audit") == []
    assert {rule for (rule,) in program.sql("SELECT rule FROM checks")} == {"resolver-failed"}
