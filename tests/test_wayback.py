"""The Wayback Machine, asked on the wire: both ways of saving, the index, the keys."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trustme
from waybackpy import WaybackMachineSaveAPI
from waybackpy.exceptions import MaximumSaveRetriesExceeded

from tests.archive_stand_in import (
    ArchiveStandIn,
    Plan,
    drip,
    drop,
    hang,
    http,
    pending,
    refuse,
    same_snapshot,
    says,
    success_with,
)
from tests.archive_stand_in.saving import job_id
from verifier import wayback_child
from verifier.errors import InputError
from verifier.records import (
    FindAnswer,
    IndexTrouble,
    Memento,
    NotInIndex,
    OutcomeUnknown,
    Queued,
    Refused,
    Retry,
    SaveAnswer,
)
from verifier.spelling import same_address
from verifier.wayback import Archive, ia_ini_places, load_ia_ini
from verifier.wayback_answers import REASONS, read_find, read_save

PAGE = "https://example.org/report?year=2024"
AGENT = "Verifier-test (+https://example.org/contact)"
T = TypeVar("T")

# waybackpy asks the time in a way that Python 3.12 warns of; its process ignores that.
pytestmark = pytest.mark.filterwarnings("ignore:.*utcnow")

# What the stand-in's facts say of each code (2.3), written down a second time on purpose.
LATER = """bad-gateway gateway-timeout service-unavailable internal-server-error job-failed celery
    capture-location-error cannot-fetch no-browsers-available browsing-timeout proxy-error
    read-timeout protocol-error invalid-server-response soft-time-limit-exceeded no-captures
    recursion-error too-many-requests bandwidth-limit-exceeded a-code-of-next-year""".split()
TOMORROW = "too-many-daily-captures max-daily-bandwidth-host".split()
STOP = (
    "user-session-limit max-daily-bandwidth max-daily-bandwidth-from-ip blocked-client-ip".split()
)
NEVER = """network-authentication-required blocked blocked-url no-access unauthorized not-found
    method-not-allowed not-implemented http-version-not-supported bad-request too-many-redirects
    filesize-limit ftp-access-denied invalid-url-syntax invalid-url invalid-host-resolution
    forbidden""".split()
CLASSES = [
    (code, retry)
    for codes, retry in (
        (LATER, Retry.LATER),
        (TOMORROW, Retry.TOMORROW),
        (STOP, Retry.STOP),
        (NEVER, Retry.NEVER),
    )
    for code in codes
]


def ask(
    stand_in: ArchiveStandIn,
    question: Callable[[Archive], Awaitable[T]],
    *,
    keyed: bool = True,
    save_timeout: float = 20.0,
    index_timeout: float = 20.0,
    status_timeout: float = 20.0,
) -> T:
    """Open an archive at the stand-in, put one question to it, and leave nothing behind."""

    async def main() -> T:
        async with Archive(
            base_url=stand_in.base_url,
            access_key=stand_in.access_key if keyed else "",
            secret_key=stand_in.secret_key if keyed else "",
            user_agent=AGENT,
            save_timeout=save_timeout,
            index_timeout=index_timeout,
            status_timeout=status_timeout,
        ) as archive:
            return await question(archive)

    answer = asyncio.run(main())
    gc.collect()  # a transport or socket left open is a warning, and so an error, here
    return answer


def submit(
    stand_in: ArchiveStandIn, url: str = PAGE, *, keyed: bool = True, save_timeout: float = 20.0
) -> SaveAnswer:
    return ask(
        stand_in, lambda archive: archive.submit(url), keyed=keyed, save_timeout=save_timeout
    )


async def saved_by(archive: Archive, url: str) -> SaveAnswer:
    """Submit, then poll until the job is no longer pending."""
    answer = await archive.submit(url)
    for _ in range(100):
        if not isinstance(answer, Queued):
            break
        answer = await archive.poll(answer.job_id)
    return answer


def saved(stand_in: ArchiveStandIn, url: str = PAGE) -> SaveAnswer:
    return ask(stand_in, lambda archive: saved_by(archive, url))


def asked_here(stand_in: ArchiveStandIn, what: str, url: str, since: str = "") -> dict[str, Any]:
    """waybackpy's answer without the process around it, which costs 0.3 seconds each time."""
    return wayback_child.answer(
        {
            "ask": what,
            "url": url,
            "base_url": stand_in.base_url,
            "user_agent": AGENT,
            "timeout": 20.0,
            "since": since,
        }
    )


def save_here(stand_in: ArchiveStandIn, url: str = PAGE) -> SaveAnswer:
    return read_save(asked_here(stand_in, "save", url), now=datetime.now(UTC))


def find_here(
    stand_in: ArchiveStandIn, url: str = PAGE, *, days: float | None = None
) -> FindAnswer:
    since = "" if days is None else ago(days=days)
    return read_find(asked_here(stand_in, "index", url, since), now=datetime.now(UTC))


def find(
    stand_in: ArchiveStandIn,
    url: str = PAGE,
    *,
    days: float | None = None,
    index_timeout: float = 20.0,
) -> FindAnswer:
    since = None if days is None else datetime.now(UTC) - timedelta(days=days)
    return ask(
        stand_in, lambda archive: archive.find(url, since=since), index_timeout=index_timeout
    )


def ago(**span: float) -> str:
    return f"{datetime.now(UTC) - timedelta(**span):%Y%m%d%H%M%S}"


def children() -> set[int]:
    """Processes whose parent is this one."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit():
                after_name = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(after_name[1]) == os.getpid():
                    found.add(int(entry.name))
        except OSError:
            continue  # it ended meanwhile
    return found


@pytest.fixture
def nobody() -> str:
    """An address of this machine at which nobody listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    return f"http://127.0.0.1:{port}"


# ---- with keys: submitting ---------------------------------------------------------------


def test_a_submission_carries_the_address_the_keys_and_nothing_that_changes_the_capture(
    stand_in: ArchiveStandIn,
) -> None:
    """
    capture_all would store block pages as copies; the archive's defaults do the rest.
    """
    answer = submit(stand_in)

    [request] = stand_in.log
    assert answer == Queued(job_id=job_id(PAGE))
    assert (request.method, request.target) == ("POST", "/save")
    assert request.form == {"url": PAGE, "skip_first_archive": "1"}
    assert request.headers["accept"] == "application/json"
    assert request.headers["authorization"] == "LOW an-access-key:a-secret-key"
    assert request.headers["user-agent"] == AGENT


