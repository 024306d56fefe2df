"""One question to the archive through waybackpy, in a process of its own that can be killed.

Started by ``wayback.py`` as a script: a question as JSON on standard input, an answer as JSON on
standard output. waybackpy and requests are synchronous and know no overall deadline, and a thread
that hangs in them cannot be stopped; a process can.

Questions: ``{"ask": "save" | "index" | "near", "url", "base_url", "user_agent", "timeout",
"since"}``, ``timeout`` in seconds, ``since`` 14 digits or "" (with "near": the time that the
capture should be nearest to).

Answers, by ``kind``:
    capture: ``timestamp``, ``original``, ``status`` (or null), ``mimetype``, ``digest``.
    none: the index answered and has no such capture.
    older: the archive answered a save with a capture from before it (``timestamp``, ``original``).
    reply: the archive answered, and no capture is in it: ``status``, ``retry_after``,
        ``runtime_error``, ``location``, ``text``.
    trouble: no answer. ``fault`` is "unreachable" (no connection: nothing was asked),
        "unsendable" (the address cannot be put into a request) or "unknown"; and ``detail``.
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import ssl
import sys
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import requests
import urllib3.exceptions
from requests import exceptions as failures
from waybackpy import WaybackMachineCDXServerAPI, WaybackMachineSaveAPI
from waybackpy.cdx_utils import full_url
from waybackpy.exceptions import MaximumSaveRetriesExceeded

from verifier.spelling import SAFE, same_address

Answer = dict[str, Any]

CONNECT_TIMEOUT = 10.0  # seconds; a firewall that drops packets would keep us the whole deadline
CLOCK_SKEW = timedelta(minutes=2)  # our clock and the archive's may differ by this much
NEAR_ROWS = 20  # nearest rows that are looked at: others of the same key may be nearer
ROWS = 100  # newest rows of an address that are looked at, in one request
REVISIT_REACH = timedelta(days=366)  # how much earlier the first copy of a revisit is looked for
PAGE_CAP = 4 << 20  # bytes; 100 rows are some 20 kB
TEXT_CAP = 20_000  # characters of a page that are handed on
EMPTY_BODY = "3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"  # SHA-1 of nothing: on most rows of redirects

SNAPSHOT = re.compile(r"/web/(\d{14})(?:[a-z]{2}_)?/(.+)$")
LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w-]+\s*=\s*(?:"[^"]*"|[^",;\s]+))*)')
REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]+))', re.IGNORECASE)


# ---- one request -------------------------------------------------------------------------


def ask_once(url: str, *, user_agent: str, timeout: float) -> requests.Response:
    """The archive's answer to one GET: no redirect followed, nothing tried again, no sleep.

    *timeout* is in seconds and bounds each read; the whole is bounded by the alarm.
    """
    with requests.Session() as session:
        session.auth = _no_credentials
        request = session.prepare_request(
            requests.Request("GET", url, headers={"User-Agent": user_agent})
        )
        request.url = url  # requests resolves "/a/../b" and "%2e" inside the address to be saved
        settings = session.merge_environment_settings(url, {}, True, None, None)
        # Not session.send: it looks at the redirect even when it is not to follow it, and what
        # it raises there looks as if nothing had been asked.
        adapter = session.get_adapter(url)
        return adapter.send(request, timeout=(CONNECT_TIMEOUT, timeout), **settings)


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps requests from looking for a password in ~/.netrc."""
    return request


def page_of(response: requests.Response) -> str:
    """The text of an answer, as far as ``PAGE_CAP`` goes.

    Raises:
        RequestException: The body broke off.
    """
    page = b""
    for chunk in response.iter_content(65_536):
        page += chunk
        if len(page) >= PAGE_CAP:
            break
    return page[:PAGE_CAP].decode("utf-8", "replace")


def reply_without_capture(response: requests.Response, page: str | None = None) -> Answer:
    """What the archive said, for a caller who knows its words; *page* if it was read already."""
    if page is None:
        page = ""
        with contextlib.suppress(failures.RequestException):  # the head has to do
            page = page_of(response)
    headers = response.headers
    return {
        "kind": "reply",
        "status": response.status_code,
        "retry_after": headers.get("Retry-After", ""),
        "runtime_error": headers.get("X-Archive-Wayback-Runtime-Error", "")[:500],
        "location": headers.get("Location", "")[:500],
        "text": page[:TEXT_CAP],
    }


# ---- saving ------------------------------------------------------------------------------


