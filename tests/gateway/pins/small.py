"""Grounds with store, keys and pins, and nothing else: opened in a few milliseconds."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import structlog

from gateway import grounds as records
from gateway.clock import system_clock
from gateway.errors import StoreFull
from gateway.grounds import GroundBook
from gateway.keeper.keeper import LocalKeeper
from gateway.keeper.opening import open_keeper
from gateway.pins.change import of_household
from gateway.pins.pins import Pins
from gateway.recovery.ending_log import EndingLog
from gateway.recovery.known import KnownBackups
from gateway.storage.sqlite import SqliteStore, url_of
from policies.grounds import Consent, Scope
from policies.terms import SERIES_CLASSES, Level, Period, Purpose, Recipient, SubjectId
from tests.gateway.house import ENERGY, NOON, tables
from tests.gateway.pins.thief import store_of

ANNA, BERT, CARO = (SubjectId(letter * 32) for letter in "abc")
FIRST = dict.fromkeys(SERIES_CLASSES, date(2026, 3, 1))
YEAR = Period(NOON, NOON + timedelta(days=365))
SCOPE = Scope(
    Recipient("acme"), Purpose.FORECAST, frozenset({ENERGY}), timedelta(0), Level.INDIVIDUAL, YEAR, YEAR, timedelta(1)
)


@dataclass
class Small:
    store: SqliteStore
    keeper: LocalKeeper
    pins: Pins
    book: GroundBook

    async def start(self) -> None:
        await self.pins.load()
        for who in (ANNA, BERT, CARO):
            await self.keeper.admit(who, FIRST)
        await self.book.load(self.store)

    async def grant(self, name: str, who: SubjectId) -> None:
        consent = Consent(name, who, SCOPE, NOON)
        await self.pins.write([of_household(who)], lambda c: records.add(c, consent), adds=True)
        self.book.keep(consent)

    async def withdraw(self, name: str, who: SubjectId) -> None:
        ended = Consent(name, who, SCOPE, NOON, NOON)
        self.book.keep(ended)
        await self.pins.write([of_household(who)], lambda c: records.end(c, [ended], NOON))

    def standing(self, who: SubjectId) -> set[str]:
        return {g.id for g in self.book.of(who) if not records.over(g)}

    @contextmanager
    def keys_full(self) -> Iterator[None]:
        """The key tree cannot be written meanwhile; as after a crash before it was."""

        async def pin(*_: Any) -> None:
            raise StoreFull("full")

        self.keeper.pin, before = pin, self.keeper.pin  # type: ignore[method-assign, assignment]
        yield
        self.keeper.pin = before  # type: ignore[method-assign]


@asynccontextmanager
async def small(folder: Path, *, dies: bool = False, loads: bool = True) -> AsyncIterator[Small]:
    """``dies``: nothing is done at the stop. ``loads``: whether the start is made."""
    tables(store_of(folder))
    store = SqliteStore(url_of(store_of(folder)))
    keeper = open_keeper(folder / "tree", folder / "keys" / "root")
    log = structlog.get_logger()
    ending_log = EndingLog(store, keeper, KnownBackups(folder), timedelta(0), system_clock, log)
    pins = Pins(store, keeper, ending_log, log)
    try:
        async with store, asyncio.TaskGroup() as group:
            writer = group.create_task(store.run())
            try:
                made = Small(store, keeper, pins, GroundBook(pins))
                if loads:
                    await made.start()
                yield made
                if not dies:
                    await pins.close()
            finally:
                writer.cancel()
    finally:
        keeper.close()
