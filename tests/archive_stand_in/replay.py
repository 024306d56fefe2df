"""How the stand-in shows captures: replay, Memento headers, TimeGate and TimeMap."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import urljoin

from tests.archive_stand_in.store import Capture, instant
from tests.archive_stand_in.wire import Answer

REPLAY = re.compile(r"/web/(?:(\d{1,14})([a-z]{2}_)?/)?(.+)")


def date(timestamp: str) -> str:
    """An HTTP date of 14 digits; of an impossible timestamp, of the year's first day."""
    try:
        time = datetime.strptime(timestamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        time = datetime(int(timestamp[:4]), 1, 1, tzinfo=UTC)
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT")


def page(status: int, text: str, *headers: tuple[str, str]) -> Answer:
    """A page of the archive's own."""
    body = f"<!DOCTYPE html><html><body>{text}</body></html>".encode()
    return Answer(
        status=status, headers=(("Content-Type", "text/html; charset=utf-8"), *headers), body=body
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How replay behaves; both ways of each are known of the real archive.

    Attributes:
        neighbours: What an exact address of a capture that is not there gets: a redirect to the
            nearest, or the nearest itself with 200, as if it were the one.
        gzip: How the body of a gzip original is labelled: as it was, with a second, empty
            Content-Encoding before, or not at all.
    """

    neighbours: Literal["redirect", "shown"] = "redirect"
    gzip: Literal["labelled", "twice", "unlabelled"] = "labelled"


def show(
    captures: Sequence[Capture],
    base: str,
    path: str,
    accept_datetime: str | None,
    manner: Manner,
) -> Answer:
    """The answer to ``/web/…``; *captures* are the visible ones of that address, by time."""
    match = REPLAY.fullmatch(path)
    if match is None or not captures:
        return page(404, "The Wayback Machine has not archived that URL.")
    timestamp, modifier, asked = match[1], match[2] or "", match[3]
    if timestamp is None:  # TimeGate
        wanted = _digits(accept_datetime) if accept_datetime else "99999999999999"
        target = f"{base}/web/{_nearest(captures, wanted).timestamp}/{asked}"
        return page(302, "", ("Vary", "accept-datetime"), ("Location", target))
    found = _nearest(captures, timestamp)
    if found.timestamp != timestamp and manner.neighbours == "redirect":
        return page(
            302,
            "",
            ("Location", f"{base}/web/{found.timestamp}{modifier}/{found.url}"),
            ("X-Archive-Redirect-Reason", f"found capture at {found.timestamp}"),
        )
    return _memento(found, captures, base, modifier, manner)


def _digits(http_date: str) -> str:
    return f"{parsedate_to_datetime(http_date):%Y%m%d%H%M%S}"


def _nearest(captures: Sequence[Capture], timestamp: str) -> Capture:
    return min(captures, key=lambda capture: abs(instant(capture.timestamp) - instant(timestamp)))


def _memento(
    found: Capture, captures: Sequence[Capture], base: str, modifier: str, manner: Manner
) -> Answer:
    headers = [
        ("Memento-Datetime", date(found.timestamp)),
        ("Link", links(found, captures, base)),
        ("x-archive-src", f"spn2-{found.timestamp}/spn2-00000.warc.gz"),
    ]
    originals = {name.lower(): value for name, value in found.headers}
    headers += [(f"x-archive-orig-{name}", value) for name, value in originals.items()]
    redirects = 300 <= found.status < 400 and "location" in originals
    if redirects and modifier != "id_":  # an archived redirect is shown as a page
        said = page(200, f"Got an HTTP {found.status} response at crawl time", *headers)
        return said
    if redirects:
        target = urljoin(found.url, originals["location"])
        headers.append(("Location", f"{base}/web/{found.timestamp}id_/{target}"))
    headers.append(("Content-Type", found.mimetype))
    if modifier == "id_":
        headers += _encoding(originals.get("content-encoding", ""), manner)
        return Answer(status=found.status, headers=tuple(headers), body=found.body)
    banner = b"" if modifier in ("if_", "fw_") else b"<!-- BEGIN WAYBACK TOOLBAR INSERT -->"
    if encoding := originals.get("content-encoding"):
        headers.append(("Content-Encoding", encoding))
        banner = b""  # cannot be put before compressed bytes
    return Answer(status=found.status, headers=tuple(headers), body=banner + found.body)


def _encoding(encoding: str, manner: Manner) -> list[tuple[str, str]]:
    if not encoding or manner.gzip == "unlabelled":
        return []
    broken = [("Content-Encoding", "")] if manner.gzip == "twice" else []
    return [*broken, ("Content-Encoding", encoding)]


def links(found: Capture, captures: Sequence[Capture], base: str) -> str:
    """The ``Link`` header of a memento: its own address and relation among the others."""
    place = captures.index(found)
    roles: dict[int, list[str]] = {0: ["first"]}
    if place > 0:
        roles.setdefault(place - 1, []).append("prev")
    roles.setdefault(place, [])
    if place + 1 < len(captures):
        roles.setdefault(place + 1, []).append("next")
    roles.setdefault(len(captures) - 1, []).append("last")
    parts = [
        f'<{found.url}>; rel="original"',
        f'<{base}/web/timemap/link/{found.url}>; rel="timemap"; type="application/link-format"',
        f'<{base}/web/{found.url}>; rel="timegate"',
    ]
    for index in sorted(roles):
        capture = captures[index]
        relation = " ".join([*roles[index], "memento"])
        parts.append(
            f'<{base}/web/{capture.timestamp}/{capture.url}>; rel="{relation}"; '
            f'datetime="{date(capture.timestamp)}"'
        )
    return ", ".join(parts)


def timemap(captures: Sequence[Capture], base: str, url: str) -> Answer:
    """``/web/timemap/link/…``."""
    lines = [f'<{url}>; rel="original"', f'<{base}/web/{url}>; rel="timegate"']
    lines += [
        f'<{base}/web/{capture.timestamp}/{capture.url}>; rel="memento"; '
        f'datetime="{date(capture.timestamp)}"'
        for capture in captures
    ]
    return Answer(
        headers=(("Content-Type", "application/link-format"),), body=",\n".join(lines).encode()
    )
