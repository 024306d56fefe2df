"""A stranger's page is read where it can do no harm: a crash costs that page and nothing else."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.program import until
from verifier import sight
from verifier.errors import MachineError
from verifier.parsing import Parsers, UnparsedError
from verifier.recorder import Seat
from verifier.records import Failure, Hop, NoReply, Quote, Reply, Seen

WORDS = "The committee adopted the report without a vote."
BAD = "tests.hostile.bad_parser"


@pytest.fixture(autouse=True)
def _children_find_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


def reply(body: bytes, *, status: int = 200, kind: str = "text/html; charset=utf-8") -> Reply:
    """An answer with this body."""
    hop = Hop(
        url="http://a.example/deep/page",
        requested_at=datetime(2026, 11, 1, tzinfo=UTC),
        request=b"GET /deep/page HTTP/1.1\r\n\r\n",
        peer="192.0.2.1",
        version="HTTP/1.1",
        status=status,
        reason=b"",
        headers=((b"Content-Type", kind.encode()),),
        body=body,
    )
    return Reply(hops=(hop,), content=body)


def seat(quote: str = "") -> Seat:
    """A source that quotes these words."""
    return Seat(id="a", url="http://a.example/deep/page", quote=quote, keep=True)


def with_parsers(work: Callable[[Parsers], Coroutine[Any, Any, None]], **options: Any) -> None:
    """Run *work* with processes of its own."""

    async def main() -> None:
        async with Parsers(**options) as parsers:
            await work(parsers)

    asyncio.run(main())


def test_a_page_is_judged_as_it_is_here() -> None:
    """
    Where it is read makes no difference to what is found, but that its words stay behind.
    """
    pages = [
        reply(f"<title>Report</title><p>{'Other words. ' * 40}{WORDS}".encode()),
        reply(b"<title>404 Not Found</title><p>No such page", status=404),
        reply(b"%PDF-1.4 damaged", kind="application/pdf"),
        reply(b""),
    ]

    async def work(parsers: Parsers) -> None:
        for page in pages:
            for quote in ("", WORDS, "Nobody said anything of this kind here at all."):
                here = sight.judge(page, [seat(quote)])
                there = await parsers.judge(page, [seat(quote)])
                assert there == sight.without_words(here)
        silence = NoReply(
            url="http://a.example/",
            failure=Failure.DEADLINE,
            detail="",
            requested_at=datetime(2026, 11, 1, tzinfo=UTC),
        )
        assert (await parsers.judge(silence, [seat()])).reading.seen is Seen.FAILING

    with_parsers(work)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("segfault", "parser died (SIGSEGV)"),
        ("spin", "parser too slow"),
        ("hang", "parser too slow"),
    ],
)
def test_what_a_page_breaks_costs_that_page(bad: str, why: str) -> None:
    """
    The pages behind it in the same process, and those after it, are read all the same.
    """

    async def work(parsers: Parsers) -> None:
        jobs = [parsers.ask(bad), *(parsers.ask("echo", str(n)) for n in range(20))]
        broken, *others = await asyncio.gather(*jobs, return_exceptions=True)
        assert isinstance(broken, UnparsedError)
        assert broken.why == why
        assert others == [str(n) for n in range(20)]

    with_parsers(work, child=BAD, most=1, seconds=0.2, wall=2.0)


def test_a_page_gets_no_more_memory_than_there_is_for_it() -> None:
    """
    A page that unfolds to 4 GB would otherwise take the machine with it.
    """

    async def work(parsers: Parsers) -> None:
        assert await parsers.ask("greed", 50 << 20) == 50
        with pytest.raises(UnparsedError, match="parser out of memory"):
            await parsers.ask("greed", 4 << 30)
        assert await parsers.ask("echo", "next") == "next"

    with_parsers(work, child=BAD, memory=400 << 20)


def test_a_slow_page_keeps_nobody_waiting() -> None:
    """
    One slow page in a thousand must not make a round wait for it: another process begins.
    """

    async def work(parsers: Parsers) -> None:
        slow = asyncio.ensure_future(parsers.ask("hang"))
        assert await parsers.ask("echo", "quick") == "quick"
        assert not slow.done()
        slow.cancel()

    with_parsers(work, child=BAD, most=2, wall=60.0)


def test_a_process_that_somebody_else_ends_costs_no_page(tmp_path: Path) -> None:
    """
    A machine short of memory kills what is nearest; that says nothing about the page.
    """

    async def work(parsers: Parsers) -> None:
        mark.mkdir()
        assert await parsers.ask("once", str(mark)) == "done"

    mark = tmp_path / "mark"
    with_parsers(work, child=BAD)


def test_a_process_knows_no_secret_and_writes_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What took over a parser finds no key of ours, and leaves nothing on the disk.
    """
    monkeypatch.setenv("VERIFIER_IA_SECRET_KEY", "planted-secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:planted-secret@127.0.0.1:1")

    async def work(parsers: Parsers) -> None:
        found = await parsers.ask("environment")
        assert set(found) <= {"PATH", "LANG", "LC_ALL", "PYTHONPATH", "LC_CTYPE"}
        with pytest.raises(UnparsedError):
            await parsers.ask("write", str(tmp_path / "file"))

    with_parsers(work, child=BAD)
    assert not any(path.stat().st_size for path in tmp_path.iterdir())


