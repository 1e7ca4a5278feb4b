"""What can allow a release: a consent, a legal task, a contract. GDPR Article 6(1)(a), (c)/(e), (b)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from policies.terms import Level, Period, Purpose, Recipient, SubjectId

_LEVELS = {Level.COHORT: 0, Level.PSEUDONYMOUS: 1, Level.INDIVIDUAL: 2}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a ground covers; the same for all three kinds.

    Attributes:
        recipient: the one organisation.
        purpose: the one purpose.
        quantities: which quantities; empty covers nothing.
        resolution: the finest interval allowed; zero allows each value as it came.
        level: the closest level allowed; farther levels are allowed too.
        values: [start, end) of the values that may be released.
        validity: [start, end) in which they may be released.
        keep: how long the recipient may keep them.
    """

    recipient: Recipient
    purpose: Purpose
    quantities: frozenset[str]
    resolution: timedelta
    level: Level
    values: Period
    validity: Period
    keep: timedelta

    def allows(self, level: Level) -> bool:
        """Whether a level is as close as this scope allows, or farther."""
        return _LEVELS[level] <= _LEVELS[self.level]


@dataclass(frozen=True, slots=True)
class Consent:
    """A household's yes to one recipient and one purpose. ISO/IEC TS 27560, GDPR Article 6(1)(a).

    ``withdrawn`` is the instant it was taken back; None while it stands.
    """

    id: str
    subject: SubjectId
    scope: Scope
    given: datetime
    withdrawn: datetime | None = None

    def withdraw(self, at: datetime) -> "Consent":
        """The same consent, taken back. A second withdrawal changes nothing."""
        return self if self.withdrawn else replace(self, withdrawn=at)


@dataclass(frozen=True, slots=True)
class LegalTask:
    """A release by law: not withdrawable.

    ``objectable``: it is a task in the public interest, GDPR Article 6(1)(e), so that Article 21 gives a right to
    object; a duty that the law lays down, 6(1)(c), has none.
    """

    id: str
    subject: SubjectId
    scope: Scope
    law: str
    article: str
    objectable: bool = False
    objected: datetime | None = None

    @property
    def basis(self) -> "LegalBasis":
        """The one fact that is kept, as an article."""
        return LegalBasis.PUBLIC_TASK if self.objectable else LegalBasis.OBLIGATION


@dataclass(frozen=True, slots=True)
class Contract:
    """A VEN enrolled in a programme, or an organisation's own data. GDPR Article 6(1)(b)."""

    id: str
    subject: SubjectId
    scope: Scope
    ended: datetime | None = None


Ground = Consent | LegalTask | Contract


class LegalBasis(StrEnum):
    """The letter of GDPR Article 6(1) by which a ground allows a release."""

    CONSENT = "6(1)(a)"
    CONTRACT = "6(1)(b)"
    OBLIGATION = "6(1)(c)"
    PUBLIC_TASK = "6(1)(e)"


def basis_of(ground: Ground) -> LegalBasis:
    """By which letter."""
    match ground:
        case Consent():
            return LegalBasis.CONSENT
        case Contract():
            return LegalBasis.CONTRACT
        case LegalTask():
            return ground.basis
