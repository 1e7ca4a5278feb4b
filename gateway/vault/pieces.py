"""Rows of pieces and blocks: what is asked of the store, and how their bytes are opened."""

from collections.abc import Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection

from policies.terms import DetailClass
from policies.vault.columns import Series, decode
from policies.vault.padding import unpad
from policies.vault.seal import CLASS_CODES, place, unseal

INSERT_PIECE = "INSERT INTO piece (number, subject, class, day, sealed) VALUES (?, ?, ?, ?, ?)"
INSERT_BATCH = "INSERT INTO batch (source, sequence, taken, answer) VALUES (?, ?, ?, ?)"

_ROWS = (
    "SELECT day, version, pieces, upto, sealed FROM block WHERE subject = ?1 AND class = ?2 AND {} "
    "UNION ALL SELECT day, number, 0, number, sealed FROM piece WHERE subject = ?1 AND class = ?2 AND {} "
    "ORDER BY 1, 4"
)
_OF_DAYS = _ROWS.format("day BETWEEN ?3 AND ?4", "day BETWEEN ?3 AND ?4")
_AFTER = _ROWS.format("upto > ?3", "number > ?3")
_DAYS = (
    "SELECT day FROM block WHERE subject = ?1 AND class = ?2 AND day BETWEEN ?3 AND ?4 "
    "UNION SELECT day FROM piece WHERE subject = ?1 AND class = ?2 AND day BETWEEN ?3 AND ?4 ORDER BY 1"
)


class Part(NamedTuple):
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
    found = connection.exec_driver_sql(_DAYS, (subject, CLASS_CODES[detail], first, last))
    return [row[0] for row in found]


def parts_of_days(connection: Connection, subject: str, detail: DetailClass, first: int, last: int) -> Sequence[Part]:
    """Blocks and pieces by day, each in the order in which they came; of one instant of the store."""
    found = connection.exec_driver_sql(_OF_DAYS, (subject, CLASS_CODES[detail], first, last))
    return [Part._make(row) for row in found]


def parts_after(connection: Connection, subject: str, detail: DetailClass, number: int) -> Sequence[Part]:
    """Pieces after a number, and blocks into which such pieces went (whole: some values may have been seen)."""
    found = connection.exec_driver_sql(_AFTER, (subject, CLASS_CODES[detail], number))
    return [Part._make(row) for row in found]
