"""Captures that are no copies of what we saw: none of them may ever be called confirmed."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.archive_stand_in import ArchiveStandIn, Manner
from tests.loopback import Site, page
from tests.program import Program
from verifier.ledger import Ledger
from verifier.preserve import Asking, Pace
from verifier.records import Run, Snapshot
from verifier.wayback import Archive

MADE = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)
WORDS = "the committee counted 4,812 ballots in the spring of 1987 and found no fault"
BODY = " ".join(f"sentence number {n} of the report says a little more," for n in range(40))
FRAME = "<nav><a href=/>Home</a> <a href=/about>About</a></nav>{}<footer>© Example</footer>"
REPORT = FRAME.format(f"<title>Report</title><main><p>{WORDS}.</p><p>{BODY}</p></main>")
PLAIN = FRAME.format(f"<title>Report</title><main><p>{BODY}</p></main>")
MISSING = FRAME.format(
    "<title>Page not found</title><main><h1>404: page not found</h1><p>The page that you asked "
    "for does not exist. It may have been moved or deleted.</p></main>"
)
WALL = (
    "<html><head><title>Just a moment...</title></head><body><noscript>Enable JavaScript and "
    "cookies to continue</noscript><script src=/cdn-cgi/challenge-platform/x></script></body>"
)


def stamp(at: datetime) -> str:
    return f"{at:%Y%m%d%H%M%S}"


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """A capture under the right address, or nearly, that is none of the page.

    Attributes:
        live: The page as we saw it.
        quote: What its row quotes, with its kind.
        body, status, headers: As archived, unless *captures* puts something else there.
        path: Of the captured page; "" for that of the page that is cited.
    """

    body: str | bytes = REPORT
    live: str = REPORT
    quote: str = WORDS
    kind: str = "verbatim"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    mimetype: str = "text/html"
    path: str = ""
    at: timedelta = timedelta(0)
    more: Callable[[ArchiveStandIn, str], Any] | None = None
    tags: tuple[str, ...] = field(default=())


def _redirects_to(path: str, *, after: timedelta, body: str = REPORT) -> Callable[..., Any]:
    """An archived redirect whose target was captured so much later."""

    def put(archive: ArchiveStandIn, url: str) -> None:
        base = url.rpartition("/")[0]
        archive.lose(url)
        archive.add_capture(
            url, timestamp=stamp(MADE), status=302, headers=(("Location", f"{base}/{path}"),)
        )
        archive.add_capture(f"{base}/{path}", timestamp=stamp(MADE + after), body=body.encode())

    return put


WRONG = {
    "another second": Wrong(at=timedelta(seconds=1)),
    "a second before": Wrong(at=timedelta(seconds=-1)),
    "another year": Wrong(at=timedelta(days=-400)),
    "a not found with 404": Wrong(status=404),
    "a server error with the words": Wrong(status=503),
    "a redirect that leads nowhere": Wrong(status=302, headers=(("Location", "/nowhere"),)),
    "a redirect without an address": Wrong(status=302),
    "a redirect to another page with the words": Wrong(
        more=_redirects_to("elsewhere", after=timedelta(0))
    ),
    "a redirect to the page of another day": Wrong(
        more=_redirects_to("final", after=timedelta(days=3))
    ),
    "another page's case": Wrong(path="CASE"),
    "with a slash behind": Wrong(path="{}/"),
    "a not found that calls itself 200": Wrong(body=MISSING),
    "a not found, nothing quoted": Wrong(body=MISSING, live=PLAIN, quote=""),
    "a not found whose frame is the same": Wrong(
        body=FRAME.format("<p>404 Not Found</p>"), live=PLAIN, quote=""
    ),
    "a bot wall": Wrong(body=WALL),
    "a bot wall, nothing quoted": Wrong(body=WALL, live=PLAIN, quote=""),
    "nothing at all": Wrong(body=""),
    "nothing at all, nothing quoted": Wrong(body="", live=PLAIN, quote=""),
    "one digit is another": Wrong(body=REPORT.replace("4,812", "4,813")),
    "a negation is gone": Wrong(body=REPORT.replace("no fault", "a fault")),
    "the year is another": Wrong(body=REPORT.replace("1987", "1978")),
    "the words are only in a comment": Wrong(
        body=PLAIN.replace("<main>", f"<!-- {WORDS} --><main>")
    ),
    "the words are only in a script": Wrong(
        body=PLAIN.replace("<main>", f"<script>'{WORDS}'</script><main>")
    ),
    "cut before the words": Wrong(
        body=gzip.compress(REPORT.encode())[:60], headers=(("Content-Encoding", "gzip"),)
    ),
    "a picture": Wrong(body=b"\x89PNG\r\n\x1a\n" + bytes(500), mimetype="image/png"),
    "only the title of a not found": Wrong(
        body=MISSING.replace("404: page", "Annual report of the harbour: page"),
        live=REPORT.replace("<title>Report", "<title>Annual report of the harbour"),
        quote="Annual report of the harbour",
        kind="title",
    ),
    "the words are changed in a table beside the text": Wrong(
        live=f"<main><p>{BODY}</p></main><table><tr><td>{WORDS}</td></tr></table>",
        body=f"<main><p>{BODY}</p></main><table><tr><td>{WORDS.replace('4,812', '812')}</td></tr>"
        "</table>",
    ),
}  # fmt: skip
RIGHT = {
    "right: the same": Wrong(),
    "right: the same words, other bytes": Wrong(body=REPORT.replace("©", "&copy; 2026")),
    "right: the same text, nothing quoted": Wrong(
        body=PLAIN.replace("<nav>", "<script>nonce=1</script><nav>"), live=PLAIN, quote=""
    ),
    "right: gzip": Wrong(
        body=gzip.compress(REPORT.encode()), headers=(("Content-Encoding", "gzip"),)
    ),
    "right: a redirect to where we were led, seconds later": Wrong(
        more=_redirects_to("final", after=timedelta(seconds=2)), tags=("led",)
    ),
}


def test_no_wrong_copy_is_confirmed_and_every_right_one_is(tmp_path: Path) -> None:
    """
    Who reads "confirmed" cites the copy instead of the page, and looks no further.
    """
    cases = WRONG | RIGHT
    with ArchiveStandIn() as archive, Site() as site:
        archive.manner = Manner(neighbours="shown")
        program = Program(tmp_path, wayback_url=archive.base_url)
        urls: dict[str, str] = {}
        table = []
        for number, (name, case) in enumerate(cases.items()):
            target = f"/{number}/page"
            urls[name] = site.url(target)
            if "led" in case.tags:
                site.set(target, page("", status=302, headers=[("Location", "final")]))
                site.set(f"/{number}/final", page(case.live))
            else:
                site.set(target, page(case.live))
            row = {"id": f"s{number}", "url": urls[name]}
            table.append(row | {"quote": case.quote, "quote_kind": case.kind})
            _put(archive, urls[name], case)
        program.write(*table)
        done = program.run("run", "--no-preserve")
        assert set(program.audit("link").values()) == {"live"}, done.stdout

        asyncio.run(_read_all(program, archive, list(urls.values())))
        program.run("run", "--rejudge")

        assert archive.errors == []
    names = {f"s{number}": name for number, name in enumerate(cases)}
    confirmed = {names[id] for id, copy in program.audit("copy").items() if copy == "confirmed"}
    assert confirmed == set(RIGHT)
    assert len(program.sql("SELECT DISTINCT snapshot_id FROM readbacks")) == len(cases)


def _put(archive: ArchiveStandIn, url: str, case: Wrong) -> None:
    base, _, last = url.rpartition("/")
    captured = f"{base}/{case.path.format(last) if '{' in case.path else case.path or last}"
    archive.add_capture(
        captured.replace("/CASE", "/PAGE"),
        timestamp=stamp(MADE + case.at),
        status=case.status,
        headers=case.headers,
        mimetype=case.mimetype,
        body=case.body.encode() if isinstance(case.body, str) else case.body,
    )
    if case.more is not None:
        case.more(archive, url)


async def _read_all(program: Program, archive: ArchiveStandIn, urls: list[str]) -> None:
    """Take it that the archive named a capture of each, and read them back."""
    pace = Pace(budget=120.0, save_pause=0.0, poll_pause=0.0, in_flight=1, a_day=1)
    edge = Archive(base_url=archive.base_url, user_agent="test/1 (loopback)")
    with Ledger(program.database) as ledger:
        run = ledger.start_run(
            Run(id=0, started_at=datetime.now(UTC)), sources_sha256="", software="", rules=1
        )
        for url in urls:
            ledger.save_snapshot(
                Snapshot(
                    run_id=run.id,
                    address=url,
                    via="save",
                    timestamp=stamp(MADE),
                    original=url,
                    captured_at=MADE,
                    url=f"{archive.base_url}/web/{stamp(MADE)}/{url}",
                    status=200,
                    known_at=MADE,
                )
            )

        async def stored(call: Callable[[Ledger], Any]) -> Any:
            return call(ledger)

        async with edge:
            asking = Asking(
                archive=edge, stored=stored, run_id=run.id, pace=pace, stop=asyncio.Event()
            )
            await asking.run({})
        with ledger.transaction():
            ledger.end_run(run, derived=False)
