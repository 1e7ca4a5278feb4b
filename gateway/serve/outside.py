"""How we are seen from outside, and whom we see: the one place that knows of what stands before a listener.

A proxy that is listed says whom it speaks for, in ``X-Forwarded-For`` and ``X-Forwarded-Proto``; what anybody else says
in them is passed over. Of several the last that is no listed proxy counts: what stands before it is the caller's word.
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from aiohttp import web

from gateway.serve.proxy_header import header
from gateway.settings import Settings
from gateway.settings.tables import ListenerSettings
from policies.roles import Listener

MOST_HOPS = 16
_ANY_ADDRESS = frozenset({"0.0.0.0", "::", "127.0.0.1", "::1"})  # noqa: S104 - compared, not bound


class Outside:
    """Of one listener.

    Attributes:
        prefix: of its paths, as callers see them; "" at the root. The proxy takes it off.
    """

    def __init__(self, door: ListenerSettings) -> None:
        self.prefix = urlsplit(door.public_url).path.rstrip("/")
        self._host = urlsplit(door.public_url).netloc
        self._proxies = [ip_network(network) for network in door.trusted_proxies]

    def look(self, request: web.Request) -> None:
        """Make ``remote``, ``scheme`` and ``host`` of a request what the caller sees."""
        called_from = getattr(request.protocol, "announced", None)
        if called_from is not None:
            request._cache["remote"] = called_from
        if not self._proxies or not trusted(request.remote or "", self._proxies):
            return
        request._cache["remote"] = behind(
            request.remote or "", request.headers.getall("X-Forwarded-For", ()), self._proxies
        )
        if request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower() == "https":
            request._cache["scheme"] = "https"
        if self._host:
            request._cache["host"] = self._host


def trusted(address: str, proxies: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether an address is a listed proxy's; what is no address is not."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in proxies if network.version == parsed.version)


def behind(peer: str, forwarded: Sequence[str], proxies: Sequence[IPv4Network | IPv6Network]) -> str:
    """Who called a listed proxy; the proxy itself where it does not say. ``forwarded``: the header's lines."""
    found = peer
    for hop in reversed(",".join(forwarded).split(",")[-MOST_HOPS:]):
        address = _address(hop.strip())
        if address is None:
            return found
        found = address
        if not trusted(found, proxies):
            return found
    return found


def _address(hop: str) -> str | None:
    """Of an entry, with or without a port; IPv6 with a port stands in brackets."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return str(ip_address(hop))
    except ValueError:
        return None


async def announced_by(sock: socket.socket, patience: float) -> str | None:
    """Whom a balancer speaks for. Raises ``OSError`` when nothing comes in time, ``BadHeader``."""
    loop, asks = asyncio.get_running_loop(), header()
    wanted = next(asks)
    async with asyncio.timeout(patience):
        while True:
            got = b""
            while len(got) < wanted:
                part = await loop.sock_recv(sock, wanted - len(got))
                if not part:
                    raise ConnectionResetError
                got += part
            try:
                wanted = asks.send(got)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return] # of a generator's end


def public_url(settings: Settings, which: Listener) -> str:
    """How a listener is reached from outside, without a trailing slash."""
    door = settings.listener(which)
    if door.public_url:
        return door.public_url.rstrip("/")
    host = "localhost" if door.host in _ANY_ADDRESS else door.host
    host = f"[{host}]" if ":" in host else host
    return f"{'http' if door.clear else 'https'}://{host}:{door.port}"