class OneSave(WaybackMachineSaveAPI):
    """waybackpy's anonymous save: one request, no sleep, and no capture but the one it made.

    As shipped it has no time-out, sleeps for up to 30 hours on Retry-After, takes the address
    after ``rel="memento"`` for the memento's, and error pages for captures (facts 1.4, 1.5).
    """

    def __init__(self, url: str, *, base_url: str, user_agent: str, timeout: float) -> None:
        super().__init__(url, user_agent=user_agent, max_tries=1)
        # A "#" would end the request's path; an address to be saved has no fragment.
        self.request_url = f"{base_url}/save/" + quote(self.url, safe=SAFE)
        self._timeout = timeout
        self.reply: requests.Response
        self.older: tuple[str, str] | None = None

    def get_save_request_headers(self) -> None:
        """Asks once, and keeps the answer."""
        self.reply = ask_once(self.request_url, user_agent=self.user_agent, timeout=self._timeout)
        self.response = self.reply  # these four are what the base class reads
        self.headers = self.reply.headers
        self.status_code = self.reply.status_code
        self.response_url = self.reply.url

    def archive_url_parser(self) -> str | None:
        """The address of the capture this save made, or None when none is named.

        A capture counts when its timestamp is a date, not before the request and not in the
        future (both by ``CLOCK_SKEW``), and its address is the one that was to be saved. An error
        page names none, whatever its headers link to.
        """
        if self.reply.status_code >= 400:
            return None
        earliest = self.instance_birth_time.replace(tzinfo=UTC) - CLOCK_SKEW
        latest = datetime.now(UTC) + CLOCK_SKEW
        found: list[tuple[str, str]] = []
        for named in self._named():
            match = SNAPSHOT.search(named)
            if match is None or not same_address(match[2], self.url):
                continue
            made_at = date_of(match[1])
            if made_at is None or made_at > latest:
                continue
            if made_at >= earliest:
                found.append((match[1], named))
            elif self.older is None or match[1] > self.older[0]:
                self.older = (match[1], match[2])
        return max(found)[1] if found else None

    def _named(self) -> Iterator[str]:
        """Every address that the answer calls its capture."""
        headers = self.reply.headers
        for header in ("Location", "Content-Location"):
            yield _utf8(headers.get(header, ""))
        # In a Link header the address stands before its relation (RFC 8288, section 3).
        for address, parameters in LINK.findall(_utf8(headers.get("Link", ""))):
            relation = REL.search(parameters)
            words = (relation[1] or relation[2] or "").lower().split() if relation else []
            if "memento" in words:
                yield address

    def timestamp(self) -> datetime:
        """When the capture was made; the base class knows the archive by its host name only."""
        match = SNAPSHOT.search(self._archive_url or "")
        made_at = date_of(match[1]) if match else None
        if made_at is None:
            msg = "no capture is named"
            raise ValueError(msg)
        self.cached_save = False  # an older one is not accepted
        return made_at

    @staticmethod
    def sleep(tries: int) -> None:
        """Does not sleep: there is no second try."""


