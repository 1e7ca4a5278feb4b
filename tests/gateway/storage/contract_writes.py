"""What every engine of the store must do with writes; see ``contract.py``."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.errors import StoreFull
from gateway.storage.port import Store
from tests.gateway.storage.contract import Place, count, numbers_in, opened, rows
from tests.gateway.storage.tables import once, other, row, value


@asynccontextmanager
async def held(store: Store) -> AsyncIterator[None]:
    """The writer is busy meanwhile, so that what is handed in waits together."""
    begun, go = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        begun.set()
        go.wait(20)

    async with asyncio.TaskGroup() as group:
        group.create_task(store.write(slow))
        await asyncio.to_thread(begun.wait, 20)
        try:
            yield
            await asyncio.sleep(0)  # whoever was started hands in now
        finally:
            go.set()


async def outcomes(store: Store, *work: Callable[[Connection], Any]) -> list[Any]:
    """Of writes that wait together: value or error of each."""
    async with held(store):
        asked = asyncio.gather(*[store.write(each) for each in work], return_exceptions=True)
    return await asked


class WriteContract:
    """Writes: transactions one after the other that share a commit and not a fate."""

    async def test_a_write_returns_its_value_and_is_there_after_a_reopening(self, place: Place) -> None:
        async with opened(place.url) as store:
            assert await store.write(lambda c: c.execute(insert(row), {"number": 7}).rowcount) == 1
        async with opened(place.url) as store:
            assert await store.look(numbers_in) == [7]

    async def test_a_write_that_raises_undoes_itself_and_harms_no_neighbour(self, place: Place) -> None:
        def wrong(connection: Connection) -> None:
            connection.execute(insert(row), {"number": 2})
            raise KeyError("mine")

        async with opened(place.url) as store:
            one, two, three = await outcomes(
                store,
                lambda c: c.execute(insert(row), {"number": 1}).rowcount,
                wrong,
                lambda c: c.execute(insert(row), {"number": 3}).rowcount,
            )
            assert (one, repr(two), three) == (1, "KeyError('mine')", 1)
            assert await store.look(numbers_in) == [1, 3]

    async def test_writes_keep_their_order_when_a_neighbour_fails(self, place: Place) -> None:
        ran: list[int] = []

        def wrong(connection: Connection) -> None:
            raise KeyError("mine")

        async with opened(place.url) as store:
            await outcomes(store, wrong, *[lambda c, number=number: ran.append(number) for number in range(5)])
        assert ran[-5:] == list(range(5))

    async def test_rows_that_cannot_be_added_harm_no_neighbour(self, place: Place) -> None:
        async with opened(place.url) as store:
            await store.append(row, rows(2))
            async with held(store):
                asked = asyncio.gather(
                    *[store.append(row, rows(number)) for number in (1, 2, 3)], return_exceptions=True
                )
            one, two, three = await asked
            assert (one, three) == (None, None)
            assert isinstance(two, IntegrityError)
            assert await store.look(numbers_in) == [1, 2, 3]

    async def test_rows_of_several_tables_are_there_all_or_none(self, place: Place) -> None:
        async with opened(place.url) as store:
            await store.append_all([(row, rows(1, 2)), (other, rows(1)), (row, rows(3))])
            with pytest.raises(IntegrityError):
                await store.append_all([(row, rows(4, 5)), (other, rows(2, 1))])
            await store.append_all([(row, []), (other, [])])
            assert await store.look(numbers_in) == [1, 2, 3]
            assert await store.look(lambda connection: count(connection, other)) == 1

    async def test_a_row_that_is_kept_once_stays_as_it_is_and_harms_nobody_who_brings_it_again(
        self, place: Place
    ) -> None:
        async with opened(place.url) as store:
            async with held(store):
                both = asyncio.gather(
                    store.append_all([(row, rows(1)), (once, [("a", b"first")])]),
                    store.append_all([(row, rows(2)), (once, [("a", b"second"), ("b", b"new"), ("b", b"newer")])]),
                )
            await both
            await store.append(once, [("a", b"third")])
            assert await store.look(numbers_in) == [1, 2]
            kept = select(once).order_by(once.c.name)
            assert await store.look(lambda c: [tuple(each) for each in c.execute(kept)]) == [
                ("a", b"first"),
                ("b", b"new"),
            ]

    async def test_rows_become_durable_in_the_order_in_which_they_were_handed_in(self, place: Place) -> None:
        seen: list[Sequence[int]] = []
        async with opened(place.url) as store:
            left = 300

            async def add(number: int) -> None:
                nonlocal left
                await store.append(row, rows(number))
                left -= 1

            async with asyncio.TaskGroup() as group:
                for number in range(left):
                    group.create_task(add(number))
                while left:
                    seen.append(await store.look(numbers_in))
            assert await store.look(numbers_in) == list(range(300))
        assert all(some == list(range(len(some))) for some in seen)

    async def test_each_write_sees_what_those_before_it_left(self, place: Place) -> None:
        def more(connection: Connection) -> int:
            number: int = connection.execute(select(row.c.number)).scalar_one()
            connection.execute(update(row).values(number=number + 1))
            return number

        async with opened(place.url) as store:
            await store.append(row, rows(0))
            found = await asyncio.gather(*[store.write(more) for _ in range(100)])
            assert found == list(range(100))

    async def test_who_is_cancelled_in_a_write_leaves_all_of_it_or_nothing_and_the_store_goes_on(
        self, place: Place
    ) -> None:
        async with opened(place.url) as store, asyncio.TaskGroup() as group:
            async with held(store):
                gone = group.create_task(store.append(row, rows(1, 2)))
                stays = group.create_task(store.append(row, rows(3)))
                await asyncio.sleep(0)
                gone.cancel()
            await stays
            assert await store.look(numbers_in) in ([1, 2, 3], [3])
            await store.append(row, rows(4))

    async def test_a_full_database_is_said_and_leaves_nothing_and_takes_more_once_there_is_room(
        self, place: Place
    ) -> None:
        large = [(None, None, None, bytes(1 << 20)) for _ in range(4)]
        async with opened(place.url) as store:
            await store.append(row, rows(1))
            await store.write(lambda connection: place.bound(connection, True))
            with pytest.raises(StoreFull):
                await store.append_all([(row, rows(2)), (value, large)])
            with pytest.raises(StoreFull):
                await store.write(lambda c: c.execute(insert(value), [{"raw": each[3]} for each in large]).rowcount)
            assert await store.look(numbers_in) == [1]
            assert await store.look(lambda connection: count(connection, value)) == 0
            await store.write(lambda connection: place.bound(connection, False))
            await store.append_all([(row, rows(2)), (value, large)])
            assert await store.look(numbers_in) == [1, 2]
