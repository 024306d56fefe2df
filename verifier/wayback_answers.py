"""What the Wayback Machine's answers mean: replies, codes and sentences to values.

Asks nothing and nobody. The sections named are those of facts/wayback.md, where the sources of
every rule stand; docs/decisions/0003-two-ways-to-the-archive.md has those that matter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

from verifier.records import (
    ArchivedHop,
    FindAnswer,
    IndexTrouble,
    Memento,
    NotInIndex,
    NotReplayed,
    Outcome,
    OutcomeUnknown,
    Queued,
    Refused,
    Retry,
    SaveAnswer,
)

REUSE = timedelta(hours=1)  # the archive makes no second capture of an address within this time
EXCLUSION = "AdministrativeAccessControlException"
JOB_ID = re.compile(r"[\w.:-]{1,200}", re.ASCII)  # "spn2-" and 40 hex digits; a UUID, formerly
TIMESTAMP = re.compile(r"[0-9]{14}")
WEB_ADDRESS = re.compile(r"https?://[^/\s\x00-\x1f][^\s\x00-\x1f]*")


# ---- what refusals mean ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What one code of a refusal means.

    Attributes:
        excluded: The archive bars the address for good.
        wait: Seconds after which what stopped us is over, where that is known.
    """

    retry: Retry
    meaning: str
    excluded: bool = False
    wait: float | None = None


def _reasons(retry: Retry, **meanings: str) -> dict[str, Reason]:
    return {
        code.replace("_", "-"): Reason(retry=retry, meaning=meaning)
        for code, meaning in meanings.items()
    }


# The codes are the archive's ``status_ext`` without "error:" (its "Save Page Now 2 Public API
# Docs"), the classes merged from that text and from the clients that its staff and others
# maintain (facts/wayback.md, 2.3). Those of the last group are ours, for answers without a code.
REASONS: Mapping[str, Reason] = {
    **_reasons(
        Retry.LATER,
        bad_gateway="the site answered 502",
        gateway_timeout="the site answered 504",
        service_unavailable="the site answered 503",
        internal_server_error="an error inside the archive",
        job_failed="an error inside the archive",
        celery="an error inside the archive",
        capture_location_error="the archive lost track of the capture",
        cannot_fetch="the archive could not fetch the page",
        no_browsers_available="the archive has no browser free",
        browsing_timeout="the page took longer than the archive waits",
        proxy_error="an error inside the archive",
        read_timeout="the site sent nothing for too long",
        protocol_error="the site's answer broke off",
        invalid_server_response="the site's answer is not HTTP",
        soft_time_limit_exceeded="the capture took longer than the archive allows",
        no_captures="the page was unreachable from the archive, or bars it",
        recursion_error="an error inside the archive",
        too_many_requests="the site asks the archive to slow down (429)",
        bandwidth_limit_exceeded="the site's bandwidth is used up (509)",
        cannot_start_capture="the archive could not start a capture",
    ),
    **_reasons(
        Retry.TOMORROW,
        too_many_daily_captures="this address was captured as often today as the archive allows",
        max_daily_bandwidth_host="the archive has read enough of this host today",
    ),
    **_reasons(
        Retry.NEVER,
        network_authentication_required="the site's network asks for a login (511)",
        blocked="the site blocks the archive (999)",
        no_access="the site answered 403",
        unauthorized="the site answered 401",
        not_found="the site answered 404",
        method_not_allowed="the site answered 405",
        not_implemented="the site answered 501",
        http_version_not_supported="the site answered 505",
        bad_request="the site answered 400",
        too_many_redirects="more redirects than the archive follows",
        filesize_limit="larger than the archive takes",
        ftp_access_denied="the site's FTP server refuses",
        invalid_url_syntax="not an address that the archive understands",
        invalid_url="not an address that the archive understands",
        invalid_host_resolution="the host's name was not found",
        forbidden="the archive may not capture this",
    ),
    **_reasons(
        Retry.STOP,
        max_daily_bandwidth="our account's bandwidth for today is used up",
        max_daily_bandwidth_from_ip="our network's bandwidth for today is used up",
        blocked_client_ip="our network is on the archive's block list: needs a person",
        daily_limit="our captures for today are used up",
        unreachable="no connection to the archive; it may be shutting us out",
    ),
    # The slot count lags behind finished jobs: over within 60 to 90 seconds.
    "user-session-limit": Reason(
        retry=Retry.STOP, meaning="too many captures of ours are running", wait=90.0
    ),
    "blocked-url": Reason(
        retry=Retry.NEVER, meaning="on the archive's list of blocked addresses", excluded=True
    ),
    "excluded": Reason(retry=Retry.NEVER, meaning="excluded from the archive", excluded=True),
    "http-401": Reason(retry=Retry.STOP, meaning="the archive does not accept our keys"),
    "http-403": Reason(retry=Retry.STOP, meaning="the archive turns us away"),
    "http-429": Reason(retry=Retry.STOP, meaning="we asked the archive too often"),
    "unsendable": Reason(retry=Retry.LATER, meaning="the address cannot be put into a request"),
}
UNKNOWN = Reason(retry=Retry.LATER, meaning="a code that is not known here")

