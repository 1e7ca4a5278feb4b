"""From a telegram to readings that can leave: who is speaking, is its clock right. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from meter_driver import senml
from meter_driver.reading import ClockSource, Quality, Reading, Telegram


@dataclass(frozen=True, slots=True)
class PreparedReadings:
    """Readings under their device URN, with an instant.

    Attributes:
        readings: in the order of the telegram.
        off: how far the meter's clock is ahead of the box's; None when that is within the limit or not known.
        void: how many the meter itself calls not valid (``Quality.NO_VALUE``): they are no measurements.
    """

    readings: list[Reading]
    off: timedelta | None
    void: int


def prepare(
    telegram: Telegram, now: datetime, *, box: str, component: str = "", far_off: timedelta | None = None
) -> PreparedReadings:
    """Name, date and flag the readings of one telegram.

    Args:
        now: UTC; the instant of a reading that brought none.
        component: name of the meter on this line, "" for the box's own meter. A meter behind the meter (gas on P1)
            gets its own identification.
        far_off: beyond this the readings are flagged ``CLOCK_DOUBTFUL``, not dropped. None for recordings: no check.
    """
    clock = telegram.at or next((reading.at for reading in telegram.readings if reading.at), None)
    off = clock - now if clock is not None and far_off is not None else None
    if off is not None and far_off is not None and abs(off) <= far_off:
        off = None
    measured = [reading for reading in telegram.readings if Quality.NO_VALUE not in reading.quality]
    prepared = []
    for reading in measured:
        below = "" if reading.meter == telegram.meter else reading.meter
        at = reading.at or telegram.at
        dated = replace(
            reading,
            meter=senml.device_urn(box, "-".join(filter(None, (component, below)))),
            at=at or now,
            clock=reading.clock if reading.at else ClockSource.METER if at else ClockSource.RECEIVED,
            quality=reading.quality | (Quality.CLOCK_DOUBTFUL if off is not None else Quality.NONE),
        )
        prepared.append(dated)
    return PreparedReadings(prepared, off, len(telegram.readings) - len(measured))
