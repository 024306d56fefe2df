"""Reads strangers' bytes in processes of their own, where a crash costs one page."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Self, cast

from verifier import sight
from verifier.errors import MachineError
from verifier.frames import packed, received
from verifier.parsing_child import NO_MEMORY
from verifier.records import Baseline, Fetched, Probe, Reply
from verifier.sight import Judged, Quoting

log = logging.getLogger(__name__)

MEMORY = 1 << 30
"""Bytes of address space that a parsing process may have."""

SECONDS, WALL = 20.0, 60.0
"""For one page: of processor time, and by the clock (a busy machine is not the page's fault)."""

AHEAD, AHEAD_BYTES = 6, 4 << 20
"""Pages that a process has before it, so that it never waits for us; and their bytes."""

SLOW = 0.5
"""Seconds after which a page keeps others waiting, and another process may be started."""

_SLOW_SIGNALS = (-signal.SIGXCPU, -signal.SIGALRM)
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "PYTHONPATH")
_TRUSTED = tuple(
    f"verifier.{name}" for name in ("records", "sight", "shown", "pictures", "differences")
)


class UnparsedError(Exception):
    """A page that could not be read; ``why`` begins with "parser"."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Parsers:
    """Processes that read pages, started when there is something to read; a context manager.

    A page that crashes its process, hangs, or takes too much time or memory is given up; the
    process is replaced, and the pages that waited behind it are read by the next. A process
    knows no secrets: it gets nothing of our environment, opens no file for writing, and its
    answers can hold nothing but our records.

    Args:
        most: Processes at once. A second one is started only when a page keeps others waiting.
        memory: Bytes of address space that each may have.
        seconds: Of processor time for one page.
        wall: Seconds for one page by the clock.
        child: The module that a process runs.
    """

    def __init__(
        self,
        *,
        most: int = 2,
        memory: int = MEMORY,
        seconds: float = SECONDS,
        wall: float = WALL,
        child: str = "verifier.parsing_child",
    ) -> None:
        self._most = most
        self._command = (sys.executable, "-P", "-W", "ignore", "-m", child)
        self._limits = (str(memory), f"{seconds:g}", f"{wall:g}")
        self._waiting: deque[_Job] = deque()
        self._children: list[_Child] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting = 0
        self._watch: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watch is not None:
            self._watch.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def judge(
        self,
        fetched: Fetched,
        wanted: Sequence[Quoting],
        *,
        baseline: Baseline | None = None,
        probes: Sequence[Probe] = (),
        like: bool = False,
    ) -> Judged:
        """What :func:`verifier.sight.judge` says, without the page's words.

        A page that can't be read is judged by its status and headers alone; its text is
        unreadable, and the reason begins with "parser".
        """
        wanted = tuple(wanted)
        if not isinstance(fetched, Reply) or not fetched.content:
            return sight.judge(fetched, wanted, baseline=baseline, probes=probes, like=like)
        slim, probes = _slim(fetched), tuple(probes)
        try:
            judged = await self.ask(
                "judge", slim, wanted, baseline=baseline, probes=probes, like=like
            )
        except UnparsedError as error:
            return sight.unseen(fetched, wanted, why=error.why)
        return cast("Judged", judged)

    async def ask(self, work: str, *args: Any, **named: Any) -> Any:
        """What a work of `parsing_child.WORKS` makes of its arguments.

        Raises:
            UnparsedError: It could not be done with these bytes.
            MachineError: No process can be had for it.
        """
        job = _Job(work=work, args=args, named=named, answer=self._loop.create_future())
        self._waiting.append(job)
        self._feed()
        try:
            answer = await job.answer
        finally:
            job.args, job.named = (), {}  # a process may have it in hand for a while yet
        if isinstance(answer, _Unparsed):
            raise UnparsedError(answer.why)
        return answer

    # ---- who gets what -------------------------------------------------------------------

    def _feed(self) -> None:
        """Hand the jobs that wait to processes that have room; start one if none has."""
        now = self._loop.time()
        if self._watch is None:
            self._watch = self._loop.call_later(SLOW, self._look_again)
        ready = [child for child in self._children if not child.is_stuck(now)]
        while self._waiting and ready:
            child = min(ready, key=lambda one: len(one.jobs))
            if not child.has_room():
                break
            job = self._waiting.popleft()
            if not job.answer.done():  # nobody waits for it any more
                child.give(job, now)
        if not self._waiting:
            return
        if not ready and not self._starting and len(self._children) < self._most:
            self._starting += 1
            task = self._loop.create_task(self._live())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _look_again(self) -> None:
        """What waits behind a slow page is given to somebody else."""
        self._watch = None
        now = self._loop.time()
        for child in self._children:
            if child.is_stuck(now):
                self._waiting.extendleft(reversed(child.give_back()))
        self._feed()

    async def _live(self) -> None:
        """The life of one process."""
        try:
            process = await self._start()
        except MachineError as error:
            self._starting -= 1
            self._give_up(error)
            return
        self._starting -= 1
        child = _Child(process)
        self._children.append(child)
        try:
            self._feed()
            while (answer := await _received(process)) is not None:
                child.answered(answer, self._loop.time())
                self._feed()
        finally:
            self._children.remove(child)
            code = await _ended(process)
        self._lost(child, code)
        self._feed()

    async def _start(self) -> asyncio.subprocess.Process:
        """A process that has said that it is ready.

        Raises:
            MachineError: There is none to be had.
        """
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                *self._limits,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=environment,
                start_new_session=True,  # Ctrl-C at a terminal reaches us, and we end it
            )
        except OSError as error:
            raise MachineError("a process that reads pages", error.strerror or "") from error
        ready = None
        try:
            ready = await _received(process)
        finally:
            if ready is None:
                code = await _ended(process)
        if ready is None:
            raise MachineError("a process that reads pages", f"it ended at once ({code})")
        return process

    def _lost(self, child: _Child, code: int) -> None:
        """A process has ended; the page that it had in hand is what it died of."""
        jobs = child.jobs
        if not jobs:
            return
        guilty = jobs.popleft()
        self._waiting.extendleft(reversed(jobs))
        if code in _SLOW_SIGNALS:
            guilty.fail("parser too slow")
        elif code == NO_MEMORY:
            guilty.fail("parser out of memory")
        elif guilty.tries > 1:
            guilty.fail(f"parser died ({_name_of(code)})")
        else:
            self._waiting.appendleft(guilty)  # somebody else may have ended the process
        log.debug("a parsing process ended: %s", _name_of(code))

    def _give_up(self, error: MachineError) -> None:
        if self._children:
            return  # the others will come to it
        while self._waiting:
            job = self._waiting.popleft()
            if not job.answer.done():
                job.answer.set_exception(error)


@dataclass(frozen=True, slots=True)
class _Unparsed:
    """What is answered where a page could not be read."""

    why: str


@dataclass(slots=True, kw_only=True)
class _Job:
    """Something to be done, and who waits for it."""

    work: str
    args: tuple[Any, ...]
    named: dict[str, Any]
    answer: asyncio.Future[Any]
    tries: int = 0
    size: int = 0

    def fail(self, why: str) -> None:
        # As a value: an error would hold the frames it went through, and the page in them.
        if not self.answer.done():
            self.answer.set_result(_Unparsed(why))


class _Child:
    """A process, and the jobs that it was given: it has the first in hand."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None  # noqa: S101 - it was asked for
        self._input = process.stdin
        self.jobs: deque[_Job] = deque()
        self._since = 0.0

    def has_room(self) -> bool:
        return len(self.jobs) < AHEAD and sum(job.size for job in self.jobs) < AHEAD_BYTES

    def is_stuck(self, now: float) -> bool:
        return bool(self.jobs) and now - self._since > SLOW

    def give_back(self) -> list[_Job]:
        """The jobs behind the first; their answers, should they still come, are not awaited."""
        behind = [job for job in list(self.jobs)[1:] if not job.answer.done()]
        first = self.jobs.popleft()
        self.jobs = deque((first, *(_ghost(job) for job in self.jobs)))
        return behind

    def give(self, job: _Job, now: float) -> None:
        frame = packed((job.work, job.args, job.named))
        job.size = len(frame)
        job.tries += 1
        if not self.jobs:
            self._since = now
        self.jobs.append(job)
        with suppress(OSError):  # it has just ended: whoever reads its answers will see
            self._input.write(frame)

    def answered(self, answer: tuple[bool, Any], now: float) -> None:
        job, self._since = self.jobs.popleft(), now
        done, result = answer
        if not done:
            job.fail(f"parser failed: {result}")
        elif not job.answer.done():
            job.answer.set_result(result)


