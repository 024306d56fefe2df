"""What we write is replayed by pywb, which nobody here wrote.

pywb is GPL and pins old packages, so it lives in an environment of its own. To run these tests:
``python3 -m venv .pywb && .pywb/bin/pip install pywb`` in the project's folder, or name the folder
of its commands in ``VERIFIER_TEST_PYWB``.
"""

from __future__ import annotations

import asyncio
import gzip
import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from verifier import records
from verifier.records import Capture, Hop, ReplayAnswer
from verifier.spelling import same_address
from verifier.warc import Writer
from verifier.wayback import Archive

PYWB = Path(
    os.environ.get("VERIFIER_TEST_PYWB") or Path(__file__).resolve().parent.parent / ".pywb" / "bin"
)
pytestmark = [
    pytest.mark.pywb,
    pytest.mark.skipif(
        not (PYWB / "wayback").exists(), reason="pywb's environment is not there (see this file)"
    ),
]

NOON = datetime(2026, 11, 3, 12, 0, 5, tzinfo=UTC)
CONFIG = "enable_memento: true\nframed_replay: false\n"
PAGE = "<html><title>Ü</title><p>The words that are quoted.</p></html>".encode("utf-16")


def a_hop(url: str, body: bytes, *headers: tuple[bytes, bytes], hours: int = 0) -> Hop:
    return Hop(
        url=url,
        requested_at=NOON + timedelta(hours=hours),
        request=b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
        peer="192.0.2.7",
        version="HTTP/1.1",
        status=200,
        reason=b"OK",
        headers=((b"Content-Type", b"text/html; charset=utf-16"), *headers),
        body=body,
    )


PLAIN = a_hop("http://example.org/plain", PAGE, (b"X-Seen", b"first"))
AGAIN = replace(
    a_hop("http://example.org/plain", PAGE, (b"X-Seen", b"second"), hours=3), peer="192.0.2.8"
)
CHUNKED = a_hop("https://example.org/chunked?a=1&b=%7E", PAGE, (b"Transfer-Encoding", b"chunked"))
CODED = a_hop(
    "http://example.org/coded", gzip.compress(PAGE, mtime=0), (b"Content-Encoding", b"gzip")
)
AWAY = replace(
    a_hop("http://example.org/away", b"", (b"Location", b"http://example.org/plain")), status=302
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Wayback:
    """pywb over the collection ``web`` on a port of loopback."""

    def __init__(self, port: int) -> None:
        self._port = port

    def read_back(self, moment: datetime, url: str) -> ReplayAnswer:
        """As a round reads copies back from the Wayback Machine."""

        async def main() -> ReplayAnswer:
            base_url = f"http://127.0.0.1:{self._port}"
            async with Archive(base_url=base_url, user_agent="test/1 (loopback)") as archive:
                return await archive.read_back(url, f"{moment:%Y%m%d%H%M%S}")

        return asyncio.run(main())

    def get(self, moment: datetime, url: str) -> Replayed:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)) as connection:
            connection.request(
                "GET",
                f"/web/{moment:%Y%m%d%H%M%S}id_/{url}",
                headers={"Accept-Encoding": "gzip"},  # without it pywb decodes on the way
            )
            answer = connection.getresponse()
            return Replayed(status=answer.status, headers=answer.headers, body=answer.read())


@pytest.fixture(scope="module")
def wayback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wayback]:
    folder = tmp_path_factory.mktemp("pywb")
    kept: dict[str, Capture] = {}

    def earlier(url: str, _digest: str) -> Capture | None:
        return kept.get(url)

    with Writer(folder / "warc", software="verifier test") as writer:
        for hop in (PLAIN, AGAIN, CHUNKED, CODED, AWAY):
            (capture,) = writer.store([hop], PAGE, earlier=earlier)
            assert (capture.revisit_of is not None) is (hop is AGAIN)
            kept.setdefault(capture.url, replace(capture, id=len(kept) + 1))
    (folder / "config.yaml").write_text(CONFIG)
    for arguments in (
        ["init", "web"],
        ["add", "web", *map(str, folder.glob("warc/*/*.warc.gz"))],
    ):
        subprocess.run(
            [PYWB / "wb-manager", *arguments], cwd=folder, check=True, capture_output=True
        )
    with socket.socket() as probe:  # pywb can't be told to take any port that is free
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [PYWB / "wayback", "-b", "127.0.0.1", "-p", str(port)],
            cwd=folder,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            for _ in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
            yield Wayback(port)
        finally:
            process.kill()


