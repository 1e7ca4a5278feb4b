"""The authorities that a box trusts: PEM, one after the other."""

from collections.abc import Iterable, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from edge.errors import UplinkError


def fingerprint(root: x509.Certificate) -> str:
    """SHA-256 of its DER form, hex."""
    return root.fingerprint(hashes.SHA256()).hex()


def roots_of(pem: str) -> Sequence[x509.Certificate]:
    """At least one. UplinkError when there is none, or one that cannot be read."""
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise UplinkError("a certificate that cannot be read") from error


def pinned(pem: str, pin: str) -> str | None:
    """The one with this fingerprint, and none that stands beside it."""
    return next((_written([root]) for root in roots_of(pem) if fingerprint(root) == pin), None)


def merged(held: str, given: str, dropped: Iterable[str]) -> str:
    """What is held and what the gateway gives, but what it has dropped. UplinkError as ``roots_of``."""
    gone = set(dropped)
    found = {fingerprint(root): root for root in (*roots_of(held), *roots_of(given))}
    return _written([root for mark, root in found.items() if mark not in gone])


def _written(roots: Iterable[x509.Certificate]) -> str:
    return "".join(root.public_bytes(serialization.Encoding.PEM).decode() for root in roots)
