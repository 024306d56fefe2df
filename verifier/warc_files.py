"""Files that grow by whole gzip members: one writer at a time, mended after a crash.

While it is written, a file ``….warc.gz.open`` stands beside it and names the offset up to which
it is known to be on the disk: there the mending begins to look. Part of the edge whose door is
`verifier.warc`; nothing else imports it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from verifier.errors import StorageError

RECORD_END = b"\r\n\r\n"
_PROBE = 256 << 10  # bytes at a file's end in which its last record, a small request, is sought
_PIECE = 32 << 10
_FIRST_PIECE = 1 << 10  # enough to see that no record begins here
_GZIP_BEGIN = b"\x1f\x8b\x08" + bytes(5)  # as we write it: no flags, no time
_RECORD_BEGIN = b"WARC/1."

_NO_ROOM = "Make room on the disk, or raise the quota; the next round goes on by itself."
_NO_FILES = "Allow more open files: ulimit -n, or LimitNOFILE= of the unit."
_NO_RIGHT = "Let the user who runs verifier read and write this place."
_CURES = {
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.EFBIG: _NO_ROOM,
    errno.EMFILE: _NO_FILES,
    errno.ENFILE: _NO_FILES,
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.EROFS: _NO_RIGHT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A torn end that was cut off a WARC file.

    Attributes:
        file: Path below ``archive/warc``, with ``/``.
        offset: Where the last whole record ends, and now the file.
        length: Bytes that were cut off.
        kept_as: Name of the file beside it that holds them.
    """

    file: str
    offset: int
    length: int
    kept_as: str


