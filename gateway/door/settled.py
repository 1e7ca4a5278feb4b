"""Days that tell by themselves what their quarters tell. Pure.

A question by day is answered from quarters as long as those are held, since only they show a seam or a silence where it
is. Where nothing of that kind is in a window, its days say the same and are a hundredth of it.
"""

from collections.abc import Iterable, Sequence
from datetime import date, tzinfo
from itertools import groupby, pairwise

from meter_driver.amounts.leaps import COMES_BACK
from meter_driver.intervals import day_edges
from meter_driver.quantities import REGISTERS, Kind, parse
from policies.terms import ONE_DAY
from policies.vault.values import Value


def plain_days(values: Iterable[Value], days: Sequence[date], zone: tzinfo) -> bool:
    """Whether ``values``, of class ``day``, are those of meters that spoke on each of ``days`` without anything odd.

    That is: one value a day (and of a register that counts both ways its last stand) in one unit, status and serial
    number, stands that rise and are too many to be nonsense together, entries inside their day of which none is told
    twice, and no day on which the clocks change.
    """
    edges = {day: day_edges(day, zone) for day in days}
    if any(end - begin != ONE_DAY for begin, end in edges.values()):
        return False
    ordered = sorted(values, key=lambda v: (v.meter, v.quantity, v.at, v.first_at))
    for (_, quantity), group in groupby(ordered, key=lambda v: (v.meter, v.quantity)):
        some, known = list(group), parse(quantity)
        if known is None or not known.present:
            continue
        if known.kind is Kind.NET:
            some = _without_last_stands(some, len(days))
        if [v.at for v in some] != [begin for begin, _ in edges.values()]:
            return False
        if len({(v.unit, v.status, v.serial) for v in some}) > 1 or not _sound(known.kind, some):
            return False
    return True


def _without_last_stands(some: list[Value], days: int) -> list[Value]:
    """Of a register that counts both ways: its days have a value of all stands but the last, and one of the last."""
    if len(some) != 2 * days:
        return some
    pairs = zip(some[::2], some[1::2], strict=True)
    whole = all(one.count > COMES_BACK and two.first_at == two.last_at for one, two in pairs)
    return some[::2] if whole else some


def _sound(kind: Kind, some: Sequence[Value]) -> bool:
    if kind is Kind.INTERVAL:
        return all(v.last_at <= v.at + ONE_DAY and v.covered <= v.last_at - v.first_at for v in some)
    if kind in REGISTERS and kind is not Kind.NET:
        rises = all(one.last <= two.first for one, two in pairwise(some))
        return rises and all(v.first <= v.last and v.count > COMES_BACK for v in some)
    return True
