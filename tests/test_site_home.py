"""The home page: how fresh the answers are, who is needed, what changed; and the feed."""

from __future__ import annotations

import asyncio
import html
import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import httpx
import pytest

from tests.site_data import Archive
from verifier.ledger import Ledger
from verifier.records import Run
from verifier.site import server
from verifier.site.cells import badge
from verifier.site.columns import COLUMNS
from verifier.site.groups import HEADINGS
from verifier.site.queries import QUERIES

NOW = datetime.now(UTC).replace(microsecond=0)


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def ago(**span: float) -> str:
    """A time so long ago, as the database writes it."""
    return stamp(NOW - timedelta(**span))


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An archive before its first round."""
    return Archive.new(tmp_path / "archive")


def rounds(archive: Archive, *days: float, first: int = 1, **values: Any) -> None:
    """Conclusive rounds so many days ago, the oldest first."""
    for number, day in enumerate(days, first):
        archive.run(number, **{"started_at": ago(days=day), "ended_at": ago(days=day), **values})


def get(archive: Archive, *paths: str) -> list[httpx.Response]:
    """What the site answers to each."""
    site = server.build(archive.database, archive.warc)

    async def look() -> list[httpx.Response]:
        return [await site.client.get(path) for path in paths]

    found = asyncio.run(look())
    site.executor.shutdown()
    return found


def home(archive: Archive) -> str:
    """The page's words, without its markup."""
    (page,) = get(archive, "/")
    assert page.status_code == 200, page.text
    return html.unescape(page.text)


def ids(found: httpx.Response) -> list[str]:
    return [row["id"] for row in found.json()]


# ---- freshness ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/audit/audit", "/audit", "/audit/audit/a", "/audit/stale"])
def test_an_overdue_table_says_so_on_every_page(archive: Archive, path: str) -> None:
    """Who follows a link from a mail to a table must see that it stopped two weeks ago."""
    rounds(archive, 17, 16, 15, 14)
    archive.source("a")

    (page,) = get(archive, path)

    assert "Overdue: what stands here is old" in page.text
    assert "14 days ago" in page.text
    assert "rounds usually come every 1 day" in page.text
    assert page.text.index("v-stale") < page.text.index('class="content"')


def test_a_fresh_table_warns_of_nothing(archive: Archive) -> None:
    """A warning that is always there is read by nobody."""
    rounds(archive, 3.1, 2.1, 1.1, 0.1)
    archive.source("a", next_check_at=ago(days=-3))

    page = home(archive)

    assert 'class="v-warning' not in page
    assert re.search(r"Last good round</dt><dd>2 hours ago, ", page)
    assert re.search(r"Next round</dt><dd>is expected by .*; rounds come about every 1 day", page)


def test_sources_long_due_make_the_table_overdue(archive: Archive) -> None:
    """A worker that looks at nothing can still end its rounds well."""
    rounds(archive, 2, 1)
    archive.source("a", next_check_at=ago(days=9))

    assert "Sources have been due since" in home(archive)


def test_failing_rounds_are_told_with_reason_and_since_when(archive: Archive) -> None:
    """An outage of ours is nobody else's news."""
    rounds(archive, 2, 1)
    rounds(archive, 0.5, 0.2, first=3, outcome="inconclusive", reason="no canary answered")

    page = home(archive)

    assert "The newest rounds told nothing" in page
    assert "2 rounds were not conclusive since" in page
    assert "the newest, round 4, was inconclusive (no canary answered)" in page
    assert "v-stale" not in page


def test_a_round_under_way_is_told(archive: Archive) -> None:
    """Half of the checks are new and none of the answers: that should be explained."""
    rounds(archive, 2, 1)
    archive.run(3, started_at=ago(minutes=5), ended_at=None, outcome="running", head="")

    assert re.search(r"Round under way</dt><dd>since ", home(archive))


# ---- who is needed -----------------------------------------------------------------------

