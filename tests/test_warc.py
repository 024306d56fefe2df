"""What is kept can be read back, by us and by others, and survives crashes."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import os
import signal
import subprocess
import sys
import zlib
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator
from warcio.checker import Checker

from verifier.errors import IntegrityError, StorageError
from verifier.records import Capture, Hop, Truncated
from verifier.warc import CONFORMS_TO, REVISIT_PROFILE, Writer, read, repair
from verifier.warc_files import Repair

NOON = datetime(2026, 11, 3, 12, 0, 5, 123456, tzinfo=UTC)
URL = "http://example.org/page"


def a_hop(body: bytes = b"<p>hello</p>", **changes: Any) -> Hop:
    hop = Hop(
        url=URL,
        requested_at=NOON,
        request=b"GET /page HTTP/1.1\r\nHost: example.org\r\n\r\n",
        peer="192.0.2.7",
        version="HTTP/1.1",
        status=200,
        reason=b"OK",
        headers=((b"Content-Type", b"text/html"),),
        body=body,
    )
    return replace(hop, **changes)


def nothing_earlier(_url: str, _digest: str) -> Capture | None:
    return None


def keep(folder: Path, *hops: Hop, content: bytes | None = None, **options: Any) -> list[Capture]:
    """Store every hop as a chain of its own, with one writer."""
    with Writer(folder, software="verifier test", **options) as writer:
        return [
            writer.store([hop], hop.body if content is None else content, earlier=nothing_earlier)[
                0
            ]
            for hop in hops
        ]


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.warc.gz"))


def members(path: Path) -> list[bytes]:
    """The file's gzip members, each inflated by the standard library."""
    rest, found = path.read_bytes(), []
    while rest:
        engine = zlib.decompressobj(31)
        found.append(engine.decompress(rest))
        assert engine.eof, "the file ends within a member"
        rest = engine.unused_data
    return found


def records(path: Path) -> list[tuple[dict[str, str], bytes]]:
    """Every record's WARC headers, and its block as it stands in the file."""
    with path.open("rb") as stream:
        return [
            (dict(record.rec_headers.headers), record.raw_stream.read())
            for record in ArchiveIterator(stream, no_record_parse=True)
        ]


