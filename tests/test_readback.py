"""Reading copies back on the wire: exactly the capture that was asked for, or none."""

from __future__ import annotations

import asyncio
import gc
import gzip
from datetime import UTC, datetime

import pytest

from tests.archive_stand_in import ArchiveStandIn, Manner, drip, drop, hang, http
from verifier.records import (
    ArchivedHop,
    Memento,
    NotInIndex,
    NotReplayed,
    Outcome,
    ReplayAnswer,
    Replayed,
)
from verifier.wayback import Archive
from verifier.wayback_answers import original_of

PAGE = "https://example.org/report?year=2024&b=%7Ea"
STAMP = "20240305060708"
OTHER = "20240305060709"
WORDS = b"<p>As it was said, in so many words: \xc3\xa9t\xc3\xa9.</p>"


def ask(
    stand_in: ArchiveStandIn, url: str = PAGE, stamp: str = STAMP, *, seconds: float = 20.0
) -> ReplayAnswer:
    """Read one capture back."""

    async def main() -> ReplayAnswer:
        async with Archive(
            base_url=stand_in.base_url,
            access_key=stand_in.access_key,
            secret_key=stand_in.secret_key,
            user_agent="test/1 (loopback)",
            replay_timeout=seconds,
        ) as archive:
            return await archive.read_back(url, stamp)

    answer = asyncio.run(main())
    gc.collect()
    return answer


def shown(answer: ReplayAnswer) -> Replayed:
    assert isinstance(answer, Replayed), answer
    return answer


def not_shown(answer: ReplayAnswer) -> NotReplayed:
    assert isinstance(answer, NotReplayed), answer
    return answer


# ---- ours --------------------------------------------------------------------------------


def test_a_capture_comes_back_as_it_was(stand_in: ArchiveStandIn) -> None:
    """Its own bytes, not the archive's view of them; asked without our keys."""
    stand_in.add_capture(PAGE, timestamp=STAMP, body=WORDS)
    stand_in.add_capture(PAGE, timestamp=OTHER, body=b"another")

    answer = shown(ask(stand_in))

    assert answer.content == WORDS
    assert answer.hops == (ArchivedHop(url=PAGE, timestamp=STAMP, status=200),)
    assert answer.problem == ""
    (request,) = stand_in.log
    assert request.target == f"/web/{STAMP}id_/{PAGE}"
    assert "authorization" not in request.headers


@pytest.mark.parametrize("gzipped", ["labelled", "twice", "unlabelled"])
def test_a_gzip_original_is_undone_however_it_is_labelled(
    stand_in: ArchiveStandIn, gzipped: str
) -> None:
    """The archive sends gzip whatever was asked, and its label is broken at times."""
    stand_in.manner = Manner(gzip=gzipped)  # type: ignore[arg-type]
    stand_in.add_capture(
        PAGE, timestamp=STAMP, body=gzip.compress(WORDS), headers=(("Content-Encoding", "gzip"),)
    )

    answer = shown(ask(stand_in))

    assert answer.content == WORDS
    assert answer.problem == ""


def test_a_gzip_file_is_not_unpacked(stand_in: ArchiveStandIn) -> None:
    """A file that is one was seen as one: unpacked it would differ from what we saw."""
    packed = gzip.compress(WORDS)
    stand_in.add_capture(PAGE, timestamp=STAMP, body=packed, mimetype="application/gzip")

    assert shown(ask(stand_in)).content == packed


def test_an_archived_error_is_the_pages_not_the_archives(stand_in: ArchiveStandIn) -> None:
    """With a Memento-Datetime a 404 and a 429 are what was archived."""
    for status in (404, 429, 503):
        stand_in.lose(PAGE)
        stand_in.add_capture(PAGE, timestamp=STAMP, status=status)

        assert shown(ask(stand_in)).hops[-1].status == status


def test_addresses_go_out_as_the_archive_has_them(stand_in: ArchiveStandIn) -> None:
    """Escapes and doubled slashes are part of which page it is."""
    url = "https://example.org/a//b%2F/c?x=1&y=%e4&u=http://x/../y"

    ask(stand_in, url)

    assert stand_in.log[0].target == f"/web/{STAMP}id_/{url}"


