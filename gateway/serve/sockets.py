"""The sockets of the four listeners: how many connections are let in, and how long one may dawdle.

We accept for ourselves, so that a connection counts from its first moment and not only after its TLS handshake. From
there on everything has an end: the handshake, what a visit waits for (``connection``), and bytes that the peer does
not take (``TCP_USER_TIMEOUT``).
"""

import asyncio
import resource
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import ip_network
from types import TracebackType

from aiohttp import web

from adapters.plugin import Logger
from gateway.identity.throttle import network_of
from gateway.serve.connection import USUAL_PATIENCE, Patience, Visit
from gateway.serve.outside import announced_by, trusted
from gateway.serve.tls_context import ListenerContext
from gateway.settings.tables import ListenerSettings
from policies.roles import Listener

BACKLOG = 1024
OWN_FILES = 256
"""Descriptors for everything that is no visitor: store, tree, outbound calls."""
NO_FILES_PAUSE = 1.0
"""Seconds until the next accept when descriptors or memory ran out."""
NO_WAIT = 0.01
"""Seconds: to aiohttp a timeout of 0 means none."""
TELL_EVERY = 60.0
"""Seconds between two lines about connections that were turned away."""


class Tally:
    """Tells the log at once what was turned away, and then once a minute how many."""

    def __init__(self, which: Listener, log: Logger) -> None:
        self._which, self._log = which, log
        self._counts: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def count(self, why: str) -> None:
        self._counts[why] += 1
        if self._timer is None:
            self._tell()

    def _tell(self) -> None:
        self._timer = None
        if self._counts:
            self._log.warning("door.turned_away", listener=self._which.value, **self._counts)
            self._counts.clear()
            self._timer = asyncio.get_running_loop().call_later(TELL_EVERY, self._tell)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


