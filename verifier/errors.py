"""What can keep Verifier from doing its job; findings about sources are values, not errors."""

from __future__ import annotations


class VerifierError(Exception):
    """The root of every error of ours. ``exit_code`` is the contract's."""

    exit_code = 5


class _PlacedError(VerifierError):
    """Something is wrong at a place, and can be cured there; see the two kinds below."""

    def __init__(self, place: str, problem: str, cure: str = "") -> None:
        super().__init__(place, problem, cure)  # keeps the error picklable
        self.place = place
        self.problem = problem
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}" + (f". {self.cure}" if self.cure else "")


class InputError(_PlacedError):
    """A file, option or setting is wrong; nothing was done.

    Attributes:
        place: File (and line, column) or setting that is wrong.
        problem: What is wrong, as a phrase that fits after a colon.
        cure: What to do about it, as a sentence.
    """

    exit_code = 2


class RetireError(InputError):
    """So many rows left sources.csv at once that nobody is retired without being told to."""


class LockedError(VerifierError):
    """Another round holds the lock.

    Attributes:
        holder: What the lock file says of the other round.
    """

    exit_code = 3

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder

    def __str__(self) -> str:
        return f"another round is running ({self.holder}); this one did nothing"


class StorageError(_PlacedError):
    """The archive or the ledger cannot be written or read.

    Attributes:
        place: The file or folder.
        problem: What the system said.
        cure: What to do about it, as a sentence.
    """


class MachineError(VerifierError):
    """The machine doesn't give us what we need: a process, memory, a file descriptor.

    Attributes:
        what: What was wanted.
        problem: What the system said.
    """

    def __init__(self, what: str, problem: str) -> None:
        super().__init__(what, problem)
        self.what = what
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.what} cannot be had here: {self.problem}"


class IntegrityError(StorageError):
    """Something that was stored is not what was stored: a hash, a record or the chain differs."""

    exit_code = 4
