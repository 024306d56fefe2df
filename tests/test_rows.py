"""Rows and records: what is stored must come back as what was meant."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier import rows, schema
from verifier.addresses import host_of
from verifier.records import (
    Alternative,
    ArchivedHop,
    Asked,
    AuditRow,
    Capture,
    Change,
    Check,
    Copy,
    CopyFinding,
    Failure,
    Finding,
    Hop,
    Link,
    Lookup,
    Outcome,
    Preserve,
    Quote,
    QuoteKind,
    ReadBack,
    Reading,
    Reply,
    Run,
    Seen,
    Snapshot,
    Source,
    Standing,
    Submission,
    Truncated,
)

# ---- any record --------------------------------------------------------------------------

_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
_ids = st.integers(0, 2**40)
_moments = st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0))
_OF_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "str": _texts,
    "int": _ids,
    "float": st.floats(0, 1e9),
    "bool": st.booleans(),
    "datetime": _moments,
    "tuple[str, ...]": st.lists(_texts, max_size=3).map(tuple),
}
for _words in (Asked, Copy, Failure, Link, Outcome, Preserve, Quote, QuoteKind, Seen, Truncated):
    _OF_TYPE[_words.__name__] = st.sampled_from(_words)


def _records(kind: Any, **special: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Records of that kind with all fields drawn, by the types that they declare."""
    drawn = dict(special)
    for field in fields(kind):
        if field.name not in drawn:
            declared = str(field.type)
            strategy = _OF_TYPE[declared.removesuffix(" | None")]
            drawn[field.name] = st.none() | strategy if declared.endswith("None") else strategy
    return st.builds(kind, **drawn)


_OF_TYPE["tuple[ArchivedHop, ...]"] = st.lists(_records(ArchivedHop), max_size=2).map(tuple)

# The words and their differences are not read back.
_findings = _records(Finding, passage=st.just(""), end=st.none(), difference=st.just(()))
_checks = _records(
    Check,
    reading=_records(Reading, transport=st.just(False)),
    finding=st.none() | _findings,
    changed_around=st.just(0),  # no column has it: it follows from the passages
)
_audits = _records(AuditRow)
_extras = st.dictionaries(_texts, _texts, max_size=3).map(lambda told: tuple(told.items()))
_sources = _records(
    Source,
    alt_urls=st.lists(_records(Alternative), max_size=2).map(tuple),
    extra=_extras,
    preserve=st.sampled_from(Preserve),
    quote_kind=st.sampled_from(QuoteKind),
)


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    """Our tables, without their references to each other."""
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    connection.executescript(schema.FIRST + schema.RULED + schema.READ_BACK)
    yield connection
    connection.close()


def through(database: sqlite3.Connection, table: str, row: dict[str, Any]) -> dict[str, Any]:
    """The row as SQLite gives it back."""
    marks = ", ".join("?" * len(row))
    try:
        database.execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values())
        )
        (back,) = database.execute(f"SELECT * FROM {table}")
        return dict(back)
    finally:
        database.rollback()


# ---- there and back ----------------------------------------------------------------------


@given(_sources)
def test_a_source_comes_back(database: sqlite3.Connection, source: Source) -> None:
    """
    Rows are judged from the mirror, not from the file.
    """
    at = {"first_seen_at": "x", "changed_at": "x", "retired_at": None}

    assert rows.source(through(database, "sources", rows.of_source(source) | at)) == source


@given(_records(Capture), _ids)
def test_a_capture_comes_back(database: sqlite3.Connection, capture: Capture, run: int) -> None:
    """
    A copy is found again by file, offset and digest.
    """
    back = through(database, "captures", rows.of_capture(capture, run))

    assert back["run_id"] == run
    assert rows.capture(back) == capture


@given(_records(Submission))
def test_a_submission_comes_back(database: sqlite3.Connection, submission: Submission) -> None:
    """
    A killed round goes on from it: a lost state would be asked for twice.
    """
    back = through(database, "submissions", rows.of_submission(submission))

    assert rows.submission(back) == submission


