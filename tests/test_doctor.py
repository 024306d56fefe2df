"""What would keep a round from working is said before the round, with the cure."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests import nobody
from tests.archive_stand_in import ArchiveStandIn, http
from tests.loopback import Site, page
from tests.nobody import open_folder as open_folder
from tests.program import Program
from verifier.round import locked

FAKETIME = shutil.which("faketime")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """One that nothing is wrong with, but for the archive, at whose port nobody listens."""
    program = Program(tmp_path, contact="ops@example.org", allow_private="0")
    program.write({"id": "a", "url": "http://127.0.0.1:1/"})
    return program


def told(done: subprocess.CompletedProcess[str]) -> dict[str, tuple[str, str]]:
    """What was said of each thing: its state, and the rest of the line."""
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    return {rest.partition(":")[0]: (state, rest) for state, rest in lines}


def test_all_is_well(program: Program) -> None:
    """
    Every line says ok, and the exit code is a round's that works.
    """
    with ArchiveStandIn() as archive, Site() as site:
        now = format_datetime(datetime.now(UTC), usegmt=True)
        site.default = page("I sing", headers=[("Date", now)])
        program.settings |= {
            "canaries": site.url("/"),
            "wayback_url": archive.base_url,
            "ia_access_key": archive.access_key,
            "ia_secret_key": archive.secret_key,
        }
        program.run("run", "--no-preserve")

        done = program.run("doctor")

    assert (done.returncode, done.stderr) == (0, "")
    found = told(done)
    assert {state for state, _ in found.values()} == {"ok"}, done.stdout
    assert "as 1 canaries say" in found["clock"][1]
    assert "captures today" in found["Wayback Machine"][1]
    assert len(site.visits) == 2  # and asked nothing of any source
    assert archive.submissions == []


def test_before_the_first_round_nothing_is_made(program: Program) -> None:
    """
    Who asks for advice has not decided yet.
    """
    before = sorted(program.folder.iterdir())

    done = program.run("doctor")

    assert done.returncode == 0
    assert "made by the first round" in done.stdout
    assert sorted(program.folder.iterdir()) == before


def test_it_changes_nothing_of_an_archive(program: Program) -> None:
    """
    Nor does it leave a file of its own user's beside the database.
    """
    program.run("run", "--no-preserve")
    folder = program.folder / "archive"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    program.run("doctor")

    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_warnings_do_not_keep_a_round_from_working(program: Program) -> None:
    """
    Then the code is 0, and each of them says what to do.
    """
    program.settings |= {"contact": "", "allow_private": "1"}
    program.settings["ia_access_key"], program.settings["ia_secret_key"] = "k", "s"
    (program.folder / "verifier.toml").write_text('ia_secret_key = "s"\n')
    (program.folder / "verifier.toml").chmod(0o644)
    with (program.folder / "sources.csv").open("a") as file:
        file.write("a,http://127.0.0.1:1/again\n")

    done = program.run("doctor")
    found = told(done)

    assert done.returncode == 0
    for what, cure in {
        "sources": "1 rows are wrong",
        "contact": "Give an address",
        "address guard": "Leave it off",
        "keys": "chmod 600",
        "network": "VERIFIER_CANARIES is empty",
        "Wayback Machine": "copies wait",
    }.items():
        assert found[what][0] == "warn", done.stdout
        assert cure in found[what][1]


@pytest.mark.parametrize(
    ("setting", "value", "code"),
    [("deadline", "soon", 2), ("ia_access_key", "only-one", 2)],
)
def test_a_configuration_that_is_wrong_is_named(
    program: Program, setting: str, value: str, code: int
) -> None:
    """
    As every command does; and then nothing else is worth looking at.
    """
    program.settings[setting] = value

    done = program.run("doctor")

    assert done.returncode == code
    assert "verifier:" in done.stderr


def test_a_list_that_cannot_be_read_fails(program: Program) -> None:
    """
    The round would end with 2.
    """
    (program.folder / "sources.csv").unlink()

    done = program.run("doctor")

    assert done.returncode == 2
    assert told(done)["sources"][0] == "FAIL"


def test_without_a_network_the_code_is_3(program: Program) -> None:
    """
    And the archive is not to blame.
    """
    program.settings["canaries"] = "http://127.0.0.1:1/"

    done = program.run("doctor")

    assert done.returncode == 3
    assert told(done)["network"][0] == "FAIL"
    assert "none of 1 canaries" in done.stdout


def test_one_canary_of_two_is_a_warning(program: Program) -> None:
    """
    A round works; but when the other goes as well, none does.
    """
    with Site() as site:
        site.default = page("I sing")
        program.settings["canaries"] = f"{site.url('/')} http://127.0.0.1:1/"

        done = program.run("doctor")

    assert done.returncode == 0
    assert told(done)["network"][0] == "warn"
    assert "1 of 2 canaries" in done.stdout


def test_keys_that_are_not_accepted_fail(program: Program) -> None:
    """
    Else every copy would wait for ever.
    """
    with ArchiveStandIn() as archive:
        program.settings |= {
            "wayback_url": archive.base_url,
            "ia_access_key": "WRONGACCESS",
            "ia_secret_key": "WRONGSECRET",
        }

        done = program.run("doctor")

    assert done.returncode == 2
    assert told(done)["Wayback Machine"][0] == "FAIL"
    assert "WRONG" not in done.stdout + done.stderr


def test_an_archive_that_is_down_is_a_warning(program: Program) -> None:
    """
    Links are checked all the same.
    """
    with ArchiveStandIn() as archive:
        archive.on("/save/status", http(502), always=True)
        program.settings["wayback_url"] = archive.base_url

        done = program.run("doctor")

    assert done.returncode == 0
    assert told(done)["Wayback Machine"][0] == "warn"
    assert "502" in done.stdout


def test_a_round_under_way_is_told(program: Program) -> None:
    """
    Another one would leave with 3; waiting is the cure.
    """
    program.run("run", "--no-preserve")
    with locked(program.folder / "archive"):
        done = program.run("doctor")

    assert done.returncode == 0
    assert told(done)["lock"][0] == "warn"
    handle = os.open(program.folder / "archive" / "lock", os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # it was only held for a moment
    os.close(handle)


def test_a_proxy_is_told_with_what_the_guard_does_not_see(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    And without the password that stands in its address.
    """
    environment = program.environment | {"HTTPS_PROXY": "http://me:hush@127.0.0.1:9"}
    monkeypatch.setattr(Program, "environment", property(lambda _: environment))

    done = program.run("doctor")

    assert told(done)["proxy"][0] == "warn"
    assert "http://127.0.0.1:9" in done.stdout
    assert "hush" not in done.stdout + done.stderr


