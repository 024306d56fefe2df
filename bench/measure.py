"""What one run of a command costs: wall time, CPU time and memory of its whole process tree."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_SAMPLE_EVERY = 0.1  # seconds; looking more often would cost the server's core too much
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a run took.

    Attributes:
        seconds: Wall time from start to exit.
        cpu: Seconds of user and system time of the process and its reaped descendants.
        peak: Highest sum of resident bytes over the process tree; pages that processes share
            count once each. A single process's own high-water mark where that is higher.
        exit_code: The exit code; minus the signal when it was killed.
        timed_out: It was killed at its time limit.
    """

    seconds: float
    cpu: float
    peak: int
    exit_code: int
    timed_out: bool


def cost_of(
    command: Sequence[str],
    *,
    env: dict[str, str],
    cwd: Path,
    cores: set[int],
    limit: float,
    log: Path,
) -> Cost:
    """Run *command* on *cores* to its end, or kill its session after *limit* seconds.

    What it prints goes to *log*. The child inherits this process's affinity, which is therefore
    changed for the moment of starting it.
    """
    ours = os.sched_getaffinity(0)
    with log.open("wb") as out:
        os.sched_setaffinity(0, cores)
        try:
            began = time.perf_counter()
            child = subprocess.Popen(
                command,
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        finally:
            os.sched_setaffinity(0, ours)
    waiter = _Waiter(child.pid)
    waiter.start()
    peak, timed_out = 0, False
    while not waiter.done.wait(_SAMPLE_EVERY):
        peak = max(peak, _resident(child.pid))
        if not timed_out and time.perf_counter() - began > limit:
            timed_out = True
            os.killpg(child.pid, signal.SIGKILL)
    child.returncode = os.waitstatus_to_exitcode(waiter.status)  # reaped by the waiter
    _end_session(child.pid)
    usage = waiter.usage
    return Cost(
        seconds=waiter.ended - began,
        cpu=usage.ru_utime + usage.ru_stime,
        peak=peak or usage.ru_maxrss * 1024,
        exit_code=child.returncode,
        timed_out=timed_out,
    )


def cpu_seconds(pid: int) -> float:
    """User and system seconds that a living process has used so far."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICK if fields else 0.0


def children(pid: int) -> list[int]:
    """The living processes that *pid* started."""
    return [other for other in _processes() if _stat(other)[1:2] == [str(pid)]]


def _processes() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` from the state on; none when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []


def _tree(leader: int) -> list[int]:
    """The living processes of the session that *leader* began, and all that these started."""
    told = {pid: fields for pid in _processes() if (fields := _stat(pid))}
    found = {pid for pid, fields in told.items() if fields[3] == str(leader)}
    while more := {p for p, fields in told.items() if int(fields[1]) in found} - found:
        found |= more
    return sorted(found)


class _Waiter(threading.Thread):
    """Waits for one child, so that its end is timed to the moment and not to a sample."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self.done = threading.Event()
        self.status, self.ended = 0, 0.0

    def run(self) -> None:
        _, self.status, self.usage = os.wait4(self._pid, 0)
        self.ended = time.perf_counter()
        self.done.set()


def _resident(leader: int) -> int:
    """Bytes resident in the tree now, or one process's high-water mark if that is more."""
    total = highest = 0
    for pid in _tree(leader):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
        except OSError:
            continue
        _, mark, rest = status.partition("VmHWM:")
        if mark:
            highest = max(highest, int(rest.split()[0]) * 1024)
    return max(total, highest)


def _end_session(leader: int) -> None:
    """Kill what a command left behind, so that it doesn't weigh on the next one."""
    for pid in _tree(leader):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
