"""Errors come home from other processes, and end as one line on stderr and an exit code."""

from __future__ import annotations

import pickle

import pytest

from verifier.errors import (
    InputError,
    IntegrityError,
    LockedError,
    MachineError,
    RetireError,
    StorageError,
    VerifierError,
)

EACH = {
    InputError("sources.csv, line 3, url", "no address", "Write it"): 2,
    RetireError("sources.csv", "9 of 10 rows left"): 2,
    LockedError("process 7"): 3,
    IntegrityError("warc/a.gz", "a hash differs", "Compare it"): 4,
    StorageError("audit.db", "no room", "Make room"): 5,
    MachineError("a process", "too many"): 5,
}


@pytest.mark.parametrize(("error", "code"), EACH.items(), ids=lambda one: type(one).__name__)
def test_an_error_survives_the_way_home_from_a_worker(error: VerifierError, code: int) -> None:
    """
    One whose fields do not reach ``super().__init__`` breaks the pool that it should explain.
    """
    back = pickle.loads(pickle.dumps(error))

    assert type(back) is type(error)
    assert vars(back) == vars(error)
    assert str(back) == str(error)
    assert back.exit_code == code


def test_each_kind_is_among_them() -> None:
    """
    A new one is to be tried, too.
    """

    def kinds(of: type[VerifierError]) -> set[type[VerifierError]]:
        below = of.__subclasses__()
        return {kind for kind in below if not kind.__name__.startswith("_")}.union(
            *(kinds(kind) for kind in below)
        )

    assert {type(error) for error in EACH} == kinds(VerifierError)


def test_the_cure_follows_the_problem() -> None:
    """
    Whoever reads a cron mail wants to know where, what, and what to do.
    """
    assert str(StorageError("audit.db", "no room", "Make room")) == "audit.db: no room. Make room"
    assert str(InputError("--until", "it is no day")) == "--until: it is no day"