@pytest.mark.parametrize("way", ["https://x/../../../../save/https://y/", "../../save/https://y"])
def test_no_address_leads_to_another_door_of_the_archive(
    stand_in: ArchiveStandIn, way: str
) -> None:
    """A row or an archived redirect could have pages saved in our name."""
    stand_in.add_capture(
        PAGE, timestamp=STAMP, status=302, headers=(("Location", f"/web/{STAMP}id_/{way}"),)
    )
    stand_in.on(
        f"/web/{STAMP}id_/https://example.org/report",
        http(
            302,
            headers={
                "Memento-Datetime": "Tue, 05 Mar 2024 06:07:08 GMT",
                "Location": f"/web/{STAMP}id_/{way}",
            },
        ),
    )

    ask(stand_in)
    ask(stand_in, way)

    assert len(stand_in.log) == 3
    assert {request.target.split("/")[1] for request in stand_in.log} == {"web"}


# ---- archived redirects ------------------------------------------------------------------


def chain(stand_in: ArchiveStandIn, length: int, stamps: list[str] | None = None) -> list[str]:
    """So many archived redirects and a page behind them."""
    urls = [f"https://example.org/{number}" for number in range(length + 1)]
    for place, url in enumerate(urls):
        stamp = (stamps or [STAMP] * (length + 1))[place]
        if place < length:
            way = (("Location", urls[place + 1]),)
            stand_in.add_capture(url, timestamp=stamp, status=302, headers=way, body=b"")
        else:
            stand_in.add_capture(url, timestamp=stamp, body=WORDS)
    return urls


def test_archived_redirects_are_followed_and_each_is_told(stand_in: ArchiveStandIn) -> None:
    """Each is a capture of its own, and its time is what the rules have to judge."""
    urls = chain(stand_in, 2, [STAMP, OTHER, "20240305060711"])

    answer = shown(ask(stand_in, urls[0]))

    assert answer.content == WORDS
    assert [(hop.url, hop.timestamp, hop.status) for hop in answer.hops] == [
        (urls[0], STAMP, 302),
        (urls[1], OTHER, 302),
        (urls[2], "20240305060711", 200),
    ]


@pytest.mark.parametrize(("redirects", "reached"), [(4, True), (5, False), (9, False)])
def test_no_more_than_five_archived_responses_are_asked_for(
    stand_in: ArchiveStandIn, redirects: int, reached: bool
) -> None:
    """The contract's limit; archived loops exist."""
    urls = chain(stand_in, redirects)

    answer = shown(ask(stand_in, urls[0]))

    assert len(answer.hops) == 5
    assert (answer.content == WORDS) is reached
    assert (answer.hops[-1].status == 200) is reached


def test_an_archived_loop_ends(stand_in: ArchiveStandIn) -> None:
    """It is no page, whatever its bodies say."""
    there, back = "https://example.org/there", "https://example.org/back"
    for url, target in ((there, back), (back, there)):
        stand_in.add_capture(
            url, timestamp=STAMP, status=301, headers=(("Location", target),), body=WORDS
        )

    answer = shown(ask(stand_in, there))

    assert answer.content == b""
    assert answer.hops[-1].status == 301


def test_a_redirect_to_what_was_not_archived_ends_there(stand_in: ArchiveStandIn) -> None:
    """The capture is there, and is a redirect: neither a page nor missing."""
    way = (("Location", "https://example.org/not-archived"),)
    stand_in.add_capture(PAGE, timestamp=STAMP, status=302, headers=way)

    answer = shown(ask(stand_in))

    assert [hop.status for hop in answer.hops] == [302]
    assert "not archived" in answer.detail


@pytest.mark.parametrize(
    "location",
    [
        "{base}/web/{stamp}id_/https://example.org/final",
        "/web/{stamp}id_/https://example.org/final",
        "https://web.archive.org/web/{stamp}id_/https://example.org/final",
        "https://example.org/final",
        "//example.org/final",
        "/final",
    ],
)
def test_a_redirect_is_followed_within_the_archive_however_it_is_written(
    stand_in: ArchiveStandIn, location: str
) -> None:
    """No request ever leaves the archive for the page itself."""
    stand_in.add_capture("https://example.org/final", timestamp=STAMP, body=WORDS)
    stand_in.on(
        f"/web/{STAMP}id_/https://example.org/report",
        http(
            302,
            headers={
                "Memento-Datetime": "Tue, 05 Mar 2024 06:07:08 GMT",
                "Link": f'<{PAGE}>; rel="original"',
                "Location": location.replace("{stamp}", STAMP),
            },
        ),
    )

    answer = shown(ask(stand_in))

    assert answer.content == WORDS
    assert [hop.url for hop in answer.hops] == [PAGE, "https://example.org/final"]


# ---- not ours ----------------------------------------------------------------------------


