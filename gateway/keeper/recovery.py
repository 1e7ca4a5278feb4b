"""What is sealed for a bad day: to a key that lies in a safe, and is never beside the data.

HPKE (RFC 9180), mode base, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
"""

from hashlib import sha256
from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from gateway.keeper.root import Cell

RECOVERY_KEY_BYTES = 32
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_INFO = b"metergate recovery 2 "
_BODY = Struct(">QI32s")
_ROOT = "root"


class RecoveryKey:
    """The public half: it seals and opens nothing."""

    def __init__(self, public: bytes) -> None:
        """``public``: 32 bytes, X25519. Raises ``ValueError``."""
        self._key = X25519PublicKey.from_public_bytes(public)
        self.digest = sha256(public).digest()
        """Of the public half: whether something is sealed to this one."""

    def seal(self, plain: bytes, what: str) -> bytes:
        """For the private half, and for this use alone."""
        return _SUITE.encrypt(plain, self._key, info=_INFO + what.encode())

    def seal_root(self, cell: Cell) -> bytes:
        """u64 generation, u32 slot, 32 bytes key."""
        return self.seal(_BODY.pack(cell.generation, cell.slot, cell.key), _ROOT)


def unsealed(sealed: bytes, private: bytes, what: str) -> bytes:
    """The reverse of ``RecoveryKey.seal``. ``private``: 32 bytes, X25519. Raises ``ValueError``."""
    try:
        return _SUITE.decrypt(sealed, X25519PrivateKey.from_private_bytes(private), info=_INFO + what.encode())
    except InvalidTag:
        raise ValueError("sealed to another key, or changed") from None


def unsealed_root(sealed: bytes, private: bytes) -> Cell:
    """The reverse of ``RecoveryKey.seal_root``. Raises ``ValueError``."""
    body = unsealed(sealed, private, _ROOT)
    if len(body) != _BODY.size:
        raise ValueError("not a root")
    return Cell(*_BODY.unpack(body))
