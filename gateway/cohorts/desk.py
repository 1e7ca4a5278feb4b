"""The cohort desk: draws and closes each epoch when it is over, answers for places and cohorts.

A household takes part by one consent, given to ``NEIGHBOURHOOD`` and not to a single recipient: there is one partition
(see ``draw``) and one value a cell for everybody. An epoch is drawn and closed in one act after its end, so neither an
answer nor a silence shows what somebody did at which minute of it. What could not be told then, for want of values,
stays open until a day later; whatever is not told by then never is, and nothing says why. The figure of a place is the
sum of its cohorts, or nothing.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

from sqlalchemy import select

from gateway.clock import Clock
from gateway.cohorts.answers import Cells, Figures, Gathered
from gateway.cohorts.cells import ClosedCell, stored, summed
from gateway.cohorts.closing import Closer, put
from gateway.cohorts.consents import NEIGHBOURHOOD, Consents
from gateway.cohorts.draw import CLOSED_FOR_GOOD, Drawn, Partition, Places, epoch_of
from gateway.cohorts.loads import Loader
from gateway.cohorts.protection import Protection
from gateway.grounds import GroundBook
from gateway.storage.port import Store
from gateway.storage.tables.cohorts import cell as table
from gateway.vault.port import AskInstalled, Vault
from policies.cohorts import CohortDay, SafetyRule
from policies.minimise import edges_of, floor
from policies.terms import FAR_FUTURE, ONE_DAY, Grant, Period, Reason, Refusal, ReleaseRequest, SubjectId, Zone

__all__ = ["NEIGHBOURHOOD", "CohortDesk", "Places"]

CELL_LATE = ONE_DAY
"""How long after an epoch was due what could not be told of it stays open."""
EPOCHS_BACK = 7
"""Days: an epoch of which nothing was drawn is drawn as long as it is not older."""
MOST_CELLS = 10_000
"""Cells that one question may name."""
CELLS_LOOK = 5.0
"""Seconds between looks at the clock; no question makes the desk look at an epoch more often."""

NODES_AT_ONCE = 200
"""Cohorts whose cells are read in one question."""


class CohortDesk:
    """``interval``: length of a cell. ``grace``: how long after its end, at its watermark, an epoch is closed.

    ``zone``: where days begin. ``installed``: what was said of a household's meters.
    """

    def __init__(
        self,
        store: Store,
        vault: Vault,
        book: GroundBook,
        places: Places,
        clock: Clock,
        *,
        profile: SafetyRule,
        interval: timedelta,
        grace: timedelta,
        zone: tzinfo = UTC,
        installed: AskInstalled | None = None,
    ) -> None:
        self._store, self._places, self._clock = store, places, clock
        self._interval, self._grace, self._zone = interval, grace, zone
        self._loader = Loader(vault, interval, installed)
        consents, self._protection = Consents(store, book, clock), Protection(store)
        self._partition = Partition(store, vault, consents, places, self._loader, k=profile.k, interval=interval)
        self._closer = Closer(store, consents, places, self._loader, self._protection, rule=profile, interval=interval)
        self._turns: dict[str, asyncio.Lock] = {}
        self._again: dict[tuple[str, date], datetime] = {}
        """By place and epoch: when the loop looks at it again."""
        self._looked: dict[tuple[str, date], datetime] = {}
        """By place and epoch: when a question last made the desk look at it."""

    # -- the loop

    async def run(self) -> None:
        """Supervised: draw and close each epoch at its watermark, asked for or not."""
        while True:
            more = await self.turn()
            await asyncio.sleep(0 if more else CELLS_LOOK)

    async def turn(self) -> bool:
        """Look at one epoch of one place that is due; whether there may be more to do at once.

        Nothing is remembered but what the tables say: after a restart the last epoch is looked at again. Older ones are
        closed by the first question about them.
        """
        now = self._clock()
        self._again = {key: at for key, at in self._again.items() if not self._past(key[1])}
        self._looked = {key: at for key, at in self._looked.items() if at > now - ONE_DAY}
        for place, epoch in self._due(now):
            await self._look(place, epoch, since=epoch_of(epoch).end)
            return True
        return False

    def _due(self, now: datetime) -> Iterator[tuple[str, date]]:
        """What is past its watermark, open, and to be looked at now; oldest first."""
        for back in range((2 * CELL_LATE + self._grace) // ONE_DAY + 1, 0, -1):
            epoch = now.astimezone(UTC).date() - back * ONE_DAY
            if self._closes(epoch) <= now and not self._past(epoch):
                for place in self._places.places():
                    if self._again.get((place, epoch), now) <= now:
                        yield place, epoch

    def _closes(self, epoch: date) -> datetime:
        """The watermark of an epoch."""
        return epoch_of(epoch).end + self._grace

    def _over(self, epoch: date) -> bool:
        """Whether what was not told of an epoch never is, but for one last look."""
        return self._closes(epoch) + CELL_LATE <= self._clock()

    def _past(self, epoch: date) -> bool:
        """Whether that look is past too, although there may have been none: nothing ran."""
        return self._closes(epoch) + 2 * CELL_LATE <= self._clock()

    async def _look(self, place: str, epoch: date, *, since: datetime | None = None) -> None:
        """Draw and close what can be, and note when to look again.

        Of a day of which something was told in cells of another length no more is: a zone's day has one length.
        """
        async with self._turns.setdefault(place, asyncio.Lock()):
            if await self._protection.told_otherwise(place, epoch, self._interval):
                self._again[place, epoch] = FAR_FUTURE
                return
            fresh = await self._partition.recorded(place, epoch) is None
            drawn = await self._partition.drawn(place, epoch, since=since)
            more = drawn is None
            if drawn is not None and drawn.interval == self._interval and (fresh or not self._past(epoch)):
                cohorts = sorted(drawn.cohorts.items())
                more = any([await self._closer.close(node, cohort, epoch_of(epoch)) for node, cohort in cohorts])
            later = more and not self._over(epoch)
            self._again[place, epoch] = self._clock() + self._interval if later else FAR_FUTURE

    # -- answers

    async def answer(self, question: ReleaseRequest) -> Figures | Refusal:
        """Rows of one place or cohort, one for each interval of the question's resolution that has a figure.

        Days are local ones; where they do not begin with a cell there are none. Refused when there is no row at all;
        the reasons then say why.
        """
        assert isinstance(question.subject, Zone)
        step, node = question.resolution, question.subject.name
        if not question.quantities or question.period.empty or not step or step % self._interval:
            return Refusal((Reason.NOTHING_ASKED,))
        asked = Period(question.period.start, min(question.period.end, self._clock()))
        if (asked.end - asked.start) / self._interval * len(question.quantities) > MOST_CELLS:
            return Refusal((Reason.NOTHING_ASKED,))
        edges = edges_of(asked, step, self._zone)
        if any(floor(start, self._interval) != start for start, _ in edges):
            return Refusal((Reason.NOTHING_ASKED,))
        cells = Gathered(edges, question.quantities)
        for epoch in cells.epochs:
            await self._gather(node, epoch, cells)
            if cells.size > MOST_CELLS:
                return Refusal((Reason.NOTHING_ASKED,))
        rows, reasons = cells.rows(node)
        if not rows:
            return Refusal(tuple(sorted(reasons)) or (Reason.NOT_YET,))
        return Figures(rows, list(cells.cohorts.values()))

    async def _gather(self, node: str, epoch: date, cells: Gathered) -> None:
        """What is known of an epoch, and why the rest is not."""
        place, _, name = node.partition("#")
        if self._closes(epoch) > self._clock():
            cells.missing[epoch] = dict.fromkeys(cells.quantities, Reason.NOT_YET)
            return
        drawn: dict[str, CohortDay] = {}
        below = self._partition.below(place)
        for each in sorted({place, *below}):
            found = await (self._asked if each in below else self._partition.recorded)(each, epoch)
            if found is not None:
                day = epoch_of(epoch)
                drawn |= {key: CohortDay(key, c.quantities, found.interval, day) for key, c in found.cohorts.items()}
        if name:
            drawn = {key: each for key, each in drawn.items() if key == node}
        mine = {q: [key for key, each in drawn.items() if q in each.quantities] for q in cells.quantities}
        why = Reason.COHORT_SILENT if self._over(epoch) else Reason.NOT_YET
        cells.missing[epoch] = {q: why if nodes else Reason.COHORT_TOO_SMALL for q, nodes in mine.items()}
        lengths = {each.interval for each in drawn.values()}
        if len(lengths) != 1 or CLOSED_FOR_GOOD in lengths:
            return
        (cells.lengths[epoch],) = lengths
        cells.known |= (await self._known({node}, cells.quantities, epoch)).get(node, {})
        cells.cohorts |= {key: drawn[key] for nodes in mine.values() for key in nodes}
        if not name:
            cells.known |= await self._sums(node, mine, epoch, cells.known)

    async def _asked(self, place: str, epoch: date) -> Drawn | None:
        """The cohorts of a place's epoch; drawn and closed now, if it may be and nobody looked a moment ago."""
        now, key = self._clock(), (place, epoch)
        looked = self._looked.get(key)
        recorded = await self._partition.recorded(place, epoch)
        young = now.astimezone(UTC).date() - epoch <= EPOCHS_BACK * ONE_DAY
        open_ = young if recorded is None else not self._past(epoch) and self._again.get(key) != FAR_FUTURE
        if open_ and (looked is None or now - looked >= timedelta(seconds=CELLS_LOOK)):
            self._looked[key] = now
            await self._look(place, epoch)
        return await self._partition.recorded(place, epoch)

    async def _sums(self, place: str, cohorts: Mapping[str, Sequence[str]], epoch: date, known: Cells) -> Cells:
        """Cells of a place, of intervals of which all of its cohorts have theirs; they are written down as well."""
        parts = await self._known({node for nodes in cohorts.values() for node in nodes}, cohorts, epoch)
        made: dict[tuple[str, datetime], ClosedCell] = {}
        for quantity, nodes in cohorts.items():
            for start in {start for node in nodes for q, start in parts.get(node, ()) if q == quantity}:
                mine = [parts.get(node, {}).get((quantity, start)) for node in nodes]
                told = [each for each in mine if each is not None and each.value is not None]
                whole = (quantity, start) not in known and len(told) == len(nodes)
                if whole and (total := summed(place, quantity, start, told)) is not None:
                    made[quantity, start] = total
        if made:
            async with self._turns.setdefault(place, asyncio.Lock()):
                closed = (await self._known({place}, cohorts, epoch)).get(place, {})
                fresh = [each for key, each in made.items() if key not in closed]
                if fresh:
                    await self._store.write(lambda connection: put(connection, fresh))
            made |= closed
        return made

    async def _known(self, nodes: Collection[str], quantities: Collection[str], epoch: date) -> Mapping[str, Cells]:
        """The cells of places or cohorts that are closed in an epoch, by their node."""
        c, period = table.c, epoch_of(epoch)
        span = (c.start >= period.start.timestamp(), c.start < period.end.timestamp())
        found: dict[str, dict[tuple[str, datetime], ClosedCell]] = {}
        names = sorted(nodes)
        for at in range(0, len(names), NODES_AT_ONCE):
            query = select(table).where(c.node.in_(names[at : at + NODES_AT_ONCE]), c.quantity.in_(quantities), *span)
            rows = await self._store.look(lambda connection, query=query: connection.execute(query).fetchall())  # type: ignore[misc]
            for cell in map(stored, rows):
                found.setdefault(cell.node, {})[cell.quantity, cell.start] = cell
        return found

    async def told_with(self, subject: SubjectId) -> Sequence[str]:
        """Cohorts that told something with this household in it, of the last epochs."""
        return await self._protection.told_with(subject)

    # -- single values

    async def left_out(self, grants: Sequence[Grant]) -> list[list[Period]]:
        """Of each grant, the told hours that must be left out of it, so that no figure's others fall below k."""
        touched = [n for n, grant in enumerate(grants) if self._places.place_of(grant.subject)]
        found = await self._protection.left_out([grants[n] for n in touched])
        kept = dict(zip(touched, found, strict=True))
        return [kept.get(n, []) for n in range(len(grants))]
