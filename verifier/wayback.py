"""The Wayback Machine: has a page saved there, asks how that went, finds what it has.

With an account's keys saving is Save Page Now 2, over httpx; without, waybackpy's save. The index
is asked through waybackpy in both cases. waybackpy runs in a process that is killed when it
overstays (``wayback_child.py``). Every outcome is a value of ``records``: only a cancellation
passes. Sources of what is known of the archive: docs/decisions/0003-two-ways-to-the-archive.md.
"""

from __future__ import annotations

import asyncio
import configparser
import contextlib
import json
import logging
import os
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from verifier.errors import InputError
from verifier.records import (
    FindAnswer,
    Memento,
    NotReplayed,
    Outcome,
    OutcomeUnknown,
    Queued,
    ReplayAnswer,
    SaveAnswer,
)
from verifier.wayback_answers import (
    Heard,
    Silent,
    one_line,
    read_find,
    read_save,
    read_status,
    read_submission,
    unheard,
    word,
)
from verifier.wayback_replay import read_back

log = logging.getLogger(__name__)

ARCHIVE = "https://web.archive.org"
ARCHIVE_HOSTS = ("web.archive.org", "wayback.archive.org", "archive.org", "www.archive.org")
CITED = re.compile(r"/web/([0-9]{14})(?:[a-z]{2}_)?/(.+)", re.DOTALL)

CHILD = Path(__file__).with_name("wayback_child.py")
CONNECT_TIMEOUT = 10.0  # seconds
ANSWER_CAP = 4 << 20  # bytes of an answer; 500 resources and 500 outlinks are some 200 kB


