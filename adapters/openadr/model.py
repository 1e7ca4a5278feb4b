"""What a VTN knows: 3.1 objects with their metadata, and what 2.0b VENs made of them. Frozen values, no I/O."""

from datetime import datetime
from typing import ClassVar, Literal

from msgspec import Struct

from adapters.openadr.objects import (
    FINGERPRINT,
    PROFILE,
    EventRequest,
    ProgramRequest,
    ResourceRequest,
    VenRequest,
)


class Record(Struct, frozen=True, kw_only=True):
    """A thing with a key. ``kind`` names its table, ``key`` its place there."""

    kind: ClassVar[str]

    @property
    def key(self) -> tuple[str, ...]:
        raise NotImplementedError


class _Object(Record, frozen=True, kw_only=True):
    """An object of the 3.1 API with its metadata. Instants UTC.

    ``owner`` is who posted it: an organisation, ``client:<id>`` for a client that has none; "" for an object from
    before owners were noted. The operator alone gives these to an organisation.
    """

    id: str
    created: datetime
    modified: datetime
    owner: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        return (self.id,)


class Program(_Object, frozen=True, kw_only=True):
    kind: ClassVar[str] = "program"
    content: ProgramRequest


class Event(_Object, frozen=True, kw_only=True):
    """Attributes:
    number: modificationNumber of 2.0b.
    serial: order of arrival; keeps the order of equal events stable (rule 15).
    cancelled: deleted by the utility, kept until every VEN of ``told`` has acknowledged it (rule 52).
    told: ids of the VENs that may know the event and must hear of its cancellation.
    """

    kind: ClassVar[str] = "event"
    content: EventRequest
    number: int = 0
    serial: int = 0
    cancelled: bool = False
    told: frozenset[str] = frozenset()


class Ven(_Object, frozen=True, kw_only=True):
    """A VEN that business logic made known. Its ``id`` is its ``venID`` in 2.0b too.

    ``household`` is the tenancy it belongs to, set by the operator only; "" for none.
    """

    kind: ClassVar[str] = "ven"
    content: VenRequest
    household: str = ""

    @property
    def profile(self) -> str:
        """``X_OADR20B_PROFILE``; "" where nothing was said."""
        return self._attribute(PROFILE)

    @property
    def fingerprint(self) -> str:
        """Of the certificate this VEN must show, lower-case hex; "" for none."""
        return self._attribute(FINGERPRINT).replace(":", "").lower()

    def _attribute(self, kind: str) -> str:
        attributes = self.content.attributes or []
        return next((str(a.values[0]) for a in reversed(attributes) if a.type == kind and a.values), "")


class Resource(_Object, frozen=True, kw_only=True):
    kind: ClassVar[str] = "resource"
    content: ResourceRequest


class Registration(Record, frozen=True, kw_only=True):
    """A 2.0b registration (EiRegisterParty).

    Attributes:
        ven: venID.
        name: oadrVenName, as it was enrolled.
        number: registrationID.
        fingerprint: of the certificate the VEN must show; lower-case hex, "" in clear.
        greet: the VTN's metadata is still to be sent (rules 301, 309).
        asked: reportRequestIDs of the VEN's own requests for metadata that are still to be answered.
        reregister: oadrRequestReregistration is to be sent.
        ending: the utility ended it; oadrCancelPartyRegistration is to be sent.
    """

    kind: ClassVar[str] = "registration"
    ven: str
    name: str
    number: str
    at: datetime
    profile: str = "2.0b"
    fingerprint: str = ""
    greet: bool = True
    asked: tuple[str, ...] = ()
    reregister: bool = False
    ending: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        return (self.ven,)


class EventResponse(Record, frozen=True, kw_only=True):
    """What a VEN said to an event: oadrCreatedEvent, or oadrCreateOpt that qualifies it (rule 206).

    Attributes:
        number: the modificationNumber it has acknowledged.
        opt: ``optIn`` or ``optOut``.
        qualified: set by oadrCreateOpt; oadrCreatedEvent no longer changes the state.
        resources: (resource, opt) for single resources.
    """

    kind: ClassVar[str] = "answer"
    event: str
    ven: str
    number: int
    opt: str
    at: datetime
    qualified: bool = False
    resources: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        return (self.event, self.ven)


class Point20(Struct, frozen=True):
    """One rID of a report a VEN offers: what it measures, in which unit (W, Wh ...) and power of ten."""

    rid: str
    kind: str
    unit: str = ""
    scale: int = 0
    resource: str = ""


class MetadataReport(Record, frozen=True, kw_only=True):
    """One report of a VEN's metadata. ``finest``, ``coarsest``: oadrMinPeriod, oadrMaxPeriod in seconds; 0: unknown."""

    kind: ClassVar[str] = "offer"
    ven: str
    specifier: str
    name: str
    points: tuple[Point20, ...]
    finest: float = 0.0
    coarsest: float = 0.0

    @property
    def key(self) -> tuple[str, ...]:
        return (self.ven, self.specifier)


class ReportRequest(Record, frozen=True, kw_only=True):
    """A report that the VTN asks a VEN for. Durations in seconds; ``lasting`` 0 has no end.

    ``stage``: ``new`` (to be sent), ``pending`` (the VEN has it), ``ending`` (oadrCancelReport is to be sent).
    """

    kind: ClassVar[str] = "request"
    ven: str
    id: str
    event: str
    specifier: str
    name: str
    rids: tuple[str, ...]
    granularity: float
    back: float
    start: datetime
    lasting: float
    stage: Literal["new", "pending", "ending"] = "new"

    @property
    def key(self) -> tuple[str, ...]:
        return (self.ven, self.id)


class OptSchedule(Record, frozen=True, kw_only=True):
    """One schedule of oadrCreateOpt. One optID may name several, one for each ``scope`` (rule 204).

    ``scope`` tells for what it holds (targets, market context, device class); a newer schedule of the same scope
    replaces it (rule 203), which ``replaced`` remembers, because cancelling it then is no error (rule 211).
    """

    kind: ClassVar[str] = "opt"
    ven: str
    opt_id: str
    scope: str
    opt: str
    periods: tuple[tuple[datetime, float], ...]
    at: datetime
    replaced: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        return (self.ven, self.opt_id, self.scope)


RECORD_TYPES: tuple[type[Record], ...] = (
    Program, Event, Ven, Resource, Registration, EventResponse, MetadataReport, ReportRequest, OptSchedule,
)  # fmt: skip


class Put(Struct, frozen=True):
    """An effect: this record is now there, in place of any with its key."""

    record: Record


class Drop(Struct, frozen=True):
    """An effect: this record is gone."""

    record: Record


Change = Put | Drop
