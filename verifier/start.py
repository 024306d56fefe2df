"""Puts the parts together as the commands ask, and turns outcomes into exit codes."""

from __future__ import annotations

import asyncio
import errno
import getpass
import logging
import os
import signal
import sys
import traceback
import urllib.request
from collections.abc import Callable, Coroutine
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
import uvloop

from verifier import (
    __version__,
    evidence,
    explain,
    explained,
    judging,
    notify,
    processes,
    rejudge,
    report,
    round,
    settings,
)
from verifier.attention import answer_counts, minute, plain, plural
from verifier.console import Bar
from verifier.errors import InputError, StorageError, VerifierError
from verifier.fanout import Manners
from verifier.fetch import Fetcher, Limits, in_utc
from verifier.ledger import Ledger
from verifier.preserve import Pace
from verifier.records import AuditRow, Judgement, Link, Overview, Run, Standing
from verifier.round import Plan
from verifier.settings import Settings
from verifier.wayback import Archive, ia_ini_places, load_ia_ini

T = TypeVar("T")

SOFTWARE = f"verifier/{__version__}"
CANARY_DEADLINE = 10.0
JITTER = 60.0
"""Seconds by which a round of ``verifier work --cron`` may begin later: cron's full hours are
everybody's. Rounds at even distances begin whenever the worker was started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """The options that every command takes."""

    sources: Path
    archive: Path
    config: Path | None
    verbose: bool

    def settings(self) -> Settings:
        """What environment and file say; the file by default is verifier.toml, if there."""
        return settings.load(self.config_file, os.environ)

    @property
    def config_file(self) -> Path | None:
        """The settings' file: the one that was named, or verifier.toml, if there."""
        if self.config is None and Path("verifier.toml").is_file():
            return Path("verifier.toml")
        return self.config

    @property
    def database(self) -> Path:
        """The audit database."""
        return self.archive / "audit.db"


class StoppedError(Exception):
    """A second signal cut a round short; ``number`` is that of the first."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def told(command: Callable[[], int]) -> int:
    """Run a command; an error of ours becomes its words on stderr and its exit code."""
    try:
        return command()
    except VerifierError as error:
        _complain(f"verifier: {plain(str(error))}")
        return error.exit_code
    except StoppedError as error:
        return 128 + error.number
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - the last door: a fault of ours has its own exit code
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            cure = "allow more (ulimit -n, or LimitNOFILE= of the unit)"
            _complain(f"verifier: {error.strerror}: {cure}")
            return 5
        _complain(traceback.format_exc())
        _complain("verifier: this is a fault of Verifier's own; please report it")
        return 5


def _complain(words: str) -> None:
    """Say on stderr; that nobody can be told changes no exit code."""
    try:
        click.echo(words, err=True)
    except OSError:
        # what is left in the buffer must not be tried again when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def show(words: str) -> None:
    """Print; a reader that has gone away, as with ``| head``, is no fault.

    Raises:
        StorageError: The output can't be written.
    """
    try:
        click.echo(words, nl=False)
    except OSError as error:
        # what is left in the buffer must not be tried again when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            cure = "Make room where it goes; the round itself is stored"
            raise StorageError("standard output", error.strerror or str(error), cure) from error


# ---- rounds ------------------------------------------------------------------------------


def one_round(
    common: Common,
    *,
    everything: bool,
    only: tuple[str, ...],
    no_preserve: bool,
    confirm_retire: bool,
    form: str,
    quiet: bool,
    exit_zero: bool,
    anew: bool = False,
) -> int:
    """``verifier run``: one round, its summary, its exit code."""
    _log(common.verbose)
    told = common.settings()
    if anew:
        if everything or only or no_preserve or confirm_retire:
            raise InputError(
                "--rejudge",
                "it reads all that is stored, and nothing else",
                "Leave out --all, --only, --no-preserve and --confirm-retire",
            )
        run = _rejudged(common)
        code = say(common, run, form=form, quiet=quiet, copies=True)
        _announce(common, told, run, copies=True)
        return 0 if exit_zero and code == 1 else code
    plan = plan_of(
        common,
        told,
        everything=everything,
        only=only,
        preserve=not no_preserve,
        retire=confirm_retire,
    )
    caught: list[int] = []
    with notify.watched(told.ping_url):
        run = run_once(plan, caught)
    code = say(common, run, form=form, quiet=quiet, copies=not no_preserve)
    _announce(common, told, run, copies=not no_preserve)
    if caught:
        return 128 + caught[0]
    return 0 if exit_zero and code == 1 else code


def _rejudged(common: Common) -> Run:
    """A round of today's rules over what is stored; SIGTERM and Ctrl-C undo it."""

    def end(number: int, _frame: object) -> None:
        raise StoppedError(number)

    told = common.settings()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    return rejudge.rejudge(
        common.archive,
        software=SOFTWARE,
        good_for=timedelta(days=told.copy_days),
        progress=Bar(),
    )


