"""What runs beside the answers goes on after whatever goes wrong in it."""

import asyncio
from pathlib import Path

import pytest
import structlog

from adapters.plugin import Notice
from gateway.errors import StoreFull
from gateway.serve import tasks
from gateway.serve.tasks import Supervisor
from tests.gateway.house import House, house


async def given_up() -> None:
    """What a loop waited for was cancelled by somebody else."""
    waited: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waited.cancel()
    await waited


async def test_a_loop_whose_own_wait_was_cancelled_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "FIRST_RESTART", 0.0)
    starts, until = 0, asyncio.Event()

    async def loop() -> None:
        nonlocal starts
        starts += 1
        if starts < 3:
            await given_up()
        until.set()

    supervisor = Supervisor(structlog.get_logger())
    supervisor.add("loop", loop)
    async with asyncio.timeout(5):
        await supervisor.run(until)
    assert starts == 3


async def told(home: House, kind: str) -> None:
    await home.store.write(lambda c: home.outbox.put(c, Notice(kind, {}, key=kind)))


async def test_a_notice_whose_handler_was_given_up_waits_like_one_that_failed(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        tried: list[int] = []
        first = asyncio.Event()

        async def handler(notice: Notice) -> None:
            tried.append(notice.tries)
            first.set()
            await given_up()

        home.outbox.handle({"x": handler})
        await told(home, "x")
        async with asyncio.TaskGroup() as group:
            running = group.create_task(home.outbox.run())
            await first.wait()
            await asyncio.sleep(0.5)
            running.cancel()
        assert tried == [0], "the clock stands still: its time has not come again"


async def test_a_lane_that_a_failed_run_has_left_taken_is_free_again(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        heard = asyncio.Event()

        async def handler(_: Notice) -> None:
            heard.set()

        home.outbox.handle({"x": handler})
        await told(home, "x")
        deliver = home.outbox._deliver

        async def full(_: object) -> None:
            raise StoreFull("full")

        home.outbox._deliver = full  # type: ignore[method-assign,assignment]
        with pytest.raises(ExceptionGroup):
            await home.outbox.run()
        home.outbox._deliver = deliver  # type: ignore[method-assign]
        async with asyncio.TaskGroup() as group:
            running = group.create_task(home.outbox.run())
            await asyncio.wait_for(heard.wait(), 5)
            running.cancel()
