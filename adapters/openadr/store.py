"""The adapter's own tables: one for each kind of record, its key in columns, the rest as JSON.

No reading is ever kept here, and no opt of a household but sealed (``adapters.openadr.sealing``). Rows are written
before what they say is acknowledged.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Column, Connection, Index, MetaData, String, Table, Text, and_

from adapters.openadr.model import (
    RECORD_TYPES,
    Event,
    EventResponse,
    MetadataReport,
    OptSchedule,
    Program,
    Record,
    Registration,
    ReportRequest,
    Resource,
    Ven,
)
from adapters.plugin import drop_rows, put_row, rows_of

METADATA = MetaData()

_KEYS: dict[type[Record], tuple[str, ...]] = {
    Program: ("id",),
    Event: ("id",),
    Ven: ("id",),
    Resource: ("id",),
    Registration: ("ven",),
    EventResponse: ("event", "ven"),
    MetadataReport: ("ven", "specifier"),
    ReportRequest: ("ven", "id"),
    OptSchedule: ("ven", "opt_id", "scope"),
}

_BELONGING: dict[type[Record], tuple[tuple[type[Record], str], ...]] = {
    Event: ((EventResponse, "event"),),
    Registration: ((EventResponse, "ven"), (MetadataReport, "ven"), (ReportRequest, "ven"), (OptSchedule, "ven")),
}
"""What goes with a record that is dropped: table and column."""


def _table(record: type[Record]) -> Table:
    columns = [Column(name, String, primary_key=True) for name in _KEYS[record]]
    return Table(f"openadr_{record.kind}", METADATA, *columns, Column("body", Text, nullable=False))


TABLES: dict[type[Record], Table] = {record: _table(record) for record in RECORD_TYPES}
Index("openadr_answer_ven", TABLES[EventResponse].c.ven)


OPENADR_GUARDED = tuple(TABLES[record] for record in (Program, Event, Ven, Resource, Registration))
"""Which VEN is whose, in which household, by which certificate it was registered, and what is signalled to whom.
What VENs said and are asked for gives nobody anything."""


class Written(NamedTuple):
    """One row: of which kind, its key columns, its body; None for a row that goes."""

    kind: type[Record]
    key: tuple[str, ...]
    body: str | None


def save(connection: Connection, rows: Iterable[Written]) -> None:
    """Write rows, in order, and delete what goes with those that go. Runs inside ``Services.write``."""
    for row in rows:
        table, key = TABLES[row.kind], dict(zip(_KEYS[row.kind], row.key, strict=True))
        if row.body is not None:
            put_row(connection, table, key | {"body": row.body})
            continue
        drop_rows(connection, table, and_(*[table.c[name] == value for name, value in key.items()]))
        for other, column in _BELONGING.get(row.kind, ()):
            drop_rows(connection, TABLES[other], TABLES[other].c[column] == row.key[0])


def of_vens(rows: Iterable[Written]) -> Mapping[Table, Sequence[str]]:
    """Those of them that are VENs, their resources and registrations: table and key."""
    found: dict[Table, list[str]] = {}
    for row in rows:
        if row.kind in (Ven, Resource, Registration):
            found.setdefault(TABLES[row.kind], []).append(row.key[0])
    return found


def load(connection: Connection) -> Sequence[Written]:
    """Every row, programs and VENs before what belongs to them."""
    found: list[Written] = []
    for kind, table in TABLES.items():
        found += [Written(kind, tuple(key), body) for *key, body in rows_of(connection, table)]
    return found
