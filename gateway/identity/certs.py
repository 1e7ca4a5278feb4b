"""The gateway's own CA (ECDSA P-256): certificates for boxes and VENs, and for the listeners when none are configured.

Profile of RFC 5280: end entities carry subjectAltName, keyUsage and one extendedKeyUsage. Blocking; seldom called.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.errors import CsrRefused
from gateway.keeper.files import read_secret, write_secret

CA_LIFE, LIFE = timedelta(days=3660), timedelta(days=825)
BACKDATED = timedelta(days=1)
"""Clocks of boxes are never quite right."""
RENEW = timedelta(days=30)
"""A listener's own certificate is made anew at a start within this time of its end."""
MOST_CSR = 16_384
KeyKind = Literal["ec", "rsa"]
_PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
_PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def fingerprint(der: bytes) -> str:
    """SHA-256 over the DER form, hex: how certificates are known here."""
    return sha256(der).hexdigest()


class Authority:
    """Our CA. ``ca_file`` (``ca_pem``) is what others trust, ``fingerprint`` by which they know it beforehand."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self._folder = folder
        self.ca_file = folder / "ca.pem"
        held = read_secret(folder / "ca.key")
        if held is None or not self.ca_file.exists():
            held = self._make(now)
        key = serialization.load_pem_private_key(held, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("ca.key: not an EC key")
        self._key = key
        self.ca_pem = self.ca_file.read_text()
        self._ca = x509.load_pem_x509_certificate(self.ca_pem.encode())
        self.fingerprint = fingerprint(self._ca.public_bytes(serialization.Encoding.DER))

    def issue(self, csr_pem: str, owner: str, now: datetime) -> tuple[str, str, datetime]:
        """A client certificate for the key of a CSR; the name is ours, not the CSR's.

        -> (PEM, fingerprint, notAfter). Raises ``CsrRefused``.
        """
        key = requested_key(csr_pem)
        builder = self._builder(owner, key, now, ExtendedKeyUsageOID.CLIENT_AUTH)
        alternative = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"urn:metergate:{owner}")])
        made = builder.add_extension(alternative, critical=False).sign(self._key, hashes.SHA256())
        pem = made.public_bytes(serialization.Encoding.PEM).decode()
        return pem, fingerprint(made.public_bytes(serialization.Encoding.DER)), made.not_valid_after_utc

    def server(self, hosts: Sequence[str], kind: KeyKind, now: datetime) -> tuple[Path, Path]:
        """Chain and key files for listeners under these names; made when missing or nearly over."""
        mark = sha256(",".join(hosts).encode()).hexdigest()[:8]
        chain, secret = self._folder / f"server-{kind}-{mark}.pem", self._folder / f"server-{kind}-{mark}.key"
        if read_secret(secret) is None or not chain.exists() or not self._serves(chain, now):
            key: _PrivateKey = (
                ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
            )
            builder = self._builder(hosts[0], key.public_key(), now, ExtendedKeyUsageOID.SERVER_AUTH)
            names = x509.SubjectAlternativeName([_name(host) for host in hosts])
            made = builder.add_extension(names, critical=False).sign(self._key, hashes.SHA256())
            write_secret(secret, _pem(key))
            pems = [made, self._ca]
            chain.write_bytes(b"".join(c.public_bytes(serialization.Encoding.PEM) for c in pems))
        return chain, secret

    def _serves(self, chain: Path, now: datetime) -> bool:
        old = x509.load_pem_x509_certificate(chain.read_bytes())
        return _signed_by(old, self._ca) and now + RENEW < old.not_valid_after_utc

    def _builder(
        self, name: str, key: _PublicKey, now: datetime, use: x509.ObjectIdentifier
    ) -> x509.CertificateBuilder:
        end = min(now + LIFE, self._ca.not_valid_after_utc)
        usage = _usage(signs=False, encipher=isinstance(key, rsa.RSAPublicKey))
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self._ca.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(max(now - BACKDATED, self._ca.not_valid_before_utc))
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(_issuer_key(self._ca), critical=False)
        )

    def _make(self, now: datetime) -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        serial = x509.random_serial_number()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Metergate CA {serial % 16**8:08x}")])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(serial)
            .not_valid_before(now - BACKDATED)
            .not_valid_after(now + CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True, encipher=False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        pem = _pem(key)
        write_secret(self._folder / "ca.key", pem)
        self.ca_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        return pem


def requested_key(csr_pem: str) -> _PublicKey:
    """The key of a request: P-256 or P-384, or RSA of 2048 to 4096 bits. Raises ``CsrRefused``."""
    if len(csr_pem) > MOST_CSR:
        raise CsrRefused("csr: too long")
    try:
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        key = csr.public_key()
        signed = csr.is_signature_valid
    except (ValueError, UnsupportedAlgorithm):
        raise CsrRefused("csr: not a PKCS#10 request in PEM") from None
    if not signed:
        raise CsrRefused("csr: not signed by its own key")
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1):
        return key
    if isinstance(key, rsa.RSAPublicKey) and 2048 <= key.key_size <= 4096:
        return key
    raise CsrRefused("csr: the key is none of P-256, P-384, RSA with 2048 to 4096 bits")


def _signed_by(made: x509.Certificate, ca: x509.Certificate) -> bool:
    try:
        made.verify_directly_issued_by(ca)
    except Exception:  # noqa: BLE001 - it raises several kinds; each means no
        return False
    return True


def _usage(*, signs: bool, encipher: bool) -> x509.KeyUsage:
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


def _issuer_key(ca: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    held = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(held)


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: _PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
