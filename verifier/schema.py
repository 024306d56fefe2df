"""The tables of the audit database, as the contract names them."""

from __future__ import annotations

APPEND_ONLY = (
    "checks",
    "captures",
    "quote_findings",
    "judgements",
    "readings",
    "readbacks",
    "probes",
)
"""Tables whose rows are never changed; ``ledger`` is one too, and chains the rows of these."""

FIRST = """CREATE TABLE sources (
    id TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    fetch_url TEXT NOT NULL,
    address TEXT NOT NULL,
    host TEXT NOT NULL,
    quote TEXT NOT NULL,
    quote_kind TEXT NOT NULL,
    quote_from TEXT NOT NULL,
    lang TEXT NOT NULL,
    locator TEXT NOT NULL,
    claim TEXT NOT NULL,
    publisher TEXT NOT NULL,
    title TEXT NOT NULL,
    published TEXT NOT NULL,
    accessed TEXT NOT NULL,
    cited_in TEXT NOT NULL,
    tags TEXT NOT NULL,
    note TEXT NOT NULL,
    archive_url TEXT NOT NULL,
    alt_urls TEXT NOT NULL,
    preserve TEXT NOT NULL,
    extra TEXT NOT NULL,
    fault TEXT NOT NULL,
    line INTEGER NOT NULL,
    quote_sha256 TEXT NOT NULL,
    row_sha256 TEXT NOT NULL,
    first_seen_at TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    retired_at TEXT
) STRICT;
CREATE INDEX sources_address ON sources(address);

CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    network TEXT NOT NULL,
    listed INTEGER NOT NULL,
    wrong_rows INTEGER NOT NULL,
    problems TEXT NOT NULL,
    due INTEGER NOT NULL,
    checked INTEGER NOT NULL,
    preserve TEXT NOT NULL,
    derived_to INTEGER NOT NULL,
    sources_sha256 TEXT NOT NULL,
    software TEXT NOT NULL,
    rules_version INTEGER NOT NULL,
    news TEXT NOT NULL,
    head TEXT NOT NULL
) STRICT;

CREATE TABLE captures (
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES runs(id),
    url TEXT NOT NULL,
    captured_at TEXT NOT NULL,
    hop INTEGER NOT NULL,
    status INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    file TEXT NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    record_id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    payload_sha256 TEXT NOT NULL,
    payload_sha1 TEXT NOT NULL,
    body_length INTEGER NOT NULL,
    truncated TEXT NOT NULL,
    revisit_of INTEGER REFERENCES captures(id)
) STRICT;
CREATE INDEX captures_url ON captures(url, payload_sha256);
CREATE INDEX captures_run ON captures(run_id);

CREATE TABLE checks (
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES runs(id),
    source_id TEXT NOT NULL REFERENCES sources(id),
    url TEXT NOT NULL,
    address TEXT NOT NULL,
    checked_at TEXT NOT NULL,
    elapsed_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    seen TEXT NOT NULL,
    rule TEXT NOT NULL,
    reason TEXT NOT NULL,
    rules_version INTEGER NOT NULL,
    status INTEGER,
    failure TEXT NOT NULL,
    detail TEXT NOT NULL,
    final_url TEXT NOT NULL,
    suggested_url TEXT NOT NULL,
    hops TEXT NOT NULL,
    peer TEXT NOT NULL,
    headers TEXT NOT NULL,
    content_type TEXT NOT NULL,
    title TEXT NOT NULL,
    truncated TEXT NOT NULL,
    undecoded TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    payload_sha1 TEXT NOT NULL,
    text_sha256 TEXT NOT NULL,
    text_version INTEGER NOT NULL,
    retry_after TEXT,
    capture_id INTEGER REFERENCES captures(id)
) STRICT;
CREATE INDEX checks_source ON checks(source_id, id);
CREATE INDEX checks_run ON checks(run_id);

CREATE TABLE quote_findings (
    id INTEGER PRIMARY KEY,
    check_id INTEGER NOT NULL REFERENCES checks(id),
    capture_id INTEGER REFERENCES captures(id),
    source_id TEXT NOT NULL REFERENCES sources(id),
    found_in TEXT NOT NULL,
    found_at TEXT NOT NULL,
    quote_sha256 TEXT NOT NULL,
    result TEXT NOT NULL,
    reason TEXT NOT NULL,
    score REAL,
    start INTEGER,
    page INTEGER,
    text_sha256 TEXT NOT NULL,
    text_version INTEGER NOT NULL,
    rules_version INTEGER NOT NULL
) STRICT;
CREATE INDEX quote_findings_source ON quote_findings(source_id, id);
CREATE INDEX quote_findings_check ON quote_findings(check_id);

CREATE TABLE passages (
    finding_id INTEGER PRIMARY KEY REFERENCES quote_findings(id),
    passage TEXT NOT NULL,
    source_says TEXT NOT NULL
) STRICT;

CREATE TABLE submissions (
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES runs(id),
    address TEXT NOT NULL,
    archive TEXT NOT NULL,
    state TEXT NOT NULL,
    intent_at TEXT NOT NULL,
    asked_at TEXT,
    answered_at TEXT,
    job_id TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    tries INTEGER NOT NULL,
    retry_at TEXT,
    snapshot_id INTEGER REFERENCES snapshots(id)
) STRICT;
CREATE INDEX submissions_address ON submissions(address, id);
CREATE INDEX submissions_state ON submissions(state);

CREATE TABLE snapshots (
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES runs(id),
    address TEXT NOT NULL,
    archive TEXT NOT NULL,
    via TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    original TEXT NOT NULL,
    captured_at TEXT NOT NULL,
    url TEXT NOT NULL,
    status INTEGER,
    mimetype TEXT NOT NULL,
    digest TEXT NOT NULL,
    known_at TEXT NOT NULL,
    UNIQUE (address, archive, timestamp, original)
) STRICT;
CREATE INDEX snapshots_address ON snapshots(address, timestamp);

CREATE TABLE lookups (
    address TEXT PRIMARY KEY,
    archive TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    answer TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

CREATE TABLE judgements (
    id INTEGER PRIMARY KEY,
    source_id TEXT NOT NULL REFERENCES sources(id),
    url TEXT NOT NULL,
    link TEXT NOT NULL,
    reason TEXT NOT NULL,
    judged_by TEXT NOT NULL,
    judged_at TEXT NOT NULL,
    until TEXT NOT NULL
) STRICT;
CREATE INDEX judgements_source ON judgements(source_id, id);

CREATE TABLE ledger (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key INTEGER NOT NULL,
    text TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    chain TEXT NOT NULL
) STRICT;

CREATE TABLE standings (
    source_id TEXT PRIMARY KEY REFERENCES sources(id),
    url TEXT NOT NULL,
    quote_sha256 TEXT NOT NULL,
    check_id INTEGER,
    first_checked_at TEXT,
    failing_since TEXT,
    last_strike_at TEXT,
    gone_since TEXT
) STRICT;

CREATE TABLE audit (
    id TEXT PRIMARY KEY REFERENCES sources(id),
    title TEXT NOT NULL,
    link TEXT NOT NULL,
    quote TEXT NOT NULL,
    copy TEXT NOT NULL,
    cited TEXT NOT NULL,
    source_says TEXT NOT NULL,
    quote_url TEXT NOT NULL,
    snapshot_url TEXT NOT NULL,
    keepers INTEGER NOT NULL,
    link_reason TEXT NOT NULL,
    quote_reason TEXT NOT NULL,
    copy_reason TEXT NOT NULL,
    link_since TEXT,
    quote_since TEXT,
    copy_since TEXT,
    checked_at TEXT,
    last_live_at TEXT,
    quote_first_found_at TEXT,
    quote_last_found_at TEXT,
    publisher TEXT NOT NULL,
    published TEXT NOT NULL,
    claim TEXT NOT NULL,
    quote_kind TEXT NOT NULL,
    lang TEXT NOT NULL,
    locator TEXT NOT NULL,
    url TEXT NOT NULL,
    final_url TEXT NOT NULL,
    suggested_url TEXT NOT NULL,
    status INTEGER,
    agreement TEXT NOT NULL,
    snapshot_at TEXT,
    quote_local TEXT NOT NULL,
    quote_wayback TEXT NOT NULL,
    local_copy INTEGER,
    judged_by TEXT NOT NULL,
    judged_until TEXT,
    strikes INTEGER NOT NULL,
    next_check_at TEXT,
    sha256 TEXT NOT NULL,
    text_sha256 TEXT NOT NULL,
    rules_version INTEGER NOT NULL,
    tags TEXT NOT NULL
) STRICT;
CREATE INDEX audit_link ON audit(link);
CREATE INDEX audit_quote ON audit(quote);
CREATE INDEX audit_copy ON audit(copy);
CREATE INDEX audit_checked_at ON audit(checked_at);
CREATE INDEX audit_link_since ON audit(link_since);
CREATE INDEX audit_quote_since ON audit(quote_since);
"""

