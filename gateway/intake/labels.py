"""What households call the meters of a batch: known ones at once, new ones after they are durable."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from gateway.errors import SubjectGone
from gateway.registry.meters import Meters, Reader
from gateway.registry.tenancies import Tenancy
from meter_driver import quantities, senml
from meter_driver.errors import SenmlError
from meter_driver.quantities import Medium
from meter_driver.reading import Reading
from policies.terms import SubjectId

BEFORE_TENANCY = "before-tenancy"
"""Why a reading is refused that was taken before its household moved in: it is of those who lived there."""
_NO_MEDIA = frozenset((Medium.UNKNOWN, Medium.ABSTRACT))


class Homes(Protocol):
    """Households and since when they are there."""

    def get(self, subject: SubjectId) -> Tenancy | None: ...


class Since:
    """Of one batch: since when each household lives there, where somebody said. An entry counts by its begin."""

    def __init__(self, homes: Homes) -> None:
        self._homes = homes
        self._starts: dict[SubjectId, datetime | None] = {}

    def covers(self, subject: SubjectId, reading: Reading) -> bool:
        """False for what was taken before. What has no instant in UTC is refused by others."""
        try:
            start = self._starts[subject]
        except KeyError:
            home = self._homes.get(subject)
            start = self._starts[subject] = None if home is None else home.moved_in
        if start is None:
            return True
        at = reading.start or reading.at
        return at is None or at.utcoffset() is None or at >= start


async def labels_of(
    box: str, readings: Sequence[tuple[SubjectId, Reading]], meters: Meters
) -> dict[tuple[SubjectId, str], str]:
    """What each household calls the meters of this batch. A meter that nobody has met is taken as new, durably."""
    labels: dict[tuple[SubjectId, str], str] = {}
    for (subject, name, _), reader in _readers(box, readings).items():
        if (label := meters.known(subject, reader)) is None:
            try:
                reader = replace(reader, medium=_medium(subject, name, reader.serial, readings))
                label = await meters.meet(subject, reader)
            except SubjectGone:
                continue  # intake refuses its readings one by one
        labels[subject, name] = label
    return labels


def _readers(box: str, readings: Sequence[tuple[SubjectId, Reading]]) -> dict[tuple[SubjectId, str, str], Reader]:
    found: dict[tuple[SubjectId, str, str], Reader] = {}
    who = meter = serial = None
    for subject, reading in readings:
        if reading.meter is meter and reading.serial is serial and subject is who:  # nearly always, and quicker than ==
            continue
        who, meter, serial = subject, reading.meter, reading.serial
        if (key := (subject, meter, serial)) not in found:
            found[key] = Reader(box, _component(box, meter), serial)
    return found


def _medium(subject: SubjectId, meter: str, serial: str, readings: Sequence[tuple[SubjectId, Reading]]) -> str:
    """What the readings of a new meter say of its medium, else what the names of its quantities do; "" for neither."""
    mine = [r for who, r in readings if (who, r.meter, r.serial) == (subject, meter, serial)]
    if said := next((reading.medium for reading in mine if reading.medium), ""):
        return said
    known = (quantities.parse(reading.quantity) for reading in mine)
    return next((found.medium.value for found in known if found and found.medium not in _NO_MEDIA), "")


def _component(box: str, meter: str) -> str:
    """Of a device's name what is behind this box; a device with a name of its own is all of it."""
    try:
        whose, component = senml.split_device(meter)
    except SenmlError:
        return meter
    return component if whose == box else "_".join(filter(None, (whose, component)))
