"""The adapter's own tables: one for each kind of record, its key in columns, the rest as JSON.

No reading is ever kept here. Rows are written before what they say is acknowledged.
"""

from collections.abc import Iterable, Sequence
from functools import cache

import msgspec
from sqlalchemy import Column, Connection, Index, Insert, MetaData, String, Table, Text, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.openadr.model import (
    RECORDS,
    Answer,
    Change,
    Event,
    Offer,
    OptSchedule,
    Program,
    Put,
    Record,
    Registration,
    ReportRequest,
    Resource,
    Ven,
)

METADATA = MetaData()

_KEYS: dict[type[Record], tuple[str, ...]] = {
    Program: ("id",),
    Event: ("id",),
    Ven: ("id",),
    Resource: ("id",),
    Registration: ("ven",),
    Answer: ("event", "ven"),
    Offer: ("ven", "specifier"),
    ReportRequest: ("ven", "id"),
    OptSchedule: ("ven", "opt_id", "scope"),
}

_BELONGING: dict[type[Record], tuple[tuple[type[Record], str], ...]] = {
    Event: ((Answer, "event"),),
    Registration: ((Answer, "ven"), (Offer, "ven"), (ReportRequest, "ven"), (OptSchedule, "ven")),
}
"""What goes with a record that is dropped: table and column."""


def _table(record: type[Record]) -> Table:
    columns = [Column(name, String, primary_key=True) for name in _KEYS[record]]
    return Table(f"openadr_{record.kind}", METADATA, *columns, Column("body", Text, nullable=False))


TABLES: dict[type[Record], Table] = {record: _table(record) for record in RECORDS}
Index("openadr_answer_ven", TABLES[Answer].c.ven)


def save(connection: Connection, changes: Iterable[Change]) -> None:
    """Write changes, in order. Runs inside ``Services.write``."""
    for change in changes:
        kind = type(change.record)
        table, key = TABLES[kind], dict(zip(_KEYS[kind], change.record.key, strict=True))
        if isinstance(change, Put):
            connection.execute(_upsert(connection.dialect.name, table), key | {"body": _encode(change.record)})
        else:
            where = [table.c[name] == value for name, value in key.items()]
            connection.execute(table.delete().where(*where))
            for other, column in _BELONGING.get(kind, ()):
                rows = TABLES[other]
                connection.execute(rows.delete().where(rows.c[column] == change.record.key[0]))


async def load(connection: AsyncConnection) -> Sequence[Record]:
    """Every record, programs and VENs before what belongs to them."""
    records: list[Record] = []
    for kind, table in TABLES.items():
        rows = await connection.execute(select(table.c.body))
        decoder = msgspec.json.Decoder(kind)
        records += [decoder.decode(body) for (body,) in rows]
    return records


def _encode(record: Record) -> str:
    return msgspec.json.encode(record).decode()


@cache
def _upsert(dialect: str, table: Table) -> Insert:
    """Made once for each table: building it costs more than running it."""
    insert = insert_sqlite if dialect == "sqlite" else insert_postgresql
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    return statement.on_conflict_do_update(index_elements=keys, set_={"body": statement.excluded.body})