def complaints(path: Path) -> str:
    """What `warcio check` says; "" when it finds nothing wrong."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        failed = Checker(Namespace(inputs=[str(path)], verbose=False)).process_all()
    assert bool(failed) == bool(said.getvalue())
    return said.getvalue()


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )


# ---- what is written ---------------------------------------------------------------------


def test_a_capture_is_read_back_by_its_offset(tmp_path: Path) -> None:
    """The site shows copies by file and offset alone: the second is not the first."""
    first, second = keep(tmp_path, a_hop(b"one"), a_hop(b"two" * 9000, status=404))

    stored = read(tmp_path, second.file, second.offset)

    assert (stored.body, stored.content) == (b"two" * 9000, b"two" * 9000)
    assert (stored.status, stored.url) == (404, URL)
    assert stored.record_id == second.record_id
    assert stored.captured_at == second.captured_at == NOON.replace(microsecond=0)
    assert read(tmp_path, first.file, first.offset).body == b"one"


def test_the_capture_names_the_hashes_of_the_contract(tmp_path: Path) -> None:
    """CDX digests are compared with payload_sha1, changes of a page with sha256."""
    coded = gzip.compress(b"the page")
    hop = a_hop(coded, headers=((b"Content-Encoding", b"gzip"), (b"Content-Type", b"text/html")))

    (capture,) = keep(tmp_path, hop, content=b"the page")

    assert capture.sha256 == sha256(b"the page").hexdigest()
    assert capture.payload_sha256 == sha256(coded).hexdigest()
    expected = base64.b32encode(sha1(coded).digest()).decode()
    assert capture.payload_sha1 == expected
    assert (capture.body_length, capture.content_type) == (len(coded), "text/html")
    stored = read(tmp_path, capture.file, capture.offset)
    assert (stored.body, stored.content) == (coded, b"the page")


def test_each_record_is_one_gzip_member_and_anyone_can_read_it(tmp_path: Path) -> None:
    """Random access by offset needs it, and so does every other tool."""
    captures = keep(tmp_path, a_hop(b"one"), a_hop(b"two"))
    (path,) = files(tmp_path)

    inflated = members(path)

    assert len(inflated) == 5  # warcinfo, and twice response and request
    assert all(text.startswith(b"WARC/1.1\r\n") for text in inflated)
    assert gzip.decompress(path.read_bytes()) == b"".join(inflated)
    whole = path.read_bytes()
    for capture in captures:
        member = whole[capture.offset : capture.offset + capture.length]
        assert capture.record_id.encode() in gzip.decompress(member)


def test_a_file_begins_by_naming_the_software(tmp_path: Path) -> None:
    """In fifty years somebody asks what wrote this."""
    (capture,) = keep(tmp_path, a_hop())
    (path,) = files(tmp_path)

    (headers, block), (response, _), _ = records(path)

    assert headers["WARC-Type"] == "warcinfo"
    assert headers["WARC-Filename"] == path.name == capture.file.partition("/")[2]
    assert b"software: verifier test\r\n" in block
    assert f"conformsTo: {CONFORMS_TO}\r\n".encode() in block
    assert b"format: WARC File Format 1.1\r\n" in block
    assert response["WARC-Warcinfo-ID"] == headers["WARC-Record-ID"]


def test_the_request_is_tied_to_its_response(tmp_path: Path) -> None:
    """Evidence of what was asked is worth something only with what was answered."""
    hop = a_hop()
    (capture,) = keep(tmp_path, hop)

    _, (response, _), (request, block) = records(files(tmp_path)[0])

    assert block == hop.request
    assert (response["WARC-Type"], request["WARC-Type"]) == ("response", "request")
    assert request["WARC-Concurrent-To"] == response["WARC-Record-ID"] == capture.record_id
    for headers in (response, request):
        assert headers["WARC-IP-Address"] == "192.0.2.7"
        assert headers["WARC-Date"] == "2026-11-03T12:00:05Z"
        assert headers["WARC-Target-URI"] == URL


def test_header_bytes_are_kept_as_they_came(tmp_path: Path) -> None:
    """Case, order, repetition and bytes that are not ASCII belong to the evidence."""
    headers = (
        (b"X-MiXeD", b"caf\xe9 \xff"),
        (b"Set-Cookie", b"a=1"),
        (b"server", b"\xc3\xa9"),
        (b"Set-Cookie", b"b=2"),
        (b"Empty", b""),
    )
    (capture,) = keep(tmp_path, a_hop(b"body", headers=headers, reason=b"S\xfcre"))

    block = records(files(tmp_path)[0])[1][1]

    assert block == (
        b"HTTP/1.1 200 S\xfcre\r\nX-MiXeD: caf\xe9 \xff\r\nSet-Cookie: a=1\r\n"
        b"server: \xc3\xa9\r\nSet-Cookie: b=2\r\nEmpty: \r\n\r\nbody"
    )
    stored = read(tmp_path, capture.file, capture.offset)
    assert stored.headers[0] == ("X-MiXeD", "caf\xe9 \xff")
    assert [value for name, value in stored.headers if name == "Set-Cookie"] == ["a=1", "b=2"]


def test_transfer_encoding_is_renamed_and_a_false_length_is_kept(tmp_path: Path) -> None:
    """The stored body has no chunks any more; a reader told otherwise would look for them."""
    headers = ((b"transfer-ENCODING", b"chunked"), (b"Content-Length", b"999"))
    (capture,) = keep(tmp_path, a_hop(b"5\r\nhello", headers=headers))
    (path,) = files(tmp_path)

    block = records(path)[1][1]

    assert b"\r\nX-Archive-Orig-transfer-ENCODING: chunked\r\nContent-Length: 999\r\n" in block
    assert read(tmp_path, capture.file, capture.offset).body == b"5\r\nhello"
    assert complaints(path) == ""


def test_warcio_check_passes_as_a_command(tmp_path: Path) -> None:
    """The issue names this command; ours is the exit code that a user sees."""
    keep(tmp_path, a_hop(), a_hop(b""), a_hop(b"x" * 100_000))

    done = subprocess.run(
        [sys.executable, "-m", "warcio.cli", "check", "-v", str(files(tmp_path)[0])],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert done.stdout.count("digest pass") == 7
    assert "no digest" not in done.stdout


@pytest.mark.parametrize("victim", [0, 1, 2], ids=["warcinfo", "response", "request"])
def test_warcio_check_fails_when_a_byte_of_a_block_differs(tmp_path: Path, victim: int) -> None:
    """A digest in an encoding that the checker doesn't compare would pass whatever the bytes."""
    keep(tmp_path, a_hop())
    (path,) = files(tmp_path)
    assert complaints(path) == ""
    texts = members(path)
    spoiled = bytearray(texts[victim])
    spoiled[-7] ^= 1  # within the block, before the two line ends that close the record
    texts[victim] = bytes(spoiled)

    path.write_bytes(b"".join(map(gzip.compress, texts)))

    assert "digest failed" in complaints(path)


