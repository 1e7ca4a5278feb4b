"""Where intervals begin and end: quarters of an hour, local days and months, instants as microseconds."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

QUARTER_US = 900_000_000
DAY_US = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def quarter_begin(at: int) -> int:
    """Begin of the quarter of an hour; every zone in use is off UTC by whole quarters."""
    return at - at % QUARTER_US


def micros(instant: datetime) -> int:
    """Microseconds since 1970 UTC of an aware instant."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(us: int) -> datetime:
    """The reverse, UTC."""
    return _EPOCH + timedelta(microseconds=us)


_MICROSECOND = timedelta(microseconds=1)


def month_edges(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """Begin and end of the local month that holds a day, UTC."""
    first = day.replace(day=1)
    return day_edges(first, zone)[0], day_edges((first + timedelta(days=31)).replace(day=1), zone)[0]


def day_edges(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """Begin and end of a local day, UTC."""
    begin = datetime.combine(day, time(), zone).astimezone(UTC)
    return begin, datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
