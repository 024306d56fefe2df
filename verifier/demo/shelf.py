"""A small archive beside the small web: it takes pages, has an index, and shows what it took."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, unquote, urlsplit

from verifier.demo.story import Stage
from verifier.demo.web import as_answer
from verifier.demo.wire import Answer, Request

ACCESS_KEY, SECRET_KEY = "demo-access-key", "demo-secret-key"
_REDIRECTS = 5
_REPLAY = re.compile(r"/web/(\d{14})(id_)?/(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """A capture: one answer of one address, on a day of the story."""

    url: str
    day: int
    timestamp: str
    answer: Answer

    def header(self, name: str) -> str:
        return next((value for key, value in self.answer.headers if key.lower() == name), "")

    def row(self) -> str:
        """Its line in the index."""
        sha1 = hashlib.sha1(self.answer.body, usedforsecurity=False)
        kind = self.header("content-type").partition(";")[0] or "unk"
        key = _key(self.url)
        digest = base64.b32encode(sha1.digest()).decode()
        return f"{key} {self.timestamp} {self.url} {kind} {self.answer.status} {digest} 1000"


class Shelf:
    """The archive's answers, in the interface of the Wayback Machine as far as rounds use it.

    Args:
        stage: Where pages are taken from.
        clock: What time it is in the story.
    """

    def __init__(self, stage: Stage, clock: Callable[[], datetime]) -> None:
        self._stage, self._clock = stage, clock
        self._taken: list[_Taken] = []
        self._lock = threading.Lock()
        self._jobs: dict[str, tuple[str, str]] = {}  # id: address, timestamp

    def answered(self, request: Request) -> Answer:
        """What the archive answers."""
        path = request.target.partition("?")[0]
        if path.rstrip("/") == "/save" and request.method == "POST":
            return self._save(request.form.get("url", ""), request.keys)
        if path.startswith("/save/status/"):
            return self._status(path.removeprefix("/save/status/"))
        if path.startswith("/cdx/search/cdx"):
            return self._index(parse_qs(urlsplit(request.target).query))
        if (way := _REPLAY.fullmatch(request.target)) is not None:
            return self._replay(way[1], way[3], raw=bool(way[2]))
        return _page(404, "There is nothing here.")

    def _save(self, url: str, keys: str) -> Answer:
        if keys != f"LOW {ACCESS_KEY}:{SECRET_KEY}":
            return _json({"message": "You need to be logged in to use Save Page Now."}, 401)
        cited = self._stage.cited(url)
        if cited is not None and cited.excluded:
            message = "This URL is in the Save Page Now service block list."
            return _json({"status": "error", "status_ext": "error:blocked-url", "message": message})
        timestamp = f"{self._clock():%Y%m%d%H%M%S}"
        identifier = "demo-" + hashlib.sha256(f"{url} {timestamp}".encode()).hexdigest()[:20]
        with self._lock:
            self._take(url, timestamp)
            self._jobs[identifier] = url, timestamp
        return _json({"url": url, "job_id": identifier})

    def _take(self, url: str, timestamp: str) -> None:
        for _ in range(_REDIRECTS):
            parts = urlsplit(url)
            host = (parts.hostname or "").removesuffix(".localhost")
            answer = as_answer(self._stage, self._stage.answer(host, parts.path))
            taken = _Taken(url=url, day=self._stage.day, timestamp=timestamp, answer=answer)
            self._taken.append(taken)
            url = taken.header("location")
            if not url:
                return

    def _status(self, identifier: str) -> Answer:
        if identifier == "user":
            return _json({"available": 6, "processing": 0, "daily_captures": 0})
        url, timestamp = self._jobs.get(identifier, ("", ""))
        if not url:
            return _json({"status": "pending", "job_id": identifier})
        status = {"timestamp": timestamp, "original_url": url, "http_status": 200}
        return _json({"status": "success", "job_id": identifier, **status})

    def _index(self, query: dict[str, list[str]]) -> Answer:
        key = _key(query.get("url", [""])[0])
        rows = [taken.row() for taken in self._shown() if _key(taken.url) == key]
        rows = [row for row in rows if row.split(" ")[4].startswith("2")]
        start = query.get("from", [""])[0].ljust(14, "0")
        rows = [row for row in rows if row.split(" ")[1] >= start]
        return Answer(
            headers=(("Content-Type", "text/plain"),),
            body="".join(f"{row}\n" for row in sorted(rows)).encode(),
        )

    def _shown(self) -> list[_Taken]:
        """What is not lost on the day that is played."""
        with self._lock:
            taken = list(self._taken)
        return [
            one
            for one in taken
            if (cited := self._stage.cited(one.url)) is None
            or cited.lost is None
            or self._stage.day < cited.lost
            or one.day >= cited.lost
        ]

    def _replay(self, timestamp: str, url: str, *, raw: bool) -> Answer:
        wanted = {_key(url), _key(unquote(url))}
        found = next(
            (
                taken
                for taken in self._shown()
                if taken.timestamp == timestamp and _key(taken.url) in wanted
            ),
            None,
        )
        if found is None:
            return _page(404, "The demonstration’s archive has no such capture.")
        moment = datetime.strptime(found.timestamp, "%Y%m%d%H%M%S")  # noqa: DTZ007 - in UTC
        headers = [
            ("Memento-Datetime", moment.strftime("%a, %d %b %Y %H:%M:%S GMT")),
            ("Link", f'<{found.url}>; rel="original"'),
            ("Content-Type", found.header("content-type")),
        ]
        if location := found.header("location"):
            headers.append(("Location", f"/web/{found.timestamp}id_/{location}"))
        body = found.answer.body
        if not raw and found.header("content-type").startswith("text/html"):
            banner = f"<p>The demonstration’s archive, capture of {moment:%Y-%m-%d %H:%M} UTC</p>"
            body = body.replace(b"<body>", b"<body>" + banner.encode(), 1)
        return Answer(status=found.answer.status, headers=tuple(headers), body=body)


def _key(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.netloc.lower()}){parts.path or '/'}{'?' if parts.query else ''}{parts.query}"


def _page(status: int, words: str) -> Answer:
    body = f"<!doctype html><title>Archive</title><p>{html.escape(words)}</p>".encode()
    return Answer(status=status, headers=(("Content-Type", "text/html; charset=utf-8"),), body=body)


def _json(fields: dict[str, object], status: int = 200) -> Answer:
    return Answer(
        status=status,
        headers=(("Content-Type", "application/json"),),
        body=json.dumps(fields).encode(),
    )
