"""A told interval protects everybody in it: who may still be seen singly, and whose hours are left out.

Single values that are given after a figure was told can be taken off it as well as those that were given before. So of
each cohort that told something it is kept how many members may be seen until fewer than k were left; when those are
used up, the others' single values of the told intervals stay back. Durable before the first byte.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

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
            shown = await self._shown(grants)
            touched = {
                (grant.subject, each.node): each
                for grant in grants
                for each in shown.get(grant.subject, ())
                if _within(each, grant.period)
            }
            free = {key for key, each in touched.items() if each.slack > 0}
            now_seen = await self._store.write(lambda connection: _see(connection, free)) if free else set()
        kept: dict[SubjectId, list[Shown]] = {}
        for (subject, node), each in touched.items():
            if (subject, node) not in now_seen:
                kept.setdefault(subject, []).append(each)
        return [[p for each in kept.get(g.subject, ()) for p in _within(each, g.period)] for g in grants]

    async def _shown(self, grants: Sequence[Grant]) -> dict[SubjectId, list[Shown]]:
        """What was told with each household in it, as far as it has not been seen, around the periods of its grants."""
        subjects = sorted({grant.subject for grant in grants})
        first = min(grant.period.start for grant in grants).astimezone(UTC).date().isoformat()
        last = max(grant.period.end for grant in grants).astimezone(UTC).date().isoformat()
        found: dict[SubjectId, list[Shown]] = {}
        for at in range(0, len(subjects), GRANTS_AT_ONCE):
            some = subjects[at : at + GRANTS_AT_ONCE]
            query = (
                select(member.c.subject, told)
                .join(told, told.c.node == member.c.node)
                .where(member.c.subject.in_(some), member.c.epoch.between(first, last), member.c.seen.is_(False))
                .order_by(member.c.epoch)
            )
            for row in await self._store.look(lambda c, query=query: c.execute(query).fetchall()):  # type: ignore[misc]
                found.setdefault(SubjectId(row.subject), []).append(_shown_of(row))
        return found


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


def _within(shown: Shown, period: Period) -> list[Period]:
    """What was told that shares something with a period."""
    return [p for p in shown.periods() if not p.intersect(period).empty]


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
