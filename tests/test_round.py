"""Whole rounds as cron runs them: child processes, web servers and an archive on loopback."""

from __future__ import annotations

import asyncio
import gzip
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.archive_stand_in import ArchiveStandIn, http, refuse
from tests.archive_stand_in import hang as archive_hang
from tests.loopback import Site, hang, page, raw, redirect
from tests.program import Program, until
from verifier import round
from verifier.fetch import Fetcher, Limits
from verifier.preserve import Pace
from verifier.round import Plan
from verifier.rows import moment
from verifier.wayback import Archive

WARCIO = Path(sys.executable).with_name("warcio")
FAKETIME = shutil.which("faketime")
NOBODY = "http://127.0.0.1:1/"  # a port where nobody listens


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def rows(site: Site, *names: str, **columns: str) -> list[dict[str, str]]:
    """A row for each page of a site."""
    return [{"id": name, "url": site.url(f"/{name}")} | columns for name in names]


# ---- when a round says nothing -----------------------------------------------------------


def test_when_most_hosts_die_at_once_it_is_us(program: Program) -> None:
    """A router that fails at night must not make ten sources suspect."""
    with ExitStack() as stack:
        stays = [stack.enter_context(Site(f"127.0.0.{n}")) for n in (2, 3)]
        with ExitStack() as dying:
            dies = [dying.enter_context(Site(f"127.0.0.{n}")) for n in range(4, 12)]
            for site in stays + dies:
                site.default = page("<p>the words</p>")
            cited = [
                {"id": f"s{n}", "url": site.url("/"), "quote": "the words"}
                for n, site in enumerate(stays + dies)
            ]
            program.write(*cited)
            assert program.run("run", "--no-preserve").returncode == 0
        before = program.dump()
        assert len(before) == 20
        program.write(*cited, {"id": "new", "url": stays[0].url("/new")})

        second = program.run("run", "--all", "--no-preserve")

        assert second.returncode == 3
        assert "8 of 10 hosts" in second.stdout
        assert program.dump() == before
        assert len(program.sql("SELECT * FROM sources")) == 11
        assert len(program.sql("SELECT * FROM checks WHERE run_id = 2")) == 11
        assert program.sql("SELECT outcome FROM runs WHERE id = 2") == [("inconclusive",)]


def test_when_the_hosts_come_back_the_outage_counts_for_nothing(program: Program) -> None:
    """What was seen in it is stored; strikes are not counted from it."""
    with ExitStack() as stack:
        sites = [stack.enter_context(Site(f"127.0.0.{n}")) for n in range(2, 8)]
        for site in sites:
            site.set("/", page("up"), raw(b"", close=True), raw(b"", close=True))
        program.settings["retry_pause"] = "0"
        program.write(*({"id": f"s{n}", "url": s.url("/")} for n, s in enumerate(sites)))
        program.run("run", "--no-preserve")
        assert program.run("run", "--all", "--no-preserve").returncode == 3
        for site in sites[1:]:
            site.set("/", page("up again"))

        third = program.run("run", "--all", "--no-preserve")

    assert third.returncode == 0
    assert program.audit("link") == {"s0": "suspect"} | {f"s{n}": "live" for n in range(1, 6)}
    assert program.audit("strikes")["s0"] == 1


def test_hosts_that_answer_with_errors_are_not_our_network(program: Program) -> None:
    """Whoever answers 404 was reached: the round is about them."""
    with ExitStack() as stack:
        sites = [stack.enter_context(Site(f"127.0.0.{n}")) for n in range(2, 8)]
        for site in sites:
            site.set("/", page("up"), page("gone", status=404))
        program.write(*({"id": f"s{n}", "url": s.url("/")} for n, s in enumerate(sites)))
        program.run("run", "--no-preserve")

        second = program.run("run", "--all", "--no-preserve")

    assert second.returncode == 0  # suspects are news, not yet a reader's work
    assert set(program.audit("link").values()) == {"suspect"}


