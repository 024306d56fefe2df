"""The archive's keys are searched for in everything that a round writes, says or starts."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.archive_stand_in import ArchiveStandIn, http
from tests.loopback import Site, page
from tests.program import Program

LONG = os.environ.get("FAULTS_ROOMS", "")  # set by ``make faults``
ACCESS, SECRET = "AccessPlanted7Q", "SecretPlanted9Z+/="


@pytest.fixture
def archive() -> Iterator[ArchiveStandIn]:
    with ArchiveStandIn(slots=10, keys=(ACCESS, SECRET)) as archive:
        yield archive


def spellings() -> list[bytes]:
    """How the keys could stand somewhere."""
    plain = [ACCESS, SECRET, f"{ACCESS}:{SECRET}"]
    coded = [base64.b64encode(word.encode()).decode().rstrip("=") for word in plain]
    return [word.encode() for word in (*plain, *coded, quote(SECRET, safe=""))]


def found_in(where: str, what: bytes) -> list[str]:
    return [f"{where}: {word!r}" for word in spellings() if word in what]


def children(of: int) -> list[int]:
    """Processes below a process."""
    below = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == of:
                number = int(folder.name)
                below += [number, *children(number)]
    return below


def leaks_of_processes(process: subprocess.Popen[str]) -> list[str]:
    """What anybody's ``ps`` shows of the round and of its children."""
    leaks, own = [], b""
    with suppress(OSError):
        own = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        leaks += found_in("its words", own)
    for number in children(process.pid):
        with suppress(OSError):
            words = Path(f"/proc/{number}/cmdline").read_bytes()
            world = Path(f"/proc/{number}/environ").read_bytes()
            if words != own:  # else it is being born, and still ours in everything
                leaks += found_in("a child's words", words) + found_in("a child's world", world)
    return leaks


def told_by(program: Program, *words: str) -> tuple[list[str], int]:
    """Leaks of one command, in what it says and in what it starts; and the children it had."""
    leaks, most = [], 0
    out, err = (program.folder.with_name(f"said-{name}") for name in ("out", "err"))
    with (
        out.open("wb") as said,
        err.open("wb") as complained,
        program.start(*words, stdout=said, stderr=complained) as process,
    ):
        while process.poll() is None:
            leaks += leaks_of_processes(process)
            most = max(most, len(children(process.pid)))
            time.sleep(0.02)
    leaks += found_in(f"{words} said", out.read_bytes() + err.read_bytes())
    return leaks, most


@pytest.mark.parametrize("how", ["environment", *["file", "ia.ini"] * bool(LONG)])
def test_the_archives_keys_are_nowhere(tmp_path: Path, archive: ArchiveStandIn, how: str) -> None:
    """
    Logs are pasted into reports, databases are published, and everybody may say ps.
    """
    program = Program(tmp_path / "here", wayback_url=archive.base_url)
    program.folder.mkdir()
    if how == "environment":
        program.settings |= {"ia_access_key": ACCESS, "ia_secret_key": SECRET}
    elif how == "file":
        keys = f'ia_access_key = "{ACCESS}"\nia_secret_key = "{SECRET}"\n'
        (program.folder / "verifier.toml").write_text(keys)
    else:
        (program.folder / ".ia").write_text(f"[s3]\naccess = {ACCESS}\nsecret = {SECRET}\n")
    with Site() as site:
        site.default = page("here")
        program.write(*({"id": f"p{n}", "url": site.url(f"/{n}")} for n in range(3)))
        echo = f"your keys are {ACCESS} {SECRET} LOW {ACCESS}:{SECRET}"
        archive.plan_saves(site.url("/0"), http(500, echo))
        archive.plan_saves(site.url("/1"), http(200, echo))

        leaks, most = told_by(program, "run", "-v")
        for words in (("report", "--format", "json"), ("doctor", "-v"), ("fixity",)):
            leaks += told_by(program, *words)[0]

    assert archive.submissions, "the keys were not used"
    assert most > 0, "no child was seen"
    for path in (program.folder / "archive").rglob("*"):
        if path.is_file():
            leaks += found_in(path.name, path.read_bytes())
    for (words_stored,) in program.sql("SELECT message FROM submissions"):
        leaks += found_in("submissions", words_stored.encode())
    assert leaks == []


def test_a_group_can_share_an_archive(tmp_path: Path) -> None:
    """
    With umask 0007 and the group's bit on the folder, as docs/operating.md says; not a bit more.
    """
    program = Program(tmp_path)
    program.before = ("bash", "-c", 'umask 0007; exec "$0" "$@"')
    archive = program.folder / "archive"
    archive.mkdir(mode=0o770)
    archive.chmod(0o2770)
    if os.geteuid() == 0:
        os.chown(archive, -1, 65_534)
    group = archive.stat().st_gid
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/")})
        assert program.run("run", "--no-preserve").returncode == 0

    for path in archive.rglob("*"):
        about = path.stat()
        assert about.st_gid == group, path
        assert about.st_mode & stat.S_IWGRP, path
        assert about.st_mode & stat.S_IRGRP, path
        assert not about.st_mode & stat.S_IRWXO, path


@pytest.mark.parametrize("umask", ["0022", "0077"])
def test_a_umask_is_respected(tmp_path: Path, umask: str) -> None:
    """
    Who wants the archive for himself alone gets it so.
    """
    program = Program(tmp_path)
    program.before = ("bash", "-c", f'umask {umask}; exec "$0" "$@"')
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/")})
        assert program.run("run", "--no-preserve").returncode == 0

    archive = program.folder / "archive"
    forbidden = int(umask, 8)
    assert not [p for p in (archive, *archive.rglob("*")) if p.stat().st_mode & forbidden]