def test_a_damaged_database_is_an_integrity_failure(program: Program) -> None:
    """
    The worst news has the first code, whatever else there is.
    """
    program.run("run", "--no-preserve")
    with closing(sqlite3.connect(program.database)) as connection:
        connection.execute("DROP TRIGGER ledger_no_update")
    (program.folder / "sources.csv").unlink()

    done = program.run("doctor")

    assert done.returncode == 4
    assert "verifier fixity" in told(done)["database"][1]


@pytest.mark.faketime
@pytest.mark.skipif(FAKETIME is None, reason="needs faketime")
def test_a_clock_behind_what_is_stored_fails(program: Program) -> None:
    """
    Every round would be inconclusive until somebody looks.
    """
    program.run("run", "--no-preserve")
    assert FAKETIME is not None
    program.before = (FAKETIME, "-f", "-1y")

    done = program.run("doctor")

    assert done.returncode == 3
    assert told(done)["clock"][0] == "FAIL"


@nobody.needed
@pytest.mark.parametrize("name", ["", "audit.db-wal", "warc"])
def test_a_file_of_somebody_elses_is_named_with_its_owner(
    program: Program, open_folder: Path, name: str
) -> None:
    """
    One round by root, and the user of the next can't write any more: which file, and whose?
    """
    program.run("run", "--no-preserve")
    (program.folder / "archive" / "warc").mkdir(exist_ok=True)
    (program.folder / "archive" / "audit.db-wal").touch()
    nobody.give(program, open_folder)
    victim = program.folder / "archive" / name
    shutil.chown(victim, 0)
    victim.chmod(0o755 if victim.is_dir() else 0o644)

    done = program.run("doctor")

    assert done.returncode == 5, done.stdout + done.stderr
    state, words = told(done)["archive"]
    assert state == "FAIL"
    assert f"{victim.relative_to(program.folder)} belongs to root" in words
    assert "chown" in words


@as_root
def test_root_is_told_that_the_folder_is_somebody_elses(program: Program) -> None:
    """
    A round by root works, and the next one by its owner does not.
    """
    program.run("run", "--no-preserve")
    shutil.chown(program.folder / "archive", nobody.ID)

    done = program.run("doctor")

    assert told(done)["modes"][0] == "warn"
    assert "we are root" in done.stdout