def test_without_a_network_a_newcomer_reads_two_lines_and_the_head(program: Program) -> None:
    """And the list is mirrored, so that Datasette shows what will be checked."""
    with Site() as site:
        program.settings["canaries"] = f"{NOBODY} http://127.0.0.1:2/"
        program.write(*rows(site, "a", "b"))

        done = program.run("run")

        assert site.connections == 0
    assert done.returncode == 3
    first, second, head = done.stdout.splitlines()
    assert "no network" in first.lower()
    assert "2 sources" in second
    assert head.startswith("Ledger head: ")
    assert done.stderr == ""
    assert program.sql("SELECT id FROM sources ORDER BY id") == [("a",), ("b",)]
    assert program.dump() == program.sql("SELECT * FROM checks") == []
    assert program.sql("SELECT outcome, network FROM runs") == [("inconclusive", "down")]


def test_without_a_network_the_answers_stay_as_they_were(program: Program) -> None:
    """Byte for byte: not even a date moves."""
    with Site() as site:
        site.default = page("here")
        program.write(*rows(site, "a", "b"))
        program.run("run", "--no-preserve")
        before = program.dump()
        program.settings["canaries"] = NOBODY

        assert program.run("run", "--all").returncode == 3

    assert before
    assert program.dump() == before


def test_one_canary_that_answers_proves_a_network(program: Program) -> None:
    """Also one on a private address: the guard is for what is cited, not for canaries."""
    with Site() as site:
        site.default = page("here")
        site.set("/canary", page("I sing", status=500))
        program.settings |= {"canaries": f"{NOBODY} {site.url('/canary')}", "allow_private": "0"}
        program.write(*rows(site, "a"))

        done = program.run("run", "--no-preserve")

        assert site.targets == ["/canary"]
    assert program.sql("SELECT network FROM runs") == [("up",)]
    assert program.audit("link") == {"a": "invalid"}
    assert done.returncode == 1


# ---- the list ----------------------------------------------------------------------------


@pytest.mark.parametrize("left", ["id,url\n", "id,url\na,http://127.0.0.1:1/a\n"])
def test_a_list_that_lost_most_of_its_rows_retires_nobody(program: Program, left: str) -> None:
    """An export that broke off looks like that; a person says whether it is meant."""
    with Site() as site:
        site.default = page("here")
        program.write(*rows(site, "a", "b", "c", "d"))
        program.run("run", "--no-preserve")
    before = program.dump()
    (program.folder / "sources.csv").write_text(left)

    refused = program.run("run", "--no-preserve")

    assert refused.returncode == 2
    assert "--confirm-retire" in refused.stderr
    assert refused.stdout == ""
    assert program.dump() == before
    assert program.sql("SELECT count(*) FROM sources WHERE retired_at IS NOT NULL") == [(0,)]
    assert program.sql("SELECT count(*) FROM runs") == [(1,)]

    meant = program.run("run", "--no-preserve", "--confirm-retire")

    assert meant.returncode in (0, 1)
    kept = 1 if "a,http" in left else 0
    assert len(program.audit("link")) == kept
    assert program.sql("SELECT count(*) FROM sources WHERE retired_at IS NOT NULL") == [(4 - kept,)]


def test_a_file_without_a_byte_retires_nobody(program: Program) -> None:
    """A disk that was full leaves such files."""
    with Site() as site:
        site.default = page("here")
        program.write(*rows(site, "a"))
        program.run("run", "--no-preserve")
    before = program.dump()
    (program.folder / "sources.csv").write_bytes(b"")

    refused = program.run("run", "--no-preserve")

    assert refused.returncode == 2
    assert "sources.csv" in refused.stderr
    assert program.dump() == before


def test_the_only_source_of_a_list_is_not_retired_by_an_empty_file(program: Program) -> None:
    """An empty list is no list, however short it was."""
    with Site() as site:
        site.default = page("here")
        program.write(*rows(site, "a"))
        program.run("run", "--no-preserve")
    before = program.dump()
    (program.folder / "sources.csv").write_text("id,url\n")

    refused = program.run("run", "--no-preserve")

    assert refused.returncode == 2
    assert "--confirm-retire" in refused.stderr
    assert program.dump() == before


