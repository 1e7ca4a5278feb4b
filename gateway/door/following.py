"""A stream: what a grant covers, and then what comes in, as long as the yes stands."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from gateway.clock import Clock
from gateway.door.egress import Part
from gateway.door.late import OnceTold, again_from, touched
from gateway.door.meant import Meant, differ, key_of, missing
from gateway.door.opening import Open, Opener
from gateway.door.tails import Left, Tail
from gateway.errors import SubjectGone
from gateway.intake.desk import AHEAD
from gateway.vault.merge import kind_of
from gateway.vault.port import Mark, Vault
from meter_driver.amounts.partials import summed
from policies.minimise import interval_of
from policies.terms import AS_RECEIVED, FAR_FUTURE, DetailClass, Grant, Period, Row, SubjectId, class_of
from policies.vault.values import Value

LOOK_AGAIN = 1.0
"""Seconds after which a waiting stream looks whether its ground, its recipient or its connection is still there."""
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Watch:
    """What a stream looks at while it waits.

    Attributes:
        alive: whether the recipient still has its right.
        gone: whether the connection is gone.
        joined: of a portfolio what may be opened now and was not before, or stands no longer by what it was opened by;
            written down in the ledger already. Such a stream goes on when nobody is left: somebody may join.
        until: when it ends, whoever is in it.
    """

    alive: Callable[[], bool]
    gone: Callable[[], bool]
    joined: Callable[[], Awaitable[Sequence[Open]]] | None = None
    until: datetime = FAR_FUTURE

    def over(self, now: datetime, live: Sequence[Open]) -> bool:
        """Whether there is nothing left to wait for."""
        last = self.joined is None and all(now >= opened.grant.period.end for opened in live)
        return last or now >= self.until or not self.alive() or self.gone()


class Follower:
    """Holds no values between calls. ``zone``: where days begin."""

    def __init__(self, opener: Opener, vault: Vault, clock: Clock, zone: tzinfo = UTC) -> None:
        self._opener, self._vault, self._clock, self._zone = opener, vault, clock, zone

    async def follow(self, all_: Sequence[Open], watch: Watch) -> AsyncIterator[Part]:
        """What is there, then what comes, as long as somebody's ground stands.

        As received: each value once. The position of the stream is taken before the first read, and both sides of it
        are read by it, so nothing is lost or told twice in between. What comes is told if it is new: a correction of
        what was told before is told again, with the same instant and its new value; an unchanged value is not.
        In intervals: each interval once, as soon as a later value has closed it, or when it has a number by what came
        late. One that has none is not told: it may still get it. What was told otherwise is told again, as corrected:
        when something came late, and when somebody said what readings mean (``gateway.door.meant``). Energy is told in
        one unit; if a meter begins to say joules, all that was told of it is told again in joules.
        Who joins a portfolio is told like this from the begin of its own period; who comes again, by another ground,
        in intervals only what was not told of it by the former one, or is told otherwise now.
        """
        tails, left = self._tails(all_), Left(self._vault, self._clock)
        async for part in self._there(tails):
            yield part
        while (live := left.without(tails)) or watch.joined is not None:
            if watch.over(self._clock(), [tail.opened for tail in live]):
                return
            news = self._vault.news(live[0].opened.grant.subject) if watch.joined is None else None
            for tail in live:
                async for part in self._fresh(tail):
                    yield part
            await _moment(news)
            if watch.joined is not None:
                fresh = self._tails(await watch.joined())
                live, joined = left.without(live), [left.again(tail) for tail in fresh]
                tails = [*live, *joined]
                async for part in self._there(joined):
                    yield part

    def _tails(self, all_: Sequence[Open]) -> list[Tail]:
        grants: dict[SubjectId, list[Grant]] = {}
        for opened in all_:
            grants.setdefault(opened.grant.subject, []).append(opened.grant)
        return [self._tail(opened, grants[opened.grant.subject]) for opened in all_]

    def _tail(self, opened: Open, grants: Sequence[Grant]) -> Tail:
        now, mark = self._clock(), self._vault.mark(opened.grant.subject)
        return Tail(opened, grants, mark, opened.grant.period.start, now + AHEAD, OnceTold(now))

    async def _there(self, tails: Sequence[Tail]) -> AsyncIterator[Part]:
        """What is there already, of those that are told as received."""
        for tail in tails:
            if tail.opened.grant.resolution == AS_RECEIVED:
                async for part in self._opener.parts(tail.opened, tail.mark):
                    yield part

    async def _fresh(self, tail: Tail) -> AsyncIterator[Part]:
        """What new pieces changed, and what somebody said since. A household that is gone has no more to tell."""
        found = self._received(tail) if tail.opened.grant.resolution == AS_RECEIVED else self._intervals(tail)
        try:
            async for part in found:
                yield part
        except SubjectGone:
            return

    async def _received(self, tail: Tail) -> AsyncIterator[Part]:
        fresh, position = await self._vault.since(tail.mark, DetailClass.LIVE, tail.opened.grant.quantities)
        fresh = await self._changed(tail, fresh)
        tail.mark.position = position
        if fresh and (part := await self._opener.part(tail.opened, fresh)) is not None:
            yield part

    async def _intervals(self, tail: Tail) -> AsyncIterator[Part]:
        """Intervals that were passed before, if they mean something else now, or if what came gives them a number, or
        another one; then those passed now.

        What was told is remembered; only where that is too long ago, it is read again as it was before this look.
        """
        grant = tail.opened.grant
        live = class_of(grant.resolution) is DetailClass.LIVE
        detail = (
            DetailClass.LIVE if live else DetailClass.QUARTER
        )  # days are merged later; what comes comes in quarters
        before = tail.meant or await self._meant(tail)
        fresh, position = await self._vault.since(tail.mark, detail, grant.quantities)
        tail.meant, then = await self._opener.meant_after(before, grant, fresh), tail.mark
        if tail.meant is not before or fresh:
            tail.mark = self._vault.mark(grant.subject)
        tail.mark.position = position
        if tail.meant is not before:
            async for part in self._meant_otherwise(tail, tail.meant, before, then):
                yield part
        for period in touched(fresh, grant, tail.done, tail.told, self._zone):
            async for part in self._touched(tail, tail.meant, period, then):
                yield part
        for period in self._closed(tail, fresh):
            opened = replace(tail.opened, grant=replace(grant, period=period))
            async for part in self._opener.parts(opened, tail.mark, tail.meant):
                if (news := tail.told.first_time(part)) is not None:
                    yield news

    async def _meant(self, tail: Tail) -> Meant:
        """As the stream begins."""
        joules = tail.joules | await self._opener.joules(tail.grants)
        return await self._opener.meant(tail.opened.grant.subject, joules)

    async def _touched(self, tail: Tail, meant: Meant, period: Period, then: Mark) -> AsyncIterator[Part]:
        """Of a window what is told otherwise by what came after ``then``."""
        opened = replace(tail.opened, grant=replace(tail.opened.grant, period=period))
        parts = [part async for part in self._opener.parts(opened, tail.mark, meant)]
        was: list[Part] = []
        if any(tail.told.forgot(row) for part in parts for row in part.released.rows):
            was = [part async for part in self._opener.parts(opened, then, meant)]
        for part in _otherwise(was, parts, tail.told):
            yield part

    async def _meant_otherwise(self, tail: Tail, now: Meant, before: Meant, then: Mark) -> AsyncIterator[Part]:
        """Of intervals that were passed what is told otherwise than it was.

        Of one that was told too long ago to be remembered that shows beside what it was by the values of ``then``.
        """
        grant = tail.opened.grant
        passed = Period(grant.period.start, tail.done)
        for period in await self._opener.meant_otherwise(before, now, grant, passed):
            opened = replace(tail.opened, grant=replace(grant, period=period))
            was = [part async for part in self._opener.parts(opened, then, before)]
            parts = [part async for part in self._opener.parts(opened, tail.mark, now)]
            for part in _otherwise(was, parts, tail.told):
                yield part

    def _closed(self, tail: Tail, fresh: Sequence[Value]) -> Sequence[Period]:
        """The intervals that a later value has closed, if there are any, and those before them; they are done."""
        grant = tail.opened.grant
        latest = self._clock() if tail.first else max((v.at for v in fresh), default=tail.done)
        tail.first = False
        begun, _ = interval_of(min(latest, self._clock()), grant.resolution, self._zone)
        period = Period(tail.done, min(begun, grant.period.end))
        tail.done = max(tail.done, period.end)
        return [] if period.empty else [Period(again_from(period.start, grant), period.end)]

    async def _changed(self, tail: Tail, fresh: Sequence[Value]) -> Sequence[Value]:
        """Without what stands there unchanged up to the mark. What is later than all that came needs no look."""
        last = {_place(value): value for value in fresh}
        seen = [value.at for value in last.values() if value.at <= tail.latest]
        tail.latest = max([tail.latest, *(value.at for value in fresh)])
        if seen:
            reach = Period(min(seen), max(seen) + _INSTANT)
            grant = tail.opened.grant
            read = self._vault.read(grant.subject, DetailClass.LIVE, grant.quantities, reach, mark=tail.mark)
            async for values in read:
                for value in values:
                    if last.get(_place(value)) == value:
                        del last[_place(value)]
        return list(last.values())


def _otherwise(was: Sequence[Part], now: Sequence[Part], told: OnceTold) -> Iterator[Part]:
    """Rows that were not told like this, or differ where nobody knows; those that are there no more, as missing."""
    before = {key_of(row): row for part in was for row in part.released.rows}
    there = {key_of(row) for part in now for row in part.released.rows}
    for part in now:
        rows = part.released.rows
        news = {key_of(row) for row in rows if told.forgot(row) and differ(before.get(key_of(row)), row)}
        if (first := told.first_time(part)) is not None:
            news |= {key_of(row) for row in first.released.rows}
        yield from _some(part, [row for row in rows if key_of(row) in news])
    for part in was:
        gone = [missing(row) for row in part.released.rows if row.value is not None and key_of(row) not in there]
        for left in _some(part, gone):
            told.first_time(left)
            yield left


def _some(part: Part, rows: Sequence[Row]) -> Sequence[Part]:
    return [replace(part, released=replace(part.released, rows=rows))] if rows else []


def _place(value: Value) -> tuple[str, str, datetime, datetime, str]:
    """What a value shares with one that takes its place: see ``gateway.vault.readings``."""
    begin = value.first_at if summed(kind_of(value.quantity)) else value.at
    return value.meter, value.quantity, value.at, begin, value.serial


async def _moment(news: asyncio.Event | None) -> None:
    """Until something came in, or for a while."""
    try:
        async with asyncio.timeout(LOOK_AGAIN):
            await (asyncio.sleep(LOOK_AGAIN) if news is None else news.wait())
    except TimeoutError:
        return
