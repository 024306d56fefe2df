"""What would keep a round from working, looked at one thing after the other."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from verifier import belongings, landings, notify, outage, sources
from verifier.errors import InputError, IntegrityError, StorageError
from verifier.look import Get
from verifier.records import Fetched, Reply
from verifier.recount import Recount
from verifier.wayback import Health

LITTLE = 1 << 30
"""Bytes of free disk below which somebody should look: some weeks of a thousand pages."""

NOTHING = 64 << 20
"""Bytes of free disk below which a round would hardly come to its end."""

_DATES_BEGIN = 2024  # no round ran before


class State(StrEnum):
    """How one thing is."""

    OK = "ok"
    WARN = "warn"  # a round works, but less well than it could, or not for long
    FAIL = "FAIL"  # a round would not work


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: Its name.
        said: How it is, as a phrase; with the cure, where there is one.
        code: The exit code that a round would have because of it; 0 where it works.
    """

    what: str
    state: State
    said: str
    code: int = 0


class Archive(Protocol):
    """The edge to the archive, as far as it is asked here."""

    keyed: bool

    async def health(self) -> Health: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is looked at.

    Attributes:
        scout: Opens what asks canaries; ``archive`` the edge to the archive.
        wanted_files: Descriptors that a round would like to have.
        proxies: Addresses of proxies in use, without credentials.
        secret_files: Files that hold, or may hold, keys of the archive.
        channels: Where news are sent.
    """

    sources: Path
    folder: Path
    scout: Callable[[], AbstractAsyncContextManager[Get]]
    archive: Callable[[], AbstractAsyncContextManager[Archive]]
    canaries: tuple[str, ...]
    wanted_files: int
    contact: str
    allow_private: bool
    proxies: tuple[str, ...]
    secret_files: tuple[Path, ...]
    channels: tuple[str, ...] = ()


async def examine(patient: Patient, *, now: datetime) -> AsyncIterator[Finding]:
    """Look at everything, and change nothing but for a lock that is held for a moment."""
    yield _sources(patient.sources)
    for finding in (*_folder(patient.folder), *_machine(patient), *_settings(patient)):
        yield finding
    newest: datetime | None = None
    if (patient.folder / "audit.db").is_file():
        finding, newest = _database(patient.folder)
        yield finding
    came: list[Fetched] = []
    if patient.canaries:
        async with patient.scout() as scout:
            came = [await scout.get(url) for url in patient.canaries]
    yield _network(patient, came)
    yield _clock(newest, came, now)
    if patient.proxies:
        yield Finding(
            what="proxy",
            state=State.WARN,
            said=f"{', '.join(patient.proxies)}: names are looked up there, so private addresses "
            "are refused only where they stand in the address itself. Let the proxy refuse them",
        )
    async with patient.archive() as archive:
        yield _archive(archive.keyed, await archive.health())


def exit_code(findings: list[Finding]) -> int:
    """The contract's: 4, 2, 5, 3 where a round would not work, else 0, warnings or not."""
    codes = {finding.code for finding in findings if finding.state is State.FAIL}
    return next((code for code in (4, 2, 5, 3) if code in codes), 0)


# ---- files -------------------------------------------------------------------------------


def _sources(path: Path) -> Finding:
    try:
        listed = sources.read(path)
    except InputError as error:
        return Finding(what="sources", state=State.FAIL, said=str(error), code=2)
    wrong = len({problem.line for problem in listed.problems})
    said = f"{path} lists {len(listed.sources)} sources"
    if wrong:
        first = listed.problems[0]
        return Finding(
            what="sources", state=State.WARN, said=f"{said}; {wrong} rows are wrong: {first}"
        )
    return Finding(what="sources", state=State.OK, said=said)


