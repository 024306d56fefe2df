"""The web that is checked: nginx on loopback with pages, delays, certificates and its own log."""

from __future__ import annotations

import csv
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from bench.measure import children, cpu_seconds
from bench.slowdns import host_address

MEAN_BYTES = 20_000  # of a page, as in facts/speed.md
DNS_ADDRESS = "127.0.0.53"
_NEED = "Cure, on Debian or Ubuntu: apt-get install nginx-light libnginx-mod-http-echo"


class BenchError(Exception):
    """The bench cannot do its work; the text says what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One list of sources to check.

    Attributes:
        key: Short name, for ``--cases`` and file names.
        title: What it is, for the table.
        sources: How many addresses.
        hosts: On how many hosts; source *i* is on host *i* mod *hosts*.
        far: Names behind a slow name server, TLS, and replies after 100 to 300 ms; otherwise
            plain HTTP on addresses, answered at once.
        alone: Only the round is measured, not the peers.
        spread: It is measured on one core, and on all.
    """

    key: str
    title: str
    sources: int
    hosts: int = 500
    far: bool = False
    alone: bool = False
    spread: bool = False

    @property
    def limit(self) -> float:
        """Seconds after which a run is given up."""
        return 120 + self.sources / 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the server saw during one run.

    Attributes:
        sources: How many different sources were asked for and answered with 200.
        requests: All requests for sources, repeated ones included.
        connections: On how many connections they came.
        methods: The methods used, the commonest first.
        busy: Seconds of CPU the server used.
    """

    sources: int
    requests: int
    connections: int
    methods: tuple[str, ...]
    busy: float


class Web:
    """A running nginx with its pages; made by `open_web`."""

    def __init__(self, folder: Path, *, bodies: int, ports: tuple[int, int], worker: int) -> None:
        self._folder, self._bodies, self._worker = folder, bodies, worker
        self._port, self._tls_port = ports
        self._log = folder / "access.log"
        self._read_to, self._busy = 0, 0.0

    def list_sources(self, case: Case) -> dict[str, str]:
        """Write the list of *case* in every form that a tool reads, and say where each is.

        Every fourth row of the CSV quotes its page. ``ca`` is the authority behind the TLS,
        ``per_host`` the requests at once to one host that verifier is told to make.
        """
        urls = [self._url(case, number) for number in range(case.sources)]
        sheet = self._folder / f"{case.key}.csv"
        with sheet.open("w", newline="", encoding="utf-8") as out:
            rows = csv.writer(out)
            rows.writerow(["id", "url", "title", "quote"])
            for number, url in enumerate(urls):
                quote = "" if number % 4 else quotation(number % self._bodies)
                rows.writerow([f"s{number}", url, f"Source {number}", quote])
        text = self._folder / f"{case.key}.txt"
        text.write_text("\n".join(urls) + "\n")
        links = "\n".join(f'<li><a href="{url}">{url}</a></li>' for url in urls)
        page = f"<!doctype html><title>{case.key}</title><ul>\n{links}\n</ul>"
        (self._folder / "pages" / f"{case.key}.list.html").write_text(page)
        return {
            "csv": str(sheet),
            "text": str(text),
            "html": f"http://127.0.0.1:{self._port}/{case.key}.list.html",
            "ca": str(self._folder / "ca.pem"),
            "per_host": "200" if case.hosts == 1 else "1",
        }

    def forget(self) -> None:
        """Start counting anew: what comes from now on belongs to the next run."""
        self._read_to = self._log.stat().st_size
        self._busy = cpu_seconds(self._worker)

    def asked(self) -> Asked:
        """What was asked since `forget`; waits for the log's buffer."""
        busy = cpu_seconds(self._worker) - self._busy
        time.sleep(0.8)  # nginx writes its log out every 0.5 s
        with self._log.open() as log:
            log.seek(self._read_to)
            lines = [line.split() for line in log]
        mine = [line for line in lines if re.fullmatch(r"/\d+/\d+\.html", line[2])]
        methods = Counter(method for method, *_ in mine)
        return Asked(
            sources=len({path for _, status, path, _ in mine if status == "200"}),
            requests=len(mine),
            connections=len({connection for *_, connection in mine}),
            methods=tuple(method for method, _ in methods.most_common()),
            busy=busy,
        )

    def _url(self, case: Case, number: int) -> str:
        host = number % case.hosts
        path = f"/{number % self._bodies}/{number}.html"
        if case.far:
            return f"https://h{host}.bench.internal:{self._tls_port}{path}"
        return f"http://{host_address(host)}:{self._port}{path}"


@contextmanager
def open_web(folder: Path, *, bodies: int, with_dns: bool) -> Iterator[Web]:
    """Serve *bodies* pages below *folder* until the block ends, on the cores of this process.

    Raises:
        BenchError: nginx or its echo module is missing, or a server does not start.
    """
    nginx, echo_module = _nginx()
    ports = _free_port(), _free_port()
    write_pages(folder / "pages", bodies)
    _write_certificates(folder)
    config = folder / "nginx.conf"
    config.write_text(_config(folder, module=echo_module, ports=ports))
    processes: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> Path:
        out = folder / f"server{len(processes)}.out"
        with out.open("wb") as log:
            processes.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT))
        return out

    try:
        if with_dns:
            out = start(sys.executable, "-m", "bench.slowdns", DNS_ADDRESS, "53")
            _await(lambda: "ready" in out.read_text(), out)
        said = start(nginx, "-p", str(folder), "-c", str(config))
        _await(lambda: bool(children(processes[-1].pid)), said)
        worker = children(processes[-1].pid)[0]
        yield Web(folder, bodies=bodies, ports=ports, worker=worker)
    finally:
        for process in processes:
            process.terminate()
            process.wait(10)


