"""Whose the readings of a batch are, and what households call their meters: new ones after they are durable."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, Protocol

from adapters.plugin import Batch, IntakeAnswer
from gateway.errors import NotAllowed, SubjectGone
from gateway.registry.meter_records import Reader
from gateway.registry.meters import Meters
from gateway.registry.tenancy_records import Tenancy
from meter_driver import senml
from meter_driver.errors import SenmlError
from meter_driver.media import of_quantities
from meter_driver.reading import Reading
from policies.terms import SubjectId

UNKNOWN_METER = "unknown-meter"
"""Why a reading is refused that is of no household."""
BEFORE_TENANCY = "before-tenancy"
"""Why a reading is refused that was taken before its household moved in: it is of those who lived there."""


TOO_MANY_METERS = "meters"
"""Why a reading is refused whose household can have no further meter."""


class Taking(Protocol):
    """The intake desk."""

    async def take(self, batch: Batch) -> IntakeAnswer: ...


class Homes(Protocol):
    """Households and since when they are there."""

    def get(self, subject: SubjectId) -> Tenancy | None: ...


class Placed(NamedTuple):
    """Readings with their households.

    Attributes:
        indexes: where each of ``readings`` stood in what was sent.
        refused: index and reason of those that are of no household.
        meters: household, name and serial number of each meter that has a reading here, in their order.
    """

    readings: Sequence[tuple[SubjectId, Reading]]
    indexes: Sequence[int]
    refused: Sequence[tuple[int, str]]
    meters: Iterable[tuple[SubjectId, str, str]]


def placed(sent: Iterable[tuple[int, Reading]], subject_of: Callable[[str], SubjectId | None], homes: Homes) -> Placed:
    """``subject_of``: by a meter's name. What was taken before the household lives there is refused; an entry counts
    by its begin. What has no instant in UTC is refused by others."""
    readings: list[tuple[SubjectId, Reading]] = []
    indexes: list[int] = []
    refused: list[tuple[int, str]] = []
    meters: dict[tuple[SubjectId, str, str], None] = {}
    meter = serial = subject = start = None
    for index, reading in sent:
        if reading.meter != meter or reading.serial != serial:
            meter, serial, new = reading.meter, reading.serial, True
            subject = subject_of(meter)
            home = None if subject is None else homes.get(subject)
            start = None if home is None else home.moved_in
        if subject is None:
            refused.append((index, UNKNOWN_METER))
        elif start is not None and _before(start, reading):
            refused.append((index, BEFORE_TENANCY))
        else:
            readings.append((subject, reading))
            indexes.append(index)
            if new:
                meters[subject, reading.meter, reading.serial] = None
                new = False
    return Placed(readings, indexes, refused, meters)


def _before(start: datetime, reading: Reading) -> bool:
    at = reading.start or reading.at
    return at is not None and at.utcoffset() is not None and at < start


class Labelled:
    """Intake of what an output brings: each of its meters becomes one of the household, as those behind a box do."""

    def __init__(self, intake: Taking, meters: Meters) -> None:
        self._intake, self._meters = intake, meters

    async def take(self, batch: Batch) -> IntakeAnswer:
        """See ``Intake.take``. Of a household that can have no further meter nothing is kept."""
        named = dict.fromkeys((who, reading.meter, reading.serial) for who, reading in batch.readings)
        some = Placed(batch.readings, range(len(batch.readings)), (), named)
        try:
            labels = await labels_of(batch.source, some, self._meters)
        except NotAllowed:
            return IntakeAnswer(0, tuple((index, TOO_MANY_METERS) for index in some.indexes))
        return await self._intake.take(replace(batch, labels=labels))


async def labels_of(box: str, batch: Placed, meters: Meters) -> Mapping[tuple[SubjectId, str], str]:
    """What each household calls the meters of this batch. A meter that nobody has met is taken as new, durably."""
    labels: dict[tuple[SubjectId, str], str] = {}
    for subject, name, serial in batch.meters:
        reader = Reader(box, _component(box, name), serial)
        if (label := meters.known(subject, reader)) is None:
            try:
                mine = [r for who, r in batch.readings if (who, r.meter, r.serial) == (subject, name, serial)]
                at = min((r.at for r in mine if r.at is not None and r.at.utcoffset() is not None), default=None)
                reader = replace(reader, medium=_medium(mine), at=at)
                label = await meters.meet(subject, reader)
            except SubjectGone:
                continue  # intake refuses its readings one by one
        labels[subject, name] = label
    return labels


def _medium(mine: Sequence[Reading]) -> str:
    """What the readings of a new meter say of its medium, else what the names of its quantities do; "" for neither."""
    said = next((reading.medium for reading in mine if reading.medium), "")
    return said or of_quantities(reading.quantity for reading in mine)


def _component(box: str, meter: str) -> str:
    """Of a device's name what is behind this box; a device with a name of its own is all of it."""
    try:
        whose, component = senml.split_device(meter)
    except SenmlError:
        return meter
    return component if whose == box else "_".join(filter(None, (whose, component)))