def _folder(folder: Path) -> Iterator[Finding]:
    if not folder.is_dir():
        parent = next(path for path in folder.absolute().parents if path.is_dir())
        if os.access(parent, os.W_OK | os.X_OK):
            yield Finding(
                what="archive", state=State.OK, said=f"{folder} is made by the first round"
            )
        else:
            said = f"{folder} can't be made. {belongings.to_be_ours(parent)}"
            yield Finding(what="archive", state=State.FAIL, said=said, code=5)
        return
    barred = list(belongings.unwritable(folder))
    if barred:
        more = f" ({len(barred) - 1} more)" if len(barred) > 1 else ""
        said = belongings.why_not_opened(folder / "audit.db") or belongings.to_be_ours(barred[0])
        yield Finding(what="archive", state=State.FAIL, said=f"{said}{more}", code=5)
    else:
        yield Finding(what="archive", state=State.OK, said=f"{folder} can be written")
    yield from _modes(folder)
    yield from _lock(folder)


def _modes(folder: Path) -> Iterator[Finding]:
    mode = folder.stat().st_mode
    if mode & stat.S_IWOTH:
        said = f"everybody may write {folder}. Say chmod o-w {folder}"
        yield Finding(what="modes", state=State.WARN, said=said)
    elif os.geteuid() == 0 and folder.stat().st_uid != 0:
        whose = belongings.owner(folder)
        said = (
            f"we are root, and {folder} belongs to {whose}: a round would leave files that "
            f"{whose} can't write. Run as {whose}"
        )
        yield Finding(what="modes", state=State.WARN, said=said)
    elif mode & stat.S_IWGRP and not mode & stat.S_ISGID:
        group = belongings.group(folder)
        said = (
            f"the group {group} may write {folder}, but new files there would be of another. "
            f"Say chmod g+s {folder}, and umask 0007 before each round"
        )
        yield Finding(what="modes", state=State.WARN, said=said)
    else:
        said = f"{folder} is {belongings.owner(folder)}'s, mode {stat.S_IMODE(mode):o}"
        yield Finding(what="modes", state=State.OK, said=said)


def _lock(folder: Path) -> Iterator[Finding]:
    try:
        handle = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return  # there was no round yet, or it is not ours, which was told
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield Finding(what="lock", state=State.OK, said="no round is running")
    except OSError:
        holder = os.pread(handle, 200, 0).decode("utf-8", "replace").strip()
        said = f"a round is running ({holder}). Another one would leave with 3"
        yield Finding(what="lock", state=State.WARN, said=said)
    finally:
        os.close(handle)


def _database(folder: Path) -> tuple[Finding, datetime | None]:
    """How the database is, and of when its newest look is."""
    path = folder / "audit.db"
    flaws: list[str] = []

    def found(place: str, problem: str, _sources: tuple[str, ...]) -> None:
        flaws.append(f"{place}: {problem}")

    newest = None
    try:
        with Recount(path, found) as recount:
            recount.structure(quick=True)
            entries = recount.size()
            if not flaws:
                newest = landings.newest(recount.ledger())
    except StorageError as error:
        said, code = str(error), error.exit_code
        return Finding(what="database", state=State.FAIL, said=said, code=code), None
    if flaws:
        said = f"{flaws[0]}. Run verifier fixity, and compare with a backup"
        code = IntegrityError.exit_code
        return Finding(what="database", state=State.FAIL, said=said, code=code), None
    wal = path.with_name("audit.db-wal")
    left = wal.stat().st_size if wal.exists() else 0
    more = f"; {left >> 10} kB of a round under way, or cut short, in its -wal" if left else ""
    said = f"{path}, {entries} ledger entries{more}"
    return Finding(what="database", state=State.OK, said=said), newest


# ---- machine and settings ----------------------------------------------------------------


def _machine(patient: Patient) -> Iterator[Finding]:
    place = next(
        path for path in (patient.folder, *patient.folder.absolute().parents) if path.is_dir()
    )
    free = shutil.disk_usage(place).free
    nodes = os.statvfs(place)
    said = f"{free / (1 << 30):.1f} GB free at {place}"
    if nodes.f_files and nodes.f_favail < 1_000:
        said += f", and room for {nodes.f_favail} more files. Delete files there"
        yield Finding(what="disk", state=State.FAIL, said=said, code=5)
    elif free < LITTLE:
        state, code = (State.FAIL, 5) if free < NOTHING else (State.WARN, 0)
        yield Finding(what="disk", state=state, said=f"{said}. Make room", code=code)
    else:
        yield Finding(what="disk", state=State.OK, said=said)
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != resource.RLIM_INFINITY and files < patient.wanted_files:
        said = (
            f"{files} files may be open, and a round with these settings wants "
            f"{patient.wanted_files}. Say ulimit -n {patient.wanted_files}, or LimitNOFILE= in the "
            "unit, or lower VERIFIER_CONCURRENCY"
        )
        yield Finding(what="open files", state=State.WARN, said=said)
    else:
        yield Finding(what="open files", state=State.OK, said=f"{files} may be open")