def test_wrong_rows_are_named_and_the_rest_is_checked(program: Program) -> None:
    """By line and column, with the cure; and they need a reader."""
    with Site() as site:
        site.default = page("here")
        text = (
            "id,url,published\n"
            f"good,{site.url('/good')},2021\n"
            "bad,example.org/page,2021\n"
            f"good,{site.url('/twice')},2021\n"
            f"late,{site.url('/late')},2021-02-30\n"
        )
        (program.folder / "sources.csv").write_text(text)

        done = program.run("run", "--no-preserve")

        assert sorted(site.targets) == ["/good", "/late"]
    assert done.returncode == 1
    for named in ("line 3, url", "line 4, id", "line 5, published"):
        assert named in done.stdout, done.stdout
    assert program.audit("link") == {"bad": "invalid", "good": "live", "late": "live"}


def test_a_row_that_left_and_came_back_is_no_stranger(program: Program) -> None:
    """An export with a filter on takes rows out for a day: strikes and dates are not forgotten."""
    with Site() as site:
        site.default = page("here")
        site.set("/b", page("<p>the words</p>"))
        site.set("/c", page("no", status=404))
        kept, lost = rows(site, "a", "d"), rows(site, "b", "c", quote="the words")
        program.write(*kept, *lost)
        program.run("run", "--no-preserve")
        first_found = program.audit("quote_first_found_at")["b"]
        program.write(*kept)
        assert program.run("run", "--no-preserve").returncode == 0
        assert sorted(program.audit("link")) == ["a", "d"]
        site.set("/b", page("<p>other words</p>"))
        program.write(*kept, *lost)

        program.run("run", "--no-preserve")

    assert program.audit("link") == {"a": "live", "b": "live", "c": "suspect", "d": "live"}
    assert program.audit("strikes")["c"] == 1
    assert program.audit("quote_first_found_at")["b"] == first_found
    assert program.audit("quote_reason")["b"].startswith("found-until ")


def test_the_same_words_among_others_are_noticed_while_the_passage_is_kept(
    program: Program,
) -> None:
    """A denial before a quotation leaves its words alone; an erased passage tells nothing."""
    with Site() as site:
        site.set("/a", page("<p>It is known that the words were said there.</p>"))
        site.set("/b", page("<p>It is known that the words were said there.</p>"))
        program.write(*rows(site, "a", "b", quote="the words were said"))
        program.run("run", "--no-preserve")
        with closing(sqlite3.connect(program.folder / "archive" / "audit.db")) as db, db:
            db.execute(
                "DELETE FROM passages WHERE finding_id IN "
                "(SELECT id FROM quote_findings WHERE source_id = 'b')"
            )
        for path in ("/a", "/b"):
            site.set(path, page("<p>It is a lie that the words were said there.</p>"))

        assert program.run("run", "--no-preserve", "--all").returncode in (0, 1)

    assert program.audit("quote") == {"a": "found", "b": "found"}
    reasons = program.audit("quote_reason")
    assert "; changed-around " in reasons["a"]
    assert "2 words next to it changed" in reasons["a"]
    assert "changed-around" not in reasons["b"]


def test_a_doubt_about_the_list_as_a_whole_is_said_and_is_no_wrong_row(program: Program) -> None:
    """A guessed encoding may garble quotations: a person should know, cron need not fail."""
    with Site() as site:
        site.default = page("here")
        text = f"id,url,title\na,{site.url('/a')},Café\n"
        (program.folder / "sources.csv").write_bytes(text.encode("latin-1"))

        done = program.run("run", "--no-preserve")
        again = program.run("run", "--no-preserve", "--quiet")

    assert done.returncode == 0
    assert "About sources.csv:" in done.stdout
    assert "Latin-1" in done.stdout or "1252" in done.stdout
    assert again.stdout == ""
    assert program.audit("title") == {"a": "Café"}


def test_a_row_that_becomes_wrong_keeps_its_answers(program: Program) -> None:
    """A slip of the keyboard must not forget a year of looking."""
    with Site() as site:
        site.default = page("here")
        program.write(*rows(site, "a", "b"))
        program.run("run", "--no-preserve")
        program.write(*rows(site, "a", "b"), {"id": "b", "url": site.url("/other")})

        done = program.run("run", "--no-preserve", "--all")

    assert done.returncode == 1
    assert program.audit("link") == {"a": "live", "b": "live"}
    assert program.audit("url")["b"].endswith("/b")


