"""Keeps what came over the wire in WARC files, and reads it back.

WARC 1.1 (ISO 28500:2017), one gzip member a record. A file has one writer at a time, held by an
advisory lock. While it is written, a file ``….warc.gz.open`` stands beside it and names the offset
up to which it is known to be on the disk: there `repair` begins to look after a crash.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from io import BytesIO
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from isal import igzip
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecordLoader
from warcio.statusandheaders import StatusAndHeaders, StatusAndHeadersParser

from verifier.coding import decode
from verifier.errors import IntegrityError, StorageError
from verifier.records import Capture, Hop, StoredResponse, Truncated
from verifier.warc_files import (
    RECORD_END,
    GrowingFile,
    Repair,
    inflate,
    make_folder,
    storage_errors,
)

FORMAT = "WARC File Format 1.1"
CONFORMS_TO = "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"
REVISIT_PROFILE = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
RENAMED = b"X-Archive-Orig-"  # stands before Transfer-Encoding, which the stored body no longer has

Earlier = Callable[[str, str], Capture | None]

_REDIRECT_LIMIT = 8 << 20  # bytes; a redirect's body is a courtesy page, not a source
_EMPTY_SHA256 = hashlib.sha256().hexdigest()
_OURS = "verifier-*.warc.gz"
_FILE_NAME = re.compile(r"\d{4}-\d{2}/[A-Za-z0-9][A-Za-z0-9._-]*\.warc\.gz", re.ASCII)
_PLAIN_URL = re.compile(r"[!-~]+")
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
_LINE_BREAKS = re.compile(rb"[\r\n]+")

_RESTORE = "Restore the file from a backup of the archive."


class Writer:
    """Writes captures into the WARC files below a folder; owned by one thread.

    A file is opened with the first capture: the newest one of the month that has room and that
    nobody else writes, or else a new one. A chain of a later month goes into that month's file;
    a late chain of an earlier month stays in the file at hand. Every stretch that a writer adds
    to a file begins with a ``warcinfo`` naming the software.
    """

    def __init__(
        self, folder: Path, *, software: str, max_bytes: int = 1 << 30, tag: str = ""
    ) -> None:
        """Prepare to write; no file is touched before the first capture.

        Args:
            folder: ``archive/warc``; made when it is missing.
            software: Name and version for the ``warcinfo``.
            max_bytes: A file that has reached this size gets no further chain.
            tag: ASCII letters and digits for the names of new files, such as a worker's number.
        """
        if tag and not (tag.isascii() and tag.isalnum()):
            msg = f"tag is not letters and digits: {tag!r}"
            raise ValueError(msg)
        self._folder = folder
        self._software = " ".join(software.split())
        self._max_bytes = max_bytes
        self._tag = tag
        self._file: GrowingFile | None = None
        self._month = ""
        self._warcinfo_id = ""
        self._repairs: list[Repair] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def repairs(self) -> tuple[Repair, ...]:
        """Torn ends that were met when files were opened to be continued."""
        return tuple(self._repairs)

    def store(
        self, hops: Sequence[Hop], content: bytes | None, *, earlier: Earlier
    ) -> tuple[Capture, ...]:
        """Keep a chain: for every hop its response, or a revisit, and its request.

        All of the chain is written, or none of it. It is on the disk for certain after `sync`.

        Args:
            content: Body of the last hop after content-decoding; None where it is not at hand
                (a chain that broke off), then it is decoded here.
            earlier: Given an address and the SHA-256 of a body as it came: the capture in the
                ledger that holds this body in full, if there is one. It is not asked about
                bodies that are empty or truncated; a capture without an id, or one that is itself
                a revisit, is not referred to.

        Returns:
            One capture a hop, in order. Times are cut to seconds, as in the records, so that a
            14-digit timestamp names them exactly. The ``sha256`` of a body that can't be decoded
            is of what was had of it.

        Raises:
            StorageError: Nothing of the chain was kept; the file ends with its last whole record.
        """
        if not hops:
            return ()
        file = self._file_for(hops[0].requested_at)
        members: list[bytes] = []
        captures: list[Capture] = []
        offset = file.end
        for place, hop in enumerate(hops):
            whole = content if place == len(hops) - 1 else None
            capture, response = self._response(
                hop, whole, earlier, hop_number=place, file=file.name, offset=offset
            )
            request = self._request(hop, capture) if hop.request else b""
            captures.append(capture)
            members += [response, request]
            offset += len(response) + len(request)
        file.append(members)
        return tuple(captures)

    def sync(self) -> None:
        """Bring everything stored so far onto the disk.

        Raises:
            StorageError: The disk refuses.
        """
        if self._file is not None:
            self._file.sync()

    def close(self) -> None:
        """Sync, and let go of the file; a further `store` opens one again.

        Raises:
            StorageError: The disk refuses.
        """
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _file_for(self, moment: datetime) -> GrowingFile:
        moment = moment.astimezone(UTC)
        month = f"{moment:%Y-%m}"
        if self._file is not None and month <= self._month and self._file.end < self._max_bytes:
            return self._file
        self.close()
        file = self._newest(month) or self._new(month, moment)
        try:
            file.append([self._warcinfo(file, moment)])
        except BaseException:
            file.abandon()
            raise
        self._file, self._month = file, month
        return file

    def _newest(self, month: str) -> GrowingFile | None:
        """The newest file of the month that has room and no other writer."""
        for path in sorted((self._folder / month).glob(_OURS), reverse=True):
            file = GrowingFile.take(path)
            if file is None:
                continue
            if file.repair is not None:
                self._repairs.append(file.repair)
            if file.end < self._max_bytes:
                return file
            file.close()
        return None

    def _new(self, month: str, moment: datetime) -> GrowingFile:
        folder = self._folder / month
        with storage_errors(folder):
            make_folder(folder)
        tag = f"{self._tag}-" if self._tag else ""
        names = (f"verifier-{moment:%Y%m%d%H%M%S}-{tag}{n:05d}.warc.gz" for n in count())
        return next(
            file for name in names if (file := GrowingFile.create(folder / name)) is not None
        )

    def _warcinfo(self, file: GrowingFile, moment: datetime) -> bytes:
        self._warcinfo_id = StatusAndHeadersParser.make_warc_id()
        fields = [
            ("WARC-Type", "warcinfo"),
            ("WARC-Record-ID", self._warcinfo_id),
            ("WARC-Date", _date(moment)),
            ("WARC-Filename", file.path.name),
        ]
        about = {"software": self._software, "format": FORMAT, "conformsTo": CONFORMS_TO}
        block = "".join(f"{name}: {value}\r\n" for name, value in about.items()).encode()
        return _member(fields, "application/warc-fields", block)

    def _response(
        self,
        hop: Hop,
        content: bytes | None,
        earlier: Earlier,
        *,
        hop_number: int,
        file: str,
        offset: int,
    ) -> tuple[Capture, bytes]:
        url, body = _target_uri(hop.url), hop.body
        record_id = StatusAndHeadersParser.make_warc_id()
        digest = hashlib.sha256(body).hexdigest()
        sha1 = hashlib.sha1(body, usedforsecurity=False).digest()
        original = earlier(url, digest) if body and hop.truncated is None else None
        if original is not None and (not original.id or original.revisit_of is not None):
            original = None
        kind = "response" if original is None else "revisit"
        fields = self._fields(kind, record_id, url, hop)
        if original is not None:
            fields += [
                ("WARC-Profile", REVISIT_PROFILE),
                ("WARC-Refers-To", original.record_id),
                ("WARC-Refers-To-Target-URI", original.url),
                ("WARC-Refers-To-Date", _date(original.captured_at)),
                # WARC 1.1, 6.7.2: a revisit that leaves the body out says so
                ("WARC-Truncated", Truncated.LENGTH.value),
            ]
        elif hop.truncated is not None:
            fields.append(("WARC-Truncated", hop.truncated.value))
        fields.append(("WARC-Payload-Digest", f"sha256:{digest}"))
        stored = body if original is None else b""
        member = _member(fields, "application/http; msgtype=response", _head(hop), stored)
        capture = Capture(
            url=url,
            captured_at=hop.requested_at.astimezone(UTC).replace(microsecond=0),
            hop=hop_number,
            status=hop.status,
            content_type=hop.header("content-type"),
            file=file,
            offset=offset,
            length=len(member),
            record_id=record_id,
            sha256=_content_sha256(hop, content, digest),
            payload_sha256=digest,
            payload_sha1=base64.b32encode(sha1).decode("ascii"),
            body_length=len(body),
            truncated=hop.truncated,
            revisit_of=None if original is None else original.id,
        )
        return capture, member

    def _request(self, hop: Hop, response: Capture) -> bytes:
        record_id = StatusAndHeadersParser.make_warc_id()
        fields = self._fields("request", record_id, response.url, hop)
        fields.append(("WARC-Concurrent-To", response.record_id))
        fields.append(("WARC-Payload-Digest", f"sha256:{_EMPTY_SHA256}"))
        return _member(fields, "application/http; msgtype=request", hop.request)

    def _fields(self, kind: str, record_id: str, url: str, hop: Hop) -> list[tuple[str, str]]:
        fields = [
            ("WARC-Type", kind),
            ("WARC-Record-ID", record_id),
            ("WARC-Warcinfo-ID", self._warcinfo_id),
            ("WARC-Target-URI", url),
            ("WARC-Date", _date(hop.requested_at)),
        ]
        with contextlib.suppress(ValueError):  # behind a proxy the peer is not known
            fields.append(("WARC-IP-Address", str(ip_address(hop.peer.partition("%")[0]))))
        return fields


def read(folder: Path, file: str, offset: int, *, limit: int = 64 << 20) -> StoredResponse:
    """Read a response back, its digests checked.

    Of a revisit only the head is here: ``body`` and ``content`` are empty and ``truncated`` is
    None. The caller, who has the `Capture`, reads the one that ``revisit_of`` names for the body.

    Args:
        folder: ``archive/warc``.
        file, offset: As in the `Capture`.
        limit: Bytes; of the record, and again of the content after decoding, which is cut there.

    Raises:
        IntegrityError: The file or the record is missing, is torn, or is not what was written.
        StorageError: The file can't be read, or the record is larger than *limit*.
    """
    if not _FILE_NAME.fullmatch(file):
        raise IntegrityError(file, "is not the name of a WARC file of ours")
    path = folder / file
    place = f"{path}, offset {offset}"
    try:
        with storage_errors(path):
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except StorageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise IntegrityError(str(path), "the file is missing", _RESTORE) from error
        raise
    try:
        with storage_errors(path):
            record = inflate(descriptor, offset, limit=limit) if offset >= 0 else None
    finally:
        os.close(descriptor)
    if record is None:
        raise IntegrityError(place, "no whole record begins here", _RESTORE)
    text, _ = record
    if len(text) > limit:
        raise StorageError(place, f"the record is larger than {limit} bytes")
    return _parsed(text, place, limit=limit)


def raw(folder: Path, file: str, offset: int, length: int, *, limit: int = 64 << 20) -> bytes:
    """A record as it lies in its file: a gzip member, nothing of it checked.

    Args:
        folder: ``archive/warc``.
        file, offset, length: As in the `Capture`.

    Raises:
        IntegrityError: The file is missing, or ends before the record does.
        StorageError: The file can't be read, or the record is larger than *limit*.
    """
    if not _FILE_NAME.fullmatch(file) or offset < 0 or length <= 0:
        raise IntegrityError(file, "names no record in a WARC file of ours")
    path = folder / file
    if length > limit:
        raise StorageError(f"{path}, offset {offset}", f"the record is larger than {limit} bytes")
    try:
        with storage_errors(path), path.open("rb") as opened:
            opened.seek(offset)
            member = opened.read(length)
    except StorageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise IntegrityError(str(path), "the file is missing", _RESTORE) from error
        raise
    if len(member) < length:
        raise IntegrityError(f"{path}, offset {offset}", "the file ends here", _RESTORE)
    return member


def repair(folder: Path) -> tuple[Repair, ...]:
    """Cut torn ends off WARC files, and keep what was cut beside them.

    Looked at are the files that were open when their writer died, wherever they are, from the
    offset up to which they had been synced; there everything after the first record that is not
    whole is cut off, for nothing of it was ever acknowledged. In the two newest months, where a
    file may have been cut by other means, it is also looked whether the last record is whole;
    if not, the file ends after its last whole record. A file that has a writer is left alone.
    Records that are whole but that no ledger knows stay.

    Args:
        folder: ``archive/warc``; it may be missing.

    Raises:
        StorageError: A file can't be read or mended.
    """
    with storage_errors(folder):
        months = sorted(path for path in folder.glob("????-??") if path.is_dir())
        marked = {path.with_suffix("") for month in months for path in month.glob(f"{_OURS}.open")}
        recent = {path for month in months[-2:] for path in month.glob(_OURS)}
    repairs = []
    for path in sorted(marked | recent):
        if not path.exists():
            path.with_name(path.name + ".open").unlink()  # the mark of a file that is gone
            continue
        file = GrowingFile.take(path)
        if file is not None:
            file.close()
            if file.repair is not None:
                repairs.append(file.repair)
    return tuple(repairs)


# ---- records -----------------------------------------------------------------------------


def _member(fields: list[tuple[str, str]], kind: str, head: bytes, body: bytes = b"") -> bytes:
    """A record as a gzip member; its block is *head* and *body*."""
    # Hex, not base32 without padding: warcio compares that as base64, and always finds fault.
    block = hashlib.sha256(head)
    block.update(body)
    fields += [
        ("WARC-Block-Digest", f"sha256:{block.hexdigest()}"),
        ("Content-Type", kind),
        ("Content-Length", str(len(head) + len(body))),
    ]
    begin: bytes = StatusAndHeaders("", fields, protocol="WARC/1.1").to_bytes()
    # Level 1: level 3 gained 3 % of size and took 1.8 times as long.
    member: bytes = igzip.compress(b"".join((begin, head, body, RECORD_END)), 1, mtime=0)
    return member


def _head(hop: Hop) -> bytes:
    """The response's head as it came, but for Transfer-Encoding, which is undone."""
    lines = [b"%s %d %s" % (hop.version.encode("latin-1", "replace"), hop.status, hop.reason)]
    for name, value in hop.headers:
        kept = RENAMED + name if name.lower() == b"transfer-encoding" else name
        lines.append(kept + b": " + value)
    if any(b"\n" in line or b"\r" in line for line in lines):
        # A folded line is one line (RFC 9112, 5.2); a bare break would end the head too early.
        lines = [_LINE_BREAKS.sub(b" ", line) for line in lines]
    return b"\r\n".join((*lines, b"", b""))


