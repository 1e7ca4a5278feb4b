"""Every sink obeys the law: the HTTP response in clear and over TLS, on both loops; and one in memory."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from aiohttp import web

from gateway.door.response import HttpSink
from gateway.door.sink import Cut
from gateway.identity.certs import Authority
from gateway.serve.tls_context import CertificateFiles, tls
from policies.roles import Listener
from tests.gateway.door.readers import Reader, reading, unchunked
from tests.gateway.door.sink_contract import CHUNK, Far, SinkContract


@dataclass
class OverHttp:
    """A recipient that has asked."""

    sink: HttpSink
    reader: Reader

    def here(self) -> int:
        return self.reader.here()

    async def take(self) -> tuple[bytes, bool]:
        return unchunked(await self.reader.rest())

    async def take_raw(self) -> int:
        return await self.reader.raw_rest()

    def leave(self) -> None:
        self.reader.close()


@cache
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's, as the partners listener has it, and a recipient's."""
    authority = Authority(Path(mkdtemp()), datetime.now(UTC))
    chain = authority.server(["localhost"], "ec", datetime.now(UTC))
    return tls(Listener.PARTNERS, [CertificateFiles(*chain)]), ssl.create_default_context(cafile=str(authority.ca_file))


@asynccontextmanager
async def answering(secure: bool, *, compressed: bool = False, verb: str = "GET") -> AsyncIterator[OverHttp]:
    """A server whose one answer is the test's."""
    made: asyncio.Future[HttpSink] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if compressed:
            response.enable_compression(web.ContentCoding.gzip)
        sink = HttpSink(request, response)
        await sink.begin("text/plain")
        made.set_result(sink)
        await over.wait()
        if not sink.closed:
            await sink.finish()
        return response

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=contexts()[0] if secure else None)
    await site.start()
    try:
        with reading(runner.addresses[0][1]) as reader:
            await reader.shake(contexts()[1] if secure else None)
            reader.ask(verb=verb)
            yield OverHttp(await asyncio.wait_for(made, 5), reader)
    finally:
        over.set()
        await runner.cleanup()


class TestHttp(SinkContract):
    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Far]:
        async with answering(secure=False) as far:
            yield far


class TestHttpOverTls(SinkContract):
    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Far]:
        async with answering(secure=True) as far:
            yield far


class Pipe:
    """A sink in memory: what is queued, what was taken; the far end takes when the test says so."""

    def __init__(self) -> None:
        self.queued: list[bytes] = []
        self.taken: list[bytes] = []
        self.finished = self.closed = self.takes = False
        self.moved = asyncio.Event()

    @property
    def sink(self) -> "Pipe":
        return self

    @property
    def queue(self) -> "Pipe":
        return self

    async def begin(self, content_type: str) -> None:
        return

    def write(self, chunk: bytes) -> None:
        if self.closed:
            raise Cut("closed")
        self.queued.append(chunk)

    async def drain(self) -> None:
        while self.queued and not self.closed:
            self.flow()
            if self.queued:
                self.moved.clear()
                await self.moved.wait()
        if self.closed:
            raise Cut("closed")

    async def finish(self) -> None:
        self.finished = True
        await self.drain()

    def abort(self) -> None:
        self.closed = True
        self.queued.clear()
        self.moved.set()

    def unsent(self) -> bool:
        return bool(self.queued)

    def release(self) -> None:
        return

    # -- the far end

    def flow(self) -> None:
        if self.takes:
            self.taken += self.queued
            self.queued.clear()

    def here(self) -> int:
        return len(b"".join(self.taken))

    async def take(self) -> tuple[bytes, bool]:
        self.takes = True
        while not self.closed and not (self.finished and not self.queued):
            self.flow()
            self.moved.set()
            await asyncio.sleep(0)
        return b"".join(self.taken), self.finished

    async def take_raw(self) -> int:
        return len((await self.take())[0])

    def leave(self) -> None:
        self.abort()


class TestInMemory(SinkContract):
    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Far]:
        yield Pipe()


async def test_a_response_that_could_suspend_at_the_write_is_refused_and_cut() -> None:
    async with answering(secure=False, compressed=True) as far:
        with pytest.raises(RuntimeError, match="at once"):
            far.sink.write(CHUNK * 1000)  # so much that aiohttp compresses it in a thread
        assert far.sink.closed


async def test_nothing_on_the_way_may_keep_a_copy() -> None:
    async with answering(secure=False) as far:
        far.sink.write(CHUNK)
        await far.sink.finish()
        assert b"\r\nCache-Control: no-store\r\n" in await far.reader.rest()


async def test_an_answer_to_head_has_no_body() -> None:
    async with answering(secure=False, verb="HEAD") as far:
        far.sink.write(CHUNK)
        await far.sink.finish()
        far.reader.raw.settimeout(0.3)
        got = far.reader.raw.recv(1 << 16)
        assert got.endswith(b"\r\n\r\n")
        with pytest.raises(TimeoutError):
            far.reader.raw.recv(1)
