"""The box's own clock: is it right, and what was dated by it before it was?

A box without a battery starts in the past, until the network tells it the time. A reading of a meter without a clock is
then dated by how long ago it came: the time since the machine started goes on evenly, whatever is done to the clock.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from meter_driver import senml
from meter_driver.intervals import instant, micros
from meter_driver.reading import ClockSource

STEP = 2_000_000
"""Microseconds by which a clock is set at least; by less it is made faster or slower (NTP)."""


@dataclass(frozen=True, slots=True)
class Reckoning:
    """By what the box dates.

    Attributes:
        origin: microseconds since 1970 at which the machine started.
        right: False for an origin that only stands in for the one that is not known yet.
    """

    origin: int
    right: bool = True


def since_start() -> int:
    """Microseconds since the machine started, those in which it slept too."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


class BoxClock:
    """Asked at each telegram; remembers what it dated by before."""

    def __init__(self, wall: Callable[[], datetime], elapsed: Callable[[], int], *, not_before: datetime) -> None:
        """
        Args:
            wall: UTC, may be set at any time.
            elapsed: microseconds, only goes up.
            not_before: what no right clock says is earlier: the begin of the box's certificate.
        """
        self._wall, self._elapsed, self._not_before = wall, elapsed, not_before
        self._last: Reckoning | None = None

    def now(self) -> tuple[datetime, Reckoning]:
        """An instant, and by what it was told. While the clock cannot be right it is counted from ``not_before``."""
        wall, elapsed = self._wall(), self._elapsed()
        if wall >= self._not_before:
            return wall, Reckoning(micros(wall) - elapsed)
        found = Reckoning(micros(self._not_before), right=False)
        return instant(found.origin + elapsed), found

    def changed(self, found: Reckoning) -> bool:
        """Was the clock set, or became right or wrong, since this was asked before?"""
        before, self._last = self._last, found
        if before is None:
            return False
        return before.right != found.right or abs(found.origin - before.origin) > STEP


def moved(piece: senml.Piece, by: int) -> senml.Piece:
    """The same records, those that the box dated so many microseconds later."""
    shift = timedelta(microseconds=by)
    writer = senml.Writer(piece.content_type)
    for reading in senml.parse(senml.join([piece]), piece.content_type).readings:
        if reading.clock is ClockSource.RECEIVED and reading.at is not None:
            start = None if reading.start is None else reading.start + shift
            reading = replace(reading, at=reading.at + shift, start=start)
        writer.add(reading)
    return writer.piece()