@pytest.mark.parametrize("hop", [PLAIN, CHUNKED], ids=["plain", "chunked"])
def test_a_page_is_replayed_byte_for_byte(wayback: Wayback, hop: Hop) -> None:
    """A copy that only our own program can show would be no evidence."""
    replayed = wayback.get(NOON, hop.url)

    assert (replayed.status, replayed.body) == (200, PAGE)
    assert parsedate_to_datetime(replayed.headers["Memento-Datetime"]) == NOON


def test_a_coded_body_is_replayed_as_it_came(wayback: Wayback) -> None:
    """The bytes that were hashed are the coded ones; ``id_`` means those."""
    replayed = wayback.get(NOON, CODED.url)

    assert replayed.headers["Content-Encoding"] == "gzip"
    assert replayed.body == CODED.body
    assert gzip.decompress(replayed.body) == PAGE


def test_a_revisit_is_replayed_with_the_first_ones_body(wayback: Wayback) -> None:
    """The later look is shown with its own date and head, although its body was not stored."""
    replayed = wayback.get(AGAIN.requested_at, AGAIN.url)

    assert (replayed.status, replayed.body) == (200, PAGE)
    assert parsedate_to_datetime(replayed.headers["Memento-Datetime"]) == AGAIN.requested_at
    assert "second" in {
        replayed.headers["X-Archive-Orig-X-Seen"],
        replayed.headers["X-Seen"],
    }


def test_a_redirect_is_replayed_as_one(wayback: Wayback) -> None:
    """Where a link led is part of what was seen."""
    replayed = wayback.get(NOON, AWAY.url)

    assert replayed.status == 302
    assert replayed.headers["Location"].endswith("http://example.org/plain")
    assert "Memento-Datetime" in replayed.headers


def test_what_was_never_kept_is_not_replayed(wayback: Wayback) -> None:
    """Else the tests above would pass on a pywb that answers anything."""
    replayed = wayback.get(NOON, "http://example.org/never")

    assert replayed.status == 404
    assert "Memento-Datetime" not in replayed.headers


@pytest.mark.parametrize(
    "hop", [PLAIN, CHUNKED, CODED, AGAIN], ids="plain chunked coded again".split()
)
def test_a_capture_is_read_back_from_another_archives_software(wayback: Wayback, hop: Hop) -> None:
    """Its Memento headers were written by nobody here."""
    answer = wayback.read_back(hop.requested_at, hop.url)

    assert isinstance(answer, records.Replayed)
    assert answer.content == PAGE
    (shown,) = answer.hops
    assert same_address(shown.url, hop.url)
    assert (shown.timestamp, shown.status) == (f"{hop.requested_at:%Y%m%d%H%M%S}", 200)


def test_an_archived_redirect_is_followed_there_too(wayback: Wayback) -> None:
    """To the page behind it, each with its own time."""
    answer = wayback.read_back(NOON, AWAY.url)

    assert isinstance(answer, records.Replayed)
    assert answer.content == PAGE
    assert [(hop.url, hop.status) for hop in answer.hops] == [(AWAY.url, 302), (PLAIN.url, 200)]


def test_a_neighbour_and_a_miss_are_told_apart_there_too(wayback: Wayback) -> None:
    """The nearest capture is shown for one that is not there."""
    neighbour = wayback.read_back(NOON + timedelta(seconds=1), PLAIN.url)
    missing = wayback.read_back(NOON, "http://example.org/never")

    assert isinstance(neighbour, records.NotReplayed)
    assert neighbour.outcome is records.Outcome.NOT_OURS
    assert isinstance(missing, records.NotReplayed)
    assert missing.outcome is records.Outcome.MISSING
