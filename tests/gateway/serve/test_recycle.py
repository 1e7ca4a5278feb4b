"""After an erasure the process asks to be replaced; before one, or switched off, it does not."""

import asyncio
from datetime import timedelta

import structlog

from adapters.plugin import Notice
from gateway.serve.recycle import Recycler

ERASED = Notice("household.erased", {"subject": "s"})


async def test_an_erasure_stops_the_process_to_be_started_again() -> None:
    until = asyncio.Event()
    recycler = Recycler(timedelta(milliseconds=10), until, structlog.get_logger())
    async with asyncio.TaskGroup() as group:
        group.create_task(recycler.run())
        await asyncio.sleep(0.05)
        assert not until.is_set()
        await recycler.erased(ERASED)
        await recycler.erased(ERASED)
        async with asyncio.timeout(2):
            await until.wait()
    assert recycler.wanted


async def test_an_order_to_stop_is_not_followed_by_a_start() -> None:
    until = asyncio.Event()
    recycler = Recycler(timedelta(hours=1), until, structlog.get_logger())
    await recycler.erased(ERASED)
    until.set()
    assert not recycler.wanted


async def test_switched_off_it_never_asks() -> None:
    until = asyncio.Event()
    recycler = Recycler(timedelta(0), until, structlog.get_logger())
    await recycler.erased(ERASED)
    async with asyncio.timeout(1):
        await recycler.run()
    assert not until.is_set()
    assert not recycler.wanted