def test_no_address_however_odd_ends_a_round(program: Program) -> None:
    """One bad row among thousands is a finding about that row."""
    with Site() as site:
        site.default = page("here")
        odd = [
            "http://",
            "http://[::1",
            "http://127.0.0.1:99999/",
            "http://xn--a.example./",
            "http://\u2603.example:1/",
            "http://.../",
            "http://user:secret@127.0.0.1:1/",
            "http://127.1:1/",
            "http://0x7f000001:1/",
            f"http://{'a' * 64}.example/",
            f"http://{'a.' * 130}example/",
            "javascript:alert(1)",
            "ftp://127.0.0.1/",
            "http://127.0.0.1:1/%zz?\u00fc=\u2603#\u00e9",
            "http://localhost:1/\\..\\x",
            "HTTP://127.0.0.1:1",
        ]
        cited = [{"id": f"odd-{n}", "url": url} for n, url in enumerate(odd)]
        program.settings["retry_pause"] = "0"
        program.write(*cited, *rows(site, "good"))

        done = program.run("run", "--no-preserve")

    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    links = program.audit("link")
    assert links.pop("good") == "live"
    assert set(links.values()) <= {"invalid", "suspect", "unchecked"}, links


def test_addresses_that_differ_in_the_fragment_are_one(program: Program) -> None:
    """Fetched once, submitted once; each source has a check of its own."""
    with ArchiveStandIn() as archive, Site() as site:
        site.default = page("<p>first words</p><p>second words</p>")
        program.settings["wayback_url"] = archive.base_url
        program.write(
            {"id": "a", "url": site.url("/page#one"), "quote": "first words"},
            {"id": "b", "url": site.url("/page#two"), "quote": "other words"},
            {"id": "c", "url": site.url("/page"), "quote": "second words"},
        )

        program.run("run")

        eyes = [visit for visit in site.visits if "archive" in visit.header("User-Agent")]
        assert len(site.visits) - len(eyes) == 1
        assert archive.submissions == [site.url("/page")]
    assert program.audit("quote") == {"a": "found", "b": "absent", "c": "found"}
    assert program.audit("copy") == dict.fromkeys("abc", "confirmed")
    assert program.sql("SELECT source_id, capture_id FROM checks ORDER BY source_id") == [
        ("a", 1),
        ("b", 1),
        ("c", 1),
    ]


# ---- due ---------------------------------------------------------------------------------


def test_only_what_is_due_is_looked_at(program: Program) -> None:
    """Cron comes every hour; servers are asked once a week."""
    with Site() as site:
        site.default = page("here")
        program.write(*rows(site, "a", "b"))
        program.run("run", "--no-preserve")
        assert sorted(site.targets) == ["/a", "/b"]

        program.run("run", "--no-preserve")
        assert len(site.visits) == 2
        program.run("run", "--no-preserve", "--only", "b")
        assert site.targets[2:] == ["/b"]
        program.run("run", "--no-preserve", "--all")

        assert sorted(site.targets[3:]) == ["/a", "/b"]


def test_a_long_retry_after_is_kept_for_the_next_round(program: Program) -> None:
    """A wish longer than the round is remembered, not slept."""
    with Site() as site:
        site.default = page("later", status=503, headers=[("Retry-After", "40000")])
        program.write(*rows(site, "a"))
        began = time.monotonic()

        program.run("run", "--no-preserve")

        assert time.monotonic() - began < 40
        assert len(site.visits) == 1
    assert program.audit("link") == {"a": "unchecked"}
    wish = moment(program.audit("next_check_at")["a"]) - datetime.now(UTC)
    assert abs(wish - timedelta(seconds=40_000)) < timedelta(minutes=2)


# ---- interruptions -----------------------------------------------------------------------


