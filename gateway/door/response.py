"""The HTTP response as a sink. Its queue is the connection: our buffer, then the kernel's send queue.

A reset (``SO_LINGER`` 0, then abort) drops both; the socket is closed in a later turn of the event loop. No compression
here, it may suspend: a renderer may compress.
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
_LINGER_ZERO = struct.pack("ii", 1, 0)


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
        self._aborted = False
        transport.set_write_buffer_limits(high=1, low=0)  # high=0 would leave TLS transports paused when they are empty
        if (sock := transport.get_extra_info("socket")) is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

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
        """The connection may be kept for another answer; this one lets go of its request."""
        assert self._response is not None
        await self._response.write_eof()
        self._request = self._response = None

    def abort(self) -> None:
        if self.closed:
            return
        self._aborted = True
        sock = self._transport.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self._transport.abort()

    def unsent(self) -> bool:
        if self.closed:
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
