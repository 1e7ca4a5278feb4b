"""Statements of the hot paths: written in Core, compiled once for each engine, handed to the driver as they are.

``Connection.execute`` would find the compiled form again each time, and convert each value; here both are left out
(see ``docs/decisions/0007-store-port.md`` for what that costs). Values are those that every driver takes and gives:
bytes, int, float, str, None.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable, Table, insert
from sqlalchemy.sql.compiler import SQLCompiler

from adapters.plugin import insert_new
from gateway.storage.port import Rows
from gateway.storage.tables import ONCE

_Engine = tuple[str, str]
_inserts: dict[tuple[_Engine, Table], str] = {}


class Prepared:
    """A question with named parameters (``bindparam``). Rows come as the driver gives them."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._compiled: dict[_Engine, tuple[str, tuple[str, ...] | None]] = {}

    def __call__(self, connection: Connection, values: Mapping[str, Any]) -> CursorResult[*tuple[Any, ...]]:
        engine = _engine(connection)
        if engine not in self._compiled:
            self._compiled[engine] = _compile(self._statement, connection)
        sql, order = self._compiled[engine]
        if order is None:
            return connection.exec_driver_sql(sql, dict(values))
        return connection.exec_driver_sql(sql, tuple([values[name] for name in order]))


def append(connection: Connection, table: Table, rows: Rows) -> None:
    """New rows of a table inside somebody's transaction, in one executemany."""
    if not rows:
        return
    key = (_engine(connection), table)
    if key not in _inserts:
        columns = [column.name for column in table.c if column is not table.autoincrement_column]
        statement = insert_new(table) if ONCE in table.info else insert(table)
        compiled = statement.compile(dialect=connection.dialect, column_keys=columns)
        _inserts[key] = str(compiled)
    connection.exec_driver_sql(_inserts[key], rows if isinstance(rows, list) else list(rows))


def _compile(statement: Executable, connection: Connection) -> tuple[str, tuple[str, ...] | None]:
    """The engine's words, and the order of its parameters; None where it takes them by name."""
    compiled = statement.compile(dialect=connection.dialect)  # type: ignore[attr-defined]
    assert isinstance(compiled, SQLCompiler)
    unknown = [name for name, bind in compiled.binds.items() if not bind.required]
    if unknown:
        raise ValueError(f"a prepared statement has named parameters only, not {unknown}")
    order = tuple(compiled.positiontup or ()) if compiled.positional else None
    return str(compiled), order


def _engine(connection: Connection) -> _Engine:
    return connection.dialect.name, connection.dialect.driver
