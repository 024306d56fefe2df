"""The resident worker's clock: when rounds begin, and how they end when we are told to go."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from verifier.errors import InputError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("day of the week", 0, 7, {name: number for number, name in enumerate(_WEEKDAYS)}),
)
_CRON_CURE = 'Write minute, hour, day, month and weekday, for example --cron "17 3 * * *"'
_EVERY_CURE = "Write a number and s, m, h or d, for example --every 6h"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=366)
_LOOK_AT_THE_CLOCK = 30.0  # seconds: timers stand still while a machine sleeps, and clocks are set

# APScheduler warns of every round that is still running when the next is due: for us that is the
# usual way of a long round, not news for a log.
_log = logging.getLogger("verifier.work.clock")
_log.setLevel(logging.ERROR)


def cron_trigger(expression: str, *, jitter: float = 0.0) -> BaseTrigger:
    """The times that a crontab line's five fields name, in UTC.

    As cron has it and APScheduler's own reader has not: 0 and 7 are Sunday, and where both days
    are restricted (neither begins with ``*``) a time is due when either matches. Ranges, steps,
    lists and English names of three letters are understood; a range of weekdays may pass Sunday.

    Args:
        jitter: Seconds by which a round may begin later, at random, so that not everybody asks
            at the full hour.

    Raises:
        InputError: The expression is none, or names a time that never comes.

    Source: crontab(5) of Vixie cron.
    """
    words = expression.split()
    if len(words) != len(_FIELDS):
        raise InputError("--cron", f"{len(words)} fields instead of five", _CRON_CURE)
    minutes, hours, days, months, weekdays = (
        _field(word, *field) for word, field in zip(words, _FIELDS, strict=True)
    )
    names = {_WEEKDAYS[number % 7] for number in weekdays}
    common = {
        "month": _listed(months),
        "hour": _listed(hours),
        "minute": _listed(minutes),
        "timezone": UTC,
        "jitter": jitter or None,
    }
    by_day = {"day": _listed(days)}
    by_weekday = {"day_of_week": ",".join(sorted(names))}
    if words[2].startswith("*") or words[4].startswith("*"):
        triggers = [CronTrigger(**common, **by_day, **by_weekday)]
    else:
        triggers = [CronTrigger(**common, **by_day), CronTrigger(**common, **by_weekday)]
    some_day = datetime(2000, 1, 1, tzinfo=UTC)
    triggers = [t for t in triggers if t.get_next_fire_time(None, some_day) is not None]
    if not triggers:
        raise InputError("--cron", f"{expression!r} names a day that never comes", _CRON_CURE)
    return OrTrigger(triggers) if len(triggers) > 1 else triggers[0]


def interval_trigger(text: str, *, jitter: float = 0.0) -> BaseTrigger:
    """Rounds at even distances: ``6h``, ``90m``, ``45s`` or ``1d``; the first one at once.

    Args:
        jitter: Seconds by which a round may begin later, at random.

    Raises:
        InputError: The text is no such distance, is zero, or longer than a year.
    """
    found = re.fullmatch(r"\s*([0-9]{1,9})\s*([smhd])\s*", text, re.IGNORECASE)
    if found is None:
        raise InputError("--every", f"{text!r} is no time between rounds", _EVERY_CURE)
    distance = timedelta(**{_UNITS[found[2].lower()]: int(found[1])})
    if not timedelta(0) < distance <= _LONGEST:
        raise InputError("--every", f"{text!r} is not between a second and a year", _EVERY_CURE)
    seconds = int(distance.total_seconds())
    return IntervalTrigger(seconds=seconds, timezone=UTC, jitter=jitter or None)


def _field(word: str, name: str, low: int, high: int, names: dict[str, int]) -> set[int]:
    """The numbers that one field of a crontab line names."""
    numbers: set[int] = set()
    for part in word.lower().split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if slash and not (step.isascii() and step.isdigit() and 0 < int(step) <= high):
            raise _wrong(name, part)
        if span == "*":
            start, stop = low, 6 if name == "day of the week" else high
        else:
            start = _number(first, name, low, high, names)
            stop = _number(last, name, low, high, names) if dash else start
            if slash and not dash:  # "5/15": from 5 on
                stop = high
        if start > stop and name == "day of the week":  # "fri-sun", "sat-mon"
            stop += 7
        if start > stop:
            raise _wrong(name, part)
        numbers.update(range(start, stop + 1, int(step) if slash else 1))
    return numbers


def _number(word: str, name: str, low: int, high: int, names: dict[str, int]) -> int:
    if word in names:
        return names[word]
    if word.isascii() and word.isdigit() and len(word) <= 2 and low <= int(word) <= high:
        return int(word)
    raise _wrong(name, word)


def _wrong(name: str, part: str) -> InputError:
    return InputError("--cron", f"{part!r} is no {name}", _CRON_CURE)


def _listed(numbers: set[int]) -> str:
    return ",".join(map(str, sorted(numbers)))


async def work(
    one_round: Callable[[asyncio.Event], Awaitable[object]],
    trigger: BaseTrigger,
    *,
    grace: float = 20.0,
    on_next: Callable[[datetime], None] = lambda when: None,
    on_error: Callable[[BaseException], None] = lambda error: None,
) -> signal.Signals:
    """Rounds when *trigger* says so, until SIGTERM or SIGINT; the signal is what is returned.

    One round at a time: a time that comes while one is running is let pass, and times that
    passed while the machine slept become one round. With an interval the first round begins at
    once. A round that raises does not end the worker.

    A signal sets the event that the round was given: it should store what it has and end. After
    *grace* seconds, or at a second signal, it is cancelled and awaited, which lets it clean up.

    Args:
        one_round: Is given the event that asks it to end.
        grace: Seconds that a round has to end by itself.
        on_next: Is told when the next round begins: at the start, and after each round.
        on_error: Is given what a round raised.

    APScheduler is the clock only: it keeps no job anywhere but in memory, and never ends a round,
    because its ``shutdown`` cancels what is running, ``wait=True`` or not.
    """
    loop = asyncio.get_running_loop()
    rounds = _Rounds(one_round, on_error)

    def tell_next() -> None:
        if not rounds.asked_to_end.is_set() and job.next_run_time is not None:
            on_next(job.next_run_time)

    async def tick() -> None:
        await rounds.run()
        tell_next()

    scheduler = AsyncIOScheduler(timezone=UTC, logger=_log)
    first = {"next_run_time": datetime.now(UTC)} if isinstance(trigger, IntervalTrigger) else {}
    job = scheduler.add_job(
        tick, trigger, coalesce=True, max_instances=1, misfire_grace_time=None, **first
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, rounds.on_signal, number)
    try:
        scheduler.start()
        tell_next()
        while not rounds.asked_to_end.is_set():
            await _either(rounds.asked_to_end, _LOOK_AT_THE_CLOCK)
            scheduler.wakeup()
    finally:
        scheduler.pause()
        await rounds.end(grace)
        scheduler.shutdown(wait=False)
        await asyncio.sleep(0)  # the scheduler ends in a callback of the loop's
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
    return rounds.received[0]


class _Rounds:
    """The rounds of a worker, one at a time, and the wish that they end."""

    def __init__(
        self,
        one_round: Callable[[asyncio.Event], Awaitable[object]],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self.asked_to_end = asyncio.Event()
        self.received: list[signal.Signals] = []
        self._hurry = asyncio.Event()
        self._one_round = one_round
        self._on_error = on_error
        self._running: asyncio.Task[object] | None = None

    def on_signal(self, number: signal.Signals) -> None:
        (self._hurry if self.received else self.asked_to_end).set()
        self.received.append(number)

    async def run(self) -> None:
        """One round; raises nothing of its errors into the scheduler."""
        if self.asked_to_end.is_set():
            return
        self._running = asyncio.create_task(self._round())
        self._running.add_done_callback(self._tell_error)
        await asyncio.wait([self._running])

    async def end(self, grace: float) -> None:
        """Wait for the round, *grace* seconds or until there is hurry; then cancel it and wait."""
        self.asked_to_end.set()
        if self._running is None or self._running.done():
            return
        await _either(self._hurry, grace, self._running)
        if not self._running.done():
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _round(self) -> object:
        return await self._one_round(self.asked_to_end)

    def _tell_error(self, ended: asyncio.Task[object]) -> None:
        if not ended.cancelled() and (error := ended.exception()) is not None:
            self._on_error(error)


async def _either(event: asyncio.Event, seconds: float, *others: asyncio.Task[object]) -> None:
    """Return when *event* is set, one of *others* is done, or *seconds* have passed."""
    waiting = asyncio.ensure_future(event.wait())
    try:
        first_of: set[asyncio.Future[Any]] = {waiting, *others}
        await asyncio.wait(first_of, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
