"""What is SQLite's own: its file, and blocks of numbers."""

import stat
from pathlib import Path

import pytest
from sqlalchemy import Connection, bindparam, select

from gateway.errors import StoreFull
from gateway.storage import numbers as blocks
from gateway.storage.sqlite import url_of
from gateway.storage.statements import Prepared
from tests.gateway.storage.contract import opened, rows
from tests.gateway.storage.tables import row


async def test_the_file_is_its_owners_alone_and_may_have_any_name(tmp_path: Path) -> None:
    file = tmp_path / "odd ?name%20 #1" / "a&b=c.db"
    async with opened(url_of(file)) as store:
        await store.append(row, rows(1))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_a_block_is_extended_by_writes_and_numbers_end_where_none_was_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 8)
    async with opened(url_of(tmp_path / "store.db")) as store:
        numbers = await store.numbers("row")
        assert [numbers.next() for _ in range(8)] == list(range(1, 9))
        with pytest.raises(StoreFull, match="row number"):
            numbers.next()
        await store.append(row, rows(1))
        for number in range(9, 100):
            assert numbers.next() == number
            await store.append(row, rows(number))


async def test_a_clean_end_gives_the_rest_of_a_block_back(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        async with opened(url_of(tmp_path / "store.db")) as store:
            assert (await store.numbers("row")).next() == number


async def test_a_prepared_question_is_answered_as_any_other_and_takes_named_values_only(tmp_path: Path) -> None:
    plain = select(row.c.number).where(row.c.number.between(bindparam("low"), bindparam("high")))
    both = Prepared(plain.union_all(select(row.c.number).where(row.c.number == bindparam("low"))))
    unnamed = Prepared(select(row.c.number).where(row.c.number == 3))

    def ask(connection: Connection) -> list[tuple[int, ...]]:
        return [tuple(each) for each in both(connection, {"high": 4, "low": 2})]

    async with opened(url_of(tmp_path / "store.db")) as store:
        await store.append(row, rows(1, 2, 3, 4, 5))
        assert sorted(await store.look(ask)) == [(2,), (2,), (3,), (4,)]
        with pytest.raises(ValueError, match="named parameters only"):
            await store.look(lambda connection: unnamed(connection, {}).all())