class Gate:
    """Who is let in at one listener."""

    def __init__(
        self, which: Listener, door: ListenerSettings, context: ListenerContext | None, patience: Patience, log: Logger
    ) -> None:
        self._patience, self._tally = patience, Tally(which, log)
        self._door, self._context, self._log = door, context, log
        self._proxies = [ip_network(network) for network in door.trusted_proxies]
        self._inside = 0
        self._by_network: Counter[str] = Counter()

    async def run(self, listening: socket.socket, server: web.Server) -> None:
        """Accept until cancelled; connections that are still in their handshake end then."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    sock, address = await loop.sock_accept(listening)
                except ConnectionError:  # gone again before we looked
                    continue
                except OSError:
                    self._tally.count("no_files")
                    await asyncio.sleep(NO_FILES_PAUSE)
                    continue
                if (why := self._refusal(address[0])) is not None:
                    sock.close()
                    self._tally.count(why)
                else:
                    self._inside += 1
                    group.create_task(self._come(sock, address[0], server))
                await asyncio.sleep(0)  # an accept that need not wait gives nobody else a turn

    def close(self) -> None:
        """When nobody is inside any more."""
        self._tally.close()

    def _leave(self, network: str) -> None:
        self._inside -= 1
        self._by_network[network] -= 1
        if not self._by_network[network]:
            del self._by_network[network]

    def _refusal(self, address: str) -> str | None:
        if self._inside >= self._door.max_connections:
            return "full"
        if self._door.proxy_protocol and not trusted(address, self._proxies):
            return "no_proxy"
        return self._too_many(address)

    def _too_many(self, address: str) -> str | None:
        """A listed proxy speaks for many, so it is not counted."""
        most = 0 if trusted(address, self._proxies) else self._door.max_per_address
        return "address" if most and self._by_network[network_of(address)] >= most else None

    async def _come(self, sock: socket.socket, address: str, server: web.Server) -> None:
        """From the accept on; a balancer says first whose connection it is."""
        announced = None
        if self._door.proxy_protocol:
            try:
                announced = await announced_by(sock, self._patience.head)
                why = self._too_many(announced) if announced is not None else None
            except (OSError, ValueError):  # no time, no connection any more, no header
                why = "proxy_header"
            except BaseException:
                sock.close()
                raise
            if why is not None:
                sock.close()
                self._tally.count(why)
                self._inside -= 1
                return
        network = network_of(announced or address)
        self._by_network[network] += 1
        left = partial(self._leave, network)
        visit = Visit(server, asyncio.get_running_loop(), self._patience, left=left, late=self._tally.count)
        visit.announced = announced
        await self._let_in(sock, visit, left)

    async def _let_in(self, sock: socket.socket, visit: Visit, left: Callable[[], None]) -> None:
        """Until the handshake is done. From then on the connection itself tells when it is over."""
        patience, secure = self._patience, self._context is not None
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: visit,
                sock,
                ssl=self._context.now if self._context is not None else None,
                ssl_handshake_timeout=patience.handshake if secure else None,
                ssl_shutdown_timeout=patience.goodbye if secure else None,
            )
        except ConnectionAbortedError:
            self._tally.count("handshake")
        except OSError:  # a failed handshake is told by ``tls_context``
            pass
        except Exception as error:  # noqa: BLE001 - one stranger's connection must not close the door for all
            self._log.error("door.failed", error=type(error).__name__)
        finally:
            if not visit.met:
                left()


class Sockets:
    """Opens all listeners after everything is loaded, closes them in order. Use with ``async with``."""

    def __init__(self, *, shutdown_seconds: float, log: Logger, patience: Patience = USUAL_PATIENCE) -> None:
        self._shutdown, self._log, self._patience = shutdown_seconds, log, patience
        self._group = asyncio.TaskGroup()
        self._accepting: list[tuple[asyncio.Task[None], socket.socket]] = []
        self._gates: list[Gate] = []
        self._runners: list[web.AppRunner] = []
        self.ports: dict[Listener, int] = {}

    async def __aenter__(self) -> "Sockets":
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()
        await self._group.__aexit__(kind, error, trace)

    async def open(
        self, which: Listener, app: web.Application, door: ListenerSettings, context: ListenerContext | None
    ) -> None:
        """Bind and accept. Raises ``OSError`` when the port is taken, ``ValueError`` without TLS where it must be."""
        if (context is None) != door.clear:
            raise ValueError(f"{which}: TLS and 'clear' contradict each other")
        runner = web.AppRunner(app, shutdown_timeout=max(self._shutdown, NO_WAIT), handle_signals=False)
        await runner.setup()
        self._runners.append(runner)
        assert runner.server is not None
        gate = Gate(which, door, context, self._patience, self._log)
        self._gates.append(gate)
        for listening in await _bound(door.host, door.port):
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self._patience.untaken * 1000))
            self._accepting.append((self._group.create_task(gate.run(listening, runner.server)), listening))
            self.ports.setdefault(which, listening.getsockname()[1])

    async def _close(self) -> None:
        """No new connections; open answers get the shutdown time, then they are cut."""
        for accepting, _ in self._accepting:
            accepting.cancel()
        for accepting, listening in self._accepting:
            await asyncio.wait([accepting])
            listening.close()
        for runner in self._runners:
            await runner.cleanup()
        for gate in self._gates:
            gate.close()


async def _bound(host: str, port: int) -> Sequence[socket.socket]:
    """Listening sockets, one for each address of the host; accepted ones inherit their options. Raises ``OSError``."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    made: list[socket.socket] = []
    try:
        for family, *_, address in dict.fromkeys(found):
            listening = socket.create_server(address, family=family, backlog=BACKLOG)
            made.append(listening)
            listening.setblocking(False)
    except OSError:
        for each in made:
            each.close()
        raise
    return made


def make_room(connections: int, log: Logger) -> None:
    """Raise our own limit of open files to what the listeners may need; say so when the system does not allow it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + OWN_FILES
    if _least(soft, needed) < needed:
        soft = _least(hard, needed)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft < needed:
            log.warning("doors.few_files", needed=needed, limit=soft)


def _least(limit: int, needed: int) -> int:
    return needed if limit == resource.RLIM_INFINITY else min(limit, needed)
