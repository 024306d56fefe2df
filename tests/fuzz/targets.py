"""What reads strangers' bytes, as functions of bytes that only return."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from verifier import addresses, coding, fetch, hosts, quotes, sight, sources, text
from verifier.errors import InputError
from verifier.records import Hop, Reply
from verifier.table import read_table

QUOTE = "The committee adopted the report without a vote."
_NOW = datetime(2026, 11, 1, tzinfo=UTC)


class Wanted:
    """A quotation that is looked for."""

    quote, lang = QUOTE, "en"
    from verifier.records import QuoteKind

    kind = QuoteKind.VERBATIM


def html(content: bytes) -> None:
    """A page as the round judges it."""
    _judged(content, "text/html")


def plain(content: bytes) -> None:
    """Words of any encoding: the first byte chooses the label."""
    labels = ("", "utf-8", "utf-16", "iso-2022-jp", "gb18030", "shift_jis", "x-user-defined", "?")
    label = labels[content[0] % len(labels)] if content else ""
    _judged(content[1:], f"text/plain; charset={label}")


def pdf(content: bytes) -> None:
    """A PDF."""
    text.extract(b"%PDF-1.4\n" + content, "application/pdf")


def headers(content: bytes) -> None:
    """The fields of a response that are read: content codings, types, pauses, redirects."""
    first, _, rest = content.partition(b"\0")
    field = first.decode("latin-1")
    fetch.retry_after(field, _NOW)
    decoded = coding.decode(rest, field, limit=100_000)
    assert len(decoded.content) <= 100_000
    text.extract(rest[:2000] or b"x", field)
    reference = first.decode("utf-8", "surrogateescape")
    base = addresses.parse("http://a.example/b/c?d", lambda host: host)
    joined = addresses.join(base, reference)
    try:
        address = addresses.parse(joined, _to_ascii)
    except ValueError:
        return
    assert all(0x21 <= byte <= 0x7E for byte in address.target)
    assert address.host.isascii()


def url(content: bytes) -> None:
    """An address as a row has it: what passes the row's check can be sent, or is refused."""
    words = content.decode("utf-8", "surrogateescape")
    fault, host = hosts.fault_of(words), hosts.host_of(words)
    assert bool(fault) or bool(host)
    if fault:
        return
    try:
        address = addresses.parse(words, _to_ascii)
    except ValueError:
        return
    assert b"\r" not in address.target
    assert b"\n" not in address.target
    assert address.url.isascii()


def table(content: bytes) -> None:
    """A sources.csv."""
    try:
        read_table(content, place="sources.csv", known=sources.COLUMNS, one_line=frozenset())
    except InputError:
        return


def quotation(content: bytes) -> None:
    """A quotation and the text it is looked for in, a NUL between them."""
    wanted, _, words = content.decode("utf-8", "replace").partition("\0")
    seen = text.extract(words.encode() or b"x", "text/plain; charset=utf-8")
    finding = quotes.locate(wanted, seen)
    if finding.start is not None and finding.end is not None:
        assert 0 <= finding.start <= finding.end <= len(seen.visible)


def _to_ascii(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise ValueError(str(error)) from error


def _judged(content: bytes, kind: str) -> None:
    if not content:
        return
    hop = Hop(
        url="http://a.example/page",
        requested_at=_NOW,
        request=b"",
        peer="",
        version="HTTP/1.1",
        status=200,
        reason=b"OK",
        headers=((b"Content-Type", kind.encode()),),
        body=content,
    )
    sight.judge(Reply(hops=(hop,), content=content), [Wanted()], like=True)


TARGETS: dict[str, Callable[[bytes], None]] = {
    one.__name__: one for one in (html, plain, pdf, headers, url, table, quotation)
}
