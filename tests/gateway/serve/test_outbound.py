"""The one outbound client: whom it calls, and how much it takes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.plugin import OutboundError
from gateway.serve import addresses
from gateway.serve.outbound import Outbound


@asynccontextmanager
async def somebody() -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"verb": request.method, "sent": (await request.read()).decode()})

    async def big(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 5000)

    async def away(_: web.Request) -> web.Response:
        raise web.HTTPFound("/")

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async def port(request: web.Request) -> web.Response:
        assert request.transport is not None
        return web.json_response(request.transport.get_extra_info("peername")[1])

    app = web.Application()
    for path, handler in (("/", answer), ("/big", big), ("/away", away), ("/slow", slow), ("/port", port)):
        app.router.add_route("*", path, handler)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}"


async def test_an_allowed_network_is_called_and_answers_whole() -> None:
    async with somebody() as url, Outbound(allow_private=["127.0.0.0/8"]) as http:
        reply = await http.request("POST", url + "/", json={"a": 1})
        assert (reply.status, reply.headers["content-type"][:16]) == (200, "application/json")
        assert b'{\\"a\\":1}' in reply.body
        async with http.stream(url + "/big") as stream:
            assert sum([len(piece) async for piece in stream.pieces()]) == 5000


async def test_a_connection_that_is_kept_is_used_again_and_lets_no_other_name_pass() -> None:
    async with somebody() as url, Outbound(allow_private=["127.0.0.1/32"]) as http:
        replies = [await http.request("POST", url + "/port", json=n) for n in range(3)]
        assert len({reply.body for reply in replies}) == 1
        with pytest.raises(OutboundError, match="private"):
            await http.request("GET", url.replace("127.0.0.1", "127.0.0.2") + "/port")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_a_private_address_is_refused_by_whatever_name(host: str) -> None:
    async with somebody() as url, Outbound() as http:
        port = url.rpartition(":")[2]
        for scheme in ("http", "https"):
            with pytest.raises(OutboundError, match="private"):
                await http.request("GET", f"{scheme}://{host}:{port}/")


@pytest.mark.parametrize("url", ["ftp://example.org/", "file:///etc/passwd", "/etc/passwd", "gopher://x"])
async def test_other_schemes_are_refused(url: str) -> None:
    async with Outbound() as http:
        with pytest.raises(OutboundError, match="http"):
            await http.request("GET", url)


@pytest.mark.parametrize(("path", "words"), [("/big", "longer"), ("/away", "redirects"), ("/slow", "Timeout")])
async def test_too_much_too_late_and_elsewhere_are_refused(path: str, words: str) -> None:
    async with somebody() as url, Outbound(allow_private=["127.0.0.0/8"]) as http:
        with pytest.raises(OutboundError, match=words):
            await http.request("GET", url + path, limit=1000, seconds=0.3)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:7f00:1::", False),
        ("2002:808:808::", True),
        ("64:ff9b::808:808", True),
        ("64:ff9b::a00:1", False),  # NAT64 of 10.0.0.1
        ("64:ff9b:1::808:808", False),
        ("::a00:1", False),  # 10.0.0.1, compatible
        ("::ffff:0:a00:1", False),
        ("fec0::1", False),
        ("2001:0:808:808::1", False),
        ("192.0.0.8", False),
        ("192.88.99.1", False),
        ("198.18.0.1", False),
        ("255.255.255.255", False),
        ("ff0e::1", False),
        ("3fff::1", False),
    ],
)
def test_public_is_what_the_registry_of_addresses_says(address: str, public: bool) -> None:
    assert addresses.public(address) is public
