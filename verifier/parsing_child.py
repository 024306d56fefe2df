"""Does one kind of work on a stranger's bytes after another, in a process that may be lost.

Started by ``parsing.py``. A job comes on standard input and its answer goes to standard output,
each as its length (8 bytes, the highest first) and a pickle: ``(work, args, named)`` in, and
``(True, result)`` or ``(False, why)`` out. The first answer, ``(True, None)``, says "ready".

What a job may take is enforced by the kernel, so that code which never comes back to Python
can't escape it: the process is then killed and the job with it.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import struct
import sys
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from verifier import differences, pictures, shown, sight

NO_MEMORY = 3
"""Exit code: a job wanted more memory than there is for it."""

_LENGTH = struct.Struct("!Q")


def _judge(*args: Any, **named: Any) -> sight.Judged:
    return sight.without_words(sight.judge(*args, **named))


WORKS: dict[str, Callable[..., Any]] = {
    "judge": _judge,
    "document": shown.document,
    "picture": pictures.page,
    "compare": differences.pages,
}
"""What can be asked for, by name."""


def main(memory: int, cpu: float, wall: float) -> None:
    """Work until there is no more work.

    Args:
        memory: Bytes of address space that this process may have.
        cpu: Seconds of processor time for a job, rounded up.
        wall: Seconds for a job by the clock.
    """
    jobs, answers = _streams()
    _limit(resource.RLIMIT_AS, memory)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # whoever started us says when it is over
    _send(answers, (True, None))
    while length := jobs.read(_LENGTH.size):
        try:
            frame = jobs.read(*_LENGTH.unpack(length))
            _allow(cpu, wall)
            answer = _done(frame)
            del frame
            signal.setitimer(signal.ITIMER_REAL, 0)
            _send(answers, answer)
        except MemoryError:
            os._exit(NO_MEMORY)  # what is left of the job's memory goes with the process


def _done(frame: bytes) -> tuple[bool, Any]:
    try:
        work, args, named = pickle.loads(frame)  # noqa: S301 - from the process that started us
        return True, WORKS[work](*args, **named)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a page makes a parser do, it costs that page
        return False, f"{type(error).__name__}: {error}"[:500]


def _streams() -> tuple[BinaryIO, BinaryIO]:
    """Where jobs come from and answers go: not where a library may read or print."""
    jobs, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return jobs, answers


def _limit(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def _allow(cpu: float, wall: float) -> None:
    """Give the coming job its time: past it the kernel ends this process."""
    until = int(time.process_time() + cpu) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_REAL, wall)


def _send(answers: BinaryIO, answer: tuple[bool, Any]) -> None:
    frame = pickle.dumps(answer, 5)
    try:
        answers.write(_LENGTH.pack(len(frame)))
        answers.write(frame)
        answers.flush()
    except BrokenPipeError:  # whoever asked is gone
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