def test_an_answer_can_hold_nothing_but_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A pickle may name any function: a parser that was taken over would have the parent run it.
    """
    monkeypatch.chdir(tmp_path)

    async def work(parsers: Parsers) -> None:
        with pytest.raises(UnparsedError, match="parser died"):
            await parsers.ask("pickled")
        assert await parsers.ask("chatter") == "quiet"

    with_parsers(work, child=BAD)
    assert not (tmp_path / "taken-over").exists()


@pytest.mark.parametrize("status", [200, 404, 403, 503])
def test_a_page_that_nobody_could_read_is_judged_by_its_status(status: int) -> None:
    """
    Nothing is dead, and no quotation missing, because our parser could not stand a page.
    """
    page = reply(b"<p>" + b"never looked at " * 100, status=status)

    async def work(parsers: Parsers) -> None:
        judged = await parsers.judge(page, [seat(WORDS), seat()])
        plain = sight.judge(reply(b"<p>" + b"Some plain words. " * 100, status=status), [seat()])
        assert judged.reading.seen is plain.reading.seen
        assert judged.text is not None
        assert judged.text.unreadable == "parser out of memory"
        assert judged.text.sha256 == ""
        if status == 200:
            finding = judged.findings[0]
            assert finding is not None
            assert finding.result is Quote.UNCHECKED
            assert "parser out of memory" in finding.reason
        assert judged.findings[1] is None

    with_parsers(work, child="tests.hostile.poor_parser")


def test_without_a_process_nothing_is_said_of_any_page() -> None:
    """
    If no parser can be started, that is our fault: it must not look like a thousand bad pages.
    """

    async def work(parsers: Parsers) -> None:
        with pytest.raises(MachineError, match="ended at once"):
            await parsers.judge(reply(b"<p>words"), [seat()])

    with_parsers(work, child="verifier.no_such_module")


def test_no_process_outlives_the_program_that_started_it() -> None:
    """
    After a SIGKILL nobody is left to clean up; a parser that goes on would hold memory for ever.
    """
    script = (
        "import asyncio\n"
        "from verifier.parsing import Parsers\n"
        "async def main():\n"
        f"    async with Parsers(child={BAD!r}, wall=2.0) as parsers:\n"
        "        print(await parsers.ask('process'), flush=True)\n"
        "        hanging = asyncio.ensure_future(parsers.ask(WORK))\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    for work in ("'echo', 'idle'", "'hang'"):
        with subprocess.Popen(
            [sys.executable, "-c", script.replace("WORK", work)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        ) as program:
            assert program.stdout is not None
            child = int(program.stdout.readline())
            program.send_signal(signal.SIGKILL)
        until(lambda child=child: not _lives(child))  # type: ignore[misc]


def _lives(pid: int) -> bool:
    try:
        return " Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]
    except OSError:
        return False
