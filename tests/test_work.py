"""The worker's clock, and how a round ends when the worker is told to go."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from verifier.errors import InputError
from verifier.work import cron_trigger, interval_trigger

# ---- when rounds begin -------------------------------------------------------------------


def times(trigger: Any, count: int, *, after: datetime) -> list[datetime]:
    """The first *count* times at which *trigger* is due."""
    found: list[datetime] = []
    previous = None
    now = after
    for _ in range(count):
        previous = trigger.get_next_fire_time(previous, now)
        now = previous + timedelta(microseconds=1)
        found.append(previous)
    return found


SATURDAY = datetime(2026, 8, 1, 12, tzinfo=UTC)


def test_the_clock_we_count_from_is_a_saturday() -> None:
    """The days below are read off a calendar."""
    assert SATURDAY.strftime("%A") == "Saturday"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 3 * * 0", ["Sun 02", "Sun 09"]),
        ("0 3 * * 7", ["Sun 02", "Sun 09"]),
        ("0 3 * * sun", ["Sun 02", "Sun 09"]),
        ("0 3 * * 1", ["Mon 03", "Mon 10"]),
        ("0 3 * * 6", ["Sat 08", "Sat 15"]),
        ("0 3 * * 1-5", ["Mon 03", "Tue 04", "Wed 05", "Thu 06", "Fri 07", "Mon 10"]),
        ("0 3 * * MON-FRI", ["Mon 03", "Tue 04", "Wed 05", "Thu 06", "Fri 07", "Mon 10"]),
        ("0 3 * * 5-7", ["Sun 02", "Fri 07", "Sat 08", "Sun 09"]),
        ("0 3 * * fri-mon", ["Sun 02", "Mon 03", "Fri 07", "Sat 08"]),
        ("0 3 * * */2", ["Sun 02", "Tue 04", "Thu 06", "Sat 08", "Sun 09"]),
        ("0 3 * * 1-5/2", ["Mon 03", "Wed 05", "Fri 07", "Mon 10"]),
        ("0 3 * * 0,3", ["Sun 02", "Wed 05", "Sun 09"]),
        ("0 3 * * 0-7", ["Sun 02", "Mon 03"]),
        ("0 3 * * *", ["Sun 02", "Mon 03"]),
        ("0 3 5 * *", ["Wed 05", "Sat 05"]),
        ("0 3 4 * 0", ["Sun 02", "Tue 04", "Sun 09", "Sun 16", "Sun 23", "Sun 30", "Fri 04"]),
        ("0 3 */10 * 2", ["Tue 11", "Tue 01"]),
        ("0 3 2 aug 0", ["Sun 02", "Sun 09"]),
        ("0 3 30 2 0", ["Sun 07", "Sun 14"]),
        ("0 3 * jan-mar/2 5", ["Fri 01", "Fri 08", "Fri 15", "Fri 22", "Fri 29", "Fri 05"]),
    ],
)
def test_a_crontab_line_means_what_cron_means_by_it(expression: str, expected: list[str]) -> None:
    """APScheduler counts weekdays from Monday: a weekly round would come a day late for ever."""
    found = times(cron_trigger(expression), len(expected), after=SATURDAY)

    assert [f"{when:%a %d}" for when in found] == expected
    assert {(when.hour, when.minute, when.utcoffset()) for when in found} == {(3, 0, timedelta(0))}


def test_minutes_and_hours_take_steps_lists_and_ranges() -> None:
    """The usual ways to say several times a day."""
    found = times(cron_trigger("5/25,0 8-20/6 * * *"), 7, after=SATURDAY)

    assert [f"{when:%H:%M}" for when in found] == [
        "14:00", "14:05", "14:30", "14:55", "20:00", "20:05", "20:30",
    ]  # fmt: skip


def test_jitter_only_ever_delays_and_never_doubles_a_round() -> None:
    """It spreads the load of many users; it must not make rounds of one."""
    for expression in ("0 * * * *", "0 * 1-31 * 0-6"):
        found = times(cron_trigger(expression, jitter=600), 50, after=SATURDAY)

        assert len({(when.day, when.hour) for when in found}) == 50
        assert all(when.minute < 10 for when in found)
        assert any(when.minute or when.second for when in found)


@pytest.mark.parametrize(
    "expression",
    [
        "", "* * * *", "* * * * * *", "@daily", "60 * * * *", "* 24 * * *", "* * 0 * *",
        "* * 32 * *", "* * * 13 *", "* * * * 8", "* * * foo *", "* * * * monday", "*/0 * * * *",
        "5-1 * * * *", "1- * * * *", "-1 * * * *", ", * * * *", "1,,2 * * * *", "* * last * *",
        "* * * * 2nd fri", "٣ * * * *", "*/x * * * *", "*-5 * * * *", "0 0 31 2 *",
        "0 0 30 feb *", "1/ * * * *", "99999999999 * * * *",
    ],
)  # fmt: skip
def test_a_line_that_is_none_is_refused_with_a_cure(expression: str) -> None:
    """A worker that starts and never runs a round looks just like one that works."""
    with pytest.raises(InputError) as caught:
        cron_trigger(expression)

    assert caught.value.place == "--cron"
    assert caught.value.cure


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("90m", 5_400), ("6h", 21_600), ("1d", 86_400), (" 2 H ", 7_200)],
)
def test_a_distance_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    """The words of --every."""
    first, second = times(interval_trigger(text), 2, after=SATURDAY)

    assert (second - first).total_seconds() == seconds


@pytest.mark.parametrize(
    "text", ["", "6", "h", "0s", "-1h", "1.5h", "6h30m", "367d", "1w", "٣h", "999999999999d"]
)
def test_a_distance_that_is_none_is_refused_with_a_cure(text: str) -> None:
    """Zero would be a round without end, and a guess at a unit the wrong round."""
    with pytest.raises(InputError) as caught:
        interval_trigger(text)

    assert caught.value.place == "--every"
    assert caught.value.cure


# ---- real processes, real signals --------------------------------------------------------

CHILD = """
import asyncio, sys, warnings
from verifier.work import cron_trigger, interval_trigger, work

