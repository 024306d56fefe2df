"""The values that travel between the modules: frozen records and closed sets of words.

Times carry a zone and are UTC. Texts are never None: the empty string says "the row has none".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

# ---- words -------------------------------------------------------------------------------


class Link(StrEnum):
    """Is the source still there? See the contract for the meaning of each word."""

    LIVE = "live"
    MOVED = "moved"
    BLOCKED = "blocked"
    SUSPECT = "suspect"
    DEAD = "dead"
    HIJACKED = "hijacked"
    INVALID = "invalid"
    UNCHECKED = "unchecked"


class Quote(StrEnum):
    """Does the source say what is quoted?"""

    FOUND = "found"
    ALTERED = "altered"
    ABSENT = "absent"
    NOT_COMPARABLE = "not_comparable"
    UNREADABLE = "unreadable"
    NO_QUOTE = "no_quote"
    UNCHECKED = "unchecked"


class Copy(StrEnum):
    """Is a copy kept where others can read it?"""

    CONFIRMED = "confirmed"
    CAPTURED = "captured"
    PENDING = "pending"
    FAILED = "failed"
    EXCLUDED = "excluded"
    LOST = "lost"
    NONE = "none"


class QuoteKind(StrEnum):
    """What kind of quotation a row holds; only ``verbatim`` accuses."""

    VERBATIM = "verbatim"
    PARAPHRASE = "paraphrase"
    TITLE = "title"
    TRANSLATION = "translation"


class Preserve(StrEnum):
    """Where copies of a source may be kept."""

    PUBLIC = "public"
    LOCAL = "local"
    NONE = "none"


class Failure(StrEnum):
    """Why no reply came of a fetch. Each has its own name because each has its own cure."""

    NO_ADDRESS = "no-address"
    NOT_A_WEB_ADDRESS = "not-a-web-address"
    FORBIDDEN_ADDRESS = "forbidden-address"
    NAME_NOT_FOUND = "name-not-found"  # NXDOMAIN, or a name without addresses
    RESOLVER_FAILED = "resolver-failed"  # SERVFAIL, refused, time-out: tells nothing of the site
    NETWORK_DOWN = "network-down"  # no route, no local address: our side
    CONNECTION_REFUSED = "connection-refused"
    CONNECTION_TIMEOUT = "connection-timeout"
    DEADLINE = "deadline"  # connected, but the page did not come in time
    DISCONNECTED = "disconnected"  # the peer hung up before a reply's head was complete
    TLS_EXPIRED = "tls-expired"
    TLS_WRONG_HOST = "tls-wrong-host"
    TLS_UNTRUSTED = "tls-untrusted"
    TLS_FAILED = "tls-failed"
    BAD_REPLY = "bad-reply"  # what came is not HTTP
    TOO_MANY_REDIRECTS = "too-many-redirects"
    BAD_REDIRECT = "bad-redirect"  # Location is missing or leads to no web address
    UNEXPECTED = "unexpected"  # anything a library raised that has no name here yet


class Truncated(StrEnum):
    """Why a body is incomplete; the words of WARC 1.1, section 5.13."""

    LENGTH = "length"
    TIME = "time"
    DISCONNECT = "disconnect"


class Seen(StrEnum):
    """What one look at a source means, before its history is considered."""

    ALIVE = "alive"
    MOVED = "moved"
    BLOCKED = "blocked"
    FAILING = "failing"
    GONE = "gone"  # 410: the server says so itself
    HIJACKED = "hijacked"  # the name is somebody else's now: parked, for sale or taken over
    UNDECIDED = "undecided"  # tells nothing about the source: the former answer stays
    INVALID = "invalid"


# ---- what is cited -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another address of a source: ``relation`` is same, translation, reproduces or reports."""

    relation: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One row of sources.csv.

    Attributes:
        id: Stable slug; see the contract.
        url: What is cited, as the row has it. Empty: a claim that still needs a source.
        fetch_url: What is fetched instead, or "".
        published, accessed: ISO 8601 dates; may be a year or a month; "" when unknown.
        extra: Columns that Verifier does not know, carried along as (name, value).
        line: Line in the file where the row begins; the header is line 1.
        fault: What keeps ``url`` from being checked ("" when nothing does).
    """

    id: str
    url: str = ""
    fetch_url: str = ""
    quote: str = ""
    quote_kind: QuoteKind = QuoteKind.VERBATIM
    quote_from: str = "page"
    lang: str = ""
    locator: str = ""
    claim: str = ""
    publisher: str = ""
    title: str = ""
    published: str = ""
    accessed: str = ""
    cited_in: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    archive_url: str = ""
    alt_urls: tuple[Alternative, ...] = ()
    preserve: Preserve = Preserve.PUBLIC
    extra: tuple[tuple[str, str], ...] = ()
    line: int = 0
    fault: str = ""

    @property
    def address(self) -> str:
        """What is fetched: ``fetch_url`` or ``url``, without the fragment; "" when there is none.

        URLs that differ only in the fragment are one address (the contract).
        """
        return (self.fetch_url or self.url).partition("#")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """A row of sources.csv that is wrong: where, what, and what cures it.

    Attributes:
        line: Counted from 1; the header is line 1.
        column: The offending column, or "" when it is the row as a whole.
        source_id: Id of the row where it could be read, else "": such a row is never retired.
        skipped: True when the row cannot be checked at all; False when it is checked without
            the offending value.
    """

    line: int
    column: str
    problem: str
    cure: str
    source_id: str = ""
    skipped: bool = True

    def __str__(self) -> str:
        place = f"line {self.line}" + (f", {self.column}" if self.column else "")
        return f"{place}: {self.problem}. {self.cure}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceList:
    """What sources.csv holds.

    Attributes:
        warnings: Sentences about the file as a whole (an assumed encoding, say).
        digest: Lower-case hex SHA-256 of the file.
    """

    sources: tuple[Source, ...]
    problems: tuple[RowProblem, ...]
    warnings: tuple[str, ...]
    digest: str


# ---- what came over the wire -------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One request and its response, as they went over the wire.

    Attributes:
        url: The address asked, in ASCII, as sent.
        request: The request's head as sent, with the blank line that ends it.
        peer: IP address of the other side ("" when a proxy stood between).
        version: Of the response, such as ``HTTP/1.1``.
        headers: Of the response: order, case and bytes as they came.
        body: After transfer-decoding, before content-decoding.
        elapsed: Seconds from the request to the end of the body.
    """

    url: str
    requested_at: datetime
    request: bytes
    peer: str
    version: str
    status: int
    reason: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    truncated: Truncated | None = None
    elapsed: float = 0.0

    def header(self, name: str) -> str:
        """The first header of that name as text (ISO 8859-1), or ""."""
        wanted = name.lower().encode("ascii")
        for key, value in self.headers:
            if key.lower() == wanted:
                return value.decode("latin-1").strip()
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A web server answered.

    Attributes:
        hops: Every request of the chain; the last is the answer, the others redirect.
        content: Body of the last hop after content-decoding.
        undecoded: Why ``content`` is cut or still encoded ("" when it is whole): "cap",
            "broken-encoding" or "unknown-encoding".
        attempts: Times the chain was tried, this one included.
        retry_after: When the server wants to be asked again, if it said so.
        unverified: What is wrong with the certificate behind which it came, where it was fetched
            in spite of that: then nobody vouches that it is the site's.
        detail: What the library said of the certificate, in one line.
    """

    hops: tuple[Hop, ...]
    content: bytes
    undecoded: str = ""
    attempts: int = 1
    retry_after: datetime | None = None
    unverified: Failure | None = None
    detail: str = ""

    @property
    def last(self) -> Hop:
        """The hop that answered."""
        return self.hops[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoReply:
    """No web server answered, or none could be asked.

    Attributes:
        url: The address at which it failed: the one asked, or a redirect's target.
        detail: What the library or the system said, in one line.
        hops: Redirects that were answered before it failed.
        requested_at: When the failing attempt began.
    """

    url: str
    failure: Failure
    detail: str
    requested_at: datetime
    hops: tuple[Hop, ...] = ()
    elapsed: float = 0.0
    attempts: int = 1
    retry_after: datetime | None = None


Fetched = Reply | NoReply


# ---- what is kept ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A response kept in our own WARC files.

    Attributes:
        id: Row in the ledger; 0 before it is written there.
        url: WARC-Target-URI.
        hop: Place in the chain of redirects, from 0.
        file: Path below ``archive/warc``, with ``/``.
        offset, length: Of the record's gzip member, in bytes.
        record_id: WARC-Record-ID, with its angle brackets.
        sha256: Lower-case hex, of the body after content-decoding.
        payload_sha256: Lower-case hex, of the body as it came, without transfer-encoding.
        payload_sha1: Base32, of the same bytes: what CDX calls ``digest``.
        revisit_of: Id of the earlier capture with the same bytes, if only that was noted.
    """

    id: int = 0
    url: str
    captured_at: datetime
    hop: int
    status: int
    content_type: str
    file: str
    offset: int
    length: int
    record_id: str
    sha256: str
    payload_sha256: str
    payload_sha1: str
    body_length: int
    truncated: Truncated | None = None
    revisit_of: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResponse:
    """A response read back from a WARC file: the record's own bytes.

    Attributes:
        body: As it came, without transfer-encoding.
        content: After content-decoding.
    """

    url: str
    captured_at: datetime
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    content: bytes
    record_id: str
    truncated: Truncated | None = None

    def header(self, name: str) -> str:
        """The first header of that name, or ""."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")


# ---- what the Wayback Machine says -------------------------------------------------------


class Retry(StrEnum):
    """When a refused submission may be asked again (classes of facts/wayback.md, 2.3)."""

    LATER = "later"  # transient: another round
    TOMORROW = "tomorrow"  # after the UTC day turns
    NEVER = "never"  # permanent for this address; re-asked after weeks at most
    STOP = "stop"  # about us, not the address: submit nothing more in this round


@dataclass(frozen=True, slots=True, kw_only=True)
class Memento:
    """A capture that the archive names.

    Attributes:
        timestamp: 14 digits, UTC, as the archive has it.
        original: The address that was captured, after redirects.
        status: Archived HTTP status, or None when the archive did not say.
        digest: The index's ``digest`` column, or "".
    """

    timestamp: str
    original: str
    status: int | None = None
    mimetype: str = ""
    digest: str = ""

    @property
    def captured_at(self) -> datetime:
        """The time of the timestamp.

        Raises:
            ValueError: The archive's index has impossible timestamps; this is one.
        """
        return datetime.strptime(self.timestamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """The archive took the address and named a job to ask about."""

    job_id: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The archive will not save the address, now or ever; nothing was captured.

    Attributes:
        code: The archive's ``status_ext`` without "error:", or a name of ours such as "http-429".
        excluded: True when the address is barred from the archive for good.
        retry_after: Seconds the archive asks us to wait, or None.
    """

    code: str
    message: str
    retry: Retry
    excluded: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeUnknown:
    """The request may have been carried out: the index is asked before it is sent again.

    Also the archive's "the same snapshot had been made …", which names no capture.
    """

    detail: str
    already_there: bool = False


