"""Who calls: participants by their did:web key or by a fixed token, and how we show who we are."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from adapters.bodies import decoded
from adapters.gaiax.dsp import store
from adapters.gaiax.settings import Participant
from adapters.plugin import Caller, OutboundError, Services
from policies.roles import Role
from policies.terms import Recipient

DATA_TOKEN = "mgd-"  # noqa: S105 - a prefix, no secret
"""How tokens of the data plane begin. They stand for one transfer, never for a participant."""
LONGEST_HEADER = 8192
TRUST_TRIED_EACH = 1.0
"""Seconds between two tries to record who was taken off the list."""
_SETTING = "adapters.gaiax.participants.organisation"
LONGEST_LIFE = timedelta(minutes=15)
LEEWAY = timedelta(seconds=30)
OUR_LIFE = timedelta(seconds=60)
_ANY_HEADER = jws.JWSRegistry(algorithms=["ES256", "Ed25519", "EdDSA"], strict_check_header=False)
"""Header members that we do not know are passed over (RFC 7515, section 4), but for those that ``crit`` names."""
_UNREADABLE = (JoseError, ValueError, KeyError, TypeError, OverflowError, RecursionError)
"""What a token or a document raises that is none; the last is for one that is nested too deep."""


class Participants:
    """The trust list: the settings' entries, and the registry's organisations that have a DID."""

    def __init__(self, services: Services, entries: Sequence[Participant]) -> None:
        self._services = services
        self._by_did = {entry.did: entry for entry in entries}
        self._by_token = {entry.token_sha256: entry for entry in entries if entry.token_sha256}
        self._off: set[str] = set()
        self._owed: set[str] = set()

    async def load(self) -> None:
        """Call before ports open."""
        self._off = await self._services.look(store.all_distrusted)

    def trusted(self, did: str) -> bool:
        """Whether nobody took it off the list; that it ever was on it, ``recipient`` tells. Looks at memory."""
        return did not in self._off

    def listed(self) -> list[tuple[str, str, bool]]:
        """The settings' entries, then what was taken off beside them: DID, organisation ("" is looked up), trusted."""
        named = [(did, entry.organisation, self.trusted(did)) for did, entry in sorted(self._by_did.items())]
        return named + [(did, "", False) for did in sorted(self._off - self._by_did.keys())]

    async def distrust(self, did: str) -> bool:
        """Take one off the list: refused from this moment on, and what is on its way to it is called back. Durable on
        return. False when it was on no list.
        """
        behind = await self._behind(did)
        if behind is None:
            return False
        self._off.add(did)
        self._owed.add(did)
        try:
            await self._write_off(did)
        finally:
            await self._services.recall(behind)
        return True

    async def _write_off(self, did: str) -> None:
        await self._services.write_end(lambda c: store.distrust(c, did), lambda _: {store.distrusted: [did]})
        self._owed.discard(did)

    async def run(self) -> None:
        """Supervised: what is in force and could not be recorded is tried again."""
        while True:
            await asyncio.sleep(TRUST_TRIED_EACH)
            for did in tuple(self._owed):
                await self._write_off(did)

    def recorded(self, did: str) -> bool:
        """Whether it was not taken off the list, or a restart knows it too."""
        return did not in self._owed

    async def trust(self, did: str) -> bool:
        """Put one back. False when it was not taken off."""
        if did not in self._off:
            return False
        await self._services.write(lambda connection: store.trust(connection, did))
        self._off.discard(did)
        self._owed.discard(did)
        return True

    async def authenticate(self, header: str) -> Caller | None:
        """The caller of an ``Authorization`` header; None for whatever is unknown, expired, replayed or malformed."""
        if not header or len(header) > LONGEST_HEADER:
            return None
        token = header[7:].strip() if header[:7].lower() == "bearer " else header
        if token.startswith(DATA_TOKEN):
            return Caller(Role.ANYONE)
        if (entry := self._fixed(token)) is not None:
            return await self._caller(entry.did)
        if token.count(".") == 2:
            return await self._by_signature(token)
        return None

    def _fixed(self, token: str) -> Participant | None:
        digest = hashlib.sha256(token.encode()).hexdigest()
        known = next((k for k in self._by_token if hmac.compare_digest(k, digest)), "")
        return self._by_token.get(known)

    async def _caller(self, did: str) -> Caller | None:
        recipient = await self.recipient(did)
        if recipient is None:
            return None
        return Caller(Role.PARTICIPANT, id=recipient, recipient=recipient, client=did)

    async def recipient(self, did: str) -> Recipient | None:
        """The organisation behind a DID; None when nobody trusts it."""
        return await self._behind(did) if self.trusted(did) else None

    async def _behind(self, did: str) -> Recipient | None:
        entry = self._by_did.get(did)
        if entry is not None and entry.organisation:
            return Recipient(entry.organisation)
        organisation = await self._services.directory.participant(did)
        if organisation is None and entry is not None:
            self._services.log.warning("dsp.no_organisation", partner=did, setting=_SETTING)
        return organisation.id if organisation else None

    def untrusted(self, did: str) -> str:
        """Why ``recipient`` knows none: the field of ours and the rule."""
        if not self.trusted(did):
            return "partner: it was taken off the trust list"
        if did not in self._by_did:
            return "partner: not on the trust list"
        return f"partner: its entry has no {_SETTING}, and no organisation of the registry has this DID"

    async def _by_signature(self, token: str) -> Caller | None:
        """RFC 7515 and 7519: issuer and subject are the participant, the audience is us, each token works once."""
        try:
            did, kid = read_token(token)
            if (caller := await self._caller(did)) is None:
                return None
            key = await self._key(did, kid)
            if key is None:
                return None
            verified = jws.deserialize_compact(token.encode(), _imported(key), registry=_ANY_HEADER)
            claims = decoded(verified.payload)
            until = self._valid_until(claims, did)
        except _UNREADABLE:
            return None
        if until is None:
            return None
        now = self._services.clock()
        jti = str(claims["jti"])[:128]
        fresh = await self._services.write(lambda c: store.first_use(c, did, jti, until + LEEWAY, now))
        return caller if fresh else None

    def _valid_until(self, claims: Mapping[str, Any], did: str) -> datetime | None:
        now = self._services.clock()
        audience = claims.get("aud")
        issued = datetime.fromtimestamp(float(claims["iat"]), UTC)
        until = datetime.fromtimestamp(float(claims["exp"]), UTC)
        begins = datetime.fromtimestamp(float(claims.get("nbf", claims["iat"])), UTC)
        holds = (
            claims.get("sub") == did
            and self._services.signer.did in (audience if isinstance(audience, list) else [audience])
            and isinstance(claims.get("jti"), str)
            and claims["jti"] != ""
            and max(issued, begins) <= now + LEEWAY
            and now - LEEWAY < until <= issued + LONGEST_LIFE
        )
        return until if holds else None

    async def _key(self, did: str, kid: str) -> Mapping[str, Any] | None:
        """From the settings; else from did.json as it was when it was first fetched."""
        entry = self._by_did.get(did)
        if entry is not None and entry.jwk is not None:
            return entry.jwk
        keys = await self._services.look(lambda connection: store.pinned_keys(connection, did))
        if keys is None:
            keys = await self._fetched(did)
            if not keys:
                return None
            await self._services.write(lambda c: store.pin_keys(c, did, keys))
        named: Mapping[str, Any] | None = keys.get(kid) or keys.get(did + kid)
        return named

    async def _fetched(self, did: str) -> Mapping[str, Any]:
        url = document_url(did)
        if not url:
            return {}
        try:
            reply = await self._services.http.request("GET", url, limit=1 << 16)
        except OutboundError:
            self._services.log.warning("dsp.did_unreachable", partner=did)
            return {}
        return read_document(reply.body, did) if reply.status == 200 else {}

    def header(self, did: str) -> str:
        """What we put into ``Authorization`` for a partner."""
        ours = self._services.signer.did
        entry = self._by_did.get(did)
        if entry is not None and entry.outgoing == "edc-mock":
            return json.dumps({"clientId": ours, "region": "eu", "audience": did})
        now = self._services.clock()
        claims = {
            "iss": ours,
            "sub": ours,
            "aud": did,
            "iat": int(now.timestamp()),
            "exp": int((now + OUR_LIFE).timestamp()),
            "jti": self._services.ids(),
        }
        return "Bearer " + self._services.signer.sign(claims, typ="JWT")


