"""Guarded tables of extensions: what is written is pinned, and what somebody else wrote is not there.

An extension reads its tables while it serves, so the comparison of the start is not enough. Of each of its rows the
process keeps the mark that the digest is the sum of (``policies.vault.pins``), 32 bytes, and believes no row without.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, inspect, select

from adapters.plugin import Logger
from adapters.plugin.guarded import GUARD, Guard
from gateway.keeper.port import HOUSE, Pinned
from gateway.pins.change import kept_pin, put
from policies.vault.pins import MODULUS, NO_ROWS, Pin, PinKeys


class Marks:
    """Of the rows of extensions. Asked by readers' threads and changed by the writer's, before its commit: so a reader
    never meets a row that is not known yet. What went is known for two more rounds of ``forget``: a reader may have
    begun before.
    """

    def __init__(self, tables: Sequence[Table], log: Logger) -> None:
        self.tables, self._log = {table.name: table for table in tables}, log
        self._keys: dict[str, PinKeys] = {}
        self._known: dict[str, set[int]] = {name: set() for name in self.tables}
        self._going: set[tuple[str, int]] = set()
        self._gone: set[tuple[str, int]] = set()
        self._said: set[str] = set()
        self._lock = Lock()

    def learn(self, table: str, keys: PinKeys, marks: set[int]) -> None:
        """At the start, of rows that were compared."""
        self._keys[table], self._known[table] = keys, marks

    def believed(self, table: Table, row: Mapping[str, Any]) -> bool:
        if table.name not in self.tables:
            return True
        mark = self.mark(table, row)
        good = mark in self._known[table.name]
        if not good and (table.name, mark) not in self._going | self._gone and table.name not in self._said:
            self._said.add(table.name)
            self._log.error("rows.not_believed", table=table.name)
        return good

    @property
    def faults(self) -> list[str]:
        """In sentences."""
        return [f"rows of the table {name} were written by somebody else and are passed over" for name in self._said]

    def mark(self, table: Table, row: Mapping[str, Any]) -> int:
        return self._keys[table.name].mark(table.name, row)

    def known(self, table: str, marks: set[int]) -> set[int]:
        return marks & self._known[table]

    def come(self, table: str, marks: set[int]) -> None:
        with self._lock:
            pairs = {(table, mark) for mark in marks}
            self._going -= pairs
            self._gone -= pairs
            self._known[table] |= marks

    def go(self, table: str, marks: set[int], *, at_once: bool = False) -> None:
        """``at_once``: nobody believes them any more; a reader that has them still may be one that began before."""
        with self._lock:
            self._going |= {(table, mark) for mark in marks}
            if at_once:
                self._known[table] -= marks

    def forget(self) -> None:
        """Now and then."""
        with self._lock:
            for table, mark in self._gone:
                self._known[table].discard(mark)
            self._gone, self._going = self._going, set()


class WatchedChange(Guard):
    """Of an extension's tables, in one transaction."""

    def __init__(self, marks: Marks, known: Mapping[str, Pinned], run: bytes, *, ending: bool = False) -> None:
        """``known``: what the tree says of each table. ``ending``: what goes counts for nothing from now on."""
        self._marks, self._known, self._run, self._ending = marks, known, run, ending
        self._went: defaultdict[str, set[int]] = defaultdict(set)
        self._came: defaultdict[str, set[int]] = defaultdict(set)

    def believed(self, table: Table, row: Mapping[str, Any]) -> bool:
        return self._marks.believed(table, row)

    def change(self, connection: Connection, table: Table, rows: ColumnElement[bool], work: Callable[[], int]) -> int:
        if table.name not in self._marks.tables:
            return work()
        there = self._of(connection, table, rows)
        before = self._marks.known(table.name, there)
        result = work()
        after = self._of(connection, table, rows)
        went, came = before - after, after - there  # one that somebody else wrote becomes nobody's by staying
        self._marks.come(table.name, came)
        self._marks.go(table.name, went, at_once=self._ending)
        mine_went, mine_came = self._went[table.name], self._came[table.name]
        mine_went |= went - mine_came
        mine_came -= went
        mine_came |= came - mine_went
        mine_went -= came
        return result

    def end(self, connection: Connection) -> dict[str, Pin]:
        """After the work: how far each scope that it moved has come."""
        moved: dict[str, Pin] = {}
        for name in {*self._went, *self._came}:
            keys, pin = self._known[HOUSE + name]
            kept = kept_pin(connection, keys, pin or NO_ROWS)
            digest = (kept.digest - sum(self._went[name]) + sum(self._came[name])) % MODULUS
            if self._went[name] or self._came[name]:
                moved[HOUSE + name] = put(connection, keys, self._run, Pin(kept.number + 1, digest))
        return moved

    def undo(self) -> None:
        """It was rolled back."""
        for name, marks in self._went.items():
            self._marks.come(name, set(marks))
        for name, marks in self._came.items():
            self._marks.go(name, set(marks))

    def _of(self, connection: Connection, table: Table, rows: ColumnElement[bool]) -> set[int]:
        found = connection.execute(select(table).where(rows))
        return {self._marks.mark(table, dict(row._mapping)) for row in found}


@contextmanager
def guarding(connection: Connection, guard: Guard | Marks) -> Iterator[None]:
    """While an extension's work has the connection."""
    connection.info[GUARD] = guard
    try:
        yield
    finally:
        del connection.info[GUARD]


def marks_of(connection: Connection, table: Table, keys: PinKeys) -> set[int]:
    """Of all its rows; one after the other, there may be many. None where the table was not made yet."""
    if not inspect(connection).has_table(table.name):
        return set()
    return {keys.mark(table.name, dict(row._mapping)) for row in connection.execute(select(table))}