@given(_records(Snapshot))
def test_a_snapshot_comes_back(database: sqlite3.Connection, snapshot: Snapshot) -> None:
    """
    Its timestamp and address are the copy.
    """
    assert rows.snapshot(through(database, "snapshots", rows.of_snapshot(snapshot))) == snapshot


@given(_records(ReadBack))
def test_a_reading_of_a_copy_comes_back(database: sqlite3.Connection, read: ReadBack) -> None:
    """
    Whether a copy is confirmed is judged from these rows, again and again.
    """
    assert rows.readback(through(database, "readbacks", rows.of_readback(read))) == read


@given(_records(CopyFinding, finding=_findings))
def test_a_finding_in_a_copy_comes_back(database: sqlite3.Connection, found: CopyFinding) -> None:
    """
    It is what makes a copy that agrees in nothing else a confirmed one.
    """
    back = through(database, "quote_findings", rows.of_copy_finding(found))

    assert rows.copy_finding(back | {"source_says": found.finding.source_says}) == found
    assert (back["found_in"], back["check_id"]) == ("wayback", None)


@given(_records(Lookup))
def test_a_look_up_comes_back(database: sqlite3.Connection, lookup: Lookup) -> None:
    """
    When the index was asked decides when it is asked again.
    """
    assert rows.lookup(through(database, "lookups", rows.of_lookup(lookup))) == lookup


@given(_records(Run, news=st.lists(_records(Change), max_size=2).map(tuple)))
def test_a_round_comes_back(database: sqlite3.Connection, run: Run) -> None:
    """
    The next round tells news by what this one told.
    """
    more = {"derived_to": 0, "sources_sha256": "", "software": "", "rules_version": 1}

    assert rows.run(through(database, "runs", rows.of_run(run) | more)) == run


@given(_checks)
def test_a_look_comes_back(database: sqlite3.Connection, check: Check) -> None:
    """
    A later version judges what was seen again, from these rows.
    """
    joined = through(database, "checks", rows.of_check(check)) | {
        "conclusive": int(check.conclusive),
        **dict.fromkeys(("result", "finding_reason", "score", "start", "page", "source_says")),
    }
    if check.finding is not None:
        found = rows.of_finding(check, 1, check.id, "digest")
        back = through(database, "quote_findings", found)
        joined |= {name: back[name] for name in ("result", "score", "start", "page")}
        joined |= {"finding_reason": back["reason"], "source_says": check.finding.source_says}

    assert rows.check(joined) == check


@settings(max_examples=50)
@given(_audits)
def test_an_audit_row_comes_back(database: sqlite3.Connection, audit: AuditRow) -> None:
    """
    The answers of the last round are where the next goes on from.
    """
    assert rows.audit(through(database, "audit", rows.of_audit(audit))) == audit


@settings(max_examples=50)
@given(_records(Standing, row=_audits))
def test_a_standing_comes_back(database: sqlite3.Connection, standing: Standing) -> None:
    """
    Strikes are counted from these dates.
    """
    back = through(database, "standings", rows.of_standing(standing))
    joined = rows.of_audit(standing.row) | back
    joined |= {"standing_url": back["url"], "url": standing.row.url}

    assert back["source_id"] == standing.row.id
    assert rows.standing(joined) == standing


# ---- times -------------------------------------------------------------------------------


@given(_moments)
def test_a_time_comes_back(at: datetime) -> None:
    """
    Archives name times of any year; none may make a row that can't be read.
    """
    stamped = rows.stamp(at)

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamped)
    assert rows.moment(stamped) == at


def test_times_are_utc_in_whole_seconds() -> None:
    """
    Times are compared as text in SQL: only one form may exist.
    """
    east = datetime(2026, 11, 22, 1, 30, 5, 999_999, timezone(timedelta(hours=2)))

    assert rows.stamp(east) == "2026-11-21T23:30:05Z"
    assert rows.moment("2026-11-21T23:30:05Z").utcoffset() == timedelta()


