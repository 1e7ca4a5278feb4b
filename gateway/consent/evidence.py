"""Evidence: receipts of consents, records of withdrawals, certificates of erasure. Signed (JWS), checkable offline.

A receipt has fields of ISO/IEC TS 27560, and its purposes W3C DPV terms too: ``docs/mapping.md`` says which. The
certificate says what was destroyed and what stays, why and until when. Both name the household by the pseudonym of its
receipts, nothing else. With a receipt lies the privacy notice that it names.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from adapters.formats.words import whole_second
from adapters.plugin import Organisation, Signer
from gateway.consent.notice import PrivacyNotice, former
from gateway.consent.remains import Remaining
from gateway.door.checkpoints import Checkpoints
from gateway.settings.tables import ControllerSettings
from gateway.storage.port import Store
from gateway.storage.tables.door import evidence as table
from gateway.vault.port import Destroyed, Vault
from policies.grounds import Consent, basis_of
from policies.holdings import Lasting
from policies.terms import Recipient, SubjectId

RECORD_FORM = "metergate-consent-record-1"
"""By which form receipts and records of an end are written; another one when a claim changes its meaning."""
KEYS_DESTROYED = "keys of readings, class "
IDENTITY_DESTROYED = "key of name, address and serial numbers"
PIECES_DESTROYED = "sealed pieces whose keys are destroyed"
_TYPES = {"receipt": "receipt+jwt", "withdrawal": "receipt+jwt", "expiry": "receipt+jwt", "erasure": "erasure+jwt"}
"""Of a JWS, by the kind of record."""
_EVENTS = {"receipt": "given", "withdrawal": "withdrawn", "expiry": "expired"}
MOST_OF_ONE = 16
"""Records of one kind and ground that are looked at; there is one, unless somebody else wrote others."""


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """One of them as it is kept. ``claims``: None when it is not signed by any key that this gateway ever had."""

    token: str
    claims: Mapping[str, Any] | None


class Evidence:
    """Makes and keeps signed records.

    ``lasting``: how long what an erasure leaves stays. ``named``: what a recipient is called at the moment.
    """

    def __init__(
        self,
        store: Store,
        vault: Vault,
        signer: Signer,
        controller: ControllerSettings,
        lasting: Lasting,
        ids: Callable[[], str],
        checkpoints: Checkpoints,
        named: Callable[[Recipient], Organisation | None],
    ) -> None:
        self._store, self._vault, self._signer, self._controller, self._ids = store, vault, signer, controller, ids
        self.lasting, self._checkpoints, self._named = lasting, checkpoints, named

    def pseudonym(self, subject: SubjectId) -> str:
        """How receipts and certificates name a household; the same on all of them."""
        return "urn:metergate:holder:" + self._vault.lookup("receipt", subject).hex()[:32]

    def receipt(self, consent: Consent, notice: PrivacyNotice) -> str:
        """The consent receipt; ``notice``: what was read before."""
        scope = consent.scope
        claims = self._claims(consent, consent.given) | {
            "event": "given",
            "processing": {
                "quantities": sorted(scope.quantities),
                "resolution": _duration(scope.resolution),
                "level": scope.level.value,
                "values_from": whole_second(scope.values.start),
                "values_to": whole_second(scope.values.end),
            },
            "validity": {"from": whole_second(scope.validity.start), "until": whole_second(scope.validity.end)},
            "retention": _duration(scope.keep),
            "withdrawal": "page Consents of this gateway, one press, at any time",
            "notice": {
                "id": notice.version,
                "language": notice.language,
                "sha256": notice.sha256,
                "path": f"/consents/{consent.id}/notice",
            },
        }
        return self._signer.sign(claims | self._head(), typ=_TYPES["receipt"])

    def _head(self) -> dict[str, str]:
        """The ledger's last signed head: who holds the receipt can have it proved that later ones begin with it."""
        newest = self._checkpoints.newest
        return {} if newest is None else {"ledger_checkpoint": newest.token}

    def withdrawal(self, consent: Consent, at: datetime) -> str:
        """That a consent was taken back, and when."""
        claims = self._claims(consent, at) | {"event": "withdrawn"} | self._head()
        return self._signer.sign(claims, typ=_TYPES["withdrawal"])

    def expiry(self, consent: Consent) -> str:
        """That a consent ended by its time, and when."""
        claims = self._claims(consent, consent.scope.validity.end) | {"event": "expired"} | self._head()
        return self._signer.sign(claims, typ=_TYPES["expiry"])

    def erasure(
        self,
        subject: SubjectId,
        destroyed: Destroyed,
        stays: Sequence[Remaining],
        at: datetime,
        *,
        again: datetime | None = None,
    ) -> str:
        """The certificate of Article 17. ``again``: when a restore did it once more."""
        gone: list[dict[str, Any]] = [
            {"what": f"{KEYS_DESTROYED}{detail.value}", "days": days} for detail, days in sorted(destroyed.days.items())
        ]
        gone.append({"what": IDENTITY_DESTROYED, "count": 1})
        gone.append({"what": PIECES_DESTROYED, "count": destroyed.pieces})
        kept = [{"what": h.what, "ground": h.law, "until": str(until)} for h, until in stays]
        claims: dict[str, Any] = {
            "iss": self._signer.did,
            "sub": self.pseudonym(subject),
            "iat": int(at.timestamp()),
            "controllers": [self._controller.name],
            "contact": self._controller.contact,
            "destroyed": gone,
            "retained": kept,
            "recovery_until": whole_second(destroyed.recovery_until) if destroyed.recovery_until else None,
        }
        if again is not None:
            claims["again_after_restore"] = whole_second(again)
        return self._signer.sign(claims, typ=_TYPES["erasure"])

    def put(self, connection: Connection, subject: SubjectId, kind: str, ground: str, at: datetime, token: str) -> None:
        """Inside somebody's transaction."""
        row = {"id": self._ids(), "subject_tag": self._tag(subject), "kind": kind, "ground": ground}
        connection.execute(insert(table).values({**row, "at": at.timestamp(), "token": token}))

    def put_receipt(self, connection: Connection, consent: Consent, token: str, notice: PrivacyNotice) -> None:
        """The same, with the text that it names. Both go together when their time is over."""
        self.put(connection, consent.subject, "receipt", consent.id, consent.given, token)
        self.put(connection, consent.subject, "notice", consent.id, consent.given, notice.text)

    async def find(self, subject: SubjectId, kind: str, ground: str | None = None) -> bytes | None:
        """The newest of a kind (``receipt``, ``withdrawal``, ``expiry``, ``erasure``) that this gateway made for this
        household and ground; None without one.
        """
        found = await self.record(subject, kind, ground)
        return None if found is None or found.claims is None else found.token.encode()

    async def record(self, subject: SubjectId, kind: str, ground: str | None = None) -> SignedRecord | None:
        """The same for whoever reads it; one that cannot be believed only where there is no other."""
        rows = await self._kept(subject, kind, ground)
        found = [SignedRecord(str(row.token), self._believed(subject, kind, row)) for row in rows]
        return next((each for each in found if each.claims is not None), found[0] if found else None)

    async def _kept(self, subject: SubjectId, kind: str, ground: str | None) -> Sequence[Any]:
        """As it lies in the store, the newest first."""
        query = select(table).where(table.c.subject_tag == self._tag(subject), table.c.kind == kind)
        if ground is not None:
            query = query.where(table.c.ground == ground)
        query = query.order_by(table.c.at.desc()).limit(MOST_OF_ONE)
        return await self._store.look(lambda connection: connection.execute(query).fetchall())

    def _believed(self, subject: SubjectId, kind: str, row: Any) -> Mapping[str, Any] | None:
        """The claims, if they are signed and about what the row says: another's record is none here."""
        claims = self._signer.verify(row.token, typ=_TYPES[kind], former=True)
        if claims is None:
            return None
        holder = self.pseudonym(subject)
        if kind == "erasure":
            return claims if claims.get("sub") == holder else None
        said = (claims.get("event"), claims.get("record_id"), claims.get("principal_id"))
        return claims if said == (_EVENTS[kind], row.ground, holder) else None

    async def notice(self, subject: SubjectId, ground: str) -> PrivacyNotice | None:
        """The text whose hash the receipt of a consent names; None when there is none, or what is kept is another."""
        receipt = await self.record(subject, "receipt", ground)
        if receipt is None or receipt.claims is None:
            return None
        named = receipt.claims["notice"]
        version, language = str(named.get("id")), str(named.get("language"))
        kept = [PrivacyNotice(version, language, row.token) for row in await self._kept(subject, "notice", ground)]
        known: Sequence[PrivacyNotice | None] = kept or [former(version, language)]
        return next((each for each in known if each is not None and each.sha256 == named.get("sha256")), None)

    def _tag(self, subject: SubjectId) -> bytes:
        return self._vault.lookup("evidence", subject)

    def _claims(self, consent: Consent, at: datetime) -> dict[str, Any]:
        who = self._named(consent.scope.recipient)  # of today: an organisation may be called otherwise later
        return {
            "iss": self._signer.did,
            "schema_version": RECORD_FORM,
            "record_id": consent.id,
            "principal_id": self.pseudonym(consent.subject),
            "iat": int(at.timestamp()),
            "purposes": [consent.scope.purpose.value],
            "purpose_iris": [consent.scope.purpose.dpv],
            "recipients": [consent.scope.recipient],
            "recipient_names": [consent.scope.recipient if who is None else who.name],
            "controllers": [self._controller.name],
            "contact": self._controller.contact,
            "legal_basis": f"GDPR Art. {basis_of(consent)}",
        }


def _duration(span: timedelta) -> str:
    """ISO 8601, whole seconds; days where they are whole."""
    seconds = int(span.total_seconds())
    return f"P{seconds // 86400}D" if seconds and seconds % 86400 == 0 else f"PT{seconds}S"


def span_of(duration: str) -> timedelta:
    """What ``_duration`` made. Raises ``ValueError``."""
    found = re.fullmatch(r"P(?:(\d+)D|T(\d+)S)", duration)
    if found is None:
        raise ValueError(f"{duration!r} is no duration of a receipt")
    return timedelta(days=int(found[1] or 0), seconds=int(found[2] or 0))
