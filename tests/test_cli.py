"""What a person or cron meets on the command line: words, streams and exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import select
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import feedparser
import pytest

from tests.archive_stand_in import ArchiveStandIn, http
from tests.loopback import Site, page, raw
from tests.program import Program

COMMANDS = (
    "run", "work", "serve", "report", "publish", "explain", "judge", "fixity", "doctor", "demo",
)  # fmt: skip
HEAVY = (
    "httpx", "aiohttp", "sqlite_utils", "datasette", "uvicorn", "apscheduler", "waybackpy",
    "warcio", "resiliparse", "asyncio", "ssl", "sqlite3",
)  # fmt: skip


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


# ---- help --------------------------------------------------------------------------------


def test_every_command_has_help_with_the_options_that_all_share(program: Program) -> None:
    """A person who is lost types --help; nothing is read or written for it."""
    first = program.run("--help")
    assert first.returncode == 0
    for code in ("0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "130, 143 "):
        assert f"\n    {code}" in first.stdout

    for command in COMMANDS:
        assert f"\n  {command} " in first.stdout
        done = program.run(command, "--help")
        assert (done.returncode, done.stderr) == (0, "")
        for option in ("--sources", "--archive", "--config", "-v, --verbose"):
            assert option in done.stdout, command

    assert list(program.folder.iterdir()) == []


def test_run_has_the_options_of_the_contract(program: Program) -> None:
    """Crontabs name them."""
    told = program.run("run", "--help").stdout

    options = "--all --only --no-preserve --rejudge --confirm-retire --format --quiet --exit-zero"
    for option in options.split():
        assert option in told


def test_help_loads_none_of_the_libraries() -> None:
    """It answers in a fifth of a second, also on a small machine."""
    code = (
        "import sys\nfrom verifier.cli import cli\n"
        "try: cli(['--help'])\nexcept SystemExit: pass\n"
        "print('LOADED', *sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    loaded = done.stdout.partition("LOADED")[2].split()
    assert "verifier.cli" in loaded
    assert set(HEAVY).isdisjoint(loaded)


def test_the_version_is_that_of_the_package(program: Program) -> None:
    """A bug report begins with it."""
    from verifier import __version__

    assert __version__ in program.run("--version").stdout


# ---- wrong use ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("run", "--only", "nobody"), "nobody"),
        (("run", "--no-such-option"), "--no-such-option"),
        (("run", "--format", "xml"), "xml"),
        (("run", "--sources", "missing.csv"), "missing.csv"),
        (("run", "--config", "missing.toml"), "missing.toml"),
        (("report", "--archive", "elsewhere"), "elsewhere"),
        (("work",), "--cron"),
        (("serve", "--port", "70000"), "70000"),
        (("fly",), "fly"),
    ],
)
def test_wrong_use_is_named_and_nothing_is_done(
    program: Program, words: tuple[str, ...], named: str
) -> None:
    """Exit code 2 and one reason, on stderr: cron mails it."""
    with Site() as site:
        program.write({"id": "a", "url": site.url("/")})

        done = program.run(*words)

        assert site.connections == 0
    assert done.returncode == 2
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    if program.database.exists():
        assert program.sql("SELECT count(*) FROM runs") == [(0,)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("per_host", "0"),
        ("host_pause", "soon"),
        ("deadline", "-1"),
        ("canaries", "example.org"),
        ("allow_private", "maybe"),
        ("wayback_url", "web.archive.org"),
        ("preserve_budget", "nan"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(program: Program, name: str, value: str) -> None:
    """A limit that was silently ignored would be found out by somebody's server."""
    program.write({"id": "a", "url": "http://127.0.0.1:1/"})
    program.settings[name] = value

    done = program.run("run")

    assert done.returncode == 2
    assert f"VERIFIER_{name.upper()}" in done.stderr
    assert value in done.stderr


