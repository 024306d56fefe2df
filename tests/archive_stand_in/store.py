"""What the stand-in holds: captures, the index over them, and what is visible already."""

from __future__ import annotations

import base64
import hashlib
import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

EMPTY_DIGEST = "3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"
COLUMNS = ("urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """One capture.

    Attributes:
        timestamp: 14 digits; impossible ones are allowed, as in the real index.
        headers: Of the original response.
        body: As stored: without transfer-encoding, content-encoding still applied.
        revisit: The index shows it as a ``warc/revisit`` with status "-".
        in_index_at, in_replay_at: From when on it is visible there.
    """

    url: str
    timestamp: str
    status: int = 200
    mimetype: str = "text/html"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    revisit: bool = False
    in_index_at: datetime = field(default=datetime.min.replace(tzinfo=UTC))
    in_replay_at: datetime = field(default=datetime.min.replace(tzinfo=UTC))

    @property
    def digest(self) -> str:
        """Base32 SHA-1 of the stored payload."""
        sha1 = hashlib.sha1(self.body, usedforsecurity=False)
        return base64.b32encode(sha1.digest()).decode("ascii")

    def row(self) -> dict[str, str]:
        """Its row in the index."""
        return {
            "urlkey": surt(self.url),
            "timestamp": self.timestamp,
            "original": self.url,
            "mimetype": "warc/revisit" if self.revisit else self.mimetype or "unk",
            "statuscode": "-" if self.revisit else str(self.status),
            "digest": self.digest,
            "length": str(len(self.body) // 3 + 400),  # of a compressed record, not of the file
        }


def as_captured(url: str) -> str:
    """An address as a browser asks for it, and as index and headers have it: in ASCII."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host.isascii():
        parts = parts._replace(netloc=parts.netloc.replace(host, host.encode("idna").decode()))
    return quote(parts.geturl(), safe=string.punctuation)


def surt(url: str) -> str:
    """The index's key: scheme, ``www.``, case, default port, slash and query order fold."""
    parts = urlsplit(url)
    host = re.sub(r"^www\d*\.", "", (parts.hostname or "").lower())
    numeric = re.fullmatch(r"[\d.]+", host)
    key = host if numeric else ",".join(reversed(host.split(".")))
    if parts.port not in (None, 80, 443):
        key += f":{parts.port}"
    path = parts.path.lower().rstrip("/") or "/"
    query = "&".join(sorted(parts.query.lower().split("&"))) if parts.query else ""
    return f"{key}){path}" + (f"?{query}" if query else "")


def instant(timestamp: str) -> float:
    """Seconds since 1970 of up to 14 digits; an impossible date is carried over."""
    digits = timestamp + "00000101000000"[len(timestamp) :]
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    start = datetime(max(year, 1), min(max(month, 1), 12), 1, tzinfo=UTC).timestamp()
    hours = int(digits[8:10]) * 3600 + int(digits[10:12]) * 60 + int(digits[12:])
    return start + (day - 1) * 86_400 + hours


def rows_of(
    captures: Iterable[Capture], query: Mapping[str, list[str]]
) -> tuple[list[dict[str, str]], str]:
    """The rows that a CDX query asks for, and the resume key ("" when there is none)."""
    url = query["url"][0]
    prefix = url.endswith("*") or query.get("matchType") == ["prefix"]
    key = surt(url.rstrip("*"))
    rows = sorted(
        (
            row
            for row in (capture.row() for capture in captures)
            if (row["urlkey"].startswith(key) if prefix else row["urlkey"] == key)
        ),
        key=lambda row: (row["urlkey"], row["timestamp"]),
    )
    for name in ("from", "to"):
        bound = query.get(name, [""])[0]
        if name == "from":
            rows = [row for row in rows if row["timestamp"] >= bound.ljust(14, "0")]
        elif bound:
            rows = [row for row in rows if row["timestamp"] <= bound.ljust(14, "9")]
    for wanted in query.get("filter", []):
        rows = [row for row in rows if _passes(row, wanted)]
    for collapse in query.get("collapse", []):
        rows = _collapsed(rows, collapse)
    if query.get("sort") == ["reverse"]:
        rows.reverse()
    if query.get("sort") == ["closest"]:
        near = instant(query.get("closest", [""])[0])
        rows.sort(key=lambda row: abs(instant(row["timestamp"]) - near))
    if resume := query.get("resumeKey", [""])[0]:
        rows = rows[int(base64.urlsafe_b64decode(resume)) :]
    limit = int(query.get("limit", ["150000"])[0])
    if limit < 0:
        return rows[limit:], ""
    offset = int(base64.urlsafe_b64decode(resume)) if resume else 0
    more = len(rows) >= limit and query.get("showResumeKey") == ["true"]
    next_key = base64.urlsafe_b64encode(str(offset + limit).encode()).decode() if more else ""
    return rows[:limit], next_key


def _passes(row: Mapping[str, str], wanted: str) -> bool:
    """One ``filter``: ``[!][~]field:regex``; a regex has to match the whole field."""
    negated, text = wanted.startswith("!"), wanted.removeprefix("!")
    name, _, pattern = text.partition(":")
    if name.startswith("~"):
        found = pattern in row[name[1:]]
    else:
        found = re.fullmatch(pattern, row[name]) is not None
    return found is not negated


def _collapsed(rows: list[dict[str, str]], collapse: str) -> list[dict[str, str]]:
    """Adjacent rows that are alike in a field, or in its first N letters, become one."""
    name, _, length = collapse.partition(":")
    kept: list[dict[str, str]] = []
    last: str | None = None
    for row in rows:
        value = row[name][: int(length)] if length else row[name]
        if value != last:
            kept.append(row)
        last = value
    return kept