def _ghost(job: _Job) -> _Job:
    """The place of a job for whose answer nobody waits any more."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    answer.cancel()
    return replace(job, args=(), named={}, answer=answer)


async def _received(process: asyncio.subprocess.Process) -> tuple[bool, Any] | None:
    """The next answer of a process; None when it has ended, or talks nonsense."""
    assert process.stdout is not None  # noqa: S101 - it was asked for
    try:
        done, result = await received(process.stdout, _records)
    except EOFError:
        return None
    except Exception:  # noqa: BLE001 - a process taken over by a page may send anything
        return None
    return bool(done), result


def _records(frame: bytes) -> Any:
    return _Records(io.BytesIO(frame)).load()


class _Records(pickle.Unpickler):
    """Unpickles our own records and nothing else: pickles can otherwise run any code."""

    def find_class(self, module: str, name: str) -> Any:
        if module in _TRUSTED and "." not in name:
            found = super().find_class(module, name)
            if isinstance(found, type) and found.__module__ == module:
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no record")


async def _ended(process: asyncio.subprocess.Process) -> int:
    """How a process ended, which it has by now."""
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is None:
        with suppress(ProcessLookupError):
            # Not its own kill(): that may take the exit code away from asyncio's watcher.
            os.kill(process.pid, signal.SIGKILL)
    return await process.wait()


def _name_of(code: int) -> str:
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"exit code {code}"


def _slim(fetched: Reply) -> Reply:
    """*fetched* without what no rule looks at: bodies as they came, and requests."""
    hops = tuple(replace(hop, body=hop.body[:1], request=b"") for hop in fetched.hops)
    return replace(fetched, hops=hops)
