"""Whether rows of the store are those that the keys know. Pure.

Of some rows together the key tree holds a *pin*: a number that grows with each change and never comes twice, and a
digest of the rows that stand. The digest is MSet-Add-Hash (Clarke, Devadas, van Dijk, Gassend, Suh, ASIACRYPT 2003):
the sum, modulo 2^256, of HMAC-SHA-256 (RFC 2104) of each row, so a change costs what it touches and not what there
is. Its key and its value are seen by nobody who has not the keys: the store holds the same pin sealed (a ``KeptPin``,
AES-256-GCM), written in the transaction of the change, so that a crash before the tree heard of it loses nothing.

A kept pin says in which *run* it was made, a random word of the tree that no two starts share: one that no tree ever
heard of, and that was given up, is taken for a newer one by no later run.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from struct import Struct
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from policies.vault.seal import NONCE_BYTES

RUN_BYTES = 16
NO_RUN = bytes(RUN_BYTES)
"""The word of no run: of a tree that never pinned anything."""
MODULUS = 1 << 256
_HALF, _PLACE = 32, 16
_LENGTH, _NUMBER = Struct(">I"), Struct(">Q")
_KEYS, _KEPT, _SUM = b"metergate pins 1\0", b"metergate kept pin 1\0", b"metergate sum 1\0"

Stored = bytes | str | int | float | None
"""One value of a row, as the engine gives it."""


class Pin(NamedTuple):
    """``number`` of the change, and the digest of what stands after it."""

    number: int
    digest: int


NO_ROWS = Pin(0, 0)
"""No row, and never a change."""


class KeptPin(NamedTuple):
    """A pin as the store holds it, and the run that made it."""

    pin: Pin
    run: bytes


class Finding(StrEnum):
    """What comparing the store with the tree says. The value completes "the store ..."."""

    CURRENT = "is current"
    AHEAD = "is one crash ahead of its keys"
    OLDER = "is older than its keys"
    ALTERED = "was altered: it does not match its keys"


class PinKeys:
    """What authenticates the rows of one scope, and seals its pins.

    ``place``: the name under which the store keeps them, 32 hex digits. It says nothing of the scope without the keys.
    """

    def __init__(self, secret: bytes, scope: str) -> None:
        """HKDF-SHA-256 (RFC 5869) of a secret of the key tree."""
        derived = HKDF(SHA256(), 2 * _HALF + _PLACE, None, _KEYS + scope.encode()).derive(secret)
        self._mac, self._cipher = HMAC(derived[:_HALF], SHA256()), AESGCM(derived[_HALF : 2 * _HALF])
        self._scope, self.place = scope.encode(), derived[2 * _HALF :].hex()

    def digest(self, table: str, rows: Iterable[Mapping[str, Stored]]) -> int:
        """Of these rows together, in any order."""
        return self.total(canonical(table, row) for row in rows)

    def mark(self, table: str, row: Mapping[str, Stored]) -> int:
        """What one row adds to the digest."""
        return self._one(canonical(table, row))

    def total(self, rows: Iterable[bytes]) -> int:
        """The same of rows in a form of the caller's, which no two rows share, of whatever table."""
        return sum(map(self._one, rows)) % MODULUS

    def seal(self, nonce: bytes, kept: KeptPin) -> bytes:
        number, digest = kept.pin
        plain = _NUMBER.pack(number) + digest.to_bytes(_HALF, "big") + kept.run
        return nonce + self._cipher.encrypt(nonce, plain, _KEPT + self._scope)

    def open(self, sealed: bytes) -> KeptPin:
        """The reverse. Raises ``ValueError`` for what these keys did not seal for this scope."""
        try:
            plain = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _KEPT + self._scope)
        except InvalidTag:
            raise ValueError("not sealed with this key for this place") from None
        (number,), digest = _NUMBER.unpack_from(plain), plain[_NUMBER.size : _NUMBER.size + _HALF]
        return KeptPin(Pin(number, int.from_bytes(digest, "big")), plain[_NUMBER.size + _HALF :])

    def seal_sum(self, nonce: bytes, about: str, digest: int) -> bytes:
        """A digest of some rows, for a row that is guarded itself; bound to what it is about."""
        return nonce + self._cipher.encrypt(nonce, digest.to_bytes(_HALF, "big"), self._of_sum(about))

    def open_sum(self, about: str, sealed: bytes) -> int:
        """The reverse. Raises ``ValueError``."""
        try:
            plain = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._of_sum(about))
        except InvalidTag:
            raise ValueError("not sealed with this key for this place") from None
        return int.from_bytes(plain, "big")

    def _of_sum(self, about: str) -> bytes:
        return _SUM + self._scope + b"\0" + about.encode()

    def _one(self, row: bytes) -> int:
        mac = self._mac.copy()
        mac.update(row)
        return int.from_bytes(mac.finalize(), "big")


def moved(pin: Pin, before: int, after: int) -> Pin:
    """The next pin, where a change took rows of digest ``before`` away and put those of ``after`` in their place."""
    return Pin(pin.number + 1, (pin.digest - before + after) % MODULUS)


def canonical(table: str, row: Mapping[str, Stored]) -> bytes:
    """One form of bytes for a row, and no two rows have the same: each part behind its kind and its length.

    Columns go by their names; one that holds nothing is left out, so that a new column which may be empty is no change.
    """
    parts = [_part(table)]
    for name in sorted(row):
        if row[name] is not None:
            parts += [_part(name), _part(row[name])]
    return b"".join(parts)


def found(pinned: Pin, run: bytes, kept: KeptPin | None, digest: int) -> Finding:
    """Compare what the tree says (``pinned``, and the ``run`` before this one) with the store's own and its rows.

    Without one there was no change since rows were pinned as they lay there.
    """
    if kept is None:
        kept = KeptPin(Pin(0, pinned.digest), run)
    if kept.pin.number < pinned.number:
        return Finding.OLDER
    if digest != kept.pin.digest:
        return Finding.ALTERED
    if kept.pin == pinned:
        return Finding.CURRENT
    ahead = kept.pin.number > pinned.number and kept.run == run
    return Finding.AHEAD if ahead else Finding.ALTERED


def _part(value: Stored) -> bytes:
    match value:
        case str():
            kind, data = b"s", value.encode(errors="surrogatepass")
        case bytes():
            kind, data = b"b", value
        case int():
            kind, data = b"i", b"%d" % value
        case _:
            kind, data = b"f", repr(value).encode()
    return kind + _LENGTH.pack(len(data)) + data
