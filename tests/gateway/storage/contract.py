"""What every engine of the store must do. A new engine is one more line in ``test_contract.py``."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest
from sqlalchemy import URL, Connection, Table, func, insert, select
from sqlalchemy.exc import DBAPIError

from gateway.storage.engines import store_at
from gateway.storage.port import Rows, Store
from gateway.storage.tables.counters import METADATA as COUNTERS
from tests.gateway.storage.tables import METADATA, row

LOOKS = 8
"""More than an engine has readers."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an engine under test keeps its rows; what is durable there stays until the test ends.

    ``bound`` runs inside a write: True lets the database grow no more, False lets it grow again.
    """

    url: URL
    bound: Callable[[Connection, bool], None]


@asynccontextmanager
async def opened(url: URL) -> AsyncIterator[Store]:
    """With its writer running, and the tables of these tests."""
    async with store_at(url) as store, asyncio.TaskGroup() as group:
        writer = group.create_task(store.run())
        await store.write(METADATA.create_all)
        await store.write(COUNTERS.create_all)
        yield store
        writer.cancel()


def count(connection: Connection, table: Table = row) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def numbers_in(connection: Connection) -> list[int]:
    return list(connection.execute(select(row.c.number).order_by(row.c.number)).scalars())


def rows(*numbers: int) -> Rows:
    return [(number,) for number in numbers]


class LookContract:
    """Questions: one instant each, nothing written, and nobody's end is another's."""

    async def test_a_look_sees_all_that_was_acknowledged(self, place: Place) -> None:
        async with opened(place.url) as store:
            for number in range(LOOKS):
                assert await store.look(count) == number
                await store.append(row, rows(number))

    async def test_a_look_sees_one_instant_however_long_it_takes(self, place: Place) -> None:
        begun, go = threading.Event(), threading.Event()

        def twice(connection: Connection) -> tuple[int, int]:
            before = count(connection)
            begun.set()
            go.wait(20)
            return before, count(connection)

        async with opened(place.url) as store, asyncio.TaskGroup() as group:
            slow = group.create_task(store.look(twice))
            await asyncio.to_thread(begun.wait, 20)
            await store.append(row, rows(1))
            assert await store.look(count) == 1
            go.set()
            assert await slow == (0, 0)
            assert await store.look(count) == 1

    async def test_looks_go_on_during_a_write_and_see_what_was_before_it(self, place: Place) -> None:
        begun, go = threading.Event(), threading.Event()

        def slow(connection: Connection) -> None:
            connection.execute(insert(row), {"number": 2})
            begun.set()
            go.wait(20)

        async with opened(place.url) as store, asyncio.TaskGroup() as group:
            await store.append(row, rows(1))
            group.create_task(store.write(slow))
            await asyncio.to_thread(begun.wait, 20)
            assert [await store.look(count) for _ in range(LOOKS)] == [1] * LOOKS
            go.set()

    async def test_a_look_cannot_write(self, place: Place) -> None:
        async with opened(place.url) as store:
            with pytest.raises(DBAPIError):
                await store.look(lambda connection: connection.execute(insert(row), {"number": 1}).rowcount)
            assert await store.look(count) == 0

    async def test_what_a_look_raises_is_its_callers_and_the_reader_goes_on(self, place: Place) -> None:
        def wrong(connection: Connection) -> None:
            count(connection)
            raise KeyError("mine")

        async with opened(place.url) as store:
            for number in range(LOOKS):
                with pytest.raises(KeyError, match="mine"):
                    await store.look(wrong)
                await store.append(row, rows(number))
            assert [await store.look(count) for _ in range(LOOKS)] == [LOOKS] * LOOKS

    async def test_who_is_cancelled_in_a_look_harms_nobody_after_him(self, place: Place) -> None:
        begun, go = threading.Semaphore(0), threading.Event()

        def slow(connection: Connection) -> int:
            begun.release()
            go.wait(20)
            return count(connection)

        async with opened(place.url) as store, asyncio.TaskGroup() as group:
            looks = [group.create_task(store.look(slow)) for _ in range(LOOKS)]
            await asyncio.to_thread(begun.acquire)
            for each in looks:
                each.cancel()
            await store.append(row, rows(1))
            go.set()
            for each in looks:
                with suppress(asyncio.CancelledError):
                    await each
            assert await store.look(count) == 1