def test_a_second_round_says_that_another_is_running(program: Program) -> None:
    """Cron starts the next one while a long one is under way."""
    with Site() as site:
        site.default = hang()
        program.write(*rows(site, "a"))
        with program.start("run", "--no-preserve") as first:
            until(lambda: site.visits)
            before = program.sql("SELECT * FROM runs")

            second = program.run("run", "--no-preserve")

            first.terminate()
            first.communicate()
        assert second.returncode == 3
        assert second.stdout == ""
        assert len(second.stderr.splitlines()) == 1
        assert f"process {first.pid}" in second.stderr
        assert len(before) == 1
        assert program.sql("SELECT count(*) FROM runs") == [(1,)]
        # the lock went with its process
        site.default = page("here")
        assert program.run("run", "--no-preserve").returncode == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_round_soon_and_loses_nothing(
    program: Program, number: signal.Signals, code: int
) -> None:
    """What was seen is stored; the next round goes on; failures counted no strike."""
    with Site("127.0.0.2") as quick, Site("127.0.0.3") as stuck:
        quick.default = page("here")
        quick.set("/lost", page("no", status=404))
        stuck.default = hang()
        program.settings["deadline"] = "60"
        program.write(*rows(quick, "a", "lost", "b"), *rows(stuck, "stuck"))
        with program.start("run", "--no-preserve") as process:
            until(lambda: len(quick.visits) == 3 and stuck.visits)
            until(lambda: len(program.sql("SELECT id FROM checks")) == 3)
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
        assert process.returncode == code
        assert err == ""
        assert "stopped before its end" in out
        assert program.sql("SELECT source_id, seen FROM checks ORDER BY source_id") == [
            ("a", "alive"),
            ("b", "alive"),
            ("lost", "failing"),
        ]
        assert program.dump() == []
        assert program.sql("SELECT outcome FROM runs") == [("interrupted",)]
        asked = len(quick.visits)
        stuck.default = page("at last")

        done = program.run("run", "--no-preserve")

        assert done.returncode == 0, done.stderr
        assert quick.targets[asked:] == ["/lost"]
    assert program.audit("link") == {"a": "live", "b": "live", "lost": "suspect", "stuck": "live"}
    assert program.audit("strikes")["lost"] == 1
    assert program.sql("SELECT failing_since FROM standings WHERE source_id = 'lost'") == (
        program.sql("SELECT max(checked_at) FROM checks WHERE source_id = 'lost'")
    )


def test_a_round_that_was_killed_is_gone_on_with(program: Program) -> None:
    """No program can handle SIGKILL; what was committed counts, the rest is asked again."""
    with Site("127.0.0.2") as quick, Site("127.0.0.3") as stuck:
        quick.default = page("here")
        stuck.default = hang()
        program.write(*rows(quick, "a", "b"), *rows(stuck, "stuck"))
        with program.start("run", "--no-preserve") as process:
            until(
                lambda: (
                    program.database.exists()
                    and program.sql("SELECT name FROM sqlite_master WHERE name = 'checks'")
                    and program.sql("SELECT count(*) FROM checks") == [(2,)]
                )
            )
            process.kill()
        stuck.default = page("at last")

        done = program.run("run", "--no-preserve")

        assert done.returncode == 0, done.stderr
        assert len(quick.visits) == 2
    assert program.audit("link") == dict.fromkeys(("a", "b", "stuck"), "live")
    assert program.sql("SELECT outcome FROM runs ORDER BY id") == [
        ("interrupted",),
        ("conclusive",),
    ]


def test_a_round_is_ended_while_it_waits_for_the_network(program: Program) -> None:
    """A canary that never answers must not hold up a shutdown."""
    with Site() as site:
        site.default = hang()
        program.settings["canaries"] = site.url("/canary")
        program.write(*rows(site, "a"))
        with program.start("run", "--no-preserve") as process:
            until(lambda: site.visits)
            sent = time.monotonic()
            process.terminate()
            _, err = process.communicate(timeout=30)
            assert time.monotonic() - sent < 20
        assert site.targets == ["/canary"]
    assert (process.returncode, err) == (143, "")
    assert program.dump() == []


def test_a_round_that_is_ended_while_it_asks_the_archive_keeps_its_answers(
    program: Program,
) -> None:
    """Everything was checked by then; only the copies have to wait."""
    with ArchiveStandIn() as archive, Site() as site:
        site.default = page("here")
        archive.plan_saves("*", archive_hang(), always=True)
        program.settings["wayback_url"] = archive.base_url
        program.write(*rows(site, "a", "b"))
        with program.start("run") as process:
            until(lambda: archive.submissions)
            sent = time.monotonic()
            process.terminate()
            _, err = process.communicate(timeout=30)
            assert time.monotonic() - sent < 20
    assert (process.returncode, err) == (143, "")
    assert program.audit("link") == {"a": "live", "b": "live"}
    assert program.audit("copy") == {"a": "pending", "b": "pending"}
    assert program.sql("SELECT outcome FROM runs") == [("conclusive",)]


