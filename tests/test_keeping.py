"""Copies over months, by the whole program: read back, confirmed, missed, lost, and told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from tests.archive_stand_in import ArchiveStandIn, Manner, http, success_with
from tests.loopback import Answer, Site, Visit, page
from tests.program import Program

FAKETIME = shutil.which("faketime")
needs_faketime = pytest.mark.skipif(FAKETIME is None, reason="needs faketime")
WORDS = "the harbour was built in nine years by four hundred men"
SAYS = f"<title>Harbour</title><p>It is written that {WORDS}, and no more.</p>"
OTHER = "<title>Harbour</title><p>It is written that the harbour is closed to visitors now.</p>"


@pytest.fixture
def archive() -> Iterator[ArchiveStandIn]:
    with ArchiveStandIn() as stand_in:
        yield stand_in
    assert stand_in.errors == []


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as served:
        yield served


@pytest.fixture
def program(tmp_path: Path, archive: ArchiveStandIn) -> Program:
    """The program with the archive's keys."""
    return Program(
        tmp_path,
        wayback_url=archive.base_url,
        ia_access_key=archive.access_key,
        ia_secret_key=archive.secret_key,
    )


def later(program: Program, archive: ArchiveStandIn, span: timedelta) -> None:
    """It is so much later, for the program and for the archive."""
    assert FAKETIME is not None
    archive.ahead = span
    program.before = (FAKETIME, "-f", f"+{int(span.total_seconds())}s")


def stamp(days_ago: float) -> str:
    """The archive's timestamp of so many days ago."""
    return f"{datetime.now(UTC) - timedelta(days=days_ago):%Y%m%d%H%M%S}"


def replays(archive: ArchiveStandIn) -> int:
    return len(archive.requests("/web/"))


def explained(program: Program, id: str) -> tuple[str, dict[str, object]]:
    """What ``explain`` says of the copy, in words and for programs."""
    told = json.loads(program.run("explain", id, "--format", "json").stdout)
    words = program.run("explain", id).stdout
    return " ".join(words[words.index("COPY:") :].split()), told["copy"] | {
        "keepers": told["keepers"]
    }


def changing(body: str) -> object:
    """A page that is never the same bytes twice, nor the same text."""
    numbers = count(1)

    def answer(_: Visit) -> Answer:
        return page(f"{body}<p>You are visitor number {next(numbers)} of this page.</p>")

    return answer


# ---- confirmed ---------------------------------------------------------------------------


def test_a_copy_is_confirmed_in_the_round_that_asks_for_it_where_the_archive_is_quick(
    program: Program, archive: ArchiveStandIn, site: Site
) -> None:
    """Each by the strongest thing in which it agrees; what agrees in nothing stays captured."""
    site.set("/same", page(SAYS))
    site.set("/dynamic", changing(SAYS))  # type: ignore[arg-type]
    site.set("/unquoted", changing("<p>Nothing is quoted from here.</p>"))  # type: ignore[arg-type]
    program.write(
        {"id": "same", "url": site.url("/same"), "quote": WORDS},
        {"id": "dynamic", "url": site.url("/dynamic"), "quote": WORDS},
        {"id": "unquoted", "url": site.url("/unquoted")},
        {"id": "shared", "url": site.url("/dynamic#x"), "quote": "what nobody ever wrote there"},
    )

    done = program.run("run")

    assert program.audit("copy") == {
        "same": "confirmed", "dynamic": "confirmed", "unquoted": "captured", "shared": "captured"
    }  # fmt: skip
    assert program.audit("agreement") == {
        "same": "bytes", "dynamic": "quote", "unquoted": "differs", "shared": "differs"
    }  # fmt: skip
    assert program.audit("quote_wayback") == {
        "same": "found", "dynamic": "found", "unquoted": "", "shared": "absent"
    }  # fmt: skip
    assert program.audit("keepers") == {"same": 2, "dynamic": 2, "unquoted": 1, "shared": 0}
    assert "3 read back, 2 confirmed" in done.stdout
    assert program.sql(
        "SELECT count(*) FROM passages p JOIN quote_findings f ON f.id = p.finding_id "
        "WHERE f.found_in = 'wayback' AND f.result = 'found' AND p.passage LIKE '%harbour%'"
    ) == [(2,)]
    for (hops,) in program.sql("SELECT hops FROM readbacks"):
        (hop,) = json.loads(hops)
        assert archive.captures_of(hop["url"])[0].timestamp == hop["timestamp"]
    words, told = explained(program, "same")
    assert told["answer"] == "confirmed"
    assert told["rule"] == "confirmed"
    assert {one["table"] for one in told["evidence"]} >= {"captures", "snapshots", "readbacks"}  # type: ignore[attr-defined]
    assert told["keepers"] == ["our own archive", "the Wayback Machine"]
    assert "it agrees in bytes" in words
    assert "read again monthly" in words
    assert "then it is lost" in words
    words, _ = explained(program, "unquoted")
    assert "differs" in words
    assert "A look that gets the same bytes or text" in words
    head = program.run("fixity")
    assert head.returncode == 0, head.stdout


