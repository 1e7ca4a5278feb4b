"""Who calls, where a proxy or a balancer stands before a listener: what listed ones say counts, nobody else's word."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from adapters.plugin import Caller, Route
from gateway.errors import SettingsError
from gateway.serve.connection import Patience
from gateway.serve.listeners import application
from gateway.serve.outside import Outside, behind, public_url
from gateway.serve.proxy_header import BadHeader, header
from gateway.serve.sockets import Sockets
from gateway.settings import parse
from gateway.settings.tables import ListenerSettings
from metergate.testing.log import LogLines
from policies.roles import EVERYBODY, Listener, Role

HERE = {"trusted_proxies": ["127.0.0.1/32", "10.0.0.0/8"]}
V2 = bytes.fromhex("0d0a0d0a000d0a515549540a")
TCP4 = V2 + bytes.fromhex("2111 000c cb007109 0a000001 d431 01bb")
"""203.0.113.9, port 54321, to 10.0.0.1, port 443; laid out by hand from the figures of section 2.2."""
TCP6 = V2 + bytes.fromhex(
    "2121 0029 20010db8000000000000000000000009 20010db8000000000000000000000001 d431 01bb 0400020102"
)
"""The same over IPv6, with a type-length-value behind it."""
LOCAL = V2 + bytes.fromhex("2000 0000")


async def nobody(request: web.Request) -> Caller:
    return Caller(Role.ANYONE)


async def told(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.remote} {request.scheme} {request.host}")


async def elsewhere(request: web.Request) -> web.Response:
    raise web.HTTPSeeOther("/now")


@asynccontextmanager
async def door(**more: Any) -> AsyncIterator[tuple[int, LogLines]]:
    log, settings = LogLines(), ListenerSettings(port=0, clear=True, **more)
    routes = [
        Route(Listener.PEOPLE, "GET", "/", "told", told, EVERYBODY),
        Route(Listener.PEOPLE, "GET", "/elsewhere", "elsewhere", elsewhere, EVERYBODY),
    ]
    note, outside = (lambda *_: None), Outside(settings)
    app = application(Listener.PEOPLE, routes, nobody, note, structlog.get_logger(), most=1024, outside=outside)
    async with Sockets(shutdown_seconds=0, log=log, patience=Patience(head=0.5)) as opened:
        await opened.open(Listener.PEOPLE, app, settings, None)
        yield opened.ports[Listener.PEOPLE], log


async def said(port: int, *headers: str, first: bytes = b"", path: str = "/") -> str:
    """The head's last line and the body of the answer; "" where the connection is closed instead."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = "".join(f"{line}\r\n" for line in ("Host: gate.local", "Connection: close", *headers))
    writer.write(first + f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
    try:
        return (await reader.read()).decode()
    except ConnectionError:
        return ""
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("forwarded", "caller"),
    [
        ([], "127.0.0.1"),
        (["203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1", "203.0.113.9, 10.1.2.3"], "203.0.113.9"),
        (["[2001:db8::9]:4711"], "2001:db8::9"),
        (["203.0.113.9:4711"], "203.0.113.9"),
        (["198.51.100.1, unknown"], "127.0.0.1"),
        (["198.51.100.1, unknown, 10.1.2.3"], "10.1.2.3"),
        (["10.9.9.9"], "10.9.9.9"),
        ([""], "127.0.0.1"),
    ],
)
async def test_a_listed_proxy_says_who_calls(forwarded: list[str], caller: str) -> None:
    async with door(**HERE) as (port, _):
        answer = await said(port, *[f"X-Forwarded-For: {each}" for each in forwarded])
    assert answer.endswith(f"\r\n\r\n{caller} http gate.local")


async def test_what_anybody_else_says_is_passed_over() -> None:
    async with door(trusted_proxies=["10.0.0.0/8"], public_url="https://meter.example/gate") as (port, _):
        answer = await said(port, "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https")
    assert answer.endswith("\r\n\r\n127.0.0.1 http gate.local")


async def test_behind_a_listed_proxy_the_address_from_outside_counts() -> None:
    async with door(**HERE, public_url="https://meter.example/gate/") as (port, _):
        answer = await said(port, "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https")
        assert answer.endswith("\r\n\r\n203.0.113.9 https meter.example")
        assert "Location: /gate/now\r\n" in await said(port, path="/elsewhere")
        again = await said(port, "X-Forwarded-Proto: https, http")
    assert again.endswith("127.0.0.1 http meter.example")


async def test_without_a_prefix_an_address_of_ours_stays_as_it_is() -> None:
    async with door(public_url="https://meter.example") as (port, _):
        assert "Location: /now\r\n" in await said(port, path="/elsewhere")


