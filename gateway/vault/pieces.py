"""Rows of pieces and blocks: what is asked of the store, and how their bytes are opened."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, literal_column, select

from gateway.storage.statements import Prepared
from gateway.storage.tables.vault import block, piece
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


def parts_of_days(
    connection: Connection, subject: str, detail: DetailClass, first: int, last: int
) -> Sequence[StoredPart]:
    """Blocks and pieces by day, each in the order in which they came; of one instant of the store."""
    found = _OF_DAYS(connection, _asked(subject, detail) | {"first": first, "last": last})
    return [StoredPart._make(row) for row in found]


def parts_after(connection: Connection, subject: str, detail: DetailClass, number: int) -> Sequence[StoredPart]:
    """Pieces after a number, and blocks into which such pieces went (whole: some values may have been seen)."""
    found = _AFTER(connection, _asked(subject, detail) | {"number": number})
    return [StoredPart._make(row) for row in found]


def _asked(subject: str, detail: DetailClass) -> dict[str, Any]:
    return {"subject": subject, "class": CLASS_CODES[detail]}
