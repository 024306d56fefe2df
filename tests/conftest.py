"""What all tests share: the same examples of a property every time, and an archive to ask."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.archive_stand_in import ArchiveStandIn

# A change is judged by what it changed, not by chance; to search for news there is
# HYPOTHESIS_PROFILE=search. A loaded machine is no failure: no deadlines.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.register_profile("search", max_examples=2_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.fixture
def stand_in() -> Iterator[ArchiveStandIn]:
    """An archive on this machine, which was asked nothing that it does not understand."""
    with ArchiveStandIn() as archive:
        yield archive
    assert archive.errors == []
