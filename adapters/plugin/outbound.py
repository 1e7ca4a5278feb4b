"""The way out to others' services: one client for all, bounded."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol


class Http(Protocol):
    """The one outbound client: resolves once, refuses private addresses unless allowed, no redirects, bounded."""

    async def request(
        self,
        verb: str,
        url: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = 1 << 20,
        seconds: float = 10.0,
    ) -> "Reply":
        """Raises ``OutboundError`` when nothing came back within the limits."""

    def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None, seconds: float = 60.0
    ) -> AbstractAsyncContextManager["StreamReply"]:
        """A GET whose body is read in pieces."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer from outside, whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class StreamReply(Protocol):
    """An answer from outside, in pieces."""

    status: int

    def pieces(self) -> AsyncIterator[bytes]: ...


class OutboundError(Exception):
    """No usable answer: refused address, no connection, too slow, too large, a redirect."""