AWKWARD = {
    "no body": a_hop(b""),
    "no headers": a_hop(headers=()),
    "no reason": a_hop(reason=b""),
    "gzip": a_hop(gzip.compress(b"page"), headers=((b"Content-Encoding", b"gzip"),)),
    "gzip that is none": a_hop(b"plain", headers=((b"Content-Encoding", b"gzip"),)),
    "gzip cut off": a_hop(
        gzip.compress(bytes(range(256)) * 99)[:-9], headers=((b"Content-Encoding", b"gzip"),)
    ),
    "gzip with more behind it": a_hop(
        gzip.compress(b"page") + b"junk", headers=((b"Content-Encoding", b"gzip"),)
    ),
    "unknown coding": a_hop(headers=((b"Content-Encoding", b"zopfli"),)),
    "folded header": a_hop(headers=((b"X-Folded", b"one\r\n two"), (b"Server", b"s"))),
    "header that would end the head": a_hop(headers=((b"X", b"1\r\n\r\nWARC/1.1"), (b"B", b"2"))),
    "bare line feed": a_hop(headers=((b"X", b"1\nY: 2"),), reason=b"O\rK"),
    "blank body": a_hop(b"\r\n\r\n\r\n"),
    "body like a record": a_hop(b"WARC/1.1\r\nWARC-Type: response\r\n\r\n"),
    "old version": a_hop(version="HTTP/1.0"),
    "IPv6 with a zone": a_hop(peer="fe80::1%eth0"),
    "no peer": a_hop(peer=""),
    "no request": a_hop(request=b""),
    "status alone": a_hop(status=999, reason=b"", headers=(), body=b""),
    "upper-case scheme": a_hop(url="HTTP://example.org/"),
    "url with a line break": a_hop(url="http://example.org/a\r\nWARC-Type: metadata\r\n\r\nx"),
    "url with spaces": a_hop(url="http://example.org/a b\tc"),
    "url beyond ASCII": a_hop(url="http://exämple.org/ü\ud800"),
}


@pytest.mark.parametrize("hop", AWKWARD.values(), ids=AWKWARD.keys())
def test_awkward_replies_make_sound_records(tmp_path: Path, hop: Hop) -> None:
    """Servers send all of this, and one page must not spoil a file for the others."""
    captures = keep(tmp_path, a_hop(b"before"), hop, a_hop(b"after"))
    (path,) = files(tmp_path)

    assert complaints(path) == ""
    assert len(members(path)) == len(records(path)) == (7 if hop.request else 6)
    stored = [read(tmp_path, capture.file, capture.offset) for capture in captures]
    assert [one.body for one in stored] == [b"before", hop.body, b"after"]
    assert (stored[1].status, stored[1].url) == (hop.status, captures[1].url)
    assert len(stored[1].headers) == len(hop.headers)
    assert captures[1].url.isascii()
    assert captures[1].url.isprintable()
    assert " " not in captures[1].url


@settings(max_examples=60, deadline=None)
@given(
    body=st.binary(max_size=300),
    headers=st.lists(
        st.tuples(st.from_regex(rb"[!#-9A-Za-z^_|~]{1,9}", fullmatch=True), st.binary(max_size=40))
    ),
    reason=st.binary(max_size=20),
    url=st.text(max_size=30),
)
def test_whatever_a_server_sends_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    body: bytes,
    headers: list[tuple[bytes, bytes]],
    reason: bytes,
    url: str,
) -> None:
    """Nobody can list what servers send."""
    folder = tmp_path_factory.mktemp("any")
    hop = a_hop(body, headers=tuple(headers), reason=reason, url="http://example.org/" + url)

    (capture,) = keep(folder, hop)

    assert read(folder, capture.file, capture.offset).body == body
    assert complaints(files(folder)[0]) == ""


def test_a_chain_of_redirects_is_kept_hop_by_hop(tmp_path: Path) -> None:
    """Where a link leads is evidence too; the hash of a redirect's page is of the decoded page."""
    away = a_hop(
        gzip.compress(b"moved"),
        url="http://example.org/old",
        status=301,
        headers=((b"Location", b"/page"), (b"Content-Encoding", b"gzip")),
    )
    with Writer(tmp_path, software="verifier test") as writer:
        chain = writer.store([away, a_hop()], b"<p>hello</p>", earlier=nothing_earlier)
        broken_off = writer.store([away], None, earlier=nothing_earlier)

    assert [(one.hop, one.status, one.url) for one in chain] == [
        (0, 301, "http://example.org/old"),
        (1, 200, URL),
    ]
    assert chain[0].sha256 == broken_off[0].sha256 == sha256(b"moved").hexdigest()
    assert chain[1].sha256 == sha256(b"<p>hello</p>").hexdigest()
    for capture in (*chain, *broken_off):
        stored = read(tmp_path, capture.file, capture.offset)
        assert (stored.record_id, stored.status) == (capture.record_id, capture.status)
    assert complaints(files(tmp_path)[0]) == ""
    with Writer(tmp_path, software="verifier test") as writer:
        assert writer.store([], None, earlier=nothing_earlier) == ()


