"""What a VTN knows: the objects of OpenADR 3.1, and what 2.0b VENs made of them. Frozen values, no I/O.

Absent members of 3.1 objects are ``UNSET``, so that an object comes back as it was posted, member for member.
"""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.openadr.durations import read_stamp

OBJECT_ID = r"^[a-zA-Z0-9_-]+\Z"
DURATION = r"^-?P(?=\d|T\d)(?:\d+Y)?(?:\d+M)?(?:\d+[DW])?(?:T(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?\Z"
DATE_TIME = r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z"
"""RFC 3339. A 3.1 start may lie in the year 1 ("now")."""

PROFILE, FINGERPRINT, REREGISTER = "X_OADR20B_PROFILE", "X_OADR20B_FINGERPRINT", "X_OADR20B_REREGISTER"
"""Private attributes of a VEN: 2.0a or 2.0b; its certificate; "ask it to register again"."""

Name = Annotated[str, Meta(min_length=1, max_length=128)]
ObjectId = Annotated[str, Meta(min_length=1, max_length=128, pattern=OBJECT_ID)]
Duration = Annotated[str, Meta(max_length=64, pattern=DURATION)]
DateTime = Annotated[str, Meta(max_length=40, pattern=DATE_TIME)]
Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Text = Annotated[str, Meta(max_length=8000)]
Targets = Annotated[list[Name], Meta(max_length=1000)] | UnsetType | None
Many = Meta(max_length=10_000)


def wire_name(field: str) -> str:
    """The standard's spelling of a member: ``programID``, ``intervalPeriod``, ``URL``."""
    if field == "url":
        return "URL"
    head, *rest = field.split("_")
    return head + "".join("ID" if part == "id" else part.capitalize() for part in rest)


class Point(Struct, frozen=True, forbid_unknown_fields=True):
    """A pair of numbers in ``values``."""

    x: float
    y: float


class ValuesMap(Struct, frozen=True):
    """A type and its values, as in all of OpenADR 3."""

    type: Name
    values: Annotated[list[int | float | str | bool | Point], Many]


class IntervalPeriod(Struct, frozen=True, omit_defaults=True, rename=wire_name):
    """When; each member may be missing."""

    start: DateTime | UnsetType = UNSET
    duration: Duration | UnsetType = UNSET
    randomize_start: Duration | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Raises ValueError for a day that does not exist; msgspec names the place."""
        if self.start is not UNSET:
            read_stamp(self.start)


class Interval(Struct, frozen=True, omit_defaults=True, rename=wire_name):
    """One step of an event."""

    id: Int32
    payloads: Annotated[list[ValuesMap], Many]
    interval_period: IntervalPeriod | UnsetType = UNSET


class EventPayloadDescriptor(
    Struct, frozen=True, omit_defaults=True, rename=wire_name, tag_field="objectType", tag="EVENT_PAYLOAD_DESCRIPTOR"
):
    """Units and currency of an event's payload type."""

    payload_type: Name
    units: Name | UnsetType | None = UNSET
    currency: Text | UnsetType | None = UNSET


class ReportPayloadDescriptor(
    Struct, frozen=True, omit_defaults=True, rename=wire_name, tag_field="objectType", tag="REPORT_PAYLOAD_DESCRIPTOR"
):
    """Units and accuracy of a report's payload type."""

    payload_type: Name
    reading_type: Name | UnsetType | None = UNSET
    units: Name | UnsetType | None = UNSET
    accuracy: float | UnsetType | None = UNSET
    confidence: Annotated[int, Meta(ge=0, le=100)] | UnsetType | None = UNSET


Descriptor = EventPayloadDescriptor | ReportPayloadDescriptor
"""Told apart by ``objectType``, which must be there."""


