"""The command line: reads flags, environment and verifier.toml, calls the library, prints."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from verifier import __version__

if TYPE_CHECKING:
    from verifier.start import Common

# Everything else is imported within the commands: --help answers before httpx is loaded.

F = TypeVar("F", bound=Callable[..., Any])

EXIT_CODES = """\b
Exit codes:
  0  nothing needs a reader
  1  something does: a source is dead, hijacked or can't be checked, a verbatim
     quotation is altered or absent, a copy is missing, a row is wrong
  2  wrong use, configuration or input: nothing was done
  3  inconclusive: no network, an outage on our side, or another round is running
  4  integrity failure: what was stored is not what is there now
  5  a fault of Verifier's own
  130, 143  ended by Ctrl-C or SIGTERM
"""


@click.group(epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="verifier")
def cli() -> None:
    """Checks, again and again, that cited sources still hold.

    For every row of sources.csv it answers three questions: is the source still there? is a
    copy kept where others can read it? does it say what we say it says?
    """


def common(command: F) -> F:
    """The options that every command takes, after its name."""
    path = click.Path(path_type=Path)
    for option in reversed(
        (
            click.option(
                "--sources",
                type=path,
                default=Path("sources.csv"),
                show_default=True,
                help="The list of sources.",
            ),
            click.option(
                "--archive",
                type=path,
                default=Path("archive"),
                show_default=True,
                help="The folder that holds all state.",
            ),
            click.option(
                "--config",
                type=path,
                help="Settings in TOML; verifier.toml is read when it is there.",
            ),
            click.option("-v", "--verbose", is_flag=True, help="Tell on stderr what is done."),
        )
    ):
        command = option(command)
    return command


def guarded(command: F) -> F:
    """Turn our errors into one line on stderr and the contract's exit code."""
    from functools import wraps

    @wraps(command)
    def wrapped(**options: Any) -> None:
        try:
            from verifier.start import Common, told
        except KeyboardInterrupt:  # half a second in which click would make it a 1
            sys.exit(130)
        options["common"] = Common(
            sources=options.pop("sources"),
            archive=options.pop("archive"),
            config=options.pop("config"),
            verbose=options.pop("verbose"),
        )
        sys.exit(told(lambda: command(**options)))

    return wrapped  # type: ignore[return-value]


_round_options = (
    click.option(
        "--no-preserve",
        is_flag=True,
        help="Ask nothing of any archive; then missing copies don't count.",
    ),
    click.option("--quiet", is_flag=True, help="Print only news; what is known, once a week."),
)


@cli.command("run")
@common
@click.option("--all", "everything", is_flag=True, help="Look at every source, due or not.")
@click.option("--only", multiple=True, metavar="ID", help="Look at this source; repeatable.")
@click.option(
    "--rejudge", "anew", is_flag=True, help="Today's rules over what is stored; no network."
)
@click.option("--confirm-retire", is_flag=True, help="Let go of many sources that left the list.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@click.option("--exit-zero", is_flag=True, help="End with 0 where it would be 1.")
@_round_options[0]
@_round_options[1]
@guarded
def run_command(common: Common, **options: Any) -> int:
    """One round: check what is due, keep copies, record it, print a summary.

    This is what cron calls. Ctrl-C or SIGTERM end it soon, and lose nothing that was seen.
    """
    from verifier.start import one_round

    return one_round(common, **options)


@cli.command("work")
@common
@click.option("--cron", metavar="EXPR", help='Five fields, UTC, 0 and 7 are Sunday: "17 3 * * *".')
@click.option("--every", metavar="TIME", help="Such as 6h, 90m or 1d; the first round at once.")
@_round_options[0]
@_round_options[1]
@guarded
def work_command(common: Common, **options: Any) -> int:
    """The resident worker: rounds by the clock, until SIGTERM."""
    from verifier.start import keep_working

    return keep_working(common, **options)


@cli.command("serve")
@common
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8001, show_default=True)
@click.option("--base-path", metavar="PATH", help="The path below which a proxy shows the site.")
@guarded
def serve_command(common: Common, host: str, port: int, base_path: str | None) -> int:
    """Datasette on the audit database; works before the first round and during one."""
    from verifier.start import publish_site

    return publish_site(common, host=host, port=port, base_path=base_path)


