"""Simple HTTP, pull: rules 53, 509, 511 and chapter 9.1."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from lxml import etree

from tests.adapters.openadr.harness import Running
from tests.adapters.openadr.utility import utility
from tests.adapters.openadr.ven import Reply, created_event, poll, query, register, request_event

XML = {"Content-Type": "application/xml"}
PROBLEM = "application/problem+json"
PATH = "/OpenADR2/Simple/2.0b"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=["Accept-Encoding"]) as session:
        yield session


@pytest.mark.rule("53")
@pytest.mark.rule("509")
@pytest.mark.rule("511")
async def test_the_five_services_answer_whole_and_as_xml(vtn: Running, http: aiohttp.ClientSession) -> None:
    for service in ("EiRegisterParty", "EiEvent", "EiReport", "EiOpt", "OadrPoll"):
        async with http.post(f"{vtn.openadr20}{PATH}/{service}", data=poll("nobody"), headers=XML) as reply:
            assert reply.status == 200
            assert reply.headers["Content-Type"] == "application/xml"
            body = await reply.read()
            assert int(reply.headers["Content-Length"]) == len(body)
            assert "Transfer-Encoding" not in reply.headers
            version = Reply(body).element.get("{http://docs.oasis-open.org/ns/energyinterop/201110}schemaVersion")
            assert version == "2.0b"


@pytest.mark.rule("9.1.5")
async def test_what_is_not_the_protocol_gets_its_status(vtn: Running, http: aiohttp.ClientSession) -> None:
    url = f"{vtn.openadr20}{PATH}/OadrPoll"
    for verb in ("GET", "PUT", "DELETE"):
        async with http.request(verb, url) as reply:
            assert (reply.status, (await reply.json(content_type=PROBLEM))["reason"]) == (501, "not-implemented")
    for headers in ({"Content-Type": "text/xml"}, {"Content-Type": "application/xml; charset=iso-8859-1"}):
        async with http.post(url, data=poll("v"), headers=headers) as reply:
            assert (reply.status, (await reply.json(content_type=PROBLEM))["field"]) == (406, "Content-Type")
    async with http.post(url, data=b"<a/>", headers=XML) as reply:
        assert (reply.status, (await reply.json(content_type=PROBLEM))["reason"]) == (406, "not-a-message")
    async with http.post(f"{vtn.openadr20}{PATH}/EiNothing", data=poll("v"), headers=XML) as reply:
        assert reply.status == 404


@pytest.mark.rule("9.1.9.2")
@pytest.mark.parametrize(
    ("accepted", "coding", "unpack"),
    [("gzip, deflate", "gzip", gzip.decompress), ("deflate", "deflate", zlib.decompress), ("gzip;q=0", None, bytes)],
)
async def test_a_coding_that_the_ven_accepts_is_used(
    vtn: Running, http: aiohttp.ClientSession, accepted: str, coding: str | None, unpack: Callable[[bytes], bytes]
) -> None:
    url = f"{vtn.openadr20}{PATH}/EiRegisterParty"
    async with http.post(url, data=query(), headers={**XML, "Accept-Encoding": accepted}) as reply:
        assert reply.headers.get("Content-Encoding") == coding
        assert etree.fromstring(unpack(await reply.read())) is not None


async def test_a_length_beyond_the_limit_is_refused_before_it_is_read(vtn: Running) -> None:
    host, _, port = vtn.openadr20.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [f"POST {PATH}/OadrPoll HTTP/1.1", "Host: x", "Content-Type: application/xml", f"Content-Length: {1 << 30}"]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    async with asyncio.timeout(5):
        assert b" 413 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


@pytest.mark.rule("70")
async def test_vens_that_answer_at_once_are_all_heard(vtn: Running, http: aiohttp.ClientSession) -> None:
    async with utility(vtn.partners) as partner:
        vens = [await partner.ven(f"v{n}") for n in range(20)]
        for n in range(20):
            async with http.post(
                f"{vtn.openadr20}{PATH}/EiRegisterParty", data=register(f"v{n}"), headers=XML
            ) as reply:
                assert reply.status == 200
        event = await partner.event(await partner.program())

        async def answer(ven: str) -> None:
            for body in (request_event(ven), created_event(ven, (event, 0, "optIn"))):
                async with http.post(f"{vtn.openadr20}{PATH}/EiEvent", data=body, headers=XML) as reply:
                    assert Reply(await reply.read()).code == "200"

        await asyncio.gather(*(answer(ven) for ven in [*vens, *vens]))
        reports = (await partner.ask("GET", "/reports", eventID=event))[1]
    assert len({report["clientName"] for report in reports}) == 20
