"""The stand-in's HTTP server: requests in, answers out, and the ways not to answer."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, parse_qsl


@dataclass(slots=True, kw_only=True)
class Request:
    """One request, as the stand-in's log keeps it.

    Attributes:
        target: Path and query as they came.
        headers: Names in lower case.
        form: Of an urlencoded body.
        answered: The status that was sent, or None while (or because) nothing was.
    """

    at: datetime
    method: str
    target: str
    headers: dict[str, str]
    form: dict[str, str]
    answered: int | None = None

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, list[str]]:
        """The target's query."""
        return parse_qs(self.target.partition("?")[2], keep_blank_values=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back, or how it does not."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    silence: Literal["", "hang", "drip", "drop"] = ""


@dataclass(slots=True, kw_only=True)
class Wire:
    """The server; *answer* is asked for every request, in that request's thread."""

    answer: Callable[[Request], Answer]
    now: Callable[[], datetime]
    tls: ssl.SSLContext | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    log: list[Request] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    port: int = 0
    _server: ThreadingHTTPServer | None = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        wire = self

        class Server(ThreadingHTTPServer):
            daemon_threads = False  # joined at the end
            request_queue_size = 64

            def handle_error(self, request: object, client_address: object) -> None:
                error = sys.exc_info()[1]
                # A client that was killed in the middle of its question is a part of the game.
                if error is not None and not isinstance(error, OSError):
                    wire.errors.append(error)

        class Handler(_Handler):
            pass

        Handler.wire = self
        self._server = Server(("127.0.0.1", 0), Handler)
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="archive stand-in"
        )
        self._thread.start()

    def stop(self) -> None:
        """End every connection and thread."""
        self.stopping.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    wire: Wire
    protocol_version = "HTTP/1.1"
    timeout = 10.0  # seconds a client may keep a thread without a word
    server_version = "archive-stand-in"
    sys_version = ""

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode("utf-8", "replace")
        request = Request(
            at=self.wire.now(),
            method=self.command,
            # http.server folds leading slashes; requestline has what came
            target=self.requestline.split(" ")[1],
            headers={name.lower(): value for name, value in self.headers.items()},
            form=dict(parse_qsl(body, keep_blank_values=True)),
        )
        self.wire.log.append(request)
        answer = self.wire.answer(request)
        self.close_connection = True
        match answer.silence:
            case "hang":
                self.wire.stopping.wait(120)
            case "drip":
                self._drip()
            case "drop":
                self.connection.shutdown(socket.SHUT_RDWR)
            case _:
                request.answered = answer.status
                self._send(answer)

    do_GET = do_POST = do_HEAD = _handle

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        names = {name.lower() for name, _ in answer.headers}
        for name, value in answer.headers:
            self.send_header(name, value)
        if "date" not in names:
            self.send_header("Date", self.wire.now().strftime("%a, %d %b %Y %H:%M:%S GMT"))
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _drip(self) -> None:
        self.send_response_only(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in self._drops():
            self.wfile.write(b"1\r\n" + piece + b"\r\n")
            self.wfile.flush()

    def _drops(self) -> Iterator[bytes]:
        while not self.wire.stopping.wait(0.05):
            yield b"."

    def log_message(self, format: str, *args: object) -> None:
        """The log is ``Wire.log``; nothing goes to stderr."""
