"""An HTTP server on a free port of this machine, in a thread, for the demonstration."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from verifier.errors import InputError

LOCAL = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked.

    Attributes:
        host: Without the port.
        target: Path and query, as they came.
        form: Of an urlencoded body.
        keys: The header ``Authorization``.
    """

    method: str
    host: str
    target: str
    form: dict[str, str] = field(default_factory=dict)
    keys: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back; None for ``status`` hangs up without a word."""

    status: int | None = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@contextmanager
def served(
    answer: Callable[[Request], Answer], *, clock: Callable[[], datetime], port: int = 0
) -> Iterator[int]:
    """The port at which *answer* is asked for every request, as long as the context lasts.

    Raises:
        InputError: Nothing can listen there.
    """

    class Handler(_Handler):
        respond = staticmethod(answer)
        now = staticmethod(clock)

    try:
        server = _Server((LOCAL, port), Handler)
    except OSError as error:
        raise InputError(f"{LOCAL}, port {port}", f"cannot listen there: {error}") from error
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="demo", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a browser's idle connection keeps nobody from ending
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20.0  # seconds without a word
    respond: Callable[[Request], Answer]
    now: Callable[[], datetime]

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        form = dict(parse_qsl(self.rfile.read(length).decode("utf-8", "replace")))
        answer = self.respond(
            Request(
                method=self.command,
                host=self.headers.get("Host", "").partition(":")[0],
                target=self.requestline.split(" ")[1],  # http.server folds leading slashes
                form=form,
                keys=self.headers.get("Authorization", ""),
            )
        )
        if answer.status is None:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        self.send_header("Date", self.now().strftime("%a, %d %b %Y %H:%M:%S GMT"))
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        with suppress(BrokenPipeError):
            self.wfile.write(b"" if self.command == "HEAD" else answer.body)

    do_GET = do_POST = do_HEAD = _handle

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the terminal is the demonstration's."""