RULED = """ALTER TABLE standings ADD COLUMN ruled_link TEXT NOT NULL DEFAULT '';
ALTER TABLE standings ADD COLUMN ruled_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE standings ADD COLUMN ruled_since TEXT;

CREATE TABLE readings (
    id INTEGER PRIMARY KEY,
    check_id INTEGER NOT NULL REFERENCES checks(id),
    run_id INTEGER NOT NULL REFERENCES runs(id),
    read_at TEXT NOT NULL,
    seen TEXT NOT NULL,
    rule TEXT NOT NULL,
    reason TEXT NOT NULL,
    suggested_url TEXT NOT NULL,
    rules_version INTEGER NOT NULL,
    text_sha256 TEXT NOT NULL,
    text_version INTEGER NOT NULL
) STRICT;
CREATE INDEX readings_check ON readings(check_id, id);
"""
"""What the rules say beneath a person's word, and what a stored look means by newer rules."""

READ_BACK = """CREATE TABLE readbacks (
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES runs(id),
    snapshot_id INTEGER NOT NULL REFERENCES snapshots(id),
    read_at TEXT NOT NULL,
    outcome TEXT NOT NULL,
    memento_datetime TEXT,
    status INTEGER,
    original TEXT NOT NULL,
    hops TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    text_sha256 TEXT NOT NULL,
    text_version INTEGER NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX readbacks_snapshot ON readbacks(snapshot_id, id);

ALTER TABLE snapshots ADD COLUMN next_read_at TEXT;
ALTER TABLE snapshots ADD COLUMN lost_at TEXT;
ALTER TABLE snapshots ADD COLUMN agreement TEXT NOT NULL DEFAULT '';
CREATE INDEX snapshots_next_read_at ON snapshots(next_read_at);

CREATE TABLE near_lookups (
    address TEXT NOT NULL,
    near TEXT NOT NULL,
    archive TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    answer TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (address, near)
) STRICT;

CREATE TABLE new_quote_findings (
    id INTEGER PRIMARY KEY,
    check_id INTEGER REFERENCES checks(id),
    capture_id INTEGER REFERENCES captures(id),
    source_id TEXT NOT NULL REFERENCES sources(id),
    found_in TEXT NOT NULL,
    found_at TEXT NOT NULL,
    quote_sha256 TEXT NOT NULL,
    result TEXT NOT NULL,
    reason TEXT NOT NULL,
    score REAL,
    start INTEGER,
    page INTEGER,
    text_sha256 TEXT NOT NULL,
    text_version INTEGER NOT NULL,
    rules_version INTEGER NOT NULL,
    snapshot_id INTEGER REFERENCES snapshots(id),
    CHECK (check_id IS NOT NULL OR snapshot_id IS NOT NULL)
) STRICT;
INSERT INTO new_quote_findings SELECT *, NULL FROM quote_findings ORDER BY id;
DROP TABLE quote_findings;
ALTER TABLE new_quote_findings RENAME TO quote_findings;
CREATE INDEX quote_findings_source ON quote_findings(source_id, id);
CREATE INDEX quote_findings_check ON quote_findings(check_id);
CREATE INDEX quote_findings_snapshot ON quote_findings(snapshot_id, source_id);
"""
"""What reading a copy back gave, and what is said of the quotation there.

A finding is of a look at the page or of a reading of a copy. ``snapshots`` says beside what the
archive named when the copy is read next, since when it is lost, and what agreed at last.
"""

