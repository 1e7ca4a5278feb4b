"""A told interval protects everybody in it: who may still be seen singly, and whose hours are left out.

Single values that are given after a figure was told can be taken off it as well as those that were given before. So of
each cohort that told something it is kept how many members may be seen until fewer than k were left; when those are
used up, the others' single values of the told intervals stay back. Durable before the first byte.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, insert, or_, select, update

from gateway.cohorts.draw import epoch_of
from gateway.storage.port import Store
from gateway.storage.tables.cohorts import member, told
from policies.beside import given_beside, looked_at
from policies.terms import AS_RECEIVED, Grant, Period, SubjectId

EPOCHS_NAMED = 90
"""Days of which a household is told who was shown figures with it in them."""
GRANTS_AT_ONCE = 500
"""Households whose cohorts are looked up in one question."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a cohort told of its epoch. ``intervals``: their numbers. ``slack``: how many may still be seen singly."""

    node: str
    epoch: Period
    interval: timedelta
    intervals: frozenset[int]
    slack: int

    def periods(self) -> list[Period]:
        """What was told, ascending; neighbours are one."""
        runs = groupby(enumerate(sorted(self.intervals)), key=lambda pair: pair[1] - pair[0])
        told_runs = [[number for _, number in run] for _, run in runs]
        begin = self.epoch.start
        return [Period(begin + run[0] * self.interval, begin + (run[-1] + 1) * self.interval) for run in told_runs]


class Protection:
    """``turn``: whoever tells a figure and whoever gives a single value take it, so that each knows of the other."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.turn = asyncio.Lock()

    async def seen(self, node: str) -> frozenset[SubjectId]:
        """Members of a cohort that do not count, since its figures were told."""
        query = select(member.c.subject).where(member.c.node == node, member.c.epoch == _epoch_of(node), member.c.seen)
        return await self._store.look(lambda c: frozenset(SubjectId(row.subject) for row in c.execute(query)))

    async def told_with(self, subject: SubjectId) -> Sequence[str]:
        """Cohorts that told something with this household in it, the newest first."""
        query = select(member.c.node).where(member.c.subject == subject).order_by(member.c.epoch.desc())
        return await self._store.look(lambda c: [row.node for row in c.execute(query.limit(EPOCHS_NAMED))])

    async def told_otherwise(self, place: str, epoch: date, interval: timedelta) -> bool:
        """Whether something of an epoch was told in a place's zone in cells of another length."""
        zone, begin = place.partition("/")[0], epoch_of(epoch).start.timestamp()
        inside = or_(*(told.c.node.startswith(zone + mark, autoescape=True) for mark in "#/"))
        other = told.c.seconds != int(interval.total_seconds())
        query = select(told.c.node).where(told.c.begin == begin, other, inside).limit(1)
        return await self._store.look(lambda connection: connection.execute(query).first() is not None)

    @staticmethod
    def put(connection: Connection, shown: Shown, members: Mapping[SubjectId, bool]) -> None:
        """That a cohort told something (more), inside the transaction of its cells. ``members``: who was seen."""
        known = connection.execute(select(told).where(told.c.node == shown.node)).first()
        if known is None:
            epoch = shown.epoch.start.date().isoformat()
            rows = [{"subject": m, "epoch": epoch, "node": shown.node, "seen": seen} for m, seen in members.items()]
            connection.execute(insert(member), rows)
            connection.execute(insert(told).values(_row_of(shown)))
            return
        numbers = shown.intervals | _numbers(known.intervals)
        values = {"intervals": _bits(numbers), "slack": min(shown.slack, known.slack)}
        connection.execute(update(told).where(told.c.node == shown.node).values(values))

    async def left_out(self, grants: Sequence[Grant]) -> list[list[Period]]:
        """Of each grant, the told hours that must be left out of it. Who may be seen by it is seen from now on."""
        if not grants:
            return []
        async with self.turn:
            parts = [grants[at : at + GRANTS_AT_ONCE] for at in range(0, len(grants), GRANTS_AT_ONCE)]
            looks = [await self._store.look(partial(_touched, grants=some)) for some in parts]
            touched = [each for look in looks for each in look]
            free = {(each.subject, each.node) for mine in touched for each in mine if each.slack > 0}
            now_seen = await self._store.write(lambda connection: _see(connection, free)) if free else set()
        return [
            [period for each in mine if (each.subject, each.node) not in now_seen for period in each.periods]
            for mine in touched
        ]


class _Touched(NamedTuple):
    """Told hours of a cohort with a household in it that stand in the way of a grant."""

    subject: SubjectId
    node: str
    slack: int
    periods: Sequence[Period]