# ---- the archive -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the archive says of itself and of our account; None where it did not say.

    Attributes:
        saving: Whether Save Page Now works.
        keys_accepted: Whether it knows our keys.
        available: Captures that could start now; it lags behind finished ones.
        captures_today: Of our account, failed ones included.
        captures_limit: A day.
        detail: The archive's own words, or why nothing is known.
    """

    saving: bool | None = None
    keys_accepted: bool | None = None
    available: int | None = None
    captures_today: int | None = None
    captures_limit: int | None = None
    detail: str = ""


class Archive:
    """The Wayback Machine below *base_url*; a context manager, asked one thing at a time.

    Args:
        base_url: Every request and every replay address goes below it.
        access_key, secret_key: Of an account (archive.org/account/s3.php); both, or no account.
        user_agent: Names the tool and a contact.
        save_timeout: Seconds for one save without keys, and for one submission with them.
        index_timeout: Seconds for one look into the index; exact look-ups took up to 52.
        status_timeout: Seconds for one look at a job or at the account.
        replay_timeout: Seconds for one copy, with all its archived redirects.

    Raises:
        InputError: A key holds a character that no header may hold.
    """

    def __init__(
        self,
        *,
        base_url: str = ARCHIVE,
        access_key: str = "",
        secret_key: str = "",
        user_agent: str,
        save_timeout: float = 130.0,
        index_timeout: float = 60.0,
        status_timeout: float = 30.0,
        replay_timeout: float = 60.0,
    ) -> None:
        for key in (access_key, secret_key):
            if not (key.isascii() and key.isprintable()) or " " in key:
                raise InputError(  # the libraries would quote it in their errors
                    "the archive's keys",
                    "one holds a character that no key has",
                    "Copy both again from archive.org/account/s3.php.",
                )
        self.base_url = base_url.rstrip("/")
        self.keyed = bool(access_key and secret_key)
        self._credentials = f"LOW {access_key}:{secret_key}" if self.keyed else ""
        # What is no longer than a word is no key, and would be taken out of words.
        self._secrets = tuple(key for key in (access_key, secret_key) if len(key) >= 8)
        self._user_agent = user_agent
        self._save_timeout = save_timeout
        self._index_timeout = index_timeout
        self._status_timeout = status_timeout
        self._replay_timeout = replay_timeout
        self._client: httpx.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"Archive(base_url={self.base_url!r}, keyed={self.keyed})"

    async def __aenter__(self) -> Self:
        # No connection is used twice: one that the archive had closed meanwhile would make a
        # submission's outcome unknown.
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"User-Agent": self._user_agent, "Accept": "application/json"},
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def replay_url(self, memento: Memento) -> str:
        """Where people read a capture."""
        return f"{self.base_url}/web/{memento.timestamp}/{memento.original}"

    def cited(self, url: str) -> Memento | None:
        """The capture that a replay address names, of ours or of the archive's own site.

        None for what names no capture exactly (fewer than 14 digits, or no time at all), and for
        other archives' addresses.
        """
        below = url.startswith(f"{self.base_url}/web/")
        try:
            told = urlsplit(url)
            if not below and (told.hostname or "").lower() not in ARCHIVE_HOSTS:
                return None
        except ValueError:
            return None
        path = url[len(self.base_url) :] if below else url.partition(told.netloc)[2]
        way = CITED.fullmatch(path)
        if way is None:
            return None
        original = way[2] if "://" in way[2].partition("?")[0] else f"http://{way[2]}"
        try:
            memento = Memento(timestamp=way[1], original=original)
            memento.captured_at  # noqa: B018  asked for what it raises
        except ValueError:
            return None
        return memento

    async def find(self, url: str, *, since: datetime | None) -> FindAnswer:
        """The newest 2xx capture of *url* that the index has, not older than *since*.

        Captures of http and https are one, those of ``www.``, of another path case or query
        order are not, though the index mixes them (``spelling.same_address``). A revisit
        counts where its bytes are those of a 2xx capture. One request, never repeated. The index
        lags: that it has no capture is no proof that there is none.
        """
        start = "" if since is None else f"{since.astimezone(UTC):%Y%m%d%H%M%S}"
        answer = await self._ask_child("index", url, self._index_timeout, since=start)
        return read_find(answer, now=datetime.now(UTC))

    async def find_near(self, url: str, *, near: datetime) -> FindAnswer:
        """The 2xx capture of *url* in the index that was made nearest to *near*; else as `find`."""
        wanted = f"{near.astimezone(UTC):%Y%m%d%H%M%S}"
        answer = await self._ask_child("near", url, self._index_timeout, since=wanted)
        return read_find(answer, now=datetime.now(UTC))

    async def read_back(self, original: str, timestamp: str) -> ReplayAnswer:
        """The bytes of one capture, and only of that: a neighbour shown instead is not taken.

        Archived redirects are followed, at most five responses in all, and each is told with the
        capture that it came from; whether that is near enough is for the rules to say. No request
        leaves the archive, whatever a redirect says, and none carries our keys.

        Args:
            original, timestamp: As the archive named the capture; the timestamp has 14 digits.
        """
        detail = f"no answer within {self._replay_timeout:g} s"
        try:
            async with asyncio.timeout(self._replay_timeout):
                return await read_back(self._open(), self.base_url, original, timestamp)
        except TimeoutError:
            pass
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            detail = self._silent(error, self._replay_timeout).detail
        return NotReplayed(outcome=Outcome.TROUBLE, detail=detail)

    async def submit(self, url: str) -> SaveAnswer:
        """Asks for a capture of *url*, once.

        With keys the good answer is a job to poll, without them the capture itself.
        ``Retry.STOP`` is about us, not about the address; its ``retry_after``, where there is
        one, says after how many seconds the next submission may be tried.
        """
        if not self.keyed:
            answer = await self._ask_child("save", url, self._save_timeout)
            return read_save(answer, now=datetime.now(UTC))
        # Nothing else: capture_all would keep block pages as copies, a longer
        # if_not_archived_within answers with captures that it does not name, and outlinks and
        # screenshots are not ours to ask for. The first-capture check only costs time.
        form = {"url": url, "skip_first_archive": "1"}
        heard = await self._ask("POST", "/save", seconds=self._save_timeout, form=form)
        return unheard(heard) if isinstance(heard, Silent) else read_submission(heard)

    async def poll(self, job_id: str) -> SaveAnswer:
        """How a job went: ``Queued`` while it runs, and when its status cannot be read just now.

        An expired job is pending for ever: stop asking after an hour and look into the index.
        ``OutcomeUnknown`` when asking on is useless (no connection, 401, 403, 429).
        """
        if not self.keyed:
            return OutcomeUnknown(detail=f"job {job_id}: without keys its status cannot be asked")
        heard = await self._status(job_id)
        if isinstance(heard, Heard):
            twin = word(heard.fields().get("original_job_id"))
            if twin and twin != job_id:  # this job was folded into that one
                other = await self._status(twin)
                heard = other if isinstance(other, Heard) and other.status == 200 else heard
            return read_status(heard, job_id)
        if heard.fault == "unreachable":
            return OutcomeUnknown(detail=heard.detail)
        return Queued(job_id=job_id, message=heard.detail)

    async def health(self) -> Health:
        """Whether saving works, and how much of it our account has left.

        Asks for the account (with keys) or for the system (without); captures nothing.
        """
        path = "/save/status/user" if self.keyed else "/save/status/system"
        heard = await self._ask("GET", f"{path}?_t={_now_ms()}", seconds=self._status_timeout)
        if isinstance(heard, Silent):
            return Health(detail=heard.detail)
        fields = heard.fields()
        detail = one_line(word(fields.get("status")) or word(fields.get("message")) or heard.text)
        if heard.status == 502:
            return Health(saving=False, detail="HTTP 502: Save Page Now is down")
        if heard.status == 401 and self.keyed:
            return Health(keys_accepted=False, detail=detail)
        if heard.status != 200 or not fields:
            return Health(detail=f"HTTP {heard.status} {detail}")
        if not self.keyed:
            return Health(saving=detail == "ok", detail=detail)
        return Health(
            saving=True,
            keys_accepted=True,
            available=_count(fields.get("available")),
            captures_today=_count(fields.get("daily_captures")),
            captures_limit=_count(fields.get("daily_captures_limit")),
            detail=detail if "message" in fields else "",
        )

    # ---- over httpx ----------------------------------------------------------------------

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            msg = "the archive is asked outside its context"
            raise RuntimeError(msg)
        return self._client

    async def _status(self, job_id: str) -> Heard | Silent:
        path = f"/save/status/{quote(job_id, safe='')}?_t={_now_ms()}"  # past any cache
        return await self._ask("GET", path, seconds=self._status_timeout)

    async def _ask(
        self, method: str, path: str, *, seconds: float, form: Mapping[str, str] | None = None
    ) -> Heard | Silent:
        """One request with our keys, if we have any; *seconds* bounds the whole of it."""
        client = self._open()
        headers = {"Authorization": self._credentials} if self.keyed else {}
        times = httpx.Timeout(seconds, connect=min(seconds, CONNECT_TIMEOUT))
        address = self.base_url + path
        try:
            async with (
                asyncio.timeout(seconds),
                client.stream(method, address, headers=headers, data=form, timeout=times) as reply,
            ):
                body = bytearray()
                async for chunk in reply.aiter_bytes():
                    body += chunk
                    if len(body) > ANSWER_CAP:
                        break
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return self._silent(error, seconds)
        log.debug("%s %s: %d, %d bytes", method, address, reply.status_code, len(body))
        return Heard(
            at=datetime.now(UTC),
            status=reply.status_code,
            text=self._plain(body.decode("utf-8", "replace")),
            retry_after=reply.headers.get("Retry-After", ""),
            runtime_error=reply.headers.get("X-Archive-Wayback-Runtime-Error", ""),
            location=self._plain(reply.headers.get("Location", "")),
        )

    def _silent(self, error: Exception, seconds: float) -> Silent:
        match error:
            case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.ProxyError():
                fault = "unreachable"
            case TimeoutError() | httpx.TimeoutException():
                return Silent(fault="unknown", detail=f"no answer within {seconds:g} s")
            case httpx.InvalidURL() | httpx.UnsupportedProtocol() | ValueError():
                fault = "unsendable"
            case _:
                fault = "unknown"
        detail = self._plain(one_line(f"{type(error).__name__}: {error}"))
        return Silent(fault=fault, detail=detail)

    def _plain(self, text: str) -> str:
        """*text* without our keys, whoever may have put them there."""
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return text

    # ---- over waybackpy ------------------------------------------------------------------

    async def _ask_child(
        self, ask: str, url: str, seconds: float, since: str = ""
    ) -> Mapping[str, Any]:
        """waybackpy's answer from a process that is gone when this returns or is cancelled."""
        question = {
            "ask": ask,
            "url": url,
            "base_url": self.base_url,
            "user_agent": self._user_agent,
            "timeout": seconds,
            "since": since,
        }
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-W", "ignore", str(CHILD)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self._child_environment(),
                start_new_session=True,  # Ctrl-C at a terminal reaches us, and we end it
            )
        except OSError as error:  # no memory, no process to be had: nothing was asked
            return {"kind": "trouble", "fault": "unreachable", "detail": f"no process: {error}"}
        try:
            async with asyncio.timeout(seconds):
                said, complaint = await process.communicate(json.dumps(question).encode())
        except TimeoutError:
            return {"kind": "trouble", "detail": f"no answer within {seconds:g} s"}
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        try:
            answer = json.loads(said)
        except ValueError:
            last = complaint.decode("utf-8", "replace").strip().rpartition("\n")[2]
            return {"kind": "trouble", "detail": f"ended with {process.returncode}: {last[:300]}"}
        log.debug("%s %s: %s", ask, url, answer.get("kind"))
        return answer if isinstance(answer, dict) else {"kind": "trouble", "detail": "no answer"}

    def _child_environment(self) -> dict[str, str]:
        """Ours (proxies, certificates), without anything that holds a key."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("VERIFIER_IA_", "IA_"))
            and not any(secret in value for secret in self._secrets)
        }
        if bundle := environment.get("SSL_CERT_FILE"):  # requests knows it by another name
            environment.setdefault("REQUESTS_CA_BUNDLE", bundle)
        ours = [environment.get("PYTHONPATH", ""), str(CHILD.parent.parent)]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, ours))
        return environment


def _now_ms() -> int:
    return int(time.time() * 1000)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


# ---- keys --------------------------------------------------------------------------------


def ia_ini_places(home: Path) -> tuple[Path, ...]:
    """Where the ``ia`` tool keeps its configuration, in its order (internetarchive, config.py)."""
    config = home / ".config"
    return (config / "internetarchive" / "ia.ini", config / "ia.ini", home / ".ia")


def load_ia_ini(path: Path) -> tuple[str, str] | None:
    """Access and secret key from a configuration of the ``ia`` tool; None when it has none.

    Raises:
        InputError: The file is there and cannot be read.
    """
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, configparser.Error) as error:
        problem = f"cannot be read ({type(error).__name__})"
        cure = "Run `ia configure`, or set the keys in the environment."
        raise InputError(str(path), problem, cure) from None  # the cause would quote the keys
    access = parser.get("s3", "access", fallback="").strip()
    secret = parser.get("s3", "secret", fallback="").strip()
    return (access, secret) if access and secret else None
