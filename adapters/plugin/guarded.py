"""Rows of an extension that say who may: written here, and read here, so that nobody else's word is taken for them.

Tables that an extension names (``Migrations.guarded``) are tied to the keys: a start is refused where their rows are
not those that it wrote, and a row that somebody else wrote meanwhile is not there. They are written and read by these
four inside ``look`` and ``write``; what goes round them is found at the next start. Of other tables they do the plain
thing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, select

from adapters.rows import insert_new, upsert

GUARD: Final = "metergate.guard"
"""In ``Connection.info``, while an extension's work has it."""


class Guard(Protocol):
    """Who knows which rows are the extension's own."""

    def believed(self, table: Table, row: Mapping[str, Any]) -> bool: ...

    def change(self, connection: Connection, table: Table, rows: ColumnElement[bool], work: Callable[[], int]) -> int:
        """Do what changes some rows. ``rows``: all that it touches."""


def put_row(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """In the place of the one that has its key."""
    _changed(connection, table, _keyed(table, row), lambda: connection.execute(upsert(table), dict(row)).rowcount)


def put_new_row(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Unless one with its key is there, which stays; not one that somebody else wrote."""
    mine, new = _keyed(table, row), insert_new(table)

    def work() -> int:
        if not rows_of(connection, table, mine):
            connection.execute(delete(table).where(mine))
        return connection.execute(new, dict(row)).rowcount

    _changed(connection, table, mine, work)


def drop_rows(connection: Connection, table: Table, rows: ColumnElement[bool]) -> int:
    """How many went."""
    return _changed(connection, table, rows, lambda: connection.execute(delete(table).where(rows)).rowcount)


def rows_of(connection: Connection, table: Table, rows: ColumnElement[bool] | None = None) -> Sequence[Any]:
    """Those that the extension wrote, whole; None: all."""
    guard: Guard | None = connection.info.get(GUARD)
    found = connection.execute(select(table) if rows is None else select(table).where(rows)).fetchall()
    return found if guard is None else [row for row in found if guard.believed(table, dict(row._mapping))]


def _changed(connection: Connection, table: Table, rows: ColumnElement[bool], work: Callable[[], int]) -> int:
    guard: Guard | None = connection.info.get(GUARD)
    return work() if guard is None else guard.change(connection, table, rows, work)


def _keyed(table: Table, row: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(*[column == row[column.name] for column in table.primary_key.columns])