SHOWN = (
    """CREATE TABLE daily (
    day TEXT NOT NULL,
    axis TEXT NOT NULL,
    answer TEXT NOT NULL,
    sources INTEGER NOT NULL,
    run_id INTEGER NOT NULL REFERENCES runs(id),
    PRIMARY KEY (day, axis, answer)
) STRICT""",
    """CREATE VIRTUAL TABLE audit_fts USING fts5(
    "title", "claim", "cited", content="audit", tokenize="unicode61 remove_diacritics 2"
)""",
)
"""What only the site needs: the answers of each day in numbers, and a search over words."""

FASTER = (
    "DROP INDEX audit_link",
    "DROP INDEX audit_quote",
    "DROP INDEX audit_copy",
    "CREATE INDEX audit_link ON audit(link, link_since)",
    "CREATE INDEX audit_quote ON audit(quote, link_since)",
    "CREATE INDEX audit_copy ON audit(copy, link_since)",
    "CREATE INDEX audit_copy_since ON audit(copy_since)",
    "CREATE INDEX audit_next_check_at ON audit(next_check_at)",
    "CREATE INDEX audit_answers"
    " ON audit(link, quote, copy, quote_kind, quote_first_found_at, link_since)",
    "CREATE INDEX audit_quote_answers ON audit(quote, quote_kind, copy, link)",
    "CREATE INDEX audit_copy_answers ON audit(copy, link, quote)",
)
"""A page of the table filtered by one answer is read in order from the first three; counts and
facets of the answers are taken from the last three alone, without a look at the rows."""