def test_a_rejudging_round_derives_copies_from_what_is_stored(
    program: Program, archive: ArchiveStandIn, site: Site
) -> None:
    """No network: the readings are evidence enough."""
    site.set("/a", page(SAYS))
    program.write({"id": "a", "url": site.url("/a"), "quote": WORDS})
    program.run("run")
    before, asked = program.dump(), len(archive.log)
    copy = program.sql("SELECT * FROM snapshots")

    done = program.run("run", "--rejudge")

    assert done.returncode == 0, done.stderr
    assert len(archive.log) == asked
    assert program.dump() == before
    assert program.sql("SELECT * FROM snapshots") == copy


def test_another_quotation_has_the_copy_read_again(
    program: Program, archive: ArchiveStandIn, site: Site
) -> None:
    """Whether the copy holds the words that are cited now, nobody knows yet."""
    site.set("/a", changing(SAYS))  # type: ignore[arg-type]
    program.write({"id": "a", "url": site.url("/a"), "quote": "what nobody ever wrote there"})
    program.run("run")
    assert program.audit("copy") == {"a": "captured"}
    asked = replays(archive)
    program.before = (FAKETIME, "-f", "+5s") if FAKETIME else ()

    program.write({"id": "a", "url": site.url("/a"), "quote": WORDS})
    program.run("run")

    assert replays(archive) == asked + 1
    assert program.audit("copy") == {"a": "confirmed"}
    program.run("run")
    assert replays(archive) == asked + 1


# ---- not ours ----------------------------------------------------------------------------


@pytest.mark.parametrize("neighbours", ["redirect", "shown"])
def test_a_success_that_resolves_to_a_neighbour_is_noticed(
    program: Program, archive: ArchiveStandIn, site: Site, neighbours: str
) -> None:
    """The same page, the same bytes, the words: but not the capture that the archive named."""
    url = site.set("/a", page(SAYS))
    archive.manner = Manner(neighbours=neighbours)  # type: ignore[arg-type]
    archive.add_capture(url, timestamp=stamp(400), body=SAYS.encode())
    archive.plan_saves(url, success_with(timestamp=stamp(0.001)))
    program.write({"id": "a", "url": url, "quote": WORDS})

    program.run("run", "--all")

    assert program.audit("copy") == {"a": "captured"}
    assert program.audit("keepers") == {"a": 1}
    assert program.audit("copy_reason")["a"].startswith("not-shown: ")
    words, _ = explained(program, "a")
    assert "another capture was shown" in words
    assert "hours to show a capture" in words


@needs_faketime
@pytest.mark.faketime
def test_lag_is_waited_for_over_hours_without_asking_in_every_round(
    program: Program, archive: ArchiveStandIn, site: Site
) -> None:
    """Minutes to days lie between a save and its first replay."""
    archive.lag = timedelta(hours=5)
    url = site.set("/a", page(SAYS))
    program.write({"id": "a", "url": url, "quote": WORDS})

    program.run("run")
    assert program.audit("copy") == {"a": "captured"}
    asked = [replays(archive)]
    for minutes in (10, 70, 75, 190, 440):
        later(program, archive, timedelta(minutes=minutes))
        program.run("run")
        asked.append(replays(archive))

    assert asked == [1, 1, 2, 2, 3, 4]
    assert archive.saves_of(url) == 1
    assert program.audit("copy") == {"a": "confirmed"}


def test_a_failed_save_that_exists_is_found_and_confirmed(
    program: Program, archive: ArchiveStandIn, site: Site
) -> None:
    """The archive answers 502, and has the page."""
    url = site.set("/a", page(SAYS))
    archive.plan_saves(url, http(502, captured=True))
    program.write({"id": "a", "url": url, "quote": WORDS})

    program.run("run")
    program.run("run")

    assert archive.saves_of(url) == 1
    assert program.audit("copy") == {"a": "confirmed"}


def test_what_the_archive_bars_from_replay_is_excluded(
    program: Program, archive: ArchiveStandIn, site: Site
) -> None:
    """It took the page and shows it to nobody: that is no copy that others can read."""
    url = site.set("/a", page(SAYS))
    archive.on("/web/", http(200, "<p>This URL has been excluded from the Wayback Machine.</p>"))
    program.write({"id": "a", "url": url, "quote": WORDS})

    program.run("run")

    assert program.audit("copy") == {"a": "excluded"}