CASES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "never": ({"quote": "absent", "quote_reason": "never-found: not there"}, ("misquoted",)),
    "until": (
        {"quote": "altered", "quote_reason": "found-until 2026-01-02: x"},
        ("source-changed",),
    ),
    "loose": ({"quote": "absent", "quote_kind": "paraphrase"}, ()),
    "gone": ({"link": "dead", "copy": "failed"}, ("dead-without-copy", "no-copy")),
    "waits": ({"link": "dead", "copy": "pending"}, ("dead-without-copy",)),
    "taken": ({"link": "hijacked"}, ("hijacked",)),
    "lost": ({"copy": "lost"}, ("copy-lost",)),
    "kept": ({"link": "dead", "copy": "confirmed"}, ("dead-with-copy",)),
    "wall": ({"link": "blocked", "link_since": ago(days=40)}, ("blocked-for-weeks",)),
    "new-wall": ({"link": "blocked", "link_since": ago(days=2)}, ()),
    "bare": ({"link": "invalid", "url": ""}, ("no-address",)),
    "typo": ({"link": "invalid", "url": "htp:/x"}, ("invalid",)),
    "barred": ({"copy": "excluded"}, ("no-copy",)),
    "fine": ({}, ()),
}


def test_each_heading_counts_what_its_link_shows(archive: Archive) -> None:
    """A count that leads to another number of rows makes both doubtful."""
    rounds(archive, 1)
    for name, (answers, _) in CASES.items():
        archive.source(name, **answers)
    links = [f"/audit/audit?{heading.query_string(NOW)}" for heading in HEADINGS]
    tables = [link.replace("?", ".json?_shape=array&") for link in links]

    page, *found = get(archive, "/", *tables)

    for heading, link, shown in zip(HEADINGS, links, found, strict=True):
        expected = {name for name, (_, under) in CASES.items() if heading.name in under}
        assert set(ids(shown)) == expected, heading.name
        count = re.search(
            rf'href="{re.escape(html.escape(link))}"><strong class="v-count">(\d+)</strong> '
            rf"{heading.title}",
            page.text,
        )
        assert count is not None, heading.name
        assert int(count[1]) == len(expected)


def test_the_headings_are_in_the_order_of_weight() -> None:
    """Misquoting somebody is worse than a dead link: the issue's order."""
    assert [heading.name for heading in HEADINGS][:8] == [
        "misquoted",
        "source-changed",
        "dead-without-copy",
        "hijacked",
        "copy-lost",
        "dead-with-copy",
        "blocked-for-weeks",
        "no-address",
    ]


# ---- the three questions -----------------------------------------------------------------


def test_each_count_of_the_three_bars_links_to_its_rows(archive: Archive) -> None:
    """The picture is for the eye; the numbers beside it are for everybody."""
    rounds(archive, 1)
    for name in ("a", "b", "c"):
        archive.source(name)
    archive.source("d", link="dead", quote="no_quote", copy="none")

    (page,) = get(archive, "/")

    for axis, word, count in (
        ("link", "live", 3), ("link", "dead", 1), ("quote", "found", 3),
        ("quote", "no_quote", 1), ("copy", "captured", 3), ("copy", "none", 1),
    ):  # fmt: skip
        row = re.search(rf'<a href="/audit/audit\?{axis}={word}">(.*?)</a>', page.text)
        assert row is not None
        assert str(badge(axis, word)) in row[1]
        assert f'<span class="v-count">{count}</span>' in row[1]
    for bar in re.findall(r"<svg class=\"v-bar\".*?</svg>", page.text, re.DOTALL):
        widths = [float(width) for width in re.findall(r'<rect [^>]*width="([^"]+)"', bar)]
        assert widths == [750.0, 250.0]
        assert 'aria-hidden="true"' in bar
    assert "not that they are true" in page.text


# ---- what changed ------------------------------------------------------------------------


def test_the_news_of_the_last_good_round_lead_to_the_sources(archive: Archive) -> None:
    """What happened last night is what a maintainer comes for."""
    news = [
        ["a/b", "link", "suspect", "live", "ok"],
        ["c", "quote", "found", "absent", "found-until 2026-10-01: <gone>"],
        ["d", "link", "", "live", "ok"],
    ]
    rounds(archive, 1, news=json.dumps(news))
    rounds(archive, 0.2, first=2, outcome="inconclusive", reason="x", news="[]")
    for name in ("a/b", "c", "d"):
        archive.source(name)

    (page,) = get(archive, "/")

    listed = re.findall(r'<li(?: class="v-is-bad")?>(<a .*?|\d.*?)</li>', page.text)
    told = [line for line in listed if "→" in line or "new" in line]
    assert told[0].startswith('<a href="/audit/audit/c">c</a>: quote found → absent')
    assert "&lt;gone&gt;" in told[0]
    assert told[1].startswith('<a href="/audit/audit/a~2Fb">a/b</a>: link suspect → live')
    assert told[2] == "1 source is new"


