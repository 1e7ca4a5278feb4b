"""Sealing: AES-256-GCM (NIST SP 800-38D), bound to the place that the bytes belong to.

Each sealing takes a fresh 96-bit nonce as an argument; the sealed form is nonce, ciphertext, tag (16 bytes). What is
bound (the additional data) says whose bytes these are, of which class and day, and which version out of how many
pieces, so that nothing that was sealed can be put in another place. That the newest version is the one that lies there
it cannot say: see ``docs/threats.md``.
"""

from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from policies.terms import DetailClass

NONCE_BYTES = 12
OVERHEAD = NONCE_BYTES + 16

CLASS_CODES = {
    DetailClass.LIVE: 1,
    DetailClass.QUARTER: 2,
    DetailClass.DAY: 3,
    DetailClass.LEGAL: 4,
    DetailClass.IDENTITY: 5,
    DetailClass.LEDGER: 6,
}
"""One byte for each class, in everything that is stored. Never reused."""
CLASS_OF_CODE = {code: detail for detail, code in CLASS_CODES.items()}

_PLACE = Struct(">BIQI")
_SERIES, _ABOUT = b"metergate series 1\0", b"metergate about 1\0"


def place(subject: str, detail: DetailClass, day: int, version: int, pieces: int) -> bytes:
    """The additional data of a piece or block.

    Args:
        subject: tenancy id.
        day: proleptic Gregorian ordinal of the UTC day.
        version: of a piece its number, of a block how often its day was merged.
        pieces: 0 for a piece; of a block how many pieces went into it.
    """
    return b"".join((_SERIES, _PLACE.pack(CLASS_CODES[detail], day, version, pieces), subject.encode()))


def place_about(subject: str, detail: DetailClass, about: str) -> bytes:
    """The additional data of what is not ratcheted by days: identity and ledger."""
    return _ABOUT + bytes([CLASS_CODES[detail]]) + subject.encode() + b"\0" + about.encode()


def seal(cipher: AESGCM, nonce: bytes, bound: bytes, plain: bytes) -> bytes:
    """Nonce, ciphertext and tag. The same nonce is never used twice under one key."""
    return nonce + cipher.encrypt(nonce, plain, bound)


def unseal(cipher: AESGCM, bound: bytes, sealed: bytes) -> bytes:
    """The plain bytes. Raises ``ValueError`` when key, place or bytes are not what was sealed."""
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
    except InvalidTag:
        raise ValueError("the seal does not fit") from None
