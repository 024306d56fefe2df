"""Messages between our own processes: each is its length, in 8 bytes, and a pickle."""

from __future__ import annotations

import asyncio
import pickle
import struct
from collections.abc import Callable
from typing import Any

LENGTH = struct.Struct("!Q")


def packed(message: Any) -> bytes:
    """*message* as it is sent."""
    frame = pickle.dumps(message, 5)
    return LENGTH.pack(len(frame)) + frame


async def received(reader: asyncio.StreamReader, load: Callable[[bytes], Any]) -> Any:
    """The next message.

    Args:
        load: Makes of the pickle what was pickled.

    Raises:
        EOFError: The other side has gone.
    """
    try:
        (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
        frame = await reader.readexactly(length)
    except (asyncio.IncompleteReadError, OSError) as error:
        raise EOFError from error
    return load(frame)
