"""The recovery key: a pair is made at the first start; its private half is shown once, and kept nowhere."""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from gateway.errors import SettingsError
from gateway.keeper.files import write_secret
from gateway.keeper.recovery import RECOVERY_KEY_BYTES, RecoveryKey
from gateway.settings import Settings

DIGITS_TOGETHER = 8


def public_file(settings: Settings) -> Path:
    """Where the public half lies."""
    return settings.retention.recovery_key or settings.keys / "recovery.pem"


def first_key(settings: Settings) -> str | None:
    """Make a pair where there is none and something is sealed to it; the private half as it is shown, or None.

    Raises ``SettingsError`` for a public half that is not one, or that the settings name and that is not there.
    """
    if not settings.retention.recovery_hours and settings.retention.second_keeper is None:
        return None
    file = public_file(settings)
    if file.exists() or settings.retention.recovery_key is not None:
        recovery_key(settings)
        return None
    private = X25519PrivateKey.generate()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    write_secret(file, private.public_key().public_bytes(serialization.Encoding.PEM, spki))
    digits = private.private_bytes_raw().hex()
    return " ".join(digits[i : i + DIGITS_TOGETHER] for i in range(0, len(digits), DIGITS_TOGETHER))


def recovery_key(settings: Settings) -> RecoveryKey:
    """The public half. Raises ``SettingsError``."""
    file = public_file(settings)
    try:
        key = serialization.load_pem_public_key(file.read_bytes())
    except OSError as error:
        raise SettingsError(f"retention.recovery_key: {file} cannot be read ({error.strerror})") from None
    except ValueError:
        key = None
    if not isinstance(key, X25519PublicKey):
        raise SettingsError(f"retention.recovery_key: {file} is not an X25519 public key (PEM)")
    return RecoveryKey(key.public_bytes_raw())


def private_half(text: bytes) -> bytes:
    """32 bytes as they are, 64 hex digits in groups, or PEM. Raises ``ValueError``."""
    if len(text) == RECOVERY_KEY_BYTES:
        return text
    if text.startswith(b"-----BEGIN"):
        try:
            found = serialization.load_pem_private_key(text, None)
        except (TypeError, UnsupportedAlgorithm):
            raise ValueError("enciphered, or of another kind") from None
        if not isinstance(found, X25519PrivateKey):
            raise ValueError("of another kind")
        return found.private_bytes_raw()
    key = bytes.fromhex(text.decode("ascii").strip())
    if len(key) != RECOVERY_KEY_BYTES:
        raise ValueError("of another length")
    return key
