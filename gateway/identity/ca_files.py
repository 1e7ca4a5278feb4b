"""Our CA as it lies in the key folder, and how it is replaced: a new key under the same name, beside the former root.

The new key is certified twice: by itself, and by the former one (RFC 4210 section 4.4, "new with old"). Both bear one
name, so the second is self-issued and fits below a root with a path length of zero (RFC 5280 section 6.1.4): who knows
the former root alone accepts what is issued now.

What counts is ``ca.key`` (the key, its root and, after a change, that second certificate) and ``ca.dropped.pem``. Each
is replaced in one step; ``ca.pem``, what others trust, follows from them and is put right at the next look.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from gateway.keeper.files import read_secret, write_secret

CA_LIFE = timedelta(days=3660)
BACKDATED = timedelta(days=1)
"""Clocks of boxes are never quite right."""
MOST_DROPPED = 16
CA_KEY, CA_FILE, DROPPED_FILE = "ca.key", "ca.pem", "ca.dropped.pem"
_BEGIN = b"-----BEGIN CERTIFICATE-----"
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class HeldAuthority:
    """What the folder holds.

    Attributes:
        root: of ``key``, by itself.
        cross: the same key by the former root, while that is trusted.
        former: other roots that are trusted, the oldest first.
        dropped: roots that were, the last one first.
    """

    key: ec.EllipticCurvePrivateKey
    root: x509.Certificate
    cross: x509.Certificate | None
    former: Sequence[x509.Certificate]
    dropped: Sequence[x509.Certificate]

    @property
    def pem(self) -> bytes:
        """All that is trusted, the oldest first."""
        return pem_of([*self.former, self.root])


def held_authority(folder: Path, now: datetime) -> HeldAuthority:
    """What is there, without roots that have ended; made when nothing is. Raises ``ValueError``, ``PermissionError``.

    A change that was interrupted is brought to its end.
    """
    secret, public = read_secret(folder / CA_KEY), _certificates(_read(folder / CA_FILE))
    if secret is None or not (public or _BEGIN in secret):
        secret, public = _made(folder, now), []
    key = serialization.load_pem_private_key(secret, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("ca.key: not an EC key")
    own = [each for each in [*_certificates(secret), *public] if each.public_key() == key.public_key()]
    root = next((each for each in own if signed_by(each, each)), None)
    if root is None:
        raise ValueError("ca.pem: no certificate of the key in ca.key")
    dropped = _certificates(read_secret(folder / DROPPED_FILE) or b"")
    former = [each for each in public if each not in (root, *dropped) and now < each.not_valid_after_utc]
    cross = next((each for each in own if any(signed_by(each, old) for old in former)), None)
    held = HeldAuthority(key, root, cross, former, dropped)
    if _read(folder / CA_FILE) != held.pem:
        _write_public(folder / CA_FILE, held.pem)
    return held


def replace_authority(folder: Path, held: HeldAuthority, now: datetime) -> None:
    """Another key issues from now on. The present one is gone; its root is trusted on. Blocking."""
    key, name = ec.generate_private_key(ec.SECP256R1()), held.root.subject
    root = _certified(key, name, now, now + CA_LIFE).sign(key, hashes.SHA256())
    cross = (
        _certified(key, name, now, min(held.root.not_valid_after_utc, now + CA_LIFE))
        .add_extension(issuer_key(held.root), critical=False)
        .sign(held.key, hashes.SHA256())
    )
    _write_durably(folder / CA_KEY, pem_of_key(key) + pem_of([root, cross]))


def drop_former(folder: Path, held: HeldAuthority) -> None:
    """Former roots are trusted no longer. Blocking."""
    _write_durably(folder / DROPPED_FILE, pem_of([*held.former, *held.dropped][:MOST_DROPPED]))


def signed_by(made: x509.Certificate, ca: x509.Certificate) -> bool:
    try:
        made.verify_directly_issued_by(ca)
    except Exception:  # noqa: BLE001 - it raises several kinds; each means no
        return False
    return True


def issuer_key(ca: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    held = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(held)


def usage(*, signs: bool, encipher: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=encipher,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def pem_of(certificates: Iterable[x509.Certificate]) -> bytes:
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


def pem_of_key(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _made(folder: Path, now: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    number = x509.random_serial_number() % 16**8
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Metergate CA {number:08x}")])
    root = _certified(key, name, now, now + CA_LIFE).sign(key, hashes.SHA256())
    secret = pem_of_key(key) + pem_of([root])
    write_secret(folder / CA_KEY, secret)
    return secret


def _certified(
    key: ec.EllipticCurvePrivateKey, name: x509.Name, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    """A CA's certificate for its key, under its own name."""
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(signs=True, encipher=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _certificates(pem: bytes) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(pem) if _BEGIN in pem else []


def _read(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def _write_durably(file: Path, content: bytes) -> None:
    """Also when the power fails right after."""
    write_secret(file, content)
    handle = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_public(file: Path, content: bytes) -> None:
    """For everybody to read; in one step."""
    beside = file.with_name(file.name + ".new")
    with beside.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)
