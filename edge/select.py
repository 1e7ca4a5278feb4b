"""Which readings leave the house: quantity, cadence, dead band. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from meter_driver.reading import Reading

EVERY_QUANTITY = "*"
MAX_SERIES = 10_000
"""Series remembered; beyond it all are forgotten, which costs one reading each: made-up names cannot make it grow."""
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
        at_least: ... unless the last one kept is this old. Zero: no such limit.
    """

    quantity: str
    every: timedelta = timedelta(0)
    band: Decimal = Decimal(0)
    at_least: timedelta = timedelta(0)


SeriesKey = tuple[str, str]
"""Meter and quantity."""


@dataclass(frozen=True, slots=True)
class Last:
    """The reading of a series that was kept last."""

    at: datetime
    value: Decimal | str


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
        series = (reading.meter, reading.quantity)
        last = self.last.get(series)
        if last is not None and not _due(rule, last, reading.at, reading.value):
            return False
        if not written(reading):
            return False
        if len(self.last) >= MAX_SERIES:
            self.last.clear()
        self.last[series] = Last(reading.at, reading.value)
        return True


def _due(rule: SelectionRule, last: Last, at: datetime, value: Decimal | str) -> bool:
    """A clock that was set back opens a window too: better one reading more than silence until it catches up."""
    if rule.every and _window(at, rule.every) == _window(last.at, rule.every):
        return False
    if rule.at_least and at - last.at >= rule.at_least:
        return True
    if not rule.band or not isinstance(value, Decimal) or not isinstance(last.value, Decimal):
        return True
    return abs(value - last.value) > rule.band


def _window(at: datetime, length: timedelta) -> int:
    return (at - _EPOCH) // length