def test_of_two_rounds_at_once_on_the_first_day_one_works(program: Program) -> None:
    """Nothing is there yet: folder, lock and database are made by one of them."""
    with Site() as site:
        site.default = page("here")
        program.write(*rows(site, "a"))
        both = [program.start("run", "--no-preserve") for _ in range(2)]
        ended = [process.communicate(timeout=60) for process in both]

    codes = [process.returncode for process in both]
    assert set(codes) <= {0, 3}
    assert 0 in codes
    assert all("Traceback" not in err for _, err in ended)
    assert program.audit("link") == {"a": "live"}


def test_answers_are_read_while_a_round_is_under_way(program: Program) -> None:
    """Readers wait for nobody; they see the round before."""
    with Site() as site:
        site.default = page("here")
        program.write(*rows(site, "a"))
        program.run("run", "--no-preserve")
        site.default = hang()
        with program.start("run", "--no-preserve", "--all") as process:
            until(lambda: len(site.visits) == 2)

            report = program.run("report")

            process.terminate()
            process.communicate()
    assert (report.returncode, report.stderr) == (0, "")
    assert program.audit("link") == {"a": "live"}


def test_a_disk_that_is_full_ends_a_round_and_spoils_nothing(program: Program) -> None:
    """The cap on a file's size stands in for the disk: the same error, the same places."""
    with Site() as site:
        site.default = page("here")
        program.write(*rows(site, "a", "b"))
        program.run("run", "--no-preserve")
        before = program.dump()
        noise = random.Random(1).randbytes(3_000_000)
        site.default = page(noise, content_type="image/png")
        program.before = ("bash", "-c", 'ulimit -f 1000; exec "$0" "$@"')

        full = program.run("run", "--no-preserve", "--all")

        assert full.returncode == 5
        assert "warc" in full.stderr
        assert "Traceback" not in full.stderr
        assert program.dump() == before
        program.before = ()
        after = program.run("run", "--no-preserve", "--all")
        assert after.returncode == 0, after.stderr
    files = sorted((program.folder / "archive" / "warc").rglob("*.warc.gz"))
    checked = subprocess.run([WARCIO, "check", *files], capture_output=True, check=False)
    assert checked.returncode == 0


