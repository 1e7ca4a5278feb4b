"""A serial port, or a pseudo-terminal. Kind of link ``serial``; its address is the device."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated

from msgspec import Meta, Struct

from edge import links
from edge.links import Opened, link_errors

try:
    import serial
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("serial ports need the extra metergate[edge]") from error

API_VERSION = 1


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Meters differ in them."""

    baud: Annotated[int, Meta(gt=0)] = 115200
    parity: Annotated[str, Meta(pattern="^[NEO]$")] = "N"
    data: Annotated[int, Meta(ge=7, le=8)] = 8
    stop: Annotated[int, Meta(ge=1, le=2)] = 1


class SerialLink:
    """A port that nobody else has open (``serial.SerialException`` is an OSError)."""

    live = True

    def __init__(self, port: str, settings: Settings = Settings()) -> None:  # noqa: B008 - frozen
        self._port, self._settings = port, settings

    def _open(self) -> serial.Serial:
        told = self._settings
        return serial.Serial(self._port, told.baud, told.data, told.parity, told.stop, timeout=0, exclusive=True)

    async def bytes(self, opened: Opened) -> AsyncGenerator[bytes, None]:
        """See ``links.Link``."""
        with link_errors(), self._open() as line:
            loop, readable = asyncio.get_running_loop(), asyncio.Event()
            loop.add_reader(line.fileno(), readable.set)
            opened()
            patience = None
            try:
                while True:
                    if await links.within(patience, readable.wait()) is None:
                        patience = None
                        yield b""
                        continue
                    readable.clear()
                    if data := line.read(links.CHUNK):
                        patience = links.SILENCE
                        yield data
            finally:
                loop.remove_reader(line.fileno())


def link(address: str, settings: Settings) -> SerialLink:
    """See ``links.LinkKind``."""
    return SerialLink(address, settings)
