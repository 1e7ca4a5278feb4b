"""SQLite behind the port: one writer thread that commits in groups, and readers.

A commit costs an fsync; a group shares it (WAL with ``synchronous=FULL``). The writer uses SQLAlchemy's plain
connection in one thread, so that a group is one hop for the event loop. ``look`` does the same for a question, in one
of a few readers' threads; there is no other way to read. One process has the file open.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event
from sqlalchemy.exc import OperationalError

from gateway.errors import StoreFull
from gateway.storage.numbers import ReservedNumbers, extended, give_back, reserve
from gateway.storage.port import Rows
from gateway.storage.reserve import Reserve
from gateway.storage.statements import append

T = TypeVar("T")

WRITES_AT_ONCE = 512
WRITES_WAITING = 4096
"""Writes that may wait; ``write`` blocks its caller beyond that."""
READERS = 4


def url_of(file: Path) -> URL:
    """The URL of a database file."""
    return URL.create("sqlite", database=str(file))


def engine_of(url: URL) -> Engine:
    """For the migrations: plain connections. The file is made when it is not there."""
    _make(url)
    engine = create_engine(url)
    event.listen(engine, "connect", lambda c, _: c.execute("PRAGMA journal_mode=WAL"))
    return engine


@dataclass(slots=True)
class _Write:
    work: Callable[[Connection], Any]
    done: asyncio.Future[Any]
    ending: bool


@dataclass(slots=True)
class _Bulk:
    """Rows by table; neighbours with the same table go to the driver in one executemany."""

    rows: Sequence[tuple[Table, Rows]]
    done: asyncio.Future[Any]


@dataclass(slots=True)
class _Outcome:
    """What happened to each item of a group, to be told on the loop's thread."""

    results: list[tuple[asyncio.Future[Any], Any]] = field(default_factory=list)
    errors: list[tuple[asyncio.Future[Any], BaseException]] = field(default_factory=list)


class SqliteStore:
    """Implements ``gateway.storage.port.Store``. The file is made with mode 0600 when it is not there."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._queue: asyncio.Queue[_Write | _Bulk] = asyncio.Queue(WRITES_WAITING)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._engine: Engine
        self._looks = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._look_engine: Engine
        self._of_thread = threading.local()
        self._looking: list[Connection] = []
        self._numbers: dict[str, ReservedNumbers] = {}
        self._room = Reserve(Path(url.database or "").parent / "reserve")

    async def __aenter__(self) -> Self:
        _make(self._url)
        self._room.take()
        self._engine = create_engine(self._url, pool_size=1, max_overflow=0)
        _pragmas(self._engine, writes=True)
        self._look_engine = create_engine(self._url, pool_size=READERS, max_overflow=0)
        _pragmas(self._look_engine, writes=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._looks.shutdown()
        for connection in self._looking:
            connection.close()
        self._look_engine.dispose()
        with suppress(OperationalError):  # numbers are lost then, none comes twice
            self._thread.submit(self._give_back).result()
        self._thread.shutdown()
        self._engine.dispose()

    async def look(self, ask: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._looks, self._look, ask)

    def _look(self, ask: Callable[[Connection], T]) -> T:
        connection: Connection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = self._look_engine.connect()
            self._looking.append(connection)
        with connection.begin():
            return ask(connection)

    async def write(self, work: Callable[[Connection], T], *, ending: bool = False) -> T:
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        await self._queue.put(_Write(work, done, ending))
        return await done

    async def make_room(self) -> bool:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._room.give_up)

    async def append(self, table: Table, rows: Rows) -> None:
        await self.append_all([(table, rows)])

    async def append_all(self, rows: Sequence[tuple[Table, Rows]]) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._queue.put(_Bulk(rows, done))
        await done

    async def numbers(self, name: str, above: int = 0) -> ReservedNumbers:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._reserve, name, above)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            group = [await self._queue.get()]
            while len(group) < WRITES_AT_ONCE and not self._queue.empty():
                group.append(self._queue.get_nowait())
            outcome = await loop.run_in_executor(self._thread, self._commit_what_may, group)
            for done, result in outcome.results:
                if not done.done():
                    done.set_result(result)
            for done, error in outcome.errors:
                if not done.done():
                    done.set_exception(error)

    def _commit_what_may(self, group: Sequence[_Write | _Bulk]) -> _Outcome:
        """While the room for endings is given up, endings alone."""
        if self._room.take() or not self._room.given_up:
            return self._commit(group)
        endings = [item for item in group if _is_ending(item)]
        outcome = self._commit(endings) if endings else _Outcome()
        outcome.errors += [(item.done, _full()) for item in group if not _is_ending(item)]
        return outcome

    def _commit(self, group: Sequence[_Write | _Bulk]) -> _Outcome:
        """All in one transaction; if one fails, each alone, so that one bad write harms no neighbour."""
        outcome = _Outcome()
        try:
            with self._engine.begin() as connection:
                limits = [(each, extended(connection, each)) for each in self._numbers.values() if each.short]
                outcome.results = [(item.done, value) for item, value in _run(connection, group)]
            for numbers, limit in limits:
                numbers.limit = limit
        except Exception as error:  # noqa: BLE001 - it goes to the caller that caused it
            outcome.results = []
            if len(group) == 1:
                named = _named(error)
                if isinstance(named, StoreFull) and _is_ending(group[0]) and self._room.give_up():
                    return self._commit(group)
                outcome.errors.append((group[0].done, named))
                return outcome
            for item in group:
                alone = self._commit([item])
                outcome.results += alone.results
                outcome.errors += alone.errors
        return outcome

    def _reserve(self, name: str, above: int) -> ReservedNumbers:
        if name not in self._numbers:
            try:
                with self._engine.begin() as connection:
                    numbers = reserve(connection, name, above)
            except OperationalError as error:
                raise _named(error) from error
            self._numbers[name] = numbers
        return self._numbers[name]

    def _give_back(self) -> None:
        if self._numbers:
            with self._engine.begin() as connection:
                for numbers in self._numbers.values():
                    give_back(connection, numbers)


def _run(connection: Connection, group: Sequence[_Write | _Bulk]) -> list[tuple[_Write | _Bulk, Any]]:
    """Bulk rows first, merged by table, then the single works in order."""
    merged: dict[Table, list[tuple[Any, ...]]] = {}
    for item in group:
        if isinstance(item, _Bulk):
            for table, rows in item.rows:
                merged.setdefault(table, []).extend(rows)
    for table, rows in merged.items():
        append(connection, table, rows)
    return [(item, item.work(connection) if isinstance(item, _Write) else None) for item in group]


def _is_ending(item: _Write | _Bulk) -> bool:
    return isinstance(item, _Write) and item.ending


def _named(error: Exception) -> Exception:
    """SQLite says "disk is full" in words; callers want a type."""
    if isinstance(error, OperationalError):
        text = str(error.orig).lower()
        if "full" in text or "disk i/o" in text or "readonly" in text:
            return _full()
    return error


def _full() -> StoreFull:
    return StoreFull("the store cannot be written: the disk is full or read-only")


def _make(url: URL) -> None:
    file = Path(url.database or "")
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not file.exists():
        file.touch(mode=0o600)


def _pragmas(engine: Engine, *, writes: bool) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not guessed by the driver
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=5000",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        if not writes:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
