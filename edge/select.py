"""Which readings leave the house: quantity, cadence, dead band. Pure.

The gateway computes amounts and means from what is sent, so what is held back has bounds. A dead band is silent for
900 s at most, for no longer does a value stand there (``meter_driver.amounts.means``). Of a register the first stand in
each quarter of an hour is sent, by which quarters, hours and days are told. An entry of a load profile is an amount:
the first of each interval is sent. None of this sends more often than a cadence longer than a quarter of an hour.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from meter_driver import quantities
from meter_driver.quantities import REGISTERS, Kind
from meter_driver.reading import Reading

EVERY_QUANTITY = "*"
MAX_SERIES = 10_000
"""Series remembered; beyond it all are forgotten, which costs one reading each: made-up names cannot make it grow."""
LONGEST_SILENCE = timedelta(seconds=900)
"""Of a value in its dead band; a quarter of an hour as well."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SelectionRule:
    """What is kept of one quantity.

    Attributes:
        quantity: as in ``Reading``, or ``*`` for every number that no other rule names (texts are serial numbers,
            as a rule: they leave when they are named).
        every: cadence; the first reading in each window of this length is kept, windows count from midnight UTC
            (for lengths that divide a day). Zero keeps all.
        band: dead band in the reading's unit; what is not further than this from the last one kept is left out ...
        at_least: ... unless the last one kept is this old. Zero: no such limit but ``LONGEST_SILENCE``.
    """

    quantity: str
    every: timedelta = timedelta(0)
    band: Decimal = Decimal(0)
    at_least: timedelta = timedelta(0)


SeriesKey = tuple[str, str, str]
"""Meter, its serial number, quantity."""


@dataclass(slots=True)
class Last:
    """The reading of a series that was kept last; ``seen``: the instant of the last one that came."""

    at: datetime
    value: Decimal | str
    start: datetime | None
    seen: datetime


@dataclass(slots=True)
class Selection:
    """The rules and what they remember. No rule: nothing leaves."""

    rules: Mapping[str, SelectionRule]
    last: dict[SeriesKey, Last] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: Iterable[SelectionRule]) -> "Selection":
        """From rules; of two for one quantity the later one holds."""
        return cls({rule.quantity: rule for rule in rules})

    def keep(self, readings: Iterable[Reading], written: Callable[[Reading], bool] = lambda _: True) -> list[Reading]:
        """Those that leave, in their order. A reading without an instant never does.

        ``written`` is asked last: what it says no to does not leave, and is not remembered.
        """
        return [reading for reading in readings if self._keeps(reading, written)]

    def _keeps(self, reading: Reading, written: Callable[[Reading], bool]) -> bool:
        rule = self.rules.get(reading.quantity)
        if rule is None and isinstance(reading.value, Decimal):
            rule = self.rules.get(EVERY_QUANTITY)
        if rule is None or reading.at is None:
            return False
        series = (reading.meter, reading.serial, reading.quantity)
        last = self.last.get(series)
        if last is not None and not _due(rule, last, reading, reading.at):
            last.seen = reading.at
            return False
        if not written(reading):
            return False
        if len(self.last) >= MAX_SERIES:
            self.last.clear()
        self.last[series] = Last(reading.at, reading.value, reading.start, reading.at)
        return True


def _due(rule: SelectionRule, last: Last, reading: Reading, at: datetime) -> bool:
    """A clock that was set back opens a window too: better one reading more than silence until it catches up."""
    value = reading.value
    known = quantities.parse(reading.quantity)
    counts = known is not None and (known.kind in REGISTERS or known.kind is Kind.INTERVAL)
    if rule.every <= LONGEST_SILENCE and _begins(last, reading, at, counts=counts):
        return True
    if rule.every and _window(at, rule.every) == _window(last.at, rule.every):
        return False
    if rule.at_least and at - last.at >= rule.at_least:
        return True
    if not rule.band or not isinstance(value, Decimal) or not isinstance(last.value, Decimal):
        return True
    return abs(value - last.value) > rule.band or (not counts and _silent(last, at))


def _begins(last: Last, reading: Reading, at: datetime, *, counts: bool) -> bool:
    """The first amount of an entry's interval; of what ``counts`` energies and the like, the first in a quarter."""
    if reading.start is not None and reading.start != last.start:
        return True
    return counts and _window(at, LONGEST_SILENCE) != _window(last.at, LONGEST_SILENCE)


def _silent(last: Last, at: datetime) -> bool:
    """Will it be too long when the next reading comes, or the one after it, should that be lost on the line?"""
    return abs(at - last.at) + 2 * abs(at - last.seen) > LONGEST_SILENCE


def _window(at: datetime, length: timedelta) -> int:
    return (at - _EPOCH) // length
