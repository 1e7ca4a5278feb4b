"""A stream from a serial server or a gateway beside the meter. Kind of link ``tcp``; its address is ``HOST:PORT``."""

import asyncio
from collections.abc import AsyncGenerator

from msgspec import Struct

from edge import links
from edge.links import Opened, host_and_port, link_errors

API_VERSION = 1


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """None of its own."""


class TcpLink:
    """A connection that the box makes."""

    live = True

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    async def bytes(self, opened: Opened) -> AsyncGenerator[bytes, None]:
        """See ``links.Link``."""
        with link_errors():
            async with asyncio.timeout(links.CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(self._host, self._port)
            opened()
            patience = None
            try:
                while (data := await links.within(patience, reader.read(links.CHUNK))) != b"":
                    patience = None if data is None else links.SILENCE
                    yield data or b""
            finally:
                writer.close()


def link(address: str, settings: Settings) -> TcpLink:  # noqa: ARG001 - it has none
    """See ``links.LinkKind``."""
    return TcpLink(*host_and_port(address, "tcp"))