def test_a_cut_body_says_so(tmp_path: Path) -> None:
    """Half a page must never be taken for the page."""
    hop = a_hop(b"half", truncated=Truncated.DISCONNECT)
    (capture,) = keep(tmp_path, hop)

    assert records(files(tmp_path)[0])[1][0]["WARC-Truncated"] == "disconnect"
    assert capture.truncated is Truncated.DISCONNECT
    assert read(tmp_path, capture.file, capture.offset).truncated is Truncated.DISCONNECT
    assert complaints(files(tmp_path)[0]) == ""


# ---- revisits ----------------------------------------------------------------------------


def test_an_identical_body_becomes_a_revisit(tmp_path: Path) -> None:
    """A page looked at hourly is stored once; each look still has a record with its own head."""
    (first,) = keep(tmp_path, a_hop(b"same" * 5000))
    known = replace(first, id=41)
    asked = []

    def earlier(url: str, digest: str) -> Capture:
        asked.append((url, digest))
        return known

    again = a_hop(
        b"same" * 5000,
        requested_at=NOON + timedelta(hours=1),
        headers=((b"Age", b"3600"), (b"Content-Type", b"text/html")),
    )
    with Writer(tmp_path, software="verifier test") as writer:
        (second,) = writer.store([again], again.body, earlier=earlier)

    assert asked == [(URL, sha256(again.body).hexdigest())]
    assert second.revisit_of == 41
    assert (second.sha256, second.payload_sha1) == (first.sha256, first.payload_sha1)
    assert second.body_length == 20_000
    assert second.length < 700
    (headers, block) = next(
        entry for entry in records(files(tmp_path)[0]) if entry[0]["WARC-Type"] == "revisit"
    )
    assert block == b"HTTP/1.1 200 OK\r\nAge: 3600\r\nContent-Type: text/html\r\n\r\n"
    assert headers["WARC-Profile"] == REVISIT_PROFILE
    assert headers["WARC-Refers-To"] == first.record_id
    assert headers["WARC-Refers-To-Target-URI"] == first.url
    assert headers["WARC-Refers-To-Date"] == "2026-11-03T12:00:05Z"
    assert headers["WARC-Date"] == "2026-11-03T13:00:05Z"
    assert headers["WARC-Truncated"] == "length"
    assert headers["WARC-Payload-Digest"] == f"sha256:{first.payload_sha256}"
    stored = read(tmp_path, second.file, second.offset)
    assert (stored.body, stored.content, stored.truncated) == (b"", b"", None)
    assert stored.header("age") == "3600"
    assert complaints(files(tmp_path)[0]) == ""


@pytest.mark.parametrize(
    "hop",
    [a_hop(b""), a_hop(b"half", truncated=Truncated.LENGTH)],
    ids=["empty", "truncated"],
)
def test_an_empty_or_cut_body_is_never_a_revisit(tmp_path: Path, hop: Hop) -> None:
    """The same first half says nothing of the rest, and there is nothing to save on no body."""

    def earlier(_url: str, _digest: str) -> Capture | None:
        raise AssertionError("asked about a body that can't be referred to")

    with Writer(tmp_path, software="verifier test") as writer:
        (capture,) = writer.store([hop], hop.body, earlier=earlier)

    assert capture.revisit_of is None
    assert read(tmp_path, capture.file, capture.offset).body == hop.body


@pytest.mark.parametrize(("number", "revisit_of"), [(0, None), (8, 7)])
def test_a_capture_without_id_or_body_is_not_referred_to(
    tmp_path: Path, number: int, revisit_of: int | None
) -> None:
    """A reference that leads to no body would lose the page."""
    (first,) = keep(tmp_path, a_hop())
    known = replace(first, id=number, revisit_of=revisit_of)
    with Writer(tmp_path, software="verifier test") as writer:
        (second,) = writer.store([a_hop()], a_hop().body, earlier=lambda _url, _digest: known)

    assert second.revisit_of is None
    assert read(tmp_path, second.file, second.offset).body == a_hop().body


# ---- which file --------------------------------------------------------------------------


def test_a_later_writer_continues_the_months_file(tmp_path: Path) -> None:
    """An hourly round would otherwise leave 8,760 small files a year."""
    (first,) = keep(tmp_path, a_hop())
    (second,) = keep(tmp_path, a_hop(requested_at=NOON + timedelta(hours=1)))

    assert second.file == first.file
    assert second.offset > first.offset
    assert [headers["WARC-Type"] for headers, _ in records(files(tmp_path)[0])] == [
        *("warcinfo", "response", "request"),
        *("warcinfo", "response", "request"),
    ]
    assert [path.name for path in (tmp_path / "2026-11").iterdir()] == [files(tmp_path)[0].name]


