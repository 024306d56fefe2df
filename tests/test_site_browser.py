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

HOSTILE = """<!doctype html><html><head><title>Trap</title>
<meta http-equiv="refresh" content="0; url=URLrefresh">
<meta http-equiv="refresh" content="1; url=URLrefresh-later">
<base href="URLbase/">
<link rel="stylesheet" href="URLstyle.css"><link rel="icon" href="URLicon.png">
<link rel="preload" as="image" href="URLpreload.png"><link rel="prefetch" href="URLprefetch">
<link rel="preconnect" href="URL"><link rel="dns-prefetch" href="URL">
<link rel="modulepreload" href="URLmodule.js"><link rel="prerender" href="URLprerender">
<link rel="manifest" href="URLmanifest.json">
<script type="speculationrules">{"prefetch":[{"source":"list","urls":["URLspeculated"]}]}</script>
<style>@import "URLimport.css"; @font-face {font-family: f; src: url(URLfont.woff)}
p {background: url(URLbackground.png); font-family: f; cursor: url(URLcursor.cur), auto}
</style>
<script src="URLscript.js"></script><script>document.title = 'ran'; fetch('URLfetch');
location = 'URLlocation'; navigator.sendBeacon('URLbeacon'); new WebSocket('URLsocket');</script>
</head><body onload="location='URLonload'">
<p>The words that are kept</p><img src="URLimage.png" onerror="fetch('URLonerror')">
<img srcset="URLset.png 2x"><picture><source srcset="URLsource.png"><img src="x"></picture>
<svg><script>fetch('URLsvg')</script><image href="URLsvg.png"/><use href="URLuse.svg#a"/></svg>
<iframe src="URLframe"></iframe><iframe srcdoc="<img src=URLsrcdoc.png>"></iframe>
<object data="URLobject"></object><embed src="URLembed"><frameset><frame src="URLf"></frameset>
<video src="URLvideo.mp4" poster="URLposter.png" autoplay></video><audio src="URLa.mp3" autoplay>
</audio><form id=f action="URLform" method="post"><input autofocus onfocus="f.submit()"></form>
<details open ontoggle="fetch('URLtoggle')"></details>
<a href="javascript:fetch('URLjs')" autofocus>link</a><table background="URLtable.png"></table>
</body></html>"""


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
