"""SIGKILL between an acknowledgement and the next question: nothing that was acknowledged is gone."""

import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.adapters.openadr.utility import utility
from tests.adapters.openadr.ven import (
    Reply,
    cancel_opt,
    create_opt,
    created_event,
    poll,
    register,
    request_event,
)

ROOT = Path(__file__).resolve().parents[3]


@asynccontextmanager
async def process(folder: Path, ports: tuple[int, int]) -> AsyncIterator[tuple[str, str]]:
    """The harness in a process of its own, killed without warning at the end."""
    words = ["-m", "tests.adapters.openadr.harness", str(folder), *map(str, ports)]
    child = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    assert child.stdout is not None
    try:
        line = (await child.stdout.readline()).decode().split()
        yield line[0], line[1]
    finally:
        os.kill(child.pid, signal.SIGKILL)
        await child.communicate()


def free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


class Line:
    """A VEN over HTTP."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http, self.url = http, url

    async def send(self, service: str, body: bytes) -> Reply:
        url = f"{self.url}/OpenADR2/Simple/2.0b/{service}"
        async with self.http.post(url, data=body, headers={"Content-Type": "application/xml"}) as reply:
            assert reply.status == 200
            return Reply(await reply.read())


@pytest.mark.rule("52")
async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    ports = free_ports()
    async with aiohttp.ClientSession() as http:
        async with process(tmp_path, ports) as (openadr20, partners), utility(partners) as partner:
            ven = Line(http, openadr20)
            known = await partner.ven("v")
            await ven.send("EiRegisterParty", register("v"))
            program = await partner.program()
            answered = await partner.event(program)
            await ven.send("EiEvent", created_event(known, (answered, 0, "optIn")))
            cancelled = await partner.event(program)
            await ven.send("EiEvent", request_event(known))
            await partner.ask("DELETE", f"/events/{cancelled}")
            assert (await ven.send("EiOpt", create_opt(known, "o", lasting="PT1H"))).code == "200"
            waiting = await partner.event(program)
        async with process(tmp_path, ports) as (openadr20, partners), utility(partners) as partner:
            ven = Line(http, openadr20)
            shown = await ven.send("EiEvent", request_event(known))
            assert set(shown.texts(".//ei:eventID")) == {answered, cancelled, waiting}
            statuses = dict(zip(shown.texts(".//ei:eventID"), shown.texts(".//ei:eventStatus"), strict=True))
            assert statuses[cancelled] == "cancelled"
            assert (await ven.send("EiOpt", cancel_opt(known, "o"))).code == "200"
            opts = (await partner.ask("GET", "/reports", eventID=answered))[1]
            assert [r["clientName"] for r in opts] == ["v"]
            answers = created_event(known, (cancelled, 1, "optOut"), (waiting, 0, "optIn"))
            assert (await ven.send("EiEvent", answers)).code == "200"
            assert (await ven.send("OadrPoll", poll(known))).name in ("oadrRegisterReport", "oadrResponse")


async def test_a_kill_at_any_instant_loses_no_registration_and_no_answer_that_was_acknowledged(tmp_path: Path) -> None:
    ports, chance = free_ports(), random.Random(7)
    answered: dict[str, tuple[str, str]] = {}
    event = ""
    async with aiohttp.ClientSession() as http:
        for turn in range(3):
            async with process(tmp_path, ports) as (openadr20, partners), utility(partners) as partner:
                event = event or await partner.event(await partner.program())
                line = Line(http, openadr20)
                known = [(f"v{turn}-{n}", await partner.ven(f"v{turn}-{n}")) for n in range(20)]
                first = asyncio.Event()
                flurry = asyncio.gather(*(joined(line, name, ven, event, answered, first) for name, ven in known))
                await first.wait()
                await asyncio.sleep(chance.uniform(0, 0.05))
            await flurry
        async with process(tmp_path, ports) as (openadr20, partners), utility(partners) as partner:
            line = Line(http, openadr20)
            pages = [(await partner.ask("GET", "/reports", skip=skip))[1] for skip in ("0", "50")]
            opted = {report["clientName"] for page in pages for report in page}
            for ven, (name, said) in answered.items():
                assert (await line.send("EiEvent", request_event(ven))).texts(".//ei:eventID") == [event]
                assert said == "registered" or name in opted, said
    assert {said for _, said in answered.values()} >= {"optIn"}


async def joined(
    line: Line, name: str, ven: str, event: str, answered: dict[str, tuple[str, str]], first: asyncio.Event
) -> None:
    """Register and opt in until the line is cut; ``answered`` is what was acknowledged, ``first`` the first opt."""
    try:
        if (await line.send("EiRegisterParty", register(name))).code == "200":
            answered[ven] = (name, "registered")
        if (await line.send("EiEvent", created_event(ven, (event, 0, "optIn")))).code == "200":
            answered[ven] = (name, "optIn")
            first.set()
    except (aiohttp.ClientError, OSError):
        return
