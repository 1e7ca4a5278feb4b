"""The one outbound client: each connection goes to an address that was checked when the socket was made.

Private, loopback, link-local and other addresses that are not public are refused unless the settings allow their
network (no server-side request forgery); without TLS only to networks that are allowed so. A connection that the other
side keeps is used again, to the address that was checked; a fresh one resolves and checks again. No redirects, no
cookies, no proxies; time and size are bounded.
"""

import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
from aiohttp.abc import AbstractCookieJar

from adapters.plugin import OutboundError, Reply, StreamReply
from gateway.serve.addresses import plain, public

PIECE = 64 * 1024
CONNECTIONS = 100
EACH_HOST = 16
_Network = IPv4Network | IPv6Network


class AddressRefused(OSError):
    """The address is not one that may be called."""


class Outbound:
    """Implements ``adapters.plugin.Http``. Use with ``async with``."""

    def __init__(self, *, allow_private: Sequence[str] = (), extra_ca: Path | None = None) -> None:
        self._allowed = tuple(ip_network(each) for each in allow_private)
        self._tls = ssl.create_default_context()
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        if extra_ca is not None:
            self._tls.load_verify_locations(extra_ca)
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> "Outbound":
        self._sessions = {
            "https": self._session(lambda address: public(address) or self._listed(address)),
            "http": self._session(self._listed),
        }
        return self

    async def __aexit__(self, *_: object) -> None:
        for session in self._sessions.values():
            await session.close()

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
    ) -> Reply:
        """Raises ``OutboundError`` when nothing came back within the limits."""
        fields = dict(headers or {})
        if json is not None:
            data = msgspec.json.encode(json)
            fields.setdefault("Content-Type", "application/json")
        async with self._asked(verb, url, fields, data, seconds) as answer:
            body = bytearray()
            async for piece in _pieces(answer):
                body += piece
                if len(body) > limit:
                    raise OutboundError(f"the answer is longer than {limit} bytes")
            return Reply(answer.status, {k.lower(): v for k, v in answer.headers.items()}, bytes(body))

    @asynccontextmanager
    async def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None, seconds: float = 60.0
    ) -> AsyncIterator[StreamReply]:
        """A GET whose body is read in pieces; ``seconds`` bounds each wait, not the whole."""
        async with self._asked("GET", url, dict(headers or {}), None, seconds, whole=False) as answer:
            yield _Stream(answer.status, lambda: _pieces(answer))

    @asynccontextmanager
    async def _asked(
        self, verb: str, url: str, headers: dict[str, str], data: bytes | None, seconds: float, *, whole: bool = True
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        session = self._sessions.get(urlsplit(url).scheme)
        if session is None:
            raise OutboundError("only http and https addresses are called")
        timeout = aiohttp.ClientTimeout(total=seconds if whole else None, connect=seconds, sock_read=seconds)
        try:
            answer = await session.request(
                verb, url, data=data, headers=headers, timeout=timeout, allow_redirects=False
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise OutboundError(_why(error)) from None
        async with answer:
            if 300 <= answer.status < 400 and answer.status != 304:
                raise OutboundError("redirects are not followed")
            yield answer

    def _session(self, may: Callable[[str], bool]) -> aiohttp.ClientSession:
        def made(info: Any) -> socket.socket:
            family, kind, proto, _, where = info
            if not may(where[0]):
                raise AddressRefused("the address is private, and its network is not in outbound.allow_private")
            return socket.socket(family, kind, proto)

        connector = aiohttp.TCPConnector(
            ssl=self._tls, limit=CONNECTIONS, limit_per_host=EACH_HOST, use_dns_cache=False, socket_factory=made
        )
        jar: AbstractCookieJar = aiohttp.DummyCookieJar()
        return aiohttp.ClientSession(connector=connector, cookie_jar=jar, trust_env=False)

    def _listed(self, address: str) -> bool:
        parsed = plain(address)
        return any(parsed in network for network in self._allowed if network.version == parsed.version)


@dataclass(slots=True)
class _Stream:
    status: int
    _read: Callable[[], AsyncIterator[bytes]]

    def pieces(self) -> AsyncIterator[bytes]:
        return self._read()


async def _pieces(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        while piece := await answer.content.read(PIECE):
            yield piece
    except (aiohttp.ClientError, OSError) as error:
        raise OutboundError(_why(error)) from None


def _why(error: Exception) -> str:
    """The kind of trouble; no address, which may hold a token."""
    cause = getattr(error, "os_error", None) or error
    return str(cause) if isinstance(cause, AddressRefused) else type(cause).__name__