SaveAnswer = Memento | Queued | Refused | OutcomeUnknown


@dataclass(frozen=True, slots=True, kw_only=True)
class NotInIndex:
    """The index answered and has no such capture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexTrouble:
    """The index could not be asked: this says nothing about captures.

    Attributes:
        stop: True when going on asking would get our network blocked (429, refused connections).
        excluded: True when the index says that the address is barred from the archive.
    """

    detail: str
    stop: bool = False
    excluded: bool = False


FindAnswer = Memento | NotInIndex | IndexTrouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A capture in an archive's keeping, as our tables know it.

    Attributes:
        address: What we asked about; ``original`` is what the archive says it captured.
        via: How we know of it: ``save`` (it answered us), ``index``, or ``page`` (a row of
            sources.csv cites it).
        url: Where the copy can be read.
        known_at: When we learnt of it.
        next_read_at: When it is to be read back next; None: at once.
        lost_at: Since when a copy that was confirmed is no longer there, or None.
        agreement: With what we saw of the page, at the newest reading: ``bytes``, ``text``,
            ``differs``, ``unreadable``, or "" while nothing was read. That a source's quotation
            stands in it is told by the source's own finding.
    """

    id: int = 0
    run_id: int
    address: str
    archive: str = "wayback"
    via: str
    timestamp: str
    original: str
    captured_at: datetime
    url: str
    status: int | None = None
    mimetype: str = ""
    digest: str = ""
    known_at: datetime
    next_read_at: datetime | None = None
    lost_at: datetime | None = None
    agreement: str = ""


