"""Re-reads everything that is stored: each hash, each WARC record, and the chain of the ledger."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Protocol

from verifier.damage import Damage, Examined
from verifier.errors import InputError
from verifier.recount import Placed, Recount
from verifier.warc_walk import Broken, Whole, walk

DESCRIBED = 1_000
"""Damages that are described one by one; those beyond are counted."""

_HEAD = re.compile(r"[0-9a-f]{64}")


class Progress(Protocol):
    """Told how the reading gets on; doing nothing is fine."""

    def begin(self, what: str, total: int, hosts: int) -> None: ...
    def step(self, done: int, failing: int) -> None: ...
    def end(self) -> None: ...


def examine(folder: Path, *, heads: tuple[str, ...] = (), progress: Progress) -> Examined:
    """Read archive and ledger from end to end, and change nothing.

    It can be done while a round is running: the database is read as of one moment, and what
    stands in a WARC file behind the last record that it knows is not acknowledged yet.

    Args:
        folder: The archive folder.
        heads: Heads that were printed earlier, and must be in the chain.

    Raises:
        InputError: There is no database, or a head is none.
        StorageError: Something can't be read for another reason than damage.
    """
    database = folder / "audit.db"
    if not database.is_file():
        raise InputError(str(database), "there is no such database", "Run: verifier run")
    for head in heads:
        if not _HEAD.fullmatch(head):
            cure = "Give the 64 letters and digits that a round or a report printed"
            raise InputError("--head", f"{head[:80]!r} is no head", cure)
    return _Examination(folder, progress).run(heads)


class _Examination:
    """The state of one reading."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        self._folder, self._progress = folder, progress
        self._damages: list[Damage] = []
        self._found = 0
        self._notes: list[str] = []
        self._records = self._captures = self._unclaimed = 0

    def run(self, heads: tuple[str, ...]) -> Examined:
        with Recount(self._folder / "audit.db", self._damaged) as recount:
            recount.structure()
            self._progress.begin("entries of the ledger", recount.size(), 1)
            entries = recount.entries(heads, lambda done: self._progress.step(done, self._found))
            self._progress.end()
            answers = recount.derived()
            if answers is None:
                self._notes.append("the answers are sealed by the next round; they were not read")
            listed = recount.sources()
            recount.disagreements()
            files = self._warc(recount)
        if self._unclaimed:
            self._notes.append(
                f"{self._unclaimed} responses in WARC files are in no row: a round was killed "
                "between the two; they are whole"
            )
        counts = (
            ("ledger entries", entries),
            ("answers", answers or 0),
            ("sources", listed),
            ("WARC files", files),
            ("records", self._records),
            ("captures", self._captures),
        )
        return Examined(
            counts=counts,
            head=recount.head,
            damages=tuple(self._damages),
            found=self._found,
            notes=tuple(self._notes),
        )

    def _damaged(self, place: str, problem: str, sources: tuple[str, ...]) -> None:
        self._found += 1
        if len(self._damages) < DESCRIBED:
            self._damages.append(Damage(place=place, problem=problem, sources=sources))

    # ---- WARC files ----------------------------------------------------------------------

    def _warc(self, recount: Recount) -> int:
        folder = self._folder / "warc"
        sizes = {
            f"{path.parent.name}/{path.name}": path.stat().st_size
            for path in sorted(folder.glob("????-??/*.warc.gz"))
        }
        torn = sorted(path.name for path in folder.glob("????-??/*.torn-*"))
        if torn:
            self._notes.append(f"remains of crashes are kept beside the files: {', '.join(torn)}")
        self._progress.begin("MB of WARC", sum(sizes.values()) >> 20, 1)
        read = 0
        for name, placed in _by_file(recount.captures(), sorted(sizes)):
            if name in sizes:
                self._file(recount, name, placed, sizes[name])
                read += sizes[name]
                self._progress.step(read >> 20, self._found)
            else:
                for one in placed:
                    self._missing(recount, one, "the file is missing")
        self._progress.end()
        return len(sizes)

    def _file(self, recount: Recount, name: str, placed: Iterator[Placed], size: int) -> None:
        path = self._folder / "warc" / name
        growing = path.with_name(path.name + ".open").exists()
        rows = _Rows(placed)
        answered = True  # the request of the last response that has a row was met
        for part in walk(path):
            for lost in rows.until(part.offset):
                self._missing(recount, lost, "no record begins at its offset")
            if isinstance(part, Whole):
                answered = self._whole(recount, rows, part, answered=answered)
                continue
            answered, hit = True, list(rows.until(part.end))
            if growing and not hit and rows.next is None and part.end >= size:
                self._notes.append(f"{name}: its end is being written, or is from a crash")
            else:
                self._broken(recount, name, part, hit, rows.before)
        for lost in rows.until(None):
            answered = True
            self._missing(recount, lost, "the file ends before its record")
        if not answered and rows.before is not None:
            problem = "the file is cut: the request of its last record is missing"
            whose = recount.of_capture(rows.before.row["id"])
            self._damaged(f"{name}, offset {size}", problem, whose)

    def _whole(self, recount: Recount, rows: _Rows, part: Whole, *, answered: bool) -> bool:
        """Compare a record with the row that points to it; whether its request was met."""
        self._records += 1
        if rows.next is not None and rows.next.row["offset"] == part.offset:
            self._compare(recount, rows.take(), part)
            return False
        if part.kind in ("response", "revisit"):
            self._unclaimed += 1
        return answered or part.kind == "request"

    def _broken(
        self, recount: Recount, name: str, part: Broken, hit: list[Placed], before: Placed | None
    ) -> None:
        ids = [one.row["id"] for one in hit]
        whose = ids or ([before.row["id"]] if before is not None else [])
        sources = sorted({id for one in whose for id in recount.of_capture(one)})
        place = f"{name}, bytes {part.offset} to {part.end}"
        captures = f" (captures {', '.join(map(str, ids[:10]))})" if ids else ""
        self._damaged(place, part.problem + captures, tuple(sources))

    def _missing(self, recount: Recount, placed: Placed, problem: str) -> None:
        row = placed.row
        place = f"{row['file']}, offset {row['offset']}"
        self._damaged(place, f"capture {row['id']}: {problem}", recount.of_capture(row["id"]))

    def _compare(self, recount: Recount, placed: Placed, whole: Whole) -> None:
        self._captures += 1
        row = placed.row
        wrong = list(_differences(placed, whole))
        if wrong:
            place = f"{row['file']}, offset {row['offset']}"
            problem = f"capture {row['id']}: the record's {', '.join(wrong)} differ from the row's"
            self._damaged(place, problem, recount.of_capture(row["id"]))