# ---- the contract's columns and hashes ---------------------------------------------------

AUDIT = (
    "id title link quote copy cited source_says quote_url snapshot_url keepers link_reason "
    "quote_reason copy_reason link_since quote_since copy_since checked_at last_live_at "
    "quote_first_found_at quote_last_found_at publisher published claim quote_kind lang locator "
    "url final_url suggested_url status agreement snapshot_at quote_local quote_wayback local_copy "
    "judged_by judged_until strikes next_check_at sha256 text_sha256 rules_version tags"
).split()


def test_audit_has_the_contracts_columns_in_its_order(database: sqlite3.Connection) -> None:
    """
    People's queries and exports name them.
    """
    columns = [row["name"] for row in database.execute("PRAGMA table_info(audit)")]

    assert columns == AUDIT
    assert list(rows.of_audit(AuditRow(id="a"))) == AUDIT
    assert rows.of_audit(AuditRow(id="a", tags=("x", "é")))["tags"] == '["x","é"]'


def test_a_row_that_only_moved_in_the_file_is_the_same_row() -> None:
    """
    Sorting the list changes nothing that anybody must know.
    """
    source = Source(id="a", url="https://a.example/#x", quote="words", line=3)

    def digest(**changed: Any) -> str:
        return str(rows.of_source(replace(source, **changed))["row_sha256"])

    assert digest(line=99) == digest()
    assert len({digest(), digest(note="x"), digest(claim="x"), digest(extra=(("x", "y"),))}) == 4
    assert rows.of_source(source)["address"] == "https://a.example/"
    assert rows.of_source(source)["host"] == host_of(source.url) == "a.example:443"


def test_an_empty_quotation_has_no_hash() -> None:
    """
    "" is the absence of words, not words with a hash.
    """
    assert rows.quote_sha256("") == ""
    assert rows.quote_sha256("Größe") == hashlib.sha256("Größe".encode()).hexdigest()


def test_hashes_are_the_contracts() -> None:
    """
    sha256 is of the decoded body; payload_sha1 of what came, as CDX writes it.
    """
    hop = Hop(
        url="https://a.example/",
        requested_at=datetime(2026, 11, 22, tzinfo=UTC),
        request=b"",
        peer="",
        version="HTTP/1.1",
        status=200,
        reason=b"OK",
        headers=(),
        body=b"",
    )
    sha256, payload_sha1 = rows.hashes(Reply(hops=(hop,), content=b"decoded"))

    assert sha256 == hashlib.sha256(b"decoded").hexdigest()
    assert payload_sha1 == "3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        (AuditRow, "audit"),
        (Capture, "captures"),
        (Lookup, "lookups"),
        (ReadBack, "readbacks"),
        (Snapshot, "snapshots"),
        (Submission, "submissions"),
    ],
)
def test_a_field_may_be_missing_only_where_the_column_may(
    database: sqlite3.Connection, kind: Any, table: str
) -> None:
    """
    A None in a NOT NULL column would end a round at its very end.
    """
    required = {
        row["name"] for row in database.execute(f"PRAGMA table_info({table})") if row["notnull"]
    }
    may_be_none = {field.name for field in fields(kind) if "None" in str(field.type)}

    assert may_be_none & required <= {"truncated"}  # kept as ""
    assert all(
        field.default is not MISSING or "None" not in str(field.type) for field in fields(kind)
    )


def test_words_are_stored_as_words() -> None:
    """
    "Link.DEAD" in a table would be nobody's answer.
    """
    row = rows.of_audit(AuditRow(id="a", link=Link.DEAD, quote_kind=QuoteKind.TITLE))

    assert (row["link"], row["quote_kind"]) == ("dead", "title")
    assert not any(isinstance(value, StrEnum | datetime | tuple) for value in row.values())
