"""The demonstration: every answer is shown by the real rounds, and nothing is left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pypdfium2
import pytest

from tests.program import Program, until
from verifier.demo.paper import pdf
from verifier.demo.story import ROUNDS, SOURCES

LINKS = {
    "angling-club": "dead",
    "eyewitness": "invalid",
    "flood-plan": "dead",
    "gazette-notice": "live",
    "heritage-trust": "blocked",
    "millers-guild": "hijacked",
    "parish-newsletter": "moved",
    "school-centenary": "dead",
    "weather-diary": "dead",
}
QUOTES = {
    "chronicle-homeless": "altered",
    "library-song": "absent",
    "minutes-1912": "found",
    "museum-wheel": "altered",
    "inquiry-1911": "found",
    "zeitung-1911": "not_comparable",
}


@contextmanager
def playing(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A demonstration under way, and the file that its standard output goes to.

    It has the folder for its temporary files, and a proxy that is not there.
    """
    temporary, told = folder / "tmp", folder / "stdout"
    temporary.mkdir()
    environment = {
        **Program(folder).environment,
        "TMPDIR": str(temporary),
        "HTTP_PROXY": "http://127.0.0.1:1",
        "VERIFIER_ALLOW_PRIVATE": "nonsense",
    }
    with (
        told.open("w", encoding="utf-8") as out,
        subprocess.Popen(
            [sys.executable, "-m", "verifier", "demo", *words],
            cwd=folder,
            env=environment,
            text=True,
            stdout=out,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        try:
            yield process, told
        finally:
            process.kill()


def says(process: subprocess.Popen[str], told: Path, words: str) -> str:
    """What it said so far, once *words* are among it."""
    until(lambda: words in told.read_text("utf-8") or process.poll() is not None, seconds=300)
    said = told.read_text("utf-8")
    assert words in said, process.stderr.read() if process.stderr else ""
    return said


def fetched(address: str) -> str:
    """A page of this machine, without any proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    parts = urlsplit(address)
    here = parts._replace(netloc=f"127.0.0.1:{parts.port}").geturl()  # whatever the system knows
    request = urllib.request.Request(here, headers={"Host": parts.netloc})
    with opener.open(request, timeout=30) as reply:
        return str(reply.read().decode("utf-8"))


@pytest.mark.timeout(400)  # seven rounds; some twenty seconds where nothing else runs
def test_it_shows_every_answer_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Who tries it out trusts it with a machine: the rounds are real, and the end is clean."""
    with playing(tmp_path) as (process, told):
        said = says(process, told, "The audit is at")
        address = re.findall(r"The audit is at (http://\S+/)", said)[0]
        (folder,) = (tmp_path / "tmp").iterdir()
        with closing(sqlite3.connect(folder / "archive" / "audit.db")) as db:
            audit = {
                row[0]: row[1:]
                for row in db.execute("SELECT id, link, quote, copy, snapshot_url, url FROM audit")
            }
            days = [
                datetime.fromisoformat(at)
                for (at,) in db.execute("SELECT started_at FROM runs ORDER BY id")
            ]
            looks = db.execute(
                "SELECT count(*) FROM checks c JOIN runs r ON r.id = c.run_id "
                "WHERE c.checked_at < r.started_at OR c.checked_at > r.ended_at"
            ).fetchone()
            wrong = db.execute("SELECT * FROM runs WHERE outcome != 'conclusive'").fetchall()
        shown = json.loads(fetched(f"{address}audit/audit.json?_shape=array&_size=max"))
        page = fetched(f"{address}audit/audit/inquiry-1911")
        live = fetched(audit["inquiry-1911"][4])
        copy = fetched(audit["angling-club"][3])
        home = fetched(address)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)

    assert {name: audit[name][0] for name in LINKS} == LINKS
    assert {name: audit[name][1] for name in QUOTES} == QUOTES
    assert audit["photographs"][2] == "excluded"
    assert audit["penn-letters"][3] == ""
    assert audit["angling-club"][2] == "confirmed"
    assert {one.id for one in SOURCES} == set(audit) == {row["id"] for row in shown}
    now = datetime.now(UTC)
    assert [round((day - now).total_seconds() / 86_400) for day in days] == list(ROUNDS)
    assert looks == (0,), "looks have the dates of their rounds"
    assert wrong == []
    assert "simulated" in said
    assert all(f"{address}audit/audit/{one.id}" in said for one in SOURCES if one.look)
    assert "museum-wheel" in home
    assert "Report of the Inquiry" in page
    assert "had not been examined by any" in live
    assert "not one trout was taken" in copy
    assert process.returncode == 143
    assert err == ""
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
)
def test_it_can_be_ended_in_the_middle_of_a_round(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """Nobody waits a minute to get rid of something that was only tried out."""
    with playing(tmp_path) as (process, told):
        says(process, told, "A small web of")
        until(lambda: list((tmp_path / "tmp").glob("*/archive/audit.db")))
        process.send_signal(number)
        _, err = process.communicate(timeout=60)

    assert process.returncode == code
    assert "Traceback" not in err
    assert list((tmp_path / "tmp").iterdir()) == []


def test_it_takes_no_folder_that_holds_something(tmp_path: Path) -> None:
    """--keep is for a new folder: nobody's files are played with."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "sources.csv").write_text("mine", "utf-8")

    done = Program(tmp_path).run("demo", "--keep", "mine")

    assert done.returncode == 2
    assert "mine: it is not empty" in done.stderr
    assert (tmp_path / "mine" / "sources.csv").read_text("utf-8") == "mine"
    assert os.listdir(tmp_path / "mine") == ["sources.csv"]


def test_a_port_that_is_taken_is_told_at_once(tmp_path: Path) -> None:
    """Not after all rounds were played."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = Program(tmp_path).run("demo", "--port", str(taken.getsockname()[1]))

    assert done.returncode == 2
    assert "cannot listen there" in done.stderr
    assert done.stdout == ""


def test_its_pdf_is_one() -> None:
    """It stands for all the PDFs that people cite."""
    document = pypdfium2.PdfDocument(pdf((("One (1)",), ("Two \\ £2", "lines")), title="A title"))

    texts: list[Any] = [page.get_textpage().get_text_bounded() for page in document]

    assert [text.split() for text in texts] == [["One", "(1)"], ["Two", "\\", "£2", "lines"]]
    assert document.get_metadata_dict()["Title"] == "A title"
