"""What the browser tests look at: the demonstration's archive, and one of difficult pages."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.program import Program
from tests.site_data import Archive

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
<p>Before the trap.</p><p>The words that are kept stand amid a trap, and they stay.</p>
<img src="URLimage.png" onerror="fetch('URLonerror')">
<img srcset="URLset.png 2x"><picture><source srcset="URLsource.png"><img src="x"></picture>
<svg><script>fetch('URLsvg')</script><image href="URLsvg.png"/><use href="URLuse.svg#a"/></svg>
<iframe src="URLframe"></iframe><iframe srcdoc="<img src=URLsrcdoc.png>"></iframe>
<object data="URLobject"></object><embed src="URLembed"><frameset><frame src="URLf"></frameset>
<video src="URLvideo.mp4" poster="URLposter.png" autoplay></video><audio src="URLa.mp3" autoplay>
</audio><form id=f action="URLform" method="post"><input autofocus onfocus="f.submit()"></form>
<details open ontoggle="fetch('URLtoggle')"><summary>more</summary></details>
<a href="javascript:fetch('URLjs')" autofocus>link</a><table background="URLtable.png"></table>
</body></html>"""
"""A page that tries all that pages can try; ``URL`` is where somebody listens."""

_FILLER = " ".join(
    f"In year {year} the wells of the valley were measured again, and nothing of note was found."
    for year in range(1950, 1990)
)


def article(title: str, *paragraphs: str) -> str:
    """A page as newspapers make them, the paragraphs amid others."""
    filler = f"<p>{_FILLER}</p>\n" * 6
    body = "\n".join(f"<p>{words}</p>" for words in paragraphs)
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{title}</title>"
        "<style>p {color: red}</style></head><body><nav><a href=/>Home</a> <a href=/news>News</a>"
        f"</nav><main><h1>{title}</h1>\n{filler}{body}\n{filler}"
        "<table><tr><th>Year<th>Wells<tr><td>2020<td>1,204</table></main>"
        "<footer>All rights reserved</footer></body></html>"
    )


BROKEN_UP = (
    "The council <em>said in its <strong>report</strong></em> that &ldquo;ground&shy;water&rdquo; "
    "levels&nbsp;had <a href='/fall'>fallen by a&#32;third</a> since the wells were dug."
)
"""A sentence through tags, entities and soft hyphens; `QUOTED` is what a reader sees of it."""

QUOTED = "said in its report that “groundwater” levels had fallen by a third since"


class Demonstration:
    """What ``verifier demo`` plays: seven rounds over a small web, on simulated days.

    It is played once: who comes second to the folder waits, and takes what is there.

    Attributes:
        program: Verifier in the folder with its archive.
    """

    def __init__(self, folder: Path) -> None:
        self.program = Program(folder / "demo")
        with (folder / "demo.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.program.folder.exists():
                _play(folder, self.program.folder)

    def one(self, query: str, *values: Any) -> Any:
        """The only value of the only row."""
        ((value,),) = self.program.sql(query, *values)
        return value

    def copies(self, source: str) -> list[int]:
        """Copies of the source's page, one for each text that it had, in their order."""
        found = self.program.sql(
            "SELECT min(capture_id) FROM checks WHERE source_id = ? AND seen IN ('alive', 'moved') "
            "AND capture_id IS NOT NULL GROUP BY text_sha256 ORDER BY 1",
            source,
        )
        return [capture for (capture,) in found]

    @contextmanager
    def aged(self, days: int) -> Iterator[None]:
        """All rounds so many days further in the past: nobody has looked since."""
        self._move(-days)
        try:
            yield
        finally:
            self._move(days)

    def _move(self, days: int) -> None:
        with closing(sqlite3.connect(self.program.database)) as connection, connection:
            for column in ("started_at", "ended_at"):
                connection.execute(
                    f"UPDATE runs SET {column} = strftime('%Y-%m-%dT%H:%M:%SZ', {column}, ?)",
                    [f"{days:+d} days"],
                )


def _play(folder: Path, keep: Path) -> None:
    with Program(folder).start("demo", "--no-serve", "--keep", str(keep)) as process:
        try:
            out, err = process.communicate(timeout=300)
        finally:
            process.kill()
    assert (process.returncode, err) == (0, ""), out + err


def difficult(folder: Path, *, trap: str) -> Archive:
    """An archive with a long page (copy 1, source "long") and a hostile one (copy 2, "trap").

    Args:
        trap: An address where somebody listens, with a slash at its end.
    """
    archive = Archive.new(folder)
    archive.run()
    pages = (
        ("long", QUOTED, article("Wells of the valley", BROKEN_UP)),
        ("trap", "The words that are kept", HOSTILE.replace("URL", trap)),
    )
    for number, (name, quotation, page) in enumerate(pages, 1):
        archive.source(name, cited=quotation)
        archive.capture(number, page.encode())
        archive.insert(
            "checks",
            id=number,
            run_id=1,
            source_id=name,
            capture_id=number,
            hops="[]",
            headers="[]",
        )
    return archive