def test_an_archive_in_trouble_is_left_alone_and_nothing_is_concluded(
    program: Program, archive: ArchiveStandIn, site: Site
) -> None:
    """A 429 on one copy ends the asking of all; each is still to come."""
    for name in "abc":
        site.set(f"/{name}", page(SAYS))
    archive.on("/web/", http(429), always=True)
    program.write(*({"id": n, "url": site.url(f"/{n}"), "quote": WORDS} for n in "abc"))

    done = program.run("run")

    assert replays(archive) == 1
    assert "no more copies read: HTTP 429" in " ".join(done.stdout.split())
    assert set(program.audit("copy").values()) <= {"captured", "pending"}


def test_a_row_that_is_no_longer_public_is_not_named_to_the_archive(
    program: Program, archive: ArchiveStandIn, site: Site
) -> None:
    """Nor are its copies read."""
    url = site.set("/a", page(SAYS))
    archive.on("/web/", http(503))
    program.write({"id": "a", "url": url})
    program.run("run")
    asked = len(archive.log)
    program.sql("SELECT 1")

    program.write({"id": "a", "url": url, "preserve": "local"})
    program.before = (FAKETIME, "-f", "+3d") if FAKETIME else ()
    program.run("run", "--all")

    assert len(archive.log) == asked
    assert program.audit("copy") == {"a": "none"}


# ---- what the page cites -----------------------------------------------------------------


def test_copies_that_rows_cite_are_confirmed_like_our_own(
    program: Program, archive: ArchiveStandIn, site: Site
) -> None:
    """Of a page that never let us in, the copy is all there is; another archive's is not read."""
    old, blocked = stamp(3000), page("<p>No.</p>", status=403)
    urls = {name: site.set(f"/{name}", blocked) for name in ("cited", "wrong", "other", "vague")}
    for name in ("cited", "vague"):
        archive.add_capture(urls[name], timestamp=old, body=SAYS.encode())
    archive.add_capture(urls["wrong"], timestamp=old, body=OTHER.encode())
    below = {name: f"{archive.base_url}/web/{old}/{url}" for name, url in urls.items()}
    below["other"] = f"https://archive.ph/{old}/{urls['other']}"
    below["vague"] = f"https://web.archive.org/web/2018/{urls['vague']}"
    program.write(
        *(
            {"id": name, "url": url, "quote": WORDS, "archive_url": below[name]}
            for name, url in urls.items()
        )
    )

    program.run("run")

    copies = program.audit("copy")
    assert copies["cited"] == "confirmed"
    assert "confirmed" not in {copies[name] for name in ("wrong", "other", "vague")}
    assert program.audit("quote")["cited"] == "found"
    assert program.audit("quote_reason")["cited"].startswith("confirmed-copy: the page itself")
    assert program.audit("quote")["wrong"] == "unchecked"
    assert program.audit("keepers") == {"cited": 1, "wrong": 0, "other": 0, "vague": 0}
    assert program.audit("snapshot_url")["cited"] == below["cited"]
    assert "Only the Wayback Machine's copies are read back" in explained(program, "other")[0]
    assert "names no capture exactly" in explained(program, "vague")[0]
    program.run("run", "--all")
    assert program.audit("quote")["cited"] == "found"


def test_the_copy_from_when_the_source_was_read_is_found_and_preferred(
    program: Program, archive: ArchiveStandIn, site: Site
) -> None:
    """The page says something else now: the copy shows that it was quoted rightly."""
    url = site.set("/a", page(OTHER))
    at = {days: stamp(days) for days in (2000, 1000, 3)}
    archive.add_capture(url, timestamp=at[2000], body=SAYS.encode())
    archive.add_capture(url, timestamp=at[1000], body=SAYS.encode())
    archive.add_capture(url, timestamp=at[3], body=OTHER.encode())
    accessed = f"{datetime.now(UTC) - timedelta(days=1100):%Y-%m-%d}"
    program.write({"id": "a", "url": url, "quote": WORDS, "accessed": accessed})

    program.run("run")
    asked = len(archive.requests("/cdx/"))
    program.run("run", "--all")

    assert len(archive.requests("/cdx/")) == asked
    assert archive.submissions == []
    assert program.audit("copy") == {"a": "confirmed"}
    assert program.audit("snapshot_url") == {"a": f"{archive.base_url}/web/{at[1000]}/{url}"}
    assert program.audit("quote") == {"a": "absent"} or program.audit("quote") == {"a": "altered"}
    assert program.audit("quote_wayback") == {"a": "found"}
    date = f"{at[1000][:4]}-{at[1000][4:6]}-{at[1000][6:8]}"
    assert program.audit("quote_reason")["a"].startswith(f"found-until {date}: ")


