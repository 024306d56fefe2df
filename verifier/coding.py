"""Undoes the content codings of HTTP (RFC 9110, section 8.4), never beyond a limit.

A body is somebody else's bytes: it may be broken, cut or a bomb. Nothing here raises for what a
body holds; what could be decoded before a fault is kept, and the fault is named.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import brotli

MAX_LAYERS = 4  # servers that compress twice by mistake exist; more is nobody's mistake

_GZIP = 31  # zlib's window bits for a gzip member; 15 is a zlib stream, -15 bare deflate
_ZLIB = 15
_BARE = -15
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_MEMBERS = 50_000  # 20 bytes make a member: a body of nothing else would cost minutes
_PIECE = 65_536  # bytes fed at once: what follows a member is copied, and must stay short
_STEP = 512  # bytes fed at once when a fault is being located


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A body without its content codings.

    Attributes:
        content: What could be decoded; the body itself where its coding is unknown, or where
            it is not coded at all although its header says so.
        problem: "" when *content* is whole, else "cap" (there is more than the limit),
            "broken-encoding" (a fault or an early end) or "unknown-encoding".
    """

    content: bytes
    problem: str


def decode(body: bytes, content_encoding: str, *, limit: int) -> Decoded:
    """The content of *body*, at most *limit* bytes of it, also between two codings.

    Args:
        body: As it came, after transfer-decoding.
        content_encoding: The ``Content-Encoding`` field, several joined by commas; they are
            undone from the last to the first.
        limit: Bytes that no coding may produce more of.

    Understood are gzip (any number of members; what follows the last is ignored, as gzip does),
    x-gzip, deflate (with or without zlib's wrapper: servers send both), br and identity.
    """
    codings = [coding.strip().lower() for coding in content_encoding.split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if len(codings) > MAX_LAYERS:
        return Decoded(content=body[:limit], problem="unknown-encoding")
    content, problem = body, ""
    for coding in reversed(codings):
        undo = _CODINGS.get(coding)
        if undo is None:
            # What was undone so far stays; a cut below counts more than a name we don't know.
            return _capped(content, problem or "unknown-encoding", limit)
        if not content:  # a coded response without a body, as redirects often are
            break
        layer = undo(content, limit)
        content, problem = layer.content, problem or layer.problem
    return _capped(content, problem, limit)


def _capped(content: bytes, problem: str, limit: int) -> Decoded:
    if len(content) > limit:
        return Decoded(content=content[:limit], problem=problem or "cap")
    return Decoded(content=content, problem=problem)


# ---- one coding each ---------------------------------------------------------------------


def _gunzip(body: bytes, limit: int) -> Decoded:
    """All gzip members one after another (RFC 1952, section 2.2)."""
    if not body.startswith(_GZIP_MAGIC):
        return Decoded(content=body, problem="broken-encoding")
    content, place, problem = bytearray(), 0, ""
    for _ in range(_MAX_MEMBERS):
        if problem or not body.startswith(_GZIP_MAGIC, place):
            return Decoded(content=bytes(content), problem=problem)
        machine = partial(_Inflater, _GZIP)
        part, taken, problem = _drive(machine, memoryview(body)[place:], limit - len(content))
        content += part
        place += taken
    return Decoded(content=bytes(content), problem=problem or "cap")


def _inflate(body: bytes, limit: int) -> Decoded:
    """``deflate`` as RFC 9110 means it, or as some servers send it: without zlib's wrapper."""
    wrapped = len(body) > 1 and body[0] & 15 == 8 and (body[0] << 8 | body[1]) % 31 == 0
    content, problem = b"", "broken-encoding"
    for window in (_ZLIB, _BARE) if wrapped else (_BARE,):
        content, _, problem = _drive(partial(_Inflater, window), memoryview(body), limit)
        if content or not problem:
            break
    return Decoded(content=content, problem=problem)


def _unbrotli(body: bytes, limit: int) -> Decoded:
    """Brotli (RFC 7932); what follows the stream is ignored, as with gzip."""
    content, _, problem = _drive(_Unbrotli, memoryview(body), limit)
    return Decoded(content=content, problem=problem)


_CODINGS: dict[str, Callable[[bytes, int], Decoded]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
}


# ---- the machines ------------------------------------------------------------------------


class _Inflater:
    """zlib, asked for no more than there is room for."""

    def __init__(self, window: int) -> None:
        self._zlib = zlib.decompressobj(window)

    @property
    def finished(self) -> bool:
        return self._zlib.eof

    @property
    def rest(self) -> bytes:
        """What follows the stream."""
        return self._zlib.unused_data

    def feed(self, piece: bytes | memoryview, room: int) -> bytes:
        return self._zlib.decompress(piece, room) if room > 0 else b""  # 0 would mean no limit


class _Unbrotli:
    """brotli, asked for little more than there is room for: it rounds up to 32 KiB."""

    rest = b""

    def __init__(self) -> None:
        self._brotli = brotli.Decompressor()

    @property
    def finished(self) -> bool:
        try:
            return bool(self._brotli.is_finished())
        except brotli.error:  # it will not even say so after a fault
            return False

    def feed(self, piece: bytes | memoryview, room: int) -> bytes:
        parts: list[bytes] = []
        while room > 0 and not self.finished:
            part = self._brotli.process(piece, output_buffer_limit=room)
            if not part:
                break
            parts.append(part)
            room -= len(part)
            piece = b""
        return b"".join(parts)


_Machine = _Inflater | _Unbrotli


def _drive(make: Callable[[], _Machine], body: memoryview, limit: int) -> tuple[bytes, int, str]:
    """Run *body* through a machine: at most *limit* bytes, how many were taken, the problem."""
    machine, place, content = make(), 0, bytearray()
    try:
        while place < len(body) and len(content) <= limit and not machine.finished:
            piece = body[place : place + _PIECE]
            content += machine.feed(piece, limit + 1 - len(content))
            place += len(piece) - len(machine.rest)
    except (zlib.error, brotli.error):
        machine, content = _salvage(make, body, limit + 1)
    if len(content) > limit:
        return bytes(content[:limit]), place, "cap"
    return bytes(content), place, "" if machine.finished else "broken-encoding"


def _salvage(
    make: Callable[[], _Machine], body: memoryview, room: int
) -> tuple[_Machine, bytearray]:
    """All that comes before the fault, which makes a machine drop what it held in its hands.

    The fault is found in steps; what precedes its step is fed at once, the step byte by byte.
    """
    machine, left, good = make(), room, 0
    with suppress(zlib.error, brotli.error):
        while good < len(body) and left > 0 and not machine.finished:
            left -= len(machine.feed(body[good : good + _STEP], left))
            good += _STEP
    # The loop can also end on a full room or a finished stream: then its last step was good.
    machine = make()
    content = bytearray(machine.feed(body[:good], room))
    with suppress(zlib.error, brotli.error):
        for place in range(good, min(good + _STEP, len(body))):
            if machine.finished or len(content) >= room:
                break
            content += machine.feed(body[place : place + 1], room - len(content))
    return machine, content
