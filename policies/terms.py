"""The words that requests, grounds and grants are made of, each with its place in the standards."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NewType

from msgspec import Struct

SubjectId = NewType("SubjectId", str)
"""A household (or site): the random id of a tenancy, 32 hex digits. Never shown to a recipient."""

Recipient = NewType("Recipient", str)
"""An organisation that may be given data: its id in the registry."""

DPV = "https://w3id.org/dpv#"


class Purpose(StrEnum):
    """Why data is asked for. The codes are ours, stable; ``dpv`` names the nearest W3C DPV term."""

    ENERGY_ADVICE = "energy-advice"
    FORECAST = "forecast"
    DEMAND_RESPONSE = "demand-response"
    RESEARCH = "research"
    BILLING = "billing"
    GRID_OPERATION = "grid-operation"
    NEIGHBOURHOOD = "neighbourhood-figures"

    @property
    def dpv(self) -> str:
        """IRI of the W3C Data Privacy Vocabulary term."""
        return DPV + _DPV[self]


_DPV = {
    Purpose.ENERGY_ADVICE: "ProvidePersonalisedRecommendations",
    Purpose.FORECAST: "ServiceProvision",
    Purpose.DEMAND_RESPONSE: "ServiceProvision",
    Purpose.RESEARCH: "ResearchAndDevelopment",
    Purpose.BILLING: "PaymentManagement",
    Purpose.GRID_OPERATION: "ServiceOptimisation",
    Purpose.NEIGHBOURHOOD: "ServiceOptimisation",
}


class Level(StrEnum):
    """How close to the household the answer is."""

    INDIVIDUAL = "individual"
    PSEUDONYMOUS = "pseudonymous"
    """One row per household under a pairwise pseudonym, finest 15 minutes; still personal data."""
    COHORT = "cohort"
    """Sums over groups that the server draws."""


class DetailClass(StrEnum):
    """Retention follows detail, not purpose."""

    LIVE = "live"
    """As received."""
    QUARTER = "quarter"
    """A quarter of an hour."""
    DAY = "day"
    """Registers and sums of a day."""
    LEGAL = "legal"
    """What a named statute demands."""
    IDENTITY = "identity"
    """Names, addresses, serial numbers. Not ratcheted by days."""
    LEDGER = "ledger"
    """A household's own entries in the disclosure ledger. Not ratcheted by days."""


SERIES_CLASSES = (DetailClass.LIVE, DetailClass.QUARTER, DetailClass.DAY, DetailClass.LEGAL)
"""The classes whose keys move on day by day."""


class _Everything(frozenset[str]):
    def __contains__(self, _: object) -> bool:
        return True


EVERYTHING: frozenset[str] = _Everything()
"""All quantities of a household, for whoever needs no list of them: the household itself, and the house's own work."""

AS_RECEIVED, QUARTER_HOUR = timedelta(0), timedelta(minutes=15)
ONE_DAY = timedelta(days=1)
"""A local day, 23 to 25 hours."""
ONE_MONTH = timedelta(days=31)
"""A local month; the longest stands for each, and is a whole multiple of all that is agreed."""


