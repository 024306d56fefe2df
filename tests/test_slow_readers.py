"""Clients that read or write a byte at a time hold up nobody else at the site."""

from __future__ import annotations

import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests.program import Program, until
from tests.site_data import Archive

SLOW = 20  # of each kind
LONG = "/audit/audit.csv?_size=max"
PAGES = ("/", "/audit/audit?_size=5", "/audit/audit/s1", "/audit/summary.json", LONG)


@pytest.fixture(scope="module")
def serving(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A site with a hundred long rows, and its port."""
    program = Program(tmp_path_factory.mktemp("slow"))
    archive = Archive.new(program.folder / "archive")
    archive.run()
    for number in range(100):
        archive.source(f"s{number}", claim=f"claim {number} " + "words " * 6000)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with program.start("serve", "--port", str(port)) as site:
        try:
            until(lambda: get(port, "/") > 0)
            yield site, port
        finally:
            site.kill()


def get(port: int, path: str) -> int:
    """Bytes of a page; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return len(answer.read())
    except urllib.error.HTTPError:
        raise
    except OSError:
        return 0


def connected(port: int) -> socket.socket:
    """A connection with hardly any room for what comes."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.settimeout(30)
    client.connect(("127.0.0.1", port))
    return client


def test_who_reads_or_writes_a_byte_at_a_time_holds_up_nobody(
    serving: tuple[subprocess.Popen[str], int],
) -> None:
    """
    One telephone in a tunnel, or somebody who means it, must not take the site from all others;
    nor keep it from ending when it is told to.
    """
    site, port = serving
    assert get(port, LONG) > 2_000_000  # more than the system holds for a reader
    with ExitStack() as stack:
        readers, writers, mutes = (
            [stack.enter_context(closing(connected(port))) for _ in range(SLOW)] for _ in range(3)
        )
        for reader in readers:
            reader.sendall(f"GET {LONG} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "
        for byte in range(20):
            assert all(reader.recv(1) for reader in readers)
            for writer in writers:
                writer.sendall(head[byte : byte + 1])
            path = PAGES[byte % len(PAGES)]
            assert get(port, path) > 0

        assert all(reader.recv(1) for reader in readers)  # served still, each at its own pace
        writers[0].sendall(head[20:] + b"\r\n\r\n")
        assert writers[0].recv(12) == b"HTTP/1.1 200"
        mutes[0].sendall(head + b"\r\n\r\n")
        assert mutes[0].recv(12) == b"HTTP/1.1 200"

        site.send_signal(signal.SIGTERM)
        _, complaint = site.communicate(timeout=60)
    assert site.returncode == 143
    assert complaint == ""  # that somebody was cut off is no fault