def say(*words):
    print(*words, flush=True)

count = 0
inside = 0

async def one_round(asked_to_end):
    global count, inside
    count += 1
    say("begin", count)
    inside += 1
    if inside > 1:
        say("overlap")
    try:
        await {body}
        say("end")
    finally:
        await asyncio.sleep(0.01)
        inside -= 1
        say("cleaned")

async def fail():
    raise ValueError("round " + str(count))

async def never_ends():
    await asyncio.sleep(600)

number = asyncio.run(work(
    one_round, {trigger}, grace={grace},
    on_next=lambda when: say("next", when.isoformat()),
    on_error=lambda error: say("error", repr(error)),
))
say("left", number.name)
"""

Child = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    """Starts a worker of its own; what it says on either stream comes back as lines."""
    started: list[subprocess.Popen[str]] = []

    def start(
        body: str, *, trigger: str = 'interval_trigger("1s")', grace: float = 20.0
    ) -> subprocess.Popen[str]:
        script = tmp_path / "worker.py"
        script.write_text(CHILD.format(body=body, trigger=trigger, grace=grace))
        process = subprocess.Popen(
            [sys.executable, "-W", "error", str(script)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def until(process: subprocess.Popen[str], line: str) -> list[str]:
    """The lines that *process* says up to and with the one that begins with *line*."""
    assert process.stdout is not None
    lines: list[str] = []
    for said in process.stdout:
        lines.append(said.strip())
        if said.startswith(line):
            return lines
    pytest.fail(f"the worker ended without saying {line!r}: {lines}")


def rest(process: subprocess.Popen[str]) -> list[str]:
    """What *process* says from here to its end."""
    assert process.stdout is not None
    return [said.strip() for said in process.stdout]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_the_round_to_end_and_waits_for_it(
    child: Child, number: signal.Signals
) -> None:
    """systemd stops a service with SIGTERM; what was seen by then must be stored."""
    process = child("asked_to_end.wait()", trigger='interval_trigger("1h")')
    until(process, "begin")

    process.send_signal(number)

    assert rest(process) == ["end", "cleaned", f"left {number.name}"]
    assert process.wait() == 0


def test_a_round_that_does_not_end_is_cancelled_after_the_grace_and_cleans_up(
    child: Child,
) -> None:
    """Otherwise the system kills it, and nothing is closed or stored."""
    process = child("never_ends()", grace=0.3)
    until(process, "begin")

    process.terminate()

    assert rest(process) == ["cleaned", "left SIGTERM"]
    assert process.wait() == 0


def test_a_second_signal_cuts_the_grace_short(child: Child) -> None:
    """Somebody who presses Ctrl-C twice does not want to wait."""
    process = child("never_ends()", grace=600)
    until(process, "begin")

    process.terminate()
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)

    assert rest(process) == ["cleaned", "left SIGTERM"]


def test_a_round_that_fails_while_ending_is_still_reported(child: Child) -> None:
    """A disk that fills up during the last write must not go unheard."""
    process = child("asked_to_end.wait()\n        await fail()")
    until(process, "begin")

    process.terminate()

    assert rest(process) == ["cleaned", "error ValueError('round 1')", "left SIGTERM"]


def test_a_worker_between_rounds_leaves_at_once(child: Child) -> None:
    """Nothing runs, so there is nothing to wait for."""
    process = child("asyncio.sleep(0)", trigger='interval_trigger("1h")')
    lines = until(process, "cleaned") + until(process, "next")

    process.terminate()

    assert rest(process) == ["left SIGTERM"]
    assert process.wait() == 0
    assert lines[0].startswith("next ")


def test_with_a_crontab_line_the_first_round_waits_for_its_time(child: Child) -> None:
    """A restart at noon must not run what was ordered for the night."""
    process = child("asyncio.sleep(0)", trigger='cron_trigger("0 0 29 2 *")')
    (said,) = until(process, "next")

    process.terminate()

    assert datetime.fromisoformat(said.removeprefix("next ")) > datetime.now(UTC)
    assert rest(process) == ["left SIGTERM"]


def test_two_rounds_never_overlap(child: Child) -> None:
    """Two rounds at once would ask every host twice, and wait for each other's lock."""
    process = child("asyncio.sleep(2.3)")
    lines = until(process, "begin 3")

    process.terminate()
    lines += rest(process)

    rounds = [said for said in lines if not said.startswith("next")]
    assert rounds[:6] == ["begin 1", "end", "cleaned", "begin 2", "end", "cleaned"]
    assert "overlap" not in lines
    assert not [said for said in lines if "skipped" in said or "Traceback" in said]