def test_a_submission_and_its_job_lead_to_the_capture_that_was_made(
    stand_in: ArchiveStandIn,
) -> None:
    """
    The usual course, on the wire.
    """
    answer = saved(stand_in)

    [capture] = stand_in.captures_of(PAGE)
    assert answer == Memento(timestamp=capture.timestamp, original=PAGE, status=200)


@pytest.mark.parametrize("at_job", [False, True], ids=["submission", "job"])
def test_a_refusal_with_a_code_is_asked_again_when_its_class_says(
    stand_in: ArchiveStandIn, at_job: bool
) -> None:
    """
    Refusals arrive with HTTP 200; a code we never heard of must not park an address for good.
    """
    for code, _ in CLASSES:
        stand_in.plan_saves(
            f"https://example.org/{code}", refuse(code, f"About {code}.", at_job=at_job)
        )

    async def everyone(archive: Archive) -> list[SaveAnswer]:
        return [await saved_by(archive, f"https://example.org/{code}") for code, _ in CLASSES]

    answers = ask(stand_in, everyone)

    assert answers == [
        Refused(
            code=code,
            message=f"About {code}.",
            retry=retry,
            excluded=code == "blocked-url",
            retry_after=90.0 if code == "user-session-limit" else None,
        )
        for code, retry in CLASSES
    ]
    assert stand_in.captures == []


def test_every_code_of_the_table_is_tested_or_is_ours() -> None:
    """
    A code added to the table needs its line here, from the facts.
    """
    ours = {"http-401", "http-403", "http-429", "excluded", "unreachable", "unsendable"}
    ours |= {"daily-limit", "cannot-start-capture"}

    assert set(REASONS) == {code for code, _ in CLASSES} - {"a-code-of-next-year"} | ours


def test_too_many_sessions_say_after_how_long_to_try_again(stand_in: ArchiveStandIn) -> None:
    """
    The slot count lags behind finished jobs by a minute or so: no reason to give up a long round.
    """
    stand_in.slots = 1
    stand_in.plan_saves("https://example.org/slow", pending())

    async def two(archive: Archive) -> object:
        await archive.submit("https://example.org/slow")
        return await archive.submit(PAGE)

    answer = ask(stand_in, two)

    assert isinstance(answer, Refused)
    assert (answer.code, answer.retry, answer.retry_after) == (
        "user-session-limit",
        Retry.STOP,
        90.0,
    )


def test_the_same_snapshot_without_a_job_names_no_capture(stand_in: ArchiveStandIn) -> None:
    """
    Somebody had it captured within the hour: the index will name it, later.
    """
    stand_in.plan_saves(PAGE, same_snapshot())

    answer = submit(stand_in)

    assert isinstance(answer, OutcomeUnknown)
    assert answer.already_there
    assert answer.detail.startswith("The same snapshot had been made 12 minutes ago.")


def test_the_same_snapshot_with_a_job_is_asked_for_by_that_job(stand_in: ArchiveStandIn) -> None:
    """
    A second submission within the hour gets the first one's job, which names the capture.
    """
    first = saved(stand_in)
    again = submit(stand_in)

    assert again == Queued(
        job_id=job_id(PAGE),
        message="The same snapshot had been made 12 minutes ago. "
        "You can make new capture of this URL after 1 hour.",
    )
    assert saved(stand_in) == first
    assert len(stand_in.captures) == 1


def test_a_capture_that_begins_late_is_queued_and_says_so(stand_in: ArchiveStandIn) -> None:
    """
    An overloaded archive takes the job all the same.
    """
    message = "The capture will start in ~1 hour, 34 minutes because our service is overloaded."
    stand_in.plan_saves(PAGE, pending(message=message))

    assert submit(stand_in) == Queued(job_id=job_id(PAGE), message=message)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 509, 520, 523])
def test_after_a_server_error_nobody_knows_and_the_capture_may_exist(
    stand_in: ArchiveStandIn, status: int
) -> None:
    """
    internetarchive/wayback #297: asking again blindly makes a second capture.
    """
    stand_in.plan_saves(PAGE, http(status, captured=True))

    answer = submit(stand_in)

    assert isinstance(answer, OutcomeUnknown)
    assert answer.detail == f"HTTP {status} {status} {status}"
    assert not answer.already_there
    assert len(stand_in.captures_of(PAGE)) == 1
    assert len(stand_in.log) == 1


@pytest.mark.parametrize("plan", [hang(captured=True), drip(), drop(captured=True)])
def test_a_submission_that_is_not_answered_has_an_unknown_outcome(
    stand_in: ArchiveStandIn, plan: Plan
) -> None:
    """
    A byte now and then resets the library's time-out, not ours.
    """
    stand_in.plan_saves(PAGE, plan)

    answer = submit(stand_in, save_timeout=2.0)

    assert isinstance(answer, OutcomeUnknown)
    assert len(stand_in.log) == 1


@pytest.mark.parametrize(
    "body",
    [
        "<html><body>Save Page Now</body></html>",
        '{"job_id": "spn2-',
        "",
        "null",
        "[]",
        '"spn2-1"',
        "[" * 100_000,
        '{"job_id": 7}',
        '{"job_id": "spn2-\\u0000"}',
        '{"message": "\\ud800 \\u0000"}',
        '{"message": "Something new."}',
        "\x00\x01",
    ],
    ids=repr,
)
def test_an_answer_that_is_no_answer_leaves_the_outcome_unknown(
    stand_in: ArchiveStandIn, body: str
) -> None:
    """
    Nothing that a server says may end a round, and nothing unclear may be read as a refusal.
    """
    stand_in.plan_saves(PAGE, says(body))

    answer = submit(stand_in)

    assert isinstance(answer, OutcomeUnknown)
    assert "\x00" not in answer.detail
    assert answer.detail.encode()  # can be stored


