"""What has ended, as it lies beside a backup: values and their JSON. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Table

from policies.terms import DetailClass, SubjectId


class EndedRows(msgspec.Struct, tag="rows", frozen=True):
    """Rows of a table that went, or are as they are now.

    Attributes:
        rows: of each its key, and the row after the change; None where it is gone.
    """

    table: str
    rows: Sequence[tuple[Mapping[str, Any], Mapping[str, Any] | None]]


class EndedGrounds(msgspec.Struct, tag="grounds", frozen=True):
    """Grounds of a household. ``begun``: how it ends with them itself; "" where it does not. ``at``: UTC seconds."""

    household: SubjectId
    grounds: Sequence[str]
    begun: str
    at: float


class EndedDay(msgspec.Struct, tag="day", frozen=True):
    """A UTC day of a household that was erased alone."""

    household: SubjectId
    day: date


class ShortenedClass(msgspec.Struct, tag="retention", frozen=True):
    """A class of detail is kept for fewer days."""

    detail: DetailClass
    days: int


class KnownUntil(msgspec.Struct, tag="known", frozen=True):
    """All that had ended by then (UTC seconds) stands before this."""

    at: float


EndingEntry = EndedRows | EndedGrounds | EndedDay | ShortenedClass | KnownUntil
_DECODER = msgspec.json.Decoder(EndingEntry)


def encoded(entry: EndingEntry) -> bytes:
    return msgspec.json.encode(entry)


def decoded(data: bytes) -> EndingEntry:
    """The reverse. Raises ``msgspec.ValidationError``."""
    entry: EndingEntry = _DECODER.decode(data)
    return entry


def changed_rows(
    table: Table, before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]
) -> EndedRows | None:
    """What a change did to some rows; None where it did nothing."""
    names = [column.name for column in table.primary_key.columns]
    was, now = ({tuple(row[name] for name in names): row for row in rows} for rows in (before, after))
    keys = [key for key in {**was, **now} if was.get(key) != now.get(key)]
    if not keys:
        return None
    return EndedRows(
        _word(table.name),
        [(_plain(dict(zip(names, key, strict=True))), _plain(now[key]) if key in now else None) for key in keys],
    )


def rows_now(table: Table, keys: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> EndedRows:
    """Rows as they are, of which some are found by the first column of their key; where that is all of it, those that
    are not there are gone.
    """
    names = [column.name for column in table.primary_key.columns]
    there = [({name: row[name] for name in names}, row) for row in rows]
    found: list[tuple[Mapping[str, Any], Mapping[str, Any] | None]] = [(_plain(key), _plain(row)) for key, row in there]
    if len(names) == 1:
        known = {row[names[0]] for _, row in there}
        found += [(_plain({names[0]: key}), None) for key in keys if key not in known]
    return EndedRows(_word(table.name), found)


def _plain(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """For JSON: bytes as hex, said to be so."""
    return {_word(name): {"hex": value.hex()} if isinstance(value, bytes) else value for name, value in row.items()}


def _word(name: str) -> str:
    """SQLAlchemy's names are a kind of string that JSON has no word for."""
    return "".join(name)


def row_of(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The reverse, for the store."""
    return {name: bytes.fromhex(v["hex"]) if isinstance(v, dict) else v for name, v in plain.items()}
