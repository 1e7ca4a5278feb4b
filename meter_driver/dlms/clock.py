"""The date-time of COSEM: twelve octets (IEC 62056-6-2, 4.1.6.1).

Year (2), month, day, day of week, hour, minute, second, hundredths, deviation in minutes from local time to UTC (2),
clock status. FF (FFFF, 8000) stands for "not specified".
"""

from datetime import UTC, datetime, timedelta

from meter_driver.errors import PayloadError

SIZE = 12

_UNKNOWN = 0xFF
_NO_DEVIATION = -0x8000
_LARGEST_DEVIATION = 15 * 60
_DOUBTFUL = 0x0F  # invalid value, doubtful value, different clock base, invalid clock status
_DEVIATIONS = {minutes: timedelta(minutes=minutes) for minutes in range(-_LARGEST_DEVIATION, _LARGEST_DEVIATION + 1)}


def instant(octets: bytes) -> tuple[datetime | None, bool]:
    """UTC to the second (hundredths are read over), and whether the clock calls itself doubtful or invalid.

    None when date, time or deviation is not specified. PayloadError for a date or time that does not exist.
    """
    year, month, day = octets[0] << 8 | octets[1], octets[2], octets[3]
    hour, minute, second, hundredths = octets[5], octets[6], octets[7], octets[8]
    deviation = int.from_bytes(octets[9:11], "big", signed=True)
    status = octets[11]
    doubtful = status != _UNKNOWN and status & _DOUBTFUL != 0
    if deviation != _NO_DEVIATION and deviation not in _DEVIATIONS:
        raise PayloadError("a deviation from UTC of more than fifteen hours")
    if year == 0xFFFF or _UNKNOWN in (month, day, hour, minute):
        return None, doubtful
    if 99 < hundredths != _UNKNOWN:
        raise PayloadError("a date that does not exist")
    try:
        local = datetime(year, month, day, hour, minute, 0 if second == _UNKNOWN else second, tzinfo=UTC)
        return (None if deviation == _NO_DEVIATION else local + _DEVIATIONS[deviation]), doubtful
    except (ValueError, OverflowError):
        raise PayloadError("a date that does not exist") from None
