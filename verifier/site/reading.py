"""Archived bytes made into pages, in processes that a hostile page may kill."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any
from weakref import WeakKeyDictionary

from verifier.parsing import Parsers

KEPT = 8
"""Answers that are kept: a page and its frame, or an image and its page, ask for the same."""

SECONDS, WALL = 8.0, 20.0
"""For one page, of processor time and by the clock: somebody is waiting for it."""

_parsers: WeakKeyDictionary[asyncio.AbstractEventLoop, Parsers] = WeakKeyDictionary()
_answers: OrderedDict[Hashable, Any] = OrderedDict()


async def ask(work: str, *contents: Any, key: Hashable, **named: Any) -> Any:
    """What a work of `verifier.parsing_child` makes of these bytes.

    The processes end with the event loop, whose tasks wait for them.

    Args:
        contents: The bytes, and what came with them.
        key: What tells these from all others.

    Raises:
        UnparsedError: It could not be done with these bytes.
        MachineError: No process can be had for it.
    """
    known = (work, key, tuple(sorted(named.items())))
    if known in _answers:
        _answers.move_to_end(known)
        return _answers[known]
    loop = asyncio.get_running_loop()
    if loop not in _parsers:
        _parsers[loop] = await Parsers(seconds=SECONDS, wall=WALL).__aenter__()
    answer = await _parsers[loop].ask(work, *contents, **named)
    _answers[known] = answer
    while len(_answers) > KEPT:
        _answers.popitem(last=False)
    return answer
