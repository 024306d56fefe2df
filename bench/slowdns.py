"""A name server on loopback that knows ``hN.bench.internal`` and takes its time over answers."""

from __future__ import annotations

import asyncio
import re
import struct
import sys
from ipaddress import IPv4Address

DELAY = 0.05  # seconds; what a resolver far away costs
_QUESTION = re.compile(
    rb"[\x02-\x05]h(\d{1,4})\x05bench\x08internal\x00\x00(.)\x00\x01", re.S | re.I
)
_ANSWER = struct.Struct(">HHHIH")


def host_address(number: int) -> str:
    """The loopback address of host *number*, counted from 0 to 9,999; none is 127.0.x.x."""
    return f"127.1.{number // 250}.{1 + number % 250}"


def reply_to(query: bytes) -> bytes:
    """The answer to a DNS query: an A record, nothing for other types, NXDOMAIN for other names.

    Additional records of the query (EDNS) are ignored. Source: RFC 1035, section 4.
    """
    asked = _QUESTION.match(query, 12)
    if asked is None:
        end = query.index(b"\0", 12) + 5
        return query[:2] + struct.pack(">HHHHH", 0x8583, 1, 0, 0, 0) + query[12:end]
    answer = b""
    if asked[2] == b"\1":
        address = IPv4Address(host_address(int(asked[1]))).packed
        answer = _ANSWER.pack(0xC00C, 1, 1, 60, 4) + address  # 0xC00C: the name in the question
    return query[:2] + struct.pack(">HHHHH", 0x8580, 1, bool(answer), 0, 0) + asked[0] + answer


class _Server(asyncio.DatagramProtocol):
    """Answers each datagram once, `DELAY` seconds later."""

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        asyncio.get_running_loop().call_later(DELAY, self._transport.sendto, reply_to(data), addr)


async def serve(address: str, port: int) -> None:
    """Answer until killed; prints ``ready`` when the port is open."""
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(_Server, local_addr=(address, port))
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