# Sentences that come instead of a code, in JSON's ``message`` or in a page, with their code.
SENTENCES = tuple(
    (re.compile(sentence, re.IGNORECASE), code)
    for sentence, code in (
        (r"limit of active Save Page Now sessions", "user-session-limit"),
        (r"daily not-logged-in captures limit", "daily-limit"),
        (r"cannot make more than [\d,]+ captures per day", "daily-limit"),
        (r"captured [\d,]+ times today", "too-many-daily-captures"),
        (r"IP address is in the Save Page Now block list", "blocked-client-ip"),
        (r"Save Page Now service block list", "blocked-url"),
        (r"Crawling this host is paused", "too-many-requests"),
        (r"Cannot start capture", "cannot-start-capture"),
        (r"You need to be logged in", "http-401"),
        (r"excluded from the Wayback Machine", "excluded"),
        (r"<h2>\s*Sorry\s*</h2>", "sorry"),  # the frame of every refusal that is a page
    )
)
SAME_SNAPSHOT = re.compile(r"The same snapshot had been made", re.IGNORECASE)


def refused(code: str, message: str = "", *, retry_after: float | None = None) -> Refused:
    """The refusal of that code, as the table has it; a code it lacks is asked again later."""
    reason = REASONS.get(code, UNKNOWN)
    return Refused(
        code=code,
        message=message or reason.meaning,
        retry=reason.retry,
        excluded=reason.excluded,
        retry_after=reason.wait if retry_after is None else retry_after,
    )


# ---- what came back ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An answer of the archive.

    Attributes:
        at: When it came.
        retry_after, runtime_error, location: Headers, "" where they are missing.
    """

    at: datetime
    status: int
    text: str = ""
    retry_after: str = ""
    runtime_error: str = ""
    location: str = ""

    @property
    def excluded(self) -> bool:
        """Whether the archive says that the address is barred from it."""
        return EXCLUSION in self.runtime_error or EXCLUSION in self.text

    def fields(self) -> dict[str, Any]:
        """The JSON object in the text; empty when it is anything else."""
        try:
            found = json.loads(self.text)
        except (ValueError, RecursionError):
            return {}
        if isinstance(found, list) and len(found) == 1:  # POST /save/status answers with a list
            found = found[0]
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """No answer of the archive came; ``fault`` as in ``wayback_child``."""

    fault: str
    detail: str


def word(value: object) -> str:
    """A JSON value as text that can be stored; "" when it is no text."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode("utf-8").strip()  # a lone "\ud800" is valid JSON


def one_line(text: str, limit: int = 300) -> str:
    """*text* without mark-up and control characters, on one line."""
    plain = re.sub(r"<[^>]{0,2000}>|[\x00-\x1f\x7f]", " ", text[:10_000])
    return " ".join(plain.split())[:limit]


