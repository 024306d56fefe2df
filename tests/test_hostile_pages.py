"""Pages made to break whoever reads them: each costs itself, and nothing else."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path

import brotli
import pytest

from tests.loopback import Answer, Site, Visit, chunked, cut, drip, hang, page, raw, redirect, reset
from tests.program import Program

MEASURE = (
    "import resource, subprocess, sys\n"
    "code = subprocess.call(sys.argv[1:])\n"
    "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10\n"
    "print(f'\\npeak {peak} MB', file=sys.stderr)\n"
    "sys.exit(code)\n"
)
HOSTS = tuple(f"127.0.0.{number}" for number in range(2, 12))
WORDS = "The words that a source quotes stand on every page that can be read."
HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


def coded(body: bytes, coding: str, **more: str) -> Answer:
    """A page that says how it is coded."""
    kind = more.get("kind", "text/html")
    return page(body, headers=[("Content-Encoding", coding)], content_type=kind)


def nested(body: bytes, times: int) -> bytes:
    """gzip within gzip."""
    for _ in range(times):
        body = gzip.compress(body, 6, mtime=0)
    return body


def pdf(stream: bytes, filters: str) -> bytes:
    """A PDF of one page whose content is *stream*."""
    return (
        b"%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R/MediaBox[0 0 9 9]>>endobj\n"
        b"4 0 obj<</Length %d/Filter%b>>stream\n%b\nendstream endobj\n"
        b"trailer<</Root 1 0 R>>\n%%%%EOF" % (len(stream), filters.encode(), stream)
    )


def endless() -> Iterable[bytes | float]:
    """A body that never ends."""
    yield HTTP + b"\r\n<p>"
    while True:
        yield b"more and more and " * 4000


BOMB = b"<p>" + WORDS.encode() + b" and so on" * 300_000

PAGES: dict[str, tuple[Answer, str]] = {
    # bombs
    "gzip-bomb": (coded(gzip.compress(BOMB, mtime=0), "gzip"), "live"),
    "gzip-in-gzip": (coded(nested(BOMB, 3), "gzip, gzip, gzip"), "live"),
    "gzip-in-gzip-unsaid": (coded(nested(BOMB, 3), "gzip"), "live"),
    "five-codings": (coded(nested(BOMB, 5), "gzip, gzip, gzip, gzip, gzip"), "live"),
    "many-members": (coded(gzip.compress(b"", mtime=0) * 20_000, "gzip"), "suspect"),
    "deflate-bomb": (coded(zlib.compress(BOMB), "deflate"), "live"),
    "brotli-bomb": (coded(brotli.compress(BOMB, quality=1), "br"), "live"),
    "unknown-coding": (coded(b"\x00\x01\x02" * 99, "zstd"), "live"),
    "lying-coding": (coded(f"<p>{WORDS}".encode(), "gzip"), "live"),
    "broken-gzip": (coded(gzip.compress(BOMB, mtime=0)[:3000], "gzip"), "live"),
    "pdf-bomb": (
        page(pdf(zlib.compress(zlib.compress(bytes(20_000_000))), "[/FlateDecode/FlateDecode]"),
             content_type="application/pdf"),
        "live",
    ),
    "pdf-loop": (
        page(b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids"
             b"[2 0 R 2 0 R]/Count 99999999>>endobj\ntrailer<</Root 1 0 R>>",
             content_type="application/pdf"),
        "live",
    ),
    # markup
    "deep": (page("<div>" * 20_000 + WORDS), "live"),
    "deep-unclosed": (page("<b><i><a>" * 9_000 + WORDS), "live"),
    "many-tags": (page("<p>x" * 150_000 + WORDS), "live"),
    "many-attributes": (page("<p " + "a=b " * 80_000 + ">" + WORDS), "live"),
    "one-line": (page("x" * 2_000_000 + WORDS), "live"),
    "many-entities": (page("&amp;&#x41;&nbsp;" * 60_000 + WORDS), "live"),
    "comment": (page("<!--" * 80_000 + WORDS), "suspect"),
    "tables": (page("<table>" * 5_000 + WORDS), "live"),
    "nuls": (page(b"<p>\0\0\0" * 50_000 + WORDS.encode()), "live"),
    "doctype": (page("<!DOCTYPE html [" + "<!ENTITY a '&a;'>" * 9_999 + "]><p>" + WORDS), "live"),
    "billion-laughs": (
        page("<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a 'ha'>"
             + "".join(f"<!ENTITY a{n + 1} '{f'&a{n or str()};' * 10}'>" for n in range(12))
             + "]><l>&a12;</l>", content_type="application/xml"),
        "live",
    ),
    # encodings that lie
    "utf-16-said": (page(f"<p>{WORDS}", content_type="text/html; charset=utf-16"), "live"),
    "utf-7-said": (page("+ADw-script+AD4-", content_type="text/html; charset=utf-7"), "live"),
    "python-codec": (page(f"<p>{WORDS}", content_type="text/html; charset=zlib"), "live"),
    "idna-codec": (page(f"<p>{WORDS}", content_type="text/html; charset=punycode"), "live"),
    "half-surrogates": (page(b"<p>\xed\xa0\x80\xff\xfe\xf5" * 999), "live"),
    "two-marks": (page(b"\xff\xfe\xef\xbb\xbf<p>" + WORDS.encode()), "live"),
    "iso-2022": (page(b"<p>\x1b$B" * 9999, content_type="text/html; charset=iso-2022-jp"), "live"),
    "type-injection": (page(WORDS, content_type="text/html\x00; charset=\xe9\xff"), "suspect"),
    "not-a-picture": (page(f"<script>{WORDS}</script>", content_type="image/svg+xml"), "unchecked"),
    # the wire
    "head-of-a-megabyte": (raw(HTTP + b"X: " + b"y" * (1 << 20) + b"\r\n\r\nbody"), "suspect"),
    "ten-thousand-fields": (raw(HTTP + b"X: y\r\n" * 10_000 + b"\r\nbody"), "suspect"),
    "endless-head": (drip(b"X: y\r\n" * 99, every=0.1, after=HTTP), "suspect"),
    "dripping-body": (drip(WORDS.encode() * 9, every=0.1, after=HTTP + b"\r\n<p>"), "live"),
    "endless-body": (Answer(steps=endless(), close=True), "live"),
    "endless-chunks": (chunked(*[b"a"] * 3_000, whole=False), "live"),
    "wrong-chunk": (raw(HTTP + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nbody\r\n"), "suspect"),
    "huge-chunk": (raw(HTTP + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17), "suspect"),
    "negative-chunk": (raw(HTTP + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nbody\r\n"), "suspect"),
    "negative-length": (raw(HTTP + b"Content-Length: -5\r\n\r\nbody"), "suspect"),
    "two-lengths": (raw(HTTP + b"Content-Length: 4\r\nContent-Length: 9\r\n\r\nbody"), "suspect"),
    "length-and-chunks": (
        raw(HTTP + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n"),
        "suspect",
    ),
    "short-body": (cut(b"<p>" + WORDS.encode(), promised=9_999), "live"),
    "no-body": (cut(b"", promised=9_999), "suspect"),
    "no-http": (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "suspect"),
    "bare-body": (raw(b"<html>old servers did this</html>"), "suspect"),
    "http-0": (raw(b"HTTP/0.9 200 OK\r\n\r\n<p>x"), "live"),
    "http-9": (raw(b"HTTP/9.9 200 OK\r\n\r\n<p>x"), "any"),
    "status-words": (raw(b"HTTP/1.1 two hundred\r\n\r\n<p>x"), "suspect"),
    "status-huge": (raw(b"HTTP/1.1 20000 OK\r\n\r\n<p>x"), "suspect"),
    "folded": (raw(HTTP + b"X: a\r\n b\r\n\r\n<p>" + WORDS.encode()), "any"),
    "line-feeds": (raw(b"HTTP/1.1 200 OK\nX: a\n\n<p>x"), "any"),
    "space-before-colon": (raw(HTTP + b"X : a\r\n\r\n<p>x"), "any"),
    "escape-in-field": (raw(HTTP + b"X: \x1b[2J\r\n\r\n<p>x"), "any"),
    "reset": (reset(HTTP + b"Content-Length: 99\r\n\r\nx"), "any"),
    "reset-at-once": (reset(b""), "suspect"),
    "hang": (hang(30), "suspect"),
    "switches": (raw(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n\0\1\2"), "any"),
    "many-continues": (raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 5_000 + HTTP + b"\r\n<p>x"), "any"),
    # where it leads
    "to-itself": (redirect("/to-itself"), "suspect"),
    "long-location": (redirect("/" + "x" * 100_000), "any"),
    "empty-location": (redirect(""), "any"),
    "retry-for-ever": (page("", status=429, headers=[("Retry-After", "9" * 400)]), "blocked"),
    "retry-nonsense": (page("", status=429, headers=[("Retry-After", "\xff-1e99")]), "blocked"),
    "refreshes": (page('<meta http-equiv=refresh content="0;url=/refreshes">'), "any"),
}  # fmt: skip


def test_hostile_pages_cost_themselves_and_nothing_else(tmp_path: Path) -> None:
    """
    The round ends, says of each what its status and headers tell, and takes no more memory than
    a page may; a good page behind them is read as ever.
    """
    program = Program(tmp_path, deadline=3, host_pause=0)
    rows = []
    with Site(*HOSTS) as site:
        site.set("/maze", lambda visit: redirect(f"{visit.target}x"))
        for place, (name, (answer, _)) in enumerate(PAGES.items()):
            host = HOSTS[place % len(HOSTS)]
            site.set(f"{host}/{name}", answer)
            rows.append({"id": name, "url": site.url(f"/{name}", host=host), "quote": WORDS})
        site.set("/good", page(f"<title>Good</title><p>{WORDS}"))
        rows += [{"id": f"good-{n}", "url": site.url(f"/good?{n}", host=HOSTS[n]), "quote": WORDS}
                 for n in range(10)]  # fmt: skip
        rows.append({"id": "maze", "url": site.url("/maze?", host=HOSTS[0])})
        program.write(*rows)
        program.before = (sys.executable, "-c", MEASURE)

        with program.start("run", "--all", "--no-preserve") as process:
            _, complaint = process.communicate(timeout=115)

    assert process.returncode in (0, 1), complaint
    link, quote = program.audit("link"), program.audit("quote")
    wrong = {
        name: link.get(name)
        for name, (_, expected) in PAGES.items()
        if link.get(name) != expected
        and not (expected == "any" and link.get(name) in ("live", "moved", "suspect", "unchecked"))
    }
    assert not wrong
    assert link["maze"] == "suspect"
    assert {quote[f"good-{n}"] for n in range(10)} == {"found"}
    assert {link[f"good-{n}"] for n in range(10)} == {"live"}
    assert program.sql("SELECT count(*) FROM checks") == [(len(rows),)]
    peak = int(complaint.rpartition("peak ")[2].split()[0])
    assert peak < 1100, "a process took more memory than a page may cost"


@pytest.mark.parametrize("kind", ["whole", "without a body"])
def test_every_status_that_can_be_sent_gets_an_answer(tmp_path: Path, kind: str) -> None:
    """
    Servers invent numbers; none of them may end a round or kill a source at a first look.
    """
    program = Program(tmp_path, host_pause=0, deadline=5)

    def answer(visit: Visit) -> Answer:
        status = int(visit.target.strip("/"))
        line = b"HTTP/1.1 %d Whatever\r\n" % status
        more = b"" if kind == "whole" else b"Content-Length: 0\r\n"
        return raw(line + more + b"Content-Type: text/html\r\n\r\n<p>words of a page")

    statuses = range(200, 1000) if kind == "whole" else range(100, 1000, 7)
    with Site(*HOSTS) as site:
        site.default = answer
        program.write(
            *({"id": f"{n}", "url": site.url(f"/{n}", host=HOSTS[n % 10])} for n in statuses)
        )
        done = program.run("run", "--all", "--no-preserve")

    assert done.returncode in (0, 1), done.stderr
    link = program.audit("link")
    assert set(link) == {str(n) for n in statuses}
    assert set(link.values()) <= {"live", "moved", "blocked", "suspect", "unchecked"}
    if kind == "whole":
        assert {link[str(n)] for n in (200, 203, 206)} == {"live"}
        assert {link[str(n)] for n in (401, 403, 429, 451, 999)} == {"blocked"}
        assert {link[str(n)] for n in (404, 410, 500, 502)} == {"suspect"}
        assert link["503"] == "unchecked"
