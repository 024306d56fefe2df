"""``python -m bench``: every tool over every list, in turn, then the tables."""

from __future__ import annotations

import argparse
import fcntl
import os
import platform
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench.measure import cost_of
from bench.tables import Row, Run, as_markdown, as_text
from bench.tools import Tool, peers, recorded, spread, verifier
from bench.web import DNS_ADDRESS, BenchError, Case, Web, open_web

HERE = Path(__file__).parent
MIX = "The realistic mix: 2,000 sources on 500 hosts, TLS, DNS 50 ms, replies after 100–300 ms"
CORES = "The round spread over the cores, 10,000 sources on 500 hosts; the server has one of them"
CASES = (
    Case(key="hosts", title="5,000 sources on 500 hosts", sources=5_000),
    Case(key="one", title="5,000 sources on one host", sources=5_000, hosts=1),
    Case(key="mix", title=MIX, sources=2_000, far=True),
    Case(key="cores", title=CORES, sources=10_000, alone=True, spread=True),
    Case(key="1000", title="The round alone, 1,000 sources", sources=1_000, alone=True),
    Case(key="10000", title="The round alone, 10,000 sources", sources=10_000, alone=True),
    Case(key="100000", title="The round alone, 100,000 sources", sources=100_000, alone=True),
)
TOOLS = ("verifier", "lychee", "linkinator", "blc", "linkchecker")
INSIDE = "BENCH_INSIDE"  # set in the second life of this process: 1 in namespaces of our own


