"""Save Page Now in the stand-in: submissions, jobs, their status, and saving without an account."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tests.archive_stand_in import replay
from tests.archive_stand_in.eyes import NotSeenError, Sight, look, on_this_machine
from tests.archive_stand_in.plans import Plan
from tests.archive_stand_in.store import Capture, as_captured, surt
from tests.archive_stand_in.wire import Answer, Request

if TYPE_CHECKING:
    from tests.archive_stand_in.stand_in import ArchiveStandIn

LOG_IN = {"message": "You need to be logged in to use Save Page Now."}
JOBS_KEPT = timedelta(hours=1)
MESSAGES = {
    "too-many-daily-captures": "This URL has been already captured 5 times today.",
    "user-session-limit": "You have already reached the limit of active Save Page Now sessions.",
    "blocked-url": "This URL is in the Save Page Now service block list and cannot be captured.",
    "max-daily-captures": "You cannot make more than 30,000 captures per day.",
}


@dataclass(slots=True, kw_only=True)
class Job:
    """One capture under way.

    Attributes:
        ready: On the monotonic clock.
    """

    id: str
    url: str
    begun: datetime
    ready: float
    plan: Plan
    capture: Capture | None = None
    error: str = ""
    worked: threading.Event

    @property
    def done(self) -> bool:
        """Whether its status is more than "pending"."""
        return self.worked.is_set() and time.monotonic() >= self.ready


class Saving:
    """What is behind ``/save``."""

    def __init__(self, archive: ArchiveStandIn) -> None:
        self.archive = archive
        self.jobs: dict[str, Job] = {}
        self.begun: list[tuple[str, str]] = []  # (day, surt) of every capture, failed or not
        self.kept: dict[str, datetime] = {}  # surt: when it was last captured
        self._threads: list[threading.Thread] = []

    def stop(self) -> None:
        """Wait for captures under way; each is bounded by its time-out."""
        for thread in self._threads:
            thread.join()

    def answer(self, request: Request) -> Answer:
        """The answer to anything below ``/save``."""
        path = request.path.rstrip("/")
        if path.startswith("/save/status"):
            return self._status(request, path.removeprefix("/save/status").lstrip("/"))
        if request.method == "POST" and path == "/save":
            return self._submit(request)
        if request.method == "GET" and path.startswith("/save/"):
            return self._anonymous(unquote(request.target.removeprefix("/save/")))
        return replay.page(200, "<h1>Save Page Now</h1>")

    # ---- with keys -----------------------------------------------------------------------

    def _submit(self, request: Request) -> Answer:
        url = request.form.get("url", "")
        as_page = "application/json" not in request.headers.get("accept", "")
        plan = self.archive.next_save_plan(url)
        if plan.raw:
            return self.archive.raw(plan, url)
        if not as_page and not self.archive.keys_are_good(request):
            return _json(LOG_IN, 401)
        if code := self._refusal(url, plan):
            return self._refuse(code, plan.message, as_page=as_page)
        answer: dict[str, object] = {"url": url, "job_id": job_id(url)}
        reuse = _span(request.form.get("if_not_archived_within", "")) or self.archive.reuse
        if plan.same_snapshot or (plan == Plan() and (age := self._age(url)) and age < reuse):
            answer["message"] = (
                "The same snapshot had been made 12 minutes ago. "
                "You can make new capture of this URL after 1 hour."
            )
            if plan.same_snapshot == "null" or job_id(url) not in self.jobs:
                answer["job_id"] = None
            return _json(answer)
        if plan.message:
            answer["message"] = plan.message
        job = self._begin(url, plan)
        if as_page:
            return replay.page(200, f'<script>spn.watchJob("{job.id}", "/_static/")</script>')
        return _json(answer)

    def _refusal(self, url: str, plan: Plan) -> str:
        """The code with which a submission is turned away, or ""."""
        archive = self.archive
        if plan.refusal and not plan.at_job:
            return plan.refusal
        if not re.match(r"https?://[^/]", url):
            return "invalid-url-syntax"
        if archive.is_excluded(url):
            return "blocked-url"
        today = f"{archive.now():%Y%m%d}"
        with archive.lock:
            running = sum(not job.done for job in self.jobs.values())
            if running >= archive.slots:
                return "user-session-limit"
            if self.begun.count((today, surt(url))) >= archive.url_cap:
                return "too-many-daily-captures"
            if sum(day == today for day, _ in self.begun) >= archive.daily_cap:
                return "max-daily-captures"
        return ""

    def _refuse(self, code: str, message: str, *, as_page: bool) -> Answer:
        text = message or MESSAGES.get(code, f"Refused: {code}.")
        if as_page:
            return replay.page(200, f"<h2>Sorry</h2><p>{text}</p>")
        if code == "max-daily-captures":  # comes as a sentence without a code
            return _json({"message": text})
        return _json({"status": "error", "status_ext": f"error:{code}", "message": text})

    def _age(self, url: str) -> timedelta | None:
        """How long ago the address was last captured by Save Page Now."""
        kept = self.kept.get(surt(url))
        return None if kept is None else self.archive.now() - kept

    def _begin(self, url: str, plan: Plan) -> Job:
        job = Job(
            id=job_id(url),
            url=url,
            begun=self.archive.now(),
            ready=time.monotonic() + plan.pending,
            plan=plan,
            worked=threading.Event(),
        )
        with self.archive.lock:
            self.jobs[job.id] = job
            self.begun.append((f"{job.begun:%Y%m%d}", surt(url)))
        thread = threading.Thread(target=self._work, args=(job,), name=job.id)
        self._threads.append(thread)
        thread.start()
        return job

    def _work(self, job: Job) -> None:
        try:
            if job.plan.refusal:
                job.error = job.plan.refusal
            else:
                job.capture = self.capture(job.url, at=job.begun)
        except NotSeenError as error:
            job.error = error.code
        finally:
            job.worked.set()

    def capture(self, url: str, *, at: datetime | None = None) -> Capture:
        """See the page and put what was seen into the store; the last answer's capture."""
        archive = self.archive
        begun = at or archive.now()
        sights = self._see(url)
        with archive.lock:
            self.kept[surt(url)] = begun
            for sight in sights:
                capture = Capture(
                    url=as_captured(sight.url),
                    timestamp=f"{begun:%Y%m%d%H%M%S}",
                    status=sight.status,
                    mimetype=sight.mimetype,
                    headers=sight.headers,
                    body=sight.body,
                    in_index_at=begun + archive.lag,
                    in_replay_at=begun + archive.lag,
                )
                archive.captures.append(capture)
        return capture

    def _see(self, url: str) -> list[Sight]:
        if self.archive.fetch and on_this_machine(url, self.archive.hosts):
            return look(url, self.archive.hosts)
        body = f"<html><body><p>A capture of {url}</p></body></html>".encode()
        headers = (("Content-Type", "text/html"),)
        return [Sight(url=url, status=200, mimetype="text/html", headers=headers, body=body)]

    # ---- status --------------------------------------------------------------------------

    def _status(self, request: Request, rest: str) -> Answer:
        if rest == "system":
            return _json({"status": "ok", "recent_captures": 941, "queues": {"spn2-captures": 0}})
        if not self.archive.keys_are_good(request):
            return _json(LOG_IN, 401)
        if rest == "user":
            return self._account()
        if request.method == "POST":
            if "job_ids" in request.form:
                ids = request.form["job_ids"].split(",")
                return _json([self._state(one) for one in ids])
            return _json(self._state(request.form.get("job_id", "")))
        return _json(self._state(rest))

    def _account(self) -> Answer:
        with self.archive.lock:
            running = sum(not job.done for job in self.jobs.values())
            today = f"{self.archive.now():%Y%m%d}"
            made = sum(day == today for day, _ in self.begun)
        account = {
            "available": max(0, self.archive.slots - running),
            "processing": running,
            "daily_captures": made,
            "daily_captures_limit": self.archive.daily_cap,
        }
        return _json(account)

    def _state(self, identifier: str) -> dict[str, object]:
        job = self.jobs.get(identifier)
        # An expired or invented id reads like one that has just begun.
        if job is None or not job.done or self.archive.now() - job.begun > JOBS_KEPT:
            return {"status": "pending", "job_id": identifier, "resources": []}
        if job.error or job.capture is None:
            text = job.plan.message or MESSAGES.get(job.error, f"Failed: {job.error}.")
            return {
                "status": "error",
                "job_id": identifier,
                "status_ext": f"error:{job.error}",
                "exception": "[exception]",
                "message": text,
                "resources": [],
            }
        state: dict[str, object] = {
            "status": "success",
            "job_id": identifier,
            "timestamp": job.capture.timestamp,
            "original_url": job.capture.url,
            "duration_sec": 6.2,
            "http_status": job.capture.status,
            "counters": {"embeds": 1, "outlinks": 1},
            "resources": [job.capture.url],
            "outlinks": [],
        }
        state |= job.plan.fields
        return {name: value for name, value in state.items() if value is not None}

    # ---- without an account --------------------------------------------------------------

    def _anonymous(self, url: str) -> Answer:
        plan = self.archive.next_save_plan(url)
        if plan.raw:
            return self.archive.raw(plan, url)
        if code := self._refusal(url, plan):
            return self._refuse(code, plan.message, as_page=True)
        if plan.pending:
            self.archive.stopping.wait(min(plan.pending, 120.0))
        made = self.archive.captures_of(url)
        age = self._age(url)
        if plan == Plan() and made and age is not None and age < self.archive.reuse:
            newest = max(capture.timestamp for capture in made)
            return replay.page(302, "", ("Location", f"/web/{newest}/{as_captured(url)}"))
        job = self._begin(url, plan)
        job.worked.wait(30)
        if job.error or job.capture is None:
            return self._refuse(job.error, plan.message, as_page=True)
        return replay.page(
            302, "", ("Location", f"/web/{job.capture.timestamp}/{as_captured(url)}")
        )


def job_id(url: str) -> str:
    """The id of an address's job: always the same, as in the real archive."""
    return "spn2-" + hashlib.sha1(url.encode(), usedforsecurity=False).hexdigest()


def _json(fields: object, status: int = 200) -> Answer:
    return Answer(
        status=status,
        headers=(("Content-Type", "application/json"),),
        body=json.dumps(fields).encode(),
    )


def _span(text: str) -> timedelta | None:
    """``if_not_archived_within``: "3d 5h 20m", or seconds."""
    first = text.partition(",")[0].strip()
    if first.isdigit():
        return timedelta(seconds=int(first))
    names = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
    parts = re.findall(r"(\d+)\s*([dhms])", first)
    return timedelta(**{names[unit]: int(number) for number, unit in parts}) if parts else None