def _utf8(header: str) -> str:
    """A header that may hold raw UTF-8, which http.client reads as ISO 8859-1."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header


def date_of(timestamp: str) -> datetime | None:
    """The time of 14 digits, or None: the archive's index has impossible ones."""
    if len(timestamp) != 14 or not (timestamp.isascii() and timestamp.isdigit()):
        return None
    try:
        return datetime.strptime(timestamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def save(url: str, *, base_url: str, user_agent: str, timeout: float) -> Answer:
    """Has the archive save *url*, without an account."""
    saving = OneSave(url, base_url=base_url, user_agent=user_agent, timeout=timeout)
    try:
        match = SNAPSHOT.search(saving.save())
    except MaximumSaveRetriesExceeded:
        match = None
    if match is not None:
        return _capture(match[1], match[2])
    if saving.older is not None:
        return {"kind": "older", "timestamp": saving.older[0], "original": saving.older[1]}
    return reply_without_capture(saving.reply)


def _capture(
    timestamp: str, original: str, status: int | None = None, mimetype: str = "", digest: str = ""
) -> Answer:
    return {
        "kind": "capture",
        "timestamp": timestamp,
        "original": original,
        "status": status,
        "mimetype": mimetype,
        "digest": digest,
    }


# ---- the index ---------------------------------------------------------------------------


class NotAnIndexPageError(Exception):
    """The index's address answered with something that is not a page of its rows."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


class OnePage(WaybackMachineCDXServerAPI):
    """waybackpy's index client: one request, one page, and rows that are dates only.

    As shipped it has no time-out, takes a 429 for an empty index, asks again for every resume
    key and gives up at an impossible timestamp (facts 1.5).
    """

    def __init__(
        self,
        url: str,
        *,
        base_url: str,
        user_agent: str,
        timeout: float,
        start: str = "",
        near: str = "",
    ) -> None:
        super().__init__(
            url,
            user_agent=user_agent,
            start_timestamp=start or None,
            filters=["statuscode:(2..|-)"],  # "-" is a revisit: same bytes as an earlier capture
            # negative: the last rows, which are the newest
            limit=str(NEAR_ROWS) if near else f"-{ROWS}",
            sort="closest" if near else None,
            closest=near or None,
        )
        self.endpoint = f"{base_url}/cdx/search/cdx"
        self._timeout = timeout

    def cdx_api_manager(
        self, payload: dict[str, str], headers: dict[str, str]
    ) -> Generator[str, None, None]:
        """The one page, without what would end or mislead the reading of its rows."""
        payload["matchType"] = "exact"  # or a "*" in the address would be a wildcard
        payload["limit"] = str(self.limit)
        response = ask_once(
            full_url(self.endpoint, payload), user_agent=self.user_agent, timeout=self._timeout
        )
        page = page_of(response)
        rows = [line for line in page.splitlines() if _is_row(line.split(" "))]
        if response.status_code != 200 or (page.strip() and not rows):
            raise NotAnIndexPageError(reply_without_capture(response, page))
        yield "\n".join(row for row in rows if date_of(row.split(" ")[1]) is not None)


def _is_row(fields: Sequence[str]) -> bool:
    return len(fields) == 7 and all(fields) and fields[1].isascii() and fields[1].isdigit()


def find(url: str, *, base_url: str, user_agent: str, timeout: float, since: str) -> Answer:
    """The newest good capture of *url* in the index, not older than *since* ("": of any age)."""
    since_date = date_of(since)
    start = f"{since_date - REVISIT_REACH:%Y%m%d%H%M%S}" if since_date else ""
    client = OnePage(url, base_url=base_url, user_agent=user_agent, timeout=timeout, start=start)
    try:
        rows = list(client.snapshots())
    except NotAnIndexPageError as error:
        return error.answer
    latest = f"{datetime.now(UTC) + CLOCK_SKEW:%Y%m%d%H%M%S}"
    return newest_good(rows, url, since=since, latest=latest)


def find_near(url: str, *, base_url: str, user_agent: str, timeout: float, near: str) -> Answer:
    """The good capture of *url* in the index that was made nearest to *near* (14 digits)."""
    client = OnePage(url, base_url=base_url, user_agent=user_agent, timeout=timeout, near=near)
    try:
        rows = list(client.snapshots())
    except NotAnIndexPageError as error:
        return error.answer
    latest = f"{datetime.now(UTC) + CLOCK_SKEW:%Y%m%d%H%M%S}"
    for row in rows:  # in the archive's order: the nearest first
        good = newest_good([row], url, since="", latest=latest)
        if good["kind"] == "capture":
            return good
    return {"kind": "none"}


def newest_good(rows: Sequence[Any], url: str, *, since: str, latest: str) -> Answer:
    """The newest row of exactly *url* that is a 2xx, or repeats the bytes of one.

    A revisit may repeat an error page just as well: it counts only where a 2xx row has its
    digest. *since* and *latest* are 14 digits.
    """
    good = {
        row.digest: row
        for row in rows
        if row.statuscode.startswith("2") and row.digest not in ("-", "error", EMPTY_BODY)
    }
    best: Answer | None = None
    for row in rows:
        if not since <= row.timestamp <= latest or not same_address(row.original, url):
            continue
        like = row if row.statuscode.startswith("2") else good.get(row.digest)
        if like is None or (like is not row and row.mimetype != "warc/revisit"):
            continue
        if best is None or row.timestamp > best["timestamp"]:
            status = int(like.statuscode) if like.statuscode.isdecimal() else None
            best = _capture(row.timestamp, row.original, status, like.mimetype, row.digest)
    return best or {"kind": "none"}


# ---- the process -------------------------------------------------------------------------


def fault_of(error: BaseException) -> str:
    """What *error* shows of the request: never connected, never sent, or nothing for sure."""
    if isinstance(error, failures.ConnectTimeout | failures.ProxyError):
        return "unreachable"
    if isinstance(error, ValueError) and not isinstance(error, failures.JSONDecodeError):
        return "unsendable"
    links: list[object] = [error]
    for link in links:  # grows while it is walked: requests wraps urllib3, which wraps the system
        if isinstance(link, urllib3.exceptions.NewConnectionError | ssl.SSLCertVerificationError):
            return "unreachable"
        if isinstance(link, BaseException) and len(links) < 20:
            links += [getattr(link, "reason", None), link.__cause__, *link.args]
    return "unknown"


def answer(question: Answer) -> Answer:
    """The answer to a question; whatever goes wrong is an answer too."""
    to_the_archive = {name: question[name] for name in ("base_url", "user_agent", "timeout")}
    try:
        if question["ask"] == "save":
            return save(question["url"], **to_the_archive)
        if question["ask"] == "near":
            return find_near(question["url"], near=question["since"], **to_the_archive)
        return find(question["url"], since=question["since"], **to_the_archive)
    except Exception as error:  # noqa: BLE001  waybackpy lets anything through
        detail = f"{type(error).__name__}: {error}"
        return {"kind": "trouble", "fault": fault_of(error), "detail": detail[:500]}


def main() -> None:
    """Answer the question on standard input."""
    question = json.load(sys.stdin)
    signal.alarm(int(question["timeout"]) + 10)  # ends us even when whoever asked is gone
    json.dump(answer(question), sys.stdout)


if __name__ == "__main__":
    main()
