"""Who is let in, and how long one may dawdle: raw sockets, in clear and with TLS, on both loops.

Bounds are small here and what is waited for is an end, never a time: without its bound each of these waits in vain.
"""

import asyncio
import contextlib
import errno
import json
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.identity.certs import Authority
from gateway.serve import sockets as module
from gateway.serve.connection import Patience
from gateway.serve.sockets import Sockets, make_room
from gateway.serve.tls_context import CertificateFiles, ListenerContext, TlsFiles
from gateway.settings.tables import ListenerSettings
from metergate.testing.log import LogLines
from policies.roles import Listener
from tests.gateway.people_house import START

IN_VAIN = 20.0
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
LONG, LARGE = 64 << 20, 1 << 20
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Served:
    """A door, and what its one route does."""

    def __init__(self, port: int, client: ssl.SSLContext | None, log: LogLines) -> None:
        self.port, self.client, self.log = port, client, log
        self.go, self.asked = asyncio.Event(), False
        self.inside: Callable[[], int] = lambda: 0
        self.ended: asyncio.Queue[type[BaseException] | None] = asyncio.Queue()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked = True
        try:
            if request.method == "PATCH":
                await self.go.wait()
            body = await request.read()
            if request.method == "PUT":
                return web.Response(body=bytes(LONG))
            return web.Response(text=f"{len(body)}")
        except BaseException as error:
            self.ended.put_nowait(type(error))
            raise

    async def connect(self, *, source: str = "127.0.0.1", secure: bool = True, **more: Any) -> Connection:
        context = self.client if secure else None
        name = "localhost" if context else None
        return await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=context, server_hostname=name, local_addr=(source, 0), **more
        )

    def turned_away(self) -> set[str]:
        return {word for line in self.log.lines for word in line if word not in ("event", "listener")}