def test_news_of_a_huge_first_round_are_not_read(archive: Archive) -> None:
    """100,000 sources make 30 MB of news; the home page must not carry them."""
    news = [[f"s{n}", "link", "", "live", "ok " * 20] for n in range(8_000)]
    news.append(["a", "link", "live", "dead", "gone"])
    rounds(archive, 1, news=json.dumps(news))
    archive.source("a", title="The one")

    page, feed = get(archive, "/", "/-/changes.atom")

    assert "More than can be listed here." in page.text
    entries = feedparser.parse(feed.content).entries
    assert [entry.title for entry in entries] == ["The one: link live → dead"]


def test_the_feed_is_atom_and_every_page_names_it(archive: Archive) -> None:
    """A reader's program takes the site's own address and looks for the feed itself."""
    rounds(archive, 1, news='[["a/ü", "link", "live", "dead", "gone: <410>"]]')
    archive.source("a/ü", title="Title & all")

    page, table, feed = get(archive, "/", "/audit/audit", "/-/changes.atom")

    for shown in (page, table):
        link = re.search(r'<link rel="alternate" type="application/atom\+xml"[^>]*>', shown.text)
        assert link is not None
        assert 'href="/-/changes.atom"' in link[0]
    assert feed.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    found = feedparser.parse(feed.content)
    assert not found.bozo
    (entry,) = found.entries
    assert entry.title == "Title & all: link live → dead"
    path = entry.link.removeprefix("http://localhost")
    (source,) = get(archive, path)
    assert source.status_code == 200


def test_the_feed_of_a_ledger_keeps_its_id(archive: Archive) -> None:
    """It is the chain's first link that makes the ids: the same before and after more rounds."""
    archive.run()
    with Ledger(archive.database) as ledger, ledger.transaction():
        ledger.end_run(Run(id=1, started_at=NOW, outcome="conclusive"), derived=False)
    before = feedparser.parse(get(archive, "/-/changes.atom")[0].content)
    rounds(archive, 1, first=2, news='[["a", "link", "live", "dead", ""]]')

    after = feedparser.parse(get(archive, "/-/changes.atom")[0].content)

    assert before.feed.id == after.feed.id


# ---- over time ---------------------------------------------------------------------------


def test_the_pictures_show_what_the_query_beside_them_says(archive: Archive) -> None:
    """The numbers behind a picture are one click away, and the same."""
    rounds(archive, 2, 1)
    archive.source("a")
    for day, answer, sources, number in (
        (2, "live", 5, 1), (1, "live", 3, 2), (1, "dead", 2, 2), (400, "moved", 9, 1),
    ):  # fmt: skip
        archive.insert(
            "daily",
            day=ago(days=day)[:10],
            axis="link",
            answer=answer,
            sources=sources,
            run_id=number,
        )

    page, table = get(archive, "/", "/audit/link_over_time.json?_shape=array")

    labels = re.findall(r'aria-label="([^"]*)"', page.text)
    days = ago(days=2)[:10], ago(days=1)[:10]
    assert f"link live: 5 on {days[0]}, 3 on {days[1]}; between 3 and 5" in labels
    assert f"link dead: 0 on {days[0]}, 2 on {days[1]}; between 0 and 2" in labels
    assert not [label for label in labels if "moved" in label]
    assert 'href="/audit/link_over_time"' in page.text
    newest = table.json()[0]
    assert (newest["day"], newest["live"], newest["dead"]) == (days[1], 3, 2)


# ---- queries -----------------------------------------------------------------------------