def plan_of(
    common: Common,
    told: Settings,
    *,
    everything: bool = False,
    only: tuple[str, ...] = (),
    preserve: bool = True,
    retire: bool = False,
    clock: Callable[[], datetime] = in_utc,
) -> Plan:
    """A round with the real parts, as the settings want them."""
    agent = _agent(told)
    proxies = urllib.request.getproxies()
    no_proxy = tuple(part.strip() for part in proxies.pop("no", "").split(",") if part.strip())

    def fetcher(*, private: bool, deadline: float) -> Callable[[], Fetcher]:
        return partial(  # not a closure: it goes to other processes as well
            Fetcher,
            user_agent=agent,
            limits=Limits(deadline=deadline),
            allow_private=private,
            proxies={scheme: proxies[scheme] for scheme in ("http", "https") if scheme in proxies},
            no_proxy=no_proxy,
            ca_file=os.environ.get("SSL_CERT_FILE"),
            clock=clock,
        )

    archive = archive_of(told)
    pace = Pace.of(
        keyed=archive.keyed,
        budget=told.preserve_budget,
        save_pause=told.save_pause,
        poll_pause=told.poll_pause,
    )
    return Plan(
        sources=common.sources,
        archive_folder=common.archive,
        fetcher=fetcher(private=told.allow_private, deadline=told.deadline),
        scout=fetcher(private=True, deadline=min(CANARY_DEADLINE, told.deadline)),
        archive=(lambda: archive) if preserve else None,
        pace=pace,
        software=SOFTWARE,
        canaries=told.canaries,
        only=only,
        everything=everything,
        retire=retire,
        manners=Manners(
            concurrency=told.concurrency, per_host=told.per_host, pause=told.host_pause
        ),
        retry_pause=told.retry_pause,
        good_for=timedelta(days=told.copy_days),
        clock=clock,
        processes=told.processes or processes.cores(),
        progress=Bar(),
    )


def _agent(told: Settings) -> str:
    """What we say who we are."""
    return SOFTWARE + (f" (+{told.contact})" if told.contact else " (checks cited sources)")


def archive_of(told: Settings) -> Archive:
    """The edge to the archive, with the keys that are set."""
    access, secret = _keys(told)
    return Archive(
        base_url=told.wayback_url,
        access_key=access,
        secret_key=secret,
        user_agent=_agent(told),
    )


def _keys(told: Settings) -> tuple[str, str]:
    """The archive's keys: the settings' or those of the ``ia`` tool."""
    if told.ia_access_key or told.ia_secret_key:
        if not (told.ia_access_key and told.ia_secret_key):
            raise InputError(
                "the archive's keys",
                "only one of the two is set",
                "Set VERIFIER_IA_ACCESS_KEY and VERIFIER_IA_SECRET_KEY, or neither",
            )
        return told.ia_access_key, told.ia_secret_key
    for place in ia_ini_places(Path.home()):
        if (keys := load_ia_ini(place)) is not None:
            return keys
    return "", ""


