"""Archived pages in a real browser: whatever they try, nothing runs and nothing leaves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loopback import Site, page
from tests.site_data import Archive
from tests.web.small_web import HOSTILE

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--virtual-time-budget=4000",
    "--dump-dom",
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium"),
]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An archive with one round."""
    archive = Archive.new(tmp_path / "archive")
    archive.run()
    return archive


@pytest.fixture
def served(archive: Archive) -> Iterator[str]:
    """The address of ``verifier serve`` on the archive, in a process of its own."""
    code = (
        "import sys, pathlib; from verifier.site.server import serve; "
        "serve(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), port=0, "
        "ready=lambda address: print(address, flush=True))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(archive.database), str(archive.warc)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip().rstrip("/")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        process.stdout.close()


def browse(url: str, profile: Path) -> str:
    """The page's document after four virtual seconds, as the browser has it then."""
    assert CHROMIUM is not None
    profile.mkdir()
    finished = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", url],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "HOME": str(profile)},
    )
    return finished.stdout


def test_the_trap_works_when_nothing_guards_against_it(tmp_path: Path) -> None:
    """Otherwise the next test would pass with a page that could do no harm anyway."""
    with Site() as trap, Site() as host:
        host.set("/", page(HOSTILE.replace("URL", trap.url("/"))))

        browse(host.url("/"), tmp_path / "profile")

        assert trap.connections > 0


@pytest.mark.parametrize("place", ["/-/archived/1", "/-/archived/1/document"])
def test_an_archived_page_reaches_nobody(
    place: str, archive: Archive, served: str, tmp_path: Path
) -> None:
    """Readers of the archive must not be seen, tracked or sent on by what was archived."""
    with Site() as trap:
        archive.capture(1, HOSTILE.replace("URL", trap.url("/")).encode())

        seen = browse(served + place, tmp_path / "profile")

        assert trap.connections == 0, [visit.target for visit in trap.visits]
    assert "The words that are kept" in seen or "Archived copy" in seen
