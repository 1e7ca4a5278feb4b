"""From stored values to what a grant lets out: only its quantities, its period, its detail, under its name.

Pure. Rows never say more than the grant: an interval that reaches over the period's edge is left out, and so is what an
entry covers outside of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial

from meter_driver.amounts.leaps import reach
from meter_driver.intervals import day_edges, month_edges
from meter_driver.quantities import AMOUNTS, MEANS, parse
from meter_driver.units import base
from policies.amounts import JOULES, NOTHING_SAID, Installation, can_change_to_joules, rows_of, said_joules
from policies.finest import Finest
from policies.gaps import Gaps
from policies.terms import AS_RECEIVED, ONE_DAY, ONE_MONTH, Grant, Period, Row
from policies.vault.values import Value
from policies.vee.corrected import corrected
from policies.vee.corrections import Correction

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST_DAY = ONE_DAY + timedelta(hours=1)
_LOCAL = {ONE_DAY: day_edges, ONE_MONTH: month_edges}
_Edges = list[tuple[datetime, datetime]]
Installed = Mapping[str, Installation]
"""By the meter's label."""
Corrections = Mapping[tuple[str, str], Sequence[Correction]]
"""By the meter's label and quantity."""


def minimise(
    values: Iterable[Value],
    grant: Grant,
    subject: str,
    zone: tzinfo = UTC,
    *,
    now: datetime | None = None,
    installed: Installed | None = None,
    corrections: Corrections | None = None,
    gaps: Gaps | None = None,
    joules: Set[tuple[str, str]] = frozenset(),
    finest: Finest | None = None,
) -> list[Row]:
    """Rows of one household, by quantity and meter, then instant. As received nothing is corrected.

    ``values`` are of the class that serves the grant's resolution; for intervals they should reach ``beside_of`` beyond
    the period on both sides, since registers are read around its edges. ``subject`` is the name under which the
    recipient knows the household. ``zone``: where days and months begin. What has not ended at ``now`` is not told.
    ``gaps``: of the answer that this is a window of; None where only those that readings touch are told as missing.
    ``joules``: quantity and meter of energies that are told in them, since some other window has them in joules.
    ``finest``: likewise of the answer; with it, what is known in its own length alone is told too.
    """
    wanted = sorted(
        (v for v in values if v.quantity in grant.quantities), key=lambda v: (v.quantity, v.meter, v.at, v.first_at)
    )
    edges = ended(grant.period, grant.resolution, zone, now) if grant.resolution else []
    groups: defaultdict[tuple[str, str], list[Value]] = defaultdict(list)
    for value in wanted:
        groups[value.quantity, value.meter].append(value)
    rows: list[Row] = []
    if grant.resolution == AS_RECEIVED:
        for (quantity, meter), group in groups.items():
            inside = (v for v in group if _within(grant.period, v))
            rows += [Row(subject, quantity, v.first_at, v.at, v.last, v.unit, v.status, meter) for v in inside]
        return rows
    some = {
        (quantity, meter): c for (meter, quantity), c in (corrections or {}).items() if quantity in grant.quantities
    }
    for quantity, meter in sorted(groups.keys() | some.keys()):
        said = (installed or {}).get(meter, NOTHING_SAID)
        here = (quantity, meter) in some and _joules(groups[quantity, meter], some[quantity, meter])
        unit = JOULES if here or (quantity, meter) in joules else None
        empty = Row(subject, quantity, grant.period.start, grant.period.start, None, unit, "missing", meter)
        tell = partial(_told, some.get((quantity, meter), ()), empty, said)
        told = tell(groups[quantity, meter], edges)
        if gaps is not None:
            told = gaps.filled(told, groups[quantity, meter], edges, grant.period.start, empty)
        if finest is not None:
            widest = timedelta(0) if (quantity, meter) in some else _LONGEST_DAY
            told = finest.told(told, groups[quantity, meter], grant, empty, partial(tell, widest=widest))
        rows += told
    return rows


def _told(
    corrections: Sequence[Correction],
    empty: Row,
    installed: Installation,
    values: Sequence[Value],
    edges: Sequence[tuple[datetime, datetime]],
    widest: timedelta = timedelta(0),
) -> list[Row]:
    """Rows of one quantity of one meter. ``empty``: a missing row, with who and what it is about."""
    joules = empty.unit == JOULES
    work = partial(rows_of, values, empty.quantity, empty.subject, empty.meter, installed=installed, joules=joules)
    work = partial(work, widest=widest)
    if not corrections:
        return work(edges)
    known = parse(empty.quantity)
    mean = known is not None and known.kind in MEANS
    read = _read(values) if known is not None and known.kind in AMOUNTS else ()
    return corrected(edges, corrections, work, empty, mean=mean, read=read)


def _joules(values: Sequence[Value], corrections: Sequence[Correction]) -> bool:
    """Whether all is told in joules since a reading or a correction is, of an energy that may be."""
    changing = any(base(one.unit) == "J" and can_change_to_joules(one.quantity) for one in corrections)
    return changing or bool(said_joules(values))


def _read(values: Sequence[Value]) -> Sequence[datetime]:
    return sorted({at for value in values for at in (value.first_at, value.last_at)})


def beside_of(resolution: timedelta) -> timedelta:
    """What to read on either side of intervals of a length (of months, of a day): all that decides what they are worth.

    Else the same interval would have another number in an answer that begins or ends elsewhere.
    """
    length = resolution if resolution < ONE_DAY else _LONGEST_DAY
    return timedelta(microseconds=reach(length // _MICROSECOND))


def _within(period: Period, value: Value) -> bool:
    """A reading at its instant; an entry if all that it covers lies in the period."""
    if value.first_at < value.at:
        return period.start <= value.first_at and value.at <= period.end
    return period.contains(value.at)


def ended(period: Period, resolution: timedelta, zone: tzinfo, now: datetime | None) -> _Edges:
    """``edges_of``, without what has not ended at ``now``."""
    return [edge for edge in edges_of(period, resolution, zone) if now is None or edge[1] <= now]


def edges_of(period: Period, resolution: timedelta, zone: tzinfo) -> _Edges:
    """The whole intervals inside a period. Days are local (23 to 25 hours), and so are months; shorter ones are counted
    in UTC.
    """
    edges: _Edges = []
    if resolution in _LOCAL:
        edge = local_edges(period.start, resolution, zone)
        while edge[1] <= period.end:
            if edge[0] >= period.start:
                edges.append(edge)
            edge = local_edges(edge[1], resolution, zone)
        return edges
    start = floor(period.start, resolution)
    start += resolution if start < period.start else timedelta(0)
    while start + resolution <= period.end:
        edges.append((start, start + resolution))
        start += resolution
    return edges


def local_edges(at: datetime, resolution: timedelta, zone: tzinfo) -> tuple[datetime, datetime]:
    """The local day or month that holds an instant."""
    return _LOCAL[resolution](at.astimezone(zone).date(), zone)


def interval_of(at: datetime, resolution: timedelta, zone: tzinfo) -> tuple[datetime, datetime]:
    """The interval of a length that holds an instant."""
    if resolution in _LOCAL:
        return local_edges(at, resolution, zone)
    begin = floor(at, resolution)
    return begin, begin + resolution


def floor(instant: datetime, step: timedelta) -> datetime:
    """The begin of the interval of length ``step`` that holds an instant; intervals are counted from 1970 in UTC."""
    return instant - (instant - _EPOCH) % step
