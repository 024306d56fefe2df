"""News and the sign of life: they arrive, they give no secret away, and no round fails by them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.loopback import Site, page
from tests.program import Program, until
from verifier import notify
from verifier.errors import InputError, LockedError


class Listener:
    """A channel's server on loopback that keeps what it was sent."""

    def __init__(self) -> None:
        heard: list[tuple[str, str, bytes]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                heard.append((self.command, self.path, self.rfile.read(length)))
                self.send_response(500 if "broken" in self.path else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.heard = heard
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]

    def channel(self, path: str = "news", secret: str = "hush") -> str:
        return f"json://user:{secret}@127.0.0.1:{self.port}/{path}"

    @property
    def messages(self) -> list[dict[str, str]]:
        return [json.loads(body) for command, _, body in self.heard if command == "POST"]


@pytest.fixture
def listener() -> Iterator[Listener]:
    one = Listener()
    thread = threading.Thread(target=one.server.serve_forever, args=(0.02,))
    thread.start()
    yield one
    one.server.shutdown()
    thread.join()
    one.server.server_close()


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_news_arrive_and_no_news_do_not(program: Program, listener: Listener) -> None:
    """One message a change: a channel that speaks every hour is soon muted."""
    program.settings["notify"] = listener.channel()
    with Site() as site:
        site.set("/a", page("<p>The words are here</p>"))
        program.write({"id": "a", "url": site.url("/a"), "quote": "The words are here"})
        first = program.run("run", "--no-preserve")
        assert listener.messages == [], "a new source that is well is no news"
        site.set("/a", page("<p>Some words were here</p>"))
        second = program.run("run", "--no-preserve", "--all")
        third = program.run("run", "--no-preserve", "--all")

    (message,) = listener.messages
    assert "a: quote found → altered" in message["message"]
    assert message["title"] == "Cited sources: 1 answer to look at"
    assert [done.returncode for done in (first, second, third)] == [0, 1, 1]
    assert [done.stderr for done in (first, second, third)] == ["", "", ""]


def test_a_channel_that_fails_is_told_without_its_secrets(
    program: Program, listener: Listener
) -> None:
    """stderr goes into mails and bug reports; the other channels get the news all the same."""
    channels = [
        listener.channel("broken", secret="s3cret-1"),
        "json://user:s3cret-2@127.0.0.1:1/nobody-listens",
        "nosuchservice://s3cret-3",
        listener.channel(),
    ]
    (program.folder / "verifier.toml").write_text(f"notify = {json.dumps(channels)}", "utf-8")
    program.write({"id": "a", "url": ""})

    done = program.run("run", "--no-preserve")

    assert done.returncode == 1
    assert [len(listener.messages), listener.messages[-1]["message"]] == [
        2,
        "a: new, and needs a reader: link invalid",
    ]
    for line in (
        "channel 1 (json) did not take the news",
        "channel 2 (json) did not take the news",
        "channel 3 (nosuchservice) is none that Apprise knows",
    ):
        assert f"verifier: {line}\n" in done.stderr
    assert len(done.stderr.splitlines()) == 3
    assert "s3cret" not in done.stdout + done.stderr


def test_a_wrong_list_of_channels_is_refused_without_being_shown(program: Program) -> None:
    """A typing error in a password must not be printed with the password."""
    program.write({"id": "a", "url": ""})
    for name in ("notify", "ping_url"):
        program.settings = {**program.settings, "notify": "", "ping_url": "", name: "s3cret"}
        done = program.run("run")
        assert (done.returncode, "s3cret" in done.stderr) == (2, False)
        assert f"VERIFIER_{name.upper()}" in done.stderr


def test_the_doctor_names_a_channel_that_nobody_knows(program: Program) -> None:
    """A typing error in it would be found out by the silence at the first bad news."""
    program.settings["notify"] = "json://127.0.0.1:1/x nosuchservice://s3cret"
    program.write({"id": "a", "url": ""})

    done = program.run("doctor")

    assert "notify: channel 2 (nosuchservice) is none that Apprise knows" in done.stdout
    assert "channel 1" not in done.stdout
    assert "s3cret" not in done.stdout + done.stderr


def test_the_dead_mans_switch_hears_of_good_rounds_and_of_faults(
    program: Program, listener: Listener
) -> None:
    """Silence is the alarm: so nothing but work that was done may break it."""
    program.settings["ping_url"] = f"http://127.0.0.1:{listener.port}/ping/1?a=b"
    program.write({"id": "a", "url": ""})

    program.run("run", "--no-preserve")
    assert [path for _, path, _ in listener.heard] == ["/ping/1?a=b"]

    program.settings["canaries"] = "http://127.0.0.1:1/"
    assert program.run("run", "--no-preserve").returncode == 3
    assert len(listener.heard) == 1, "a round without network did not do its work"

    (program.folder / "sources.csv").write_text("nothing of use", "utf-8")
    assert program.run("run", "--no-preserve").returncode == 2
    assert [path for _, path, _ in listener.heard][1:] == ["/ping/1/fail?a=b"]


def test_a_round_that_finds_another_running_is_no_fault() -> None:
    """cron starts one every hour, also while a long one runs."""
    with Site() as site:
        with pytest.raises(LockedError), notify.watched(site.url("/ping")):
            raise LockedError("another")
        assert site.visits == []
        with pytest.raises(InputError), notify.watched(site.url("/ping")):
            raise InputError("x", "y")
        assert [visit.target for visit in site.visits] == ["/ping/fail"]


def test_a_switch_that_does_not_answer_fails_no_round(program: Program) -> None:
    """The round is stored by then; what is told of it is the lesser thing."""
    program.settings["ping_url"] = "http://user:s3cret@127.0.0.1:1/ping"
    with Site() as site:
        site.set("/a", page("<p>here</p>"))
        program.write({"id": "a", "url": site.url("/a")})

        done = program.run("run", "--no-preserve")

    assert done.returncode == 0
    assert done.stderr == "verifier: the dead man's switch did not answer\n"


def test_the_worker_sends_its_news_too(program: Program, listener: Listener) -> None:
    """Whoever runs it has no cron to mail what it prints."""
    program.settings["notify"] = listener.channel()
    program.write({"id": "a", "url": ""})
    with program.start("work", "--every", "1h", "--no-preserve", "--quiet") as process:
        until(lambda: listener.messages)
        process.terminate()
        process.communicate(timeout=30)

    assert "needs a reader" in listener.messages[0]["message"]
