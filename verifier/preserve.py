"""One round's asking of the archive: in order, in time, and never twice for the same thing."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Container, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Protocol, TypeVar

from verifier import confirm, copies, courtesy, replayed
from verifier import custody as custodians
from verifier.copies import Step
from verifier.courtesy import Courtesy
from verifier.ledger import Ledger
from verifier.look import Judge, in_a_thread
from verifier.recorder import Seat
from verifier.records import (
    Asked,
    CopyFinding,
    Custody,
    FindAnswer,
    IndexTrouble,
    Lookup,
    Memento,
    NearLookup,
    NotInIndex,
    NotReplayed,
    Observed,
    Outcome,
    OutcomeUnknown,
    Queued,
    QuoteKind,
    ReadBack,
    Refused,
    ReplayAnswer,
    Reply,
    Retry,
    SaveAnswer,
    Seen,
    Snapshot,
    Source,
    Submission,
)
from verifier.sight import Judged

T = TypeVar("T")

log = logging.getLogger(__name__)

Stored = Callable[[Callable[[Ledger], Any]], Awaitable[Any]]
"""Runs a call with the ledger on the ledger's thread."""


class Archive(Protocol):
    """What is asked: see :class:`verifier.wayback.Archive`."""

    keyed: bool

    def replay_url(self, memento: Memento) -> str: ...
    def cited(self, url: str) -> Memento | None: ...
    async def find_near(self, url: str, *, near: datetime) -> FindAnswer: ...
    async def read_back(self, original: str, timestamp: str) -> ReplayAnswer: ...
    async def find(self, url: str, *, since: datetime | None) -> FindAnswer: ...
    async def submit(self, url: str) -> SaveAnswer: ...
    async def poll(self, job_id: str) -> SaveAnswer: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often the archive may be asked. Times in seconds.

    Attributes:
        budget: What a round may spend; what is left stays pending. A request that is under
            way then is waited for: to give it up would leave its outcome open.
        save_pause: Between two submissions. The archive states 7 a minute with keys and 3
            without (Save Page Now 2 Public API, as of 2026-07): 9 and 21 seconds.
        poll_pause: Between two other requests. The index takes 30 a minute from a network
            since 2026-06, and asks for 80 per cent of that: 2.5 seconds.
        in_flight: Jobs at once; the archive states 3 with keys.
        a_day: Submissions within 24 hours; 80 per cent of 200 without keys (the same document)
            and of 30,000 with them.
        failures: So many in a row, of saving or of its index, and the archive is left alone
            until the next round.
    """

    budget: float
    save_pause: float
    poll_pause: float
    in_flight: int
    a_day: int
    failures: int = 5

    @classmethod
    def of(
        cls,
        *,
        keyed: bool,
        budget: float = 600.0,
        save_pause: float | None = None,
        poll_pause: float | None = None,
    ) -> Pace:
        """The archive's stated limits, with what a setting says instead."""
        return cls(
            budget=budget,
            save_pause=save_pause if save_pause is not None else (9.0 if keyed else 21.0),
            poll_pause=poll_pause if poll_pause is not None else 3.0,
            in_flight=3 if keyed else 1,
            a_day=24_000 if keyed else 160,
        )


@dataclass(slots=True)
class Tally:
    """What a round asked of the archive, and why it ended. ``left`` addresses wait on.

    Attributes:
        read: Copies that were asked for; ``confirmed`` and ``lost`` of them became that now.
        unread: Copies whose turn to be read had come, and is still to come.
        no_reads: Why no more were read.
    """

    asked: int = 0
    captured: int = 0
    known: int = 0
    refused: int = 0
    unknown: int = 0
    queued: int = 0
    left: int = 0
    read: int = 0
    confirmed: int = 0
    lost: int = 0
    unread: int = 0
    no_saves: str = ""
    no_reads: str = ""
    ended: str = ""

    def __str__(self) -> str:
        parts = [
            f"{number} {word}"
            for number, word in (
                (self.asked, "submitted"),
                (self.captured, "captured"),
                (self.known, "already in its index"),
                (self.refused, "refused"),
                (self.unknown, "of unknown outcome"),
                (self.queued, "still under way"),
                (self.left, "waiting for their turn"),
                (self.read, "read back"),
                (self.confirmed, "confirmed"),
                (self.lost, "lost"),
                (self.unread, "to be read back later"),
            )
            if number
        ]
        told = ", ".join(parts) or "nothing to ask"
        return "; ".join(part for part in (told, self.no_saves, self.no_reads, self.ended) if part)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(slots=True)