class GrowingFile:
    """A WARC file that only we may write: locked, and made of whole records up to ``end``.

    Attributes:
        name: Path below ``archive/warc``, with ``/``.
        end: Offset at which the next record goes.
        repair: What was cut off when the file was taken.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.name = f"{path.parent.name}/{path.name}"
        self._descriptor = descriptor
        self._marker = path.with_name(path.name + ".open")
        self._marked = self._marker.exists()
        self._sync_due = self._marked  # its former writer may not have come to it
        self.repair = self._mend()
        self.end = os.fstat(descriptor).st_size

    @classmethod
    def create(cls, path: Path) -> GrowingFile | None:
        """A new file; None when there is one of that name."""
        return cls._hold(path, os.O_CREAT | os.O_EXCL)

    @classmethod
    def take(cls, path: Path) -> GrowingFile | None:
        """A file that exists, its torn end cut off; None when it has a writer."""
        return cls._hold(path, 0)

    @classmethod
    def _hold(cls, path: Path, flags: int) -> GrowingFile | None:
        with storage_errors(path), contextlib.ExitStack() as undo:
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o666)
                undo.callback(os.close, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (FileExistsError, BlockingIOError):
                return None
            if os.fstat(descriptor).st_nlink == 0:  # abandoned between our open and our lock
                return None
            file = cls(path, descriptor)
            undo.pop_all()
            return file

    def append(self, members: Sequence[bytes]) -> None:
        """Write records at the end: all of them, or none."""
        with storage_errors(self.path):
            if not self._marked:
                self._mark(sync=True)
                _sync_folder(self.path.parent)  # the file's name, where it is new, and the mark's
            self._sync_due = True
            try:
                end = self.end
                for member in members:
                    _write(self._descriptor, member, end)
                    end += len(member)
            except BaseException:
                os.ftruncate(self._descriptor, self.end)
                raise
            self.end = end

    def sync(self) -> None:
        with storage_errors(self.path):
            if self._sync_due:
                os.fsync(self._descriptor)
                self._sync_due = False
                if self._marked:
                    self._mark()

    def close(self) -> None:
        """Sync and unlock. The mark stays if the file could not be brought in order."""
        try:
            self.sync()
            with storage_errors(self.path):
                if os.fstat(self._descriptor).st_size == self.end:
                    self._marker.unlink(missing_ok=True)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # a forked child may hold it open
            os.close(self._descriptor)

    def abandon(self) -> None:
        """Close after a failure; a file without any record goes away."""
        if self.end == 0:
            with contextlib.suppress(OSError):
                self.path.unlink()
        with contextlib.suppress(StorageError):  # the failure before it is the one to tell
            self.close()

    def _mark(self, *, sync: bool = False) -> None:
        """Note the end. In place, so that a full disk doesn't matter; a stale note does no harm."""
        descriptor = os.open(self._marker, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            _write(descriptor, b"%020d\n" % self.end, 0)
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._marked = True

    def _mend(self) -> Repair | None:
        """Cut off what stands after the last whole record.

        With a mark: from the first record beyond it that is not whole, for a power cut may leave
        holes before later records. Without one, damage is not known to be a crash's: whole
        records after it stay.
        """
        descriptor = self._descriptor
        size = os.fstat(descriptor).st_size
        synced = self._synced(size)
        if synced is None and _ends_whole(descriptor, size):
            return None
        end = place = synced or 0
        while place < size:
            record = inflate(descriptor, place)
            if record is not None:
                end = place = record[1]
            elif synced is None:
                place = next_member(descriptor, place + 1, size)
            else:
                break
        if end == size:
            return None
        kept_as = _set_aside(self.path, descriptor, end, size)
        os.ftruncate(descriptor, end)
        os.fsync(descriptor)
        return Repair(file=self.name, offset=end, length=size - end, kept_as=kept_as)

    def _synced(self, size: int) -> int | None:
        """The offset in the mark; None without one, or when it can't be right."""
        try:
            offset = int(self._marker.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return offset if 0 <= offset <= size else None


def inflate(descriptor: int, offset: int, *, limit: int | None = None) -> tuple[bytes, int] | None:
    """The record whose gzip member begins at *offset*, and where the member ends.

    Returns:
        None when no whole record begins there. With a *limit*, it stops soon after as many bytes:
        the text is then longer than the limit, and the end is -1.
    """
    engine = zlib.decompressobj(wbits=31)
    pieces: list[bytes] = []
    length, place, piece = 0, offset, b""
    while not engine.eof:
        if not piece:
            piece = os.pread(descriptor, _PIECE if length else _FIRST_PIECE, place)
            place += len(piece)
        try:
            text = engine.decompress(piece, _PIECE * 16)
        except zlib.error:
            return None
        if not piece and not text:
            return None
        if length == 0 and not _RECORD_BEGIN.startswith(text[: len(_RECORD_BEGIN)]):
            return None
        pieces.append(text)
        length += len(text)
        if limit is not None and length > limit:
            return b"".join(pieces), -1
        piece = engine.unconsumed_tail
    record = b"".join(pieces)
    if not record.startswith(_RECORD_BEGIN) or not record.endswith(RECORD_END):
        return None
    return record, place - len(engine.unused_data)


def _ends_whole(descriptor: int, size: int) -> bool:
    """Whether a whole record near the end of the file ends with it."""
    begin = max(0, size - _PROBE)
    tail = os.pread(descriptor, size - begin, begin)
    at = tail.rfind(_GZIP_BEGIN)
    while at >= 0:
        record = inflate(descriptor, begin + at)
        if record is not None and record[1] == size:
            return True
        at = tail.rfind(_GZIP_BEGIN, 0, at)
    return size == 0


def next_member(descriptor: int, place: int, size: int) -> int:
    """Where the next gzip member may begin, at *place* or after; *size* when nowhere."""
    while place < size:
        piece = os.pread(descriptor, _PIECE, place)
        at = piece.find(_GZIP_BEGIN)
        if at >= 0:
            return place + at
        place += max(1, len(piece) - len(_GZIP_BEGIN) + 1)
    return size


def _set_aside(path: Path, descriptor: int, begin: int, end: int) -> str:
    """Copy the bytes from *begin* to *end* into a new file beside; its name."""
    names = (f"{path.name}.torn-{begin}" + (f"-{n}" if n else "") for n in count())
    for name in names:
        with contextlib.suppress(FileExistsError), path.with_name(name).open("xb") as aside:
            while begin < end and (piece := os.pread(descriptor, min(_PIECE, end - begin), begin)):
                aside.write(piece)
                begin += len(piece)
            aside.flush()
            os.fsync(aside.fileno())
            break
    _sync_folder(path.parent)
    return name


def _write(descriptor: int, piece: bytes, place: int) -> None:
    rest = memoryview(piece)
    while rest:
        written = os.pwrite(descriptor, rest, place)
        rest, place = rest[written:], place + written


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each one's name brought onto the disk."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def storage_errors(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = str(place if error.filename is None else error.filename)
        problem = error.strerror or str(error)
        raise StorageError(where, problem, _CURES.get(error.errno or 0, "")) from error
