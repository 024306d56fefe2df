"""TLS of every wrong kind: each is named, none is taken, and the other pages are fetched."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
import struct
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import pytest
import trustme

from tests.loopback import Site, page
from verifier.fetch import Fetcher, Limits
from verifier.records import Failure, Fetched, NoReply, Reply

HOST = "127.0.0.1"
DAY = datetime.timedelta(days=1)
QUICK = Limits(deadline=2, hop=2, lookup=1, connect=1)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusted(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def fetch(trusted: str, url: str) -> Fetched:
    async def ask() -> Fetched:
        async with Fetcher(
            user_agent="test/1", limits=QUICK, allow_private=True, ca_file=trusted
        ) as fetcher:
            return await fetcher.get(url)

    return asyncio.run(ask())


def server(leaf: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context


# ---- certificates ------------------------------------------------------------------------


def good(authority: trustme.CA) -> ssl.SSLContext:
    return server(authority.issue_cert(HOST))


def expired(authority: trustme.CA) -> ssl.SSLContext:
    now = datetime.datetime.now(datetime.UTC)
    return server(authority.issue_cert(HOST, not_before=now - 30 * DAY, not_after=now - DAY))


def not_yet_valid(authority: trustme.CA) -> ssl.SSLContext:
    now = datetime.datetime.now(datetime.UTC)
    return server(authority.issue_cert(HOST, not_before=now + DAY, not_after=now + 30 * DAY))


def for_another_host(authority: trustme.CA) -> ssl.SSLContext:
    return server(authority.issue_cert("other.example"))


def with_the_name_in_the_wrong_place(authority: trustme.CA) -> ssl.SSLContext:
    return server(authority.issue_cert("other.example", common_name=HOST))


def by_a_stranger(authority: trustme.CA) -> ssl.SSLContext:
    del authority
    return server(trustme.CA().issue_cert(HOST))


def by_itself(authority: trustme.CA) -> ssl.SSLContext:
    """An authority's own certificate, which nobody else has signed, as a server's."""
    del authority
    own = trustme.CA()
    return _with_chain(own.private_key_pem.bytes(), own.cert_pem.bytes())


def without_the_one_between(authority: trustme.CA) -> ssl.SSLContext:
    leaf = authority.create_child_ca().issue_cert(HOST)
    return _with_chain(leaf.private_key_pem.bytes(), leaf.cert_chain_pems[0].bytes())


def _with_chain(key: bytes, certificates: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with trustme.Blob(key + certificates).tempfile() as path:
        context.load_cert_chain(path)
    return context


# ---- handshakes --------------------------------------------------------------------------


def of_1999(authority: trustme.CA) -> ssl.SSLContext:
    context = good(authority)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def without_a_common_cipher(authority: trustme.CA) -> ssl.SSLContext:
    context = good(authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("NULL:@SECLEVEL=0")  # the only ones left encrypt nothing
    return context


def that_wants_a_certificate_of_ours(authority: trustme.CA) -> ssl.SSLContext:
    context = good(authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    return context


def that_knows_no_such_name(authority: trustme.CA) -> ssl.SSLContext:
    context = good(authority)
    context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    return context


@pytest.mark.parametrize(
    ("made", "failure"),
    [
        (expired, Failure.TLS_EXPIRED),
        (not_yet_valid, Failure.TLS_EXPIRED),
        (for_another_host, Failure.TLS_WRONG_HOST),
        (with_the_name_in_the_wrong_place, Failure.TLS_WRONG_HOST),
        (by_a_stranger, Failure.TLS_UNTRUSTED),
        (by_itself, Failure.TLS_UNTRUSTED),
        (without_the_one_between, Failure.TLS_UNTRUSTED),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_server_with_wrong_tls_is_named_and_sees_no_request(
    authority: trustme.CA,
    trusted: str,
    made: Callable[[trustme.CA], ssl.SSLContext],
    failure: Failure,
) -> None:
    """
    Each has its own cure; and what goes to a stranger must not be read by one.
    """
    with Site(tls=made(authority)) as site:
        site.default = page("nobody may read this")
        fetched = fetch(trusted, site.url("/"))
        assert site.visits == []

    assert isinstance(fetched, NoReply), fetched
    assert fetched.failure is failure, fetched.detail


@contextmanager
def port_where(act: Callable[[socket.socket], object]) -> Iterator[int]:
    """A port of which each connection is treated so, one after another, and closed."""
    with socket.create_server((HOST, 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with closing(connection), suppress(OSError):
                        connection.settimeout(5)
                        act(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize(
    "made",
    [
        of_1999,
        without_a_common_cipher,
        that_wants_a_certificate_of_ours,
        that_knows_no_such_name,
    ],
    ids=lambda made: made.__name__,
)
def test_a_handshake_that_the_server_ends_is_named(
    authority: trustme.CA, trusted: str, made: Callable[[trustme.CA], ssl.SSLContext]
) -> None:
    """
    The server's own alert says so; it is not taken for a server that hung up.
    """
    context = made(authority)

    def shake_hands(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True)

    with port_where(shake_hands) as port:
        fetched = fetch(
            trusted,
            f"https://localhost:{port}/" if "name" in made.__name__ else f"https://{HOST}:{port}/",
        )

    assert isinstance(fetched, NoReply), fetched
    assert fetched.failure is Failure.TLS_FAILED, fetched.detail


ALERT = b"\x15\x03\x03\x00\x02\x02"  # a fatal alert; its number follows


def says(words: bytes) -> Callable[[socket.socket], object]:
    """Answers a greeting with these bytes."""

    def say(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(words)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass

    return say


def hangs_up(connection: socket.socket) -> None:
    connection.recv(4096)


def resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.recv(1)


def drips(connection: socket.socket) -> None:
    """A record of 16 KB, of which a byte comes now and then, until the client has enough."""
    connection.recv(4096)
    connection.sendall(b"\x16\x03\x03\x40\x00")
    connection.settimeout(0.05)
    for _ in range(200):
        connection.sendall(b"\x02")
        with suppress(TimeoutError):
            if not connection.recv(4096):
                return


BYTES = {
    "plain HTTP": (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), {Failure.TLS_FAILED}),
    "SSH": (says(b"SSH-2.0-OpenSSH_9.2\r\n"), {Failure.TLS_FAILED}),
    "noise": (says(bytes(range(255, 0, -1)) * 8), {Failure.TLS_FAILED}),
    "a record of a wrong length": (says(b"\x16\x03\x03\xff\xff" + b"x" * 70000), None),
    "a greeting of nothing": (says(b"\x16\x03\x03\x00\x04\x02\x00\x00\x00"), None),
    "no such name": (says(ALERT + b"\x70"), {Failure.TLS_FAILED}),
    "handshake failure": (says(ALERT + b"\x28"), {Failure.TLS_FAILED}),
    "no such version": (says(ALERT + b"\x46"), {Failure.TLS_FAILED}),
    "an alert that nobody knows": (says(ALERT + b"\xfe"), {Failure.TLS_FAILED}),
    "warnings for ever": (says(b"\x15\x03\x03\x00\x02\x01\x70" * 5000), None),
    "half a record": (says(b"\x16\x03\x03\x40\x00half"), None),
    "hangs up": (hangs_up, None),
    "resets": (resets, None),
    "drips": (drips, {Failure.CONNECTION_TIMEOUT, Failure.DEADLINE}),
}
"""What stands on the port, and how it may be called; None: any failure of the connection."""

ANY = {Failure.TLS_FAILED, Failure.DISCONNECTED, Failure.CONNECTION_REFUSED}


@pytest.mark.parametrize("name", BYTES)
def test_what_is_no_handshake_costs_that_page_only(trusted: str, name: str) -> None:
    """
    No byte of it reaches anything but OpenSSL, and the fault is one of the page.
    """
    act, failures = BYTES[name]
    with port_where(act) as port:
        fetched = fetch(trusted, f"https://{HOST}:{port}/")

    assert isinstance(fetched, NoReply), fetched
    assert fetched.failure in (failures or ANY), (fetched.failure, fetched.detail)


def test_the_server_of_these_tests_can_be_read(authority: trustme.CA, trusted: str) -> None:
    """
    The same server with nothing wrong: what fails above fails for its fault alone.
    """
    with Site(tls=good(authority)) as site:
        site.default = page("read")
        fetched = fetch(trusted, site.url("/"))

    assert isinstance(fetched, Reply)
    assert fetched.content == b"read"