@pytest.mark.parametrize(
    ("sentence", "code", "retry"),
    [
        (
            "You have already reached the limit of active Save Page Now sessions.",
            "user-session-limit",
            Retry.STOP,
        ),
        (
            "You have reached your daily not-logged-in captures limit of (200,) webpages",
            "daily-limit",
            Retry.STOP,
        ),
        ("You cannot make more than 30,000 captures per day.", "daily-limit", Retry.STOP),
        (
            "Your IP address is in the Save Page Now block list.",
            "blocked-client-ip",
            Retry.STOP,
        ),
        ("Cannot start capture", "cannot-start-capture", Retry.LATER),
        (
            "Crawling this host is paused because they notified us that they are overloaded "
            "right now. (HTTP status=429)",
            "too-many-requests",
            Retry.LATER,
        ),
        (
            "This URL is in the Save Page Now service block list and cannot be captured.",
            "blocked-url",
            Retry.NEVER,
        ),
    ],
)
@pytest.mark.parametrize("form", ["message", "page", "error"])
def test_a_refusal_in_a_sentence_is_understood_in_json_and_in_a_page(
    stand_in: ArchiveStandIn, sentence: str, code: str, retry: Retry, form: str
) -> None:
    """
    Some refusals have no code: clients match these sentences.
    """
    fields = {"message": sentence} | ({"status": "error"} if form == "error" else {})
    page = f"<html><h2>Sorry</h2><p>{sentence}</p></html>"
    stand_in.plan_saves(PAGE, http(200, page) if form == "page" else says(json.dumps(fields)))

    answer = submit(stand_in)

    assert isinstance(answer, Refused)
    assert (answer.code, answer.retry) == (code, retry)
    assert answer.message.startswith(sentence)


def test_an_error_without_code_or_known_sentence_is_asked_again_later(
    stand_in: ArchiveStandIn,
) -> None:
    """
    It says no, and not why.
    """
    stand_in.plan_saves(PAGE, says('{"status": "error", "message": "Not today."}'))

    answer = submit(stand_in)

    assert isinstance(answer, Refused)
    assert (answer.code, answer.message, answer.retry) == ("error", "Not today.", Retry.LATER)


def test_keys_that_the_archive_does_not_know_stop_the_asking(stand_in: ArchiveStandIn) -> None:
    """
    Every further address would be refused just so.
    """
    answer = ask_with_wrong_keys(stand_in)

    assert isinstance(answer, Refused)
    assert (answer.code, answer.retry) == ("http-401", Retry.STOP)
    assert answer.message == "You need to be logged in to use Save Page Now."


def ask_with_wrong_keys(stand_in: ArchiveStandIn) -> object:
    stand_in.secret_key = "a-new-secret"

    async def main() -> object:
        async with Archive(
            base_url=stand_in.base_url, access_key="an-access-key", secret_key="old", user_agent="t"
        ) as archive:
            return await archive.submit(PAGE)

    return asyncio.run(main())


@pytest.mark.parametrize("keyed", [True, False])
@pytest.mark.parametrize("wait", ["", "20", "date", "soon"])
def test_too_many_requests_stop_the_asking_and_the_wished_wait_is_told(
    stand_in: ArchiveStandIn, keyed: bool, wait: str
) -> None:
    """
    Asking on after a 429 gets the network shut out for an hour; waybackpy would sleep here.
    """
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)
    value = date if wait == "date" else wait
    stand_in.plan_saves(PAGE, http(429, headers={"Retry-After": value} if wait else {}))

    answer = submit(stand_in, keyed=keyed)

    assert isinstance(answer, Refused)
    assert (answer.code, answer.retry) == ("http-429", Retry.STOP)
    if wait == "date":
        assert answer.retry_after is not None
        assert 200 < answer.retry_after <= 300
    else:
        assert answer.retry_after == (20.0 if wait == "20" else None)
    assert len(stand_in.log) == 1


def test_a_redirect_of_a_submission_is_not_followed(stand_in: ArchiveStandIn) -> None:
    """
    Following would send the keys elsewhere.
    """
    stand_in.plan_saves(PAGE, http(302, headers={"Location": "{base}/elsewhere"}))

    answer = submit(stand_in)

    assert answer == OutcomeUnknown(detail=f"HTTP 302 to {stand_in.base_url}/elsewhere")
    assert len(stand_in.log) == 1


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, ("http-400", Retry.LATER)), (403, ("http-403", Retry.STOP)), (404, None)],
)
def test_other_refusals_by_status(
    stand_in: ArchiveStandIn, status: int, expected: tuple[str, Retry] | None
) -> None:
    """
    A 404 has been seen for captures that exist (waybackpy #82): that one is unknown.
    """
    stand_in.plan_saves(PAGE, http(status))

    answer = submit(stand_in)

    if expected is None:
        assert isinstance(answer, OutcomeUnknown)
    else:
        assert isinstance(answer, Refused)
        assert (answer.code, answer.retry) == expected


@pytest.mark.parametrize("keyed", [True, False])
def test_an_address_that_is_barred_for_good_is_said_to_be(
    stand_in: ArchiveStandIn, keyed: bool
) -> None:
    """
    `excluded` is an answer of its own in the audit table: no asking will change it.
    """
    stand_in.exclude("example.org")

    answer = submit(stand_in, keyed=keyed)

    assert isinstance(answer, Refused)
    assert (answer.code, answer.retry, answer.excluded) == ("blocked-url", Retry.NEVER, True)


def test_a_runtime_error_of_the_archive_can_say_excluded_too(stand_in: ArchiveStandIn) -> None:
    """
    The same exclusion, in the words that the replay and the index use.
    """
    words = "AdministrativeAccessControlException: Blocked Site Error"
    stand_in.plan_saves(PAGE, http(403, headers={"X-Archive-Wayback-Runtime-Error": words}))

    answer = submit(stand_in)

    assert isinstance(answer, Refused)
    assert (answer.code, answer.excluded) == ("excluded", True)


@pytest.mark.parametrize("keyed", [True, False])
def test_without_a_connection_nothing_was_asked_and_asking_stops(nobody: str, keyed: bool) -> None:
    """
    Refused connections can mean that the archive shuts our network out, doubling the time.
    """
    key = "a-key" if keyed else ""

    async def main() -> tuple[object, object, object, object]:
        async with Archive(
            base_url=nobody, user_agent=AGENT, access_key=key, secret_key=key
        ) as archive:
            return (
                await archive.submit(PAGE),
                await archive.find(PAGE, since=None),
                await archive.poll("spn2-1"),
                await archive.health(),
            )

    answer, index, job, health = asyncio.run(main())

    assert isinstance(answer, Refused)
    assert (answer.code, answer.retry) == ("unreachable", Retry.STOP)
    assert isinstance(index, IndexTrouble)
    assert index.stop
    assert isinstance(job, OutcomeUnknown)
    assert getattr(health, "saving", "") is None