@given(st.lists(st.sampled_from(["10.0.0.7", "203.0.113.9", "::1", "x", "", "[", "1.2.3.4:5:6"]), max_size=40))
def test_nobody_but_a_listed_proxy_names_anybody(hops: list[str]) -> None:
    """Whoever is found stands in the header, and all that stand behind him there are listed."""
    found = behind("10.0.0.1", [",".join(hops)], [ip_network("10.0.0.0/8")])
    if found != "10.0.0.1":
        last = len(hops) - 1 - hops[::-1].index(found)
        assert set(hops[last + 1 :]) <= {"10.0.0.7"}


@pytest.mark.parametrize(
    ("first", "caller"),
    [
        (TCP4, "203.0.113.9"),
        (TCP6, "2001:db8::9"),
        (LOCAL, "127.0.0.1"),
        (b"PROXY TCP4 203.0.113.9 10.0.0.1 54321 443\r\n", "203.0.113.9"),
        (b"PROXY TCP6 2001:db8::9 2001:db8::1 54321 443\r\n", "2001:db8::9"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (b"PROXY UNKNOWN ffff::1 ffff::1 65535 65535\r\n", "127.0.0.1"),
    ],
)
async def test_a_balancer_says_before_the_first_byte_whose_connection_it_is(first: bytes, caller: str) -> None:
    async with door(**HERE, proxy_protocol=True) as (port, _):
        assert (await said(port, first=first)).endswith(f"\r\n\r\n{caller} http gate.local")


BROKEN: Sequence[bytes] = [
    b"",
    b"PROXY TCP4 203.0.113.9\r\n",
    b"PROXY TCP4 2001:db8::9 2001:db8::1 1 2\r\n",
    b"PROXY TCP4 999.0.0.1 10.0.0.1 1 2\r\n",
    b"PROXY UNKNOWN " + b"x" * 200 + b"\r\n",
    TCP4[:12] + b"\x11" + TCP4[13:],
    TCP4[:12] + b"\x22" + TCP4[13:],
    TCP4[:14] + b"\x00\x04" + TCP4[16:20],
    TCP4[:14] + b"\xff\xff" + TCP4[16:],
]


@pytest.mark.parametrize("first", BROKEN)
async def test_who_sends_no_such_header_is_turned_away(first: bytes) -> None:
    async with door(**HERE, proxy_protocol=True) as (port, log):
        assert await said(port, first=first) == ""
    assert [line for line in log.lines if "proxy_header" in line]


async def test_a_header_that_never_ends_is_not_waited_for() -> None:
    async with door(**HERE, proxy_protocol=True) as (port, log):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(TCP4[:20])
        assert await reader.read() == b""
        writer.close()
    assert [line for line in log.lines if "proxy_header" in line]


async def test_nobody_but_a_listed_balancer_gets_in() -> None:
    async with door(trusted_proxies=["10.0.0.0/8"], proxy_protocol=True) as (port, log):
        assert await said(port, first=TCP4) == ""
    assert [line for line in log.lines if "no_proxy" in line]


async def test_connections_are_bounded_by_who_is_behind_the_balancer() -> None:
    async with door(**HERE, proxy_protocol=True, max_per_address=1) as (port, log):
        one = await _staying(port, TCP4)
        other = await said(port, first=TCP6)
        assert other.endswith("2001:db8::9 http gate.local")
        assert await said(port, first=TCP4) == ""
        one.close()
    assert [line for line in log.lines if "address" in line]


async def _staying(port: int, first: bytes = b"") -> asyncio.StreamWriter:
    """A visitor who has his answer and stays."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first + b"GET / HTTP/1.1\r\nHost: gate.local\r\n\r\n")
    await reader.readuntil(b"http gate.local")
    return writer


async def test_a_listed_proxy_that_speaks_http_is_not_bounded_as_one_caller() -> None:
    async with door(**HERE, max_per_address=1) as (port, _):
        one = await _staying(port)
        assert "200 OK" in await said(port)
        one.close()


@given(st.binary(max_size=80))
def test_any_bytes_are_a_header_or_none(data: bytes) -> None:
    asks = header()
    wanted = next(asks)
    while len(data) >= wanted:
        part, data = data[:wanted], data[wanted:]
        try:
            wanted = asks.send(part)
        except StopIteration:
            return
        except BadHeader:
            return


@pytest.mark.parametrize(
    ("table", "field", "words"),
    [
        ({"trusted_proxies": ["10.0.0.1/8"]}, "people.trusted_proxies.0", "a network"),
        ({"proxy_protocol": True}, "people.proxy_protocol", "needs trusted_proxies"),
        ({"public_url": "https://meter.example/?x=1"}, "people.public_url", "no ? and no #"),
    ],
)
def test_the_settings_say_what_does_not_go_together(table: Any, field: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        parse({"people": table}, tmp_path)
    assert field in str(raised.value)
    assert words in str(raised.value)


def test_an_ipv6_host_stands_in_brackets(tmp_path: Path) -> None:
    settings = parse({"partners": {"host": "fd00::5"}, "people": {"host": "::"}}, tmp_path)
    assert public_url(settings, Listener.PARTNERS) == "https://[fd00::5]:8445"
    assert public_url(settings, Listener.PEOPLE).startswith("https://localhost:")
