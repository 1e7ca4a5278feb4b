"""Events as people and programs read them: cells of a table, objects for JSON, one sentence for what was rejected."""

from datetime import datetime
from typing import Any

from meter_driver import obis
from meter_driver.instants import stamp
from meter_driver.reading import FrameRejected, Quality, Reading, Telegram

DASH = "-"
"""Stands in a table where there is no instant, or no value."""


def cells(reading: Reading) -> tuple[str, str, str, str]:
    """Instant, quantity, value, unit ("" when the telegram sends none); nothing in them moves a terminal."""
    value = _value(reading) or DASH
    return instant(reading.at) or DASH, plain(reading.quantity), plain(value), plain(reading.unit or "")


def telegram(event: Telegram, *, as_sent: bool = False) -> dict[str, Any]:
    """For JSON; numbers are decimal strings.

    ``value`` is null where the meter says that it has none; ``as_sent`` keeps the pattern by which it says so.
    """
    return {
        "meter": event.meter,
        "at": instant(event.at),
        "protocol": event.protocol,
        "counter": event.counter,
        "readings": [_reading(reading, as_sent=as_sent) for reading in event.readings],
    }


def rejected(event: FrameRejected) -> str:
    """One line, without bytes or readings."""
    return f"rejected {counted(event.dropped, 'byte')}: {event.kind}: {event.detail}"


def counted(number: int, what: str, many: str = "") -> str:
    """``1 byte``, ``2 bytes``; ``many`` where more of them are not called so with an s behind."""
    return f"{number} {what if number == 1 else many or what + 's'}"


def plain(text: str) -> str:
    """What a meter sent as text, with a mark in place of what is not printable."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def instant(at: datetime | None) -> str | None:
    """UTC to the second, with a fraction only where the meter sent one."""
    return None if at is None else stamp(at)


def _value(reading: Reading, *, as_sent: bool = False) -> str | None:
    if Quality.NO_VALUE in reading.quality and not as_sent:
        return None
    return reading.value if isinstance(reading.value, str) else f"{reading.value:f}"


def _reading(reading: Reading, *, as_sent: bool) -> dict[str, str | None]:
    name = "obis" if obis.is_code(reading.quantity) else "name"
    answer = {name: reading.quantity, "value": _value(reading, as_sent=as_sent), "unit": reading.unit}
    if reading.at is not None:
        answer["at"] = instant(reading.at)
    return answer
