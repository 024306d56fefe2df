"""What all tests share: properties are tried on the same examples every time."""

from __future__ import annotations

import os

from hypothesis import settings

# A change is judged by what it changed, not by chance; to search for news there is
# HYPOTHESIS_PROFILE=search. A loaded machine is no failure: no deadlines.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.register_profile("search", max_examples=2_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