# ---- with keys: asking how it went -------------------------------------------------------


def test_a_job_is_queued_while_it_is_pending_and_for_ever_when_it_is_unknown(
    stand_in: ArchiveStandIn,
) -> None:
    """
    An expired or invented id reads "pending" for ever: the caller has to bound it by age.
    """
    assert ask(stand_in, lambda archive: archive.poll("spn2-made/up")) == Queued(
        job_id="spn2-made/up"
    )
    [request] = stand_in.log
    assert request.path == "/save/status/spn2-made%2Fup"
    assert "_t" in request.query


@pytest.mark.parametrize("status", [404, 409, 503])
def test_a_success_that_captured_an_error_page_is_no_capture(
    stand_in: ArchiveStandIn, status: int
) -> None:
    """
    A real "success" had http_status 409: such a copy would be shown as proof.
    """
    stand_in.plan_saves(PAGE, success_with(http_status=status))

    answer = saved(stand_in)

    assert isinstance(answer, Refused)
    assert (answer.code, answer.retry) == (f"captured-{status}", Retry.LATER)


@pytest.mark.parametrize(
    "fields",
    [
        {"original_url": "/report"},
        {"original_url": None},
        {"timestamp": None},
        {"timestamp": "20261301000000"},
        {"timestamp": 20260101000000},
        {"timestamp": "2026010100000"},
        {"original_url": "https://example.org/\x00"},
        {"original_url": "https://example.org/a b"},
        {"original_url": "https:///report"},
    ],
    ids=repr,
)
def test_a_success_that_cannot_be_looked_up_is_looked_for_in_the_index(
    stand_in: ArchiveStandIn, fields: dict[str, object]
) -> None:
    """
    The archive's "truncated URL": something was saved, and its name is no address.
    """
    stand_in.plan_saves(PAGE, success_with(**fields))

    assert isinstance(saved(stand_in), OutcomeUnknown)


def test_a_success_without_a_status_is_a_capture_whose_status_is_not_known(
    stand_in: ArchiveStandIn,
) -> None:
    """
    What the archive did not say is not made up.
    """
    stand_in.plan_saves(PAGE, success_with(http_status=None))

    answer = saved(stand_in)

    assert isinstance(answer, Memento)
    assert answer.status is None


def test_a_job_that_was_folded_into_another_is_asked_for_by_the_other(
    stand_in: ArchiveStandIn,
) -> None:
    """
    `original_job_id` names the job that has the capture; followed once, not in circles.
    """
    stand_in.plan_saves("https://example.org/first", success_with(timestamp="20260102030405"))
    first = saved(stand_in, "https://example.org/first")
    twin = success_with(timestamp=None, original_job_id=job_id("https://example.org/first"))
    stand_in.plan_saves(PAGE, twin)

    assert saved(stand_in) == first

    stand_in.plan_saves("https://example.org/c", success_with(original_job_id=job_id(PAGE)))
    before = len(stand_in.log)
    saved(stand_in, "https://example.org/c")
    assert len(stand_in.log) - before <= 1 + 2 * 100


@pytest.mark.parametrize(
    ("plan", "kind"),
    [
        (http(502), Queued),
        (http(200), Queued),
        (says("[]"), Queued),
        (says('{"status": "new word"}'), Queued),
        (hang(), Queued),
        (drop(), Queued),
        (http(429), OutcomeUnknown),
        (says('{"message": "You need to be logged in"}', 401), OutcomeUnknown),
    ],
    ids=lambda value: getattr(value, "body", None) or getattr(value, "__name__", None) or "silence",
)
def test_a_status_that_cannot_be_read_is_no_verdict_on_the_job(
    stand_in: ArchiveStandIn, plan: Plan, kind: type
) -> None:
    """
    The job goes on whatever the status page does; only where asking on is useless it is left.
    """
    stand_in.on("/save/status/", plan)

    answer = ask(stand_in, lambda archive: archive.poll("spn2-1"), status_timeout=2.0)

    assert type(answer) is kind
    assert len(stand_in.log) == 1


def test_without_keys_a_job_cannot_be_asked_for_and_is_not(stand_in: ArchiveStandIn) -> None:
    """
    The status endpoint answers 401 to everyone without an account.
    """
    answer = ask(stand_in, lambda archive: archive.poll("spn2-1"), keyed=False)

    assert isinstance(answer, OutcomeUnknown)
    assert stand_in.log == []


def test_health_tells_the_accounts_numbers_and_captures_nothing(stand_in: ArchiveStandIn) -> None:
    """
    What `doctor` shows, before a round finds out.
    """
    saved(stand_in)

    health = ask(stand_in, lambda archive: archive.health())

    assert (health.saving, health.keys_accepted) == (True, True)
    assert (health.available, health.captures_today, health.captures_limit) == (3, 1, 30_000)
    assert len(stand_in.submissions) == 1


def test_health_says_so_when_the_keys_are_wrong(stand_in: ArchiveStandIn) -> None:
    """
    Wrong keys are a person's to cure; "nothing is known" is not.
    """
    stand_in.on("/save/status/user", says('{"message": "You need to be logged in."}', 401))

    health = ask(stand_in, lambda archive: archive.health())

    assert health.keys_accepted is False
    assert health.saving is None


@pytest.mark.parametrize(
    ("plan", "saving"),
    [
        (None, True),
        (says('{"status": "Save Page Now servers are temporarily overloaded."}'), False),
        (http(502), False),
        (http(429), None),
        (http(200), None),
        (hang(), None),
        (says("[1]"), None),
    ],
    ids=["ok", "overloaded", "502", "429", "page", "silence", "odd"],
)
def test_health_without_keys_is_the_systems_and_unknown_where_it_does_not_say(
    stand_in: ArchiveStandIn, plan: Plan | None, saving: bool | None
) -> None:
    """
    Three answers: works, does not, and we do not know.
    """
    if plan is not None:
        stand_in.on("/save/status/system", plan)

    health = ask(stand_in, lambda archive: archive.health(), keyed=False, status_timeout=2.0)

    assert health.saving is saving
    assert health.keys_accepted is None


