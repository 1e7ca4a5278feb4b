"""Datagrams that a meter or a gateway beside it sends to the box. Kind of link ``udp``; its address is where the box
listens, ``HOST:PORT``: ``0.0.0.0:4059`` for DLMS in the wrapper of IEC 62056-47.

Whoever reaches the port is heard, as on a bus: name the meters, or let them encrypt.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from msgspec import Struct

from edge import links
from edge.links import Opened, host_and_port, link_errors

API_VERSION = 1
MOST_DATAGRAMS = 256
"""Datagrams that wait to be read; what comes on top of them is lost, as UDP may always lose it."""


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """None of its own."""


class _Arrivals(asyncio.DatagramProtocol):
    """Puts what comes into a queue, with its sender."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[tuple[bytes, Any]] = asyncio.Queue(MOST_DATAGRAMS)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if data and not self.queue.full():
            self.queue.put_nowait((data, addr))


class UdpLink:
    """A port of the box. What one sender began is over when another one speaks."""

    live = True

    def __init__(self, host: str, port: int) -> None:
        self._at = (host, port)

    async def bytes(self, opened: Opened) -> AsyncGenerator[bytes, None]:
        """See ``links.Link``."""
        with link_errors():
            loop = asyncio.get_running_loop()
            transport, arrivals = await loop.create_datagram_endpoint(_Arrivals, local_addr=self._at)
            opened()
            sender = None
            try:
                while True:
                    came = await links.within(links.SILENCE if sender is not None else None, arrivals.queue.get())
                    if sender is not None and (came is None or came[1] != sender):
                        yield b""
                    sender = None if came is None else came[1]
                    if came is not None:
                        yield came[0]
            finally:
                transport.close()


def link(address: str, settings: Settings) -> UdpLink:  # noqa: ARG001 - it has none
    """See ``links.LinkKind``."""
    return UdpLink(*host_and_port(address, "udp"))
