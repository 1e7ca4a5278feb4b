"""The objects of OpenADR 3.1 as they are posted. Frozen values, no I/O.

Absent members are ``UNSET``, so that an object comes back as it was posted, member for member.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.openadr.durations import read_stamp

OBJECT_ID = r"^[a-zA-Z0-9_-]+\Z"
DURATION = r"^-?P(?=\d|T\d)(?:\d+Y)?(?:\d+M)?(?:\d+[DW])?(?:T(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?\Z"
RFC_3339 = r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z"
"""RFC 3339. A 3.1 start may lie in the year 1 ("now")."""

PROFILE, FINGERPRINT, REREGISTER = "X_OADR20B_PROFILE", "X_OADR20B_FINGERPRINT", "X_OADR20B_REREGISTER"
"""Private attributes of a VEN: 2.0a or 2.0b; its certificate; "ask it to register again"."""

_Name = Annotated[str, Meta(min_length=1, max_length=128)]
ObjectId = Annotated[str, Meta(min_length=1, max_length=128, pattern=OBJECT_ID)]
Duration = Annotated[str, Meta(max_length=64, pattern=DURATION)]
DateTime = Annotated[str, Meta(max_length=40, pattern=RFC_3339)]
Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Text = Annotated[str, Meta(max_length=8000)]
Targets = Annotated[list[_Name], Meta(max_length=1000)] | UnsetType | None
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

    type: _Name
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

    payload_type: _Name
    units: _Name | UnsetType | None = UNSET
    currency: Text | UnsetType | None = UNSET


class ReportPayloadDescriptor(
    Struct, frozen=True, omit_defaults=True, rename=wire_name, tag_field="objectType", tag="REPORT_PAYLOAD_DESCRIPTOR"
):
    """Units and accuracy of a report's payload type."""

    payload_type: _Name
    reading_type: _Name | UnsetType | None = UNSET
    units: _Name | UnsetType | None = UNSET
    accuracy: float | UnsetType | None = UNSET
    confidence: Annotated[int, Meta(ge=0, le=100)] | UnsetType | None = UNSET


Descriptor = EventPayloadDescriptor | ReportPayloadDescriptor
"""Told apart by ``objectType``, which must be there."""


class ReportDescriptor(Struct, frozen=True, omit_defaults=True, rename=wire_name):
    """A report that the utility wants."""

    payload_type: _Name
    reading_type: _Name | UnsetType | None = UNSET
    units: _Name | UnsetType | None = UNSET
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

    program_name: _Name
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
    client_id: _Name
    ven_name: _Name
    targets: Targets = UNSET
    attributes: Annotated[list[ValuesMap], Many] | UnsetType | None = UNSET


class ResourceRequest(Struct, frozen=True, omit_defaults=True, rename=wire_name):
    """``BlResourceRequest`` of 3.1; ``clientID`` may be missing and is then that of the VEN."""

    object_type: Literal["BL_RESOURCE_REQUEST"]
    resource_name: _Name
    ven_id: ObjectId
    client_id: _Name | UnsetType = UNSET
    targets: Targets = UNSET
    attributes: Annotated[list[ValuesMap], Many] | UnsetType | None = UNSET
