"""Whose the files of an archive are, whether we may write them, and what helps if not.

Part of the edge whose door is `verifier.ledger`; `verifier.doctor` asks it, too.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

_WARCS = 200  # of the newest: a writer continues the newest of all, and of no older one


def owner(path: Path) -> str:
    """The name of who owns a file, or the number where the system knows no name."""
    number = path.stat().st_uid
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group(path: Path) -> str:
    """The name of a file's group, or its number."""
    number = path.stat().st_gid
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def me() -> str:
    """The name that we run under."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def files(folder: Path) -> Iterator[Path]:
    """What a round has to write in an archive folder: folders, database, lock, newest WARCs."""
    yield folder
    for name in ("audit.db", "audit.db-wal", "audit.db-shm", "lock", "warc"):
        if (folder / name).exists():
            yield folder / name
    months = sorted((folder / "warc").glob("????-??"), reverse=True)[:2]
    for month in months:
        yield month
        yield from islice(sorted(month.glob("*.warc.gz*"), reverse=True), _WARCS)


def unwritable(folder: Path) -> Iterator[Path]:
    """Those of them that we may not write."""
    for path in files(folder):
        needed = os.W_OK | os.R_OK | (os.X_OK if path.is_dir() else 0)
        if not os.access(path, needed):
            yield path


def to_be_ours(path: Path) -> str:
    """What lets us write a file, as a sentence."""
    whose = owner(path)
    return (
        f"{path} belongs to {whose} and we are {me()}: run as {whose}, or, as root, "
        f"chown {me()} {path}, or let both be of one group (docs/operating.md, File permissions)"
    )


def why_not_opened(database: Path) -> str:
    """What helps where SQLite could not open or write a database; "" when nothing is seen."""
    try:
        os.close(os.open(database.parent, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            return "Allow more open files (ulimit -n, or LimitNOFILE= of the unit)"
        return f"{database.parent}: {error.strerror}"
    if _is_read_only(database.parent):
        return f"The file system of {database.parent} is read-only: mount it for writing"
    for path in files(database.parent):
        if not os.access(path, os.W_OK):
            return to_be_ours(path)
    return ""


def _is_read_only(folder: Path) -> bool:
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