# ---- without keys ------------------------------------------------------------------------


def test_saving_without_an_account_names_the_capture_it_made(stand_in: ArchiveStandIn) -> None:
    """
    GET /save/… answers with a redirect to the new capture, which is not fetched.
    """
    url = "https://example.org/a/../b/%2e%2e/ü?q=a b&x=%7e"

    answer = submit(stand_in, url, keyed=False)

    assert isinstance(answer, Memento)
    assert same_address(answer.original, url)
    [request] = stand_in.log
    # Nothing resolved or dropped; the case of an escape's digits means nothing.
    assert request.target == "/save/https://example.org/a/../b/%2E%2E/%C3%BC?q=a%20b&x=%7E"
    assert request.headers["user-agent"] == AGENT
    assert "authorization" not in request.headers


REAL = "https://web.archive.org/web"
OLDER = "20200101000000"
RIGHT = [
    # 1: the address stands before its relation; waybackpy takes the one after it.
    f'<{{url}}>; rel="original", <{REAL}/{{timestamp}}/{{url}}>; rel="memento"; '
    f'datetime="Sun, 22 Nov 2026 00:00:00 GMT", <{REAL}/{OLDER}/{{url}}>; rel="prev memento"; '
    f'datetime="Wed, 01 Jan 2020 00:00:00 GMT"',
    # 4: only the last memento is listed.
    f'<{REAL}/{{timestamp}}/{{url}}>; rel="last memento"; datetime="Sun, 22 Nov 2026 00:00:00 GMT"',
    # Unquoted, and a later one of somebody else's page.
    f"<{REAL}/{{timestamp}}id_/{{url}}>;rel=memento, "
    f"<{REAL}/{{timestamp}}/https://example.com/other>;rel=memento",
]


@pytest.mark.parametrize(
    "headers",
    [
        *({"Link": link} for link in RIGHT),
        {"Content-Location": "/web/{timestamp}/{url}"},  # 2: waybackpy never sees this one
        {"Location": f"{REAL}/{{timestamp}}/{{url}}"},
    ],
    ids=["memento", "last memento", "unquoted", "Content-Location", "Location"],
)
def test_the_capture_is_found_wherever_the_answer_names_it(
    stand_in: ArchiveStandIn, headers: dict[str, str]
) -> None:
    """
    Defects 1, 2 and 4 of waybackpy: a wrong capture, or none, though the answer names ours.
    """
    status = 302 if "Location" in headers else 200
    stand_in.plan_saves(PAGE, http(status, headers=headers, captured=True))

    answer = save_here(stand_in)

    [capture] = stand_in.captures_of(PAGE)
    assert answer == Memento(timestamp=capture.timestamp, original=PAGE)
    assert len(stand_in.log) == 1


def test_waybackpy_as_it_is_gets_these_answers_wrong(stand_in: ArchiveStandIn) -> None:
    """
    Why the subclass exists: when this fails, waybackpy was mended and it can go.
    """
    error = http(404, headers={"Link": f'<{REAL}/{OLDER}/x>; rel="memento", <{REAL}/{OLDER}/y>'})
    content = http(200, headers={"Content-Location": "/web/{timestamp}/{url}"}, captured=True)
    right, last = (http(200, headers={"Link": link}, captured=True) for link in RIGHT[:2])
    stand_in.plan_saves(PAGE, right, error, content, last)
    shipped = WaybackMachineSaveAPI(PAGE, max_tries=1)
    shipped.request_url = f"{stand_in.base_url}/save/{PAGE}"

    assert shipped.save() == f"{REAL}/{OLDER}/{PAGE}"
    with pytest.raises(ValueError, match="Can not parse"):  # took it for a capture (defect 5)
        shipped.save()
    assert shipped.saved_archive == f"{REAL}/{OLDER}/y"
    for _ in range(2):
        with pytest.raises(MaximumSaveRetriesExceeded):
            shipped.save()


def test_an_error_page_with_links_is_no_capture(stand_in: ArchiveStandIn) -> None:
    """
    Defect 3: a 404 that lists captures is a success to waybackpy.
    """
    stand_in.plan_saves(PAGE, http(404, headers={"Link": RIGHT[0]}, captured=True))

    answer = save_here(stand_in)

    assert isinstance(answer, OutcomeUnknown)
    assert answer.detail == "HTTP 404 404 404"


@pytest.mark.parametrize(
    "link",
    [
        f'<{REAL}/{{url}}>; rel="timegate"',
        f'<{REAL}/{{timestamp}}/{{url}}>; rel="timemap"',
        f'<{REAL}/{{timestamp}}/https://example.org/other>; rel="memento"',
        f'<{REAL}/20991231000000/{{url}}>; rel="memento"',
        f'<{REAL}/20261399000000/{{url}}>; rel="memento"',
        f'<{REAL}/2026/{{url}}>; rel="memento"',
        f"<{REAL}/{{timestamp}}/{{url}}>",
        "<",
    ],
)
def test_what_is_not_surely_our_capture_is_none(stand_in: ArchiveStandIn, link: str) -> None:
    """
    A wrong capture is worse than none: the index will name the right one.
    """
    stand_in.plan_saves(PAGE, http(200, headers={"Link": link}, captured=True))

    answer = save_here(stand_in)

    assert isinstance(answer, OutcomeUnknown)
    assert not answer.already_there


@pytest.mark.parametrize(("minutes", "already_there"), [(20, True), (600, False)])
def test_an_older_capture_is_not_taken_for_ours(
    stand_in: ArchiveStandIn, minutes: int, already_there: bool
) -> None:
    """
    waybackpy #96: save answers with an outdated copy. One of this hour is why there is no new one.
    """
    older = ago(minutes=minutes)
    stand_in.plan_saves(PAGE, http(302, headers={"Location": f"/web/{older}/{{url}}"}))

    assert save_here(stand_in) == OutcomeUnknown(
        detail=f"the archive answered with its capture of {older}", already_there=already_there
    )


def test_a_refusal_page_without_an_account_is_understood(stand_in: ArchiveStandIn) -> None:
    """
    Refusals are HTTP 200 with a page that says Sorry.
    """
    stand_in.plan_saves(PAGE, refuse("whatever", "We are having a bad day."))

    answer = save_here(stand_in)

    assert isinstance(answer, Refused)
    assert (answer.code, answer.retry) == ("sorry", Retry.LATER)
    assert answer.message == "Sorry We are having a bad day."


