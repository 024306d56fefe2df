"""The stand-in itself: its settings, its limits, and who answers which address."""

from __future__ import annotations

import json
import re
import ssl
import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from tests.archive_stand_in import replay
from tests.archive_stand_in.plans import Plan
from tests.archive_stand_in.saving import Saving
from tests.archive_stand_in.store import COLUMNS, Capture, as_captured, rows_of, surt
from tests.archive_stand_in.wire import Answer, Request, Wire

BLOCKED_SITE = (
    "org.archive.util.io.RuntimeIOException: "
    "org.archive.wayback.exception.AdministrativeAccessControlException: Blocked Site Error"
)
TOO_MANY = "<html><head><title>429 Too Many Requests</title></head><body><h1>429</h1></body></html>"


@dataclass(slots=True, kw_only=True)
class Limit:
    """So many requests to a path, within so many seconds on the wall clock."""

    requests: int
    per: float
    retry_after: str
    seen: deque[float]
    closed_until: float = 0.0


class ArchiveStandIn:
    """A Wayback Machine on a free port of 127.0.0.1, for the length of a ``with``.

    Args:
        keys: The access and secret key it knows.
        fetch: Pages on this machine are really fetched; others get a body made up.
        hosts: Names that stand for addresses on this machine.
        tls: Speak https with this context; ``base_url`` then names ``localhost``.
        lag: From when on a capture is visible in index and replay, in seconds of its clock.
        slots: Jobs that may run at once.
        url_cap, daily_cap: Captures a day, of one address and of the account.
        reuse: Within this time an address is not captured twice; 0 switches that off.

    All are attributes too and may be changed meanwhile; ``manner`` says how it shows captures.
    ``log`` has every request, ``over_limit`` those beyond a limit, ``errors`` what went wrong.
    """

    def __init__(
        self,
        *,
        keys: tuple[str, str] = ("an-access-key", "a-secret-key"),
        fetch: bool = True,
        hosts: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        lag: float = 0.0,
        slots: int = 3,
        url_cap: int = 5,
        daily_cap: int = 30_000,
        reuse: timedelta = timedelta(hours=1),
    ) -> None:
        self.access_key, self.secret_key = keys
        self.fetch = fetch
        self.hosts = dict(hosts or {})
        self.lag = timedelta(seconds=lag)
        self.slots = slots
        self.url_cap = url_cap
        self.daily_cap = daily_cap
        self.reuse = reuse
        self.ahead = timedelta(0)
        self.manner = replay.Manner()
        self.captures: list[Capture] = []
        self.over_limit: list[Request] = []
        self.lock = threading.RLock()
        self.saving = Saving(self)
        self._excluded: set[str] = set()
        self._limits: dict[str, Limit] = {}
        self._plans: dict[str, deque[Plan]] = defaultdict(deque)
        self._standing: dict[str, Plan] = {}
        self._save_plans: dict[str, deque[Plan]] = defaultdict(deque)
        self._standing_saves: dict[str, Plan] = {}
        self._tls = tls
        self._wire = Wire(answer=self._answer, now=self.now, tls=tls)

    def __enter__(self) -> Self:
        self._wire.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._wire.stop()
        self.saving.stop()

    # ---- what a test sets and reads ------------------------------------------------------

    @property
    def base_url(self) -> str:
        """What every address begins with."""
        if self._tls is not None:
            return f"https://localhost:{self._wire.port}"
        return f"http://127.0.0.1:{self._wire.port}"

    @property
    def log(self) -> list[Request]:
        """Every request, in the order of arrival."""
        return list(self._wire.log)

    @property
    def errors(self) -> list[BaseException]:
        """What went wrong inside the stand-in; a test may ask that it is empty."""
        return list(self._wire.errors)

    @property
    def stopping(self) -> threading.Event:
        """Set when the stand-in ends."""
        return self._wire.stopping

    def now(self) -> datetime:
        """Its clock: the real one, plus what ``advance`` added."""
        return datetime.now(UTC) + self.ahead

    def stamp(self) -> str:
        """Its clock as a timestamp."""
        return f"{self.now():%Y%m%d%H%M%S}"

    def advance(self, **span: float) -> None:
        """Put its clock forward: ``advance(hours=2)``."""
        self.ahead += timedelta(**span)

    def requests(self, path: str = "", method: str = "") -> list[Request]:
        """The log's requests to paths that begin with *path*."""
        return [
            request
            for request in self.log
            if request.path.startswith(path) and method in ("", request.method)
        ]

    @property
    def submissions(self) -> list[str]:
        """Every address it was asked to save, in order, both ways together."""
        return [url for request in self.log if (url := submitted(request))]

    def saves_of(self, url: str) -> int:
        """How often it was asked to save *url*."""
        return self.submissions.count(url)

    def add_capture(
        self,
        url: str,
        *,
        timestamp: str = "",
        status: int = 200,
        body: bytes | None = None,
        mimetype: str = "text/html",
        headers: tuple[tuple[str, str], ...] = (),
        revisit: bool = False,
        lag: float = 0.0,
        replay_lag: float | None = None,
    ) -> Capture:
        """Put a capture into the store; visible after *lag* seconds of its clock.

        In replay after *replay_lag*, where that is another.
        """
        visible = self.now() + timedelta(seconds=lag)
        replayed = visible if replay_lag is None else self.now() + timedelta(seconds=replay_lag)
        capture = Capture(
            url=url,
            timestamp=timestamp or self.stamp(),
            status=status,
            mimetype=mimetype,
            headers=headers,
            body=f"<p>A capture of {url}</p>".encode() if body is None else body,
            revisit=revisit,
            in_index_at=visible,
            in_replay_at=replayed,
        )
        with self.lock:
            self.captures.append(capture)
        return capture

    def captures_of(self, url: str) -> list[Capture]:
        """Every capture of exactly that address, visible or not."""
        with self.lock:
            return [capture for capture in self.captures if capture.url == as_captured(url)]

    def lose(self, url: str, timestamp: str = "") -> None:
        """Have captures of an address no longer (one, or all of them)."""
        with self.lock:
            self.captures[:] = [
                capture
                for capture in self.captures
                if capture.url != as_captured(url) or timestamp not in ("", capture.timestamp)
            ]

    def exclude(self, url_or_host: str) -> None:
        """Bar an address, or every address of a host."""
        self._excluded.add(url_or_host)

    def is_excluded(self, url: str) -> bool:
        """Whether an address is barred."""
        return url in self._excluded or (urlsplit(url).hostname or "") in self._excluded

    def on(self, path: str, *plans: Plan, always: bool = False) -> None:
        """The next requests to paths beginning so get these raw answers (*always*: the last
        of them for ever)."""
        self._plans[path].extend(plans[:-1] if always else plans)
        if always:
            self._standing[path] = plans[-1]

    def plan_saves(self, url: str, *plans: Plan, always: bool = False) -> None:
        """The next submissions of *url* ("*": of any) go so (*always*: the last for ever)."""
        self._save_plans[url].extend(plans[:-1] if always else plans)
        if always:
            self._standing_saves[url] = plans[-1]

    def limit(self, path: str, requests: int, *, per: float = 60.0, retry_after: str = "") -> None:
        """Answer 429 to more than so many *requests* to a path within *per* seconds."""
        self._limits[path] = Limit(
            requests=requests, per=per, retry_after=retry_after, seen=deque()
        )

    def close_for(self, seconds: float, path: str = "/", *, retry_after: str = "") -> None:
        """Answer 429 to everything below a path for so many seconds."""
        self.limit(path, 10**9, retry_after=retry_after)
        self._limits[path].closed_until = time.monotonic() + seconds

    def next_save_plan(self, url: str) -> Plan:
        """What was planned for this submission; the empty plan is the usual course."""
        with self.lock:
            for key in (url, "*"):
                if self._save_plans[key]:
                    return self._save_plans[key].popleft()
            for key in (url, "*"):
                if key in self._standing_saves:
                    return self._standing_saves[key]
        return Plan()

    def keys_are_good(self, request: Request) -> bool:
        """Whether the request carries the keys that the stand-in knows."""
        given = request.headers.get("authorization", "")
        return given == f"LOW {self.access_key}:{self.secret_key}"

    # ---- answers -------------------------------------------------------------------------

    def _answer(self, request: Request) -> Answer:
        if (plan := self._planned(request.path)) is not None:
            return self.raw(plan, submitted(request) or "")
        if (refusal := self._over_limit(request)) is not None:
            return refusal
        path = request.path
        if path.rstrip("/") == "/save" or path.startswith("/save/"):
            return self.saving.answer(request)
        if path.startswith("/cdx/search/cdx"):
            return self._index(request)
        if path.startswith("/web/"):
            return self._replay(request)
        return replay.page(404, "Not found")

    def _planned(self, path: str) -> Plan | None:
        with self.lock:
            for prefix, plans in self._plans.items():
                if plans and path.startswith(prefix):
                    return plans.popleft()
            for prefix, plan in self._standing.items():
                if path.startswith(prefix):
                    return plan
        return None

    def raw(self, plan: Plan, url: str) -> Answer:
        """The answer of a raw plan, with the capture that it wants."""
        timestamp = ""
        if plan.captured and url:
            timestamp = self.saving.capture(url).timestamp
            with self.lock:
                self.saving.begun.append((timestamp[:8], surt(url)))
        if plan.silence or plan.status is None:
            return Answer(silence=plan.silence)

        def filled(text: str) -> str:
            for name, value in (
                ("timestamp", timestamp),
                ("url", as_captured(url)),
                ("base", self.base_url),
            ):
                text = text.replace("{" + name + "}", value)
            return text

        headers = tuple((name, filled(value)) for name, value in plan.headers.items())
        return Answer(status=plan.status, headers=headers, body=filled(plan.body).encode())

    def _over_limit(self, request: Request) -> Answer | None:
        now = time.monotonic()
        with self.lock:
            for prefix, limit in self._limits.items():
                if not request.path.startswith(prefix):
                    continue
                while limit.seen and now - limit.seen[0] > limit.per:
                    limit.seen.popleft()
                limit.seen.append(now)
                if len(limit.seen) <= limit.requests and now >= limit.closed_until:
                    continue
                self.over_limit.append(request)
                headers = [("Content-Type", "text/html")]
                if limit.retry_after:
                    headers.append(("Retry-After", limit.retry_after))
                return Answer(status=429, headers=tuple(headers), body=TOO_MANY.encode())
        return None

    def _index(self, request: Request) -> Answer:
        query = request.query
        if "url" not in query:
            return Answer(status=400, body=b"url param required")
        if self.is_excluded(query["url"][0]):
            error = ("X-Archive-Wayback-Runtime-Error", BLOCKED_SITE)
            plain = ("Content-Type", "text/plain")
            return Answer(status=403, headers=(plain, error), body=f"{BLOCKED_SITE}\n".encode())
        with self.lock:
            seen = [capture for capture in self.captures if capture.in_index_at <= self.now()]
        rows, resume = rows_of(seen, query)
        names = query["fl"][0].split(",") if "fl" in query else list(COLUMNS)
        table = [[row[name] for name in names] for row in rows]
        if query.get("output") == ["json"]:
            lines = [names, *table, *([[], [resume]] if resume else [])] if table else []
            kind, body = "application/json", json.dumps(lines)
        else:
            kind, body = "text/plain", "".join(" ".join(row) + "\n" for row in table)
            body += f"\n{resume}\n" if resume else ""
        return Answer(headers=(("Content-Type", kind),), body=body.encode())

    def _replay(self, request: Request) -> Answer:
        if timemap := re.fullmatch(r"/web/timemap/link/(.+)", request.target):
            url = timemap[1]
        elif match := replay.REPLAY.fullmatch(request.target):
            url = match[3]
        else:
            return replay.page(404, "Not found")
        if self.is_excluded(url) or self.is_excluded(unquote(url)):
            return replay.page(200, "This URL has been excluded from the Wayback Machine.")
        with self.lock:
            seen = [
                capture
                for capture in self.captures
                if capture.in_replay_at <= self.now()
                and surt(capture.url) in (surt(url), surt(unquote(url)))
            ]
        seen.sort(key=lambda capture: capture.timestamp)
        if timemap:
            return replay.timemap(seen, self.base_url, url)
        wanted = request.headers.get("accept-datetime")
        return replay.show(seen, self.base_url, request.target, wanted, self.manner)


def submitted(request: Request) -> str:
    """The address that a request wants saved, or ""."""
    if request.method == "POST" and request.path.rstrip("/") == "/save":
        return request.form.get("url", "")
    if request.method == "GET" and request.path.startswith("/save/"):
        rest = request.target.removeprefix("/save/")
        return "" if rest.startswith("status/") else unquote(rest)
    return ""