def write_pages(folder: Path, bodies: int) -> None:
    """Write *bodies* different pages of `MEAN_BYTES` on average."""
    folder.mkdir()
    for number in range(bodies):
        (folder / f"{number}.html").write_text(_page(number), encoding="utf-8")


def quotation(body: int) -> str:
    """About 200 characters that stand in page *body*, once."""
    return f"{_opening(body)} {_SENTENCES[body % len(_SENTENCES)]}"


def _opening(body: int) -> str:
    return f"The {body}th report says what nobody had said before number {body} was printed."


def _vocabulary() -> list[str]:
    """Sentences of made-up words, as unequal in frequency as real ones: gzip has real work."""
    chance = random.Random(20)
    ends = ("", "n", "r", "st")
    syllables = [c + v + e for c in "bdfghklmnprstvw" for v in "aeiou" for e in ends]
    words = ["".join(chance.choices(syllables, k=chance.choice((1, 2, 2, 3)))) for _ in range(6000)]
    weights = [1 / (rank + 3) for rank in range(len(words))]
    lengths = (chance.randint(6, 24) for _ in range(4000))
    return [
        " ".join(chance.choices(words, weights=weights, k=length)).capitalize() + "."
        for length in lengths
    ]


_SENTENCES = _vocabulary()


def _page(body: int) -> str:
    chance = random.Random(body)
    wanted = max(2_000, int(chance.lognormvariate(0, 0.6) * MEAN_BYTES / 1.2))
    menu = "".join(f'<li><a href="#part{i}">Part {i}</a></li>' for i in range(8))
    parts = [f"<p>{quotation(body)}</p>"]
    size = 1_000
    while size < wanted:
        sentences = " ".join(chance.choices(_SENTENCES, k=chance.randint(2, 6)))
        parts.append(f'<p class="text">{sentences}</p>')
        size += len(parts[-1]) + 1
    chance.shuffle(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Page {body}</title>\n'
        "<style>body { max-width: 40em; margin: auto }</style></head>\n"
        f"<body><header><nav><ul>{menu}</ul></nav></header>\n<main><h1>Page {body}</h1>\n"
        + "\n".join(parts)
        + "\n</main><footer><p>Printed for nobody.</p></footer></body></html>\n"
    )


def _write_certificates(folder: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("*.bench.internal")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))


def _nginx() -> tuple[str, Path]:
    """nginx and the folder with its echo module, which makes the delays."""
    found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        raise BenchError(f"nginx is not installed. {_NEED}")
    built = subprocess.run([found, "-V"], capture_output=True, text=True, check=True).stderr
    place = re.search(r"--modules-path=(\S+)", built)
    module = Path(place[1] if place else ".") / "ngx_http_echo_module.so"
    if not module.exists():
        raise BenchError(f"nginx has no echo module. {_NEED}")
    return found, module


def _config(folder: Path, *, module: Path, ports: tuple[int, int]) -> str:
    """One worker; the page is named by the path, and the last digit of the source its delay."""
    delays = "\n".join(f'    "~{d}\\.html$" {0.1 + d * 0.2 / 9:.3f};' for d in range(10))
    user = "user root;" if os.geteuid() == 0 else ""
    return f"""
load_module {module};
daemon off; {user} worker_processes 1; worker_rlimit_nofile 8192;
error_log {folder}/error.log crit; pid {folder}/nginx.pid;
events {{ worker_connections 8000; }}
http {{
  types {{ text/html html; }}
  charset utf-8; charset_types text/html;
  sendfile on; tcp_nopush on; keepalive_requests 1000000; keepalive_timeout 60;
  open_file_cache max=20000 inactive=600; open_file_cache_valid 600;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  log_format bench "$request_method $status $request_uri $connection";
  access_log {folder}/access.log bench buffer=256k flush=500ms;
  add_header LinkChecker 1;  # a site that says so is spared LinkChecker's waits
  map $request_uri $delay {{
{delays}
  }}
  server {{
    listen {ports[0]} backlog=4096; root {folder}/pages;
    location ~ "^/(\\d+)/\\d+\\.html$" {{ try_files /$1.html =404; }}
  }}
  server {{
    listen {ports[1]} ssl backlog=4096; root {folder}/pages;
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.pem;
    location ~ "^/(?<body>\\d+)/\\d+\\.html$" {{ echo_sleep $delay; echo_exec /$body.html; }}
  }}
}}
"""


def _free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def _await(ready: Callable[[], bool], log: Path) -> None:
    """Wait up to 10 seconds for a server."""
    until = time.monotonic() + 10
    while not ready():
        if time.monotonic() > until:
            raise BenchError(f"A server did not start: {log.read_text().strip()}")
        time.sleep(0.02)