@pytest.mark.parametrize("plan", [http(503, captured=True), http(520), drop(captured=True)])
def test_an_anonymous_save_is_asked_once_and_its_failure_is_unknown(
    stand_in: ArchiveStandIn, plan: Plan
) -> None:
    """
    waybackpy asks six times here, and eight times six at worst.
    """
    stand_in.plan_saves("*", plan, always=True)

    assert isinstance(save_here(stand_in), OutcomeUnknown)
    assert len(stand_in.log) == 1


@pytest.mark.parametrize("plan", [hang(captured=True), drip()], ids=["hangs", "drips"])
def test_a_save_that_hangs_is_given_up_in_time_and_leaves_no_process(
    stand_in: ArchiveStandIn, plan: Plan
) -> None:
    """
    A thread in requests could not be stopped, and would hold the exit of the whole program.
    """
    before = children()
    stand_in.plan_saves("*", plan, always=True)
    begun = time.monotonic()

    answer = submit(stand_in, keyed=False, save_timeout=2.0)

    assert answer == OutcomeUnknown(detail="no answer within 2 s")
    assert time.monotonic() - begun < 60  # not the hour it would hang
    assert children() == before


@pytest.mark.parametrize("ask_for", ["save", "index"])
def test_a_cancelled_question_ends_its_process_and_the_cancellation_passes(
    stand_in: ArchiveStandIn, ask_for: str
) -> None:
    """
    SIGTERM has to end a round within seconds, whatever the archive is doing.
    """
    before = children()
    stand_in.on("/", hang(), always=True)

    async def main() -> set[int]:
        async with Archive(base_url=stand_in.base_url, user_agent=AGENT) as archive:
            question = archive.submit(PAGE) if ask_for == "save" else archive.find(PAGE, since=None)
            task = asyncio.ensure_future(question)
            while not stand_in.log:
                await asyncio.sleep(0.01)
            running = children() - before
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return running

    running = asyncio.run(main())
    gc.collect()

    assert len(running) == 1
    assert children() == before


