"""A small web through two rounds, and everything that is told of it afterwards."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.archive_stand_in import ArchiveStandIn
from tests.loopback import Site, page, redirect
from tests.program import Program

HOSTS = tuple(f"127.0.0.{number}" for number in range(2, 8))
WARCIO = Path(sys.executable).with_name("warcio")
WALL = page(
    "<title>Just a moment...</title>",
    status=403,
    headers=[("cf-mitigated", "challenge"), ("Server", "cloudflare")],
)


def said(number: int) -> str:
    """What page *number* says."""
    return f"Sentence number {number} is here to be quoted"


def document(number: int) -> str:
    """Page *number*."""
    return (
        f"<!doctype html><html><head><title>Page {number}</title></head><body><main>"
        f"<p>Before it.</p><p>{said(number)}, and more.</p></main></body></html>"
    )


def web(site: Site) -> list[dict[str, str]]:
    """Thirty pages on six hosts, and the rows that cite them."""
    rows = []
    for number in range(30):
        host, target = HOSTS[number % 6], f"/page-{number}"
        site.set(f"{host}{target}", page(document(number), gzipped=number % 2 == 0))
        rows.append(
            {
                "id": f"p{number:02}",
                "url": site.url(target, host=host),
                "quote": f"“{said(number)}”" if number % 3 else "",
                "title": f"Page {number}",
                # a look into the index takes a process of its own: half of them are enough here
                "preserve": "public" if number % 2 else "local",
            }
        )
    return rows


def change(site: Site) -> None:
    """What happens to a web between two rounds."""

    def becomes(number: int, answer: Any) -> None:
        site.set(f"{HOSTS[number % 6]}/page-{number}", answer)

    becomes(0, page("not here", status=404))
    becomes(1, page("gone", status=410))
    becomes(2, page("oh dear", status=500))
    becomes(3, WALL)
    becomes(4, redirect(site.url("/new-4", host=HOSTS[4]), status=301))
    site.set(f"{HOSTS[4]}/new-4", page(document(4)))
    becomes(5, page(document(5).replace("to be quoted", "to be seen")))
    becomes(6, redirect("/", status=302))
    site.set(f"{HOSTS[0]}/", page("<p>Welcome</p>"))
    becomes(7, page("later", status=503))
    becomes(8, page("for members", status=401))
    becomes(9, redirect(site.url("/new-9", host=HOSTS[3]), status=302))
    site.set(f"{HOSTS[3]}/new-9", page(document(9)))


LINKS = {
    "p00": "suspect",
    "p01": "suspect",
    "p02": "suspect",
    "p03": "blocked",
    "p04": "moved",
    "p05": "live",
    "p06": "suspect",
    "p07": "live",
    "p08": "blocked",
    "p09": "live",
}


class Story:
    """Two rounds over the small web, and what everybody saw of them."""

    def __init__(self, folder: Path) -> None:
        with ArchiveStandIn(slots=10) as archive, Site(*HOSTS) as site:
            self.program = Program(
                folder,
                wayback_url=archive.base_url,
                ia_access_key=archive.access_key,
                ia_secret_key=archive.secret_key,
                preserve_budget=60,
            )
            self.rows = web(site)
            self.program.write(*self.rows)
            self.first = self.program.run("run")
            self.after_first = dict(self.program.sql("SELECT id, link FROM audit"))
            change(site)
            self.moved_to = site.url("/new-4", host=HOSTS[4])
            self.second = self.program.run("run", "--all")
            self.submissions = archive.submissions
            self.archive_url = archive.base_url
            self.visits = [v for v in site.visits if "verifier/" in v.header("User-Agent")]
            self.errors = archive.errors


def both_rounds_say_what_they_found(story: Story) -> None:
    """Summary and exit code are what cron and people see first."""
    assert (story.first.returncode, story.first.stderr) == (1, "")  # local copies only: no copy
    assert (story.second.returncode, story.second.stderr) == (1, "")
    assert "30 listed, 30 due, 30 checked" in story.first.stdout
    assert "30 listed, 30 due, 30 checked" in story.second.stdout
    assert story.errors == []
    assert [row[0] for row in story.program.sql("SELECT outcome FROM runs")] == ["conclusive"] * 2


def the_audit_table_says_what_became_of_each_page(story: Story) -> None:
    """Three answers, each with its reason."""
    assert set(story.after_first.values()) == {"live"}
    expected = {row["id"]: LINKS.get(row["id"], "live") for row in story.rows}
    assert story.program.audit("link") == expected

    reasons = story.program.audit("link_reason")
    for id, rule in {
        "p00": "http-404",
        "p01": "http-410",
        "p02": "http-500",
        "p03": "wall-",
        "p04": "http-301",
        "p06": "soft-404-home",
        "p08": "http-401",
    }.items():
        assert reasons[id].startswith(rule), reasons[id]
    assert story.program.audit("suggested_url")["p04"] == story.moved_to

    quotes = story.program.audit("quote")
    for number, row in enumerate(story.rows):
        wanted = "no_quote" if number % 3 == 0 else "altered" if number == 5 else "found"
        assert quotes[row["id"]] == wanted, row["id"]
    assert story.program.audit("quote_reason")["p05"].startswith("found-until ")
    assert story.program.audit("quote_last_found_at")["p05"] is not None
    assert "#:~:text=" in story.program.audit("quote_url")["p07"]


def each_public_page_was_submitted_once_and_the_others_never(story: Story) -> None:
    """Two rounds, one submission; the second asks nothing of what is kept already."""
    public = [row["url"] for row in story.rows if row["preserve"] == "public"]

    assert sorted(story.submissions) == sorted(public)
    copies = story.program.audit("copy")
    assert {copies[row["id"]] for row in story.rows if row["preserve"] == "public"} == {"confirmed"}
    assert {copies[row["id"]] for row in story.rows if row["preserve"] == "local"} == {"none"}
    for id, address in story.program.audit("snapshot_url").items():
        if copies[id] == "confirmed":
            assert address.startswith(f"{story.archive_url}/web/2")


def the_report_names_who_needs_a_person(story: Story) -> None:
    """From what is stored, and with the address to use instead."""
    for form in ("text", "markdown"):
        done = story.program.run("report", "--format", form)

        assert (done.returncode, done.stderr) == (0, "")
        for id in LINKS:
            if LINKS[id] != "live":
                assert id in done.stdout, id
        assert story.moved_to in done.stdout.replace("\\", "")
        assert "p05" in done.stdout  # its quotation isn't found any more: that is news
        assert "p29" not in done.stdout  # nothing is wrong with it


def the_ledger_can_be_recounted_by_anyone(story: Story) -> None:
    """SHA-256 over what is written there, one entry after the other, up to the printed head."""
    head = "0" * 64
    entries = story.program.sql("SELECT text, sha256, chain, kind FROM ledger ORDER BY seq")
    for text, digest, chain, _ in entries:
        assert hashlib.sha256(text.encode()).hexdigest() == digest
        head = hashlib.sha256((head + digest).encode()).hexdigest()
        assert chain == head
    assert head in story.second.stdout
    kinds = [kind for *_, kind in entries]
    assert kinds.count("check") == 60
    assert kinds.count("run") == 2
    assert kinds.count("capture") == story.program.sql("SELECT count(*) FROM captures")[0][0]


def what_was_kept_is_what_the_servers_sent(story: Story) -> None:
    """Byte for byte, found by file and offset alone, without any code of ours."""
    folder = story.program.folder / "archive" / "warc"
    found = story.program.sql(
        "SELECT url, file, offset, length, sha256, payload_sha256, status FROM captures "
        "WHERE url LIKE '%/page-%' AND run_id = 1 AND revisit_of IS NULL"
    )
    assert len(found) == 30
    for url, file, offset, length, sha256, payload_sha256, status in found:
        with (folder / file).open("rb") as warc:
            warc.seek(offset)
            record = gzip.decompress(warc.read(length))
        fields, _, rest = record.partition(b"\r\n\r\n")
        head, _, payload = rest.removesuffix(b"\r\n\r\n").partition(b"\r\n\r\n")
        assert fields.startswith(b"WARC/1.1\r\n")
        assert f"WARC-Target-URI: {url}\r\n".encode() in fields + b"\r\n"
        assert head.startswith(f"HTTP/1.1 {status} ".encode())
        number = int(url.rpartition("-")[2])
        body = document(number).encode()
        assert payload == (gzip.compress(body, mtime=0) if number % 2 == 0 else body)
        assert hashlib.sha256(payload).hexdigest() == payload_sha256
        assert hashlib.sha256(body).hexdigest() == sha256


def what_did_not_change_was_noted_as_a_revisit(story: Story) -> None:
    """The second round of an unchanged web costs next to no disk."""
    revisits = story.program.sql(
        "SELECT now.url, before.url, before.run_id FROM captures now "
        "JOIN captures before ON before.id = now.revisit_of WHERE now.run_id = 2"
    )

    assert len(revisits) == 20
    assert all(now == before and run == 1 for now, before, run in revisits)


def warcio_finds_every_digest_right(story: Story) -> None:
    """A program that is not ours reads the files to their end."""
    files = sorted((story.program.folder / "archive" / "warc").rglob("*.warc.gz"))
    assert files

    done = subprocess.run(
        [WARCIO, "check", "-v", *files], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "fail" not in done.stdout.lower()


def a_copy_of_the_folder_is_a_backup(story: Story) -> None:
    """The write-ahead log is folded in at the end of a round."""
    wal = story.program.database.with_name("audit.db-wal")
    assert not wal.exists() or wal.stat().st_size == 0

    backup = Program(story.program.folder / "backup")
    backup.database.parent.mkdir(parents=True)
    backup.database.write_bytes(story.program.database.read_bytes())

    assert backup.dump() == story.program.dump()


def fetch(url: str) -> tuple[str, Any]:
    """(body, headers) of a page."""
    with urllib.request.urlopen(url, timeout=20) as response:
        return response.read().decode(), response.headers


def the_served_pages_say_so_too(story: Story) -> None:
    """What a reader opens: the table, a source's page and the archived copy."""
    with story.program.serving() as address:
        table, _ = fetch(f"{address}/audit/audit.json?_shape=array&_size=max")
        assert {row["id"]: row["link"] for row in json.loads(table)} == story.program.audit("link")
        dead, _ = fetch(f"{address}/audit/audit.json?_shape=array&link=moved")
        assert [row["suggested_url"] for row in json.loads(dead)] == [story.moved_to]

        row, _ = fetch(f"{address}/audit/audit/p00")
        assert "http-404" in row
        assert "suspect" in row

        (capture,) = story.program.sql("SELECT local_copy FROM audit WHERE id = 'p00'")
        copy, headers = fetch(f"{address}/-/archived/{capture[0]}/document")
        assert said(0) in copy
        assert "sandbox" in headers["Content-Security-Policy"]


def test_a_small_web_through_two_rounds(tmp_path: Path) -> None:
    """Some pages died, moved, changed or were walled in between: everything says so."""
    story = Story(tmp_path)

    both_rounds_say_what_they_found(story)
    the_audit_table_says_what_became_of_each_page(story)
    each_public_page_was_submitted_once_and_the_others_never(story)
    the_report_names_who_needs_a_person(story)
    the_ledger_can_be_recounted_by_anyone(story)
    what_was_kept_is_what_the_servers_sent(story)
    what_did_not_change_was_noted_as_a_revisit(story)
    warcio_finds_every_digest_right(story)
    a_copy_of_the_folder_is_a_backup(story)
    the_served_pages_say_so_too(story)


def test_serving_works_before_the_first_round(tmp_path: Path) -> None:
    """systemd starts it on the first day."""
    with Program(tmp_path).serving() as address:
        table, _ = fetch(f"{address}/audit/audit.json?_shape=array")

    assert json.loads(table) == []
