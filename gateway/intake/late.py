"""What comes for quarters of an hour whose readings are gone: of sums and means only their partials are held. Pure.

What lies before or after all that a quarter holds is added to it, and what replaces it as a whole takes its place:
entries that leave no gap in all of the time of which it holds some. Of what else lies between, nobody can tell any more
whether it is new or a reading told again: it is refused, never dropped. Stands of registers are held themselves, so
they are never in question.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal

from gateway.intake.axes import earliest
from gateway.intake.derive import EPOCH_DAY, Named
from gateway.intake.records import Column, Numbered, some_rows
from gateway.keeper.port import Day
from gateway.vault.merge import kind_of
from gateway.vault.partials import Clashes, merged_partials
from meter_driver.amounts.partials import begins
from meter_driver.intervals import DAY_US, QUARTER_US, quarter_begin
from meter_driver.quantities import MEANS, Kind
from policies.terms import DetailClass
from policies.vault.columns import Series

Quarter = tuple[str, str, int]
"""Meter, quantity, and begin in microseconds."""
TakenSpans = Mapping[Quarter, Sequence[tuple[int, int]]]
"""Of each quarter that cannot be added to as a whole: from when to when what it holds speaks, ascending."""


def late_days(days: Collection[Day], live: int) -> Sequence[int]:
    """Those of quarters whose readings are gone; ``live``: the oldest day of readings (ordinal)."""
    return sorted(day for detail, day in days if detail is DetailClass.QUARTER and day < live)


def is_late(columns: Collection[Column], live: int) -> bool:
    """Whether something may be of a quarter whose readings are gone."""
    return earliest(column.starts for column in columns) < (live - EPOCH_DAY) * DAY_US


def taken(held: Sequence[Series], new: Sequence[Series]) -> TakenSpans:
    """``held``: one partial of each quarter, unit and meter; so ``new``. What says exactly the same takes nothing."""
    clashes: Clashes = {}
    both = merged_partials([held, new], clashes)
    if not clashes:
        return {}
    before, after, counts = _said(held), _said(new), _said(both)
    return {
        quarter: sorted(_span(quarter, one) for one in before[quarter])
        for quarter in clashes
        if quarter in before
        and before[quarter] != (told := after.get(quarter, []))
        and not (counts.get(quarter) == told and _whole(quarter, told, before[quarter]))
    }


def _span(quarter: Quarter, said: "_Said") -> tuple[int, int]:
    """Of what stands after its instant, with that; an entry and a mean end where the next one may begin."""
    first_at, last_at, count, *_ = said
    return first_at, last_at + (count > 0 and kind_of(quarter[1]) in MEANS)


_Said = tuple[int, int, int, int, Decimal, Decimal, Decimal, str | None, str]


def _whole(quarter: Quarter, told: Sequence[_Said], held: Sequence[_Said]) -> bool:
    """Whether entries tell without a gap all the time of which some is held, and no more than the quarter."""
    _, quantity, begin = quarter
    if kind_of(quantity) is not Kind.INTERVAL or len(told) != 1:
        return False
    first_at, last_at, _, covered, *_ = told[0]
    earliest, latest = min(one[0] for one in held), max(one[1] for one in held)
    inside = first_at <= earliest and latest <= last_at <= max(latest, begin + QUARTER_US)
    return inside and covered == last_at - first_at


def _said(series: Sequence[Series]) -> Mapping[Quarter, Sequence[_Said]]:
    """Of sums and means."""
    found: dict[Quarter, list[_Said]] = {}
    for one in series:
        firsts, lasts, *totals = one.values
        for at, first_at, last_at, count, covered, first, last, total in (
            zip(*one.axis, firsts, lasts, *totals, strict=True) if totals else ()
        ):
            values = Decimal(first).scaleb(one.exponent), Decimal(last).scaleb(one.exponent)
            whole = Decimal(total).scaleb(one.total_exponent)
            said = (first_at, last_at, count, covered, *values, whole, one.unit, one.status)
            found.setdefault((one.meter, one.quantity, at), []).append(said)
    return found


def nowhere_kept(kind: Kind, column: Column, live: int, quarter: int) -> Sequence[bool]:
    """Of each reading whether no class keeps it: an amount or mean that ends before ``live`` (an instant), of an
    interval that nobody told, or that begins before ``quarter``: it belongs to the quarter of its begin.
    """
    spanned = kind in (Kind.INTERVAL, Kind.MEAN)
    return [
        spanned and at < live and (start == at or start < quarter)
        for start, at in zip(column.starts, column.ats, strict=True)
    ]


def told_again(name: Named, column: Column, spans: TakenSpans) -> Sequence[bool]:
    """Of each reading whether it lies between what its quarter holds."""
    return [
        any(first < until and (at > since or first == since) for since, until in spans.get(_of(name, first), ()))
        for first, at in zip(begins(name.kind, column.starts, column.ats), column.ats, strict=True)
    ]


def apart(told: Sequence[Numbered], spans: TakenSpans) -> Iterator[Numbered]:
    """The same, of each quarter what comes before something that is held apart from what comes after it."""
    for one in told:
        name, column, _ = one
        layers: dict[int, list[int]] = {}
        for row, first in enumerate(begins(name.kind, column.starts, column.ats)):
            earlier = [since for since, _ in spans.get(_of(name, first), ()) if since < first]
            layers.setdefault(len(earlier), []).append(row)
        for _, rows in sorted(layers.items()):
            yield some_rows(one, rows)


def _of(name: Named, first: int) -> Quarter:
    return name.meter, name.quantity, quarter_begin(first)
