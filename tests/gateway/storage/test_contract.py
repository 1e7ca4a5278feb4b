"""Every engine keeps the contract of the store."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from gateway.storage.engines import STORES
from gateway.storage.sqlite import url_of
from tests.gateway.storage.contract import LookContract, Place
from tests.gateway.storage.contract_rows import NumberContract, RowContract
from tests.gateway.storage.contract_writes import WriteContract


def sqlite(folder: Path) -> Place:
    def bound(connection: Connection, full: bool) -> None:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        connection.execute(text(f"PRAGMA max_page_count={pages + 8 if full else 1 << 30}"))

    return Place(url_of(folder / "data" / "store.db"), bound)


ENGINES: dict[str, Callable[[Path], Place]] = {"sqlite": sqlite}


@pytest.fixture(params=sorted(ENGINES))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return ENGINES[request.param](tmp_path)


class TestLooks(LookContract):
    pass


class TestWrites(WriteContract):
    pass


class TestRows(RowContract):
    pass


class TestNumbers(NumberContract):
    pass


def test_every_engine_is_held_to_the_contract() -> None:
    assert set(ENGINES) == set(STORES)