def test_files_change_with_the_month_in_utc(tmp_path: Path) -> None:
    """A month's folder is the unit of backup; a late reply doesn't open the old one again."""
    last = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    in_new_york = (last + timedelta(seconds=2)).astimezone(ZoneInfo("America/New_York"))
    captures = keep(
        tmp_path,
        a_hop(requested_at=last),
        a_hop(requested_at=in_new_york),
        a_hop(requested_at=last),
    )

    assert [capture.file for capture in captures] == [
        "2026-11/verifier-20261130235959-00000.warc.gz",
        "2026-12/verifier-20261201000001-00000.warc.gz",
        "2026-12/verifier-20261201000001-00000.warc.gz",
    ]
    assert captures[1].captured_at == last + timedelta(seconds=2)
    assert all(complaints(path) == "" for path in files(tmp_path))


def test_a_full_file_gets_no_more(tmp_path: Path) -> None:
    """Files of a bounded size can be copied and checked one by one."""
    captures = keep(tmp_path, *(a_hop(os.urandom(3000)) for _ in range(5)), max_bytes=7000)
    captures += keep(tmp_path, a_hop(b"later"), max_bytes=7000, tag="w1")

    assert len(files(tmp_path)) == 3
    assert captures[-1].file == captures[4].file  # the newest has room still
    assert {path.name for path in files(tmp_path)} == {
        f"verifier-20261103120005-{serial:05d}.warc.gz" for serial in range(3)
    }
    for path in files(tmp_path):
        assert complaints(path) == ""
        assert path.stat().st_size < 7000 + 4000
    for capture in captures:
        read(tmp_path, capture.file, capture.offset)


def test_a_tag_is_part_of_a_new_files_name(tmp_path: Path) -> None:
    """Workers' files are told apart; a tag can't lead out of the folder."""
    (capture,) = keep(tmp_path, a_hop(), tag="w3")

    assert capture.file == "2026-11/verifier-20261103120005-w3-00000.warc.gz"
    with pytest.raises(ValueError, match="tag"):
        Writer(tmp_path, software="verifier", tag="../w")


def test_two_writers_never_share_a_file(tmp_path: Path) -> None:
    """Records of two writers in one file would be torn into each other."""
    with (
        Writer(tmp_path, software="one") as one,
        Writer(tmp_path, software="two") as two,
    ):
        captures = [
            writer.store([a_hop()], a_hop().body, earlier=nothing_earlier)[0]
            for writer in (one, two, one, two)
        ]
        assert repair(tmp_path) == ()

    assert captures[0].file == captures[2].file != captures[1].file == captures[3].file
    assert [complaints(path) for path in files(tmp_path)] == ["", ""]


HOLD = """
import sys
from pathlib import Path
from datetime import UTC, datetime
from verifier.records import Hop
from verifier.warc import Writer

hop = Hop(url="http://example.org/", requested_at=datetime(2026, 11, 3, tzinfo=UTC),
          request=b"GET / HTTP/1.1\\r\\n\\r\\n", peer="", version="HTTP/1.1", status=200,
          reason=b"OK", headers=(), body=bytes(range(256)) * 40)
writer = Writer(Path(sys.argv[1]), software="child")
"""


