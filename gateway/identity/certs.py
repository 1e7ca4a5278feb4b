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
from gateway.identity.ca_files import (
    BACKDATED,
    CA_FILE,
    PrivateKey,
    drop_former,
    held_authority,
    issuer_key,
    pem_of,
    pem_of_key,
    replace_authority,
    signed_by,
    usage,
)
from gateway.keeper.files import read_secret, write_secret

LIFE = timedelta(days=825)
"""Of what it issues."""
OVERLAP = timedelta(days=30)
"""So long after a change of the CA the listeners show what the former one issued."""
RENEW = timedelta(days=30)
"""A listener's own certificate is made anew at a start within this time of its end."""
MOST_CSR = 16_384
KeyKind = Literal["ec", "rsa"]
_PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


def fingerprint(der: bytes) -> str:
    """SHA-256 over the DER form, hex: how certificates are known here."""
    return sha256(der).hexdigest()


class Authority:
    """Our CA. ``ca_file`` (``ca_pem``) is what others trust: its root, and the former one while that is trusted too."""

    def __init__(self, folder: Path, now: datetime) -> None:
        """Blocking. Raises ``ValueError``, ``PermissionError``."""
        self._folder = folder
        self.ca_file = folder / CA_FILE
        self._held = held_authority(folder, now)

    @property
    def ca_pem(self) -> str:
        """The oldest first: clients that look at one certificate alone find the one of their pin."""
        return self._held.pem.decode()

    def pin(self, now: datetime) -> str:
        """The fingerprint by which others know it beforehand: of the oldest root that does not end soon."""
        lasting = [each for each in self.roots if now + RENEW < each.not_valid_after_utc]
        return self.named((lasting or self.roots[-1:])[0])

    @staticmethod
    def named(root: x509.Certificate) -> str:
        """The fingerprint of a root."""
        return fingerprint(_der(root))

    @property
    def roots(self) -> Sequence[x509.Certificate]:
        """Those that are trusted, the oldest first; the last one issues."""
        return [*self._held.former, self._held.root]

    @property
    def former(self) -> Sequence[x509.Certificate]:
        """Those that are trusted and issue nothing any more."""
        return self._held.former

    @property
    def dropped(self) -> Sequence[str]:
        """Fingerprints of roots that were trusted once."""
        return [fingerprint(_der(each)) for each in self._held.dropped]

    def look(self, now: datetime) -> None:
        """At the folder, once more: a root that has ended is trusted no longer. Blocking."""
        self._held = held_authority(self._folder, now)

    def replace(self, now: datetime) -> None:
        """Another key issues from now on; the present root is trusted on. Blocking."""
        replace_authority(self._folder, self._held, now)
        self.look(now)

    def drop(self, now: datetime) -> None:
        """The former root is trusted no longer. Blocking."""
        drop_former(self._folder, self._held)
        self.look(now)

    def issue(self, csr_pem: str, owner: str, now: datetime) -> tuple[str, str, datetime]:
        """A client certificate for the key of a CSR; the name is ours, not the CSR's.

        -> (PEM, fingerprint, notAfter). Raises ``CsrRefused``.
        """
        key = requested_key(csr_pem)
        builder = self._builder(owner, key, now, ExtendedKeyUsageOID.CLIENT_AUTH)
        alternative = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"urn:metergate:{owner}")])
        made = builder.add_extension(alternative, critical=False).sign(self._held.key, hashes.SHA256())
        return pem_of([made]).decode(), fingerprint(_der(made)), made.not_valid_after_utc

    def due(self, der: bytes, now: datetime) -> bool:
        """Whether a client certificate is to be renewed: less than a third of its life is left, or it is by a former
        root."""
        shown = x509.load_der_x509_certificate(der)
        begin, end = shown.not_valid_before_utc, shown.not_valid_after_utc
        return now > end - (end - begin) / 3 or any(signed_by(shown, each) for each in self._held.former)

    def server(self, hosts: Sequence[str], kind: KeyKind, now: datetime) -> tuple[Path, Path]:
        """Chain and key files for listeners under these names; made when missing or nearly over."""
        mark = sha256(",".join(hosts).encode()).hexdigest()[:8]
        chain, secret = self._folder / f"server-{kind}-{mark}.pem", self._folder / f"server-{kind}-{mark}.key"
        if read_secret(secret) is None or not chain.exists() or not self._serves(chain, now):
            key: PrivateKey = (
                ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
            )
            builder = self._builder(hosts[0], key.public_key(), now, ExtendedKeyUsageOID.SERVER_AUTH)
            names = x509.SubjectAlternativeName([_name(host) for host in hosts])
            made = builder.add_extension(names, critical=False).sign(self._held.key, hashes.SHA256())
            write_secret(secret, pem_of_key(key))
            chain.write_bytes(pem_of([made, *self._above()]))
        return chain, secret

    def _above(self) -> Sequence[x509.Certificate]:
        """What a listener shows behind its own certificate."""
        return [each for each in (self._held.cross, self._held.root) if each is not None]

    def _serves(self, chain: Path, now: datetime) -> bool:
        """After a change of the CA the former chain is shown on for a while: until then boxes have the new root."""
        old, *above = x509.load_pem_x509_certificates(chain.read_bytes())
        if now + RENEW >= old.not_valid_after_utc:
            return False
        if signed_by(old, self._held.root):
            return above == self._above()
        given = self._held.root.not_valid_before_utc + BACKDATED + OVERLAP
        return now < given and any(signed_by(old, each) for each in self._held.former)

    def _builder(
        self, name: str, key: _PublicKey, now: datetime, use: x509.ObjectIdentifier
    ) -> x509.CertificateBuilder:
        root = self._held.root
        end = min(now + LIFE, root.not_valid_after_utc)
        used = usage(signs=False, encipher=isinstance(key, rsa.RSAPublicKey))
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(root.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(max(now - BACKDATED, root.not_valid_before_utc))
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(used, critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(issuer_key(root), critical=False)
        )


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


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