def run_once(plan: Plan, caught: list[int]) -> Run:
    """One round; SIGTERM and Ctrl-C end it soon, and their numbers are added to *caught*.

    Raises:
        StoppedError: A second signal cut it short.
    """
    return _run(_round(plan, caught))


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on uvloop's event loop: the same as asyncio's, with less Python in it."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def _round(plan: Plan, caught: list[int]) -> Run:
    """One round that SIGTERM and Ctrl-C end soon; a second Ctrl-C ends it at once."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    task = asyncio.ensure_future(round.run(plan, stop=stop))

    def ask_to_stop(number: int) -> None:
        if caught:
            task.cancel()
        caught.append(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask_to_stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        raise StoppedError(caught[0] if caught else signal.SIGINT) from None


# ---- saying ------------------------------------------------------------------------------


def say(common: Common, run: Run, *, form: str, quiet: bool, copies: bool) -> int:
    """Print what a round found, and give its exit code."""
    now = datetime.now(UTC)
    with closing(Ledger(common.database)) as ledger:
        rows = _telling(ledger, run, copies=copies)
        last = ledger.last_run(conclusive=True)
        earlier = ledger.run_before(run.id)
        overview = _overview(ledger)
    since = last.started_at if last is not None else None
    if form == "json":
        words = report.as_json(
            rows, run, now=now, last_conclusive=since, overview=overview, copies=copies
        )
        show(words)
    elif run.network == "down":
        if not (quiet and earlier is not None and earlier.network == "down"):
            show(_without_network(run, since) + ("" if quiet else f"Ledger head: {run.head}\n"))
    elif quiet:
        show(_news(run, earlier, rows, copies=copies))
    else:
        words = report.summary(
            rows, run, now=now, last_conclusive=since, overview=overview, copies=copies
        )
        show(words)
    return exit_code(run, rows, copies=copies)


def _without_network(run: Run, since: datetime | None) -> str:
    """Why nothing was judged, and how old the answers are."""
    last = f"; the last round that judged was of {minute(since)}" if since is not None else ""
    listed = plural(run.listed, "source", "sources")
    return (
        f"{run.reason[:1].upper()}{run.reason[1:]}.\n"
        f"{listed} listed, to be checked when there is a network{last}.\n"
    )


def _telling(ledger: Ledger, run: Run, *, copies: bool) -> list[AuditRow]:
    """The rows that a summary names: of 100,000 sound ones none has to be in memory."""
    news = {change.source_id for change in run.news}
    return [
        row for row in ledger.audit() if row.id in news or report.needs_reader(row, copies=copies)
    ]


def _overview(ledger: Ledger) -> Overview:
    found = ledger.answers()
    return Overview(
        sources=sum(number for (axis, _), number in found.items() if axis == "link"),
        counts=answer_counts(found),
        next_check_at=ledger.next_check_at(),
    )


def _news(run: Run, earlier: Run | None, rows: list[AuditRow], *, copies: bool) -> str:
    """What cron mails: news, and once a week what is known and unresolved."""
    told = report.news(run, rows, copies=copies)
    if run.outcome not in ("conclusive", "rejudged") and (
        earlier is None or earlier.reason != run.reason
    ):
        told += f"{plain(run.reason)}\n"
    if earlier is None or earlier.problems != run.problems:
        told += "".join(f"{plain(problem)}\n" for problem in run.problems)
    week = run.started_at.isocalendar()[:2]
    if earlier is not None and earlier.started_at.isocalendar()[:2] != week:
        told += report.known_unresolved(rows, copies=copies)
    return told


def _announce(common: Common, told: Settings, run: Run, *, copies: bool) -> None:
    """Send the news to who asked for it, and a sign of life; what fails is told, and no more."""
    troubles = []
    if told.notify and run.network != "down":
        with closing(Ledger(common.database)) as ledger:
            rows = _telling(ledger, run, copies=copies)
            words = _news(run, ledger.run_before(run.id), rows, copies=copies)
        if words:
            troubles += notify.send(told.notify, title=report.subject(run, rows), words=words)
    if run.outcome in ("conclusive", "rejudged"):
        troubles += notify.ping(told.ping_url)
    for trouble in troubles:
        click.echo(f"verifier: {trouble}", err=True)


def exit_code(run: Run, rows: list[AuditRow], *, copies: bool) -> int:
    """The contract's code for a round: 3 before 1 before 0."""
    if run.outcome == "inconclusive":
        return 3
    needing = any(report.needs_reader(row, copies=copies) for row in rows)
    return 1 if needing or run.wrong_rows else 0


# ---- the other commands ------------------------------------------------------------------


