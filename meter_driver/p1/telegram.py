"""P1 telegrams: DSMR 2.2 to 5, eMUCs (Belgium), Luxembourg, Sweden and what else looks like them, without a version.

A telegram is ``/`` identification CR LF CR LF, data lines, ``!`` and from DSMR 4 on a CRC (DSMR 5.0.2 P1 clause 6.2).
Its lines are data sets of IEC 62056-21 clause 6.5 under OBIS names in full. What a line holds is told by its OBIS
code (``p1.objects``); which lines there are is not asked. The devices on the M-Bus of the meter (0-n:24.*: gas, water,
heat) are meters of their own, with the instant of their own last value.
"""

import re
from datetime import datetime

from meter_driver.crc import crc16_arc
from meter_driver.errors import ChecksumError, FrameError, PayloadError
from meter_driver.p1.lines import Contents, Item, contents
from meter_driver.reading import ClockSource, Quality, Reading, Telegram

_IDENTITIES = (
    "0-0:96.1.1*255", "0-0:96.1.0*255", "0-0:42.0.0*255", "1-0:96.1.0*255", "1-0:0.0.0*255", "0-0:96.1.255*255",
    "0.0.0", "C.1.0", "C.1", "0.0", "9.21",
)  # fmt: skip
"""Where a readout names its meter, best first: equipment identifiers (DSMR, eMUCs), then the device addresses."""
_CHANNEL_IDENTITIES = ("96.1.0", "96.1.1", "96.1.2")
_CRC = re.compile(rb"[0-9A-Fa-f]{1,4}")
PRINTABLE = bytes((*range(0x20, 0x7F), 0x0D, 0x0A))
"""What IEC 62056-21 clause 6.5 lets a line hold, and its end."""


def telegrams(data: bytes, quality: Quality | None = None, title: str = "") -> tuple[Telegram, ...]:
    """The telegrams of one P1 telegram, from ``/`` to ``!`` or its CRC: the meter's own, then one per M-Bus device.

    ``quality`` is given where a layer above vouches for the bytes (a ciphered frame); else it is told by the CRC.
    ``title``: what names the meter where its text does not.
    Raises ChecksumError, FrameError without frame, PayloadError (and ObisError, UnitError) if a line is not understood.
    """
    end = data.rfind(b"!")
    header = data.find(b"\n") + 1
    if data[:1] != b"/" or not header or end < header or data[end - 1] != 0x0A:
        raise FrameError("no identification, or no end mark at the begin of a line")
    crc = data[end + 1 :].strip(b" \r\n\0")
    if crc:
        check(data[: end + 1], crc)
    if quality is None:
        quality = Quality.CHECKSUM_ONLY if crc else Quality.UNCHECKED
    body = data[header:end]
    if body.translate(None, PRINTABLE):
        raise PayloadError("a character that is not printable")
    proven = bool(crc) or Quality.AUTHENTICATED in quality
    return readout(body, quality, "p1", checked=proven, title=title)


def check(frame: bytes, crc: bytes) -> None:
    """Compare the CRC as printed; some makers leave out leading zeros. ChecksumError; FrameError if it is no number."""
    if not _CRC.fullmatch(crc):
        raise FrameError("a CRC that is not hexadecimal")
    expected, computed = int(crc, 16), crc16_arc(frame)
    if expected != computed:
        raise ChecksumError(expected=expected, computed=computed)


def readout(body: bytes, quality: Quality, protocol: str, *, checked: bool, title: str = "") -> tuple[Telegram, ...]:
    """Telegrams from the data lines alone, which are printable.

    PayloadError, ObisError or UnitError if one of them is not understood.
    """
    found = contents(body.decode("ascii"), checked=checked, joined=protocol != "p1")
    if not found.items:
        raise PayloadError("no data line with a value")
    own: list[Item] = []
    devices: dict[int, list[Item]] = {}
    for item in found.items:
        if item.channel:
            devices.setdefault(item.channel, []).append(item)
        else:
            own.append(item)
    said = [_telegram(own, _identity(own) or title, found.at, found, quality, protocol)] if own else []
    for channel, items in devices.items():
        said += _device(channel, items, found, quality, protocol)
    if not said:
        raise PayloadError("no data line with a value")
    return tuple(said)


def _identity(items: list[Item]) -> str:
    names = {item.quantity: str(item.value) for item in items if item.quantity in _IDENTITIES}
    return next((names[name] for name in _IDENTITIES if name in names), "")


def _device(channel: int, items: list[Item], found: Contents, quality: Quality, protocol: str) -> list[Telegram]:
    """One M-Bus device; none where the channel is named but has not sent a value."""
    if not any(item.timed or item.unit for item in items):
        return []
    names = {item.quantity: str(item.value) for item in items}
    wanted = (f"0-{channel}:{name}*255" for name in _CHANNEL_IDENTITIES)
    meter = next((names[name] for name in wanted if name in names), "")
    at = next((item.at for item in items if item.timed), found.at)
    return [_telegram(items, meter, at, found, quality, protocol)]


def _telegram(
    items: list[Item], meter: str, at: datetime | None, found: Contents, quality: Quality, protocol: str
) -> Telegram:
    common = quality | Quality.CLOCK_DOUBTFUL if found.doubtful else quality
    clock = ClockSource.METER if at else ClockSource.NONE
    readings = [
        _timed(meter, item, quality)
        if item.timed
        else Reading(meter, item.quantity, at, item.value, item.unit, None, common, clock)
        for item in items
    ]
    return Telegram(meter, at, tuple(readings), None, "", protocol)


def _timed(meter: str, item: Item, quality: Quality) -> Reading:
    """A value with an instant of its own, as M-Bus devices and peaks of power have it."""
    clock = ClockSource.METER if item.at else ClockSource.NONE
    quality = quality | Quality.CLOCK_DOUBTFUL if item.doubtful else quality
    return Reading(meter, item.quantity, item.at, item.value, item.unit, None, quality, clock)