def _settings(patient: Patient) -> Iterator[Finding]:
    if not patient.contact:
        said = (
            "VERIFIER_CONTACT is not set: site owners can't ask, only block. Give an address or "
            "e-mail"
        )
        yield Finding(what="contact", state=State.WARN, said=said)
    if patient.allow_private:
        said = (
            "VERIFIER_ALLOW_PRIVATE is on: rows and redirects may lead into our own network. "
            "Leave it off, but for tests"
        )
        yield Finding(what="address guard", state=State.WARN, said=said)
    for path in patient.secret_files:
        if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            said = f"others may read {path}, which holds the archive's keys. Say chmod 600 {path}"
            yield Finding(what="keys", state=State.WARN, said=said)
    for said in notify.unknown(patient.channels) if patient.channels else ():
        yield Finding(what="notify", state=State.WARN, said=f"{said}. See docs/operating.md")


# ---- network -----------------------------------------------------------------------------


def _network(patient: Patient, came: list[Fetched]) -> Finding:
    network = outage.network(came)
    if network.state == "not-tested":
        said = "not tested: VERIFIER_CANARIES is empty"
        return Finding(what="network", state=State.WARN, said=said)
    if network.state == "down":
        return Finding(what="network", state=State.FAIL, said=network.reason, code=3)
    silent = [
        f"{url} ({one.detail or one.failure})"
        for url, one in zip(patient.canaries, came, strict=True)
        if not isinstance(one, Reply)
    ]
    said = f"{len(came) - len(silent)} of {len(came)} canaries answered"
    if silent:
        said += f"; not {', '.join(silent)[:300]}. Choose others, if that stays"
        return Finding(what="network", state=State.WARN, said=said)
    return Finding(what="network", state=State.OK, said=said)


def _clock(newest: datetime | None, came: list[Fetched], now: datetime) -> Finding:
    told = [pair for one in came for pair in outage.dates_of(one)]
    reason = outage.behind(now, newest) or outage.wrong_clock(told)
    if not reason and now.year < _DATES_BEGIN:
        reason = f"our clock says {now:%Y-%m-%d}"
    if reason:
        said = f"{reason}. Set the clock; if the newest look is what is wrong, restore a backup"
        return Finding(what="clock", state=State.FAIL, said=said, code=3)
    by = f", as {len(told)} canaries say" if told else ""
    return Finding(what="clock", state=State.OK, said=f"{now:%Y-%m-%d %H:%M} UTC{by}")


def _archive(keyed: bool, health: Health) -> Finding:
    words = f" ({health.detail})" if health.detail else ""
    if keyed and health.keys_accepted is False:
        said = f"the keys are not accepted{words}. Make new ones: archive.org/account/s3.php"
        return Finding(what="Wayback Machine", state=State.FAIL, said=said, code=2)
    if health.saving is False or (health.saving is None and health.keys_accepted is None):
        said = f"saving does not work now{words}; links are checked all the same, and copies wait"
        return Finding(what="Wayback Machine", state=State.WARN, said=said)
    if not keyed:
        said = (
            "it answers; without keys copies are asked for anonymously, a few a minute. "
            "See docs/operating.md, Keys of the Internet Archive"
        )
        return Finding(what="Wayback Machine", state=State.WARN, said=said)
    said = (
        f"the keys are accepted; {health.captures_today} of {health.captures_limit} captures today"
    )
    return Finding(what="Wayback Machine", state=State.OK, said=said)