def _target_uri(url: str) -> str:
    """*url* as a WARC header can carry it: printable ASCII, the scheme in lower case."""
    if not _PLAIN_URL.fullmatch(url):
        url = quote(url, safe=_PRINTABLE, errors="surrogatepass")
    scheme, colon, rest = url.partition(":")
    return scheme.lower() + colon + rest


def _date(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _content_sha256(hop: Hop, content: bytes | None, payload_sha256: str) -> str:
    if content is None:
        coding = _content_encoding(hop.headers)
        content = decode(hop.body, coding, limit=_REDIRECT_LIMIT).content if coding else hop.body
    if content is hop.body or content == hop.body:
        return payload_sha256
    return hashlib.sha256(content).hexdigest()


def _content_encoding(headers: Sequence[tuple[bytes, bytes]]) -> str:
    values = [value for name, value in headers if name.lower() == b"content-encoding"]
    return b", ".join(values).decode("latin-1").strip()


def _parsed(text: bytes, place: str, *, limit: int) -> StoredResponse:
    """A record's text as a response.

    Raises:
        IntegrityError: It is none, or differs from its digests.
    """
    try:
        record: Any = ArcWarcRecordLoader().parse_record_stream(
            BytesIO(text), known_format="warc", no_record_parse=True
        )
        fields = {name.lower(): value for name, value in record.rec_headers.headers}
        block: bytes = record.raw_stream.read()
        kind = fields["warc-type"]
        if kind not in {"response", "revisit"}:
            raise IntegrityError(place, f"the record is a {kind}, not a response")
        head, blank, body = block.partition(RECORD_END)
        _compare(place, "block", fields["warc-block-digest"], block)
        if kind == "response":
            _compare(place, "payload", fields["warc-payload-digest"], body)
        lines = (head + blank[:2]).split(b"\r\n")[:-1]
        headers = tuple((name, value.strip()) for name, _, value in map(_split, lines[1:]))
        coding = _content_encoding(headers)
        cut = fields.get("warc-truncated") if kind == "response" else None
        return StoredResponse(
            url=fields["warc-target-uri"],
            captured_at=datetime.fromisoformat(fields["warc-date"]),
            status=int(lines[0].split(b" ", 2)[1]),
            headers=tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in headers),
            body=body,
            content=decode(body, coding, limit=limit).content if coding else body,
            record_id=fields["warc-record-id"],
            truncated=None if cut is None else Truncated(cut),
        )
    except (ArchiveLoadFailed, EOFError, KeyError, IndexError, ValueError) as error:
        raise IntegrityError(place, f"the record can't be read ({error!r})", _RESTORE) from error


def _split(line: bytes) -> tuple[bytes, bytes, bytes]:
    return line.partition(b":")


def _compare(place: str, what: str, digest: str, stored: bytes) -> None:
    if digest != f"sha256:{hashlib.sha256(stored).hexdigest()}":
        raise IntegrityError(place, f"the {what} differs from its digest", _RESTORE)
