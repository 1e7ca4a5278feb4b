"""Evidence: receipts of consents, records of withdrawals, certificates of erasure. Signed (JWS), checkable offline.

A receipt has the mandatory fields of ISO/IEC TS 27560 in W3C DPV terms; the certificate says what was destroyed and
what stays, why and until when. Both name the household by the pseudonym of its receipts, nothing else.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, insert, select

from adapters.formats.words import whole_second
from adapters.plugin import Signer
from gateway.consent.notice import NOTICE_ID, NOTICES
from gateway.storage.port import Store
from gateway.storage.tables.door import evidence as table
from gateway.vault.port import Destroyed, Vault
from meter_driver.instants import in_utc
from policies.decide import ends
from policies.grounds import Consent, Ground, LegalTask
from policies.retention import KEPT_EVIDENCE
from policies.terms import SubjectId

POINTS_LEFT = (
    "of each metering point a keyed hash and the day it was left: so that no earlier reading is taken for the next "
    "household's, and no list takes this one in again"
)


@dataclass(frozen=True, slots=True)
class Controller:
    """Who runs this gateway, as receipts and certificates name it."""

    name: str
    contact: str


@dataclass(frozen=True, slots=True)
class Staying:
    """Something that an erasure leaves. ``key``: what it is; ``ground``: by which law; ``until``: a day."""

    key: str
    ground: str
    until: date


STAYING_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "receipts": "receipts and withdrawals",
        "records": "records of grounds and requests, and of the tenancy its place, begin and end: under a random id",
        "ledger": "disclosure ledger, sealed",
        "points": POINTS_LEFT,
        "legal": "readings, class legal",
    }
)
"""As the certificate says it."""


def staying(grounds: Iterable[Ground], at: datetime) -> list[Staying]:
    """What an erasure at an instant leaves. ``grounds``: of the household; a statute keeps its readings.

    Legal tasks of one law and article are one, until the last of their ends.
    """
    until = in_utc(at + KEPT_EVIDENCE).date()
    tasks = [ground for ground in grounds if isinstance(ground, LegalTask) and at < ends(ground)]
    laws = {f"{task.law} {task.article}": in_utc(ends(task)).date() for task in sorted(tasks, key=ends)}
    return [
        Staying("receipts", "GDPR Art. 7(1) and 17(3)(e)", until),
        Staying("records", "GDPR Art. 5(2) and 17(3)(e)", until),
        Staying("ledger", "GDPR Art. 5(2) and 17(3)(e)", until),
        Staying("points", "GDPR Art. 5(1)(d) and 6(1)(f)", until),
        *(Staying("legal", law, end) for law, end in laws.items()),
    ]


class Evidence:
    """Makes and keeps signed records."""

    def __init__(
        self, store: Store, vault: Vault, signer: Signer, controller: Controller, ids: Callable[[], str]
    ) -> None:
        self._store, self._vault, self._signer, self._controller, self._ids = store, vault, signer, controller, ids

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

    def erasure(self, subject: SubjectId, destroyed: Destroyed, grounds: Iterable[Ground], at: datetime) -> str:
        """The certificate of Article 17. ``grounds``: of the household."""
        gone: list[dict[str, Any]] = [
            {"what": f"keys of readings, class {detail.value}", "days": days}
            for detail, days in sorted(destroyed.days.items())
        ]
        gone.append({"what": "key of name, address and serial numbers", "count": 1})
        gone.append({"what": "sealed pieces that nobody can open any more", "count": destroyed.pieces})
        kept = [
            {"what": STAYING_WORDS[each.key], "ground": each.ground, "until": str(each.until)}
            for each in staying(grounds, at)
        ]
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
        """The newest record of a kind (``receipt``, ``withdrawal``, ``erasure``); None without one."""
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