def _touched(connection: Connection, grants: Sequence[Grant]) -> list[list[_Touched]]:
    """For each grant what was told with its household in it, as far as it has not been seen. In a reader's thread."""
    stands = [grant for grant in grants if grant.resolution == AS_RECEIVED]
    others = [grant for grant in grants if grant.resolution != AS_RECEIVED]
    shown = {True: _shown(connection, stands, _since), False: _shown(connection, others, _inside)}
    return [
        _worth_it(
            grant,
            [
                _Touched(grant.subject, each.node, each.slack, within)
                for each in shown[grant.resolution == AS_RECEIVED].get(grant.subject, ())
                if (within := [p for p in each.periods() if not p.intersect(looked_at(grant)).empty])
            ],
        )
        for grant in grants
    ]


_Rows = Select[Any]
"""Of told cohorts, with each member whom they hide."""


def _shown(
    connection: Connection, grants: Sequence[Grant], narrow: Callable[[_Rows, Sequence[Grant]], _Rows]
) -> Mapping[str, Sequence[Shown]]:
    """By household, the oldest first."""
    if not grants:
        return {}
    found: dict[str, list[Shown]] = {}
    query = _hidden(select(member.c.subject, told), grants).order_by(member.c.epoch)
    for row in connection.execute(narrow(query, grants)):
        found.setdefault(row.subject, []).append(_shown_of(row))
    return found


def _hidden(columns: _Rows, grants: Sequence[Grant]) -> _Rows:
    """Since the day on which the first of the grants begins."""
    first = min(grant.period.start for grant in grants).astimezone(UTC).date().isoformat()
    mine = (member.c.subject.in_({grant.subject for grant in grants}), member.c.seen.is_(False))
    return columns.join(told, told.c.node == member.c.node).where(*mine, member.c.epoch >= first)


def _inside(query: _Rows, grants: Sequence[Grant]) -> _Rows:
    """The epochs of their periods."""
    last = max(grant.period.end for grant in grants).astimezone(UTC).date().isoformat()
    return query.where(member.c.epoch <= last)


def _since(query: _Rows, grants: Sequence[Grant]) -> _Rows:
    """Of each household from the last epoch on in which nobody more may be seen: before it nothing is given."""
    last = _hidden(select(member.c.subject, func.max(member.c.epoch).label("epoch")), grants)
    wall = last.where(told.c.slack <= 0).group_by(member.c.subject).subquery()
    return query.outerjoin(wall, wall.c.subject == member.c.subject).where(
        or_(wall.c.epoch.is_(None), member.c.epoch >= wall.c.epoch)
    )


def _worth_it(grant: Grant, mine: list[_Touched]) -> list[_Touched]:
    """As received alone the last in which nobody more may be seen, where it leaves nothing of the grant: for the sake
    of the others nothing is to be used up."""
    walls = [each for each in mine if each.slack <= 0]
    if grant.resolution != AS_RECEIVED or not walls or given_beside(grant, walls[-1].periods):
        return mine
    return walls[-1:]


def _see(connection: Connection, wanted: Iterable[tuple[SubjectId, str]]) -> set[tuple[SubjectId, str]]:
    """Those who may be seen without bringing the others below k; first come, first seen."""
    seen = set()
    for subject, node in sorted(wanted):
        one_less = update(told).where(told.c.node == node, told.c.slack > 0).values(slack=told.c.slack - 1)
        if connection.execute(one_less).rowcount:
            mine = (member.c.subject == subject, member.c.node == node)
            connection.execute(update(member).where(*mine).values(seen=True))
            seen.add((subject, node))
    return seen


def _row_of(shown: Shown) -> dict[str, Any]:
    seconds, begin = int(shown.interval.total_seconds()), shown.epoch.start.timestamp()
    return {
        "node": shown.node,
        "begin": begin,
        "seconds": seconds,
        "intervals": _bits(shown.intervals),
        "slack": shown.slack,
    }


def _shown_of(row: Any) -> Shown:
    begin = datetime.fromtimestamp(row.begin, UTC)
    epoch = Period(begin, begin + timedelta(days=1))
    return Shown(row.node, epoch, timedelta(seconds=row.seconds), _numbers(row.intervals), row.slack)


def _bits(numbers: Collection[int]) -> str:
    return f"{sum(1 << n for n in numbers):x}"


def _numbers(bits: str) -> frozenset[int]:
    value = int(bits, 16)
    return frozenset(n for n in range(value.bit_length()) if value >> n & 1)


def _epoch_of(node: str) -> str:
    """The day in a cohort's name, ``place#epoch-number``."""
    return node.rpartition("#")[2].rpartition("-")[0]