@contextlib.contextmanager
def child(code: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD + code, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_two_processes_never_share_a_file(tmp_path: Path) -> None:
    """A round by hand beside the worker's, were the round's own lock ever to fail."""
    code = """
capture, = writer.store([hop], hop.body, earlier=lambda u, d: None)
print(capture.file, flush=True)
input()
writer.store([hop], hop.body, earlier=lambda u, d: None)
writer.close()
print("done", flush=True)
"""
    with child(code, tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        theirs = process.stdout.readline().strip()
        (ours,) = keep(tmp_path, a_hop())
        print("go on", file=process.stdin, flush=True)
        assert process.stdout.readline() == "done\n"

    assert ours.file != theirs
    assert [complaints(path) for path in files(tmp_path)] == ["", ""]
    assert not list(tmp_path.glob("*/*.open"))


# ---- crashes -----------------------------------------------------------------------------


def crashed(folder: Path, whole: bytes, *, synced: int | None) -> Path:
    """A folder as a crash leaves it; with the mark of an open file where *synced* is given."""
    month = folder / "2026-11"
    month.mkdir(parents=True)
    path = month / "verifier-20261103120005-00000.warc.gz"
    path.write_bytes(whole)
    if synced is not None:
        path.with_name(path.name + ".open").write_text(f"{synced}\n")
    return path


@pytest.mark.parametrize("marked", [True, False], ids=["with its mark", "without"])
def test_an_end_torn_anywhere_is_repaired(tmp_path: Path, marked: bool) -> None:
    """Every byte at which a crash may stop a write: the records before it stay, byte for byte."""
    keep(tmp_path / "whole", a_hop(os.urandom(50)))
    whole = files(tmp_path / "whole")[0].read_bytes()
    ends = [0]
    for text in members(files(tmp_path / "whole")[0]):
        rest = whole[ends[-1] :]
        engine = zlib.decompressobj(31)
        assert engine.decompress(rest) == text
        ends.append(len(whole) - len(engine.unused_data))

    for cut in range(len(whole) + 1):
        folder = tmp_path / f"cut{cut}"
        path = crashed(folder, whole[:cut], synced=ends[1] if marked else None)
        end = max(one for one in ends if one <= cut)

        repairs = repair(folder)

        assert path.read_bytes() == whole[:end], cut
        if end == cut:
            assert repairs == ()
            continue
        kept_as = f"{path.name}.torn-{end}"
        assert repairs == (
            Repair(file=f"2026-11/{path.name}", offset=end, length=cut - end, kept_as=kept_as),
        )
        assert path.with_name(kept_as).read_bytes() == whole[end:cut]
        assert not list(folder.glob("*/*.open"))


def test_writing_goes_on_after_a_torn_end(tmp_path: Path) -> None:
    """Also where nobody called repair: opening a file to continue it mends it first."""
    first, second = keep(tmp_path, a_hop(b"first"), a_hop(b"second"))
    (path,) = files(tmp_path)
    os.truncate(path, second.offset + 100)

    with Writer(tmp_path, software="verifier test") as writer:
        (third,) = writer.store([a_hop(b"third")], b"third", earlier=nothing_earlier)
        repairs = writer.repairs

    assert [(one.offset, one.length) for one in repairs] == [(second.offset, 100)]
    assert third.file == first.file
    assert complaints(path) == ""
    assert read(tmp_path, first.file, first.offset).body == b"first"
    assert read(tmp_path, third.file, third.offset).body == b"third"


@pytest.mark.parametrize("marked", [True, False], ids=["with its mark", "without"])
@pytest.mark.parametrize(
    "junk",
    [
        bytes(70_000),
        b"\x1f\x8b\x08\0\0\0\0\0" * 30_000,
        b"text",
        gzip.compress(b"not a record", mtime=0),
        gzip.compress(b"WARC/1.1\r\nhalf a record", mtime=0),
    ],
)
def test_bytes_that_are_no_record_are_cut_off(tmp_path: Path, junk: bytes, marked: bool) -> None:
    """After a power cut a file may end in zeros, or in blocks of another file."""
    (capture,) = keep(tmp_path / "whole", a_hop())
    whole = files(tmp_path / "whole")[0].read_bytes()
    path = crashed(tmp_path / "cut", whole + junk, synced=0 if marked else None)

    (mended,) = repair(tmp_path / "cut")

    assert (mended.offset, mended.length) == (len(whole), len(junk))
    assert path.read_bytes() == whole
    assert path.with_name(mended.kept_as).read_bytes() == junk
    assert repair(tmp_path / "cut") == ()
    assert read(tmp_path / "cut", capture.file, capture.offset).body == a_hop().body


def test_a_hole_in_what_was_never_synced_takes_the_rest_with_it(tmp_path: Path) -> None:
    """Without power, later blocks may have reached the disk before earlier ones."""
    first, second, third = keep(tmp_path / "whole", *(a_hop(os.urandom(999)) for _ in range(3)))
    whole = bytearray(files(tmp_path / "whole")[0].read_bytes())
    whole[second.offset + 40 : second.offset + 400] = bytes(360)
    path = crashed(tmp_path / "cut", bytes(whole), synced=first.offset)

    (mended,) = repair(tmp_path / "cut")

    assert mended.offset == second.offset
    assert mended.length > third.length
    assert complaints(path) == ""


def test_old_damage_does_not_cost_the_records_after_it(tmp_path: Path) -> None:
    """A flipped bit in an old record is for fixity to name; only the torn end is cut."""
    first, second, third = keep(tmp_path, *(a_hop(os.urandom(999)) for _ in range(3)))
    (path,) = files(tmp_path)
    spoiled = bytearray(path.read_bytes())
    spoiled[first.offset + 200] ^= 1
    path.write_bytes(spoiled[: third.offset + 300])

    (mended,) = repair(tmp_path)

    assert mended.offset == third.offset
    assert len(read(tmp_path, second.file, second.offset).body) == 999
    with pytest.raises(IntegrityError):
        read(tmp_path, first.file, first.offset)


@pytest.mark.parametrize("mark", ["", "nonsense", "-5", "99999999", "\xff"])
def test_a_mark_that_cannot_be_right_is_not_trusted(tmp_path: Path, mark: str) -> None:
    """The mark itself may be torn."""
    keep(tmp_path / "whole", a_hop(b"one"), a_hop(b"two"))
    whole = files(tmp_path / "whole")[0].read_bytes()
    path = crashed(tmp_path / "cut", whole + b"torn", synced=None)
    path.with_name(path.name + ".open").write_text(mark)

    (mended,) = repair(tmp_path / "cut")

    assert (mended.offset, mended.length) == (len(whole), 4)
    assert path.read_bytes() == whole


def test_a_file_left_open_long_ago_is_found(tmp_path: Path) -> None:
    """Nobody may have run the program for months after the crash."""
    for month in (1, 2, 3, 4):
        keep(tmp_path, a_hop(requested_at=NOON.replace(month=month)))
    oldest = files(tmp_path)[0]
    end = oldest.stat().st_size
    with oldest.open("ab") as stream:
        stream.write(b"torn")
    oldest.with_name(oldest.name + ".open").write_text("0\n")
    (oldest.parent / "verifier-20260101000000-00009.warc.gz.open").write_text("0\n")

    (mended,) = repair(tmp_path)

    assert (mended.file, mended.offset) == (f"2026-01/{oldest.name}", end)
    assert not list(tmp_path.glob("*/*.open"))
    assert repair(tmp_path / "missing") == ()


def test_a_second_tear_at_one_place_keeps_both_remains(tmp_path: Path) -> None:
    """What was cut off is evidence of a crash and is not overwritten by the next."""
    keep(tmp_path, a_hop())
    (path,) = files(tmp_path)
    kept = []
    for junk in (b"first tear", b"second"):
        with path.open("ab") as stream:
            stream.write(junk)
        (mended,) = repair(tmp_path)
        kept.append(path.with_name(mended.kept_as).read_bytes())

    assert kept == [b"first tear", b"second"]
    assert len(list(tmp_path.glob("*/*.torn-*"))) == 2


def test_a_killed_writer_loses_nothing_that_was_synced(tmp_path: Path) -> None:
    """kill -9 in the middle of writing; what `sync` had confirmed is there afterwards."""
    code = """
while True:
    for _ in range(7):
        capture, = writer.store([hop], hop.body, earlier=lambda u, d: None)
    writer.sync()
    print(capture.file, capture.offset, flush=True)
"""
    with child(code, tmp_path) as process:
        assert process.stdout is not None
        for _ in range(20):
            file, offset = process.stdout.readline().split()
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert list(tmp_path.glob("*/*.open"))

    repair(tmp_path)

    (path,) = files(tmp_path)
    assert complaints(path) == ""
    assert len(members(path)) >= 20 * 7 * 2
    assert read(tmp_path, file, int(offset)).body == bytes(range(256)) * 40
    assert not list(tmp_path.glob("*/*.open"))


# ---- what the system refuses -------------------------------------------------------------


def test_a_full_disk_leaves_whole_records(tmp_path: Path) -> None:
    """The system's own limit on a file's size stands for the disk; half a record must not stay."""
    code = """
import os, resource
from dataclasses import replace
from verifier.errors import StorageError

resource.setrlimit(resource.RLIMIT_FSIZE, (21_000, 21_000))
kept = 0
try:
    while True:
        writer.store([replace(hop, body=os.urandom(3000))], b"", earlier=lambda u, d: None)
        kept += 1
except StorageError as error:
    print(kept, error.place, error.cure, sep="|")
writer.store([replace(hop, body=b"small")], b"small", earlier=lambda u, d: None)
writer.close()
"""
    done = run(HOLD + code, str(tmp_path))

    assert done.stderr == ""
    kept, place, cure = done.stdout.strip().split("|")
    (path,) = files(tmp_path)
    assert (place, int(kept)) == (str(path), 5)
    assert "room" in cure
    assert complaints(path) == ""
    assert len(members(path)) == 1 + 2 * (5 + 1)
    assert not list(tmp_path.glob("*/*.open"))


def test_a_disk_full_from_the_start_leaves_no_file(tmp_path: Path) -> None:
    """An empty file would be a puzzle for the next reader."""
    code = """
import resource
from verifier.errors import StorageError

resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    writer.store([hop], hop.body, earlier=lambda u, d: None)
except StorageError as error:
    print(error)
"""
    done = run(HOLD + code, str(tmp_path))

    assert "File too large" in done.stdout
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """The user reads which place is wrong."""
    (tmp_path / "warc").write_text("a file where the folder should be")

    with pytest.raises(StorageError) as caught:
        keep(tmp_path / "warc", a_hop())

    assert str(tmp_path / "warc") in caught.value.place


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_names_the_cure(tmp_path: Path) -> None:
    """The commonest mistake: one round as root, the next as a user."""
    (tmp_path / "2026-11").mkdir(mode=0o500)

    with pytest.raises(StorageError) as caught:
        keep(tmp_path, a_hop())

    assert "user who runs verifier" in caught.value.cure


# ---- reading what is not as it was -------------------------------------------------------


def test_no_flipped_byte_changes_what_is_read(tmp_path: Path) -> None:
    """Every byte of the compressed record: read refuses, or shows what was stored."""
    (capture,) = keep(tmp_path, a_hop(b"the evidence " * 3))
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    stored = read(tmp_path, capture.file, capture.offset)
    harmless = 0
    for place in range(capture.offset, capture.offset + capture.length):
        spoiled = bytearray(whole)
        spoiled[place] ^= 0x10
        path.write_bytes(spoiled)
        with contextlib.suppress(IntegrityError):
            assert read(tmp_path, capture.file, capture.offset) == stored
            harmless += 1

    assert harmless <= 7  # the member's time, two bytes on its maker, and the last byte's padding


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"the evidence", b"the evidencE", "block differs"),
        (b"text/html", b"text/htmL", "block differs"),
        (b"WARC-Block-Digest", b"WARC-Blocc-Digest", "can't be read"),
        (b"WARC-Type: response", b"WARC-Type: resource", "not a response"),
        (b"WARC/1.1", b"WARC/9.9", "no whole record"),
        (b"WARC-Date: 2026", b"WARC-Date: then", "can't be read"),
        (b"HTTP/1.1 200", b"HTTP/1.1 twe", "block differs"),
        (b"Content-Length: ", b"Content-Length: 9", "block differs"),
    ],
)
def test_a_record_that_was_changed_and_packed_again_is_refused(
    tmp_path: Path, old: bytes, new: bytes, problem: str
) -> None:
    """A good gzip checksum says nothing of who wrote the bytes."""
    (capture,) = keep(tmp_path, a_hop(b"the evidence"))
    (path,) = files(tmp_path)
    texts = members(path)
    texts[1] = texts[1].replace(old, new)
    path.write_bytes(gzip.compress(texts[0]) + b"".join(map(gzip.compress, texts[1:])))

    with pytest.raises(IntegrityError) as caught:
        read(tmp_path, capture.file, len(gzip.compress(texts[0])))

    assert problem in caught.value.problem


