"""A stream: what a grant covers, and then what comes in, as long as the yes stands."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from gateway.clock import Clock
from gateway.door.egress import Part
from gateway.door.late import OnceTold, again_from, touched
from gateway.door.opening import Open, Opener
from gateway.errors import SubjectGone
from gateway.intake.desk import AHEAD
from gateway.vault.port import Mark, Vault
from policies.minimise import interval_of
from policies.terms import AS_RECEIVED, DetailClass, Period, SubjectId, class_of
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
        joined: households that may be opened now and were not before; written down in the ledger already.
    """

    alive: Callable[[], bool]
    gone: Callable[[], bool]
    joined: Callable[[frozenset[SubjectId]], Awaitable[Sequence[Open]]] | None = None


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
        late. One that has none is not told: it may still get it. What was told otherwise is told again, as corrected.
        """
        tails = [self._tail(o) for o in all_]
        for tail in tails:
            if tail.opened.grant.resolution == AS_RECEIVED:
                async for part in self._opener.parts(tail.opened, tail.mark):
                    yield part
        while live := [t for t in tails if t.opened.standing.still()]:
            if not watch.alive() or watch.gone() or all(self._clock() >= t.opened.grant.period.end for t in live):
                return
            news = self._vault.news(live[0].opened.grant.subject)
            for tail in live:
                async for part in self._fresh(tail):
                    yield part
            await _moment(news if watch.joined is None else None)
            if watch.joined is not None:
                known = frozenset(t.opened.grant.subject for t in live)
                tails = [*live, *[self._tail(o) for o in await watch.joined(known)]]

    def _tail(self, opened: Open) -> "_Tail":
        now, mark = self._clock(), self._vault.mark(opened.grant.subject)
        return _Tail(opened, mark, opened.grant.period.start, now + AHEAD, OnceTold(now))

    async def _fresh(self, tail: "_Tail") -> AsyncIterator[Part]:
        """What new pieces changed."""
        grant = tail.opened.grant
        as_received = grant.resolution == AS_RECEIVED
        detail = DetailClass.LIVE if class_of(grant.resolution) is DetailClass.LIVE else DetailClass.QUARTER
        try:  # days are merged later; what comes in comes in quarters
            fresh, position = await self._vault.since(tail.mark, detail, grant.quantities)
            if as_received:
                fresh = await self._changed(tail, fresh)
        except SubjectGone:
            return
        tail.mark.position = position
        parts = self._told_again(tail, fresh) if as_received else self._told_once(tail, fresh)
        async for part in parts:
            yield part

    async def _told_again(self, tail: "_Tail", fresh: Sequence[Value]) -> AsyncIterator[Part]:
        if fresh and (part := await self._opener.part(tail.opened, fresh)) is not None:
            yield part

    async def _told_once(self, tail: "_Tail", fresh: Sequence[Value]) -> AsyncIterator[Part]:
        """Intervals that were passed before, if what came gives them a number, or another one; then those passed now.

        What was told is remembered, not read again: as the vault stood at a position it may say more than it said then.
        """
        grant = tail.opened.grant
        for period in [*touched(fresh, grant, tail.done, tail.told, self._zone), *self._closed(tail, fresh)]:
            opened = replace(tail.opened, grant=replace(grant, period=period))
            async for part in self._opener.parts(opened, tail.mark):
                if (news := tail.told.first_time(part)) is not None:
                    yield news

    def _closed(self, tail: "_Tail", fresh: Sequence[Value]) -> Sequence[Period]:
        """The intervals that a later value has closed, if there are any, and those before them; they are done."""
        grant = tail.opened.grant
        latest = self._clock() if tail.first else max((v.at for v in fresh), default=tail.done)
        tail.first = False
        begun, _ = interval_of(min(latest, self._clock()), grant.resolution, self._zone)
        period = Period(tail.done, min(begun, grant.period.end))
        tail.done = max(tail.done, period.end)
        return [] if period.empty else [Period(again_from(period.start, grant), period.end)]

    async def _changed(self, tail: "_Tail", fresh: Sequence[Value]) -> Sequence[Value]:
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


def _place(value: Value) -> tuple[str, str, datetime]:
    return value.meter, value.quantity, value.at


async def _moment(news: asyncio.Event | None) -> None:
    """Until something came in, or for a while."""
    try:
        async with asyncio.timeout(LOOK_AGAIN):
            await (asyncio.sleep(LOOK_AGAIN) if news is None else news.wait())
    except TimeoutError:
        return


@dataclass(slots=True)
class _Tail:
    """How far a stream has come with one household. ``latest``: no value up to the mark is later.

    ``done``: intervals that end up to it were passed. ``told``: those of them that were told, of a stream in intervals.
    """

    opened: Open
    mark: Mark
    done: datetime
    latest: datetime
    told: OnceTold
    first: bool = True
