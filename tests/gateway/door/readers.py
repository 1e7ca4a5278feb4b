"""A recipient that has asked and reads when the test says so: what lies in its own kernel, and all that comes."""

import asyncio
import fcntl
import select
import socket
import ssl
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

END = b"\r\n0\r\n\r\n"
"""The last chunk. A head may end in a nought too, and come by itself."""

FULL = 2048
"""Bytes: more than a head, which comes before its answer is ready, and less than the smallest buffer holds."""


class Reader:
    """A socket with a small receive buffer. With ``tls`` call ``shake`` first."""

    def __init__(self, port: int, buffer: int = 4096) -> None:
        self.raw = socket.socket()
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.raw.settimeout(5)
        self.raw.connect(("127.0.0.1", port))
        self.sock = self.raw

    async def shake(self, tls: ssl.SSLContext | None) -> None:
        if tls is not None:
            self.sock = await asyncio.to_thread(tls.wrap_socket, self.raw, server_hostname="localhost")

    def ask(self, path: str = "/", headers: Mapping[str, str] = {}, verb: str = "GET") -> None:
        lines = [f"{verb} {path} HTTP/1.1", "Host: localhost", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
        self.sock.sendall("\r\n".join(lines).encode())

    def here(self) -> int:
        """Bytes that lie in the recipient's own kernel."""
        return int.from_bytes(fcntl.ioctl(self.sock.fileno(), termios.FIONREAD, bytes(4)), "little")

    async def stalled(self, least: int = FULL) -> int:
        """Waits until its buffer is full and the server waits; how much is here. ``least``: 1 for a short answer."""
        before = -1
        async with asyncio.timeout(5):
            while (now := self.here()) < least or now != before:
                before = now
                await asyncio.sleep(0.05)
        return now

    async def reset(self) -> None:
        """Waits until the connection is cut."""
        poll = select.poll()
        poll.register(self.sock, 0)
        async with asyncio.timeout(5):
            while not poll.poll(0):  # noqa: ASYNC110 - without reading, the kernel tells only who asks
                await asyncio.sleep(0.01)

    async def rest(self) -> bytes:
        """Everything in clear until the end of an answer, the end of the connection, or its reset."""
        return await asyncio.to_thread(self._rest)

    def _rest(self) -> bytes:
        got = bytearray()
        try:
            while not got.endswith(END) and (data := self.sock.recv(1 << 16)):
                got += data
        except (ConnectionError, ssl.SSLError):
            pass
        return bytes(got)

    async def raw_rest(self) -> int:
        """How many bytes still come, as they are on the wire."""
        plain = socket.socket(fileno=socket.dup(self.sock.fileno()))
        plain.settimeout(5)
        with plain:
            return await asyncio.to_thread(_counted, plain)

    def close(self) -> None:
        self.sock.close()


def _counted(plain: socket.socket) -> int:
    count = 0
    try:
        while data := plain.recv(1 << 16):
            count += len(data)
    except ConnectionError:
        pass
    return count


@contextmanager
def reading(port: int, buffer: int = 4096) -> Iterator[Reader]:
    reader = Reader(port, buffer)
    try:
        yield reader
    finally:
        reader.close()


def unchunked(answer: bytes) -> tuple[bytes, bool]:
    """The body of a chunked answer as far as it came, and whether it is complete. Fails where no length belongs."""
    _, found, frames = answer.partition(b"\r\n\r\n")
    body = bytearray()
    while found and frames:
        line, whole, frames = frames.partition(b"\r\n")
        assert set(line) <= set(b"0123456789abcdef"), f"{line[:40]!r} stands where a chunk's length belongs"
        if not whole:
            break
        length = int(line, 16)
        if length == 0:
            assert frames == b"\r\n"
            return bytes(body), True
        body += frames[:length]
        assert frames[length : length + 2] in (b"\r\n", b"\r", b"")
        frames = frames[length + 2 :]
    return bytes(body), False
