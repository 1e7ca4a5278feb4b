"""Evidence: receipts of consents, records of withdrawals, certificates of erasure. Signed (JWS), checkable offline.

A receipt has the mandatory fields of ISO/IEC TS 27560 in W3C DPV terms; the certificate says what was destroyed and
what stays, why and until when. Both name the household by the pseudonym of its receipts, nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, insert, select

from adapters.formats.words import whole_second
from adapters.plugin import Signer
from gateway.consent.notice import NOTICE_ID, NOTICES
from gateway.storage.port import Store
from gateway.storage.tables.door import evidence as table
from gateway.vault.port import Destroyed, Vault
from policies.grounds import Consent
from policies.holdings import HOLDINGS, Lasting
from policies.terms import SubjectId


@dataclass(frozen=True, slots=True)
class Controller:
    """Who runs this gateway, as receipts and certificates name it."""

    name: str
    contact: str


class Evidence:
    """Makes and keeps signed records. ``lasting``: how long what an erasure leaves stays."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        signer: Signer,
        controller: Controller,
        lasting: Lasting,
        ids: Callable[[], str],
    ) -> None:
        self._store, self._vault, self._signer, self._controller, self._ids = store, vault, signer, controller, ids
        self.lasting = lasting

    def pseudonym(self, subject: SubjectId) -> str:
        """How receipts and certificates name a household; the same on all of them."""
        return "urn:metergate:holder:" + self._vault.lookup("receipt", subject).hex()[:32]

    def receipt(self, consent: Consent, language: str) -> str:
        """The consent receipt; ``language``: of the notice that was shown with the request."""
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
                "id": NOTICE_ID,
                "language": language,
                "sha256": sha256(NOTICES[language].encode()).hexdigest(),
            },
        }
        return self._signer.sign(claims, typ="receipt+jwt")

    def withdrawal(self, consent: Consent, at: datetime) -> str:
        """That a consent was taken back, and when."""
        return self._signer.sign(self._claims(consent, at) | {"event": "withdrawn"}, typ="receipt+jwt")

    def expiry(self, consent: Consent) -> str:
        """That a consent ended by its time, and when."""
        return self._signer.sign(
            self._claims(consent, consent.scope.validity.end) | {"event": "expired"}, typ="receipt+jwt"
        )

    def erasure(self, subject: SubjectId, destroyed: Destroyed, at: datetime) -> str:
        """The certificate of Article 17."""
        gone: list[dict[str, Any]] = [
            {"what": f"keys of readings, class {detail.value}", "days": days}
            for detail, days in sorted(destroyed.days.items())
        ]
        gone.append({"what": "key of name, address and serial numbers", "count": 1})
        gone.append({"what": "sealed pieces that nobody can open any more", "count": destroyed.pieces})
        kept = [{"what": h.what, "ground": h.law, "until": str(self.lasting.until(h, at))} for h in HOLDINGS]
        claims: dict[str, Any] = {
            "iss": self._signer.did,
            "sub": self.pseudonym(subject),
            "iat": int(at.timestamp()),
            "controllers": [self._controller.name],
            "destroyed": gone,
            "retained": kept,
            "recovery_until": whole_second(destroyed.recovery_until) if destroyed.recovery_until else None,
        }
        return self._signer.sign(claims, typ="erasure+jwt")

    def put(self, connection: Connection, subject: SubjectId, kind: str, ground: str, at: datetime, token: str) -> None:
        """Inside somebody's transaction."""
        row = {"id": self._ids(), "subject_tag": self._tag(subject), "kind": kind, "ground": ground}
        connection.execute(insert(table).values({**row, "at": at.timestamp(), "token": token}))

    async def find(self, subject: SubjectId, kind: str, ground: str | None = None) -> bytes | None:
        """The newest record of a kind (``receipt``, ``withdrawal``, ``expiry``, ``erasure``); None without one."""
        query = select(table.c.token).where(table.c.subject_tag == self._tag(subject), table.c.kind == kind)
        if ground is not None:
            query = query.where(table.c.ground == ground)
        query = query.order_by(table.c.at.desc()).limit(1)
        row = await self._store.look(lambda connection: connection.execute(query).first())
        return None if row is None else str(row.token).encode()

    def _tag(self, subject: SubjectId) -> bytes:
        return self._vault.lookup("evidence", subject)

    def _claims(self, consent: Consent, at: datetime) -> dict[str, Any]:
        return {
            "iss": self._signer.did,
            "record_id": consent.id,
            "principal_id": self.pseudonym(consent.subject),
            "iat": int(at.timestamp()),
            "purposes": [consent.scope.purpose.value],
            "purpose_iris": [consent.scope.purpose.dpv],
            "recipients": [consent.scope.recipient],
            "controllers": [self._controller.name],
            "contact": self._controller.contact,
            "legal_basis": "GDPR Art. 6(1)(a)",
        }


def _duration(span: timedelta) -> str:
    """ISO 8601, whole seconds; days where they are whole."""
    seconds = int(span.total_seconds())
    return f"P{seconds // 86400}D" if seconds and seconds % 86400 == 0 else f"PT{seconds}S"
