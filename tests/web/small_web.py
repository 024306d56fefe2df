"""A small web on loopback and the archive that two rounds over it leave, for a real browser."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.archive_stand_in import ArchiveStandIn
from tests.loopback import Site, page, redirect
from tests.program import Program
from tests.typeset import printed

HOSTS = tuple(f"127.0.0.{number}" for number in range(2, 10))

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


def article(title: str, *paragraphs: str, long: bool = True) -> str:
    """A page as newspapers make them, the paragraphs amid others."""
    filler = f"<p>{_FILLER}</p>\n" * (6 if long else 0)
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

FIRST = "The council found that 1,204 wells had run dry by the end of 2020, more than ever before."
LATER = "The council found that about 900 wells had run dry by the end of 2021, fewer than feared."


def _report() -> bytes:
    lines = [f"{number}. Some line of the report that nobody quotes." for number in range(1, 30)]
    return printed(
        ["Report of the council on the wells of the valley", "", *lines],
        [*lines[:20], "Seven in ten households had no water on at", "least one day of every week,"],
        ["and most had to buy it from tankers.", *lines[:30]],
        title="Report on the wells",
    )


def rows(site: Site) -> list[dict[str, str]]:
    """Scripts the first state of the web, and says what of it is cited."""

    def put(number: int, path: str, answer: object) -> str:
        site.set(f"{HOSTS[number]}{path}", answer)  # type: ignore[arg-type]
        return site.url(path, host=HOSTS[number])

    sentence = article("Wells of the valley", BROKEN_UP)
    misquoted = article("Who pays", "The ministry said that it would not pay for the new wells.")
    return [
        {
            "id": "wells",
            "url": put(0, "/wells", page(sentence, gzipped=True)),
            "title": "Wells of the valley",
            "publisher": "The Valley Post",
            "published": "2021-03",
            "claim": "Groundwater fell by a third",
            "quote": QUOTED,
            "lang": "en",
        },
        {
            "id": "dry",
            "url": put(1, "/dry", page(article("How many ran dry", FIRST))),
            "title": "How many wells ran dry",
            "publisher": "The Valley Post",
            "claim": "1,204 wells ran dry",
            "quote": "1,204 wells had run dry by the end of 2020, more than ever before",
            "lang": "en",
        },
        {
            "id": "who-pays",
            "url": put(2, "/pays", page(misquoted)),
            "title": "Who pays for the wells",
            "claim": "The ministry pays",
            "quote": "The ministry said that it would gladly pay for the new wells.",
            "lang": "en",
        },
        {
            "id": "report",
            "url": put(3, "/report.pdf", page(_report(), content_type="application/pdf")),
            "title": "Report on the wells",
            "publisher": "Council",
            "locator": "p. 2",
            "claim": "Seven in ten had no water",
            "quote": "had no water on at least one day of every week, and most had to buy it",
            "lang": "en",
        },
        {
            "id": "gone",
            "url": put(4, "/gone", page(article("A page that goes", "These words will be gone."))),
            "title": "A page that goes",
            "claim": "It was there",
            "quote": "These words will be gone",
        },
        {
            "id": "moved",
            "url": put(5, "/old", redirect(site.url("/new", host=HOSTS[5]), status=301)),
            "title": "A page that moved",
            "claim": "It moved",
            "quote": "This page has another address now",
        },
        {
            "id": "trap",
            "url": put(6, "/trap", page("<p>not yet")),
            "title": "A page that tries everything",
            "claim": "Nothing leaves",
            "quote": "The words that are kept stand amid a trap",
        },
        {"id": "no-address", "url": "", "claim": "A claim that still needs a source"},
    ]


class SmallWeb:
    """The archive after two rounds.

    Attributes:
        trap: Where the hostile page calls; it goes on listening until ``close``.
        captures: For each source the numbers of its copies, in order.
    """

    def __init__(self, folder: Path) -> None:
        self.trap = Site().__enter__()
        with ArchiveStandIn(slots=10) as archive, Site(*HOSTS) as site:
            self.program = Program(
                folder,
                wayback_url=archive.base_url,
                ia_access_key=archive.access_key,
                ia_secret_key=archive.secret_key,
                preserve_budget=60,
            )
            self.program.write(*rows(site))
            moved = article("A page that moved", "This page has another address now.")
            site.set(f"{HOSTS[5]}/new", page(moved))
            site.set(f"{HOSTS[6]}/trap", page(HOSTILE.replace("URL", self.trap.url("/"))))
            first = self.program.run("run")
            site.set(f"{HOSTS[1]}/dry", page(article("How many ran dry", LATER)))
            site.set(f"{HOSTS[4]}/gone", page("not here", status=404))
            second = self.program.run("run", "--all")
        assert (first.stderr, second.stderr) == ("", "")
        self.captures: dict[str, list[int]] = {}
        for source, capture in self.program.sql(
            "SELECT source_id, capture_id FROM checks WHERE capture_id IS NOT NULL ORDER BY id"
        ):
            self.captures.setdefault(source, []).append(capture)

    def age(self, days: int) -> None:
        """Move all rounds into the past: nobody has looked since."""
        with closing(sqlite3.connect(self.program.database)) as connection, connection:
            for column in ("started_at", "ended_at"):
                connection.execute(
                    f"UPDATE runs SET {column} = strftime('%Y-%m-%dT%H:%M:%SZ', {column}, ?)",
                    [f"{-days:+d} days"],
                )

    def close(self) -> None:
        """Listen no longer."""
        self.trap.__exit__()