class Outcome(StrEnum):
    """What came of reading a copy back."""

    MEMENTO = "memento"  # exactly the capture that was asked for, whatever it holds
    NOT_OURS = "not-ours"  # another capture: the archive shows a neighbour for one it lacks
    MISSING = "missing"  # the archive says that it has none
    EXCLUDED = "excluded"  # it has it and shows it to nobody
    TROUBLE = "trouble"  # no answer, or one that says nothing about the capture


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedHop:
    """One archived response on the way to the copy: what it is of, and exactly which capture.

    Attributes:
        url: The address that was captured, as the archive names it.
        timestamp: 14 digits, of the capture that was shown.
        status: The archived HTTP status.
    """

    url: str
    timestamp: str
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The archive showed exactly the capture that was asked for.

    Attributes:
        hops: At most five; the first is the capture that was asked for, each further one is where
            an archived redirect led. What they are of, and from when, the rules have to judge.
        headers: Of the last answer, as they came: the archive's, among them ``x-archive-orig-…``.
        body: Of the last hop, after transfer-decoding, before content-decoding.
        content: After content-decoding; empty where the last hop is a redirect.
        problem: Why *content* is not the whole archived body: as ``undecoded`` of a
            :class:`Reply`; "" when it is whole.
        detail: What is odd, in one line, or "".
    """

    hops: tuple[ArchivedHop, ...]
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    content: bytes = b""
    problem: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReplayed:
    """The archive did not show the capture that was asked for.

    Attributes:
        timestamp: Of the capture that was shown instead, or "".
        stop: Going on asking would do harm (429): leave the archive alone for this round.
    """

    outcome: Outcome
    detail: str
    timestamp: str = ""
    hops: tuple[ArchivedHop, ...] = ()
    stop: bool = False


ReplayAnswer = Replayed | NotReplayed


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """A copy was asked for and read. A row of ``readbacks``.

    Attributes:
        memento_datetime: Of the capture that was shown first, as the archive says it; None
            where it said nothing.
        status, original: Archived status and captured address of the last hop (None and "" where
            no capture was shown).
        hops: At most five.
        sha256: Of the archived body after content-decoding; "" where it was cut or not had.
        text_sha256: Of its main text; "" where there was none, or none that could prove anything:
            cut, a few words only, or of what looks like no page of the source.
        text_version: Of the extractor; 0 where there was no text.
        detail: What the archive said, or what is odd, in one line.
    """

    id: int = 0
    run_id: int
    snapshot_id: int
    read_at: datetime
    outcome: Outcome
    memento_datetime: datetime | None = None
    status: int | None = None
    original: str = ""
    hops: tuple[ArchivedHop, ...] = ()
    sha256: str = ""
    text_sha256: str = ""
    text_version: int = 0
    detail: str = ""


class Asked(StrEnum):
    """How far a submission has come."""

    INTENT = "intent"  # committed before the request leaves: it may or may not have left
    QUEUED = "queued"  # the archive named a job
    UNKNOWN = "unknown"  # it may have been carried out: the index is asked first
    DEFERRED = "deferred"  # refused for now: ``retry_at`` says when it is asked again
    FAILED = "failed"  # refused for good, or too often: asked again after weeks
    EXCLUDED = "excluded"  # the address is barred from the archive
    CAPTURED = "captured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """An archive is asked to save an address.

    Attributes:
        intent_at: When it was decided, and committed, before the request left.
        answered_at: When the archive last said something about it.
        code, message: The archive's refusal, or what is known of the outcome.
        tries: How often this address was refused in a row, this one included.
        retry_at: Not to be asked again before.
    """

    id: int = 0
    run_id: int
    address: str
    archive: str = "wayback"
    state: Asked
    intent_at: datetime
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    job_id: str = ""
    code: str = ""
    message: str = ""
    tries: int = 0
    retry_at: datetime | None = None
    snapshot_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """The last time the archive's index was asked about an address.

    Attributes:
        answer: ``found``, ``none``, ``trouble`` or ``excluded``.
    """

    address: str
    archive: str = "wayback"
    asked_at: datetime
    answer: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearLookup:
    """The last time the index was asked for a capture near a date.

    Attributes:
        near: The date, as the row has it (a year or a month may do).
        answer: As of a :class:`Lookup`.
    """

    address: str
    near: str
    archive: str = "wayback"
    asked_at: datetime
    answer: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What we saw of an address ourselves, as far as a copy is compared with it.

    Attributes:
        addresses: Every address of a chain that led to the page, or to a refusal.
        sha256s: Of its whole bodies, when the page was there.
        texts: ``(text_sha256, text_version)`` of its main text, when the page was there.
    """

    addresses: frozenset[str] = frozenset()
    sha256s: frozenset[str] = frozenset()
    texts: frozenset[tuple[str, int]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """An archive got the page itself, with a 2xx.

    Attributes:
        at: When.
        quote_found: The source's quotation stands in what it got.
    """

    at: datetime
    quote_found: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalCopy:
    """What our own archive holds of the words that a source quotes.

    Attributes:
        capture_id: The newest capture in which they stand; None where they stand in none.
        says: ``found`` where they stand in one, else what the newest says of them; None where
            they were looked for in none.
        looked: They were looked for in a body of the live page at least once, kept or not.
        since: What is known only from a body that we kept: when the page was as it is there.
        finding: Of the words in that body; None where a look at the page itself was for them.
    """

    capture_id: int | None = None
    says: Quote | None = None
    looked: bool = False
    since: datetime | None = None
    finding: Finding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Custody:
    """What is known of an address's copies elsewhere.

    Attributes:
        snapshots: Oldest first.
        readings: Of these snapshots, oldest first.
        submission: The newest one.
        barred: Some row of this address must not be given to others (``preserve``).
        observed: Only filled where a copy was read.
        doubted: Ids of readings that missed a copy when most others were missed, too.
    """

    address: str
    snapshots: tuple[Snapshot, ...] = ()
    readings: tuple[ReadBack, ...] = ()
    submission: Submission | None = None
    lookup: Lookup | None = None
    barred: bool = False
    observed: Observed = Observed()
    doubted: frozenset[int] = frozenset()


# ---- what it means -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one look means, by today's rules.

    Attributes:
        rule: Name of the rule that decided, such as ``http-404``; the reason begins with it.
        reason: A sentence for a maintainer.
        suggested_url: The address to cite instead, when the look found one ("" otherwise).
        transport: True when no server answered: a failure that our own network could cause.
    """

    seen: Seen
    rule: str
    reason: str
    suggested_url: str = ""
    transport: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What a reader of a page sees.

    Attributes:
        visible: All visible text.
        main: The text without navigation and the like; what ``text_sha256`` is of.
        version: Of the extractor: a new one is not a change of the source.
        unreadable: Why there is no text ("" when there is): "empty", "script" (nothing is there
            before a script makes it), "encrypted", "damaged", "scan", "garbled", "not read", or
            the media type of what is no text.
        kind: "html", "plain" or "pdf"; "" for what is none of them.
        lang: What the page says that its language is, as it says it, or "".
        pages: Where in ``visible`` each page of a PDF starts; a page without text starts where
            the next one does. Empty for others.
        cut: The source goes on beyond what was read of it: what is not in ``visible`` may be
            in the rest.
        words: In ``main``.
    """

    visible: str
    main: str
    title: str
    sha256: str
    version: int
    unreadable: str = ""
    kind: str = ""
    lang: str = ""
    pages: tuple[int, ...] = ()
    cut: bool = False
    words: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a page was like when it was first seen well, as far as it is compared with later.

    Attributes:
        domain: The registered part of the host that it came from in the end.
        lang: The language that the page claimed, or "".
        script: The writing of most of its text, or "".
        length: Of its visible text, in characters.
        sketch: A sample of its text's shingles (see :func:`verifier.baseline.sketch`).
    """

    domain: str
    title: str
    lang: str = ""
    script: str = ""
    length: int = 0
    sketch: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a name that nobody gave to anything, beside a page, was answered with.

    Attributes:
        url: The address that was asked; ``final_url`` the one that answered.
        status: None where nobody answered; ``failure`` says why.
        likeness: Of what came with a good status and could be read.
    """

    url: str
    final_url: str
    probed_at: datetime
    status: int | None = None
    failure: Failure | None = None
    likeness: Baseline | None = None


class Second(StrEnum):
    """What a second look is for."""

    FOLLOW = "follow"  # the page only sends its readers on
    SIBLING = "sibling"  # does the server give the same page for any name?
    UNVERIFIED = "unverified"  # does the quotation stand behind the bad certificate?


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A second look that the rules ask for before they answer.

    Attributes:
        url: What is to be asked; of a sibling what stands before its random name, and ``after``
            what stands behind it.
    """

    why: Second
    url: str
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Where and how a text says what is quoted.

    Attributes:
        score: 0 to 100: how much of what is quoted stands there; None when nothing was compared.
        start, end: Where in the visible text, in characters, the quotation stands, or the nearest
            passage when it isn't found. None when nothing is near.
        page: Of a text that has pages, counted from 1.
        passage: The page's own words from 300 characters before ``start`` to 300 after ``end``;
            erasable, never in the ledger.
        source_says: The nearest passage in the page's own words, when the quotation isn't found.
        difference: What is changed, as ``(op, cited words, source's words)`` in order; ``op`` is
            ``replace``, ``delete`` (the source doesn't say it) or ``insert`` (it isn't cited).
    """

    result: Quote
    reason: str
    score: float | None = None
    start: int | None = None
    end: int | None = None
    page: int | None = None
    passage: str = ""
    source_says: str = ""
    difference: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyFinding:
    """Where and how a copy says what a source quotes: a row of ``quote_findings``.

    Attributes:
        id: Row in the ledger; 0 before it is written there.
        found_at: When the copy was read: the ``read_at`` of its :class:`ReadBack`.
        quote_sha256: Of the words that were looked for.
    """

    id: int = 0
    source_id: str
    snapshot_id: int
    found_at: datetime
    quote_sha256: str
    finding: Finding
    text_sha256: str
    text_version: int
    rules_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One look at one source: what was seen, and what it means. A row of ``checks``.

    Attributes:
        id: Row in the ledger; 0 before it is written there.
        url, address: What is cited, and what was fetched for it.
        failure: Why nobody answered; beside a status, what is wrong with the certificate behind
            which the page was fetched all the same.
        hops: JSON: one object a hop with ``url status location peer capture``.
        headers: JSON: the last response's headers as pairs, in order.
        conclusive: False when the run it belongs to was interrupted or inconclusive: then
            only what it saw alive counts, its failures don't.
        changed_around: Words around the quotation that are others than when it was found
            before; 0 where that is not known.
    """

    id: int = 0
    run_id: int
    source_id: str
    url: str
    address: str
    checked_at: datetime
    elapsed_ms: int = 0
    attempts: int = 0
    reading: Reading
    rules_version: int
    status: int | None = None
    failure: Failure | None = None
    detail: str = ""
    final_url: str = ""
    hops: str = "[]"
    peer: str = ""
    headers: str = "[]"
    content_type: str = ""
    title: str = ""
    truncated: str = ""
    undecoded: str = ""
    sha256: str = ""
    payload_sha1: str = ""
    text_sha256: str = ""
    text_version: int = 0
    retry_after: datetime | None = None
    capture_id: int | None = None
    finding: Finding | None = None
    conclusive: bool = True
    changed_around: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One source with its three answers: a row of ``audit``, in the contract's order."""

    id: str
    title: str = ""
    link: Link = Link.UNCHECKED
    quote: Quote = Quote.UNCHECKED
    copy: Copy = Copy.NONE
    cited: str = ""
    source_says: str = ""
    quote_url: str = ""
    snapshot_url: str = ""
    keepers: int = 0
    link_reason: str = ""
    quote_reason: str = ""
    copy_reason: str = ""
    link_since: datetime | None = None
    quote_since: datetime | None = None
    copy_since: datetime | None = None
    checked_at: datetime | None = None
    last_live_at: datetime | None = None
    quote_first_found_at: datetime | None = None
    quote_last_found_at: datetime | None = None
    publisher: str = ""
    published: str = ""
    claim: str = ""
    quote_kind: QuoteKind = QuoteKind.VERBATIM
    lang: str = ""
    locator: str = ""
    url: str = ""
    final_url: str = ""
    suggested_url: str = ""
    status: int | None = None
    agreement: str = ""
    snapshot_at: datetime | None = None
    quote_local: str = ""
    quote_wayback: str = ""
    local_copy: int | None = None
    judged_by: str = ""
    judged_until: datetime | None = None
    strikes: int = 0
    next_check_at: datetime | None = None
    sha256: str = ""
    text_sha256: str = ""
    rules_version: int = 0
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An audit row with what the rules remember beside it (table ``standings``).

    Attributes:
        url, quote_sha256: What the answers are about (``url`` with ``fetch_url`` behind it,
            where there is one); another address or quotation starts afresh.
        check_id: The newest check that is part of it.
        failing_since: First failure since the last success.
        last_strike_at: When the last strike was counted.
        gone_since: First 410 of an unbroken run of them.
        ruled_link, ruled_reason, ruled_since: What the rules say of the link, where a person
            overruled them and ``row`` shows that; None where ``row`` is the rules' own.
    """

    row: AuditRow
    url: str
    quote_sha256: str
    check_id: int = 0
    first_checked_at: datetime | None = None
    failing_since: datetime | None = None
    last_strike_at: datetime | None = None
    gone_since: datetime | None = None
    ruled_link: Link | None = None
    ruled_reason: str = ""
    ruled_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAlternative:
    """Another address of a source, as it was seen last. A row of ``alternatives``.

    Attributes:
        check_id, checked_at: The look; None before there was one.
        link: What that one look means; never ``dead``, which takes a history.
        verified_by: What proves that the same stands there ("bytes", "text", "quote"), or "".
    """

    source_id: str
    relation: str
    url: str
    check_id: int | None = None
    checked_at: datetime | None = None
    link: Link = Link.UNCHECKED
    rule: str = ""
    reason: str = ""
    verified_by: str = ""
    final_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A person overrules what the rules say of a link. A row of ``judgements``.

    Attributes:
        url: What it is about, as a :class:`Standing` has it: of another address it says nothing.
        link: The answer that is to be shown; None takes back the judgement before.
        until: The last second at which it holds.
    """

    id: int = 0
    source_id: str
    url: str
    link: Link | None
    reason: str
    judged_by: str
    judged_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """News: one answer of one source that is another than after the round before.

    Attributes:
        axis: ``link``, ``quote`` or ``copy``.
        before: "" for a source that is new.
    """

    source_id: str
    axis: str
    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A round, as the table ``runs`` keeps it.

    Attributes:
        outcome: ``running``, ``conclusive``, ``inconclusive``, ``interrupted``, or ``rejudged``:
            today's rules over what was stored, and no look at the web.
        reason: Why it was not conclusive ("" when it was).
        network: ``up``, ``down`` or ``not-tested``; ``portal`` or ``wrong-clock``: what was seen
            counts for nothing.
        listed: Sources in sources.csv; ``due`` and ``checked`` count sources of these.
        problems: What is to be said of sources.csv as a whole, then its wrong rows, as
            sentences with line and column.
        preserve: One sentence on what was asked of the archive.
        head: The ledger's chain after the round.
    """

    id: int
    started_at: datetime
    ended_at: datetime | None = None
    outcome: str = "running"
    reason: str = ""
    network: str = "not-tested"
    listed: int = 0
    wrong_rows: int = 0
    problems: tuple[str, ...] = ()
    due: int = 0
    checked: int = 0
    preserve: str = ""
    news: tuple[Change, ...] = ()
    head: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The audit table as a whole.

    Attributes:
        counts: ``(axis, answer, sources)``, in the contract's order, zeros included.
        next_check_at: The earliest of all sources' next checks.
    """

    sources: int
    counts: tuple[tuple[str, str, int], ...]
    next_check_at: datetime | None