# ---- over months -------------------------------------------------------------------------


@needs_faketime
@pytest.mark.faketime
def test_a_confirmed_copy_is_read_again_monthly_and_its_loss_is_news(
    program: Program, archive: ArchiveStandIn, site: Site
) -> None:
    """Missed once it may be a bad hour; twice, a day apart, it is gone."""
    url = site.set("/a", page(SAYS))
    program.write({"id": "a", "url": url, "quote": WORDS})
    program.run("run")
    asked = replays(archive)

    later(program, archive, timedelta(days=29))
    program.run("run")
    assert replays(archive) == asked
    later(program, archive, timedelta(days=31))
    program.run("run")
    assert replays(archive) == asked + 1
    archive.lose(url)
    later(program, archive, timedelta(days=62))
    program.run("run")
    assert program.audit("copy") == {"a": "confirmed"}
    assert "makes it lost" in program.audit("copy_reason")["a"]
    site.set("/a", page("<p>no</p>", status=403))
    later(program, archive, timedelta(days=63, hours=1))
    lost = program.run("run", "--all")

    assert program.audit("copy") == {"a": "lost"}
    assert lost.returncode == 1
    ((news,),) = program.sql("SELECT news FROM runs ORDER BY id DESC LIMIT 1")
    assert ["a", "copy", "confirmed", "lost"] in [each[:4] for each in json.loads(news)]
    assert "1 read back, 1 lost" in lost.stdout
    assert program.audit("keepers") == {"a": 1}
    words, told = explained(program, "a")
    assert told["answer"] == "lost"
    assert "the archive said that it has none" in words
    site.set("/a", page(SAYS))
    later(program, archive, timedelta(days=64))
    program.run("run", "--all")
    assert archive.saves_of(url) == 2
    assert program.audit("copy") == {"a": "confirmed"}


@needs_faketime
@pytest.mark.faketime
def test_an_archive_that_misses_everything_has_lost_nothing_for_a_week(
    program: Program, archive: ArchiveStandIn
) -> None:
    """An archive that says 404 to everybody would turn every copy to lost, which none is."""
    with ExitStack() as stack:
        sites = [stack.enter_context(Site()) for _ in range(4)]
        urls = [site.set("/a", page(SAYS)) for site in sites]
        program.write(*({"id": f"s{n}", "url": url, "quote": WORDS} for n, url in enumerate(urls)))
        program.run("run")
        assert set(program.audit("copy").values()) == {"confirmed"}
        for url in urls:
            archive.lose(url)

        said = []
        for days in (31, 32.1, 33.2, 39):
            later(program, archive, timedelta(days=days))
            program.run("run")
            said.append(set(program.audit("copy").values()))
            if days == 33.2:
                assert "most of the others" in program.audit("copy_reason")["s0"]

    assert said == [{"confirmed"}, {"confirmed"}, {"confirmed"}, {"lost"}]
    assert program.sql("SELECT count(*) FROM snapshots WHERE lost_at IS NOT NULL") == [(4,)]


@needs_faketime
@pytest.mark.faketime
def test_an_archive_is_asked_before_the_last_strike(
    program: Program, archive: ArchiveStandIn, site: Site
) -> None:
    """Asked before, not after: dead is a heavy word."""
    archive.fetch = False
    url = site.set("/a", page(SAYS))
    program.write({"id": "a", "url": url, "quote": WORDS})
    program.run("run")
    site.set("/a", page("<p>Sorry.</p>", status=500))
    for days in (1, 4.1):
        later(program, archive, timedelta(days=days))
        program.run("run", "--all")
    assert program.audit("strikes") == {"a": 2}
    archive.add_capture(url, timestamp=stamp(-6), body=SAYS.encode())
    asked = len(archive.requests("/cdx/"))

    later(program, archive, timedelta(days=8))
    program.run("run", "--all")

    assert len(archive.requests("/cdx/")) > asked
    assert program.audit("link") == {"a": "suspect"}
    assert program.audit("link_reason")["a"].startswith("second-vantage: an archive got the")
    told = program.run("explain", "a").stdout
    assert "An archive got the page on" in " ".join(told.split())
    later(program, archive, timedelta(days=13.5))
    program.run("run", "--all")
    assert program.audit("link") == {"a": "dead"}
    before = program.audit("link")
    program.run("run", "--rejudge")
    assert program.audit("link") == before
