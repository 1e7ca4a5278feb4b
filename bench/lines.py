"""A thin HTTP/1.1 client over TLS: prepared bytes out, status and body in, so that the client costs little."""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence

Good = Callable[[int, bytes], bool]


class Line:
    """One connection that is kept open. ``await Line.open(...)`` makes it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int, tls: ssl.SSLContext | None) -> "Line":
        name = None if tls is None else "localhost"
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name, limit=1 << 20))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """One exchange. Raises ``asyncio.IncompleteReadError`` when the server ends the connection."""
        status, headers = await self.begin(request)
        if headers.get("transfer-encoding") == "chunked":
            return status, await self._chunks()
        return status, await self.reader.readexactly(int(headers.get("content-length", "0")))

    async def begin(self, request: bytes) -> tuple[int, Mapping[str, str]]:
        """Send, and read the head of the answer only."""
        self._writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = (line.partition(":") for line in head[1:] if line)
        return int(head[0].split(" ")[1]), {name.lower(): value.strip() for name, _, value in fields}

    async def _chunks(self) -> bytes:
        body = bytearray()
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return bytes(body)

    def close(self) -> None:
        self._writer.close()


class Lines:
    """Several connections that play at once. ``requests(line, n)``: the next ``n`` requests of a line."""

    def __init__(self, lines: Sequence[Line], requests: Callable[[int, int], Sequence[bytes]], good: Good) -> None:
        self._lines, self._requests, self._good = lines, requests, good
        self._prepared: Sequence[Sequence[bytes]] = ()

    def prepare(self, count: int) -> None:
        """Requests for one round, as many for each line."""
        each = max(1, count // len(self._lines))
        self._prepared = [self._requests(number, each) for number in range(len(self._lines))]

    async def play(self) -> int:
        """All answered well, or ``RuntimeError``: a wrong answer is never a fast one."""
        async with asyncio.TaskGroup() as group:
            for line, requests in zip(self._lines, self._prepared, strict=True):
                group.create_task(self._one(line, requests))
        return sum(map(len, self._prepared))

    async def _one(self, line: Line, requests: Sequence[bytes]) -> None:
        for request in requests:
            status, body = await line.ask(request)
            if not self._good(status, body):
                raise RuntimeError(f"a wrong answer: {status} {body[:200]!r}")


def request(verb: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """The bytes of one request."""
    said = {"Host": "localhost", "Content-Length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    return f"{verb} {path} HTTP/1.1\r\n{head}\r\n".encode() + body