def keep_working(
    common: Common, *, cron: str | None, every: str | None, no_preserve: bool, quiet: bool
) -> int:
    """``verifier work``: rounds by the clock, until a signal ends it."""
    from verifier import work

    _log(common.verbose)
    if (cron is None) == (every is None):
        raise InputError("verifier work", "it needs --cron or --every, and one of them only")
    trigger = (
        work.cron_trigger(cron, jitter=JITTER)
        if cron is not None
        else work.interval_trigger(every or "")
    )
    told = common.settings()
    plan = plan_of(common, told, preserve=not no_preserve)

    async def one(stop: asyncio.Event) -> None:
        with notify.watched(told.ping_url):
            run = await round.run(plan, stop=stop)
        say(common, run, form="text", quiet=quiet, copies=not no_preserve)
        # a channel may take its time: the signal that ends us is heard meanwhile
        await asyncio.to_thread(_announce, common, told, run, copies=not no_preserve)

    caught = _run(work.work(one, trigger, on_error=_told_error))
    return 128 + caught if caught else 0


def publish_site(common: Common, *, host: str, port: int, base_path: str | None) -> int:
    """``verifier serve``: the database is made first, so that the site works from the start."""
    from verifier.site.server import serve

    told = common.settings()
    if base_path is not None:
        told = settings.with_words(told, "--base-path", site_path=base_path)
    common.archive.mkdir(parents=True, exist_ok=True)
    Ledger(common.database).close()
    caught = serve(
        common.database,
        common.archive / "warc",
        host=host,
        port=port,
        good_for=timedelta(days=told.copy_days),
        sql=told.site_sql,
        base_path=told.site_path,
    )
    return 128 + caught if caught else 0


def explain_source(common: Common, id: str, *, form: str) -> int:
    """``verifier explain``: why a source has its answers."""
    told = common.settings()
    now = datetime.now(UTC)
    with closing(stored(common)) as ledger:
        dossier = evidence.dossier(ledger, id)
    told_why = explain.explain(dossier, now=now, good_for=timedelta(days=told.copy_days))
    words = explained.as_json(told_why, now=now) if form == "json" else explained.text(told_why)
    show(words)
    return 0


def judge_source(common: Common, id: str, answer: str, *, reason: str, until: str, by: str) -> int:
    """``verifier judge``: a person overrules what the rules say of a link."""
    told = common.settings()
    link = Link(answer) if answer != "none" else None
    if link is not None and not (reason.strip() and until):
        raise InputError("verifier judge", "it needs --reason and --until", "See: judge --help")
    judgement, standing = judging.judge(
        common.archive,
        id,
        link,
        reason=plain(reason),
        until=last_second(until) if link is not None else None,
        by=plain(by) or _login(),
        good_for=timedelta(days=told.copy_days),
    )
    show(_judged(judgement, standing))
    return 0


def _judged(judgement: Judgement, standing: Standing | None) -> str:
    """What is shown from now on, in a line or two."""
    if standing is None:
        shown = "no round has judged it yet; the next one takes this in"
    else:
        row = standing.row
        shown = f"link {row.link} ({row.link_reason})"
        if standing.ruled_link is not None:
            shown += f"; by the rules {standing.ruled_link} ({standing.ruled_reason})"
    return f"{plain(f'{judgement.source_id}: {shown}')}\nJudgement {judgement.id} is stored.\n"


def last_second(until: str) -> datetime:
    """The end of what a person gave as ``--until``: a day lasts to its last second, in UTC.

    Raises:
        InputError: It is neither a day nor a time.
    """
    try:
        moment = datetime.fromisoformat(until.strip())
    except ValueError as error:
        cure = "Such as: --until 2030-12-31"
        raise InputError("--until", f"{until!r} is neither a day nor a time", cure) from error
    if len(until.strip()) <= len("2030-12-31"):
        moment += timedelta(days=1, seconds=-1)
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).replace(microsecond=0)


def _login() -> str:
    """The name of whoever is logged in.

    Raises:
        InputError: The system knows none.
    """
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError) as error:
        raise InputError("--by", "the system does not say who you are", "Give a name") from error


def stored(common: Common) -> Ledger:
    """The audit database, for reading.

    Raises:
        InputError: There is none.
    """
    if not common.database.is_file():
        raise InputError(str(common.database), "there is no such database", "Run: verifier run")
    return Ledger(common.database)


def _told_error(error: BaseException) -> None:
    told(lambda: _raise(error))


def _raise(error: BaseException) -> int:
    raise error


def _log(verbose: bool) -> None:
    level = logging.DEBUG if verbose else logging.WARNING
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("verifier").setLevel(level)