@asynccontextmanager
async def served(
    folder: Path, *, secure: bool, door: dict[str, Any] | None = None, **patience: float
) -> AsyncIterator[Served]:
    log, context, client = LogLines(), None, None
    if secure:
        chain = CertificateFiles(*Authority(folder, START).server(["localhost"], "ec", START))
        context = ListenerContext(Listener.PEOPLE, TlsFiles([chain]))
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE  # the test's clock is not this host's
    app = web.Application()
    async with Sockets(shutdown_seconds=0, log=log, patience=Patience(**patience)) as opened:
        here = Served(0, client, log)
        app.router.add_route("*", "/", here.answer)
        settings = ListenerSettings(port=0, clear=not secure, **(door or {}))
        await opened.open(Listener.PEOPLE, app, settings, context)
        here.port = opened.ports[Listener.PEOPLE]
        here.inside = lambda: opened._gates[0]._inside
        yield here


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What is still sent until the connection is closed or reset."""
    got = b""
    async with asyncio.timeout(IN_VAIN):
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while data := await reader.read(1 << 16):
                got += data
    return got


async def asked(connection: Connection, request: bytes = REQUEST) -> bytes:
    """Status and body of one answer."""
    reader, writer = connection
    writer.write(request)
    async with asyncio.timeout(IN_VAIN):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        return head.split(b" ")[1] + b" " + await reader.readexactly(length)


async def closed(*connections: Connection) -> None:
    for _, writer in connections:
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(IN_VAIN):
        while not so():  # noqa: ASYNC110 - nobody sets an event for what is looked at here
            await asyncio.sleep(0.02)


async def dribble(connection: Connection, byte: bytes) -> None:
    """One byte and one byte and one byte."""
    with contextlib.suppress(ConnectionError):
        while True:
            connection[1].write(byte)
            await connection[1].drain()
            await asyncio.sleep(0.01)


# -- how many


@pytest.mark.parametrize("secure", [False, True])
async def test_a_connection_beyond_the_bound_is_closed_and_the_others_go_on(tmp_path: Path, secure: bool) -> None:
    async with served(tmp_path, secure=secure, door={"max_connections": 2}) as here:
        inside = [await here.connect() for _ in range(2)]
        assert [await asked(each) for each in inside] == [b"200 0"] * 2
        refused = await here.connect(secure=False)
        assert await ended(refused[0]) == b""
        assert [await asked(each) for each in inside] == [b"200 0"] * 2
        assert here.log.lines == [{"event": "door.turned_away", "listener": "people", "full": 1}]
        await closed(inside.pop(), refused)
        inside.append(await let_in(here))
        await closed(*inside)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", "it is none"),
        (b"GET / HTTP/secret\r\n\r\n", "first line"),
        (b"GET /\x00secret HTTP/1.1\r\nHost: x\r\n\r\n", "it is no address"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nno header secret\r\n\r\n", "RFC 9112"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nsecret: " + bytes(20_000) + b"\r\n\r\n", "RFC 9112"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nsecret: " + b"s" * 20_000 + b"\r\n\r\n", "16384 bytes at most"),
        (b"GET /" + b"s" * 20_000 + b" HTTP/1.1\r\n\r\n", "16384 bytes at most"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: secret\r\n\r\n", "RFC 9112"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "RFC 9112"),
    ],
)
@pytest.mark.parametrize("secure", [False, True])
async def test_a_head_that_is_no_http_is_a_problem_and_names_no_library(
    tmp_path: Path, secure: bool, sent: bytes, said: str
) -> None:
    async with served(tmp_path, secure=secure) as here:
        connection = await here.connect()
        connection[1].write(sent)
        head, _, body = (await ended(connection[0])).partition(b"\r\n\r\n")
        await closed(connection)
    lines = head.lower().split(b"\r\n")
    assert lines[0].startswith(b"http/1.1 400") or lines[0].startswith(b"http/1.0 400")
    assert b"content-type: application/problem+json" in lines
    assert b"server:" not in head.lower()
    problem = json.loads(body)
    assert (problem["reason"], said in problem["detail"]) == ("bad-request", True), problem
    assert b"secret" not in head + body


async def let_in(here: Served) -> Connection:
    """Once a place is free again."""
    async with asyncio.timeout(IN_VAIN):
        while True:
            with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
                connection = await here.connect()
                assert await asked(connection) == b"200 0"
                return connection


@pytest.mark.parametrize("said", [b"this is no TLS\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b""])
async def test_a_connection_counts_before_its_handshake_is_done_and_no_longer_when_that_fails(
    tmp_path: Path, said: bytes
) -> None:
    async with served(tmp_path, secure=True, door={"max_connections": 1}) as here:
        silent = await here.connect(secure=False)
        refused = await here.connect(secure=False)
        assert await ended(refused[0]) == b""
        silent[1].write(said)
        silent[1].write_eof()
        await ended(silent[0])
        await until(lambda: here.inside() == 0)
        assert here.turned_away() == {"full"}
        await closed(silent, refused, await let_in(here))


@pytest.mark.gdpr("32(1)(b)")
async def test_one_address_cannot_take_every_place(tmp_path: Path) -> None:
    async with served(tmp_path, secure=False, door={"max_connections": 9, "max_per_address": 1}) as here:
        inside = await here.connect(source="127.0.0.1")
        assert await asked(inside) == b"200 0"
        refused = await here.connect(source="127.0.0.1")
        assert await ended(refused[0]) == b""
        other = await here.connect(source="127.0.0.2")
        assert await asked(other) == b"200 0"
        assert here.turned_away() == {"address"}
        await closed(inside, refused, other)


async def test_without_a_bound_by_address_one_may_have_all_places(tmp_path: Path) -> None:
    async with served(tmp_path, secure=False, door={"max_connections": 3, "max_per_address": 0}) as here:
        inside = [await here.connect() for _ in range(3)]
        assert [await asked(each) for each in inside] == [b"200 0"] * 3
        await closed(*inside)


async def test_the_log_is_told_at_once_and_then_how_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TELL_EVERY", 0.2)
    async with served(tmp_path, secure=False, door={"max_connections": 1}) as here:
        inside = await here.connect()
        assert await asked(inside) == b"200 0"
        for _ in range(4):
            refused = await here.connect()
            await ended(refused[0])
            await closed(refused)
        await until(lambda: sum(line["full"] for line in here.log.lines) == 4)
        assert len(here.log.lines) < 4
        await closed(inside)


async def test_a_lack_of_descriptors_ends_no_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NO_FILES_PAUSE", 0.0)
    loop = asyncio.get_running_loop()
    if not isinstance(loop, asyncio.BaseEventLoop):
        return  # uvloop's methods cannot be replaced
    accept, failures = loop.sock_accept, [OSError(errno.EMFILE, "too many open files")]

    async def without(listening: socket.socket) -> Any:
        if failures:
            raise failures.pop()
        return await accept(listening)

    monkeypatch.setattr(loop, "sock_accept", without)
    async with served(tmp_path, secure=False) as here:
        connection = await here.connect()
        assert await asked(connection) == b"200 0"
        assert here.turned_away() == {"no_files"}
        await closed(connection)


# -- how long


async def test_a_handshake_that_is_not_finished_ends(tmp_path: Path) -> None:
    async with served(tmp_path, secure=True, handshake=0.2) as here:
        silent, slow = await here.connect(secure=False), await here.connect(secure=False)
        slow[1].write(b"\x16\x03\x01\x02\x00\x01\x00")  # the beginning of a ClientHello
        assert [await ended(each[0]) for each in (silent, slow)] == [b"", b""]
        assert here.turned_away() == {"handshake"}
        await closed(silent, slow)


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("before", [b"", REQUEST])
async def test_a_head_that_comes_byte_by_byte_ends_on_a_fresh_connection_and_on_a_used_one(
    tmp_path: Path, secure: bool, before: bytes
) -> None:
    async with served(tmp_path, secure=secure, head=0.3) as here:
        connection = await here.connect()
        if before:
            assert await asked(connection) == b"200 0"
        connection[1].write(b"GET / HTTP/1.1\r\nX-Slow: ")
        async with asyncio.TaskGroup() as group:
            slow = group.create_task(dribble(connection, b"a"))
            assert await ended(connection[0]) == b""
            slow.cancel()
        assert here.turned_away() == {"head"}
        await closed(connection)


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("head", [POST % 100_000, POST.replace(b"Content-Length: %d", b"Transfer-Encoding: chunked")])
async def test_a_body_that_comes_byte_by_byte_ends(tmp_path: Path, secure: bool, head: bytes) -> None:
    async with served(tmp_path, secure=secure, body=0.3, rate=1e6) as here:
        connection = await here.connect()
        connection[1].write(head + b"ffff\r\n")
        async with asyncio.TaskGroup() as group:
            slow = group.create_task(dribble(connection, b"a"))
            assert await ended(connection[0]) == b""
            slow.cancel()
        assert here.turned_away() == {"body"}
        assert issubclass(await here.ended.get() or object, (ConnectionError, asyncio.CancelledError))
        await closed(connection)


async def test_a_body_that_stops_ends_however_much_came_before(tmp_path: Path) -> None:
    async with served(tmp_path, secure=False, body=0.3, rate=1.0) as here:
        connection = await here.connect()
        connection[1].write(POST % 1001)
        await until(lambda: here.inside() == 1)
        await asyncio.sleep(0.05)
        connection[1].write(b"x" * 1000)  # at this rate worth 1000 seconds
        assert await ended(connection[0]) == b""
        assert here.turned_away() == {"body"}
        await closed(connection)


async def test_a_body_that_comes_at_its_pace_may_take_longer(tmp_path: Path) -> None:
    async with served(tmp_path, secure=False, body=1.0, rate=10.0) as here:
        connection = await here.connect()
        connection[1].write(POST % 70)
        for _ in range(13):
            connection[1].write(b"x" * 5)
            await asyncio.sleep(0.1)
        assert await asked(connection, b"x" * 5) == b"200 70"
        await closed(connection)


async def test_a_body_that_waits_for_us_is_not_held_against_its_sender(tmp_path: Path) -> None:
    async with served(tmp_path, secure=False, body=0.1) as here:
        connection = await here.connect()
        connection[1].write((POST % LARGE).replace(b"POST", b"PATCH") + bytes(LARGE))
        await asyncio.sleep(0.5)
        here.go.set()
        assert await asked(connection, b"") == b"200 %d" % LARGE
        await closed(connection)


async def test_an_idle_connection_ends(tmp_path: Path) -> None:
    async with served(tmp_path, secure=True, idle=0.2) as here:
        used, silent = await here.connect(), await here.connect()
        assert await asked(used) == b"200 0"
        assert [await ended(each[0]) for each in (used, silent)] == [b"", b""]
        await closed(used, silent)


async def test_a_poll_that_waits_is_not_hurried_not_even_with_stray_bytes_behind_its_question(tmp_path: Path) -> None:
    async with served(tmp_path, secure=True, head=0.1, body=0.1, idle=0.1) as here:
        connection = await here.connect()
        connection[1].write(REQUEST.replace(b"GET", b"PATCH"))
        await connection[1].drain()
        await asyncio.sleep(0.1)
        connection[1].write(b"G")
        await asyncio.sleep(0.4)
        here.go.set()
        assert await asked(connection, b"") == b"200 0"
        await closed(connection)


async def test_an_answer_that_nobody_takes_ends(tmp_path: Path) -> None:
    async with served(tmp_path, secure=False, untaken=0.5) as here:
        sock = socket.create_connection(("127.0.0.1", here.port))
        sock.sendall(REQUEST.replace(b"GET", b"PUT"))
        await until(lambda: here.asked)
        await until(lambda: here.inside() == 0)
        sock.close()


async def test_the_doors_close_on_who_still_waits_when_he_may_have_no_seconds(tmp_path: Path) -> None:
    async with asyncio.timeout(IN_VAIN):
        async with served(tmp_path, secure=True) as here:
            connection = await here.connect()
            connection[1].write(REQUEST.replace(b"GET", b"PATCH"))
            await until(lambda: here.asked)
        assert await ended(connection[0]) == b""
        await closed(connection)


# -- descriptors


@pytest.mark.parametrize(
    ("soft", "hard", "raised", "told"),
    [
        (100_000, 100_000, None, False),
        (256, 100_000, 1256, False),
        (256, resource.RLIM_INFINITY, 1256, False),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None, False),
        (256, 512, 512, True),
        (512, 512, 512, True),
    ],
)
def test_the_limit_of_open_files_is_raised_as_far_as_it_goes_and_the_rest_is_said(
    soft: int, hard: int, raised: int | None, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, done = LogLines(), []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: done.append(limits[0]))
    make_room(1000, log)
    assert done == ([raised] if raised else [])
    assert log.lines == ([{"event": "doors.few_files", "needed": 1256, "limit": raised}] if told else [])


@pytest.mark.gdpr("32(1)(a)")
async def test_a_listener_without_tls_opens_only_where_it_was_asked_for() -> None:
    async with Sockets(shutdown_seconds=0, log=LogLines()) as opened:
        with pytest.raises(ValueError, match="contradict"):
            await opened.open(Listener.PEOPLE, web.Application(), ListenerSettings(port=0), None)