def read_token(token: str) -> tuple[str, str]:
    """Issuer and key id of a compact JWS, as it says; nothing is verified. Raises one of ``_UNREADABLE``."""
    signed = jws.extract_compact(token.encode(), registry=_ANY_HEADER)
    issuer = decoded(signed.payload)["iss"]
    if not isinstance(issuer, str):
        raise TypeError("iss: a text")
    return issuer, str(signed.protected.get("kid", ""))


def _imported(key: Mapping[str, Any]) -> ECKey | OKPKey:
    """A public key; only the two kinds whose algorithms we take."""
    public = {name: str(value) for name, value in key.items() if name in ("kty", "crv", "x", "y", "kid")}
    return OKPKey.import_key(public) if public.get("kty") == "OKP" else ECKey.import_key(public)  # type: ignore[arg-type]


def document_url(did: str) -> str:
    """Where the document of a did:web lies (did:web method specification, section 3.2); "" for another method."""
    method, _, rest = did.partition("did:web:")
    if method or not rest:
        return ""
    host, *path = [unquote(part) for part in rest.split(":")]
    if not host or "/" in host or "@" in host or any("/" in p or p in ("", ".", "..") for p in path):
        return ""
    return f"https://{host}/{'/'.join(path)}/did.json" if path else f"https://{host}/.well-known/did.json"


def read_document(body: bytes, did: str) -> Mapping[str, Any]:
    """The keys of a DID document as it came; none of what is no such document."""
    try:
        return authentication_keys(decoded(body), did)
    except _UNREADABLE:
        return {}


def authentication_keys(document: Any, did: str) -> Mapping[str, Any]:
    """Public keys by id that a DID document lists for authentication (DID Core 1.0, section 5.3.1)."""
    if not isinstance(document, Mapping) or document.get("id") != did:
        return {}
    methods = document.get("verificationMethod") or []
    named = {m["id"]: m for m in methods if isinstance(m, Mapping) and isinstance(m.get("id"), str)}
    found = {}
    for entry in (document.get("authentication") or [])[:16]:
        method = named.get(entry) if isinstance(entry, str) else entry
        if isinstance(method, Mapping) and isinstance(method.get("publicKeyJwk"), Mapping):
            found[str(method.get("id"))] = dict(method["publicKeyJwk"])
    return found