def test_every_query_answers_and_says_what_it_is_for(archive: Archive) -> None:
    """A query that fails on an empty table fails on the day of the set-up."""
    paths = [f"/audit/{name}" for name in QUERIES]
    empty = get(archive, *paths)
    rounds(archive, 1)
    for name, (answers, _) in CASES.items():
        archive.source(name, **answers)

    pages = get(archive, *paths)

    for path, before, page in zip(paths, empty, pages, strict=True):
        told = QUERIES[path.removeprefix("/audit/")]
        assert before.status_code == page.status_code == 200, path
        assert html.escape(told["description"], quote=False)[:40] in page.text.replace("&#39;", "'")
    assert set(QUERIES) >= {
        "needs_a_person", "corrections", "changed_since", "source_changed", "one_keeper",
        "blocked_without_copy", "never_live", "claims_without_address", "archive_failures",
        "stale", "summary",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "answers", "others"),
    [
        ("corrections", {"quote": "absent"}, {"quote": "absent", "quote_kind": "paraphrase"}),
        ("source_changed", {"quote": "absent", "quote_reason": "found-until 2026-01-01: x"},
         {"quote": "absent", "quote_reason": "never-found: x"}),
        ("one_keeper", {"keepers": 1}, {"keepers": 2}),
        ("blocked_without_copy", {"link": "blocked", "copy": "failed"}, {"link": "blocked"}),
        ("never_live", {"link": "suspect"}, {"link": "suspect", "last_live_at": ago(days=3)}),
        ("claims_without_address", {"link": "invalid", "url": ""}, {"link": "invalid"}),
        ("stale", {"next_check_at": ago(days=2)}, {"next_check_at": ago(hours=2)}),
        ("stale", {"link": "unchecked"}, {"next_check_at": ago(days=-2)}),
    ],
)  # fmt: skip
def test_a_query_finds_its_sources_and_no_others(
    archive: Archive, query: str, answers: dict[str, Any], others: dict[str, Any]
) -> None:
    """Each is a question that somebody will act on."""
    archive.source("wanted", **answers)
    archive.source("other", **others)

    (found,) = get(archive, f"/audit/{query}.json?_shape=array")

    assert ids(found) == ["wanted"]


def test_the_summary_counts_every_source_three_times(archive: Archive) -> None:
    """Its parts have to add up to the whole, for each question."""
    for name, (answers, _) in CASES.items():
        archive.source(name, **answers)

    (found,) = get(archive, "/audit/summary.json?_shape=array")

    for axis in ("link", "quote", "copy"):
        rows = [row for row in found.json() if row["question"] == axis]
        assert sum(row["sources"] for row in rows) == len(CASES)
        assert abs(sum(row["percent"] for row in rows) - 100) < 1


# ---- tables ------------------------------------------------------------------------------


def test_the_search_finds_titles_claims_and_quotations(archive: Archive) -> None:
    """Somebody remembers three words of a quotation, and not where it was from."""
    archive.source("title", title="The Émigré’s report")
    archive.source("claim", claim="Four émigrés left")
    archive.source("words", cited="said the émigré at night")
    archive.source("other", url="https://emigre.example/")

    found, page = get(
        archive, "/audit/audit.json?_shape=array&_search=emigre", "/audit/audit?_search=emigre"
    )

    assert set(ids(found)) == {"title", "words"}
    assert 'name="_search"' in page.text
    assert 'name="_search"' in home(archive)


def test_descriptions_are_of_columns_that_exist(archive: Archive) -> None:
    """A description of what is no longer there misleads; the audit's own are complete."""
    with closing(sqlite3.connect(archive.database)) as connection:
        columns = {
            table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            for table in COLUMNS
        }

    for table, told in COLUMNS.items():
        assert set(told) <= set(columns[table]), table
    assert list(COLUMNS["audit"]) == columns["audit"]


def test_the_contract_s_order_of_columns_stays_in_json_and_csv(archive: Archive) -> None:
    """Programs read CSV by position, whatever a manual says."""
    archive.source("a")

    table, lines = get(archive, "/audit/audit.json?_shape=array", "/audit/audit.csv")

    assert list(table.json()[0]) == list(COLUMNS["audit"])
    assert lines.text.splitlines()[0].split(",") == list(COLUMNS["audit"])