def test_a_revisits_head_is_verified_too(tmp_path: Path) -> None:
    """warcio doesn't check revisits; we do."""
    (first,) = keep(tmp_path, a_hop())
    with Writer(tmp_path, software="verifier test") as writer:
        (second,) = writer.store(
            [a_hop()], a_hop().body, earlier=lambda _url, _digest: replace(first, id=1)
        )
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    text = gzip.decompress(whole[second.offset : second.offset + second.length])
    spoiled = gzip.compress(text.replace(b"text/html", b"text/HTML"))
    path.write_bytes(whole[: second.offset] + spoiled)

    with pytest.raises(IntegrityError, match="block differs"):
        read(tmp_path, second.file, second.offset)


@pytest.mark.parametrize(
    "file",
    [
        "../audit.db",
        "2026-11/../../secret.warc.gz",
        "/etc/passwd",
        "2026-11/.warc.gz",
        "2026-11/a/b.warc.gz",
        "2026-11/a.warc.gz\n",
        "2026-11\\a.warc.gz",
        "٢٠٢٦-11/a.warc.gz",
        "",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, file: str) -> None:
    """The name comes out of a database that others may write."""
    keep(tmp_path, a_hop())

    with pytest.raises(IntegrityError, match="not the name"):
        read(tmp_path, file, 0)


def test_what_is_missing_is_an_integrity_failure(tmp_path: Path) -> None:
    """A capture in the ledger whose file is gone is news of the worst kind, exit 4."""
    (capture,) = keep(tmp_path, a_hop())
    size = files(tmp_path)[0].stat().st_size

    for offset in (capture.offset + 1, size, size + 1, -1):
        with pytest.raises(IntegrityError, match="no whole record"):
            read(tmp_path, capture.file, offset)
    for offset in (0, capture.offset + capture.length):
        with pytest.raises(IntegrityError, match="not a response"):
            read(tmp_path, capture.file, offset)
    files(tmp_path)[0].unlink()
    with pytest.raises(IntegrityError, match="missing") as caught:
        read(tmp_path, capture.file, capture.offset)
    assert caught.value.exit_code == 4


def test_reading_is_bounded(tmp_path: Path) -> None:
    """A page shown on the site must not fill the memory; a bomb opens only as far as asked."""
    bomb = gzip.compress(bytes(3_000_000))
    plain, coded = keep(
        tmp_path,
        a_hop(bytes(3_000_000)),
        a_hop(bomb, headers=((b"Content-Encoding", b"gzip"),)),
    )

    with pytest.raises(StorageError, match="larger than 100000"):
        read(tmp_path, plain.file, plain.offset, limit=100_000)
    assert len(read(tmp_path, coded.file, coded.offset, limit=100_000).content) <= 100_000
    assert len(read(tmp_path, plain.file, plain.offset).body) == 3_000_000
