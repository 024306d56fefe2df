"""Random histories of asking the archive against what is promised of receipts.

The real asking over a real ledger; the archive and the clock are the model's. The archive knows
what it was sent and what became of it, and judges each new submission by that alone.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from verifier import copies
from verifier.copies import Step
from verifier.ledger import Ledger
from verifier.preserve import Asking, Pace
from verifier.records import (
    Asked,
    FindAnswer,
    IndexTrouble,
    Memento,
    NotInIndex,
    NotReplayed,
    Outcome,
    OutcomeUnknown,
    Queued,
    Refused,
    ReplayAnswer,
    Retry,
    Run,
    SaveAnswer,
    Source,
    SourceList,
    Submission,
)

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
URL = "https://a.example/page"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PACE = Pace(budget=60.0, save_pause=0.0, poll_pause=0.0, in_flight=1, a_day=1000)
OPEN = (Asked.INTENT, Asked.QUEUED, Asked.UNKNOWN)

REFUSALS = {
    "later": (Refused(code="no-access", message="", retry=Retry.LATER), HOUR),
    "wait": (
        Refused(code="http-503", message="", retry=Retry.LATER, retry_after=20000.0),
        5 * HOUR,
    ),
    "tomorrow": (Refused(code="too-many-daily", message="", retry=Retry.TOMORROW), timedelta(0)),
    "stop": (Refused(code="user-session-limit", message="", retry=Retry.STOP), HOUR),
    "never": (Refused(code="not-found", message="", retry=Retry.NEVER), 30 * DAY),
    "barred": (Refused(code="blocked-url", message="", retry=Retry.NEVER, excluded=True), 30 * DAY),
}
"""What the archive may say instead of saving, and how long it may not be asked again."""


class KilledError(BaseException):
    """The program ends here, and nothing after this line happened."""


@dataclass(slots=True)
class Sent:
    """A submission that reached the archive.

    Attributes:
        shown_at: When its index shows the capture; None where there is none.
        until: Not to be submitted again before, as the archive told it; None: it told nothing.
    """

    at: datetime
    shown_at: datetime | None = None
    until: datetime | None = None


@dataclass(slots=True)
class Model:
    """The archive, and the clock.

    Attributes:
        saving: What it does with the next submission, and says of it.
        polling: What it says of a job, in turn; after that the job is pending for ever.
        index: ``works``, ``trouble``, ``shut`` or ``killed``.
        lag: Until the index shows a capture.
        named: Timestamps that it told us.
        looked: When its index said that it has nothing.
    """

    now: datetime = START
    saving: str = "saved"
    polling: tuple[str, ...] = ()
    index: str = "works"
    lag: timedelta = timedelta(0)
    sent: list[Sent] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    looked: list[datetime] = field(default_factory=list)
    stop: asyncio.Event | None = None
    unsent: int = 0
    keyed: bool = True

    def replay_url(self, memento: Memento) -> str:
        return f"http://archive.example/web/{memento.timestamp}/{memento.original}"

    def cited(self, url: str) -> None:
        raise AssertionError(url)

    async def find_near(self, url: str, *, near: datetime) -> FindAnswer:
        raise AssertionError(url, near)

    async def read_back(self, original: str, timestamp: str) -> ReplayAnswer:
        return NotReplayed(outcome=Outcome.TROUBLE, detail=f"not now: {original} {timestamp}")

    async def find(self, url: str, *, since: datetime | None) -> FindAnswer:
        self.now += timedelta(seconds=20)
        match self.index:
            case "trouble":
                return IndexTrouble(detail="503")
            case "shut":
                return IndexTrouble(detail="429", stop=True)
            case "killed":
                raise KilledError
        for sent in reversed(self.sent):
            young = since is None or sent.at >= since
            if sent.shown_at is not None and sent.shown_at <= self.now and young:
                return self._name(sent)
        self.looked.append(self.now)
        return NotInIndex()

    async def submit(self, url: str) -> SaveAnswer:
        assert url == URL
        self._may_be_submitted()
        if self.saving == "killed before it left":
            self.unsent += 1
            raise KilledError
        sent = Sent(at=self.now)
        self.sent.append(sent)
        self.now += timedelta(seconds=30)
        return await self._outcome(self.saving, sent)

    async def poll(self, job_id: str) -> SaveAnswer:
        self.now += timedelta(minutes=7)
        said, self.polling = (self.polling or ("pending",))[0], self.polling[1:]
        if said == "pending":
            return Queued(job_id=job_id)
        return await self._outcome(said, self.sent[int(job_id)])

    async def _outcome(self, said: str, sent: Sent) -> SaveAnswer:
        if "made" in said or said == "saved":
            sent.shown_at = self.now + self.lag
        match said.removesuffix(" and made"):
            case "saved":
                return self._name(sent)
            case "queued":
                return Queued(job_id=str(self.sent.index(sent)))
            case "unknown":
                return OutcomeUnknown(detail="no answer")
            case "there already":
                return OutcomeUnknown(detail="the same snapshot", already_there=True)
            case "killed":
                raise KilledError
            case "stopped":
                assert self.stop is not None
                self.stop.set()
                await asyncio.Event().wait()
        refusal, wait = REFUSALS[said.removesuffix(" and made")]
        sent.until = self.now + wait
        return refusal

    def _name(self, sent: Sent) -> Memento:
        timestamp = f"{sent.at:%Y%m%d%H%M%S}"
        self.named.append(timestamp)
        return Memento(timestamp=timestamp, original=URL, status=200)

    def _may_be_submitted(self) -> None:
        """The promise: nothing is asked for twice while it may be there, or against a wish."""
        for sent in self.sent:
            shown = sent.shown_at is not None and sent.shown_at <= self.now - HOUR
            assert not (shown and self.now - sent.at <= copies.GOOD_FOR), "it is in the index"
        told = {f"{sent.at:%Y%m%d%H%M%S}" for sent in self.sent} & set(self.named)
        for timestamp in told:
            at = datetime.strptime(timestamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            assert self.now - at > copies.GOOD_FOR, "it was named to us"
        if not self.sent:
            return
        last = self.sent[-1]
        if last.until is not None:
            assert self.now >= last.until, "the archive told us to wait"
        else:
            waited = [at for at in self.looked if at >= last.at + DAY]
            assert waited, "its outcome is open: the index had no day to show it"


@cache
def empty_ledger() -> Path:
    """A ledger that knows one source; made once, and copied for each history."""
    path = Path(tempfile.mkdtemp(prefix="verifier-receipts-")) / "audit.db"
    listed = SourceList(
        sources=(Source(id="a", url=URL, line=2),), problems=(), warnings=(), digest=""
    )
    with Ledger(path) as ledger:
        ledger.mirror(listed, now=START, retire=False, too_many=False)
        ledger.checkpoint()
    return path


OUTCOMES = (
    "queued",
    "queued and made",
    "unknown",
    "unknown and made",
    "there already and made",
    "killed",
    "killed and made",
    "killed before it left",
    "stopped",
    "stopped and made",
    "later and made",
    "never and made",
    *REFUSALS,
)
POLLED = (
    "saved",
    *(said for said in OUTCOMES if "queued" not in said and "left" not in said),
)

later = st.one_of(
    st.integers(0, 180).map(lambda minutes: timedelta(minutes=minutes)),
    st.sampled_from([5, 30, 55]).map(lambda minutes: timedelta(minutes=minutes)),
    st.integers(1, 30).map(lambda hours: timedelta(hours=hours)),
    st.sampled_from([4, 13, 25]).map(lambda hours: timedelta(hours=hours)),
    st.sampled_from([2, 7, 29, 31, 181]).map(lambda days: timedelta(days=days)),
)


class Receipts(RuleBasedStateMachine):
    """One address, and rounds that begin, ask, and end somehow."""

    @initialize()
    def begin(self) -> None:
        self.doors = ExitStack()
        folder = Path(self.doors.enter_context(tempfile.TemporaryDirectory()))
        self.ledger = self.doors.enter_context(
            Ledger(Path(shutil.copy(empty_ledger(), folder / "audit.db")))
        )
        self.archive = Model()
        self.before: dict[int, Submission] = {}

    def teardown(self) -> None:
        """When the archive is well for long enough, nothing is left open and there is a copy."""
        if not hasattr(self, "doors"):
            return
        with self.doors:
            for wait in (2 * DAY, 2 * DAY, 31 * DAY, 2 * DAY, 31 * DAY):
                self.run(wait, "saved")
            self.nothing_is_lost()
            assert self.submissions()[-1].state not in OPEN
            custody = self.ledger.custody([URL])[URL]
            assert copies.good_snapshot(custody, self.archive.now, copies.GOOD_FOR) is not None
            assert copies.next_step(custody, alive=True, now=self.archive.now) is Step.NOTHING

    @rule(
        after=later,
        saving=st.sampled_from(OUTCOMES),
        polling=st.lists(st.sampled_from(("pending", *POLLED)), max_size=3).map(tuple),
        lag=st.integers(0, 23).map(lambda hours: timedelta(hours=hours)),
        alive=st.sampled_from([True, True, True, False]),
    )
    def round(
        self,
        after: timedelta,
        saving: str,
        polling: tuple[str, ...],
        lag: timedelta,
        *,
        alive: bool,
    ) -> None:
        """A round asks, whatever becomes of what it submits."""
        self.run(after, saving, polling=polling, lag=lag, alive=alive)

    @rule(after=later, saving=st.sampled_from(sorted(REFUSALS)))
    def refused(self, after: timedelta, saving: str) -> None:
        """A round that is refused has to wait, as long as it was told."""
        self.run(after, saving)

    @rule(after=later, saving=st.sampled_from(["unknown", "killed", "queued"]))
    def left_open(self, after: timedelta, saving: str) -> None:
        """Nobody can say what became of it before the index had a day."""
        self.run(after, saving)

    @rule(after=later, index=st.sampled_from(["trouble", "shut", "killed"]))
    def index_fails(self, after: timedelta, index: str) -> None:
        """A round asks an index that is ill, or ends while it asks."""
        self.run(after, "saved", index=index)

    def run(
        self,
        after: timedelta,
        saving: str,
        *,
        polling: tuple[str, ...] = (),
        index: str = "works",
        lag: timedelta = timedelta(0),
        alive: bool = True,
    ) -> None:
        model = self.archive
        model.now += after
        model.saving, model.polling, model.index, model.lag = saving, polling, index, lag
        sent = len(model.sent)
        with suppress(KilledError):
            asyncio.run(self.ask(alive=alive))
        assert alive or len(model.sent) == sent, "what is not alive was submitted"

    async def ask(self, *, alive: bool) -> None:
        run = self.ledger.start_run(
            Run(id=0, started_at=self.archive.now), sources_sha256="", software="", rules=1
        )

        async def stored(call: Callable[[Ledger], Any]) -> Any:
            return call(self.ledger)

        self.archive.stop = asyncio.Event()
        asking = Asking(
            archive=self.archive,
            stored=stored,
            run_id=run.id,
            pace=PACE,
            stop=self.archive.stop,
            clock=lambda: self.archive.now,
        )
        await _quietly(asking.run({URL: alive}))

    @invariant()
    def nothing_is_lost(self) -> None:
        """What was sent has its row, what was named its snapshot, and what is captured stays."""
        if not hasattr(self, "ledger"):
            return
        noted = self.submissions()
        assert len(noted) == len(self.archive.sent) + self.archive.unsent
        known = {row["timestamp"] for row in self.ledger.query("SELECT timestamp FROM snapshots")}
        assert known == set(self.archive.named)
        for one in noted[:-1]:
            assert one.state not in OPEN, "a later one was sent while this one was open"
        for one in noted:
            if (earlier := self.before.get(one.id)) is not None:
                assert earlier.state is not Asked.CAPTURED or one == earlier
            assert (one.state is Asked.CAPTURED) == (one.snapshot_id is not None)
        self.before = {one.id: one for one in noted}

    def submissions(self) -> list[Submission]:
        from verifier.rows import submission

        return [
            submission(row) for row in self.ledger.query("SELECT * FROM submissions ORDER BY id")
        ]


async def _quietly(asked: Coroutine[Any, Any, Any]) -> None:
    """As it is; an event loop would print what a killed round leaves behind."""
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    await asked


TestReceipts = Receipts.TestCase
TestReceipts.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)


SOON = tuple(timedelta(minutes=minutes) for minutes in (10, 50, 240, 780, 1500))


@pytest.mark.parametrize("saving", OUTCOMES)
def test_every_short_history_keeps_the_promises(saving: str) -> None:
    """
    Three rounds with each wait between them: chance alone seldom comes upon the limits.
    """
    for first, second in product(SOON, SOON):
        history = Receipts()
        history.begin()
        history.run(HOUR, saving, lag=timedelta(hours=22))
        history.run(first, "unknown")
        history.run(second, "unknown")
        history.nothing_is_lost()
        history.doors.close()
