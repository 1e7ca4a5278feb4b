"""What every engine of the store must do with values, keys and numbers; see ``contract.py``."""

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Insert, delete, insert, select

from adapters.plugin import insert_new, upsert
from gateway.storage.port import Rows
from tests.gateway.storage.contract import Place, numbers_in, opened
from tests.gateway.storage.tables import fact, row, value

REPO = Path(__file__).resolve().parents[3]


class RowContract:
    """Values come back as they were; a row can be written by its key."""

    async def test_values_come_back_as_they_were(self, place: Place) -> None:
        given: Rows = [
            (-(1 << 63), 0.1, "", b""),
            ((1 << 63) - 1, 1.7976931348623157e308, "Zähler 'ä' \N{GRINNING FACE} %s ? :x", bytes(range(256))),
            (0, -5e-324, "\n", bytes(1 << 20)),
            (None, None, None, None),
        ]
        columns = [column for column in value.c if column.name != "number"]
        async with opened(place.url) as store:
            await store.append(value, given)
            keyed = [dict(zip([c.name for c in columns], each, strict=True)) for each in given]
            await store.write(lambda connection: connection.execute(insert(value), keyed).rowcount)
            question = select(*columns).order_by(value.c.number)
            found = await store.look(lambda connection: [tuple(each) for each in connection.execute(question)])
            assert found == [*given, *given]
            assert [[type(v) for v in each] for each in found] == [[type(v) for v in each] for each in given] * 2

    async def test_a_row_takes_the_place_of_the_one_with_its_key(self, place: Place) -> None:
        first = [{"name": "a", "part": "x", "size": 1, "end": 2.5}, {"name": "a", "part": "y", "size": 2, "end": None}]
        second = [{"name": "a", "part": "y", "size": 3, "end": 4.0}, {"name": "b", "part": "x", "size": 5, "end": 0.0}]
        async with opened(place.url) as store:
            for some in (first, second, [first[0] | {"end": None}]):
                await store.write(partial(_execute, upsert(fact), some))
            question = select(fact).order_by(fact.c.name, fact.c.part)
            found = await store.look(lambda connection: [tuple(each) for each in connection.execute(question)])
        assert found == [("a", "x", 1, None), ("a", "y", 3, 4.0), ("b", "x", 5, 0.0)]

    async def test_a_row_that_is_there_stays_and_whoever_adds_it_again_is_told(self, place: Place) -> None:
        async with opened(place.url) as store:
            for size, new in ((1, 1), (2, 0)):
                one = {"name": "a", "part": "x", "size": size, "end": None}
                assert await store.write(partial(_execute, insert_new(fact), [one])) == new
            found = await store.look(lambda connection: connection.execute(select(fact.c.size)).scalar_one())
        assert found == 1


class NumberContract:
    """Numbers grow, and none comes twice."""

    async def test_numbers_grow_and_each_kind_has_its_own(self, place: Place) -> None:
        async with opened(place.url) as store:
            one, two = await store.numbers("one"), await store.numbers("two")
            assert (one.newest, two.newest) == (0, 0)
            assert [one.next(), one.next(), two.next(), one.next()] == [1, 2, 1, 3]
            assert (one.newest, two.newest) == (3, 1)
            assert (await store.numbers("one")).next() == 4

    async def test_no_number_comes_again_after_its_row_was_deleted_and_the_store_reopened(self, place: Place) -> None:
        newest = 0
        for _ in range(3):
            async with opened(place.url) as store:
                numbers = await store.numbers("row")
                assert numbers.newest >= newest
                given = [numbers.next() for _ in range(3)]
                assert min(given) > newest
                newest = max(given)
                await store.append(row, [(number,) for number in given])
                await store.write(lambda connection: connection.execute(delete(row)).rowcount)

    async def test_what_was_acknowledged_survives_a_kill_and_no_number_comes_twice(self, place: Place) -> None:
        given: list[int] = []
        durable: set[int] = set()
        for enough in (1, 40, 150):
            words = _killed(place.url, enough)
            now = [number for word, number in words if word == "given"]
            assert min(now) > max(given, default=0)
            given += now
            durable |= {number for word, number in words if word == "durable"}
            async with opened(place.url) as store:
                assert durable <= set(await store.look(numbers_in))
                assert (await store.numbers("row")).newest >= max(given)
        assert len(given) == len(set(given))


def _execute(statement: Insert, some: Sequence[Mapping[str, Any]], connection: Connection) -> int:
    return connection.execute(statement, some).rowcount


def _killed(url: URL, enough: int) -> list[tuple[str, int]]:
    """What a process said that was killed when it had said so many lines."""
    command = [sys.executable, "-m", "tests.gateway.storage.writer", url.render_as_string(hide_password=False)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPO, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(enough)]
        process.send_signal(signal.SIGKILL)
        text = "".join(lines) + process.stdout.read()
    return [(word, int(number)) for word, number in (line.split() for line in text.split("\n")[:-1])]
