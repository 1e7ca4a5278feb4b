"""From a telegram to readings that can leave: which meter is speaking, when, is its clock right. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from meter_driver import media, recording, senml
from meter_driver.quantities import Medium
from meter_driver.reading import ClockSource, Quality, Reading, Telegram

_NUMBERS = ("96.1.0*255", "96.1.1*255", "96.1.2*255")
"""Behind ``0-n:``: where a telegram names the device on a channel, best first."""


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


@dataclass(frozen=True, slots=True)
class Whose:
    """A meter as it goes out: its component behind the box, its own number, its medium; "" for what is not known."""

    component: str
    serial: str
    medium: str


def prepare(
    telegram: Telegram,
    now: datetime,
    *,
    box: str,
    component: str = "",
    named: bool = False,
    far_off: timedelta | None = None,
) -> PreparedReadings:
    """Name, date and flag the readings of one telegram.

    Args:
        now: UTC; the instant of a reading that brought none.
        component: name of the meter on this line, "" for the box's own meter. A meter behind the meter (gas on P1)
            gets a component of its own.
        named: the component was given to the very meter that the telegram identifies, behind another one or not.
        far_off: beyond this the readings are flagged ``CLOCK_DOUBTFUL``, not dropped. None for recordings: no check.
    """
    off = None if far_off is None else _off(telegram, now, far_off)
    measured = [reading for reading in telegram.readings if Quality.NO_VALUE not in reading.quality]
    meters = _Meters(telegram, component, named=named)
    lengths = recording.lengths(measured)
    prepared = []
    for reading in measured:
        whose = meters.of(reading)
        at = reading.at or telegram.at
        dated = replace(
            reading,
            meter=senml.device_urn(box, whose.component),
            at=at or now,
            start=reading.start or (recording.begin(reading.quantity, at, lengths) if at else None),
            clock=reading.clock if reading.at else ClockSource.METER if at else ClockSource.RECEIVED,
            quality=reading.quality | (Quality.CLOCK_DOUBTFUL if off is not None else Quality.NONE),
            serial=reading.serial[: senml.MAX_SERIAL] or whose.serial,
            medium=reading.medium or whose.medium,
        )
        prepared.append(dated)
    return PreparedReadings(prepared, off, len(telegram.readings) - len(measured))


def _off(telegram: Telegram, now: datetime, limit: timedelta) -> timedelta | None:
    """How far a clock is ahead, where that is beyond the limit.

    A device behind the meter (gas, once an hour) and a value with an instant of its own (a month's peak) are dated by
    what was: only one that lies ahead shows that a clock is wrong.
    """
    clock = telegram.at or next((reading.at for reading in telegram.readings if reading.at), None)
    if clock is None:
        return None
    past = telegram.at is None or all(media.channel_of(reading.quantity) for reading in telegram.readings)
    off = clock - now
    return off if off > limit or (off < -limit and not past) else None


class _Meters:
    """Which meters speak in one telegram: that of the line, devices on its channels, others that a decoder names."""

    def __init__(self, telegram: Telegram, component: str, *, named: bool) -> None:
        self._telegram, self._component, self._named = telegram, component, named
        self._media = media.of_channels(telegram.readings)
        self._alone = all(media.channel_of(reading.quantity) for reading in telegram.readings)
        self._numbers = _numbers(telegram)
        self._found: dict[tuple[str, int], Whose] = {}

    def of(self, reading: Reading) -> Whose:
        key = (reading.meter, media.channel_of(reading.quantity))
        if key not in self._found:
            self._found[key] = self._whose(*key)
        return self._found[key]

    def _whose(self, meter: str, channel: int) -> Whose:
        own = meter == self._telegram.meter
        if channel:
            medium = _word(self._media.get(channel, Medium.UNKNOWN))
            serial = meter if self._alone or not own else self._numbers.get(channel, "")
            below = "" if self._alone and self._named else f"{medium or 'channel'}-{channel}"
        else:
            medium, serial, below = _word(media.of_address(meter)), meter, "" if own else meter
        return Whose("-".join(filter(None, (self._component, below))), serial[: senml.MAX_SERIAL], medium)


def _numbers(telegram: Telegram) -> Mapping[int, str]:
    """What a telegram says of the devices on the channels of its meter."""
    said = {reading.quantity: str(reading.value) for reading in telegram.readings}
    channels = {media.channel_of(quantity) for quantity in said} - {0}
    names = {channel: (said.get(f"0-{channel}:{name}", "") for name in _NUMBERS) for channel in channels}
    return {channel: next(filter(None, some), "") for channel, some in names.items()}


def _word(medium: Medium) -> str:
    return "" if medium is Medium.UNKNOWN else medium.value