def test_the_torn_end_of_a_file_is_mended_by_the_next_round(program: Program) -> None:
    """A power cut leaves half a record; it must not hide those that follow."""
    with Site() as site:
        site.default = page("here")
        program.write(*rows(site, "a"))
        program.run("run", "--no-preserve")
        (file,) = (program.folder / "archive" / "warc").rglob("*.warc.gz")
        whole = file.read_bytes()
        file.write_bytes(whole + whole[: len(whole) // 3])
        site.default = page("here again")

        done = program.run("run", "--no-preserve", "--all")

    assert done.returncode == 0
    checked = subprocess.run([WARCIO, "check", file], capture_output=True, check=False)
    assert checked.returncode == 0
    for offset, length in program.sql("SELECT offset, length FROM captures"):
        assert gzip.decompress(file.read_bytes()[offset : offset + length]).startswith(b"WARC/1.1")


def test_a_round_that_is_ended_before_ten_thousand_answers_leaves_them_to_the_next(
    tmp_path: Path,
) -> None:
    """They would take longer than a shutdown may; half of them must not be written."""
    lines = ["id,url,claim", *(f"c{number},,claim {number}" for number in range(10_500))]
    (tmp_path / "sources.csv").write_text("\n".join(lines))
    stop = asyncio.Event()

    @asynccontextmanager
    async def archive() -> AsyncIterator[Archive]:
        stop.set()  # told to end while the archive is asked: everything was looked at by then
        async with Archive(base_url=NOBODY, user_agent="test/1") as edge:
            yield edge

    def fetcher() -> Fetcher:
        return Fetcher(user_agent="test/1", limits=Limits())

    plan = Plan(
        sources=tmp_path / "sources.csv",
        archive_folder=tmp_path / "archive",
        fetcher=fetcher,
        scout=fetcher,
        archive=archive,
        pace=Pace.of(keyed=False),
        software="test/1",
    )
    ended = asyncio.run(round.run(plan, stop=stop))
    program = Program(tmp_path)
    assert (ended.outcome, program.dump()) == ("interrupted", [])

    stop = asyncio.Event()
    ended = asyncio.run(round.run(replace(plan, archive=None), stop=stop))

    assert ended.outcome == "conclusive"
    assert program.sql("SELECT count(*) FROM audit") == [(10_500,)]


# ---- the archive and the answers ---------------------------------------------------------


def test_only_pages_that_are_alive_and_public_are_submitted(program: Program) -> None:
    """A copy of a bot wall, an error or a secret page does harm."""
    with ArchiveStandIn() as archive, Site() as site:
        site.default = page("here")
        site.set("/forbidden", page("no", status=403))
        site.set("/wall", page("<title>Just a moment...</title>", status=403,
                               headers=[("cf-mitigated", "challenge")]))  # fmt: skip
        site.set("/lost", page("no", status=404))
        site.set("/gone", page("no", status=410))
        site.set("/moved", redirect("/new", status=301))
        program.settings["wayback_url"] = archive.base_url
        program.write(
            *rows(site, "live", "forbidden", "wall", "lost", "gone", "moved"),
            *rows(site, "local", preserve="local"),
            *rows(site, "none", preserve="none"),
            {"id": "shared", "url": site.url("/shared#1")},
            {"id": "shared-local", "url": site.url("/shared#2"), "preserve": "local"},
        )

        program.run("run")

        assert sorted(archive.submissions) == [site.url("/live"), site.url("/moved")]
        named = " ".join(request.target for request in archive.log)
    for secret in ("/local", "/none", "/shared"):
        assert secret not in named
    kept = program.sql("SELECT url FROM captures")
    assert site.url("/none") not in {url for (url,) in kept}
    assert site.url("/local") in {url for (url,) in kept}
    assert program.audit("copy")["live"] == "confirmed"
    assert program.audit("copy")["none"] == program.audit("copy")["local"] == "none"


@pytest.mark.parametrize(
    "trouble",
    [
        lambda archive: archive.on("/", http(502), always=True),
        lambda archive: archive.on("/", http(429), always=True),
        lambda archive: archive.plan_saves("*", refuse("not-found"), always=True),
        lambda archive: archive.exclude("127.0.0.1"),
    ],
    ids=["502", "429", "refused", "excluded"],
)
def test_nothing_that_the_archive_does_changes_whether_a_page_is_there(
    program: Program, trouble: object
) -> None:
    """Two questions, two answers: the page was seen alive."""
    with ArchiveStandIn() as archive, Site() as site:
        site.default = page("here")
        trouble(archive)  # type: ignore[operator]
        program.settings["wayback_url"] = archive.base_url
        program.write(*rows(site, "a", "b"))

        done = program.run("run")

    assert done.returncode in (0, 1), done.stderr
    assert set(program.audit("link").values()) == {"live"}
    assert set(program.audit("copy").values()) <= {"pending", "failed", "excluded"}


def test_without_an_archive_the_copy_does_not_count(program: Program) -> None:
    """``--no-preserve`` asks nothing and blames nobody."""
    with ArchiveStandIn() as archive, Site() as site:
        site.default = page("here")
        program.settings["wayback_url"] = archive.base_url
        program.write(*rows(site, "a"))

        done = program.run("run", "--no-preserve")

        assert archive.log == []
    assert done.returncode == 0


def test_rows_of_one_address_are_looked_at_together(program: Program) -> None:
    """The page is fetched anyway; and a row that forbids a copy forbids it in every round."""
    with Site() as site:
        site.default = page("here")
        program.write(
            {"id": "a", "url": site.url("/page#1")},
            {"id": "b", "url": site.url("/page#2"), "preserve": "none"},
        )

        program.run("run", "--no-preserve", "--only", "a")

        assert site.targets == ["/page"]
    assert program.sql("SELECT source_id FROM checks ORDER BY source_id") == [("a",), ("b",)]
    assert program.sql("SELECT * FROM captures") == []


def test_looking_at_one_source_asks_the_archive_about_that_one_only(program: Program) -> None:
    """Whoever checks a corrected row does not want to wait for three thousand others."""
    with ArchiveStandIn() as archive, Site() as site:
        site.default = page("here")
        program.settings["wayback_url"] = archive.base_url
        program.write(*rows(site, "a", "b"))
        program.run("run", "--no-preserve")

        program.run("run", "--only", "b")

        assert archive.submissions == [site.url("/b")]


def test_a_row_that_got_another_address_begins_anew(program: Program) -> None:
    """Strikes and dates belong to the address; the new one is looked at in the same round."""
    with Site() as site:
        site.default = page("no", status=404)
        site.set("/right", page("here"))
        program.write(*rows(site, "a"))
        program.run("run", "--no-preserve")
        assert program.audit("strikes") == {"a": 1}
        program.write({"id": "a", "url": site.url("/right")})

        program.run("run", "--no-preserve")

    assert program.audit("link") == {"a": "live"}
    assert program.audit("strikes") == {"a": 0}


# ---- weeks -------------------------------------------------------------------------------


@pytest.mark.faketime
@pytest.mark.skipif(FAKETIME is None, reason="needs faketime")
def test_a_page_dies_of_three_strikes_in_seven_days_and_may_come_back(program: Program) -> None:
    """On the real clock of the whole program; pauses and strike spacing stay with --all."""
    assert FAKETIME is not None
    story: list[tuple[float, str, int]] = []
    with Site() as site:
        site.set("/a", page("here"))
        site.set("/b", page("here"))
        program.write(*rows(site, "a", "b"))

        def after(days: float, *words: str) -> None:
            program.before = (FAKETIME or "", "-f", f"+{int(days * 86400)}")
            done = program.run("run", "--no-preserve", *words)
            assert done.stderr == ""
            ((link, strikes),) = program.sql("SELECT link, strikes FROM audit WHERE id = 'a'")
            story.append((days, link, strikes))

        after(0)
        site.set("/a", page("no", status=404))
        for days in (1, 2, 4, 7.5):
            after(days, "--all")
        assert story == [
            (0, "live", 0),
            (1, "suspect", 1),
            (2, "suspect", 1),  # less than 72 hours after the one before
            (4, "suspect", 2),
            (7.5, "dead", 3),
        ]
        assert program.audit("link")["b"] == "live"
        done = program.run("report")
        assert done.returncode == 0
        site.set("/a", page("back"))
        after(40)
    assert story[-1] == (40, "live", 0)


@pytest.mark.faketime
@pytest.mark.skipif(FAKETIME is None, reason="needs faketime")
def test_a_page_that_says_it_is_gone_is_dead_at_the_second_look(program: Program) -> None:
    """410 is a server's own word; a day between two looks rules a slip out."""
    assert FAKETIME is not None
    with Site() as site:
        site.set("/a", page("here"), page("gone", status=410))
        program.write(*rows(site, "a"))
        links, codes = [], []
        for hours in (0, 1, 13, 26):
            program.before = (FAKETIME, "-f", f"+{hours * 3600}")
            codes.append(program.run("run", "--no-preserve", "--all").returncode)
            links.append(program.audit("link")["a"])

    assert links == ["live", "suspect", "suspect", "dead"]
    assert codes == [0, 0, 0, 1]


@pytest.mark.faketime
@pytest.mark.skipif(FAKETIME is None, reason="needs faketime")
def test_quiet_tells_once_a_week_what_is_known_and_unresolved(program: Program) -> None:
    """What nobody mended must not be forgotten, nor be mailed every hour."""
    assert FAKETIME is not None
    said = []
    with Site() as site:
        site.default = page("here")
        program.write(*rows(site, "a"), {"id": "bad", "url": "example.org"})
        for days in (0, 8, 8.1):
            program.before = (FAKETIME, "-f", f"+{int(days * 86400)}")
            said.append(program.run("run", "--no-preserve", "--quiet").stdout)

    assert "bad" in said[1]
    assert "a: " not in said[1]
    assert said[2] == ""
