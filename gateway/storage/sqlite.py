"""The store: one writer thread that commits in groups, and readers.

A commit costs an fsync; a group shares it. ``write`` returns when the group is durable (SQLite: WAL with
``synchronous=FULL``). The writer uses SQLAlchemy's plain connection in one thread, so that a group is one hop for the
event loop. ``look`` does the same for a question, in one of a few readers' threads; there is no other way to read.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError

from gateway.errors import StoreFull

T = TypeVar("T")

LARGEST_GROUP = 512
WAITING = 4096
"""Writes that may wait; ``write`` blocks its caller beyond that."""
READERS = 4


@dataclass(slots=True)
class _Write:
    work: Callable[[Connection], Any]
    done: asyncio.Future[Any]


@dataclass(slots=True)
class _Bulk:
    """Rows by statement; neighbours with the same statement go to the driver in one executemany."""

    rows: Sequence[tuple[str, Sequence[tuple[Any, ...]]]]
    done: asyncio.Future[Any]


@dataclass(slots=True)
class _Outcome:
    """What happened to each item of a group, to be told on the loop's thread."""

    results: list[tuple[asyncio.Future[Any], Any]] = field(default_factory=list)
    errors: list[tuple[asyncio.Future[Any], BaseException]] = field(default_factory=list)


class Store:
    """Open with ``async with``; ``file`` is the SQLite database, made with mode 0600 when it is not there."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._queue: asyncio.Queue[_Write | _Bulk] = asyncio.Queue(WAITING)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._engine: Engine
        self._looks = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._look_engine: Engine
        self._of_thread = threading.local()
        self._looking: list[Connection] = []

    async def __aenter__(self) -> "Store":
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._file.exists():
            self._file.touch(mode=0o600)
        self._engine = create_engine(f"sqlite:///{self._file}", pool_size=1, max_overflow=0)
        _pragmas(self._engine, writes=True)
        self._look_engine = create_engine(f"sqlite:///{self._file}", pool_size=READERS, max_overflow=0)
        _pragmas(self._look_engine, writes=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._looks.shutdown()
        for connection in self._looking:
            connection.close()
        self._look_engine.dispose()
        self._engine.dispose()
        self._thread.shutdown()

    async def look(self, ask: Callable[[Connection], T]) -> T:
        """Run ``ask`` in a reader's thread, in one transaction: one instant of the store, all that was there before.

        ``ask`` touches nothing but its connection and brings out rows, not open results; it cannot write. The thread of
        a caller that is cancelled goes on to the end of ``ask``.
        """
        return await asyncio.get_running_loop().run_in_executor(self._looks, self._look, ask)

    def _look(self, ask: Callable[[Connection], T]) -> T:
        connection: Connection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = self._look_engine.connect()
            self._looking.append(connection)
        with connection.begin():
            return ask(connection)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction that may be shared; returns its value once that is durable.

        ``work`` runs in the writer's thread, touches nothing but its connection, and may be run a second time when
        a neighbour in the same group failed. Its own exception rolls back its own changes only and is raised here.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        await self._queue.put(_Write(work, done))
        return await done

    async def append(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Rows for one driver statement (``?`` placeholders), durable on return. The hot path."""
        await self.append_all([(sql, rows)])

    async def append_all(self, rows: Sequence[tuple[str, Sequence[tuple[Any, ...]]]]) -> None:
        """The same for several statements, all or none. Groups keep the order in which they were handed in."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._queue.put(_Bulk(rows, done))
        await done

    async def run(self) -> None:
        """The writer; a supervised loop. Cancelling it loses only what was not acknowledged."""
        loop = asyncio.get_running_loop()
        while True:
            group = [await self._queue.get()]
            while len(group) < LARGEST_GROUP and not self._queue.empty():
                group.append(self._queue.get_nowait())
            outcome = await loop.run_in_executor(self._thread, self._commit, group)
            for done, result in outcome.results:
                if not done.done():
                    done.set_result(result)
            for done, error in outcome.errors:
                if not done.done():
                    done.set_exception(error)

    def _commit(self, group: Sequence[_Write | _Bulk]) -> _Outcome:
        """All in one transaction; if one fails, each alone, so that one bad write harms no neighbour."""
        outcome = _Outcome()
        try:
            with self._engine.begin() as connection:
                outcome.results = [(item.done, value) for item, value in _run(connection, group)]
        except Exception as error:  # noqa: BLE001 - it goes to the caller that caused it
            outcome.results = []
            if len(group) == 1:
                outcome.errors.append((group[0].done, _named(error)))
                return outcome
            for item in group:
                alone = self._commit([item])
                outcome.results += alone.results
                outcome.errors += alone.errors
        return outcome


def _run(connection: Connection, group: Sequence[_Write | _Bulk]) -> list[tuple[_Write | _Bulk, Any]]:
    """Bulk rows first, merged by statement, then the single works in order."""
    merged: dict[str, list[tuple[Any, ...]]] = {}
    for item in group:
        if isinstance(item, _Bulk):
            for sql, rows in item.rows:
                merged.setdefault(sql, []).extend(rows)
    for sql, rows in merged.items():
        connection.exec_driver_sql(sql, rows)
    return [(item, item.work(connection) if isinstance(item, _Write) else None) for item in group]


def _named(error: Exception) -> Exception:
    """SQLite says "disk is full" in words; callers want a type."""
    if isinstance(error, OperationalError):
        text = str(error.orig).lower()
        if "full" in text or "disk i/o" in text or "readonly" in text:
            return StoreFull("the store cannot be written: the disk is full or read-only")
    return error


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