def test_settings_come_from_the_file_and_the_environment_counts_first(program: Program) -> None:
    """verifier.toml is for what stays, the environment for this machine."""
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/")})
        del program.settings["allow_private"]
        (program.folder / "verifier.toml").write_text(
            'allow_private = true\ncontact = "https://example.org/bot"\n'
        )
        done = program.run("run", "--no-preserve")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "https://example.org/bot" in site.visits[0].header("User-Agent")

        program.settings["contact"] = "mailto:me@example.org"
        program.run("run", "--no-preserve", "--all")
        assert "mailto:me@example.org" in site.visits[1].header("User-Agent")

        (program.folder / "verifier.toml").write_text("alow_private = true\n")
        typo = program.run("run", "--no-preserve")
    assert typo.returncode == 2
    assert "allow_private" in typo.stderr


def test_one_key_without_the_other_is_named_and_never_shown(program: Program) -> None:
    """Half an account is a mistake, not a wish to be anonymous."""
    program.write({"id": "a", "url": "http://127.0.0.1:1/"})
    program.settings["ia_secret_key"] = "hunter2hunter2"

    done = program.run("run", "-v")

    assert done.returncode == 2
    assert "VERIFIER_IA_ACCESS_KEY" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


# ---- what a round says -------------------------------------------------------------------


def test_a_sound_list_needs_no_reader(program: Program) -> None:
    """The summary says what was done, counts, when it goes on, and the head of the ledger."""
    with Site() as site:
        site.default = page("<p>the words</p>")
        program.write({"id": "a", "url": site.url("/"), "quote": "the words"})

        done = program.run("run", "--no-preserve")

    assert (done.returncode, done.stderr) == (0, "")
    ((head,),) = program.sql("SELECT head FROM runs")
    assert head in done.stdout
    assert "No source needs a reader" in done.stdout
    assert "\x1b" not in done.stdout


def test_quiet_says_nothing_when_nothing_is_new(program: Program) -> None:
    """Cron mails what is printed: silence means that all is as it was."""
    with Site() as site:
        site.default = page("here")
        site.set("/b", page("no", status=404))
        program.write({"id": "a", "url": site.url("/a")}, {"id": "b", "url": site.url("/b")})

        first = program.run("run", "--no-preserve", "--quiet")
        second = program.run("run", "--no-preserve", "--quiet", "--all")
        site.set("/a", page("no", status=404))
        third = program.run("run", "--no-preserve", "--quiet", "--all")

    assert (first.stdout, first.stderr) == ("", "")  # nobody has to act on a first suspicion
    assert (second.stdout, second.stderr) == ("", "")
    assert "a: " in third.stdout
    assert "b: " not in third.stdout


def test_quiet_says_a_fault_of_the_list_once(program: Program) -> None:
    """The same wrong row, every hour, would teach people not to read the mail."""
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/a")}, {"id": "b", "url": "example.org"})

        first = program.run("run", "--no-preserve", "--quiet")
        second = program.run("run", "--no-preserve", "--quiet")

    assert "line 3, url" in first.stdout
    assert second.stdout == ""
    assert (first.returncode, second.returncode) == (1, 1)


def test_quiet_says_once_that_there_is_no_network(program: Program) -> None:
    """A night without network is one mail, not ten; and its end is not an alarm."""
    program.write({"id": "a", "url": "http://127.0.0.1:1/"})
    program.settings["canaries"] = "http://127.0.0.1:1/"

    first = program.run("run", "--quiet")
    second = program.run("run", "--quiet")

    assert (first.returncode, second.returncode) == (3, 3)
    assert len(first.stdout.splitlines()) == 2
    assert second.stdout == ""


def test_a_round_without_network_says_so_and_prints_the_head(program: Program) -> None:
    """Every round is an entry of the ledger, and whoever notes heads wants each."""
    program.write({"id": "a", "url": "http://127.0.0.1:1/"})
    program.settings["canaries"] = "http://127.0.0.1:1/"

    done = program.run("run")

    head = program.sql("SELECT chain FROM ledger ORDER BY seq DESC LIMIT 1")[0][0]
    assert done.returncode == 3
    assert done.stdout.startswith("No network: ")
    assert "\n1 source listed, " in done.stdout
    assert done.stdout.endswith(f"\nLedger head: {head}\n")