@pytest.mark.parametrize("neighbours", ["redirect", "shown"])
def test_a_neighbour_is_not_taken_for_ours(stand_in: ArchiveStandIn, neighbours: str) -> None:
    """One second beside, the same bytes, and a 200: it is another capture."""
    stand_in.manner = Manner(neighbours=neighbours)  # type: ignore[arg-type]
    stand_in.add_capture(PAGE, timestamp=OTHER, body=WORDS)

    answer = not_shown(ask(stand_in))

    assert answer.outcome is Outcome.NOT_OURS
    assert answer.timestamp == OTHER
    assert OTHER in answer.detail
    assert len(stand_in.log) == 1


def test_a_capture_that_is_not_in_replay_yet_is_not_ours(stand_in: ArchiveStandIn) -> None:
    """Minutes after a save its address still leads to the capture before."""
    stand_in.add_capture(PAGE, timestamp="20200101000000", body=b"older")
    stand_in.add_capture(PAGE, timestamp=STAMP, body=WORDS, replay_lag=3600)

    assert not_shown(ask(stand_in)).outcome is Outcome.NOT_OURS
    stand_in.advance(hours=2)
    assert shown(ask(stand_in)).content == WORDS


def test_what_was_never_archived_is_missing(stand_in: ArchiveStandIn) -> None:
    """A 404 without a Memento-Datetime is the archive's own."""
    assert not_shown(ask(stand_in)).outcome is Outcome.MISSING


def test_an_excluded_page_says_so_with_200(stand_in: ArchiveStandIn) -> None:
    """It is no capture, for all its 200."""
    stand_in.add_capture(PAGE, timestamp=STAMP, body=WORDS)
    stand_in.exclude(PAGE)

    answer = not_shown(ask(stand_in))

    assert answer.outcome is Outcome.EXCLUDED
    assert "excluded" in answer.detail


@pytest.mark.parametrize("error", ["Administrative", "Robot"])
def test_an_exclusion_in_a_header_is_heard_too(stand_in: ArchiveStandIn, error: str) -> None:
    """The archive has two names for it."""
    header = f"org.archive.wayback.exception.{error}AccessControlException: Blocked Site Error"
    stand_in.on("/web/", http(403, headers={"X-Archive-Wayback-Runtime-Error": header}))

    assert not_shown(ask(stand_in)).outcome is Outcome.EXCLUDED


@pytest.mark.parametrize("status", [429, 403, 500, 502, 503, 504, 520, 523, 401, 200])
def test_the_archives_own_trouble_says_nothing_of_the_capture(
    stand_in: ArchiveStandIn, status: int
) -> None:
    """Else an outage of the archive would lose every copy; a 429 ends the asking."""
    stand_in.add_capture(PAGE, timestamp=STAMP, body=WORDS)
    stand_in.on("/web/", http(status))

    answer = not_shown(ask(stand_in))

    assert answer.outcome is Outcome.TROUBLE
    assert answer.stop is (status == 429)


@pytest.mark.parametrize("silence", [hang(), drip(), drop()], ids=["hang", "drip", "drop"])
def test_an_archive_that_does_not_answer_costs_its_time_and_no_more(
    stand_in: ArchiveStandIn, silence: object
) -> None:
    """A replay may hang, or drip for ever."""
    stand_in.on("/web/", silence)  # type: ignore[arg-type]

    assert not_shown(ask(stand_in, seconds=0.5)).outcome is Outcome.TROUBLE


def test_an_archive_that_is_not_there_is_trouble() -> None:
    """A firewall that shuts us out is no loss of a copy."""

    async def main() -> ReplayAnswer:
        async with Archive(base_url="http://127.0.0.1:1", user_agent="test/1") as archive:
            return await archive.read_back(PAGE, STAMP)

    assert not_shown(asyncio.run(main())).outcome is Outcome.TROUBLE


@pytest.mark.parametrize("told", ["yesterday", "", "Tue, 05 Mar 2024 06:07:08"], ids=str)
def test_a_time_that_is_none_is_not_taken_for_ours(stand_in: ArchiveStandIn, told: str) -> None:
    """What can't be compared is not equal."""
    link = f'<{PAGE}>; rel="original"'
    stand_in.on("/web/", http(200, headers={"Memento-Datetime": told, "Link": link}))

    assert not_shown(ask(stand_in)).outcome is Outcome.TROUBLE


