"""Times in files: with an offset, or by a zone's wall clock; stamps at the begin or the end of what they are for."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import pairwise

from gateway.history.wrong import MapRefused, Wrong
from meter_driver.amounts.amount import SECOND_US
from meter_driver.intervals import micros

_LENGTH = re.compile(r"(\d{1,5}) ?(s|m|min|h|d)")
_HOUR_24 = re.compile(r"(?=24)")
_LAST_HOUR = timedelta(hours=23)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600}


class Stamps:
    """From the text of a stamp to seconds since 1970 UTC.

    ``form``: of ``strptime``; "" is ISO 8601. ``zone``: of stamps without an offset; None where all must have one.
    Raises ``ValueError`` with the rule.
    """

    def __init__(self, zone: tzinfo | None, form: str = "") -> None:
        self._zone, self._form = zone, form
        self._known: dict[str, tuple[int, int]] = {}

    def both(self, text: str) -> tuple[int, int]:
        """Both instants that it may mean: two only in the hour that a clock shows twice, see ``second_ones``."""
        found = self._known.get(text)
        if found is None:
            if len(self._known) >= 1 << 20:
                self._known.clear()
            found = self._known[text] = self._both(text)
        return found

    def _both(self, text: str) -> tuple[int, int]:
        at = wall(text, self._parsed)
        if at is None:
            raise ValueError("no such time, or not in the form of the map")
        return self.of(at)

    def _parsed(self, text: str) -> datetime:
        return datetime.strptime(text, self._form) if self._form else datetime.fromisoformat(text)  # noqa: DTZ007

    def of(self, at: datetime) -> tuple[int, int]:
        """Both instants that a wall clock may mean; nearly always one."""
        if at.microsecond:
            raise ValueError("a whole second")
        if at.tzinfo is not None:
            us = micros(at) // SECOND_US
            return us, us
        if self._zone is None:
            raise ValueError("no offset, and the map names no zone")
        first, second = (at.replace(tzinfo=self._zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if first.astimezone(self._zone).replace(tzinfo=None) != at:
            raise ValueError("the clock of the zone never showed it")
        return micros(first) // SECOND_US, micros(second) // SECOND_US


def wall(text: str, parsed: Callable[[str], datetime]) -> datetime | None:
    """Of a stamp as ``parsed`` reads it; None where it is none. 24:00, the end of a day, is the next day's 00:00."""
    try:
        return parsed(text)
    except ValueError:
        return _end_of_day(text, parsed)


def _end_of_day(text: str, parsed: Callable[[str], datetime]) -> datetime | None:
    """What else stands there as 24 (a day, a part of a year) is no time when it is changed: the hour is left."""
    for place in (found.start() for found in _HOUR_24.finditer(text)):
        try:
            begin, last = (parsed(f"{text[:place]}{hour}{text[place + 2 :]}") for hour in ("00", "23"))
            if last - begin == _LAST_HOUR and begin.time() == time():
                return begin + timedelta(days=1)
        except (ValueError, OverflowError):
            continue
    return None


DOUBTFUL = "the clock showed it twice, and the lines do not tell which: give offsets, or the whole hour sorted by time"


def second_ones(stamps: Sequence[tuple[int, int]], before: int | None, after: int | None) -> range | None:
    """Which stamps of one doubled hour, in the order of the file, are of its second time; None where none can tell.

    ``stamps``: both instants of each. ``before``, ``after``: the stamps around them in the series, where there are any;
    they tell the direction. The one step against it is where the clock was set back.
    """
    firsts = [first for first, _ in stamps]
    low, high = min(firsts), max(second for _, second in stamps)
    rising = (before is None or before < low) and (after is None or after > high)
    falling = (before is None or before > high) and (after is None or after < low)
    backs = [place for place, (a, b) in enumerate(pairwise(firsts), 1) if a >= b]
    ons = [place for place, (a, b) in enumerate(pairwise(firsts), 1) if a <= b]
    ways = [range(backs[0] if backs else 0, len(firsts))] if rising and len(backs) < 2 else []
    ways += [range(ons[0] if ons else 0)] if falling and len(ons) < 2 else []
    return ways[0] if len(ways) == 1 and 0 < len(ways[0]) < len(firsts) else None


class Length:
    """Of an interval: a number of seconds, or whole days of a zone (23 to 25 hours)."""

    def __init__(self, text: str, zone: tzinfo | None) -> None:
        found = _LENGTH.fullmatch(text)
        if found is None or not int(found[1]):
            raise MapRefused(Wrong(0, "interval", "a number and s, min, h or d"))
        number, unit = int(found[1]), found[2]
        self._days = number if unit == "d" else 0
        self._seconds = 0 if unit == "d" else number * _SECONDS[unit]
        self._zone: tzinfo = zone or UTC

    @property
    def of_days(self) -> bool:
        return self._days > 0

    def end(self, begin: int) -> int:
        return self._moved(begin, 1)

    def begin(self, end: int) -> int:
        return self._moved(end, -1)

    def _moved(self, at: int, way: int) -> int:
        if not self._days:
            return at + way * self._seconds
        local = datetime.fromtimestamp(at, self._zone)
        there = local.replace(tzinfo=None) + timedelta(days=way * self._days)
        return int(there.replace(tzinfo=self._zone).timestamp())