def test_json_is_json_in_every_case(program: Program) -> None:
    """A program reads it: also what an inconclusive round says."""
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/"), "note": "x"}, {"id": "ö", "url": "no"})

        done = program.run("run", "--no-preserve", "--format", "json")
        program.settings["canaries"] = "http://127.0.0.1:1/"
        down = program.run("run", "--no-preserve", "--format", "json")

    told, later = json.loads(done.stdout), json.loads(down.stdout)
    assert (done.returncode, down.returncode) == (1, 3)
    assert [row["id"] for row in told["needs_reader"]] == ["ö"]
    assert (told["round"]["outcome"], later["round"]["outcome"]) == ("conclusive", "inconclusive")
    assert later["counts"] == told["counts"]


def test_exit_zero_turns_one_into_zero_and_nothing_else(program: Program) -> None:
    """For a pipeline that only cares whether the round worked."""
    program.write({"id": "a", "url": "no address"})
    assert program.run("run", "--no-preserve").returncode == 1
    assert program.run("run", "--no-preserve", "--exit-zero").returncode == 0
    program.settings["canaries"] = "http://127.0.0.1:1/"
    assert program.run("run", "--no-preserve", "--exit-zero").returncode == 3
    assert program.run("run", "--exit-zero", "--only", "b").returncode == 2


def test_words_from_the_web_cannot_write_to_the_terminal(program: Program) -> None:
    """A page's title may hold an escape sequence that repaints the screen."""
    with Site() as site:
        nasty = "\x1b]0;owned\x07\x1b[31mred\u202e"
        site.default = page(f"<title>{nasty}</title>", status=404)
        site.set("/reason", raw(b"HTTP/1.1 404 \x1b[31mNo\r\nContent-Length: 0\r\n\r\n"))
        program.write(
            {"id": "a", "url": site.url("/"), "title": f"t {nasty}"},
            {"id": "b", "url": site.url("/reason")},
            {"id": "c", "url": f"http://{nasty}/"},
        )

        done = program.run("run", "--no-preserve")
        report = program.run("report")

    for said in (done.stdout, done.stderr, report.stdout):
        assert not set(said) & {"\x1b", "\x07", "\u202e"}


# ---- streams -----------------------------------------------------------------------------


