"""A connection that closes: its queue is still the household's, and an end drops it like any other."""

import asyncio
import socket
from pathlib import Path

import pytest

from tests.gateway.door.product import product
from tests.gateway.door.readers import reading

CLOSE = {"Connection": "close"}


@pytest.mark.parametrize("rows", [30, 150, 6000])
@pytest.mark.parametrize("how", ["asked to close", "half closed"])
async def test_a_connection_that_is_closed_is_cut_by_a_withdrawal_too(
    how: str, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few rows lie in the kernel's queue when the answer is over, many in ours when the peer closes its side."""
    async with product(tmp_path, monkeypatch) as scene:
        who = await scene.household(rows)
        with reading(scene.port) as reader:
            scene.ask(reader, who, CLOSE if how == "asked to close" else {})
            await reader.stalled()
            if how == "half closed":
                reader.sock.shutdown(socket.SHUT_WR)
            already = await reader.stalled()
            await scene.gateway.consent.withdraw(who)
            assert await reader.raw_rest() <= already


async def test_nothing_queued_leaves_after_the_end_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with product(tmp_path, monkeypatch) as scene:
        who = await scene.household(150)
        with reading(scene.port) as reader:
            scene.ask(reader, who)
            already = await reader.stalled()
            for transport in [line.sink.queue for line in scene.gateway.lines._lines.values()]:
                assert isinstance(transport, asyncio.Transport)
                transport.close()  # what the kernel does with every socket of a process that is killed
            await asyncio.sleep(0.05)
            assert await reader.raw_rest() <= already


@pytest.mark.parametrize("rows", [3, 6000])
async def test_an_answer_on_a_connection_that_is_asked_to_close_is_whole_and_ends_in_order(
    rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with product(tmp_path, monkeypatch) as scene:
        who = await scene.household(rows)
        with reading(scene.port) as reader:
            scene.ask(reader, who, CLOSE)
            got = await reader.rest()
            assert got.count(b"measured") == rows
            assert await asyncio.to_thread(reader.sock.recv, 1) == b""


async def test_an_answer_after_one_of_a_household_ends_in_order_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with product(tmp_path, monkeypatch) as scene:
        who = await scene.household(3)
        with reading(scene.port) as reader:
            scene.ask(reader, who)
            await reader.rest()
            await asyncio.sleep(0.2)
            reader.ask("/nothing/here", CLOSE)
            got = b""
            while data := await asyncio.to_thread(reader.sock.recv, 1 << 16):
                got += data
            assert got.startswith(b"HTTP/1.1 404")
            assert got.endswith(b"}")