def test_rounds_missed_while_the_machine_slept_become_one(child: Child) -> None:
    """After a weekend's sleep one round is due, not a queue of them."""
    process = child("asyncio.sleep(0)")
    until(process, "begin 2")
    until(process, "next")

    process.send_signal(signal.SIGSTOP)
    time.sleep(5.2)
    process.send_signal(signal.SIGCONT)
    time.sleep(0.9)
    process.terminate()

    begun = [said for said in rest(process) if said.startswith("begin")]
    assert 1 <= len(begun) <= 3  # five were missed


def test_a_round_that_raises_does_not_end_the_worker(child: Child) -> None:
    """A locked database at three in the morning must not mean no round tomorrow."""
    process = child("fail()")
    lines = until(process, "begin 2")

    process.terminate()

    assert "error ValueError('round 1')" in lines
    assert rest(process)[-1] == "left SIGTERM"
    assert not [said for said in lines if "Traceback" in said]


def test_the_worker_imports_nothing_that_writes_where_it_runs(child: Child, tmp_path: Path) -> None:
    """The scheduler keeps its jobs in memory: what is due is in the ledger alone."""
    before = set(os.listdir(tmp_path))
    process = child("asyncio.sleep(0)")
    until(process, "cleaned")

    process.terminate()
    rest(process)

    assert set(os.listdir(tmp_path)) - before == {"worker.py"}


# ---- the units we ship -------------------------------------------------------------------

UNITS = Path(__file__).parents[1] / "docs" / "systemd"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_understands_our_units(tmp_path: Path) -> None:
    """A directive that is misspelt is ignored by systemd with a line in a log nobody reads."""
    copies = []
    for unit in sorted(UNITS.iterdir()):
        text = re.sub("(?m)^ExecStart=.*", "ExecStart=/bin/true", unit.read_text("utf-8"))
        text = re.sub("(?m)^(User|Group)=.*", r"\1=root", text)  # ours exist on no test machine
        copies.append(tmp_path / unit.name)
        copies[-1].write_text(text)

    done = subprocess.run(
        ["systemd-analyze", "verify", *copies], capture_output=True, text=True, check=False
    )

    assert len(copies) == 3
    assert (done.returncode, done.stderr) == (0, "")


def test_our_units_do_not_take_findings_for_failures() -> None:
    """Exit codes 1 and 3 are a reader's business, not an alarm's."""
    unit = (UNITS / "verifier.service").read_text("utf-8")

    assert "\nSuccessExitStatus=1 3" in unit
    assert "\nUMask=0007\n" in unit