def class_of(resolution: timedelta) -> DetailClass:
    """The coarsest class that serves a resolution. ``AS_RECEIVED`` and what quarters do not make up need ``LIVE``."""
    if resolution >= ONE_DAY:
        return DetailClass.DAY
    return DetailClass.LIVE if not resolution or resolution % QUARTER_HOUR else DetailClass.QUARTER


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open [start, end), both UTC and aware. ``start >= end`` is empty and covers nothing."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.utcoffset() is None or self.end.utcoffset() is None:
            raise ValueError("a period needs aware instants")

    @property
    def empty(self) -> bool:
        return self.start >= self.end

    def covers(self, other: "Period") -> bool:
        """Whether a non-empty other period lies inside."""
        return not other.empty and self.start <= other.start and other.end <= self.end

    def contains(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def intersect(self, other: "Period") -> "Period":
        """The common part; may be empty."""
        return Period(max(self.start, other.start), min(self.end, other.end))


FAR_FUTURE = datetime(9999, 1, 1, tzinfo=UTC)
"""An end that is open."""


@dataclass(frozen=True, slots=True)
class Household:
    """One household or site."""

    id: SubjectId


@dataclass(frozen=True, slots=True)
class Pseudonym:
    """One household, by the pairwise pseudonym under which the asking recipient knows it."""

    name: str


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Every household that allows it at this moment; the answer names them by pairwise pseudonyms."""


@dataclass(frozen=True, slots=True)
class Zone:
    """The cohorts of a zone or community; the answer holds no household."""

    name: str


Subject = Household | Pseudonym | Portfolio | Zone


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """One question to the door.

    Attributes:
        recipient: who asks; authenticated by the caller.
        purpose: why.
        subject: about whom.
        quantities: OBIS codes (or EN 13757-3 quantities); empty asks for nothing.
        resolution: interval length, ``AS_RECEIVED`` for each value as it came.
        level: how close.
        period: [start, end) of the values asked for, UTC.
        reference: agreement, event or report for which it is asked; goes into the ledger. May be empty.
    """

    recipient: Recipient
    purpose: Purpose
    subject: Subject
    quantities: frozenset[str]
    resolution: timedelta
    level: Level
    period: Period
    reference: str = ""


class Reason(StrEnum):
    """Why the door stays shut. Stable words: they appear in problem+json, in the ledger and on pages."""

    NOTHING_ASKED = "nothing-asked"
    UNKNOWN_SUBJECT = "unknown-subject"
    NO_CONSENT = "no-consent"
    CONSENT_INACTIVE = "consent-inactive"
    WITHDRAWN = "consent-withdrawn"
    PURPOSE_NOT_COVERED = "purpose-not-covered"
    QUANTITY_NOT_COVERED = "quantity-not-covered"
    TOO_FINE = "too-fine"
    LEVEL_NOT_COVERED = "level-not-covered"
    PERIOD_NOT_COVERED = "period-not-covered"
    EXPIRED = "expired"
    OBJECTED = "objected"
    NOT_IN_PROFILE = "not-in-profile"
    COHORT_OF_ONE = "cohort-of-one"
    COHORT_TOO_SMALL = "cohort-too-small"
    COHORT_SILENT = "cohort-silent"
    NOT_YET = "not-yet"
    PROTECTS_NEIGHBOURS = "protects-neighbours"
    ASKED_ALREADY = "asked-already"
    SAID_NO = "said-no"


SAYS: dict[Reason, str] = {
    Reason.NOTHING_ASKED: "the request names no quantity, an empty period, or a detail that does not divide the day",
    Reason.UNKNOWN_SUBJECT: "no consent is known for what was asked",
    Reason.NO_CONSENT: "no consent or other ground allows this recipient",
    Reason.CONSENT_INACTIVE: "the consent is not valid at this time",
    Reason.WITHDRAWN: "the consent was withdrawn",
    Reason.PURPOSE_NOT_COVERED: "the consent does not cover this purpose",
    Reason.QUANTITY_NOT_COVERED: "the consent does not cover every quantity asked for",
    Reason.TOO_FINE: "the consent allows whole multiples of a longer interval only",
    Reason.LEVEL_NOT_COVERED: "the consent does not allow this level",
    Reason.PERIOD_NOT_COVERED: "the consent does not cover the whole period",
    Reason.EXPIRED: "the period lies before what is kept",
    Reason.OBJECTED: "the household has objected; no consent replaces that",
    Reason.NOT_IN_PROFILE: "the organisation's profile does not allow to ask for this",
    Reason.COHORT_OF_ONE: "one household is no cohort: figures of a cohort are asked for by their place",
    Reason.COHORT_TOO_SMALL: "the cohort is too small to be shown",
    Reason.COHORT_SILENT: "the day was closed without this figure; why is not told",
    Reason.NOT_YET: "the day is not closed yet, or not with this figure",
    Reason.PROTECTS_NEIGHBOURS: "a figure of the neighbourhood was told of these hours (of values as received: of "
    "these or later ones); a single household's values would leave too few others in it",
    Reason.ASKED_ALREADY: "this recipient has asked the household for this purpose already, and it has not answered",
    Reason.SAID_NO: "the household has said no to this recipient for this purpose",
}
"""One sentence each, for recipients and auditors."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """No, and every reason for it. Never empty. ``since``: of ``EXPIRED``, from when on what was asked for is kept."""

    reasons: tuple[Reason, ...]
    since: datetime | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not self.reasons:
            raise ValueError("a refusal needs a reason")

    def __str__(self) -> str:
        return "; ".join(SAYS[reason] for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class Grant:
    """Yes, and for exactly what. The desk opens this and nothing more.

    Attributes:
        ground: id of the one ground that covers the whole request.
        subject: the household it is about.
        recipient, purpose, quantities, resolution, level, period: as granted.
        until: when the ground ends; the grant may not be used after it. UTC.
        keep: how long the recipient may keep what it gets.
        reference: from the request.
    """

    ground: str
    subject: SubjectId
    recipient: Recipient
    purpose: Purpose
    quantities: frozenset[str]
    resolution: timedelta
    level: Level
    period: Period
    until: datetime
    keep: timedelta
    reference: str = ""


WHOLE = Decimal(1)
"""Completeness of what lacks nothing."""


class Row(Struct, frozen=True, gc=False):
    """One value as it leaves.

    Attributes:
        subject: what this recipient knows the household by: a pairwise pseudonym, or a zone's cell.
        quantity: OBIS code or EN 13757-3 quantity.
        start, end: interval [start, end), UTC; for a register or instantaneous value both are its instant.
        value: Decimal in ``unit``; None only when it is missing.
        unit: as in ``meter_driver.units``.
        status: ``measured`` (the readings decide it, within the register's last digit), ``estimated``, ``validated``,
            ``substituted`` (put in the place of a reading by whoever is answerable for metering) or ``missing``.
        meter: which meter of the household, by its label there; "" for a cell, and for what came without one.
        completeness: share of the interval that readings speak for, 0 to 1; 1 for a reading itself.
        method: how an estimated value was worked out (``meter_driver.amounts.Method``, or when an operator had it
            estimated ``policies.vee.estimation.Estimation``); "" for others.
    """

    subject: str
    quantity: str
    start: datetime
    end: datetime
    value: Decimal | None
    unit: str | None
    status: str = "measured"
    meter: str = ""
    completeness: Decimal = WHOLE
    method: str = ""