def test_over_https_a_server_error_is_not_tried_again_and_our_certificates_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    waybackpy retries over https only, so http tests would not show it; and requests does not
    know SSL_CERT_FILE by itself. (The variable is the contract's, read by the libraries.)
    """
    authority = trustme.CA()
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    with ArchiveStandIn(tls=server_context(authority)) as stand_in:
        stand_in.on("/", http(503), http(503), http(503))

        assert isinstance(submit(stand_in, keyed=False), OutcomeUnknown)
        assert isinstance(find(stand_in), IndexTrouble)
        assert isinstance(submit(stand_in), OutcomeUnknown)
        assert [request.answered for request in stand_in.log] == [503, 503, 503]


def test_a_certificate_that_is_not_trusted_means_that_nothing_was_asked() -> None:
    """
    It is a person's to cure (a proxy's own authority, say), and no save is on its way.
    """
    with ArchiveStandIn(tls=server_context(trustme.CA())) as stand_in:
        for keyed in (True, False):
            answer = submit(stand_in, keyed=keyed)
            assert isinstance(answer, Refused)
            assert answer.code == "unreachable"
            assert "certificate" in answer.message.lower()
        assert stand_in.log == []


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


# ---- the index ---------------------------------------------------------------------------


def test_the_newest_good_capture_of_exactly_the_address_is_found_with_one_request(
    stand_in: ArchiveStandIn,
) -> None:
    """
    The index folds www, slashes and query order into one key: other pages, to us.
    """
    good = stand_in.add_capture(PAGE, timestamp=ago(days=3))
    stand_in.add_capture(PAGE, timestamp=ago(days=30))
    stand_in.add_capture(PAGE, timestamp=ago(days=2), status=404)
    stand_in.add_capture(PAGE, timestamp=ago(days=2), status=301, body=b"")
    stand_in.add_capture(PAGE.replace("//", "//www."), timestamp=ago(days=1))
    stand_in.add_capture(PAGE.replace("report", "Report"), timestamp=ago(days=1))
    stand_in.add_capture(PAGE.replace("report", "report/"), timestamp=ago(days=1))
    stand_in.add_capture(PAGE, timestamp="99991231000000")  # nonsense, and never again the newest

    answer = find(stand_in, days=180)

    assert answer == Memento(
        timestamp=good.timestamp,
        original=PAGE,
        status=200,
        mimetype="text/html",
        digest=good.digest,
    )
    [request] = stand_in.log
    assert request.path == "/cdx/search/cdx"
    assert request.query["url"] == [PAGE]
    assert request.query["limit"] == ["-100"]
    assert request.headers["user-agent"] == AGENT


def test_captures_of_http_and_https_are_one(stand_in: ArchiveStandIn) -> None:
    """
    A site's move to https is not another page.
    """
    stand_in.add_capture("http://example.org:80/report?year=2024", timestamp=ago(days=1))

    answer = find_here(stand_in, days=180)

    assert isinstance(answer, Memento)
    assert answer.original == "http://example.org:80/report?year=2024"


def test_a_capture_older_than_asked_is_not_found(stand_in: ArchiveStandIn) -> None:
    """
    The contract counts captures of the last 180 days.
    """
    stand_in.add_capture(PAGE, timestamp=ago(days=181))

    assert find_here(stand_in, days=180) == NotInIndex()
    assert isinstance(find_here(stand_in), Memento)


@pytest.mark.parametrize(
    ("first", "found"),
    [(200, True), (404, False), (None, False)],
    ids=["of a page", "of an error", "of nothing known"],
)
def test_a_revisit_counts_when_its_bytes_are_those_of_a_good_capture(
    stand_in: ArchiveStandIn, first: int | None, found: bool
) -> None:
    """
    An unchanged page is a row without a status; so is an unchanged error page.
    """
    if first is not None:
        stand_in.add_capture(PAGE, timestamp=ago(days=300), status=first, body=b"same")
    again = stand_in.add_capture(PAGE, timestamp=ago(days=5), body=b"same", revisit=True)

    answer = find_here(stand_in, days=180)

    if found:
        assert answer == Memento(
            timestamp=again.timestamp,
            original=PAGE,
            status=200,
            mimetype="text/html",
            digest=again.digest,
        )
    else:
        assert answer == NotInIndex()


def test_an_empty_revisit_vouches_for_nothing(stand_in: ArchiveStandIn) -> None:
    """
    Nearly every redirect has the digest of no bytes at all.
    """
    stand_in.add_capture(PAGE, timestamp=ago(days=300), body=b"")
    stand_in.add_capture(PAGE, timestamp=ago(days=5), body=b"", revisit=True)

    assert find_here(stand_in, days=180) == NotInIndex()


def test_an_impossible_timestamp_is_passed_over(stand_in: ArchiveStandIn) -> None:
    """
    Defect 7: such rows are real, and waybackpy ends at the first.
    """
    good = stand_in.add_capture(PAGE, timestamp=ago(days=3))
    stand_in.add_capture(PAGE, timestamp=ago(days=0)[:4] + "0012170449")
    stand_in.add_capture(PAGE, timestamp=ago(days=0)[:6] + "32000000")

    answer = find_here(stand_in)

    assert isinstance(answer, Memento)
    assert answer.timestamp == good.timestamp


def test_a_wildcard_in_an_address_is_a_letter(stand_in: ArchiveStandIn) -> None:
    """
    The index would take it for "everything that begins so".
    """
    find_here(stand_in, "https://example.org/*")

    assert stand_in.log[0].query["matchType"] == ["exact"]


ROW = f"org,example)/report?year=2024 {{timestamp}} {PAGE} text/html 200 {'A' * 32} 900\n"


def test_a_row_without_status_that_is_no_revisit_does_not_count(stand_in: ArchiveStandIn) -> None:
    """
    Records of other kinds have no status either.
    """
    old = ROW.replace("{timestamp}", ago(days=300))
    odd = ROW.replace("{timestamp}", ago(days=5)).replace(" 200 ", " - ")
    stand_in.on("/cdx/", says(old + odd), says(old + odd.replace("text/html", "warc/revisit")))

    assert find_here(stand_in, days=180) == NotInIndex()
    assert isinstance(find_here(stand_in, days=180), Memento)


def test_a_resume_key_is_neither_a_row_nor_a_reason_to_ask_again(stand_in: ArchiveStandIn) -> None:
    """
    waybackpy goes on for every key: 12 requests for five rows, with a limit of 24 a minute.
    """
    rows = ROW.replace("{timestamp}", ago(days=2))
    stand_in.on("/cdx/", says(rows + "\ncom%2Cexample%29%2F+20200101000000\n"))

    assert isinstance(find_here(stand_in), Memento)
    assert len(stand_in.log) == 1


@pytest.mark.parametrize(
    ("plan", "stop", "excluded"),
    [
        (http(429), True, False),
        (http(403, headers={"X-Archive-Wayback-Runtime-Error": "RobotAccess"}), False, False),
        (http(502), False, False),
        (http(520), False, False),
        (says("Temporarily Offline", 503), False, False),
        (http(200), False, False),
        (says("\n\n<html></html>"), False, False),
        (
            says("one two three four five six seven eight nine ten eleven twelve\n" * 3),
            False,
            False,
        ),
        (http(302, headers={"Location": "{base}/x"}), False, False),
        (drop(), False, False),
        (says("", 429), True, False),
        (says("", 520), False, False),
        (says(ROW.replace("{timestamp}", "20260101000000"), 504), False, False),
    ],
    ids="429 403 502 520 503 page blank-page words 302 drop 429-empty 520-empty 504-rows".split(),
)
def test_an_index_that_does_not_answer_says_nothing_of_captures(
    stand_in: ArchiveStandIn, plan: Plan, stop: bool, excluded: bool
) -> None:
    """
    Defect 6: waybackpy takes most of these for "no captures", and everything is saved again.
    """
    stand_in.add_capture(PAGE)
    stand_in.on("/cdx/", plan)

    answer = find_here(stand_in)

    assert isinstance(answer, IndexTrouble)
    assert (answer.stop, answer.excluded) == (stop, excluded)
    assert answer.detail
    assert len(stand_in.log) == 1


def test_an_index_that_hangs_is_given_up_in_time(stand_in: ArchiveStandIn) -> None:
    """
    Exact look-ups took up to 52 seconds, and some never ended.
    """
    stand_in.on("/cdx/", hang())

    assert find(stand_in, index_timeout=1.5) == IndexTrouble(detail="no answer within 1.5 s")


def test_the_index_says_that_an_address_is_barred(stand_in: ArchiveStandIn) -> None:
    """
    Nothing need be submitted then.
    """
    stand_in.exclude("example.org")

    answer = find_here(stand_in)

    assert isinstance(answer, IndexTrouble)
    assert answer.excluded
    assert not answer.stop


def test_an_index_that_breaks_off_is_not_taken_for_a_short_one(stand_in: ArchiveStandIn) -> None:
    """
    The row that matters is the last.
    """
    rows = ROW.replace("{timestamp}", ago(days=200))
    plan = http(200, rows, headers={"Content-Type": "text/plain", "Content-Encoding": "gzip"})
    stand_in.on("/cdx/", plan)  # not gzip at all: the body cannot be read

    assert isinstance(find_here(stand_in), IndexTrouble)


# ---- addresses ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://example.org", "http://EXAMPLE.org:80/", True),
        ("https://example.org/a#part", "https://example.org/a", True),
        ("https://example.org/%7eme/ü", "https://example.org/~me/%c3%bc", True),
        ("https://example.org/a/../b", "https://example.org/b", True),
        ("https://example.org/a/.", "https://example.org/a/", True),
        ("https://bücher.example/", "https://xn--bcher-kva.example/", True),
        ("https://example.org/a", "https://example.org/a/", False),
        ("https://example.org/a", "https://www.example.org/a", False),
        ("https://example.org/a", "https://example.org/A", False),
        ("https://example.org/?a=1&b=2", "https://example.org/?b=2&a=1", False),
        ("https://example.org/a%2Fb", "https://example.org/a/b", False),
        ("https://example.org:8080/", "https://example.org/", False),
        ("https://me@example.org/", "https://example.org/", False),
        ("https://[::1/", "https://[::1/", True),
        ("https://example.org:x/", "https://example.org/", False),
    ],
)
def test_addresses_are_the_same_only_by_rules_that_cannot_name_another_page(
    one: str, other: str, same: bool
) -> None:
    """
    The copy of another page is no copy; the copy of the same page, missed, is made again.
    """
    assert same_address(one, other) is same
    assert same_address(other, one) is same


def test_a_capture_is_read_below_the_archive_that_was_set() -> None:
    """
    Every request and every link goes below VERIFIER_WAYBACK_URL.
    """
    archive = Archive(base_url="http://127.0.0.1:9/x/", user_agent=AGENT)
    memento = Memento(timestamp="20260102030405", original=PAGE)

    assert archive.replay_url(memento) == f"http://127.0.0.1:9/x/web/20260102030405/{PAGE}"


# ---- keys --------------------------------------------------------------------------------


def test_the_keys_are_in_no_answer_log_or_name(
    stand_in: ArchiveStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Answers are stored and published, logs are mailed by cron.
    """
    caplog.set_level(logging.DEBUG)
    echo = f"LOW {stand_in.access_key}:{stand_in.secret_key} is <unknown>"
    refusal = json.dumps({"status": "error", "status_ext": "error:odd", "message": echo})
    plans = (says(refusal), http(500, echo), says(echo, 401), http(403, echo), drop(), hang())
    stand_in.on("/save", *plans, *plans, *plans)

    async def everything(archive: Archive) -> list[object]:
        answers: list[object] = [archive]
        for _ in plans:
            answers.append(await archive.submit(PAGE))
        for _ in plans:
            answers.append(await archive.poll("spn2-1"))
        for _ in plans:
            answers.append(await archive.health())
        answers.append(await archive.find(PAGE, since=None))
        return answers

    answers = ask(stand_in, everything, save_timeout=0.3, status_timeout=0.3)

    said = f"{answers!r} {caplog.text}"
    assert caplog.records
    assert stand_in.access_key not in said
    assert stand_in.secret_key not in said