def main() -> int:
    """Install what is missing, move into a network of our own, measure, print."""
    wanted = _arguments()
    first_life = INSIDE not in os.environ
    tools = verifier()
    if any(not case.alone for case in wanted.cases) and set(wanted.only) != {"verifier"}:
        tools += peers(install=first_life)
    tools = [
        tool
        for tool in tools
        if tool.key in wanted.only and (wanted.defaults or not tool.name.endswith("as shipped"))
    ]
    if first_life:
        _move_inside()
    isolated = os.environ[INSIDE] == "1"
    if isolated:
        _furnish()
    try:
        with _folder(HERE / ".work") as folder:
            found = _measure(wanted, tools, folder, isolated=isolated)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 2
    _publish(wanted, found)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    keys = [case.key for case in CASES]
    add = parser.add_argument
    add("--cases", nargs="+", choices=keys, default=keys, metavar="CASE", help=" ".join(keys))
    add("--only", nargs="+", choices=TOOLS, default=TOOLS, metavar="TOOL", help=" ".join(TOOLS))
    add("--rounds", type=int, default=3, help="runs of each; the median counts")
    add("--quick", action="store_true", help="a tenth of each list, once")
    add("--defaults", action="store_true", help="each tool with its default settings too")
    add("--write", type=Path, help="put the tables into this Markdown file, between its marks")
    wanted = parser.parse_args()
    wanted.cases = [case for case in CASES if case.key in wanted.cases]
    if wanted.quick:
        wanted.rounds = 1
        wanted.cases = [
            replace(case, sources=case.sources // 10, title=f"A tenth of: {case.title}")
            for case in wanted.cases
        ]
    return wanted


def _move_inside() -> None:
    """Start over in namespaces of our own, where port 53 and resolv.conf are ours to give.

    There is no network there but loopback, so that nothing measured can reach out. Where the
    system does not permit it this returns, and the case that needs names is left out.
    """
    words = ["unshare", "--mount", "--net"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    permitted = shutil.which("unshare") is not None and not subprocess.call(
        [*words, "true"], stderr=subprocess.DEVNULL
    )
    os.environ[INSIDE] = str(int(permitted))
    if permitted:
        os.execvp(words[0], [*words, sys.executable, "-m", "bench", *sys.argv[1:]])


def _furnish() -> None:
    """Bring loopback up, widen the range of ports, and name our own server in resolv.conf."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        up_and_running = struct.pack("16sh14x", b"lo", 0x41)
        fcntl.ioctl(any_socket, 0x8914, up_and_running)  # SIOCSIFFLAGS
    Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("10000 65000")
    with _folder(Path(tempfile.gettempdir())) as folder:
        ours = folder / "resolv.conf"
        ours.write_text(f"nameserver {DNS_ADDRESS}\n")
        theirs = os.path.realpath("/etc/resolv.conf")
        subprocess.run(["mount", "--bind", str(ours), theirs], check=True)


@contextmanager
def _folder(parent: Path) -> Iterator[Path]:
    """A temporary folder that others may read: LinkChecker gives up its rights as root."""
    parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as name:
        Path(name).chmod(0o777)
        yield Path(name)


def _measure(
    wanted: argparse.Namespace, tools: list[Tool], folder: Path, *, isolated: bool
) -> list[tuple[Case, list[Row]]]:
    """All cases; the lowest core is the clients', the highest ours and the servers'."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 1:
        print("One core only: servers and clients share it.", file=sys.stderr)
    os.sched_setaffinity(0, cores[-1:])
    bodies = min(5_000, max(case.sources for case in wanted.cases))
    print(f"writing {bodies:,} pages …", file=sys.stderr)
    found = []
    with open_web(folder, bodies=bodies, with_dns=isolated) as web:
        for case in wanted.cases:
            if case.far and not isolated:
                no = "this needs namespaces: root, or unprivileged user namespaces"
                found.append((case, [Row(name="not run", key="", runs=(), missing=no)]))
            else:
                chosen = [tool for tool in tools if tool.key == "verifier" or not case.alone]
                if case.spread:
                    chosen = spread()
                rows = _in_turn(web, case, chosen, wanted.rounds, cores, folder)
                found.append((case, rows))
            print(as_text(*found[-1]) + "\n", flush=True)
    return found


def _in_turn(
    web: Web, case: Case, tools: list[Tool], rounds: int, cores: list[int], folder: Path
) -> list[Row]:
    """Every tool once a round, each round beginning with another one."""
    lists = web.list_sources(case)
    runs: dict[str, list[Run]] = {tool.name: [] for tool in tools}
    for turn in range(rounds):
        for place in range(len(tools)):
            tool = tools[(turn + place) % len(tools)]
            if tool.missing:
                continue
            said = f"{case.key}, round {turn + 1} of {rounds}: {tool.name} …"
            print(said, end=" ", file=sys.stderr, flush=True)
            with _folder(folder) as own:
                runs[tool.name].append(
                    _once(web, case, tool, lists, set(cores[: tool.cores or None]), own)
                )
            print(f"{runs[tool.name][-1].cost.seconds:.2f} s", file=sys.stderr)
    return [
        Row(name=tool.name, key=tool.key, runs=tuple(runs[tool.name]), missing=tool.missing)
        for tool in tools
    ]


def _once(
    web: Web, case: Case, tool: Tool, lists: dict[str, str], cores: set[int], folder: Path
) -> Run:
    """One run of one tool, with what the server saw of it."""
    places = lists | {"folder": str(folder)}
    (folder / "config").write_text(tool.config.format(**places))
    log = folder / "output"
    web.forget()
    cost = cost_of(
        tool.command(places),
        env=tool.environment(places),
        cwd=folder,
        cores=cores,
        limit=case.limit,
        log=log,
    )
    asked = web.asked()
    remark = recorded(folder / "archive") if tool.key == "verifier" else ""
    if cost.exit_code not in tool.good_exits and not cost.timed_out:
        last = (log.read_text(errors="replace").strip().splitlines() or ["nothing said"])[-1]
        remark = f"**exit {cost.exit_code}: {last[:100]}** {remark}".strip()
    return Run(cost=cost, asked=asked, remark=remark)


def _publish(wanted: argparse.Namespace, found: list[tuple[Case, list[Row]]]) -> None:
    """Keep the tables below .results, and in the file that ``--write`` names."""
    now = datetime.now(UTC)
    system = platform.uname()
    head = (
        f"{now:%Y-%m-%d}, {os.cpu_count()} cores ({system.machine}), {system.system} "
        f"{system.release.split('-')[0]}, Python {platform.python_version()}; one core for the "
        f"client, one for the servers; medians of {wanted.rounds} interleaved rounds."
    )
    text = "\n\n".join([head, *(as_markdown(case, rows) for case, rows in found)])
    results = HERE / ".results"
    results.mkdir(exist_ok=True)
    (results / f"{now:%Y-%m-%dT%H%M%SZ}.md").write_text(text + "\n", encoding="utf-8")
    if wanted.write is not None:
        page = wanted.write.read_text(encoding="utf-8")
        begin, end = "<!-- bench: begin -->", "<!-- bench: end -->"
        page = re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.S)
        wanted.write.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
