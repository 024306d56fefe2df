"""Out of disk, descriptors, rights or locks: a clear word, the right code, and nothing spoilt."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests import nobody
from tests.loopback import Site, page
from tests.nobody import open_folder as open_folder
from tests.program import Program
from verifier import fixity
from verifier.round import Silent

PAGE = 40_000  # bytes that do not compress


def _own_mounts() -> bool:
    told = [shutil.which("unshare") or "false", "-m", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(told, check=False, capture_output=True).returncode == 0


mounts = pytest.mark.skipif(not _own_mounts(), reason="needs to mount: root")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, site: Site) -> Program:
    """Six pages, seen once, each of which has become a larger one since."""
    program = Program(tmp_path_factory.mktemp("seen"))
    program.write(
        *({"id": f"p{n}", "url": site.url(f"/{n}"), "quote": "said here"} for n in range(6))
    )
    for n in range(6):
        site.set(f"/{n}", page(f"<p>What is said here, by {n}."))
    assert program.run("run", "--no-preserve").returncode == 0
    for n in range(6):
        noise = random.Random(n).randbytes(PAGE).hex()
        site.set(f"/{n}", page(f"<p>What is said here, by {n}, now.<p>{noise}"))
    return program


@pytest.fixture
def program(seen: Program, tmp_path: Path) -> Program:
    """A copy of its folder, to be spoilt."""
    return Program(shutil.copytree(seen.folder, tmp_path / "copy"))


def is_whole(program: Program) -> None:
    examined = fixity.examine(program.folder / "archive", progress=Silent())
    assert examined.found == 0, examined.damages[:3]


def says(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """It ended as a storage error does: one line, with the cure."""
    assert done.returncode == 5, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr, done.stderr
    assert any(word in done.stderr for word in words), done.stderr


def goes_on(program: Program) -> None:
    """The next round works, and everything is whole."""
    program.before = ()
    done = program.run("run", "--all", "--no-preserve")
    assert done.returncode == 0, done.stderr
    assert set(program.audit("quote").values()) == {"found"}
    assert program.sql("SELECT count(*) FROM runs WHERE outcome = 'running'") == [(0,)]
    is_whole(program)


# ---- no room -----------------------------------------------------------------------------


@contextmanager
def small_disk(program: Program, room: int) -> Iterator[None]:
    """The archive on a file system of its own, with *room* bytes free."""
    folder = program.folder / "archive"
    kept = shutil.copytree(folder, program.folder / "kept")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(folder)], check=True)
    try:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        about = os.statvfs(folder)
        (folder / "ballast").write_bytes(b"\1" * (about.f_bavail * about.f_frsize - room))
        yield
        (folder / "ballast").unlink()
        goes_on(program)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


LONG = os.environ.get("FAULTS_ROOMS", "")
"""Set by ``make faults``: kilobytes of room, each of which is tried."""

ROOMS = [int(part) for part in (LONG or "16,300").split(",")]


@mounts
@pytest.mark.parametrize("kilobytes", ROOMS)
def test_a_disk_that_is_full_ends_the_round_and_the_next_goes_on(
    program: Program, kilobytes: int
) -> None:
    """
    Wherever it strikes: the database, its log, the WARC file, the mark beside it.
    """
    before = program.dump()
    with small_disk(program, kilobytes << 10):
        done = program.run("run", "--all", "--no-preserve")

        is_whole(program)
        if done.returncode:
            says(done, "Make room")
        if program.dump() != before:  # stored, whether or not it could be folded in
            assert set(program.audit("quote").values()) == {"found"}
            assert done.returncode == 0 or kilobytes > ROOMS[0]


@pytest.mark.parametrize("blocks", [40, 300] if LONG else [40])
def test_a_limit_on_the_size_of_files_is_told_as_no_room(program: Program, blocks: int) -> None:
    """
    The same without root: a quota, or ulimit.
    """
    before = program.dump()
    program.before = ("bash", "-c", f'ulimit -f {blocks}; exec "$0" "$@"')

    done = program.run("run", "--all", "--no-preserve")

    says(done, "Make room", "disk I/O", "full")
    is_whole(program)
    if program.dump() != before:  # it was stored, and could not be folded into the file
        assert set(program.audit("quote").values()) == {"found"}
    goes_on(program)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_under_the_log_is_no_fault_of_the_round(program: Program) -> None:
    """
    What could not be said on stderr changes neither the round nor its code.
    """
    program.before = ("bash", "-c", 'exec "$0" "$@" 2>/dev/full')

    done = program.run("run", "--all", "--no-preserve", "-v")

    assert done.returncode == 0
    program.before = ("bash", "-c", 'ulimit -f 40; exec "$0" "$@" 2>/dev/full')
    assert program.run("run", "--all", "--no-preserve").returncode == 5
    goes_on(program)


# ---- no right ----------------------------------------------------------------------------


@contextmanager
def as_nobody(program: Program, folder: Path) -> Iterator[None]:
    """The archive belongs to another user, who runs the program."""
    nobody.give(program, folder)
    yield
    nobody.give(program, folder)
    for path in program.folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    done = program.run("run", "--all", "--no-preserve")
    assert done.returncode == 0, done.stderr
    is_whole(program)


@nobody.needed
@pytest.mark.parametrize("name", ["", "audit.db", "lock"] * bool(LONG) + ["audit.db-wal", "warc"])
def test_what_belongs_to_another_user_is_named(
    program: Program, open_folder: Path, name: str
) -> None:
    """
    One round by root in a hurry, and cron's rounds fail: whose file is it, and what helps?
    """
    before = program.dump()
    with as_nobody(program, open_folder):
        for rest in ("audit.db-wal", "audit.db-shm"):  # a reader's, who could not clear up
            (program.folder / "archive" / rest).unlink(missing_ok=True)
        victim = program.folder / "archive" / name
        if name == "audit.db-wal":
            victim.touch()
        targets = [victim, *(victim.rglob("*") if name == "warc" else ())]
        for target in targets:
            os.chown(target, 0, 0)
            target.chmod(0o755 if target.is_dir() else 0o600)

        done = program.run("run", "--all", "--no-preserve")

        says(done, "belongs to root", "Let the user who runs verifier")
        assert str(victim.relative_to(program.folder)) in done.stderr
        assert program.dump() == before


@mounts
def test_an_archive_that_is_mounted_read_only_is_named(program: Program) -> None:
    """
    A disk with errors is remounted so by the system.
    """
    before = program.dump()
    folder = program.folder / "archive"
    program.before = (
        "unshare", "-m", "sh", "-c",
        f'mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} && exec "$0" "$@"',
    )  # fmt: skip

    done = program.run("run", "--all", "--no-preserve")
    read = program.run("fixity")
    report = program.run("report")

    says(done, "read-only", "Read-only")
    assert read.returncode == 0, read.stdout + read.stderr
    assert report.returncode == 0, report.stderr
    assert program.dump() == before
    goes_on(program)


# ---- no descriptors, no lock -------------------------------------------------------------


@pytest.mark.parametrize("number", [9, 12, 14, 16, 20, 24, 28, 40] if LONG else [9, 20])
def test_no_free_descriptor_is_a_fault_of_the_machine(program: Program, number: int) -> None:
    """
    Not of the pages: none of them may be called unreachable for it.
    """
    before = program.dump()
    program.before = ("bash", "-c", f'ulimit -n {number}; exec "$0" "$@"')

    done = program.run("run", "--all", "--no-preserve")

    assert "Traceback" not in done.stderr, done.stderr
    if done.returncode:
        assert done.returncode in (3, 5), (done.returncode, done.stdout, done.stderr)
        assert program.dump() == before
    else:
        assert set(program.audit("link").values()) == {"live"}
    goes_on(program)


def test_a_database_that_another_program_holds_is_waited_for(program: Program) -> None:
    """
    Somebody looks into it with a tool that locks; a second later it is free.
    """
    with closing(sqlite3.connect(program.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with program.start("run", "--all", "--no-preserve") as process:
            time.sleep(1.0)  # not awaited: it is how long the other takes
            assert process.poll() is None
            other.execute("ROLLBACK")
            process.communicate(timeout=60)

    assert process.returncode == 0
    is_whole(program)


@pytest.mark.timeout(180)
@pytest.mark.skipif(not LONG, reason="waits half a minute: make faults")
def test_a_database_that_another_program_keeps_is_named(program: Program) -> None:
    """
    After half a minute of waiting, with what helps.
    """
    before = program.dump()
    with closing(sqlite3.connect(program.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        done = program.run("run", "--all", "--no-preserve")

        other.execute("ROLLBACK")

    says(done, "Another program holds it")
    assert program.dump() == before
    goes_on(program)