class Asking:
    """One round's asking. Build it, then ``await asking.run(addresses)``.

    Args:
        archive: The edge to the archive.
        stored: Runs a call with the ledger, and commits it.
        run_id: The round it belongs to.
        stop: When set, nothing more is asked; a save under way is given up, its outcome open.
        judge: What an archived page says: its text, and where the quotations stand in it. It is
            handed strangers' bytes.
        clock: What time it is.
        progress: Told ``(done, of)`` now and then.
    """

    archive: Archive
    stored: Stored
    run_id: int
    pace: Pace
    stop: asyncio.Event
    judge: Judge = in_a_thread
    good_for: timedelta = copies.GOOD_FOR
    clock: Callable[[], datetime] = _now
    progress: Callable[[int, int], None] = lambda done, of: None
    tally: Tally = field(default_factory=Tally)
    _jobs: dict[str, tuple[Submission, float]] = field(default_factory=dict)
    _to_read: deque[Snapshot] = field(default_factory=deque)
    _lined_up: set[int] = field(default_factory=set)
    _read_trouble: int = 0
    _save_trouble: int = 0
    _index_trouble: int = 0
    _shut: str = ""
    _ends: float = 0.0
    _save_at: float = 0.0
    _ask_at: float = 0.0
    _today: int = 0
    _owed: Courtesy = field(default_factory=Courtesy)
    _slots: int = 0

    async def run(
        self,
        addresses: Mapping[str, bool],
        *,
        failing: Sequence[str] = (),
        only: Container[str] | None = None,
    ) -> Tally:
        """Ask what there is to ask about these addresses, in their order; then read copies back.

        Copies are read in the pauses between submissions, too.

        Args:
            addresses: Each with whether its page is alive: only then is it submitted.
            failing: Addresses that could be called dead now: first of all the archive is asked
                whether it saw them of late.
            only: Addresses whose copies may be read; None for all.
        """
        self._ends = monotonic() + self.pace.budget
        queue = deque(addresses)
        await self._resume()
        if self.tally.ended:
            self.tally.left = len(queue)
            return self.tally
        self._count_today(
            await self.stored(
                lambda ledger: ledger.submitted_since(self._now() - timedelta(days=1))
            )
        )
        for address in failing:
            await self._second_vantage(address)
        await self._gather(only)
        while (queue or self._jobs) and not self._over():
            if self._job_due() or not queue or len(self._jobs) >= max(1, self._slots):
                await self._poll()
            else:
                address = queue.popleft()
                await self._attend(address, alive=addresses[address])
                if self._may_read():  # neither keeps the other waiting for a whole round
                    await self._read()
            self.progress(len(addresses) - len(queue), len(addresses))
        await self._read_all()
        await self._ask_near(only)
        await self._read_all()
        self.tally.unread = len(self._to_read)
        self.tally.left += len(queue)
        self.tally.queued = len(self._jobs)
        if self.tally.left or self.tally.queued or self.tally.unread or self.stop.is_set():
            self._over()  # says why
        return self.tally

    async def _resume(self) -> None:
        """Begin where the last round left off: pauses, and what the archive told it, still hold."""
        now = self._now()
        self._owed = owed = await self.stored(courtesy.load)
        self.tally.ended = owed.alone(now)
        self.tally.no_saves = owed.saves_barred(now)
        self._save_at = monotonic() + courtesy.still_owed(owed.saved_at, self.pace.save_pause, now)
        self._ask_at = monotonic() + courtesy.still_owed(owed.asked_at, self.pace.poll_pause, now)
        killed = await self.stored(lambda ledger: courtesy.killed_lately(ledger, now))
        self._slots = max(0, self.pace.in_flight - killed)
        if not self._slots:
            self.tally.no_saves = "what a round submitted that was killed may be under way still"

    async def _owe(self, owed: Courtesy) -> None:
        """Commit what we owe the archive from now on."""
        if owed != self._owed:
            self._owed = owed
            await self.stored(lambda ledger: courtesy.save(ledger, owed))

    async def _ask(self, asked: Coroutine[Any, Any, T], *, saving: bool = False) -> T | None:
        """Ask the archive; that it is asked now is committed before the request leaves."""
        now = self._now()
        owed = self._owed
        owed = replace(owed, saved_at=now) if saving else replace(owed, asked_at=now)
        try:
            await self._owe(owed)
        except BaseException:
            asked.close()
            raise
        return await self._unless_stopped(asked)

    async def _shut_out(self, why: str) -> None:
        self._shut = why
        await self._owe(self._owed.shut_out(why, self._now()))

    def _count_today(self, more: int) -> None:
        self._today += more
        if self._today >= self.pace.a_day:
            self.tally.no_saves = f"{self._today} submissions within a day are enough"

    def _over(self) -> bool:
        trouble = max(self._save_trouble, self._index_trouble)
        if self.stop.is_set():
            self.tally.ended = "stopped"
        elif self._shut:
            self.tally.ended = f"left alone until the next round: {self._shut}"
        elif trouble >= self.pace.failures:
            self.tally.ended = f"left alone until the next round after {trouble} failures in a row"
        elif monotonic() >= self._ends:
            self.tally.ended = "the round's time for archives is used up"
        return bool(self.tally.ended)

    # ---- one address ---------------------------------------------------------------------

    async def _attend(self, address: str, *, alive: bool) -> None:
        custody = await self._custody(address)
        match copies.next_step(custody, alive=alive, now=self._now(), good_for=self.good_for):
            case Step.LOOK_UP if self.tally.no_saves and custody.lookup is not None:
                self.tally.left += 1  # looked up before, and nothing could be submitted now
            case Step.LOOK_UP:
                if await self._look_up(custody) and alive:
                    await self._submit(custody)
            case Step.SUBMIT:
                await self._submit(custody)
            case Step.FIND_OUTCOME:
                await self._find_outcome(custody)
            case Step.POLL if custody.submission is not None:
                self._jobs[custody.submission.job_id] = (custody.submission, 0.0)
            case _:
                pass

    async def _look_up(self, custody: Custody) -> bool:
        """Whether the index answered that it has no capture young enough."""
        found = await self._find(custody.address, since=self._now() - self.good_for)
        if isinstance(found, Memento):
            await self._keep(custody.address, found, via="index")
            self.tally.known += 1
        return isinstance(found, NotInIndex)

    async def _find_outcome(self, custody: Custody) -> None:
        """Look for what an earlier submission may have made; give up after a day of looking.

        Any capture young enough will do: "the same snapshot had been made 12 minutes ago" is
        an outcome too.
        """
        submission = custody.submission
        if submission is None:
            return
        found = await self._find(custody.address, since=self._now() - self.good_for)
        if isinstance(found, Memento):
            ours = found.timestamp >= f"{submission.intent_at:%Y%m%d%H%M%S}"
            kept = await self._keep(custody.address, found, via="save" if ours else "index")
            if kept is not None:
                await self._save(_captured(submission, kept, self._now()))
                self.tally.captured += 1
        elif isinstance(found, NotInIndex) and copies.given_up_waiting(custody, self._now()):
            if submission.state is Asked.FAILED:
                return  # it said so
            lost = Refused(
                code="never-seen",
                message="the index has not shown it within a day",
                retry=Retry.LATER,
            )
            await self._save(copies.refused(submission, lost, now=self._now()))

    # ---- reading back ----------------------------------------------------------------------

    async def _gather(self, only: Container[str] | None) -> None:
        """Take note of the copies that rows cite, and line up those whose turn has come."""
        for address, url in await self.stored(custodians.cited):
            memento = self.archive.cited(url)
            if memento is not None and (only is None or address in only):
                await self._keep(address, memento, via="page")
        waiting: list[Snapshot] = await self.stored(
            lambda ledger: custodians.to_read(ledger, self._now())
        )
        for snapshot in waiting:
            if only is None or snapshot.address in only:
                self._line_up(snapshot)

    def _line_up(self, snapshot: Snapshot) -> None:
        """Have a copy read in this round, once."""
        if snapshot.id not in self._lined_up:
            self._lined_up.add(snapshot.id)
            self._to_read.append(snapshot)

    async def _read_all(self) -> None:
        while self._may_read() and not self._over():
            await self._read()

    def _may_read(self) -> bool:
        return bool(self._to_read) and not self.tally.no_reads and not self.stop.is_set()

    async def _read(self) -> None:
        """Read the next copy back, and store what came."""
        if not await self._turn_comes(self._ask_at):
            return
        snapshot = self._to_read.popleft()
        custody = await self._custody(snapshot.address)
        if custody.barred:
            return
        asked = self.archive.read_back(snapshot.original, snapshot.timestamp)
        answer = await self._ask(asked)
        self._ask_at = monotonic() + self.pace.poll_pause
        if answer is None:
            self._to_read.appendleft(snapshot)
            return
        self.tally.read += 1
        await self._mind(answer)
        sources = await self.stored(lambda ledger: custodians.sources_at(ledger, snapshot.address))
        reading, found = await self._judged(snapshot, answer, sources)
        await self._note(snapshot, custody, reading, found, sources)

    async def _mind(self, answer: ReplayAnswer) -> None:
        """Leave the archive's copies alone for this round when it is ill, or wants us to."""
        trouble = isinstance(answer, NotReplayed) and answer.outcome is Outcome.TROUBLE
        self._read_trouble = self._read_trouble + 1 if trouble else 0
        if isinstance(answer, NotReplayed) and answer.stop:
            self.tally.no_reads = f"no more copies read: {answer.detail}"
            await self._shut_out(answer.detail)
        elif self._read_trouble >= self.pace.failures:
            self.tally.no_reads = (
                f"no more copies read after {self._read_trouble} failures in a row"
            )

    async def _judged(
        self, snapshot: Snapshot, answer: ReplayAnswer, sources: Sequence[Source]
    ) -> tuple[ReadBack, list[CopyFinding]]:
        """What the archive showed as rows: the reading, and where the quotations stand in it."""
        reading = replayed.reading_of(answer, snapshot, run_id=self.run_id, now=self._now())
        reply = replayed.as_reply(answer, reading.read_at)
        if reply is None:
            return reading, []
        said = await self._searched(reply, tuple(Seat.of(source) for source in sources))
        return replayed.judged(reading, sources, said)

    async def _searched(self, reply: Reply, wanted: Sequence[Seat]) -> Judged:
        """What the archived page says; that a title stands on it doesn't make it the page."""
        firm = tuple(
            seat if seat.kind is not QuoteKind.TITLE else replace(seat, quote="") for seat in wanted
        )
        judged = await self.judge(reply, firm)
        if firm == tuple(wanted) or judged.reading.seen not in (Seen.ALIVE, Seen.MOVED):
            return judged
        return await self.judge(reply, wanted)

    async def _note(
        self,
        snapshot: Snapshot,
        custody: Custody,
        reading: ReadBack,
        found: Sequence[CopyFinding],
        sources: Sequence[Source],
    ) -> None:
        """Store a reading, with when the copy is read next and what it is now."""

        def note(ledger: Ledger) -> tuple[bool, bool]:
            told = custodians.findings(ledger, [source.id for source in sources])
            said = [told.get(source.id, []) for source in sources]
            before = _is_confirmed(snapshot, custody, said)
            seen = custodians.observed(ledger, [snapshot.address])
            after = replace(
                custody,
                readings=(*custody.readings, reading),
                observed=seen.get(snapshot.address, Observed()),
            )
            if custodians.is_doubted(ledger, reading, snapshot.address):
                after = replace(after, doubted=after.doubted | {reading.id})
            said = [
                [*earlier, *(one for one in found if one.source_id == source.id)]
                for source, earlier in zip(sources, said, strict=True)
            ]
            ledger.save_readback(
                reading, found, confirm.noted(snapshot, after, said, now=self._now())
            )
            now = _is_confirmed(snapshot, after, said)
            return now and not before, before and not now

        gained, lost = await self.stored(note)
        self.tally.confirmed += gained
        self.tally.lost += lost

    async def _second_vantage(self, address: str) -> None:
        """Ask whether the archive saw a page that has been failing for us, and when it did."""
        if self._over():
            return
        found = await self._find(address, since=self._now() - self.good_for)
        if isinstance(found, Memento):
            await self._keep(address, found, via="index")

    async def _ask_near(self, only: Container[str] | None) -> None:
        """Ask the index for copies from when sources were cited, where none is known from then."""
        wanted = await self.stored(lambda ledger: _dated(ledger, now=self._now()))
        for source, cited in wanted:
            if self._over():
                return
            if only is None or source.address in only:
                await self._near(source, cited)

    async def _near(self, source: Source, cited: tuple[datetime, datetime]) -> None:
        if not await self._turn_comes(self._ask_at):
            return
        middle = cited[0] + (cited[1] - cited[0]) / 2
        asked = self.archive.find_near(source.address, near=middle)
        answer = await self._ask(asked)
        self._ask_at = monotonic() + self.pace.poll_pause
        if answer is None:
            return
        told, detail = await self._heard(answer)
        lookup = _near_lookup(source, told, detail, self._now())
        await self.stored(lambda ledger: ledger.save_near_lookups([lookup]))
        if isinstance(answer, Memento):
            await self._keep(source.address, answer, via="index")

    # ---- saving ----------------------------------------------------------------------------

    async def _submit(self, custody: Custody) -> None:
        while not self.tally.no_saves and self._ask_at < min(self._save_at, self._ends):
            if not self._may_read():
                break
            await self._read()
        if self.tally.no_saves or not await self._turn_comes(self._save_at):
            self.tally.left += 1
            return
        tries = custody.submission.tries if custody.submission is not None else 0
        if custody.submission is not None and custody.submission.state is Asked.CAPTURED:
            tries = 0
        submission = await self._save(
            Submission(
                run_id=self.run_id,
                address=custody.address,
                state=Asked.INTENT,
                intent_at=self._now(),
                tries=tries,
            )
        )
        self._count_today(1)
        self.tally.asked += 1
        answer = await self._ask(self.archive.submit(custody.address), saving=True)
        self._save_at = monotonic() + self.pace.save_pause
        if answer is not None:
            await self._take(submission, answer)

    async def _poll(self) -> None:
        job_id, (submission, at) = min(self._jobs.items(), key=lambda item: item[1][1])
        if not await self._turn_comes(max(at, self._ask_at)):
            return
        answer = await self._ask(self.archive.poll(job_id))
        self._ask_at = monotonic() + self.pace.poll_pause
        if answer is None:
            return
        if isinstance(answer, Queued) and self._now() - submission.intent_at < copies.JOB_KEPT:
            # a turn for each other job and one for the queue, else two jobs would take them all
            rest = self.pace.poll_pause * (1 + len(self._jobs))
            self._jobs[job_id] = (submission, monotonic() + rest)
            return
        del self._jobs[job_id]
        if isinstance(answer, Queued):
            answer = OutcomeUnknown(detail="the job was pending until the archive forgot it")
        await self._take(submission, answer)

    def _job_due(self) -> bool:
        return any(at <= monotonic() for _, at in self._jobs.values())

    # ---- what the archive said -----------------------------------------------------------

    async def _take(self, submission: Submission, answer: SaveAnswer) -> None:
        self._save_trouble = self._save_trouble + 1 if copies.is_trouble(answer) else 0
        match answer:
            case Memento():
                kept = await self._keep(submission.address, answer, via="save")
                if kept is None:
                    answer = OutcomeUnknown(detail=f"an impossible time: {answer.timestamp}")
                    await self._take(submission, answer)
                    return
                await self._save(_captured(submission, kept, self._now()))
                self.tally.captured += 1
            case Queued():
                queued = replace(
                    submission,
                    state=Asked.QUEUED,
                    answered_at=self._now(),
                    job_id=answer.job_id,
                    message=answer.message,
                )
                queued = await self._save(queued)
                self._jobs[answer.job_id] = (queued, monotonic() + self.pace.poll_pause)
            case OutcomeUnknown():
                self.tally.unknown += 1
                await self._save(
                    replace(
                        submission,
                        state=Asked.UNKNOWN,
                        answered_at=self._now(),
                        message=answer.detail,
                    )
                )
            case Refused():
                self.tally.refused += 1
                if answer.retry is Retry.STOP:
                    why = f"the archive takes no more for now ({answer.code})"
                    self.tally.no_saves = why
                    await self._owe(self._owed.no_saves(why, self._now()))
                await self._save(copies.refused(submission, answer, now=self._now()))

    async def _find(self, address: str, *, since: datetime) -> FindAnswer | None:
        if not await self._turn_comes(self._ask_at):
            self.tally.left += 1
            return None
        answer = await self._ask(self.archive.find(address, since=since))
        self._ask_at = monotonic() + self.pace.poll_pause
        if answer is None:
            return None
        told, detail = await self._heard(answer)
        lookup = Lookup(address=address, asked_at=self._now(), answer=told, detail=detail)
        await self.stored(lambda ledger: ledger.save_lookup(lookup))
        return answer

    async def _heard(self, answer: FindAnswer) -> tuple[str, str]:
        """The index's answer in a word, and what there is to say of it."""
        self._index_trouble = self._index_trouble + 1 if copies.is_trouble(answer) else 0
        if not copies.is_trouble(answer):
            await self._owe(self._owed.welcome())
        match answer:
            case Memento():
                return "found", answer.timestamp
            case NotInIndex():
                return "none", ""
            case IndexTrouble():
                if answer.stop:
                    await self._shut_out(answer.detail)
                return "excluded" if answer.excluded else "trouble", answer.detail

    async def _keep(self, address: str, memento: Memento, *, via: str) -> Snapshot | None:
        try:
            captured_at = memento.captured_at
        except ValueError:
            log.debug("the archive named an impossible time: %s", memento.timestamp)
            return None
        snapshot = Snapshot(
            run_id=self.run_id,
            address=address,
            via=via,
            timestamp=memento.timestamp,
            original=memento.original,
            captured_at=captured_at,
            url=self.archive.replay_url(memento),
            status=memento.status,
            mimetype=memento.mimetype,
            digest=memento.digest,
            known_at=self._now(),
        )
        kept: Snapshot = await self.stored(lambda ledger: ledger.save_snapshot(snapshot))
        if kept.next_read_at is None:
            self._line_up(kept)
        return kept

    # ---- the ledger and the clock --------------------------------------------------------

    async def _custody(self, address: str) -> Custody:
        found: dict[str, Custody] = await self.stored(
            lambda ledger: custodians.of(ledger, [address])
        )
        return found[address]

    async def _save(self, submission: Submission) -> Submission:
        saved: Submission = await self.stored(lambda ledger: ledger.save_submission(submission))
        return saved

    async def _turn_comes(self, at: float) -> bool:
        """Wait until *at*; False when the round's asking ends before."""
        if (wait := min(at, self._ends) - monotonic()) > 0:
            await self._unless_stopped(asyncio.sleep(wait))
        return at <= self._ends and not self.stop.is_set()

    async def _unless_stopped(self, asked: Coroutine[Any, Any, T]) -> T | None:
        """What *asked* gives, or None when the round is told to stop before."""
        task = asyncio.ensure_future(asked)
        stopped = asyncio.ensure_future(self.stop.wait())
        try:
            await asyncio.wait([task, stopped], return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            stopped.cancel()
            task.cancel()
            await asyncio.gather(task, stopped, return_exceptions=True)

    def _now(self) -> datetime:
        return self.clock().replace(microsecond=0)


def _dated(ledger: Ledger, *, now: datetime) -> list[tuple[Source, tuple[datetime, datetime]]]:
    """Sources for which the index is to be asked for a copy near a date, with that time.

    That no copy is wanted is noted as well: it is not counted out again in the next round.
    """
    wanted, known = [], []
    dated = custodians.dated(ledger, now - copies.REFRESH)
    held = ledger.custody(sorted({source.address for source in dated}))
    for source in dated:
        cited = confirm.span(source)
        if cited is not None and confirm.wants_near(held[source.address], cited, now=now):
            wanted.append((source, cited))
        else:
            known.append(_near_lookup(source, "known", "", now))
    ledger.save_near_lookups(known)
    return wanted


def _near_lookup(source: Source, answer: str, detail: str, now: datetime) -> NearLookup:
    return NearLookup(
        address=source.address,
        near=source.accessed or source.published,
        asked_at=now,
        answer=answer,
        detail=detail,
    )


def _is_confirmed(
    snapshot: Snapshot, custody: Custody, findings: Sequence[Sequence[CopyFinding]]
) -> bool:
    """Whether it is for one source at least."""
    return any(confirm.of_snapshot(snapshot, custody, found).is_confirmed for found in findings)


def _captured(submission: Submission, kept: Snapshot, now: datetime) -> Submission:
    return replace(
        submission,
        state=Asked.CAPTURED,
        answered_at=now,
        snapshot_id=kept.id,
        code="",
        message="",
        tries=0,
    )
