"""What readings mean: what people said of a household's meters and intervals, and in which unit its energies are told.

A stream holds on to what readings meant when it told them. When somebody says something else (an exchange, a limit, a
correction), or a meter begins to say joules, it finds here of which time that speaks, and tells it again.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from operator import attrgetter
from typing import Protocol

from msgspec import structs

from gateway.door.windows import cut
from policies.amounts import NOTHING_SAID, Declared
from policies.minimise import Corrections, Installed, beside_of, interval_of
from policies.terms import DetailClass, Grant, Period, Row, SubjectId
from policies.vee.corrections import effective

Place = tuple[str, str]
"""Quantity and meter."""
RowKey = tuple[str, str, datetime]
"""Quantity, meter and begin."""
_INSTANT = timedelta(microseconds=1)


class HouseholdMeters(Protocol):
    """What the door must know of a household's meters."""

    async def installed(self, household: SubjectId) -> Installed:
        """What was said of them, by label. Raises ``SubjectGone``."""

    def acts(self, household: SubjectId) -> int:
        """Goes up with each act that changes what ``installed`` tells."""


class Corrected(Protocol):
    """What the door must know of what was decided about a household's intervals."""

    async def of(self, household: SubjectId, detail: DetailClass, period: Period) -> Corrections:
        """Every version of the days that share something with the period, undone ones too. Raises ``SubjectGone``."""

    def newest(self, household: SubjectId) -> int:
        """The highest version that is durable; 0: there is none."""


@dataclass(frozen=True, slots=True)
class Meant:
    """What the readings of a household meant at an instant.

    Attributes:
        acts, newest: see ``HouseholdMeters`` and ``Corrected``; a correction of a higher version does not count.
        joules: of which energies all is told in joules.
    """

    acts: int
    newest: int
    installed: Installed = field(default_factory=dict)
    joules: Set[Place] = frozenset()

    def known(self, corrections: Corrections) -> Corrections:
        """Those that count."""
        found = {name: [one for one in some if one.version <= self.newest] for name, some in corrections.items()}
        return {name: left for name, some in found.items() if (left := effective(some))}


def changed_spans(before: Meant, now: Meant, grant: Grant, passed: Period) -> Iterator[Period]:
    """Of which time meters mean something else: around each exchange that came or went, or all that was passed."""
    beside = beside_of(grant.resolution)
    if any(quantity in grant.quantities for quantity, _ in now.joules - before.joules):
        yield passed
    for label in before.installed.keys() | now.installed.keys():
        was, is_ = (each.installed.get(label, NOTHING_SAID) for each in (before, now))
        if was.limit != is_.limit:
            yield passed
        for at in _told_otherwise(was.exchanges, is_.exchanges):
            yield Period(at - beside, at + beside)


def _told_otherwise(was: Sequence[Declared], now: Sequence[Declared]) -> Iterator[datetime]:
    return (each.at for some, others in ((was, now), (now, was)) for each in some if each not in others)


def corrected_spans(corrections: Corrections, since: int, grant: Grant) -> Iterator[Period]:
    """Of which time corrections speak that are newer than a version."""
    for (_, quantity), some in corrections.items():
        if quantity in grant.quantities:
            yield from (Period(one.start, one.end) for one in some if one.version > since)


def whole_intervals(spans: Iterable[Period], grant: Grant, passed: Period, zone: tzinfo) -> Iterator[Period]:
    """Windows of whole intervals that were passed and share something with the spans, ascending, none twice."""
    done = passed.start
    for span in sorted(spans, key=attrgetter("start")):
        start, _ = interval_of(max(span.start, passed.start), grant.resolution, zone)
        _, end = interval_of(span.end - _INSTANT, grant.resolution, zone)
        start, end = max(start, done), min(end, passed.end)
        if start < end:
            yield from cut(Period(start, end), grant.resolution, zone)
            done = end


def differ(was: Row | None, now: Row) -> bool:
    """Whether an interval is told otherwise."""
    if was is None:
        return now.value is not None
    return (was.value, was.unit, was.status) != (now.value, now.unit, now.status)


def missing(row: Row) -> Row:
    """Of the same interval, without its number."""
    return structs.replace(row, value=None, status="missing", completeness=Decimal(0), method="")


def key_of(row: Row) -> RowKey:
    return row.quantity, row.meter, row.start
