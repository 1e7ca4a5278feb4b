"""What households call the meters of a batch: known ones at once, new ones after they are durable."""

from collections.abc import Sequence

from gateway.errors import SubjectGone
from gateway.registry.meters import Meters, Reader
from meter_driver import senml
from meter_driver.errors import SenmlError
from meter_driver.reading import Reading
from policies.terms import SubjectId


async def labels_of(
    box: str, readings: Sequence[tuple[SubjectId, Reading]], meters: Meters
) -> dict[tuple[SubjectId, str], str]:
    """What each household calls the meters of this batch. A meter that nobody has met is taken as new, durably."""
    labels: dict[tuple[SubjectId, str], str] = {}
    for (subject, name, _), reader in _readers(box, readings).items():
        if (label := meters.known(subject, reader)) is None:
            try:
                label = await meters.meet(subject, reader)
            except SubjectGone:
                continue  # intake refuses its readings one by one
        labels[subject, name] = label
    return labels


def _readers(box: str, readings: Sequence[tuple[SubjectId, Reading]]) -> dict[tuple[SubjectId, str, str], Reader]:
    found: dict[tuple[SubjectId, str, str], Reader] = {}
    before: tuple[SubjectId, str, str] | None = None
    for subject, reading in readings:
        key = (subject, reading.meter, reading.serial)
        if key != before:
            before = key
            if key not in found:
                found[key] = Reader(box, _component(box, reading.meter), reading.serial)
    return found


def _component(box: str, meter: str) -> str:
    """Of a device's name what is behind this box; a device with a name of its own is all of it."""
    try:
        whose, component = senml.split_device(meter)
    except SenmlError:
        return meter
    return component if whose == box else "_".join(filter(None, (whose, component)))
