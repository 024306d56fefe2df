"""Everything that is stored is read again: what a disk, a crash or a person changed is found."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.archive_stand_in import ArchiveStandIn
from tests.loopback import Site, page, redirect
from tests.program import Program
from verifier import fixity, schema
from verifier.damage import Examined
from verifier.errors import InputError
from verifier.round import Silent, locked

COVERED = (
    "ledger checks captures quote_findings readings judgements submissions snapshots runs audit "
    "standings"
).split()


def words(number: int) -> str:
    """A page of its own, with a quotation on it."""
    return f"<title>Page {number}</title><p>Sentence {number} is quoted here. " + "filler " * 30


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Two rounds over five pages: redirects, gzip, revisits, a copy elsewhere, a judgement."""
    program = Program(tmp_path_factory.mktemp("kept"))
    with ArchiveStandIn(slots=10) as archive, Site("127.0.0.2", "127.0.0.3") as site:
        program.settings |= {
            "wayback_url": archive.base_url,
            "ia_access_key": archive.access_key,
            "ia_secret_key": archive.secret_key,
        }
        rows = []
        for number in range(4):
            site.set(f"/{number}", page(words(number), gzipped=number == 1))
            quote = f"Sentence {number} is quoted" if number else ""
            preserve = "public" if number == 2 else "local"
            row = {"id": f"s{number}", "url": site.url(f"/{number}"), "quote": quote}
            rows.append(row | {"preserve": preserve})
        site.set("/old", redirect("/4"))
        site.set("/4", page("moved here", status=404), page(words(4)))
        rows.append({"id": "s4", "url": site.url("/old"), "quote": "Sentence 4", "preserve": ""})
        program.write(*rows)
        for words_of in (("run",), ("run", "--all", "--no-preserve")):
            done = program.run(*words_of)
            assert done.returncode in (0, 1), done.stderr
        judged = program.run("judge", "s0", "dead", "--reason", "seen", "--until", "2099-12-31")
        assert judged.returncode == 0, judged.stderr
    return program


@pytest.fixture
def program(kept: Program, tmp_path: Path) -> Program:
    """A copy of it, to be damaged."""
    shutil.copytree(kept.folder, tmp_path / "copy")
    copy = Program(tmp_path / "copy")
    copy.settings = kept.settings
    return copy


def examine(program: Program, *heads: str) -> Examined:
    return fixity.examine(program.folder / "archive", heads=heads, progress=Silent())


def warc_of(program: Program) -> Path:
    (path,) = (program.folder / "archive" / "warc").rglob("*.warc.gz")
    return path


