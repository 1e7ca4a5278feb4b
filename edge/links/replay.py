"""A recording: bytes as they once came. Kind of link ``replay``; its address is the file."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from msgspec import Struct

from edge import links
from edge.links import Opened, link_errors

API_VERSION = 1


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """None of its own."""


class ReplayLink:
    """It ends with the file, and its instants are those of the recording."""

    live = False

    def __init__(self, path: Path) -> None:
        self._path = path

    async def bytes(self, opened: Opened) -> AsyncGenerator[bytes, None]:
        """See ``links.Link``."""
        with link_errors(), self._path.open("rb") as file:
            opened()
            while data := file.read(links.CHUNK):
                yield data
                await asyncio.sleep(0)


def link(address: str, settings: Settings) -> ReplayLink:  # noqa: ARG001 - it has none
    """See ``links.LinkKind``."""
    return ReplayLink(Path(address))