class _Rows:
    """The captures of a file, in the order of their offsets; the next one can be looked at."""

    def __init__(self, placed: Iterator[Placed]) -> None:
        self._placed = placed
        self.next = next(placed, None)
        self.before: Placed | None = None

    def take(self) -> Placed:
        """The next one."""
        if self.next is None:
            raise LookupError("no capture is left")
        self.before, self.next = self.next, next(self._placed, None)
        return self.before

    def until(self, end: int | None) -> Iterator[Placed]:
        """Take those that begin before *end*, or all."""
        while self.next is not None and (end is None or self.next.row["offset"] < end):
            yield self.take()


def _differences(placed: Placed, whole: Whole) -> Iterator[str]:
    """What a record and its row do not agree in."""
    row, fields = placed.row, whole.fields
    told = {
        "length": (whole.end - whole.offset, row["length"]),
        "id": (fields["warc-record-id"], row["record_id"]),
        "address": (fields.get("warc-target-uri"), row["url"]),
        "date": (fields.get("warc-date"), row["captured_at"]),
        "status": (whole.status, row["status"]),
        "payload digest": (whole.payload_sha256, row["payload_sha256"]),
    }
    if row["revisit_of"] is None:
        told["kind"] = (whole.kind, "response")
        told["payload SHA-1"] = (whole.payload_sha1, row["payload_sha1"])
        told["body length"] = (whole.body_length, row["body_length"])
        if row["sha256"] not in whole.contents and not row["truncated"]:
            yield "content's hash"
    else:
        told["kind"] = (whole.kind, "revisit")
        told["original"] = (fields.get("warc-refers-to"), placed.original)
        told["original's payload"] = (placed.original_sha256, row["payload_sha256"])
    for name, (stored, expected) in told.items():
        if stored != expected:
            yield name


def _by_file(
    captures: Iterator[Placed], files: list[str]
) -> Iterator[tuple[str, Iterator[Placed]]]:
    """Files with their captures, in order; files without any too."""
    left = iter(files)
    name = next(left, None)
    for file, placed in groupby(captures, key=lambda one: str(one.row["file"])):
        while name is not None and name < file:
            yield name, iter(())
            name = next(left, None)
        if name == file:
            name = next(left, None)
        yield file, placed
    while name is not None:
        yield name, iter(())
        name = next(left, None)