def flip(path: Path, place: int, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        (byte,) = file.read(1)
        file.seek(place)
        file.write(bytes((byte ^ (1 << bit),)))


def changed(program: Program, *statements: str) -> None:
    """What somebody does who takes the guards away and puts them back."""
    with closing(sqlite3.connect(program.database, isolation_level=None)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in names.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in (*statements, *schema.guards()):
            connection.execute(statement)


def state(folder: Path) -> dict[str, str]:
    """Every file below, with what is in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_nobody_touched_is_sound(program: Program) -> None:
    """
    And it says what it read, what it does not cover, and the head to write down.
    """
    done = program.run("fixity")
    told = json.loads(program.run("fixity", "--format", "json").stdout)

    assert (done.returncode, done.stderr) == (0, "")
    assert "Sound" in done.stdout
    assert "Not covered" in done.stdout
    (head,) = program.sql("SELECT chain FROM ledger ORDER BY seq DESC LIMIT 1")
    assert told["head"] == head[0]
    assert f"Ledger head: {head[0]}" in done.stdout
    assert (told["sound"], told["damaged"], told["damages"]) == (True, 0, [])
    assert told["read"]["captures"] == program.sql("SELECT count(*) FROM captures")[0][0]
    assert told["read"]["ledger entries"] == program.sql("SELECT count(*) FROM ledger")[0][0]
    assert program.sql("SELECT count(*) FROM captures WHERE revisit_of NOT NULL")[0][0] >= 4


def test_reading_changes_no_byte_and_leaves_no_file(program: Program) -> None:
    """
    Evidence that a check alters is none; a ``-wal`` left behind by root would lock others out.
    """
    before = state(program.folder)

    assert program.run("fixity").returncode == 0

    assert state(program.folder) == before


def test_a_log_that_a_crash_left_is_read_and_not_folded_in(program: Program) -> None:
    """
    What was acknowledged stands there; closing the database must not rewrite the file.
    """
    with closing(sqlite3.connect(program.database, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("INSERT INTO lookups VALUES ('a', 'wayback', 'then', 'none', '')")
        crashed = program.folder / "crashed"
        shutil.copytree(program.folder / "archive", crashed)
    size = (crashed / "audit.db-wal").stat().st_size
    assert size > 0
    before = (crashed / "audit.db").read_bytes()

    examined = fixity.examine(crashed, progress=Silent())

    assert examined.found == 0
    assert (crashed / "audit.db-wal").stat().st_size == size
    assert (crashed / "audit.db").read_bytes() == before


def test_any_flipped_bit_of_a_warc_file_is_found(program: Program) -> None:
    """
    Anywhere: also in gzip's own header, and in bits that decompress to the same.
    """
    path = warc_of(program)
    whole = path.read_bytes()
    chosen = random.Random(5)
    members = [at for at in range(len(whole)) if whole.startswith(b"\x1f\x8b\x08\0\0\0\0\0", at)]
    places = [(at + byte, bit) for at in members[:2] for byte in range(10) for bit in (0, 7)]
    ends = [(at - 9, bit) for at in (*members[1:4], len(whole)) for bit in range(8)]
    places += ends  # the last byte of the codes, its loose bits with it
    places += [(chosen.randrange(len(whole)), chosen.randrange(8)) for _ in range(60)]

    missed = []
    for place, bit in places:
        flip(path, place, bit)
        if not examine(program).found:
            missed.append((place, bit))
        path.write_bytes(whole)

    assert missed == []
    assert examine(program).found == 0


def covered(path: Path) -> list[Any]:
    """What stands in the covered tables; or that it can't be read."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
            return [
                connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
                for table in COVERED
            ]
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return [type(error)]


def test_any_flipped_bit_of_the_database_that_changes_a_row_is_found(program: Program) -> None:
    """
    Whatever a reader of these tables would see differently, or not at all.
    """
    path = program.database
    whole = path.read_bytes()
    before = covered(path)
    chosen = random.Random(8)
    used = [place for place in range(len(whole)) if whole[place]]  # most of the rest is room

    missed, mattered = [], 0
    for _ in range(70):
        place, bit = chosen.choice(used), chosen.randrange(8)
        flip(path, place, bit)
        if covered(path) != before:
            mattered += 1
            if not examine(program).found:
                missed.append((place, bit))
        path.write_bytes(whole)

    assert missed == []
    assert mattered > 20


def test_a_bit_that_flipped_names_the_source_it_touches(program: Program) -> None:
    """
    "Something is damaged" sends nobody anywhere; "s2" does.
    """
    sql = "SELECT k.file, k.offset, k.length FROM checks c JOIN captures k ON k.id = c.capture_id "
    ((_, offset, length),) = program.sql(sql + "WHERE c.source_id = 's2' AND c.run_id = 1")
    flip(warc_of(program), offset + length // 2, 3)

    done = program.run("fixity")
    told = json.loads(program.run("fixity", "--format", "json").stdout)

    assert done.returncode == 4
    assert told["sources"] == ["s2"]
    assert f"bytes {offset} to {offset + length}" in told["damages"][0]["place"]
    assert "touches s2" in done.stdout
    assert "Nothing was repaired" in done.stdout


def test_a_redirect_on_the_way_belongs_to_its_source(program: Program) -> None:
    """
    The chain of addresses is evidence as well as the page at its end.
    """
    sql = "SELECT offset FROM captures WHERE url LIKE '%/old' AND run_id = 1"
    ((offset,),) = program.sql(sql)
    flip(warc_of(program), offset + 40, 0)

    assert examine(program).sources == ("s4",)


def ends(path: Path) -> list[int]:
    """Where the gzip members of a file end."""
    whole = path.read_bytes()
    starts = [at for at in range(len(whole)) if whole.startswith(b"\x1f\x8b\x08\0\0\0\0\0", at)]
    return [*starts[1:], len(whole)]


def test_a_tail_that_was_cut_is_found_wherever_it_was_cut(program: Program) -> None:
    """
    Between two records no byte looks wrong: what is missing has to be missed.
    """
    path = warc_of(program)
    whole = path.read_bytes()
    places = [0, 1, *ends(path)[:-1], *(end - 5 for end in ends(path))]

    missed = []
    for place in places:
        path.write_bytes(whole[:place])
        if not examine(program).found:
            missed.append(place)

    assert missed == []


def test_a_file_that_is_gone_is_missed(program: Program) -> None:
    """
    All its captures, and whose they are.
    """
    warc_of(program).unlink()

    examined = examine(program)

    assert examined.found == program.sql("SELECT count(*) FROM captures")[0][0]
    assert examined.sources == ("s0", "s1", "s2", "s3", "s4")


@pytest.mark.parametrize(
    "between",
    [b"not a record", b"\0" * 600, gzip.compress(b"hello", mtime=0)],
    ids=["words", "zeros", "gzip"],
)
def test_bytes_between_two_records_are_found(program: Program, between: bytes) -> None:
    """
    Whoever reads the file from its beginning stumbles over them; rows point past them.
    """
    path = warc_of(program)
    whole, place = path.read_bytes(), ends(path)[2]
    path.write_bytes(whole[:place] + between + whole[place:])

    assert examine(program).found


def test_a_row_that_points_to_anothers_record_is_found(program: Program) -> None:
    """
    The record is whole, with right digests: and not what the row says.
    """
    sql = "SELECT offset, length FROM captures WHERE run_id = 1 AND url LIKE '%/3'"
    ((offset, length),) = program.sql(sql)
    place = f"offset = {offset}, length = {length}"
    changed(program, f"UPDATE captures SET {place} WHERE run_id = 1 AND url LIKE '%/2'")

    examined = examine(program)

    assert [one for one in examined.damages if "address, payload digest" in one.problem]
    assert "s2" in examined.sources


@pytest.mark.parametrize(
    ("statement", "touched"),
    [
        ("UPDATE checks SET reason = 'well' WHERE source_id = 's3' AND run_id = 1", ("s3",)),
        ("UPDATE quote_findings SET result = 'absent' WHERE source_id = 's1'", ("s1",)),
        ("UPDATE captures SET sha256 = payload_sha1 WHERE url LIKE '%/2'", ("s2",)),
        ("UPDATE judgements SET reason = 'not said'", ("s0",)),
        ("UPDATE submissions SET state = 'failed'", ("s2",)),
        ("UPDATE snapshots SET timestamp = '20200101000000'", ("s2",)),
        ("UPDATE runs SET outcome = 'conclusive', checked = 9 WHERE id = 1", ()),
        ("UPDATE audit SET link = 'live' WHERE id = 's0'", ()),
        ("UPDATE standings SET failing_since = '2020-01-01T00:00:00Z'", ()),
        ("UPDATE sources SET quote = 'other words' WHERE id = 's1'", ("s1",)),
        ("DELETE FROM quote_findings WHERE source_id = 's2'", ("s2",)),
        ("INSERT INTO judgements SELECT 9, source_id, url, link, reason, judged_by, judged_at, "
         "until FROM judgements", ()),
        ("DELETE FROM ledger WHERE kind = 'check' AND key = 2", ("s1",)),
        ("DELETE FROM ledger WHERE seq = 1", ()),
        ("UPDATE ledger SET text = replace(text, 's2', 's1') WHERE kind = 'check'", ("s1",)),
    ],
)  # fmt: skip
def test_a_row_that_somebody_changed_is_found(
    program: Program, statement: str, touched: tuple[str, ...]
) -> None:
    """
    The guards are no lock: who has the file can take them away, and put them back.
    """
    changed(program, statement)

    examined = examine(program)

    assert examined.found
    assert set(touched) <= set(examined.sources)


def test_a_guard_that_is_gone_is_found(program: Program) -> None:
    """
    Nothing may have been changed yet; but nothing hinders it either.
    """
    with closing(sqlite3.connect(program.database)) as connection:
        connection.execute("DROP TRIGGER checks_no_update")

    assert "checks_no_update" in examine(program).damages[0].problem


def test_a_guard_that_guards_less_is_found(program: Program) -> None:
    """
    Its name alone keeps nobody out.
    """
    with closing(sqlite3.connect(program.database)) as connection:
        connection.execute("DROP TRIGGER checks_no_update")
        connection.execute(
            "CREATE TRIGGER checks_no_update BEFORE UPDATE ON checks WHEN 0 BEGIN SELECT 1; END"
        )

    problems = [damage.problem for damage in examine(program).damages]
    assert problems == ["the guard checks_no_update is not what it was"]


def test_rows_deleted_at_the_end_are_found_by_a_head_printed_earlier(program: Program) -> None:
    """
    Whoever deletes the last entries with all that they stand for leaves a chain that is whole.
    """
    ((head,),) = program.sql("SELECT chain FROM ledger ORDER BY seq DESC LIMIT 1")
    ((earlier,),) = program.sql("SELECT chain FROM ledger WHERE seq = 3")
    last = "(SELECT max(seq) FROM ledger)"
    changed(
        program,
        f"DELETE FROM ledger WHERE seq = {last}",  # what seals the answers after the judgement
        "DELETE FROM judgements",
        f"DELETE FROM ledger WHERE seq = {last}",
        "UPDATE audit SET link = 'live', link_since = NULL",
    )

    without = examine(program)
    named = examine(program, head)
    done = program.run("fixity", "--head", head, "--head", earlier)

    assert "audit" in {one.place for one in without.damages}  # the seal before it tells of that
    assert f"the head {head}" in {one.place for one in named.damages}
    assert done.returncode == 4
    assert head in done.stdout
    assert earlier not in done.stdout.replace(examine(program).head, "")


def test_what_is_no_head_is_refused(program: Program) -> None:
    """
    A head cut short in copying must not read as "rows were deleted".
    """
    done = program.run("fixity", "--head", "abc123")

    assert done.returncode == 2
    assert "64" in done.stderr
    with pytest.raises(InputError):
        examine(Program(program.folder / "nowhere"))


def test_the_file_of_a_round_under_way_is_no_damage(program: Program) -> None:
    """
    Its end is being written; and the lock is the round's, not ours.
    """
    path = warc_of(program)
    path.with_name(path.name + ".open").write_text("0")
    with path.open("ab") as file:
        file.write(path.read_bytes()[:300])

    with locked(program.folder / "archive"):
        examined = examine(program)

    assert examined.found == 0
    assert "being written" in examined.notes[-1]


def test_records_that_no_row_knows_are_read_as_well(program: Program) -> None:
    """
    A round was killed between file and row: they are whole, and said to be nobody's.
    """
    path = warc_of(program)
    ((offset, length),) = program.sql("SELECT offset, length FROM captures WHERE id = 1")
    record = path.read_bytes()[offset : offset + length]
    end = path.stat().st_size
    with path.open("ab") as file:
        file.write(record)

    whole = examine(program)
    flip(path, end + 50, 2)
    damaged = examine(program)

    assert whole.found == 0
    assert "1 responses" in whole.notes[0]
    assert damaged.found == 1


def test_a_database_that_is_none_is_an_integrity_failure(program: Program) -> None:
    """
    The worst damage of all must not look like a fault of ours.
    """
    program.database.write_bytes(b"something else entirely" * 500)

    assert program.run("fixity").returncode == 4


def test_a_column_that_came_later_does_not_break_a_seal(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An update of Verifier is no damage.
    """
    changed(program, "ALTER TABLE audit ADD COLUMN later TEXT NOT NULL DEFAULT ''")

    assert examine(program).found == 0


def test_it_tells_how_it_gets_on(program: Program) -> None:
    """
    Reading a hundred gigabytes takes an hour; silence looks like a hang.
    """
    told: list[tuple[str, int]] = []

    class Listener(Silent):
        def begin(self, what: str, total: int, hosts: int) -> None:
            told.append((what, total))

    fixity.examine(program.folder / "archive", progress=Listener())

    assert told[0] == ("entries of the ledger", program.sql("SELECT count(*) FROM ledger")[0][0])
    assert told[1][0] == "MB of WARC"
