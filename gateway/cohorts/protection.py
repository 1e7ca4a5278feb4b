"""A told interval protects everybody in it: who may still be seen singly, and whose hours are left out.

Single values that are given after a figure was told can be taken off it as well as those that were given before. So of
each cohort that told something it is kept how many members may be seen until fewer than k were left; when those are
used up, the others' single values of the told intervals stay back. Durable before the first byte.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update

from gateway.storage.port import Store
from gateway.storage.tables.cohorts import member, told
from policies.terms import Grant, Period, SubjectId

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
    """Told hours of a cohort with a household in it, within a grant."""

    subject: SubjectId
    node: str
    slack: int
    periods: Sequence[Period]


def _touched(connection: Connection, grants: Sequence[Grant]) -> list[list[_Touched]]:
    """For each grant what was told with its household in it, as far as it has not been seen. In a reader's thread."""
    first = min(grant.period.start for grant in grants).astimezone(UTC).date().isoformat()
    last = max(grant.period.end for grant in grants).astimezone(UTC).date().isoformat()
    query = (
        select(member.c.subject, told)
        .join(told, told.c.node == member.c.node)
        .where(member.c.subject.in_({grant.subject for grant in grants}))
        .where(member.c.epoch.between(first, last), member.c.seen.is_(False))
        .order_by(member.c.epoch)
    )
    shown: dict[str, list[Shown]] = {}
    for row in connection.execute(query):
        shown.setdefault(row.subject, []).append(_shown_of(row))
    return [
        [
            _Touched(grant.subject, each.node, each.slack, within)
            for each in shown.get(grant.subject, ())
            if (within := [p for p in each.periods() if not p.intersect(grant.period).empty])
        ]
        for grant in grants
    ]


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
