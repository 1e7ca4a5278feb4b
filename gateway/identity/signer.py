"""The gateway's did:web key (ES256): signs receipts, certificates, tokens, self-descriptions. RFC 7515, RFC 7518."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from gateway.keeper.files import read_secret, write_secret

ALGORITHM = "ES256"
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
        file = folder / "signer.key"
        pem = read_secret(file)
        if pem is None:
            pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            write_secret(file, pem)
        self._key = ECKey.import_key(pem)
        self._did = did_of(public_url)
        self._kid = f"{self._did}#{self._key.thumbprint()[:16]}"

    @property
    def did(self) -> str:
        return self._did

    @property
    def kid(self) -> str:
        return self._kid

    def jwk(self) -> Mapping[str, str]:
        """The public key with ``kid`` and ``alg``."""
        public = {name: str(value) for name, value in self._key.as_dict(private=False).items()}
        return {**public, "kid": self._kid, "alg": ALGORITHM}

    def sign(self, claims: Mapping[str, Any], *, typ: str, headers: Mapping[str, Any] | None = None) -> str:
        """Compact JWS over JSON claims; our ``alg``, ``kid`` and ``typ`` win over ``headers``."""
        protected = {**(headers or {}), "alg": ALGORITHM, "kid": self._kid, "typ": typ}
        return jws.serialize_compact(protected, msgspec.json.encode(claims), self._key, registry=_ANY_HEADER)

    def verify(self, token: str, *, typ: str) -> Mapping[str, Any] | None:
        """Claims of a token of our own; None when it is not ours, changed, or of another type. Checks no instants."""
        return _claims(token, self._key, typ)


def verified(token: str, jwk: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Claims of a compact JWS of any type that the private half of this key (EC, P-256) signed; None if it did not."""
    try:
        key = ECKey.import_key(dict(jwk))
    except (JoseError, ValueError):
        return None
    return _claims(token, key, None)


def _claims(token: str, key: ECKey, typ: str | None) -> Mapping[str, Any] | None:
    if len(token) > LONGEST_SIGNED_TOKEN or not all(map(_strict, token.split("."))):
        return None
    try:
        found = jws.deserialize_compact(token, key, registry=_ANY_HEADER)
        header = found.headers()
        claims = msgspec.json.decode(found.payload)
    except (JoseError, ValueError, msgspec.MsgspecError):
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
