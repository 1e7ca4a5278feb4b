"""What a stream in intervals tells of a time that it has passed already. Pure.

A stream tells each interval once, and none that has no number: it may get one as long as something can come late. What
comes late may change what was told, and then it is told again. So may what comes in time: a reading tells that those
before it were nonsense. Until that is decided the interval in which the register leapt has no number. So as long as one
near by has none, all that was told there is looked at again; and with each that is passed the few before it, for the
leap may lie in that one, and be decided by its end.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from operator import attrgetter

from gateway.door.egress import Part
from gateway.door.windows import cut
from meter_driver.amounts.leaps import settles
from meter_driver.intervals import micros
from meter_driver.quantities import REGISTERS, parse
from policies.minimise import beside_of, edges_of, interval_of
from policies.terms import ONE_DAY, Grant, Period, Row
from policies.vault.values import Value

MOST_UNTOLD = 500
"""Gaps that a stream remembers of a meter's quantity: ten days of which every other quarter of an hour is missing."""
_MICROSECOND = timedelta(microseconds=1)
_STANDS = timedelta(hours=1)
"""An interval further from an entry, or from a value that stands until the next one, has nothing of it."""
MOST_TOLD = 200
"""Intervals of a meter's quantity of which a stream knows what it told: two days of quarters of an hour. Of
older ones it reads what it told, from what was there then."""


class OnceTold:
    """Which intervals a stream told: of each meter's quantity the stretches without a gap, ascending.

    Mostly that is one. What lies in a gap may still be told. Where there are more than ``MOST_UNTOLD``, the oldest is
    given up: it counts as told.

    ``since``: when the stream began; what was measured before and comes now is late.
    """

    def __init__(self, since: datetime) -> None:
        self._since = since
        self._latest: dict[tuple[str, str], datetime] = {}
        self._stretches: defaultdict[tuple[str, str], list[Period]] = defaultdict(list)
        self._said: defaultdict[tuple[str, str], _Said] = defaultdict(_Said)

    def first_time(self, part: Part) -> Part | None:
        """What was not told before, or not so, and is told herewith; None where nothing is left."""
        rows = [row for row in part.released.rows if self._news(row)]
        return replace(part, released=replace(part.released, rows=rows)) if rows else None

    def gaps(self, quantity: str, meter: str, period: Period) -> Iterator[Period]:
        """What was not told of a period, ascending."""
        start = period.start
        for told in self._stretches[quantity, meter]:
            if start < min(told.start, period.end):
                yield Period(start, min(told.start, period.end))
            start = max(start, told.end)
        if start < period.end:
            yield Period(start, period.end)

    def forgot(self, row: Row) -> bool:
        """Whether its interval was told too long ago to be known: then what was read shows whether it was otherwise."""
        told = self._stretches[row.quantity, row.meter]
        at = bisect_right(told, row.start, key=attrgetter("start"))
        return at > 0 and row.start < told[at - 1].end and not self._said[row.quantity, row.meter].knows(row)

    def late(self, value: Value) -> bool:
        """Whether something later was known of its meter's quantity before: what was told may have rested on that."""
        return value.first_at < self._latest.get((value.quantity, value.meter), self._since)

    def came(self, values: Sequence[Value]) -> None:
        """From now on something earlier is late."""
        for value in values:
            name = value.quantity, value.meter
            self._latest[name] = max(value.last_at, self._latest.get(name, self._since))

    def remember(self, other: "OnceTold") -> None:
        """What another one told counts as told by this one too."""
        for name, told in other._stretches.items():
            self._stretches[name] = _union([*self._stretches[name], *told])
            _give_up_oldest(self._stretches[name])
        for name, said in other._said.items():
            self._said[name].remember(said)

    def _news(self, row: Row) -> bool:
        said = self._said[row.quantity, row.meter]
        if row.value is None or not self._add(row):
            return said.changed(row)
        said.note(row)
        return True

    def _add(self, row: Row) -> bool:
        """Whether it was not told before."""
        told = self._stretches[row.quantity, row.meter]
        at = bisect_right(told, row.start, key=attrgetter("start"))
        if at and row.start < told[at - 1].end:
            return False
        begin = at - 1 if at and told[at - 1].end == row.start else at
        end = at + 1 if at < len(told) and told[at].start == row.end else at
        beside = [*told[begin:end], Period(row.start, row.end)]
        told[begin:end] = [Period(min(each.start for each in beside), max(each.end for each in beside))]
        _give_up_oldest(told)
        return True


