"""Connections that carried a household's data, and how to call back what is still on its way.

Written is not sent: what lies in our buffers or the kernel's send queue leaves later. A connection counts as a ground's
until its send queue is empty (``SIOCOUTQ``), also when the answer is complete. A reset (``SO_LINGER`` 0, then abort)
drops the queues; the socket is closed in a later turn of the event loop.
"""

import asyncio
import fcntl
import socket
import struct
from collections.abc import Iterable

SIOCOUTQ = 0x5411
"""linux/sockios.h: bytes not yet sent; for TCP, not yet acknowledged either."""
SEND_BUFFER = 16 * 1024
"""The kernel's part of what a slow reader can hold up."""
FEWEST = 256
"""Lines below which nobody looks for closed ones."""
_LINGER_ZERO = struct.pack("ii", 1, 0)


class Line:
    """One connection: which grounds' bytes may still be in its queues, and which answers are open on it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.queued: set[str] = set()
        self.open: set[str] = set()
        transport.set_write_buffer_limits(high=1, low=0)  # high=0 would leave TLS transports paused when they are empty
        if (sock := transport.get_extra_info("socket")) is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    @property
    def closed(self) -> bool:
        return self._transport.is_closing()

    def unsent(self) -> bool:
        """Whether anything written may not have left this host. Unknown means yes."""
        if self._transport.is_closing():
            return False
        if self._transport.get_write_buffer_size() > 0:
            return True
        sock = self._transport.get_extra_info("socket")
        if sock is None or sock.fileno() < 0:
            return False
        try:
            return int.from_bytes(fcntl.ioctl(sock.fileno(), SIOCOUTQ, bytes(4)), "little") > 0
        except OSError:
            return True

    def carry(self, ground: str) -> None:
        """About to write a chunk of this ground. What left before needs no calling back."""
        if self.queued and not self.unsent():
            self.queued.clear()
        self.queued.add(ground)

    def abort(self) -> None:
        """Nothing queued is still sent; the peer sees a reset."""
        if self._transport.is_closing():
            return
        sock = self._transport.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self._transport.abort()


class Lines:
    """All lines of this process. Those that are closed fall out when the table has doubled."""

    def __init__(self) -> None:
        self._lines: dict[int, Line] = {}  # by id(transport); uvloop's TLS transports know no weak references
        self._tidy_at = FEWEST

    def of(self, transport: asyncio.Transport) -> Line:
        """The line of a connection, made at its first use."""
        if (line := self._lines.get(id(transport))) is None:
            line = self._lines[id(transport)] = Line(transport)
            if len(self._lines) >= self._tidy_at:
                self._lines = {name: line for name, line in self._lines.items() if not line.closed}
                self._tidy_at = max(FEWEST, 2 * len(self._lines))
        return line

    def reset(self, grounds: Iterable[str]) -> int:
        """Abort every connection with an open answer, or anything unsent, of these grounds; how many.

        The caller gives the event loop a turn before it acknowledges: only then are the sockets closed.
        """
        ended = frozenset(grounds)
        hit = [line for line in self._lines.values() if self._concerns(line, ended)]
        for line in hit:
            line.abort()
        return len(hit)

    @staticmethod
    def _concerns(line: Line, ended: frozenset[str]) -> bool:
        return not line.open.isdisjoint(ended) or (not line.queued.isdisjoint(ended) and line.unsent())
