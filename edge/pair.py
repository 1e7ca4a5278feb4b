"""The box's key and certificate on the disk, and those that come next. After a crash there is one pair or the other.

The next pair stands beside (``next-key.pem``, ``next.pem``), durable, before it takes the place of the one in use
(``box-key.pem``, ``box.pem``) by two renames. Between them the key is new and the certificate old: ``mend`` does the
second one.
"""

from contextlib import suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.errors import SettingsError
from edge.files import read_secret, sync_folder, write_secret

BOX_PAIR, NEXT_PAIR = ("box.pem", "box-key.pem"), ("next.pem", "next-key.pem")
"""Certificate (and chain), private key."""


def pending_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    """The key for which a certificate is to be asked; made when there is none. SettingsError when it cannot be."""
    path = folder / NEXT_PAIR[1]
    if not path.exists():
        write_secret(path, pem_of(ec.generate_private_key(ec.SECP256R1())))
    key = serialization.load_pem_private_key(read_secret(path), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SettingsError(f"{path}: not an EC key")
    return key


def has_next(folder: Path) -> bool:
    """Whether there is a next pair as a whole. SettingsError when that cannot be read."""
    return all((folder / name).exists() for name in NEXT_PAIR) and _fit(folder, NEXT_PAIR)


def take_next(folder: Path) -> None:
    """The next pair is the box's from now on, durable on return. SettingsError when it cannot be."""
    try:
        for is_used, comes in zip(reversed(BOX_PAIR), reversed(NEXT_PAIR), strict=True):
            (folder / comes).replace(folder / is_used)
            sync_folder(folder)
    except OSError as error:
        raise SettingsError(f"{folder}: {error.strerror}") from error


def drop_next(folder: Path) -> None:
    """The gateway knows nothing of it: another one is to be asked for."""
    with suppress(OSError):
        for name in NEXT_PAIR:
            (folder / name).unlink(missing_ok=True)


def mend(folder: Path) -> None:
    """End what a crash interrupted. Call before the pair is read. SettingsError when it cannot be."""
    between = (NEXT_PAIR[0], BOX_PAIR[1])
    if (folder / NEXT_PAIR[1]).exists() or not all((folder / name).exists() for name in between):
        return
    if _fit(folder, between):
        try:
            (folder / NEXT_PAIR[0]).replace(folder / BOX_PAIR[0])
            sync_folder(folder)
        except OSError as error:
            raise SettingsError(f"{folder}: {error.strerror}") from error


def _fit(folder: Path, pair: tuple[str, str]) -> bool:
    certificate, key = (folder / name for name in pair)
    try:
        held = serialization.load_pem_private_key(read_secret(key), None).public_key()
        return x509.load_pem_x509_certificate(certificate.read_bytes()).public_key() == held
    except (OSError, ValueError) as error:
        raise SettingsError(f"{folder}: its key or certificate cannot be read; enrol again") from error


def pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