def test_a_copy_that_is_too_large_is_cut_and_said_to_be(
    stand_in: ArchiveStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is ours; half a body must not be taken for the whole."""
    monkeypatch.setattr("verifier.wayback_replay.COPY_CAP", 1000)
    stand_in.add_capture(PAGE, timestamp=STAMP, body=b"x" * 5000)

    answer = shown(ask(stand_in))

    assert len(answer.content) == 1000
    assert answer.problem == "cap"


def test_a_bomb_is_cut(stand_in: ArchiveStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few kilobytes of gzip are gigabytes of text."""
    monkeypatch.setattr("verifier.wayback_replay.COPY_CAP", 100_000)
    stand_in.add_capture(
        PAGE,
        timestamp=STAMP,
        body=gzip.compress(b"x" * 10_000_000),
        headers=(("Content-Encoding", "gzip"),),
    )

    answer = shown(ask(stand_in))

    assert (len(answer.content), answer.problem) == (100_000, "cap")


# ---- whose it is -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "original"),
    [
        (f'<{PAGE}>; rel="original"', PAGE),
        (f'<https://x/>; rel="memento", <{PAGE}>; rel="original"', PAGE),
        (f"<{PAGE}>; rel=original", PAGE),
        ('<https://a/,b;c>; rel="first original"', "https://a/,b;c"),
        ('<https://a/>; rel="original", <https://b/>; rel="original"', ""),
        ('<https://a/>; rel="timegate"', ""),
        ("", ""),
    ],
)
def test_the_original_is_what_the_link_header_calls_so(link: str, original: str) -> None:
    """Where it names none, or two, nobody knows whose capture it is."""
    assert original_of(link) == original


def test_the_original_of_a_folded_address_is_told_as_the_archive_has_it(
    stand_in: ArchiveStandIn,
) -> None:
    """Its index takes /Report and /report for one; whether they are is not for it to say."""
    stand_in.add_capture("https://www.example.org/REPORT/", timestamp=STAMP, body=WORDS)

    answer = shown(ask(stand_in, "https://example.org/report"))

    assert answer.hops[-1].url == "https://www.example.org/REPORT/"


# ---- which capture an address cites ------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "cited"),
    [
        (f"https://web.archive.org/web/{STAMP}/{PAGE}", (STAMP, PAGE)),
        (f"http://web.archive.org/web/{STAMP}id_/{PAGE}", (STAMP, PAGE)),
        (f"https://archive.org/web/{STAMP}/{PAGE}", (STAMP, PAGE)),
        (f"http://127.0.0.1:9/base/web/{STAMP}if_/{PAGE}", (STAMP, PAGE)),
        (f"https://web.archive.org/web/{STAMP}/example.org/x", (STAMP, "http://example.org/x")),
        (f"https://web.archive.org/web/2024/{PAGE}", None),
        (f"https://web.archive.org/web/{PAGE}", None),
        (f"https://web.archive.org/web/*/{PAGE}", None),
        (f"https://web.archive.org/web/20241399000000/{PAGE}", None),
        ("https://archive.ph/AbCdE", None),
        (f"https://archive.ph/{STAMP}/{PAGE}", None),
        (f"https://web.archive.org.evil.example/web/{STAMP}/{PAGE}", None),
        (f"https://evil.example/web/{STAMP}/{PAGE}", None),
        ("https://perma.cc/AAAA-BBBB", None),
        ("http://[", None),
        ("", None),
    ],
)
def test_only_the_waybacks_own_exact_addresses_cite_a_capture(
    url: str, cited: tuple[str, str] | None
) -> None:
    """Another archive's copy must never be called a confirmed Wayback copy."""
    archive = Archive(base_url="http://127.0.0.1:9/base", user_agent="test/1")

    found = archive.cited(url)

    assert (None if found is None else (found.timestamp, found.original)) == cited


# ---- the capture nearest a date ----------------------------------------------------------


def near(stand_in: ArchiveStandIn, date: datetime) -> object:
    async def main() -> object:
        async with Archive(base_url=stand_in.base_url, user_agent="test/1") as archive:
            return await archive.find_near(PAGE, near=date)

    return asyncio.run(main())


@pytest.mark.filterwarnings("ignore:.*utcnow")
def test_the_index_is_asked_for_the_capture_nearest_a_date(stand_in: ArchiveStandIn) -> None:
    """Of exactly the page that was cited, and no error page, however near."""
    for stamp in ("20180101000000", "20200110000000", "20240101000000"):
        stand_in.add_capture(PAGE, timestamp=stamp)
    stand_in.add_capture(PAGE, timestamp="20200601000000", status=404)
    stand_in.add_capture(PAGE.replace("report", "Report"), timestamp="20200602000000")

    found = near(stand_in, datetime(2020, 6, 1, tzinfo=UTC))

    assert isinstance(found, Memento)
    assert found.timestamp == "20200110000000"
    assert found.original == PAGE


@pytest.mark.filterwarnings("ignore:.*utcnow")
def test_an_index_without_captures_has_none_near_a_date(stand_in: ArchiveStandIn) -> None:
    """And says so in the same words as ever."""
    assert near(stand_in, datetime(2020, 6, 1, tzinfo=UTC)) == NotInIndex()
