"""Lines to a meter. A link is something that gives bytes until it ends; a kind of link is a module that makes them.

The kinds are found by the entry points of the group ``metergate.links``: ours (``serial``, ``tcp``, ``udp``,
``replay``) and those of other packages. The name of the entry point is the key in a ``[[link]]`` table of the settings,
its object a module of the shape of ``LinkKind``. What stands here is all that such a module needs; ``docs/edge.md`` has
an example.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from edge.errors import LinkError, SettingsError

API_VERSION = 1
"""Rises when something that kinds use goes or changes, not for what is only added. A kind says for which it was
written, as a number."""
CHUNK = 4096
CONNECT_SECONDS = 10.0
SILENCE = 1.6
"""Seconds after which what a live line said is over. IEC 62056-21 lets up to 1.5 s pass between two characters, and
between a message and its answer; no other standard allows a longer gap inside a telegram."""

Opened = Callable[[], None]
Came = TypeVar("Came")


class Link(Protocol):
    """Where bytes come from.

    ``live`` tells whether they come as the meter sends them: a recording has old instants, and ends.
    """

    @property
    def live(self) -> bool: ...

    def bytes(self, opened: Opened) -> AsyncGenerator[bytes, None]:
        """Open the line, call ``opened``, give what comes; ends with the line. It may be called again after that.

        A live line that falls silent for ``SILENCE`` gives ``b""``, once: what was begun will not be completed (see
        ``within``). What was sent before the line was open is lost. LinkError when it cannot be opened or breaks (see
        ``link_errors``). Whatever is open is closed when the generator is.
        """


class LinkKind(Protocol):
    """A module that an entry point of ``metergate.links`` names."""

    API_VERSION: int
    """The ``API_VERSION`` for which it was written: a number, not an import of ours."""

    @property
    def Settings(self) -> type[Struct]:  # noqa: N802 - a class of the module
        """The fields of the ``[[link]]`` table that are its own, with their defaults; it may have none."""

    def link(self, address: str, settings: Any) -> Link:
        """A link that is not open yet. ``address`` is the value of the key with the kind's name, ``settings`` a
        ``Settings``. SettingsError names the field that is wrong."""


async def within(patience: float | None, coming: Awaitable[Came]) -> Came | None:
    """What comes, or None after so many seconds of silence; no patience waits for ever."""
    try:
        async with asyncio.timeout(patience) as limit:
            return await coming
    except TimeoutError:
        if limit.expired():
            return None
        raise  # the line's own


@contextmanager
def link_errors() -> Iterator[None]:
    """What goes wrong on a line as LinkError, by its name only."""
    try:
        yield
    except (OSError, ValueError, TimeoutError) as error:
        raise LinkError(type(error).__name__) from error


def host_and_port(address: str, field: str) -> tuple[str, int]:
    """``HOST:PORT``, the host of IPv6 in brackets. SettingsError names the field."""
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsError(f"link.{field}: HOST:PORT")
    return host.strip("[]"), int(port)
