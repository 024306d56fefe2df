"""The stand-in for the Wayback Machine answers as the facts say."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from waybackpy import WaybackMachineCDXServerAPI

from tests.archive_stand_in import (
    ArchiveStandIn,
    drop,
    http,
    pending,
    refuse,
    same_snapshot,
    says,
)

PAGE = "https://example.org/report"
JSON = {"Accept": "application/json"}


@pytest.fixture
def client(stand_in: ArchiveStandIn) -> Iterator[httpx.Client]:
    keys = {"Authorization": f"LOW {stand_in.access_key}:{stand_in.secret_key}"}
    with httpx.Client(base_url=stand_in.base_url, headers=JSON | keys) as client:
        yield client


@pytest.fixture
def site() -> Iterator[str]:
    """A page on this machine: /page, /moved (to it), and 404 for the rest."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/moved":
                self.send_response(301)
                self.send_header("Location", "/page")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = b"<p>As it was said.</p>"
            self.send_response(200 if self.path == "/page" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def save(client: httpx.Client, url: str = PAGE, **more: str) -> dict[str, object]:
    reply = client.post("/save", data={"url": url, **more})
    assert reply.status_code == 200
    fields: dict[str, object] = reply.json()
    return fields


def status(client: httpx.Client, job_id: object) -> dict[str, object]:
    """The job's status, as soon as it is more than pending."""
    for _ in range(200):
        fields: dict[str, object] = client.get(f"/save/status/{job_id}").json()
        if fields["status"] != "pending":
            break
    return fields


def test_a_submission_becomes_a_job_and_the_job_a_capture_of_the_real_page(
    stand_in: ArchiveStandIn, client: httpx.Client, site: str
) -> None:
    """
    The captured body is the page's own: what is read back can be compared with what was seen.
    """
    submitted = save(client, f"{site}/moved")
    done = status(client, submitted["job_id"])

    assert str(submitted["job_id"]).startswith("spn2-")
    assert len(str(submitted["job_id"])) == 45
    assert (done["status"], done["http_status"]) == ("success", 200)
    assert done["original_url"] == f"{site}/page"  # after redirects
    replayed = client.get(f"/web/{done['timestamp']}id_/{site}/page")
    assert replayed.content == b"<p>As it was said.</p>"
    hop = client.get(f"/web/{done['timestamp']}id_/{site}/moved")
    assert hop.status_code == 301
    assert hop.headers["location"].endswith(f"/web/{done['timestamp']}id_/{site}/page")
    assert "memento-datetime" in hop.headers
    assert client.get(f"/web/{done['timestamp']}/{site}/moved").status_code == 200  # a page


def test_a_page_that_is_not_there_ends_the_job_with_its_code(
    client: httpx.Client, site: str
) -> None:
    """
    Errors arrive with HTTP 200 and stand in the job's status.
    """
    failed = status(client, save(client, f"{site}/nothing")["job_id"])

    assert (failed["status"], failed["status_ext"]) == ("error", "error:not-found")


def test_keys_are_needed_for_jobs_and_their_status(stand_in: ArchiveStandIn) -> None:
    """
    No keys and wrong keys get the same text.
    """
    for headers in ({}, {"Authorization": "LOW wrong:keys"}):
        with httpx.Client(base_url=stand_in.base_url, headers=JSON | headers) as stranger:
            for reply in (
                stranger.post("/save", data={"url": PAGE}),
                stranger.get("/save/status/spn2-1"),
                stranger.get("/save/status/user"),
            ):
                assert reply.status_code == 401
                assert reply.json() == {"message": "You need to be logged in to use Save Page Now."}
            assert stranger.get("/save/status/system").json()["status"] == "ok"
    assert stand_in.captures == []


def test_within_the_hour_an_address_keeps_its_job_and_its_capture(
    stand_in: ArchiveStandIn, client: httpx.Client
) -> None:
    """
    Job ids are deterministic; after the hour a new capture is made, up to five a day.
    """
    first = save(client)
    status(client, first["job_id"])
    again = save(client)

    assert again["job_id"] == first["job_id"]
    assert str(again["message"]).startswith("The same snapshot had been made")
    assert len(stand_in.captures) == 1
    for _ in range(4):
        stand_in.advance(minutes=61)
        status(client, save(client)["job_id"])
    assert len(stand_in.captures) == 5
    stand_in.advance(minutes=61)
    refused = save(client)
    assert refused["status_ext"] == "error:too-many-daily-captures"
    assert "job_id" not in refused
    stand_in.advance(days=1)
    assert "job_id" in save(client)


def test_an_expired_or_invented_job_is_pending_for_ever(
    stand_in: ArchiveStandIn, client: httpx.Client
) -> None:
    """
    So a client has to bound its patience.
    """
    job = save(client)["job_id"]
    status(client, job)
    stand_in.advance(hours=2)

    for identifier in (job, "spn2-invented"):
        fields = client.get(f"/save/status/{identifier}").json()
        assert fields == {"status": "pending", "job_id": identifier, "resources": []}
    many = client.post("/save/status", data={"job_ids": f"{job},spn2-2"}).json()
    assert [one["status"] for one in many] == ["pending", "pending"]


def test_slots_and_daily_counts_are_enforced_and_reported(
    stand_in: ArchiveStandIn, client: httpx.Client
) -> None:
    """
    A client that starts too much at once is told so, and the account's page counts along.
    """
    stand_in.plan_saves("*", pending(), always=True)
    stand_in.daily_cap = 4
    for number in range(3):
        assert save(client, f"{PAGE}/{number}")["job_id"]

    assert save(client, f"{PAGE}/3")["status_ext"] == "error:user-session-limit"
    assert client.get("/save/status/user").json() == {
        "available": 0,
        "processing": 3,
        "daily_captures": 3,
        "daily_captures_limit": 4,
    }
    stand_in.slots = 9
    save(client, f"{PAGE}/4")
    assert save(client, f"{PAGE}/5") == {
        "message": "You cannot make more than 30,000 captures per day."
    }


def test_planned_answers_come_once_each_and_then_the_usual_course(
    stand_in: ArchiveStandIn, client: httpx.Client
) -> None:
    """
    What a test scripts is what goes over the wire.
    """
    stand_in.plan_saves(
        PAGE, refuse("blocked-url"), same_snapshot(), http(520, captured=True), says("{", 200)
    )

    assert save(client)["status_ext"] == "error:blocked-url"
    assert save(client)["job_id"] is None
    assert stand_in.captures == []
    assert client.post("/save", data={"url": PAGE}).status_code == 520
    assert len(stand_in.captures_of(PAGE)) == 1  # failed, and exists
    assert client.post("/save", data={"url": PAGE}).text == "{"
    assert save(client)["job_id"] is None  # had been made, and by no job
    assert stand_in.saves_of(PAGE) == 5


def test_a_rate_limit_answers_429_and_names_who_passed_it(
    stand_in: ArchiveStandIn, client: httpx.Client
) -> None:
    """
    A test can ask that a whole round stayed below the archive's limits.
    """
    stand_in.limit("/cdx/", 2, retry_after="30")
    replies = [client.get("/cdx/search/cdx", params={"url": PAGE}) for _ in range(4)]

    assert [reply.status_code for reply in replies] == [200, 200, 429, 429]
    assert replies[-1].headers["retry-after"] == "30"
    assert "<html>" in replies[-1].text
    assert [request.path for request in stand_in.over_limit] == ["/cdx/search/cdx"] * 2
    assert client.get(f"/web/{PAGE}").status_code == 404  # another limit's path

    stand_in.close_for(60, "/web/")
    assert client.get(f"/web/{PAGE}").status_code == 429


def test_without_an_account_a_save_redirects_to_its_capture(
    stand_in: ArchiveStandIn, client: httpx.Client
) -> None:
    """
    GET /save/… holds the connection, then names the capture; refusals are pages.
    """
    saved = client.get(f"/save/{PAGE}?a=1&b=ü", headers={"Authorization": ""})
    again = client.get(f"/save/{PAGE}?a=1&b=ü")
    stand_in.plan_saves(PAGE, refuse("blocked-url"))
    refused = client.get(f"/save/{PAGE}")

    [capture] = stand_in.captures
    assert saved.status_code == 302
    assert saved.headers["location"] == f"/web/{capture.timestamp}/{PAGE}?a=1&b=%C3%BC"
    assert again.headers["location"] == saved.headers["location"]
    assert refused.status_code == 200
    assert "<h2>Sorry</h2><p>This URL is in the" in refused.text
    assert stand_in.submissions == [f"{PAGE}?a=1&b=ü", f"{PAGE}?a=1&b=ü", PAGE]


def test_a_form_without_json_gets_a_page_with_the_job(client: httpx.Client) -> None:
    """
    The flow of the archive's own web form.
    """
    page = client.post("/save/", data={"url": PAGE}, headers={"Accept": "text/html"})

    assert 'spn.watchJob("spn2-' in page.text


def test_the_index_has_the_columns_filters_and_limits_of_the_real_one(
    stand_in: ArchiveStandIn, client: httpx.Client
) -> None:
    """
    What waybackpy and our own questions rely on.
    """
    body = b"<p>x</p>"
    for timestamp, code in (
        ("20200101000000", 200),
        ("20210101000000", 404),
        ("20220101000000", 200),
    ):
        stand_in.add_capture(PAGE, timestamp=timestamp, status=code, body=body)
    stand_in.add_capture(PAGE, timestamp="20230101000000", body=body, revisit=True)
    stand_in.add_capture("http://www.example.org:80/REPORT/", timestamp="20240101000000", body=b"")
    digest = base64.b32encode(hashlib.sha1(body).digest()).decode()

    def index(**query: str | list[str]) -> list[list[str]]:
        text = client.get("/cdx/search/cdx", params={"url": PAGE, **query}).text
        return [line.split(" ") for line in text.splitlines()]

    rows = index()
    assert [row[1][:4] for row in rows] == ["2020", "2021", "2022", "2023", "2024"]
    assert rows[0][:6] == [
        "org,example)/report",
        "20200101000000",
        PAGE,
        "text/html",
        "200",
        digest,
    ]
    assert rows[3][3:6] == ["warc/revisit", "-", digest]
    assert rows[4][2:6] == [
        "http://www.example.org:80/REPORT/",
        "text/html",
        "200",
        "3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ",
    ]
    assert [row[1][:4] for row in index(limit="-2")] == ["2023", "2024"]
    assert [row[1][:4] for row in index(to="2021")] == ["2020", "2021"]
    assert [row[1][:4] for row in index(filter=["statuscode:2..", "!digest:3I.*"])] == [
        "2020",
        "2022",
    ]
    assert index(filter="statuscode:2") == []  # a regex has to match the whole field
    assert len(index(collapse="digest")) == 2
    assert index(sort="closest", closest="20211231", limit="1")[0][1][:4] == "2022"
    table = json.loads(
        client.get(
            "/cdx/search/cdx",
            params={"url": PAGE, "output": "json", "fl": "timestamp", "limit": "1"},
        ).text
    )
    assert table == [["timestamp"], ["20200101000000"]]
    nothing = {"url": "https://example.org/else"}
    assert client.get("/cdx/search/cdx", params=nothing).text == ""
    assert client.get("/cdx/search/cdx", params=nothing | {"output": "json"}).text == "[]"


@pytest.mark.filterwarnings("ignore:.*utcnow")
def test_waybackpy_as_it_is_reads_the_index_over_resume_keys(stand_in: ArchiveStandIn) -> None:
    """
    Its generator follows every key; ours must not, and this shows that there was one to follow.
    """
    for year in range(2010, 2015):
        stand_in.add_capture(PAGE, timestamp=f"{year}0101000000")
    api = WaybackMachineCDXServerAPI(PAGE, limit="2")
    api.endpoint = f"{stand_in.base_url}/cdx/search/cdx"

    assert [row.timestamp[:4] for row in api.snapshots()] == [
        "2010",
        "2011",
        "2012",
        "2013",
        "2014",
    ]
    assert len(stand_in.log) == 3


def test_a_capture_is_seen_after_the_lag_only(
    stand_in: ArchiveStandIn, client: httpx.Client
) -> None:
    """
    Minutes to days lie between a save's success and the first replay of it.
    """
    stand_in.add_capture(PAGE, timestamp="20200101000000")
    stand_in.lag += stand_in.reuse * 2
    done = status(client, save(client)["job_id"])
    exact = f"/web/{done['timestamp']}id_/{PAGE}"

    early = client.get(exact)
    rows = client.get("/cdx/search/cdx", params={"url": PAGE}).text.splitlines()
    assert early.status_code == 302
    assert early.headers["x-archive-redirect-reason"] == "found capture at 20200101000000"
    assert "memento-datetime" not in early.headers
    assert len(rows) == 1

    stand_in.advance(hours=2)
    assert client.get(exact).status_code == 200
    assert len(client.get("/cdx/search/cdx", params={"url": PAGE}).text.splitlines()) == 2


def test_a_replay_has_the_headers_of_a_memento_and_a_miss_has_not(
    stand_in: ArchiveStandIn, client: httpx.Client
) -> None:
    """
    Only Memento-Datetime tells an archived 404 from a page that was never archived.
    """
    for year in (2019, 2020, 2021, 2022):
        stand_in.add_capture(PAGE, timestamp=f"{year}0203040506", status=404, body=b"gone")

    archived = client.get(f"/web/20200203040506id_/{PAGE}")
    never = client.get("/web/20200203040506id_/https://example.org/else")

    assert (archived.status_code, never.status_code) == (404, 404)
    assert archived.content == b"gone"
    assert archived.headers["memento-datetime"] == "Mon, 03 Feb 2020 04:05:06 GMT"
    assert "memento-datetime" not in never.headers
    base = stand_in.base_url
    assert archived.headers["link"].split(", <")[0] == f'<{PAGE}>; rel="original"'
    for year, relation in (
        (2019, "first prev memento"),
        (2020, "memento"),
        (2021, "next memento"),
        (2022, "last memento"),
    ):
        link = f'<{base}/web/{year}0203040506/{PAGE}>; rel="{relation}"'
        assert link in archived.headers["link"]
    assert b"WAYBACK TOOLBAR" in client.get(f"/web/20200203040506/{PAGE}").content
    assert client.head(f"/web/20200203040506id_/{PAGE}").content == b""
    gate = client.get(f"/web/{PAGE}", headers={"Accept-Datetime": "Sat, 01 May 2021 00:00:00 GMT"})
    assert gate.status_code == 302
    assert gate.headers["location"] == f"{base}/web/20210203040506/{PAGE}"
    assert gate.headers["vary"] == "accept-datetime"
    assert client.get(f"/web/timemap/link/{PAGE}").text.count('rel="memento"') == 4


def test_an_excluded_host_is_so_everywhere(stand_in: ArchiveStandIn, client: httpx.Client) -> None:
    """
    The three ways in which the archive says it.
    """
    stand_in.add_capture(PAGE)
    stand_in.exclude("example.org")

    index = client.get("/cdx/search/cdx", params={"url": PAGE})
    assert index.status_code == 403
    assert (
        "AdministrativeAccessControlException" in index.headers["x-archive-wayback-runtime-error"]
    )
    assert "has been excluded from the Wayback Machine" in client.get(f"/web/2020/{PAGE}").text
    assert save(client)["status_ext"] == "error:blocked-url"


def test_the_log_has_what_came_and_a_dropped_connection_is_a_dropped_connection(
    stand_in: ArchiveStandIn, client: httpx.Client
) -> None:
    """
    Tests ask the log how often, when and with what the archive was asked.
    """
    stand_in.on("/save", drop())
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/save", data={"url": PAGE, "skip_first_archive": "1"})

    [request] = stand_in.requests("/save", "POST")
    assert request.form == {"url": PAGE, "skip_first_archive": "1"}
    assert request.headers["accept"] == "application/json"
    assert request.answered is None
    assert stand_in.requests("/cdx") == []


def test_names_can_stand_for_addresses_of_this_machine(
    stand_in: ArchiveStandIn, client: httpx.Client, site: str
) -> None:
    """
    A round over named hosts is saved with the real bodies, too.
    """
    stand_in.hosts["source.test"] = "127.0.0.1"
    url = site.replace("127.0.0.1", "source.test") + "/page"

    status(client, save(client, url)["job_id"])

    assert stand_in.captures_of(url)[0].body == b"<p>As it was said.</p>"