def at_a_terminal(program: Program, *words: str) -> tuple[str, str, int]:
    """(what the terminal showed, what went to stdout, exit code): stderr is a terminal."""
    ours, theirs = pty.openpty()
    process = program.start(*words, stderr=theirs, stdin=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            if select.select([ours], [], [], 0.1)[0]:
                shown += os.read(ours, 65536)
            elif process.poll() is not None:
                break
        except OSError:  # the terminal's other side is closed
            break
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    return shown.decode(), out, process.returncode


def test_a_terminal_sees_how_far_a_round_is(program: Program) -> None:
    """Done, failing, hosts, time left: on stderr, so that stdout stays the summary."""
    with Site("127.0.0.2", "127.0.0.3") as site:
        site.default = page("here")
        site.set("/lost", page("no", status=404))
        program.write(
            *({"id": f"p{n}", "url": site.url(f"/{n}", host=site.hosts[n % 2])} for n in range(5)),
            {"id": "lost", "url": site.url("/lost")},
        )

        shown, out, code = at_a_terminal(program, "run", "--no-preserve")

    assert code == 0
    assert "6 addresses on 2 hosts" in shown
    assert "6/6" in shown
    assert "1 failing" in shown
    assert "addresses on" not in out


def test_a_pipe_sees_no_progress(program: Program) -> None:
    """Cron would mail it."""
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/")})

        done = program.run("run", "--no-preserve")

    assert done.stderr == ""
    assert "1/1" not in done.stdout


def test_a_reader_that_leaves_early_is_no_fault(program: Program) -> None:
    """`verifier run | head -1` ends without a traceback, and the round is whole."""
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/")})
        with program.start("run", "--no-preserve") as process:
            assert process.stdout is not None
            process.stdout.close()
            assert process.stderr is not None
            err = process.stderr.read()
            process.wait(timeout=60)

    assert err == ""
    assert process.returncode in (0, 1)
    assert program.audit("link") == {"a": "live"}


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&- >&- 2>&-"])
def test_a_stream_that_the_caller_closed_is_no_fault(program: Program, closed: str) -> None:
    """Cron lines close what they do not want to see."""
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/")})
        program.before = ("bash", "-c", f'exec "$0" "$@" {closed}')

        done = program.run("run", "--no-preserve")

    assert done.returncode == 0
    assert "Traceback" not in done.stdout + done.stderr
    assert program.audit("link") == {"a": "live"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_an_output_that_cannot_be_written_is_named(program: Program) -> None:
    """The round is stored all the same; but nobody read what it said."""
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/")})
        program.before = ("bash", "-c", 'exec "$0" "$@" >/dev/full')

        done = program.run("run", "--no-preserve")

    assert done.returncode == 5
    assert "standard output" in done.stderr
    assert "Traceback" not in done.stderr
    assert program.audit("link") == {"a": "live"}


def test_keys_are_shown_nowhere(program: Program) -> None:
    """Logs are pasted into bug reports."""
    with ArchiveStandIn() as archive, Site() as site:
        site.default = page("here")
        archive.on("/save", http(500, "your key: {url} a-secret-key an-access-key"))
        program.settings |= {
            "wayback_url": archive.base_url,
            "ia_access_key": archive.access_key,
            "ia_secret_key": archive.secret_key,
        }
        program.write({"id": "a", "url": site.url("/a")}, {"id": "b", "url": site.url("/b")})

        done = program.run("run", "-v")

        assert archive.submissions
    everything = done.stdout + done.stderr + "".join(
        str(row) for table in ("submissions", "lookups", "runs", "ledger", "audit")
        for row in program.sql(f"SELECT * FROM {table}")
    )  # fmt: skip
    assert archive.secret_key not in everything
    assert archive.access_key not in everything
    for file in program.folder.rglob("*.warc.gz"):
        assert archive.secret_key.encode() not in file.read_bytes()


# ---- faults ------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_written_is_named(program: Program) -> None:
    """Exit code 5 with a cure, not a traceback."""
    program.write({"id": "a", "url": "http://127.0.0.1:1/"})
    (program.folder / "archive").write_text("a file stands where the folder should be")

    done = program.run("run")

    assert done.returncode == 5
    assert "archive" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fault_in_keeping_a_copy_ends_the_round_with_its_name(program: Program) -> None:
    """What could not be stored was not seen: nothing is derived from it."""
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/")})
        program.run("run", "--no-preserve")
        before = program.dump()
        for file in (program.folder / "archive" / "warc").rglob("*.warc.gz"):
            file.unlink()
            file.mkdir()

        done = program.run("run", "--no-preserve", "--all")

    assert done.returncode == 5
    assert "Traceback" not in done.stderr, done.stderr
    assert program.dump() == before
    assert program.sql("SELECT count(*) FROM checks") == [(1,)]


def test_a_fault_of_ours_has_a_code_of_its_own(program: Program) -> None:
    """A word that no version wrote: whatever is wrong here is nobody's finding."""
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/")})
        program.run("run", "--no-preserve")
    with closing(sqlite3.connect(program.database)) as connection, connection:
        connection.execute("UPDATE audit SET link = 'purple'")

    done = program.run("report")

    assert done.returncode == 5
    assert "purple" in done.stderr
    assert "report it" in done.stderr


def test_a_database_that_is_none_is_named_with_a_cure(program: Program) -> None:
    """It is not overwritten."""
    program.write({"id": "a", "url": "http://127.0.0.1:1/"})
    program.database.parent.mkdir()
    program.database.write_bytes(b"not a database" * 100)

    done = program.run("run")

    assert done.returncode == 4
    assert "audit.db" in done.stderr
    assert "backup" in done.stderr
    assert "Traceback" not in done.stderr
    assert program.database.read_bytes() == b"not a database" * 100


# ---- the other commands ------------------------------------------------------------------


def test_the_report_comes_in_every_form_and_fails_on_what_it_is_told_to(
    program: Program,
) -> None:
    """One command for the editor, the mail, the spreadsheet, the feed reader and the script."""
    with Site() as site:
        site.set("/a", page("<p>The words of the source are these.</p>"))
        program.write(
            {"id": "a", "url": site.url("/a"), "quote": "The words of the page are those"},
            {"id": "b", "url": "", "claim": "Nobody knows who said it"},
        )
        program.run("run", "--no-preserve")
        before = program.database.read_bytes()
        forms = "text markdown html json csv atom corrections".split()
        shown = {form: program.run("report", "--format", form) for form in forms}
        gates = {
            gate: program.run("report", "--fail-on", gate).returncode
            for gate in ("never", "reader", "news", "hijacked", "no-address,hijacked", "nonsense")
        }
        since = [program.run("report", "--since", day) for day in ("last", "2999-01-01", "soon")]

    assert {form: (done.returncode, done.stderr) for form, done in shown.items()} == dict.fromkeys(
        forms, (0, "")
    )
    assert "words of the page are those" in shown["corrections"].stdout
    assert shown["html"].stdout.startswith("<!doctype html>")
    assert [one["id"] for one in json.loads(shown["json"].stdout)["sources"]] == ["a", "b"]
    assert [one["id"] for one in csv.DictReader(io.StringIO(shown["csv"].stdout))] == ["a", "b"]
    feed = feedparser.parse(shown["atom"].stdout)
    assert not feed.bozo
    assert [entry.title for entry in feed.entries if entry.title.startswith("b: link invalid")]
    assert gates == {
        "never": 0,
        "reader": 1,
        "news": 1,
        "hijacked": 0,
        "no-address,hijacked": 1,
        "nonsense": 2,
    }
    assert [done.returncode for done in since] == [0, 0, 2]
    assert "NEWS" in since[0].stdout
    assert since[1].stdout.startswith("No news since 2999-01-01 00:00 UTC. 2 sources")
    assert "--since" in since[2].stderr
    assert program.database.read_bytes() == before


def test_a_report_is_written_to_a_file_when_asked(program: Program) -> None:
    """And nothing is fetched for it."""
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/")})
        program.run("run", "--no-preserve")
        asked = site.connections

        shown = program.run("report", "--format", "markdown")
        done = program.run("report", "--format", "markdown", "--output", "report.md")

        assert site.connections == asked
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (program.folder / "report.md").read_text("utf-8") == shown.stdout
    assert shown.stdout.startswith("# ")


def test_the_worker_does_its_round_at_once_and_ends_on_sigterm(program: Program) -> None:
    """What systemd starts and stops."""
    with Site() as site:
        site.default = page("here")
        program.write({"id": "a", "url": site.url("/")})
        with program.start("work", "--every", "6h", "--no-preserve") as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            ends = time.monotonic() + 30
            while not (program.database.exists() and runs_of(program)):
                assert time.monotonic() < ends
                time.sleep(0.05)
            sent = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
            assert time.monotonic() - sent < 20

    assert first.startswith("Round 1")
    assert process.returncode == 143
    assert program.audit("link") == {"a": "live"}


def runs_of(program: Program) -> list[tuple[object, ...]]:
    """Rounds that have come to their end."""
    return program.sql("SELECT id FROM runs WHERE outcome = 'conclusive'")


INTERRUPTED = """
import builtins, sys
from verifier.__main__ import main
really = builtins.__import__
def imported(name, *rest, **more):
    if name == "verifier.start":
        raise KeyboardInterrupt
    return really(name, *rest, **more)
builtins.__import__ = imported
sys.argv = ["verifier", "run"]
main()
"""


def test_ctrl_c_before_anything_began_is_no_finding(tmp_path: Path) -> None:
    """Loading takes half a second; a 1 would say that a source needs a reader."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