def test_keys_that_come_back_in_a_header_are_not_passed_on(stand_in: ArchiveStandIn) -> None:
    """
    A redirect's target stands in the answer. (httpcore logs such headers itself, at debug.)
    """
    echo = f"/login?by={stand_in.access_key}&with={stand_in.secret_key}"
    stand_in.on("/save", http(302, headers={"Location": echo}))

    assert submit(stand_in) == OutcomeUnknown(detail="HTTP 302 to /login?by=…&with=…")


def test_a_password_of_this_machine_is_not_sent_along(
    stand_in: ArchiveStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    requests looks into ~/.netrc by itself; nobody meant that password for a save.
    """
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hidden\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    save_here(stand_in)
    find_here(stand_in)
    submit(stand_in)

    sent = [request.headers.get("authorization", "") for request in stand_in.log]
    assert sent == ["", "", "LOW an-access-key:a-secret-key"]


def test_keys_as_short_as_a_word_do_not_garble_what_the_archive_says() -> None:
    """
    Keys are taken out of every answer; these are none, and would take "status" apart.
    """
    with ArchiveStandIn(keys=("s", "job")) as stand_in:
        assert isinstance(saved(stand_in), Memento)
        assert isinstance(find(stand_in), Memento)
        assert stand_in.errors == []


def test_the_process_that_asks_the_archive_sees_no_key(
    stand_in: ArchiveStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whoever may list processes can read arguments and environments of ours. The variables are set
    here because the shell that starts a round sets them.
    """
    monkeypatch.setenv("VERIFIER_IA_ACCESS_KEY", stand_in.access_key)
    monkeypatch.setenv("VERIFIER_IA_SECRET_KEY", stand_in.secret_key)
    monkeypatch.setenv("UNDER_ANOTHER_NAME", f"x{stand_in.secret_key}x")
    monkeypatch.setenv("IA_SECRET_ACCESS_KEY", "of-another-account")
    monkeypatch.setenv("SOMETHING_ELSE", "stays")
    before = children()
    stand_in.on("/", hang(), always=True)

    async def main(archive: Archive) -> bytes:
        task = asyncio.ensure_future(archive.find(PAGE, since=None))
        while not stand_in.log:
            await asyncio.sleep(0.01)
        [child] = children() - before
        seen = Path(f"/proc/{child}/environ").read_bytes()
        seen += Path(f"/proc/{child}/cmdline").read_bytes()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return seen

    seen = ask(stand_in, main)

    assert b"SOMETHING_ELSE=stays" in seen
    assert b"of-another-account" not in seen
    assert stand_in.access_key.encode() not in seen
    assert stand_in.secret_key.encode() not in seen


@pytest.mark.parametrize("key", ["sécret", "sec\nret", "sec ret"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_quoted(key: str) -> None:
    """
    The libraries would raise with the header, and so the key, in the message.
    """
    with pytest.raises(InputError) as caught:
        Archive(access_key="access", secret_key=key, user_agent=AGENT)

    assert key not in repr(caught.value)
    assert "access" not in str(caught.value).replace("access key", "")


def test_the_ia_tools_configuration_is_read(tmp_path: Path) -> None:
    """
    Who uses the `ia` tool need not say the keys again; a "%" in one is a letter.
    """
    for place in ia_ini_places(tmp_path):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(
            "[s3]\naccess = abc%d\nsecret = x;y#z\n\n[cookies]\nlogged-in-user = me%40b; path=/\n",
            encoding="utf-8",
        )
        assert load_ia_ini(place) == ("abc%d", "x;y#z")


@pytest.mark.parametrize("text", [None, "", "[s3]\naccess =\nsecret = x\n", "[general]\na = 1\n"])
def test_a_configuration_without_keys_has_none(tmp_path: Path, text: str | None) -> None:
    """
    No account is a supported way to work.
    """
    path = tmp_path / "ia.ini"
    if text is not None:
        path.write_text(text, encoding="utf-8")

    assert load_ia_ini(path) is None


@pytest.mark.parametrize(
    "text", [b"secret = hidden\n", b"[s3]\nsecret hidden\n", b"\xff\xfehidden"]
)
def test_a_broken_configuration_is_named_without_its_text(tmp_path: Path, text: bytes) -> None:
    """
    configparser quotes the offending line, and that may be the key's.
    """
    path = tmp_path / "ia.ini"
    path.write_bytes(text)

    with pytest.raises(InputError) as caught:
        load_ia_ini(path)

    assert caught.value.place == str(path)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "hidden" not in str(caught.value)
