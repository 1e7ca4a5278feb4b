"""Rows of pieces and blocks: what is asked of the store, what of it is believed, and how their bytes are opened.

A day that misses a part which it must have is not believed (``gateway.vault.required``): nothing of it is there.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, func, literal_column, select

from gateway.storage.statements import Prepared
from gateway.storage.tables.vault import block, merged_part, piece, required_part
from policies.terms import DetailClass
from policies.vault.columns import Series, decode
from policies.vault.padding import unpad
from policies.vault.seal import CLASS_CODES, place, unseal


def _of(table: Table, *columns: ColumnElement[Any]) -> Select[Any]:
    """Of one household's class."""
    return select(*columns).where(table.c.subject == bindparam("subject"), table.c["class"] == bindparam("class"))


def _rows(of_block: ColumnElement[bool], of_piece: ColumnElement[bool]) -> Prepared:
    blocks = _of(block, block.c.day, block.c.version, block.c.pieces, block.c.upto, block.c.sealed).where(of_block)
    pieces = _of(piece, piece.c.day, piece.c.number, literal_column("0"), piece.c.number, piece.c.sealed)
    return Prepared(blocks.union_all(pieces.where(of_piece)).order_by("day", "upto"))


_BLOCK, _PIECE = (table.c.day.between(bindparam("first"), bindparam("last")) for table in (block, piece))
_OF_DAYS = _rows(_BLOCK, _PIECE)
_AFTER = _rows(block.c.upto > bindparam("number"), piece.c.number > bindparam("number"))
_DAYS = Prepared(_of(block, block.c.day).where(_BLOCK).union(_of(piece, piece.c.day).where(_PIECE)).order_by("day"))


_NEWEST = Prepared(_of(block, func.max(block.c.day)).union_all(_of(piece, func.max(piece.c.day))))
_UPTO, _DIGEST = required_part.c.upto, required_part.c.digest
_DAY = required_part.c.day
_IN_DAYS = _of(required_part, _DAY, _UPTO, _DIGEST).where(_DAY.between(bindparam("first"), bindparam("last")))
_MERGED = _of(merged_part, merged_part.c.day, merged_part.c.upto, merged_part.c.digest)
_CORRECTING = Prepared(_IN_DAYS)
_REQUIRED = Prepared(
    _IN_DAYS.union_all(_MERGED.where(merged_part.c.day.between(bindparam("first"), bindparam("last"))))
)
_Required = Mapping[int, Mapping[int, bytes]]
"""By day: digests of parts by the number up to which they go."""


class StoredPart(NamedTuple):
    """A block or a piece.

    Attributes:
        version: of a piece its number.
        pieces: how many pieces went into it; 0 for a piece.
        upto: the highest number that went into it; of a piece its own.
    """

    day: int
    version: int
    pieces: int
    upto: int
    sealed: bytes

    def stood(self, position: int | None) -> bool:
        """Whether it was there at a position of a stream; None is now. What it follows is not merged beyond that."""
        return position is None or self.pieces > 0 or self.upto <= position

    def opened(
        self, subject: str, detail: DetailClass, cipher: AESGCM, quantities: frozenset[str] | None = None
    ) -> list[Series]:
        """Its series. Raises ``ValueError`` when the seal does not fit."""
        bound = place(subject, detail, self.day, self.version, self.pieces)
        return list(decode(unpad(unseal(cipher, bound, self.sealed)), quantities))


def days_with_values(connection: Connection, subject: str, detail: DetailClass, first: int, last: int) -> Sequence[int]:
    """Days in [first, last] (ordinals) of which there is anything."""
    found = _DAYS(connection, _asked(subject, detail) | {"first": first, "last": last})
    return [row[0] for row in found]


def newest_day(connection: Connection, subject: str, detail: DetailClass) -> tuple[int | None, Sequence[StoredPart]]:
    """The last day (ordinal) of which there is anything, and its parts."""
    found = [row[0] for row in _NEWEST(connection, _asked(subject, detail)) if row[0] is not None]
    if not found:
        return None, ()
    return max(found), parts_of_days(connection, subject, detail, max(found), max(found))


def parts_of_days(
    connection: Connection, subject: str, detail: DetailClass, first: int, last: int
) -> Sequence[StoredPart]:
    """Blocks and pieces by day, each in the order in which they came; of one instant of the store."""
    asked = _asked(subject, detail) | {"first": first, "last": last}
    found = [StoredPart._make(row) for row in _OF_DAYS(connection, asked)]
    required = _required(connection, asked)
    return _believed(found, required) if required else found


def doubted(connection: Connection, subject: str, detail: DetailClass, first: int, last: int) -> bool:
    """Whether a day of [first, last] is not believed."""
    asked = _asked(subject, detail) | {"first": first, "last": last}
    if not (required := _required(connection, asked)):
        return False
    found = [StoredPart._make(row) for row in _OF_DAYS(connection, asked)]
    return not {part.day for part in _believed(found, required)} >= required.keys()


def parts_after(connection: Connection, subject: str, detail: DetailClass, number: int) -> Sequence[StoredPart]:
    """Pieces after a number, and blocks into which such pieces went (whole: some values may have been seen)."""
    rows = _AFTER(connection, _asked(subject, detail) | {"number": number})
    found = [StoredPart._make(row) for row in rows]
    if not found or not _required(connection, asked := _within(subject, detail, found)):
        return found
    believed = set(parts_of_days(connection, subject, detail, asked["first"], asked["last"]))
    return [part for part in found if part in believed]


def required_of_day(connection: Connection, subject: str, detail: DetailClass, day: int) -> Mapping[int, bytes]:
    """Parts of a day that correct others: digests by the number up to which they go; empty where there are none."""
    asked = _asked(subject, detail) | {"first": day, "last": day}
    return _required(connection, asked, _CORRECTING).get(day, {})


def _required(connection: Connection, asked: Mapping[str, Any], which: Prepared = _REQUIRED) -> _Required:
    """What days must have: what corrects, and the block that was merged last."""
    found: dict[int, dict[int, bytes]] = {}
    for day, upto, digest in which(connection, asked):
        found.setdefault(day, {})[upto] = digest
    return found


def _believed(parts: Iterable[StoredPart], required: _Required) -> list[StoredPart]:
    return [
        part
        for day, of_day in groupby(parts, key=lambda part: part.day)
        for part in _believed_day(list(of_day), required.get(day, {}))
    ]


def _believed_day(parts: Sequence[StoredPart], required: Mapping[int, bytes]) -> Sequence[StoredPart]:
    """None where one is missing; nor a piece again that went into a block which is there."""
    if not required:
        return parts
    there = [part for part in parts if sha256(part.sealed).digest() == required.get(part.upto)]
    if len(there) < len(required):
        return ()
    merged = max((part.upto for part in there if part.pieces), default=0)
    return [part for part in parts if part.pieces or part.upto > merged]


def _within(subject: str, detail: DetailClass, parts: Sequence[StoredPart]) -> dict[str, Any]:
    days = [part.day for part in parts]
    return _asked(subject, detail) | {"first": min(days), "last": max(days)}


def _asked(subject: str, detail: DetailClass) -> dict[str, Any]:
    return {"subject": subject, "class": CLASS_CODES[detail]}
