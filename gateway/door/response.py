"""The HTTP response as a sink. Its queue is the connection: our buffer, then the kernel's send queue.

A reset (``SO_LINGER`` 0, then abort) drops both; the socket is closed in a later turn of the event loop. A kernel goes
on sending what a closed socket has queued, for minutes, and after the end of the process: so ``SO_LINGER`` is 0 from
the first chunk until the queue is empty, whoever closes. No compression here, it may suspend: a renderer may compress.
"""

import asyncio
import fcntl
import socket
import struct

from aiohttp import hdrs, web
from aiohttp.http import StreamWriter

from gateway.door.sink import Cut

SIOCOUTQ = 0x5411
"""linux/sockios.h: bytes not yet sent; for TCP, not yet acknowledged either."""
SEND_BUFFER = 16 * 1024
"""The kernel's part of what a slow reader can hold up."""
FIRST_LOOK, LONGEST_LOOK = 0.002, 0.1
"""Seconds between looks at a queue that must be empty before the connection is closed."""
_DROPS, _KEEPS = struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)
"""What a close does with the kernel's queue."""


class HttpSink:
    """Raises ``Cut`` when the recipient has gone already."""

    def __init__(self, request: web.Request, response: web.StreamResponse) -> None:
        if (transport := request.transport) is None:
            raise Cut("the recipient has gone")
        assert isinstance(request.writer, StreamWriter)
        self._transport, self._writer = transport, request.writer
        self._request: web.Request | None = request
        self._response: web.StreamResponse | None = response
        self._bodiless = request.method == hdrs.METH_HEAD
        self._aborted = self._begun = False
        transport.set_write_buffer_limits(high=1, low=0)  # high=0 would leave TLS transports paused when they are empty
        self._sock: socket.socket | None = transport.get_extra_info("socket")
        if self._sock is not None:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    @property
    def queue(self) -> asyncio.Transport:
        return self._transport

    @property
    def closed(self) -> bool:
        return self._aborted or self._transport.is_closing()

    async def begin(self, content_type: str) -> None:
        assert self._request is not None
        assert self._response is not None
        self._response.headers[hdrs.CONTENT_TYPE] = content_type
        self._response.headers[hdrs.CACHE_CONTROL] = "no-store"
        await self._response.prepare(self._request)

    def write(self, chunk: bytes) -> None:
        """An answer to HEAD has no body: the chunk is let go."""
        if self.closed:
            raise Cut("the connection is closed")
        if self._bodiless or not chunk:
            return
        if not self._begun:
            self._begun = True
            self._at_close(_DROPS)
        handing_over = self._writer.write(chunk, drain=False)
        try:
            handing_over.send(None)
        except StopIteration:
            return
        handing_over.close()
        self.abort()
        raise RuntimeError("the transport did not take a chunk at once; is the response compressed?")

    async def drain(self) -> None:
        await self._writer.drain()

    async def finish(self) -> None:
        """The connection may be kept for another answer; this one lets go of its request.

        One that is not kept is closed when this returns: not before its queue is empty.
        """
        assert self._response is not None
        kept = self._response.keep_alive
        await self._response.write_eof()
        if not kept:
            wait = FIRST_LOOK
            while self.unsent():
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_LOOK)
            self.release()
        self._request = self._response = None

    def release(self) -> None:
        if not self.closed:
            self._at_close(_KEEPS)

    def abort(self) -> None:
        """Also of a connection that is being closed: it still has a queue."""
        if self._aborted:
            return
        self._aborted = True
        self._at_close(_DROPS)
        self._transport.abort()

    def unsent(self) -> bool:
        sock = self._socket()
        if self._aborted or (sock is None and self._transport.is_closing()):
            return False
        if self._transport.get_write_buffer_size() > 0:
            return True
        if sock is None:
            return False
        try:
            return any(fcntl.ioctl(sock.fileno(), SIOCOUTQ, bytes(4)))
        except OSError:
            return True

    def _at_close(self, what: bytes) -> None:
        if (sock := self._socket()) is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, what)

    def _socket(self) -> socket.socket | None:
        """None once it is closed."""
        return self._sock if self._sock is not None and self._sock.fileno() >= 0 else None
