"""The VEE desk: a day of a household looked at, and what an operator does with what was found.

Raw values as received are never changed. A correction is a value of its own beside them, with author, reason and
version; the door tells it in place of what the readings say (``policies.vee.corrections``).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from msgspec.structs import replace
from sqlalchemy.exc import DatabaseError

from adapters.plugin import Logger
from gateway.clock import Clock
from gateway.errors import Expired, NotAllowed, SubjectGone, Unknown
from gateway.registry.turns import Turns
from gateway.settings.vee import VeeSettings
from gateway.vault.port import Vault
from gateway.vee import editing, undoing, worklist
from gateway.vee.clocks import ClockBook
from gateway.vee.corrections import CorrectionBook
from gateway.vee.editing import LOOKS_BACK, Correcting, Edited
from gateway.vee.looking import Changed, Looker
from gateway.vee.records import Act, Decided, Handling, Listed
from gateway.vee.undoing import Undone, local_day
from gateway.vee.worklist import WorkList
from meter_driver.intervals import day_edges
from meter_driver.quantities import REGISTERS, parse
from policies.roles import Role
from policies.terms import ONE_DAY, QUARTER_HOUR, DetailClass, Period, Row, SubjectId
from policies.vee.corrections import newest
from policies.vee.estimation import Known
from policies.vee.order import silence
from policies.vee.rules import validated
from policies.vee.silence import Silence, silent_days
from policies.vee.terms import ValidationException

_QUARTER, _DAY = DetailClass.QUARTER, DetailClass.DAY
_Columns = Mapping[str, Any]
_Due = list[tuple[DetailClass, Decided]]


class VeeDesk:
    """One instance for each process."""

    def __init__(
        self,
        *,
        vault: Vault,
        looker: Looker,
        work: WorkList,
        corrections: CorrectionBook,
        clocks: ClockBook,
        settings: VeeSettings,
        clock: Clock,
        ids: Callable[[], str],
        log: Logger,
    ) -> None:
        self._vault, self._looker, self.work = vault, looker, work
        self.corrections, self.clocks = corrections, clocks
        self._settings, self._clock, self._ids, self._log = settings, clock, ids, log
        self._turns = Turns()

    # -- validation

    async def run(self, household: SubjectId, day: date, seen: Mapping[int, int] | None = None) -> int:
        """Look at a local day that has ended; how many exceptions are new. The same again adds nothing.

        ``seen``: by UTC day (ordinal) the version of the merged block that is looked at. Raises ``Unknown``.
        """
        start, end = day_edges(day, self._looker.zone)
        if end > self._clock():
            raise NotAllowed("day: one that has ended")
        try:
            material = await self._looker.material(household, day)
            found = await asyncio.to_thread(validated, material)
            async with self._turns.of(household):
                new = await self.work.keep(household, start.toordinal(), found, self._clock(), seen or {})
                await self._keep_days(household, Period(start, end))
        except (SubjectGone, Expired):
            raise Unknown("household: there is none of this id, or its day is held no longer") from None
        self._log.info("vee.looked", found=len(found), new=new)
        return new

    async def listen(self, household: SubjectId, last: int, back: int) -> int:
        """Which meters were silent on local days up to the end of a UTC day (ordinal); how many exceptions are new.

        Raises ``Unknown``.
        """
        zone = self._looker.zone
        try:
            limits = await self._looker.limits(household)
            days = await self._known_days(household, last, back)
            spoken = await self._looker.spoken(household, days)
            async with self._turns.of(household):
                known = await self.work.silences(household)
                silent = silent_days(days, spoken, [_silence(each.item.found, zone) for each in known])
                found = [silence(each, limits(each.meter, each.quantity), zone) for each in silent]
                some = [one for one in found if one is not None]
                return await self.work.keep_silences(household, some, known, self._clock(), last)
        except (SubjectGone, Expired):
            raise Unknown("household: there is none of this id, or its days are held no longer") from None

    async def _known_days(self, household: SubjectId, last: int, back: int) -> list[date]:
        """Local days that can be looked at: over by the end of a UTC day, and held."""
        zone, end = self._looker.zone, datetime.combine(date.fromordinal(last + 1), time(), UTC)
        days = [date.fromordinal(last - n) for n in range(back, -2, -1)]
        begins = {day: edges[0].toordinal() for day in days if (edges := day_edges(day, zone))[1] <= end}
        held = await self.work.held(household, sorted(set(begins.values())))
        return [day for day, ordinal in begins.items() if ordinal in held]

    # -- what an operator does

    async def accept(self, name: str, author: str, reason: str) -> Listed:
        """The value is as it is. Raises ``Unknown``; ``NotAllowed`` where it was edited: the correction goes on."""
        listed = await self.work.get(name)
        act = self._act(Handling.ACCEPTED, author, reason)
        return await self._done(listed, act, [])

    async def edit(self, name: str, wanted: Correcting) -> Edited:
        """Another value instead. Raises ``Unknown``, ``NotAllowed``."""
        listed = await self.work.get(name)
        household, found = listed.household, listed.item.found
        period = wanted.period or Period(found.start, found.end)
        editing.check(wanted, found.quantity, period, self._clock())
        act = self._act(Handling.EDITED, wanted.author, wanted.reason)
        try:
            known = await self._known(household, found.meter, found.quantity, period)
            target = editing.target_of(found, period, known.rows)
            decided = editing.decide(wanted, target, known, act, self._ids())
            limits = (await self._looker.limits(household))(found.meter, found.quantity)
            done = await self._done(listed, act, decided)
        except (SubjectGone, Expired):
            raise Unknown("exception: its household or its day is held no longer") from None
        if wanted.value is None:
            return Edited(done, period, None, None, wanted.method, ())
        unit = editing.unit_of(wanted.unit, target)
        doubts = editing.doubts(wanted.value, unit, target, limits, self._clock())
        return Edited(done, period, wanted.value, unit, None, doubts)

    async def undo(self, name: str, author: str, reason: str) -> Undone:
        """As read again: what was corrected for an exception counts no more, and what rules find in it is listed again.

        Raises ``Unknown``, ``NotAllowed``.
        """
        zone, act = self._looker.zone, self._act(Handling.OPEN, author, reason)
        found = (await self.work.get(name)).item.found
        undone = await self._undone(name, act)
        listed = await self.work.get(name)
        for day in sorted({local_day(at, zone) for at in (found.start, *(one.start for one in undone))}):
            if day_edges(day, zone)[1] <= self._clock():
                await self.run(listed.household, day)
        return Undone(listed, undone, await self.work.has(name))

    async def decided(self, household: SubjectId) -> list[Decided]:
        """Corrections of a household, newest first; empty for one that is gone."""
        try:
            return await self.corrections.decided(household)
        except SubjectGone:
            return []

    async def keep_leaving(self, first: Mapping[DetailClass, date]) -> None:
        """What corrections make of local days whose quarters expire now, by all that came for them since.

        ``first``: the days from which classes stay. A day that cannot be opened holds no expiry up.
        """
        begin, end = first[_DAY].toordinal(), first[_QUARTER].toordinal() - 1
        for household, ordinal in await self.corrections.days(_QUARTER, begin, end):
            start = datetime.combine(date.fromordinal(ordinal), time(), UTC)
            try:
                async with self._turns.of(household):
                    await self._keep_days(household, Period(start, start + ONE_DAY))
            except (SubjectGone, Expired):
                continue
            except (ValueError, TypeError, DatabaseError):
                self._log.warning("vee.damaged", day=str(date.fromordinal(ordinal)))

    async def forget(self, household: SubjectId) -> None:
        """Somebody was erased. What is looked at meanwhile finds no key."""
        async with self._turns.of(household):
            await self.corrections.forget(household)

    # -- below

    async def _done(self, listed: Listed, act: Act, decided: Sequence[Decided]) -> Listed:
        """The act and its corrections, in one transaction; then the local days that they are part of."""
        household = listed.household
        async with self._turns.of(household):
            listed = await self.work.get(listed.id)
            if act.state is Handling.ACCEPTED and listed.state is Handling.EDITED:
                raise NotAllowed("exception: it was corrected, and the correction counts; undo that, or edit it again")
            try:
                changed = await self.work.acted(listed, act)
                names = [self._ids() for _ in decided]
                due = [(_QUARTER, replace(one, exception=listed.id)) for one in decided]
                rows = await self.corrections.rows(household, due, names)
            except (SubjectGone, Expired):
                raise Unknown("exception: its household or its day is held no longer") from None

            await self.corrections.put(household, rows, lambda connection: worklist.put(connection, changed))
            if decided:
                await self._keep_days(household, Period(decided[0].start, decided[-1].end))
        self._log.info("vee.acted", state=act.state.value, quarters=len(decided))
        return await self.work.get(listed.id)

    async def _undone(self, name: str, act: Act) -> list[Decided]:
        """What was corrected for an exception, taken back; of its local days too, where nothing else is corrected."""
        household, zone = (await self.work.get(name)).household, self._looker.zone
        async with self._turns.of(household):
            listed = await self.work.get(name)
            try:
                versions = await self.corrections.versions(household)
                undone = undoing.counting(versions, listed)
                days = undoing.left_alone(versions, undone, zone)
                begins = {day_edges(day, zone)[0].toordinal() for _, _, day in days}
                if await self.work.held(household, sorted(begins)) != begins:
                    raise Expired("a day of which not all quarters are held")
                edits = {edit: self._ids() for edit in {one.edit for one in undone}}
                due: _Due = [(_QUARTER, undoing.as_read(one, act, edits[one.edit])) for one in undone]
                due += [(_DAY, undoing.day_as_read(place, act, zone)) for place in sorted(days)]
                changed = await self.work.acted(listed, act)
                rows = await self.corrections.rows(household, due, [self._ids() for _ in due])
            except (SubjectGone, Expired):
                raise Unknown("exception: its household or its day is held no longer") from None
            await self.corrections.put(household, rows, lambda connection: worklist.put(connection, changed))
            await self._keep_days(household, Period(undone[0].start, undone[-1].end))
        self._log.info("vee.undone", quarters=len(undone))
        return undone

    async def _keep_days(self, household: SubjectId, period: Period) -> None:
        """What corrections make of local days, for the time when their quarters are gone."""
        zone = self._looker.zone
        first = day_edges(period.start.astimezone(zone).date(), zone)[0]
        last = day_edges((period.end - timedelta(microseconds=1)).astimezone(zone).date(), zone)[1]
        whole = Period(first, last)
        decided = await self.corrections.effective(household, _QUARTER, whole)
        if not decided:
            return
        kept = await self.corrections.effective(household, _DAY, whole)
        before = {(name, one.start): (one.value, one.status) for name, some in kept.items() for one in newest(some)}
        touched = {
            (name, day_edges(one.start.astimezone(zone).date(), zone)[0]) for name in decided for one in decided[name]
        }
        rows = await self._looker.rows(household, whole, ONE_DAY, frozenset(quantity for _, quantity in decided))
        due: _Due = []
        for row in rows:
            place = ((row.meter, row.quantity), row.start)
            if place in touched and row.value is not None and before.get(place) != (row.value, row.status):
                due.append((_DAY, _of_day(row, self._act(Handling.EDITED, "", ""))))
        if due:
            sealed = await self.corrections.rows(household, due, [self._ids() for _ in due])
            await self.corrections.put(household, sealed)

    async def _known(self, household: SubjectId, meter: str, quantity: str, period: Period) -> Known:
        """What an estimate may rest on: the four weeks before and the day after, and what went through in all of it."""
        reach = Period(period.start - LOOKS_BACK, min(period.end + ONE_DAY, _quarter_before(self._clock())))
        asked = frozenset((quantity,))

        def without(some: Changed) -> Changed:
            """An estimate of before does not stand in the way of a better one."""
            return {
                name: [c for c in newest(each) if c.status == "validated" or not period.contains(c.start)]
                for name, each in some.items()
            }

        rows = await self._looker.rows(household, reach, QUARTER_HOUR, asked, without)
        mine = [row for row in rows if row.meter == meter]
        total = None
        if _is_register(quantity):
            total = await self._looker.between(household, meter, quantity, period)
        medium, family = await self._looker.kind_of(household, meter, quantity)
        return Known(mine, total, self._settings.profile(medium, family), self._looker.zone)

    def _act(self, state: Handling, author: str, reason: str) -> Act:
        return Act(self._clock(), state, Role.OPERATOR.value, author, reason)


def _silence(found: ValidationException, zone: tzinfo) -> Silence:
    first, last = (at.astimezone(zone).date() for at in (found.start, found.end - timedelta(microseconds=1)))
    return Silence(found.meter, found.quantity, first, last)


def _of_day(row: Row, act: Act) -> Decided:
    assert row.value is not None
    words = row.start, row.end, row.value, row.unit, row.status, row.method
    return Decided("", act, row.meter, row.quantity, *words)


def _is_register(quantity: str) -> bool:
    known = parse(quantity)
    return known is not None and known.kind in REGISTERS


def _quarter_before(at: datetime) -> datetime:
    utc = at.astimezone(UTC)
    return utc.replace(minute=utc.minute - utc.minute % 15, second=0, microsecond=0)
