"""What lies in the second keeper's folder: the key tree slot by slot as at home, and its root sealed for a bad day.

    second          ``MGSECND1``, 32 hex digits id, zeros up to 4096 bytes; then two cells (``gateway.keeper.cells``)
    second.tree.N   slots of the key tree; the cell says which N, 0 or 1
    second.keys     the rest of the key folder: 12-byte nonce, AES-256-GCM of HPKE of MessagePack (by name)

    a cell   u16 length of the body, the body, first 16 bytes of the SHA-256 of both. The higher number counts.
    body     u64 number, u8 N, u16 length, root sealed to the recovery key (HPKE); 12-byte nonce, AES-256-GCM of word
    word     u64 generation, 16 bytes mark of the root, 32 bytes SHA-256 of the recovery key's public half,
             f64 until when (UTC seconds) all that had ended is known; 0: nobody says

Root and tree open with the private half of the recovery key. Only who has the tree can write a word, so nobody else can
say of an older state that it is the present one. ``lookup``: the gateway's key for look-ups, in the tree.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from struct import Struct, error
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.keeper.cells import CELL_BYTES, TwoCells
from gateway.keeper.root import Cell

SECOND, SECOND_TREE, SECOND_KEYS = "second", "second.tree.", "second.keys"
MAGIC_OF_SECOND = b"MGSECND1"
HEAD_BYTES = CELL_BYTES
_ID, _NONCE, _CHECK = 32, 12, 16
_LENGTH, _BODY, _WORD = Struct(">H"), Struct(">QBH"), Struct(">Q16s32sd")


@dataclass(frozen=True, slots=True, repr=False)
class SecondCell:
    """One cell, as anybody reads it: ``number`` of the writing, which tree it is the root of, the root, the word."""

    number: int
    tree: int
    root: bytes
    word: bytes

    @property
    def bound(self) -> bytes:
        """What the word is about."""
        return _BODY.pack(self.number, self.tree, len(self.root)) + self.root


class SecondWord(NamedTuple):
    """Of what state a cell is, to which recovery key it is sealed, and until when all that had ended is in it."""

    generation: int
    mark: bytes
    sealed_to: bytes
    known: float

    def of(self, root: Cell) -> bool:
        """Whether it was said of this root."""
        return (self.generation, self.mark) == (root.generation, mark_of(root))


class SecondFound(NamedTuple):
    """A cell, and what the gateway said in it."""

    cell: SecondCell
    word: SecondWord


class SecondSecrets:
    """What follows from the gateway's key for look-ups: the name of its second keeper, and who may say a word."""

    def __init__(self, lookup: bytes) -> None:
        derived = HKDF(SHA256(), 32 + _ID // 2, None, b"metergate second keeper 1\0").derive(lookup)
        self.id, self._cipher = derived[32:].hex(), AESGCM(derived[:32])

    def seal(self, plain: bytes, about: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, self._about(about))

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Raises ``ValueError``."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], self._about(about))
        except InvalidTag:
            raise ValueError("not by this gateway, or changed") from None

    def said(self, cell: SecondCell, word: SecondWord) -> bytes:
        """The cell with this word, as it is written."""
        return _formatted(cell.bound + self.seal(_WORD.pack(*word), cell.bound))

    def word(self, cell: SecondCell) -> SecondWord | None:
        """None where no gateway with these keys said it."""
        try:
            return SecondWord(*_WORD.unpack(self.open(cell.word, cell.bound)))
        except (ValueError, error):
            return None

    def _about(self, about: bytes) -> bytes:
        return MAGIC_OF_SECOND + self.id.encode() + about


def mark_of(cell: Cell) -> bytes:
    """Tells roots of one generation apart. Under a seal only."""
    return sha256(b"metergate root mark\0" + cell.key).digest()[:16]


def head(name: str) -> bytes:
    """The first bytes of the file ``second``."""
    return (MAGIC_OF_SECOND + name.encode()).ljust(HEAD_BYTES, b"\0")


def named_in(data: bytes) -> str | None:
    """Whose second keeper a file ``second`` is of; None where it is none."""
    found = data[len(MAGIC_OF_SECOND) : len(MAGIC_OF_SECOND) + _ID]
    return found.decode("ascii", "replace") if data.startswith(MAGIC_OF_SECOND) else None


def _formatted(body: bytes) -> bytes:
    whole = _LENGTH.pack(len(body)) + body
    return whole + sha256(whole).digest()[:_CHECK]


def parsed(data: bytes) -> SecondCell | None:
    """The reverse; None when it is not whole."""
    try:
        end = _LENGTH.size + _LENGTH.unpack_from(data)[0]
        if end == _LENGTH.size or data[end : end + _CHECK] != sha256(data[:end]).digest()[:_CHECK]:
            return None
        number, tree, length = _BODY.unpack_from(data, _LENGTH.size)
    except error:
        return None
    begin = _LENGTH.size + _BODY.size
    return SecondCell(number, tree, data[begin : begin + length], data[begin + length : end])


def newest(cells: list[bytes]) -> tuple[int, SecondCell] | None:
    """Which of two counts, and what it says."""
    found = [(cell.number, i, cell) for i, data in enumerate(cells) if (cell := parsed(data)) is not None]
    return max(found, key=lambda entry: entry[0])[1:] if found else None


@contextmanager
def opened_cells(folder: Path, secrets: SecondSecrets) -> Iterator[tuple[TwoCells, SecondFound | None]]:
    """The cells of this gateway's second keeper, and what it said last. Raises ``OSError``, also where it is another's.

    None: nothing is there that this gateway wrote, whole.
    """
    fd = os.open(folder / SECOND, os.O_RDWR | os.O_CLOEXEC)
    try:
        if os.pread(fd, HEAD_BYTES, 0) != head(secrets.id):
            raise OSError(f"{folder} is the second keeper of another gateway")
        cells = TwoCells(fd, HEAD_BYTES)
        read = cells.read()
        found = newest(read)
        if found is not None:
            cells.current = found[0]
            if any(read[1 - found[0]]):  # a crash before it was wiped
                cells.wipe_other()
        word = None if found is None else secrets.word(found[1])
        yield cells, None if found is None or word is None else SecondFound(found[1], word)
    finally:
        os.close(fd)


def write_slots(file: Path, slots: Mapping[int, bytes], slot_bytes: int) -> None:
    """Durable on return. Raises ``OSError``."""
    fd = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        for slot, data in slots.items():
            if os.pwrite(fd, data, slot * slot_bytes) != len(data):
                raise OSError("it was written in part: the disk is full")
        os.fdatasync(fd)
    finally:
        os.close(fd)