def _seconds(field: str, *, now: datetime) -> float | None:
    """A ``Retry-After`` field in seconds, or None (RFC 9110, section 10.2.3)."""
    try:
        if field.isascii() and field.isdigit():
            return min(float(field), 1e9)
        until = parsedate_to_datetime(field)
    except (ValueError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def _said(text: str) -> SaveAnswer | None:
    """What a known sentence in *text* means, or None."""
    if same := SAME_SNAPSHOT.search(text):
        return OutcomeUnknown(detail=one_line(text[same.start() :]), already_there=True)
    for sentence, code in SENTENCES:
        if found := sentence.search(text):
            beginning = text[: found.start()].rpartition(">")[2][-200:]  # the sentence's own
            return refused(code, one_line(beginning + text[found.start() :]))
    return None


def read_refusal(heard: Heard) -> SaveAnswer:
    """What an answer means that names neither a capture nor a job.

    The outcome is unknown wherever the archive did not clearly say no: with a 5xx the capture
    often exists (internetarchive/wayback #297), with a 404 sometimes (waybackpy #82).
    """
    fields, status = heard.fields(), heard.status
    if heard.excluded:
        return refused("excluded")
    if status == 429:
        return refused("http-429", retry_after=_seconds(heard.retry_after, now=heard.at))
    if status >= 500:
        return OutcomeUnknown(detail=f"HTTP {status} {one_line(heard.text, 100)}".strip())
    message = word(fields.get("message"))
    if code := word(fields.get("status_ext")).removeprefix("error:"):
        return refused(code, one_line(message))
    if said := _said(message if fields else heard.text):
        return said
    if word(fields.get("status")) == "error":
        return refused("error", one_line(message))
    if status >= 400 and status != 404:
        return refused(f"http-{status}", one_line(message))
    rest = f"to {heard.location}" if 300 <= status < 400 else one_line(message or heard.text, 100)
    return OutcomeUnknown(detail=f"HTTP {status} {rest}".strip())


def read_submission(heard: Heard) -> SaveAnswer:
    """What Save Page Now 2 says to a submission (facts/wayback.md, 2.1)."""
    fields = heard.fields()
    job_id = word(fields.get("job_id"))
    is_job = JOB_ID.fullmatch(job_id) is not None and not fields.get("status_ext")
    if 200 <= heard.status < 300 and is_job:
        return Queued(job_id=job_id, message=one_line(word(fields.get("message"))))
    return read_refusal(heard)


def read_status(heard: Heard, job_id: str) -> SaveAnswer:
    """What Save Page Now 2 says of a job (facts/wayback.md, 2.2).

    An answer that says nothing of the job leaves it queued, and its message says what came
    instead; one that turns us away (401, 403, 429) leaves the outcome unknown.
    """
    fields = heard.fields() if heard.status == 200 else {}
    state = word(fields.get("status"))
    if state == "error":
        return read_refusal(heard)
    if state == "success":
        return _success(fields)
    if heard.status in (401, 403, 429):
        return OutcomeUnknown(detail=f"status of {job_id}: HTTP {heard.status}")
    odd = "" if state == "pending" else f"HTTP {heard.status} {one_line(heard.text, 100)}"
    return Queued(job_id=job_id, message=odd or one_line(word(fields.get("message"))))


def _success(fields: Mapping[str, Any]) -> SaveAnswer:
    timestamp, original = word(fields.get("timestamp")), word(fields.get("original_url"))
    shown = str(fields.get("http_status"))
    status = int(shown) if re.fullmatch(r"[0-9]{3}", shown) else None
    if status is not None and status >= 400:  # a real "success" had 409
        message = f"the archive captured an answer {status} at {timestamp}"
        return refused(f"captured-{status}", message)
    memento = Memento(timestamp=timestamp, original=original, status=status)
    if not _whole(memento):  # a bare path, known as "truncated URL": nobody can look that up
        named = one_line(f"{timestamp} {original}")
        return OutcomeUnknown(detail=f"saved, but not named as a capture: {named}")
    return memento


def _whole(memento: Memento) -> bool:
    if not (TIMESTAMP.fullmatch(memento.timestamp) and WEB_ADDRESS.fullmatch(memento.original)):
        return False
    try:
        memento.captured_at  # noqa: B018  asked for what it raises
    except ValueError:
        return False
    return True


# ---- what reading a copy back shows ---------------------------------------------------------

REPLAY = re.compile(r"/web/([0-9]{14})(?:[a-z]{2}_)?/(.+)", re.DOTALL)
LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w-]+\s*=\s*(?:"[^"]*"|[^",;\s]+))*)')
REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]+))', re.IGNORECASE)
EXCLUDED_PAGE = re.compile(r"has been excluded from the Wayback Machine", re.IGNORECASE)
BARRED = (EXCLUSION, "RobotAccessControlException")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An answer to ``/web/…``: its status, the headers that matter ("" where missing), its body.

    Attributes:
        text: The beginning of the body, for what the archive says itself.
    """

    status: int
    memento_datetime: str = ""
    link: str = ""
    location: str = ""
    redirect_reason: str = ""
    runtime_error: str = ""
    retry_after: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """The archive sends us to another capture, which this answer is not."""

    timestamp: str
    original: str


def read_replay(shown: Shown) -> ArchivedHop | Elsewhere | NotReplayed:
    """What an answer to ``/web/…`` is: a capture, whichever; the way to one; or none.

    Only a ``Memento-Datetime`` makes a capture of it: then status and redirects are the archived
    page's, a 404 and a 429 as well. Without one they are the archive's own.
    Source: RFC 7089; facts/wayback.md, 3 d.
    """
    if shown.memento_datetime:
        timestamp = memento_timestamp(shown.memento_datetime)
        if not timestamp:
            return _trouble(f"Memento-Datetime is no date: {shown.memento_datetime}")
        return ArchivedHop(url=original_of(shown.link), timestamp=timestamp, status=shown.status)
    if any(barred in shown.runtime_error for barred in BARRED):
        return NotReplayed(outcome=Outcome.EXCLUDED, detail=one_line(shown.runtime_error))
    status, said = shown.status, one_line(shown.text, 200)
    if status in (200, 403, 451) and EXCLUDED_PAGE.search(shown.text):
        return NotReplayed(outcome=Outcome.EXCLUDED, detail=said)
    if 300 <= status < 400 and (way := REPLAY.search(shown.location)):
        return Elsewhere(timestamp=way[1], original=way[2])
    if status == 404:
        return NotReplayed(outcome=Outcome.MISSING, detail=f"HTTP 404 {said}".strip())
    # one page's 403 says nothing of the others; a 429 is about us
    return replace(_trouble(f"HTTP {status} {said}".strip()), stop=status == 429)


def _trouble(detail: str) -> NotReplayed:
    return NotReplayed(outcome=Outcome.TROUBLE, detail=one_line(detail))


def memento_timestamp(http_date: str) -> str:
    """The 14 digits of a ``Memento-Datetime`` (RFC 7089, 2.1.1), or "" where it is no date."""
    try:
        at = parsedate_to_datetime(http_date)
        return f"{at.astimezone(UTC):%Y%m%d%H%M%S}" if at.tzinfo is not None else ""
    except (ValueError, OverflowError):
        return ""


def original_of(link: str) -> str:
    """The address that a ``Link`` header calls the capture's original; "" unless it names one.

    In a Link header the address stands before its relation (RFC 8288, section 3).
    """
    found = set()
    for address, parameters in LINK.findall(link):
        relation = REL.search(parameters)
        words = (relation[1] or relation[2] or "").lower().split() if relation else []
        if "original" in words:
            found.add(address)
    return found.pop() if len(found) == 1 else ""


def target_of(location: str, hop: ArchivedHop) -> tuple[str, str] | None:
    """Timestamp and address of the capture that an archived redirect leads to, or None.

    Replay writes the target as an address of its own; where it left the page's own words, they
    are meant from the page's address on (``/path``, ``//host/path``).
    """
    if not location:
        return None
    if way := REPLAY.search(location):
        return way[1], way[2]
    try:
        target = urljoin(hop.url, location)
    except ValueError:
        return None
    return (hop.timestamp, target) if WEB_ADDRESS.fullmatch(target) else None


# ---- what waybackpy's process answers (the kinds are wayback_child's) ---------------------


def read_save(answer: Mapping[str, Any], *, now: datetime) -> SaveAnswer:
    """What a save without keys came to (facts/wayback.md, 2.6)."""
    match answer:
        case {"kind": "capture"}:
            return _memento(answer)
        case {"kind": "reply"}:
            return read_refusal(_heard(answer, now))
        case {"kind": "older"}:
            older = _memento(answer)
            detail = f"the archive answered with its capture of {older.timestamp}"
            recent = now - older.captured_at <= REUSE
            return OutcomeUnknown(detail=detail, already_there=recent)
    return unheard(_silent(answer))


def read_find(answer: Mapping[str, Any], *, now: datetime) -> FindAnswer:
    """What a look into the index came to (facts/wayback.md, 3b)."""
    match answer:
        case {"kind": "capture"}:
            return _memento(answer)
        case {"kind": "none"}:
            return NotInIndex()
        case {"kind": "reply"}:
            heard = _heard(answer, now)
            return IndexTrouble(
                detail=f"HTTP {heard.status} {one_line(heard.runtime_error or heard.text, 200)}",
                stop=heard.status == 429,
                excluded=heard.excluded,
            )
    silent = _silent(answer)
    return IndexTrouble(detail=silent.detail, stop=silent.fault == "unreachable")


def unheard(silent: Silent) -> SaveAnswer:
    """What it means for a save that no answer came.

    Without a connection nothing was asked; a refused one may mean that the archive shuts our
    network out (facts/wayback.md, 3b), and asking on would make that longer.
    """
    if silent.fault == "unknown":
        return OutcomeUnknown(detail=silent.detail)
    return refused(silent.fault, silent.detail)


def _silent(answer: Mapping[str, Any]) -> Silent:
    return Silent(fault=word(answer.get("fault")) or "unknown", detail=word(answer.get("detail")))


def _memento(answer: Mapping[str, Any]) -> Memento:
    return Memento(
        timestamp=answer["timestamp"],
        original=answer["original"],
        status=answer.get("status"),
        mimetype=answer.get("mimetype", ""),
        digest=answer.get("digest", ""),
    )


def _heard(answer: Mapping[str, Any], now: datetime) -> Heard:
    return Heard(at=now, **{name: value for name, value in answer.items() if name != "kind"})
