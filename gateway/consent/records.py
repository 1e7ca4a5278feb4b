"""What the consent desk works with: requests, entries and notices as values and rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, update

from adapters.formats.words import whole_second
from adapters.plugin import Notice, PermissionRequest
from gateway.consent.endings import Begun
from gateway.consent.notice import PrivacyNotice
from gateway.errors import ConsentError
from gateway.grounds import kind_of, over
from gateway.storage.tables.door import permission_request as requests
from policies.decide import ends
from policies.grounds import Consent, Contract, Ground, LegalTask, Scope
from policies.ledger import LedgerEntry
from policies.reminders import ends_soon
from policies.terms import DetailClass, Period, SubjectId


@dataclass(frozen=True, slots=True)
class Asked:
    """A permission request as it waits before a household."""

    id: str
    subject: SubjectId
    request: PermissionRequest
    asked: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """Grounds of a household that end together, each as it is afterwards.

    Attributes:
        begun: the household's own end that begins with them.
        own: it is erased, so its own access ends too.
        by_time: nobody ended them: ``at`` is the end of their validity.
    """

    household: SubjectId
    grounds: Sequence[Ground]
    at: datetime
    begun: Begun | None = None
    own: bool = False
    by_time: bool = False

    @property
    def kind(self) -> str:
        return "erased" if self.own else "ended" if self.by_time else "withdrawn"

    @property
    def names(self) -> Sequence[str]:
        """Whose epochs flip, and whose lines are reset."""
        return [ground.id for ground in self.grounds] + ([f"own:{self.household}"] if self.own else [])

    @property
    def consents(self) -> Sequence[Consent]:
        return [ground for ground in self.grounds if isinstance(ground, Consent)]

    def entries(self) -> Sequence[LedgerEntry]:
        """For the ledger."""
        entries = [entry_of(self.kind, ground, self.at) for ground in self.grounds]
        return [*entries, erased(self.household, self.at)] if self.own else entries


ANY_CLASS = DetailClass.LIVE
ENDING = "household.ending"


def asked_of(row: Any) -> Asked:
    request = msgspec.json.decode(row.body, type=PermissionRequest)
    return Asked(row.id, SubjectId(row.subject), request, datetime.fromtimestamp(row.asked, UTC))


def mark(connection: Connection, request: str, at: datetime, ground: str) -> None:
    connection.execute(update(requests).where(requests.c.id == request).values(answered=at.timestamp(), ground=ground))


def agreed_to(
    request: PermissionRequest, quantities: frozenset[str], now: datetime, notice: PrivacyNotice, read: str | None
) -> Scope:
    """What a yes covers. Raises ``ConsentError`` for one to nothing, and for one after another notice was read."""
    if not quantities or not quantities <= request.quantities:
        raise ConsentError("nothing-chosen", "quantities", "at least one of those that are asked for")
    if read not in (None, notice.sha256):
        raise ConsentError("notice-changed", "notice", "the hash of what the household is told now")
    return Scope(
        recipient=request.recipient,
        purpose=request.purpose,
        quantities=quantities,
        resolution=request.resolution,
        level=request.level,
        values=request.values,
        validity=Period(now, request.until),
        keep=request.keep,
    )


def in_force(ground: Ground) -> bool:
    match ground:
        case Consent():
            return ground.withdrawn is None
        case Contract():
            return ground.ended is None
        case LegalTask():
            return False  # what a statute demands outlives an erasure; the certificate names it


def ended_at(ground: Ground, now: datetime) -> Ground:
    match ground:
        case Consent():
            return ground.withdraw(now)
        case Contract():
            return replace(ground, ended=now)
        case LegalTask():
            return ground


def standing(ground: Ground, now: datetime, erased: datetime | None) -> dict[str, Any]:
    """Whether something may leave by it, whether it ends soon by its time, and how it ended; None: it has not.

    ``erased``: when its household was.
    """
    scope, at = ground.scope, ends(ground)
    how = "erased" if at == erased else "time"
    if over(ground):
        how = {Consent: "withdrawn", Contract: "ended", LegalTask: "objected"}[type(ground)]
    return {
        "active": scope.validity.start <= now < at,
        "ends_soon": now < at and ends_soon(scope.validity, now),
        "end": how if at <= now else None,
    }


def over_at(ground: Ground, at: datetime) -> Ground:
    """As ``ended_at``, and a legal task was objected to."""
    return replace(ground, objected=at) if isinstance(ground, LegalTask) else ended_at(ground, at)


def ended_by_erasure(ground: Ground, at: datetime) -> Ground:
    """As people are shown it: of a legal task the record stays as it was, but nothing leaves by it any more."""
    if not isinstance(ground, LegalTask) or ground.scope.validity.end <= at:
        return ground
    return replace(ground, scope=replace(ground.scope, validity=Period(ground.scope.validity.start, at)))


def entry_of(kind: str, ground: Ground, at: datetime) -> LedgerEntry:
    scope = ground.scope
    return LedgerEntry(
        kind=kind,
        at=at,
        recipient=scope.recipient,
        purpose=scope.purpose.value,
        ground=ground.id,
        ground_kind=kind_of(ground),
        quantities=tuple(sorted(scope.quantities)),
        resolution=scope.resolution.total_seconds(),
        level=scope.level.value,
        start=scope.validity.start,
        end=scope.validity.end,
    )


def erased(household: SubjectId, at: datetime) -> LedgerEntry:
    return LedgerEntry("erased", at, "", "", f"own:{household}", "", (), 0.0, "", at, at)


def answer_notice(asked: Asked, ground: str) -> Notice:
    """``ground``: what the yes made; empty is a no."""
    payload = {
        "request": asked.id,
        "reference": asked.request.reference,
        "recipient": asked.request.recipient,
        "ground": ground,
    }
    return Notice("permission.answered", payload, key=f"request:{asked.id}")


def ended_notice(ground: Ground, *, by_time: bool = False) -> Notice:
    return Notice("ground.ended", {**_named(ground), "by_time": by_time}, key=f"ground:{ground.id}")


def ending_soon_notice(ground: Ground, before: timedelta) -> Notice:
    """A reminder, ``before`` its end."""
    words = {"end": whole_second(ground.scope.validity.end), "days": before.days}
    return Notice("ground.ending", {**_named(ground), **words}, key=f"ground:{ground.id}")


def _named(ground: Ground) -> dict[str, str]:
    scope = ground.scope
    return {
        "ground": ground.id,
        "subject": ground.subject,
        "recipient": scope.recipient,
        "purpose": scope.purpose.value,
    }


def ending_notice(household: SubjectId) -> Notice:
    """To ``gateway.household_end`` itself: what was begun and failed while the process lived on is tried again."""
    return Notice(ENDING, {"subject": household}, key=f"ending:{household}")
