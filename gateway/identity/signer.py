"""The gateway's did:web key (ES256): signs receipts, certificates, tokens, self-descriptions. RFC 7515, RFC 7518."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from gateway.errors import SettingsError
from gateway.keeper.files import read_secret, write_secret

ALGORITHM = "ES256"
KEY_FILE, FORMER_FILE = "signer.key", "signer.former.json"
MOST_FORMER = 16
"""Keys that were in use before; what older ones signed can be checked with a copy of their public halves."""
LONGEST_SIGNED_TOKEN = 64 * 1024
"""Characters of a token that is looked at."""
_ANY_HEADER = jws.JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)


def did_of(public_url: str) -> str:
    """The did:web of an address: ``https://gw.example:8445/a`` is ``did:web:gw.example%3A8445:a``."""
    parts = urlsplit(public_url)
    path = [segment for segment in parts.path.split("/") if segment]
    return ":".join(["did:web", parts.netloc.replace(":", "%3A"), *path])


class GatewaySigner:
    """Implements ``adapters.plugin.Signer``. The key is made at the first start and stays in the key folder."""

    def __init__(self, folder: Path, public_url: str) -> None:
        pem = read_secret(folder / KEY_FILE)
        if pem is None:
            pem = _make_key(folder)
        self._key = ECKey.import_key(pem)
        self._did = did_of(public_url)
        self._former = _former_keys(folder)

    @property
    def did(self) -> str:
        return self._did

    @property
    def kid(self) -> str:
        return self._kid_of(self._key)

    def jwk(self) -> Mapping[str, str]:
        """The public key with ``kid`` and ``alg``."""
        return self._public(self._key)

    def former(self) -> Sequence[Mapping[str, str]]:
        return [self._public(key) for key in self._former]

    def sign(self, claims: Mapping[str, Any], *, typ: str, headers: Mapping[str, Any] | None = None) -> str:
        """Compact JWS over JSON claims; our ``alg``, ``kid`` and ``typ`` win over ``headers``."""
        protected = {**(headers or {}), "alg": ALGORITHM, "kid": self.kid, "typ": typ}
        return jws.serialize_compact(protected, msgspec.json.encode(claims), self._key, registry=_ANY_HEADER)

    def verify(self, token: str, *, typ: str, former: bool = False) -> Mapping[str, Any] | None:
        """Claims of a token of our own; None when it is not ours, changed, or of another type. Checks no instants."""
        found = (_claims(token, key, typ) for key in (self._key, *(self._former if former else ())))
        return next((claims for claims in found if claims is not None), None)

    def _kid_of(self, key: ECKey) -> str:
        return f"{self._did}#{key.thumbprint()[:16]}"

    def _public(self, key: ECKey) -> Mapping[str, str]:
        public = {name: str(value) for name, value in key.as_dict(private=False).items()}
        return {**public, "kid": self._kid_of(key), "alg": ALGORITHM}


def renew_key(folder: Path) -> None:
    """Another key from the next start on. The present one is gone but for its public half: what it signed stays valid.

    Raises ``SettingsError`` where there is none.
    """
    pem = read_secret(folder / KEY_FILE)
    if pem is None:
        raise SettingsError(f"{folder / KEY_FILE} is not there: the first start makes one")
    known = [key.as_dict(private=False) for key in (ECKey.import_key(pem), *_former_keys(folder))]
    write_secret(folder / FORMER_FILE, msgspec.json.encode(known[:MOST_FORMER]))
    _make_key(folder)


def _make_key(folder: Path) -> bytes:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_secret(folder / KEY_FILE, pem)
    return pem


def _former_keys(folder: Path) -> Sequence[ECKey]:
    """Public halves, the last one first."""
    held = read_secret(folder / FORMER_FILE)
    return [ECKey.import_key(jwk) for jwk in msgspec.json.decode(held)] if held is not None else []


def verified(token: str, jwk: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Claims of a compact JWS of any type that the private half of this key (EC, P-256) signed; None if it did not."""
    try:
        key = ECKey.import_key(dict(jwk))
    except (JoseError, ValueError):
        return None
    return _claims(token, key, None)


def _claims(token: str, key: ECKey, typ: str | None) -> Mapping[str, Any] | None:
    if len(token) > LONGEST_SIGNED_TOKEN or token.count(".") != 2 or not all(map(_strict, token.split("."))):
        return None
    try:
        found = jws.deserialize_compact(token, key, registry=_ANY_HEADER)
        header = found.headers()
        claims = msgspec.json.decode(found.payload)
    except (JoseError, ValueError, RecursionError):  # the last one: a header that is nested too deep
        return None
    ours = header.get("alg") == ALGORITHM and typ in (None, header.get("typ")) and "crit" not in header
    return claims if ours and isinstance(claims, dict) else None


def _strict(segment: str) -> bool:
    """Whether it is the one base64url form of its bytes: no padding, no other alphabet, no stray bits."""
    try:
        raw = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (binascii.Error, ValueError):
        return False
    return urlsafe_b64encode(raw).rstrip(b"=").decode() == segment