class ReportDescriptor(Struct, frozen=True, omit_defaults=True, rename=wire_name):
    """A report that the utility wants."""

    payload_type: Name
    reading_type: Name | UnsetType | None = UNSET
    units: Name | UnsetType | None = UNSET
    targets: Targets = UNSET
    aggregate: bool | UnsetType = UNSET
    start_interval: Int32 | UnsetType = UNSET
    num_intervals: Int32 | UnsetType = UNSET
    historical: bool | UnsetType = UNSET
    frequency: Int32 | UnsetType = UNSET
    repeat: Int32 | UnsetType = UNSET
    report_intervals: Literal["INTERVALS", "SUB_INTERVALS", "OPEN_INTERVALS"] | UnsetType = UNSET


class ProgramDescription(Struct, frozen=True, rename=wire_name):
    """``URL`` of the first one is the market context of 2.0b."""

    url: Annotated[str, Meta(min_length=2, max_length=8000, pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:\S+\Z")]


class ProgramRequest(Struct, frozen=True, omit_defaults=True, rename=wire_name):
    """``programRequest`` of 3.1."""

    program_name: Name
    interval_period: IntervalPeriod | UnsetType = UNSET
    program_descriptions: Annotated[list[ProgramDescription], Many] | UnsetType | None = UNSET
    payload_descriptors: Annotated[list[Descriptor], Many] | UnsetType | None = UNSET
    attributes: Annotated[list[ValuesMap], Many] | UnsetType | None = UNSET
    targets: Targets = UNSET


class EventRequest(Struct, frozen=True, omit_defaults=True, rename=wire_name):
    """``eventRequest`` of 3.1."""

    program_id: ObjectId
    event_name: Text | UnsetType | None = UNSET
    duration: Duration | UnsetType = UNSET
    priority: Annotated[int, Meta(ge=0, le=2**31 - 1)] | UnsetType | None = UNSET
    targets: Targets = UNSET
    report_descriptors: Annotated[list[ReportDescriptor], Many] | UnsetType | None = UNSET
    payload_descriptors: Annotated[list[Descriptor], Many] | UnsetType | None = UNSET
    interval_period: IntervalPeriod | UnsetType = UNSET
    intervals: Annotated[list[Interval], Many] | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Raises ValueError for a descriptor of reports; msgspec names the place."""
        if any(isinstance(d, ReportPayloadDescriptor) for d in self.payload_descriptors or []):
            raise ValueError("payloadDescriptors of an event are EVENT_PAYLOAD_DESCRIPTORs")


class VenRequest(Struct, frozen=True, omit_defaults=True, rename=wire_name):
    """``BlVenRequest`` of 3.1: what business logic says of a VEN."""

    object_type: Literal["BL_VEN_REQUEST"]
    client_id: Name
    ven_name: Name
    targets: Targets = UNSET
    attributes: Annotated[list[ValuesMap], Many] | UnsetType | None = UNSET


class ResourceRequest(Struct, frozen=True, omit_defaults=True, rename=wire_name):
    """``BlResourceRequest`` of 3.1; ``clientID`` may be missing and is then that of the VEN."""

    object_type: Literal["BL_RESOURCE_REQUEST"]
    resource_name: Name
    ven_id: ObjectId
    client_id: Name | UnsetType = UNSET
    targets: Targets = UNSET
    attributes: Annotated[list[ValuesMap], Many] | UnsetType | None = UNSET


class Record(Struct, frozen=True, kw_only=True):
    """A thing with a key. ``kind`` names its table, ``key`` its place there."""

    kind: ClassVar[str]

    @property
    def key(self) -> tuple[str, ...]:
        raise NotImplementedError


class _Object(Record, frozen=True, kw_only=True):
    """An object of the 3.1 API with its metadata. Instants UTC."""

    id: str
    created: datetime
    modified: datetime

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


class Answer(Record, frozen=True, kw_only=True):
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


class Offer(Record, frozen=True, kw_only=True):
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


RECORDS: tuple[type[Record], ...] = (
    Program, Event, Ven, Resource, Registration, Answer, Offer, ReportRequest, OptSchedule,
)  # fmt: skip


class Put(Struct, frozen=True):
    """An effect: this record is now there, in place of any with its key."""

    record: Record


class Drop(Struct, frozen=True):
    """An effect: this record is gone."""

    record: Record


Change = Put | Drop
