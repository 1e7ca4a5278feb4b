"""Rows of an extension by which somebody was allowed something, and is so no longer: beside every backup."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Table, select

from gateway.recovery.ending_log import EndingLog
from gateway.recovery.entries import EndedRows, rows_now

T = TypeVar("T")
KEYS_AT_ONCE = 500
"""Of one entry: what lies beside a backup is read whole."""


class OwnTables(Protocol):
    """Where rows of extensions are written."""

    async def write_own(self, work: Callable[[Connection], T], *, ending: bool = False) -> T: ...


async def write_end(
    own: OwnTables,
    log: EndingLog,
    work: Callable[[Connection], T],
    ended: Callable[[T], Mapping[Table, Sequence[str]]],
) -> T:
    """See ``adapters.plugin.Services.write_end``."""

    def write(connection: Connection) -> T:
        result = work(connection)
        for table, keys in ended(result).items():
            for at in range(0, len(keys), KEYS_AT_ONCE):
                log.note(connection, _as_they_are(connection, table, keys[at : at + KEYS_AT_ONCE]))
        return result

    result = await own.write_own(write, ending=True)
    await log.settle()
    return result


def _as_they_are(connection: Connection, table: Table, keys: Sequence[str]) -> EndedRows:
    column = next(iter(table.primary_key.columns))
    found = connection.execute(select(table).where(column.in_(keys))).mappings()
    return rows_now(table, keys, [dict(row) for row in found])