_ENTER = (
    "INSERT INTO audit_fts(rowid, title, claim, cited)"
    " VALUES (new.rowid, new.title, new.claim, new.cited);"
)
_LEAVE = (
    "INSERT INTO audit_fts(audit_fts, rowid, title, claim, cited)"
    " VALUES ('delete', old.rowid, old.title, old.claim, old.cited);"
)
_OTHER_WORDS = "(old.title, old.claim, old.cited) IS NOT (new.title, new.claim, new.cited)"

SEARCHABLE = (
    f"CREATE TRIGGER IF NOT EXISTS audit_found_insert AFTER INSERT ON audit BEGIN {_ENTER} END",
    f"CREATE TRIGGER IF NOT EXISTS audit_found_delete AFTER DELETE ON audit BEGIN {_LEAVE} END",
    "CREATE TRIGGER IF NOT EXISTS audit_found_update AFTER UPDATE ON audit"
    f" WHEN {_OTHER_WORDS} BEGIN {_LEAVE} {_ENTER} END",
    "INSERT INTO audit_fts(audit_fts) VALUES ('rebuild')",
)
"""The search follows ``audit``, and writes only where the words are others: a round over 100,000
sources whose titles stayed costs it nothing. Done again after every migration: ``transform``
drops triggers and may give rows other numbers."""


SECOND = """CREATE TABLE probes (
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES runs(id),
    address TEXT NOT NULL,
    url TEXT NOT NULL,
    final_url TEXT NOT NULL,
    probed_at TEXT NOT NULL,
    status INTEGER,
    failure TEXT NOT NULL,
    likeness TEXT NOT NULL
) STRICT;
CREATE INDEX probes_address ON probes(address, run_id);

CREATE TABLE baselines (
    source_id TEXT NOT NULL REFERENCES sources(id),
    url TEXT NOT NULL,
    address TEXT NOT NULL,
    check_id INTEGER NOT NULL REFERENCES checks(id),
    made_at TEXT NOT NULL,
    domain TEXT NOT NULL,
    title TEXT NOT NULL,
    lang TEXT NOT NULL,
    script TEXT NOT NULL,
    length INTEGER NOT NULL,
    sketch TEXT NOT NULL,
    PRIMARY KEY (source_id, url, address)
) STRICT;
CREATE INDEX baselines_address ON baselines(address);
"""
"""What names beside a page were answered with, and what a page was like when first seen well.

``baselines`` follow from the looks, and may be erased: they are made again by a rejudgement.
"""


CITED = "CREATE INDEX checks_capture ON checks(capture_id)"
"""Who cites a copy: without it, each page of an archived copy would read every look."""


COURTESY = """CREATE TABLE courtesies (
    archive TEXT PRIMARY KEY,
    asked_at TEXT NOT NULL,
    saved_at TEXT NOT NULL,
    alone_until TEXT NOT NULL,
    times INTEGER NOT NULL,
    why TEXT NOT NULL,
    no_saves_until TEXT NOT NULL,
    no_saves_why TEXT NOT NULL
) STRICT"""
"""When an archive was asked last, and until when it is to be left alone."""


def guards() -> tuple[str, ...]:
    """The triggers that make a table append-only, a statement each.

    INSERT is guarded as well, since SQLite's INSERT OR REPLACE deletes without asking the
    DELETE trigger. They are made again after every migration: ``transform`` drops triggers.
    """
    statements = []
    for table, key in [*((name, "id") for name in APPEND_ONLY), ("ledger", "seq")]:
        for action, when in (
            ("UPDATE", ""),
            ("DELETE", ""),
            ("INSERT", f" WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"),  # noqa: S608
        ):
            name = f"{table}_no_{action.lower()}"
            statements.append(
                f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {action} ON {table}{when} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    return tuple(statements)


ALTERNATIVES = """CREATE TABLE alternatives (
    source_id TEXT NOT NULL REFERENCES sources(id),
    relation TEXT NOT NULL,
    url TEXT NOT NULL,
    check_id INTEGER REFERENCES checks(id),
    checked_at TEXT,
    link TEXT NOT NULL,
    rule TEXT NOT NULL,
    reason TEXT NOT NULL,
    verified_by TEXT NOT NULL,
    final_url TEXT NOT NULL,
    PRIMARY KEY (source_id, url)
) STRICT;
"""
"""What is known of the other addresses of each source; derived, like ``audit``."""
