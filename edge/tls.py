"""TLS towards the gateway: 1.2 or newer, suites with authenticated encryption only, the box's own certificate."""

import ssl
from datetime import datetime
from pathlib import Path

from cryptography import x509

from edge.errors import SettingsError
from edge.files import read_secret
from edge.pair import BOX_PAIR, NEXT_PAIR

SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"


def context(ca: str | None = None) -> ssl.SSLContext:
    """A client's context that trusts ``ca`` (PEM) and nothing else, or the system's authorities.

    Raises:
        SettingsError: ``ca`` holds no certificate.
    """
    if ca is None:
        made = ssl.create_default_context()
    else:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            made.load_verify_locations(cadata=ca)
        except (ssl.SSLError, ValueError) as error:
            raise SettingsError("the authority's certificate cannot be read") from error
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(SUITES)
    return made


def mutual(folder: Path, *, following: bool = False, ca: str | None = None) -> ssl.SSLContext:
    """The context of an enrolled box: ``ca.pem``, ``box.pem`` and ``box-key.pem`` of its folder.

    Args:
        following: the pair that comes next.
        ca: PEM of the authorities, instead of the file.

    Raises:
        SettingsError: not enrolled, a key that others may read, or files that do not belong together.
    """
    certificate, key = (folder / name for name in (NEXT_PAIR if following else BOX_PAIR))
    read_secret(key)
    try:
        made = context((folder / "ca.pem").read_text() if ca is None else ca)
        made.load_cert_chain(certificate, key)
    except OSError as error:  # ssl.SSLError is one too
        raise SettingsError(f"{folder}: no certificate that belongs to the box's key: enrol first") from error
    return made


def begins(folder: Path) -> datetime:
    """When the box's certificate begins, UTC: no right clock is before it. SettingsError when there is none."""
    return _certificate(folder).not_valid_before_utc


def expires(folder: Path) -> datetime:
    """When the box's certificate ends, UTC. SettingsError when there is none."""
    return _certificate(folder).not_valid_after_utc


def _certificate(folder: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate((folder / "box.pem").read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError(f"{folder}: no certificate: enrol first") from error