class _Said:
    """What was told of the newest intervals of a meter's quantity: not the numbers, but whether they are the same."""

    def __init__(self) -> None:
        self._begins, self._prints = array("q"), array("q")

    def note(self, row: Row) -> None:
        """It is told the first time."""
        at = bisect_left(self._begins, micros(row.start))
        self._begins.insert(at, micros(row.start))
        self._prints.insert(at, _print(row))
        if len(self._begins) > MOST_TOLD:
            del self._begins[0], self._prints[0]

    def remember(self, other: "_Said") -> None:
        """Also what another one told, where this one told nothing."""
        newest = sorted((other._all() | self._all()).items())[-MOST_TOLD:]
        self._begins, self._prints = (array("q", [each[n] for each in newest]) for n in (0, 1))

    def changed(self, row: Row) -> bool:
        """Whether it was told otherwise, and is told so herewith. What is not known any more was told like this."""
        at, new = bisect_left(self._begins, micros(row.start)), _print(row)
        if not self.knows(row) or self._prints[at] == new:
            return False
        self._prints[at] = new
        return True

    def knows(self, row: Row) -> bool:
        """Whether how it was told is."""
        at = bisect_left(self._begins, micros(row.start))
        return self._begins[at : at + 1] == array("q", [micros(row.start)])

    def _all(self) -> dict[int, int]:
        """By where they begin."""
        return dict(zip(self._begins, self._prints, strict=True))


def _print(row: Row) -> int:
    return hash((row.value, row.unit, row.status))


def _union(spans: Iterable[Period]) -> list[Period]:
    """Ascending; those that touch are one."""
    found: list[Period] = []
    for span in sorted(spans, key=attrgetter("start")):
        if found and span.start <= found[-1].end:
            found[-1] = Period(found[-1].start, max(span.end, found[-1].end))
        else:
            found.append(span)
    return found


def _give_up_oldest(told: list[Period]) -> None:
    """Where there are more gaps than are remembered the oldest count as told."""
    while len(told) > MOST_UNTOLD + 1:
        told[:2] = [Period(told[0].start, told[1].end)]


def touched(fresh: Sequence[Value], grant: Grant, done: datetime, told: OnceTold, zone: tzinfo) -> Iterator[Period]:
    """Windows of whole intervals before ``done`` that may have a number, or another one, by what came; ascending.

    What came may be later than ``done``: a reading closes the interval before it, and that of another meter may have
    been passed meanwhile.
    """
    spans = _union(_open(fresh, grant, done, told, zone))
    told.came(fresh)
    for span in spans:
        yield from cut(span, grant.resolution, zone)


def again_from(done: datetime, grant: Grant) -> datetime:
    """From when on intervals are looked at again with those that are passed now."""
    before = grant.resolution + timedelta(microseconds=settles(grant.resolution // _MICROSECOND))
    return max(done - before, grant.period.start)


def _open(fresh: Sequence[Value], grant: Grant, done: datetime, told: OnceTold, zone: tzinfo) -> Iterator[Period]:
    """Around each value all intervals if it is late, or may turn what was told; else what was not told among them."""
    for value in fresh:
        if (known := parse(value.quantity)) is None or not known.present:
            continue  # it has no intervals
        register = known.kind in REGISTERS
        beside = beside_of(grant.resolution) if register else min(grant.resolution, ONE_DAY) + _STANDS
        start, _ = interval_of(value.first_at - beside, grant.resolution, zone)
        _, end = interval_of(value.last_at + beside, grant.resolution, zone)
        reach = Period(max(start, grant.period.start), min(end, done))
        gaps = list(told.gaps(value.quantity, value.meter, reach))
        if value.first_at < done or told.late(value) or (gaps and register):
            gaps = [reach]
        if edges := [edge for gap in gaps for edge in edges_of(gap, grant.resolution, zone)]:
            yield Period(edges[0][0], edges[-1][1])
