"""Goes through a WARC file from its first byte to its last, and says what is not as written.

Part of the edge whose door is `verifier.warc`. Nothing is changed, and a record is held in
memory at a time.
"""

from __future__ import annotations

import base64
import hashlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from isal import igzip

from verifier.coding import decode
from verifier.warc_files import RECORD_END, next_member, storage_errors

LARGEST = 96 << 20
"""Bytes of the largest record that can be ours: a body of 32 MB, its heads, and room."""

_PIECE = 64 << 10
_BEGIN: bytes = igzip.compress(b"", 1, mtime=0)[:10]
"""The gzip header of every member of ours: its CRC does not cover these ten bytes."""

_TRAILER = 8
_KINDS = {"warcinfo", "response", "request", "revisit"}
_DECODED = (64 << 20, 8 << 20)  # bytes; of a page, and of a redirect's courtesy page


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A record whose member is whole and whose digests are right.

    Attributes:
        offset, end: Of the gzip member, in the compressed file.
        fields: The WARC fields, names in lower case.
        payload_sha256, payload_sha1: Of the body as it came, as the table ``captures`` has them.
        contents: SHA-256 that the body may have after content-decoding.
        status: Of a response or revisit; else 0.
    """

    offset: int
    end: int
    fields: dict[str, str]
    payload_sha256: str = ""
    payload_sha1: str = ""
    body_length: int = 0
    contents: frozenset[str] = frozenset()
    status: int = 0

    @property
    def kind(self) -> str:
        """The ``WARC-Type``."""
        return self.fields.get("warc-type", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Bytes of the file that are not what was written there."""

    offset: int
    end: int
    problem: str


def walk(path: Path) -> Iterator[Whole | Broken]:
    """Every record of the file, and every stretch that is none, in order.

    Raises:
        StorageError: The file can't be read.
    """
    with storage_errors(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield from _walk(descriptor, os.fstat(descriptor).st_size)
        finally:
            os.close(descriptor)


def _walk(descriptor: int, size: int) -> Iterator[Whole | Broken]:
    place = 0
    while place < size:
        found = _member(descriptor, place)
        if isinstance(found, str):
            resumed = _resume(descriptor, place + 1, size)
            yield Broken(offset=place, end=resumed, problem=found)
            place = resumed
            continue
        text, end, flaw = found
        record = _record(text, place, end)
        if flaw and isinstance(record, Whole):
            record = Broken(offset=place, end=end, problem=flaw)
        yield record
        place = end


def _resume(descriptor: int, place: int, size: int) -> int:
    """Where the next whole member begins; *size* when nowhere."""
    while (place := next_member(descriptor, place, size)) < size:
        if not isinstance(_member(descriptor, place), str):
            return place
        place += 1
    return size


def _member(descriptor: int, offset: int) -> tuple[bytes, int, str] | str:
    """``(text, end, flaw)`` of the gzip member at *offset*, or why there is none.

    The flaw is of bits that decompress to the same: in the header, and after the last code.
    """
    engine = zlib.decompressobj(wbits=31)
    pieces: list[bytes] = []
    length, place, piece = 0, offset, b""
    while not engine.eof:
        if not piece:
            piece = os.pread(descriptor, _PIECE, place)
            place += len(piece)
            if not piece:
                return "a record is cut short" if pieces else "bytes that are no record"
        try:
            text = engine.decompress(piece, 1 << 20)
        except zlib.error as error:
            return f"a gzip member is damaged ({error})"
        pieces.append(text)
        length += len(text)
        if length > LARGEST:
            return f"a record larger than {LARGEST} bytes"
        piece = engine.unconsumed_tail
    end = place - len(engine.unused_data)
    flaw = ""
    if os.pread(descriptor, len(_BEGIN), offset) != _BEGIN:
        flaw = "the header of a gzip member is not as it was written"
    elif _loose_bits(descriptor, offset, end):
        flaw = "bits after the last code of a gzip member are set"
    return b"".join(pieces), end, flaw


def _loose_bits(descriptor: int, offset: int, end: int) -> bool:
    """Whether bits are set that fill up the member's last byte: written they are zero."""
    last = end - _TRAILER - 1
    byte = os.pread(descriptor, 1, last)[0]
    if byte == 0:
        return False
    engine = zlib.decompressobj(wbits=-15)
    place = offset + len(_BEGIN)
    while place < last:
        piece = os.pread(descriptor, min(_PIECE, last - place), place)
        if not piece:
            return False
        engine.decompress(piece)
        place += len(piece)
    rest = engine.copy().decompress(bytes((byte,)))
    for used in range(7, -1, -1):
        kept = byte & ((1 << used) - 1)
        if kept == byte:
            continue
        trial = engine.copy()
        try:
            same = trial.decompress(bytes((kept,))) == rest and trial.eof
        except zlib.error:
            same = False
        if same:
            return True
    return False


def _record(text: bytes, offset: int, end: int) -> Whole | Broken:
    """What stands in a member; its digests recounted."""

    def broken(problem: str) -> Broken:
        return Broken(offset=offset, end=end, problem=problem)

    head, blank, rest = text.partition(RECORD_END)
    lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    if not blank or not lines[0].startswith("WARC/1."):
        return broken("a gzip member that is no WARC record")
    fields: dict[str, str] = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    size = fields.get("content-length", "")
    if not size.isdigit() or len(rest) != int(size) + len(RECORD_END):
        return broken("a record's length is not the one it names")
    block = memoryview(rest)[: int(size)]
    if rest[int(size) :] != RECORD_END:
        return broken("a record does not end as records do")
    if fields.get("warc-block-digest") != f"sha256:{hashlib.sha256(block).hexdigest()}":
        return broken("a record differs from its digest")
    kind = fields.get("warc-type", "")
    if kind not in _KINDS or not fields.get("warc-record-id"):
        return broken(f"a record of a kind that is not ours ({kind[:40]!r})")
    if kind not in ("response", "revisit"):
        return Whole(offset=offset, end=end, fields=fields)
    return _response(bytes(block), fields, offset, end) or broken("a response can't be read")


def _response(block: bytes, fields: dict[str, str], offset: int, end: int) -> Whole | None:
    head, _, body = block.partition(RECORD_END)
    first = head.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(first) < 2 or not first[1].isdigit():
        return None
    told = fields.get("warc-payload-digest", "").removeprefix("sha256:")
    if fields["warc-type"] == "revisit":
        return Whole(
            offset=offset, end=end, fields=fields, payload_sha256=told, status=int(first[1])
        )
    payload = hashlib.sha256(body).hexdigest()
    if payload != told:
        return None
    return Whole(
        offset=offset,
        end=end,
        fields=fields,
        payload_sha256=payload,
        payload_sha1=base64.b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode(),
        body_length=len(body),
        contents=_contents(head, body, payload),
        status=int(first[1]),
    )


def _contents(head: bytes, body: bytes, payload: str) -> frozenset[str]:
    coded = [
        value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
        if name.strip().lower() == b"content-encoding"
    ]
    coding = b", ".join(coded).decode("latin-1")
    if not coding:
        return frozenset((payload,))
    return frozenset(
        hashlib.sha256(decode(body, coding, limit=limit).content).hexdigest() for limit in _DECODED
    )
