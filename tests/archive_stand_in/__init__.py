"""A Wayback Machine on 127.0.0.1 that answers on the wire as facts/wayback.md says.

    with ArchiveStandIn() as archive:
        archive.add_capture("https://example.org/", timestamp="20240101000000")
        archive.plan_saves("https://example.org/", refuse("blocked-url"))
        ... Archive(base_url=archive.base_url, access_key=archive.access_key, ...)
        assert archive.saves_of("https://example.org/") == 1

Nothing in ``verifier`` knows it.
"""

from tests.archive_stand_in.plans import (
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
from tests.archive_stand_in.replay import Manner
from tests.archive_stand_in.stand_in import ArchiveStandIn
from tests.archive_stand_in.store import Capture
from tests.archive_stand_in.wire import Request

__all__ = [
    "ArchiveStandIn",
    "Capture",
    "Manner",
    "Plan",
    "Request",
    "drip",
    "drop",
    "hang",
    "http",
    "pending",
    "refuse",
    "same_snapshot",
    "says",
    "success_with",
]
