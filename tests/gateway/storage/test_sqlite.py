"""Questions to the store: one instant each, nothing written, and nobody's end is another's."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from gateway.storage.sqlite import READERS, Store

COUNT = "SELECT count(*) FROM row"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    async with Store(folder / "store.db") as store, asyncio.TaskGroup() as group:
        writer = group.create_task(store.run())
        await store.write(lambda connection: connection.exec_driver_sql("CREATE TABLE row (number INTEGER)"))
        yield store
        writer.cancel()


async def add(store: Store) -> None:
    await store.append("INSERT INTO row VALUES (?)", [(1,)])


def count(connection: Connection) -> int:
    found: int = connection.exec_driver_sql(COUNT).scalar_one()
    return found


async def test_a_look_sees_all_that_was_acknowledged(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        for number in range(2 * READERS):
            assert await store.look(count) == number
            await add(store)


async def test_a_look_sees_one_instant_however_long_it_takes(tmp_path: Path) -> None:
    begun, go = threading.Event(), threading.Event()

    def twice(connection: Connection) -> tuple[int, int]:
        before = count(connection)
        begun.set()
        go.wait(20)
        return before, count(connection)

    async with opened(tmp_path) as store, asyncio.TaskGroup() as group:
        slow = group.create_task(store.look(twice))
        await asyncio.to_thread(begun.wait, 20)
        await add(store)
        assert await store.look(count) == 1
        go.set()
        assert await slow == (0, 0)
        assert await store.look(count) == 1


async def test_a_look_cannot_write(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        with pytest.raises(OperationalError, match="readonly"):
            await store.look(lambda connection: connection.exec_driver_sql("INSERT INTO row VALUES (1)"))
        assert await store.look(count) == 0


async def test_what_a_look_raises_is_its_callers_and_the_reader_goes_on(tmp_path: Path) -> None:
    def wrong(connection: Connection) -> None:
        count(connection)
        raise KeyError("mine")

    async with opened(tmp_path) as store:
        for _ in range(READERS):
            with pytest.raises(KeyError, match="mine"):
                await store.look(wrong)
            await add(store)
        assert [await store.look(count) for _ in range(READERS)] == [READERS] * READERS


async def test_who_is_cancelled_in_a_look_harms_nobody_after_him(tmp_path: Path) -> None:
    begun, go = threading.Semaphore(0), threading.Event()

    def slow(connection: Connection) -> int:
        begun.release()
        go.wait(20)
        return count(connection)

    async with opened(tmp_path) as store, asyncio.TaskGroup() as group:
        looks = [group.create_task(store.look(slow)) for _ in range(READERS + 2)]  # two still wait for a reader
        for _ in range(READERS):
            await asyncio.to_thread(begun.acquire)
        for each in looks:
            each.cancel()
        await add(store)
        go.set()
        for each in looks:
            with suppress(asyncio.CancelledError):
                await each
        assert await store.look(count) == 1