@cli.command("report")
@common
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "html", "json", "csv", "atom", "corrections"]),
    default="text",
    show_default=True,
    help="corrections: each misquoted line with the source's words.",
)
@click.option(
    "--since",
    metavar="last|DATE",
    help="Only if there is news: of the last round, or since that day; else one line.",
)
@click.option(
    "--fail-on",
    multiple=True,
    metavar="WHAT",
    help="End with 1 if there is such a source: reader, news, or a heading such as dead-with-copy;"
    " repeatable.",
)
@click.option("--output", type=click.Path(path_type=Path), help="Write to this file instead.")
@guarded
def report_command(common: Common, **options: Any) -> int:
    """The report, from what is stored; no network is used.

    News first, then what is known, then what could not be known. It ends with 0 whatever it
    tells, unless --fail-on names something.
    """
    from verifier.reporting import write_report

    return write_report(common, **options)


@cli.command("publish")
@common
@click.argument("target", metavar="FILE.db", type=click.Path(path_type=Path))
@click.option(
    "--metadata",
    type=click.Path(path_type=Path),
    help="Write titles, descriptions and queries for a stock Datasette to this file.",
)
@guarded
def publish_command(common: Common, target: Path, metadata: Path | None) -> int:
    """Write a public database that opens in any Datasette.

    It has every answer and what was seen for it, but no page's body, headers or text, and
    nothing private. It is written anew each time, and takes the former one's place at once.
    """
    from verifier.publishing import publish_database

    return publish_database(common, target, metadata=metadata)


@cli.command("explain")
@common
@click.argument("id")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@guarded
def explain_command(common: Common, id: str, form: str) -> int:
    """Why the source ID has its answers.

    For each of the three: rule, evidence with the ids of its rows, what happens next, and what
    would change it. No network is used.
    """
    from verifier.start import explain_source

    return explain_source(common, id, form=form)


@cli.command("judge")
@common
@click.argument("id")
@click.argument(
    "answer", type=click.Choice(["live", "moved", "blocked", "dead", "hijacked", "none"])
)
@click.option("--reason", default="", help="Why; shown wherever the answer is.")
@click.option("--until", default="", metavar="DATE", help="The last day on which it holds, in UTC.")
@click.option("--by", default="", metavar="NAME", help="Who says so; your login name by default.")
@guarded
def judge_command(common: Common, id: str, answer: str, **options: str) -> int:
    """A person overrules what the rules say of the link of source ID.

    It needs --reason and --until, and is shown as a person's word everywhere. The rules go on
    beneath it, and their answer is shown again when the time is over. "none" takes it back.
    """
    from verifier.start import judge_source

    return judge_source(common, id, answer, **options)


@cli.command("fixity")
@common
@click.option(
    "--head", "heads", multiple=True, metavar="HEAD", help="A head printed earlier; repeatable."
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@guarded
def fixity_command(common: Common, heads: tuple[str, ...], form: str) -> int:
    """Read archive and ledger again, and compare every hash; changes nothing.

    Ends with 4 if anything that was stored is not what is there now, and names the sources
    that are touched.
    """
    from verifier.inspecting import check_fixity

    return check_fixity(common, heads=heads, form=form)


@cli.command("doctor")
@common
@guarded
def doctor_command(common: Common) -> int:
    """What would keep a round from working: one line each, with the cure.

    Looks at configuration, sources.csv, archive folder, database, disk, clock, network and the
    archive's keys. Ends with 0 where a round would work, be there warnings or not, else with
    the code that the round would have.
    """
    from verifier.inspecting import see_doctor

    return see_doctor(common)


@cli.command("demo")
@common
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Where Datasette listens; a free one by default.",
)
@click.option("--no-serve", "serve", flag_value=False, default=True, help="Only play the rounds.")
@click.option("--keep", type=click.Path(path_type=Path), help="Leave all in this new folder.")
@guarded
def demo_command(common: Common, **options: Any) -> int:
    """The whole service in a minute, on a small web of its own.

    No network, no account, no files of yours: it starts a small web and an archive on this
    machine, plays rounds on simulated days, opens Datasette, and says what to look at. Ctrl-C
    ends it and leaves nothing behind. Of the options only -v counts here beside its own.
    """
    from verifier.demo.play import demonstrate

    return demonstrate(common, **options)
