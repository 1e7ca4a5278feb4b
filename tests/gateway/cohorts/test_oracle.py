"""No household's value is determined, and no group's below k, by everything that was ever told to anybody together."""

import asyncio
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.plugin import Refused
from gateway.cohorts import closing, consents, protection
from gateway.cohorts.cells import ClosedCell
from gateway.door import release
from policies import beside, cohorts
from policies.grounds import Consent
from policies.terms import AS_RECEIVED, Level, Period, Recipient, SubjectId
from policies.terms import Row as Told
from tests.gateway.cohorts.oracle import Oracle, Row, Unknown
from tests.gateway.cohorts.town import DAY, HOUR, allow_figures, question, work
from tests.gateway.house import ACME, NOON, House, house

K = 3
TOTAL, LOW, HIGH = "1-0:1.8.0*255", "1-0:1.8.1*255", "1-0:1.8.2*255"
FORMS = {TOTAL: {"total": 1}, LOW: {"low": 1}, HIGH: {"total": 1, "low": -1}}
ALL, SOME, ONE = frozenset(FORMS), frozenset({TOTAL, LOW}), frozenset({TOTAL})
EARLY, HOURS = 3, 5
"""Hours that are there when the day is closed, and in all."""
OTHER = Recipient("other")


@dataclass(frozen=True)
class Single:
    """Somebody may see the household singly. ``late``: agreed when figures were told. ``ended``: a moment later."""

    recipient: Recipient = ACME
    quantities: frozenset[str] = ONE
    step: timedelta = HOUR
    level: Level = Level.INDIVIDUAL
    late: bool = False
    ended: bool = False


@dataclass(frozen=True)
class Neighbour:
    """One household of the zone: what it agreed to, what its meter tells, who may see it, whether it comes or goes."""

    agreed: frozenset[str] = ALL
    meter: frozenset[str] = ALL
    single: Single | None = None
    joins_late: bool = False
    leaves: bool = False
    lags: bool = False
    shared: bool = False


@dataclass
class Town:
    """Household n uses 2 * 3^n Wh an hour, half of it in the low tariff: a sum tells its members."""

    home: House
    neighbours: Sequence[Neighbour]
    people: list[SubjectId] = field(default_factory=list)
    figures: list[Row] = field(default_factory=list)
    told: list[Row] = field(default_factory=list)
    ending: list[tuple[SubjectId, str]] = field(default_factory=list)
    begin: datetime = NOON

    @property
    def holders(self) -> list[int]:
        """Who shares is of the same holder as the one before."""
        found: list[int] = []
        for n, each in enumerate(self.neighbours):
            found.append(found[-1] if each.shared and found else n)
        return found

    async def live(self) -> None:
        """A day, its figures, then late ones of all kinds, and everything asked for again and again."""
        home = self.home
        self.begin = home.now.replace(hour=0)
        self.people = [await home.household("Z1") for _ in self.neighbours]
        home.registry.quantities = ALL
        home.registry.whose = {who: bytes([holder]) for who, holder in zip(self.people, self.holders, strict=True)}
        await self.agree(late=False)
        await self.measure(0, EARLY, lagging=False)
        await self.ask_singly()
        await self.end()
        home.now = self.begin + DAY
        await work(home)
        await self.ask()
        for who, each in zip(self.people, self.neighbours, strict=True):
            if each.leaves:
                await home.consent.withdraw(who)
        await self.agree(late=True)
        await self.measure(0, EARLY, lagging=True)
        await self.measure(EARLY, HOURS, lagging=False)
        await self.ask_singly()
        await self.end()
        for _ in range(2):
            home.now += HOUR
            await work(home)
            await self.ask()
            await self.ask_singly()

    async def agree(self, *, late: bool) -> None:
        for who, each in zip(self.people, self.neighbours, strict=True):
            if each.joins_late is late:
                await allow_figures(self.home, who, each.agreed)
            if each.single is not None and each.single.late is late:
                words = {"recipient": each.single.recipient, "quantities": each.single.quantities}
                more = {"resolution": each.single.step, "level": each.single.level}
                given = await self.home.agree(who, **words, **more)
                if each.single.ended:
                    self.ending.append((who, given.id))

    async def end(self) -> None:
        """What is taken back again, when it was made use of."""
        for who, ground in self.ending:
            await self.home.consent.withdraw(who, ground)
        self.ending.clear()

    async def measure(self, first: int, last: int, *, lagging: bool) -> None:
        for n, (who, each) in enumerate(zip(self.people, self.neighbours, strict=True)):
            if each.lags is lagging and not (first and each.leaves):
                for quantity in sorted(each.meter):
                    an_hour = Decimal((2 if quantity == TOTAL else 1) * 3**n) / 1000
                    values = [str(h * an_hour) for h in range(first, last + 1)]
                    await self.home.feed(who, values, step=HOUR, start=self.begin + first * HOUR, quantity=quantity)

    # -- what is told

    async def ask(self) -> None:
        day = (self.begin - self.home.now.replace(hour=0)) // DAY
        for place in ("Z1", *(f"Z1#{self.begin.date()}-{n}" for n in range(3))):
            for quantity in FORMS:
                period = Period(self.begin, self.begin + HOURS * HOUR)
                words: dict[str, Any] = {"quantities": frozenset({quantity}), "period": period}
                for row in await self._rows(question(self.home, place, 0, day, **words)):
                    who = self.members(row)
                    self.figures.append({key: c for n in who for key, c in self._load(n, row).items()})

    def members(self, row: Told) -> list[int]:
        """Found from the figure: its digits to the base of three."""
        assert row.value is not None
        rest = int(row.value * 1000) // (2 if row.quantity == TOTAL else 1)
        found = [n for n in range(len(self.people)) if rest // 3**n % 3 == 1]
        assert sum(3**n for n in found) == rest, "each is in it once or not at all"
        return found

    async def ask_singly(self) -> None:
        for n, (who, each) in enumerate(zip(self.people, self.neighbours, strict=True)):
            if each.single is None:
                continue
            of = each.single
            for quantity in sorted(of.quantities):
                words = {"recipient": of.recipient, "resolution": of.step, "level": of.level}
                period = Period(self.begin, self.begin + HOURS * HOUR + HOUR)
                asked = self.home.question(who, quantities=frozenset({quantity}), period=period, **words)
                rows = await self._rows(asked)
                self.told += [self._stand(n, row) if of.step == AS_RECEIVED else self._load(n, row) for row in rows]

    async def _rows(self, asked: Any) -> list[Told]:
        try:
            return [row for row in await self.home.rows(asked) if row.value is not None]
        except Refused:
            return []

    def _hours(self, start: datetime, end: datetime) -> range:
        return range((start - self.begin) // HOUR, (end - self.begin) // HOUR)

    def _load(self, n: int, row: Told) -> dict[Unknown, int]:
        hours = self._hours(row.start, row.end)
        return {(n, hour, basis): c for hour in hours for basis, c in FORMS[row.quantity].items()}

    def _stand(self, n: int, row: Told) -> dict[Unknown, int]:
        first = {(n, -1, basis): c for basis, c in FORMS[row.quantity].items()}
        hours = self._hours(self.begin, row.start)
        return first | {(n, hour, basis): c for hour in hours for basis, c in FORMS[row.quantity].items()}

    def found(self) -> list[tuple[int, ...]]:
        return list(Oracle(self.holders, self.figures, self.told).found(K))


def lived(neighbours: Sequence[Neighbour]) -> Town:
    async def run() -> Town:
        with tempfile.TemporaryDirectory() as folder:
            async with house(Path(folder)) as home:
                town = Town(home, neighbours)
                await town.live()
                return town

    return asyncio.run(run())


rare = st.sampled_from([False] * 15 + [True])
singles = st.builds(
    Single,
    st.sampled_from([ACME, OTHER]),
    st.sampled_from([ONE, ONE, ALL]),
    st.sampled_from([HOUR, HOUR, HOUR, 2 * HOUR, AS_RECEIVED]),
    st.just(Level.INDIVIDUAL),
    st.sampled_from([False, True, True]),
    rare,
)
neighbours = st.builds(
    Neighbour,
    st.sampled_from([*[ALL] * 12, SOME, ONE]),
    st.sampled_from([*[ALL] * 12, ONE]),
    st.one_of(st.none(), singles),
    rare,
    rare,
    rare,
    rare,
)


towns = st.sampled_from([3, 4, 4, 5, 5, 7, 8]).flatmap(lambda n: st.lists(neighbours, min_size=n, max_size=n))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(towns)
def test_in_no_town_does_all_that_was_told_determine_a_household_or_fewer_than_k(town: list[Neighbour]) -> None:
    assert lived(town).found() == []


# -- the oracle finds what is to be found


EVERYBODY = [Neighbour()] * 5
SEEN = Neighbour(single=Single())
SEEN_LATE = Neighbour(single=Single(late=True))
CASES: dict[str, Sequence[Neighbour]] = {
    "a part accepted": [*[Neighbour()] * K, Neighbour(agreed=ONE)],
    "a meter that lacks": [*[Neighbour()] * K, Neighbour(meter=ONE)],
    "a register that comes late": [*[Neighbour()] * K, Neighbour(lags=True)],
    "all but one seen": [*[SEEN] * K, Neighbour()],
    "seen by the day": [*[Neighbour(single=Single(step=2 * HOUR))] * K, Neighbour()],
    "seen, and ended": [*[Neighbour(single=Single(ended=True))] * K, Neighbour()],
    "seen after the figures": [*[SEEN_LATE] * K, Neighbour()],
    "stands after the figures": [*[Neighbour(single=Single(step=AS_RECEIVED, late=True))] * K, Neighbour()],
    "one holder": [Neighbour(), Neighbour(shared=True), Neighbour(shared=True)],
    "leaver": [*[Neighbour()] * K, Neighbour(leaves=True), Neighbour(joins_late=True)],
}


@pytest.mark.parametrize("case", CASES)
def test_what_tells_somebody_apart_is_not_told(case: str) -> None:
    assert lived(CASES[case]).found() == []


def test_where_everybody_agrees_to_everything_each_hour_is_told_of_each_quantity() -> None:
    town = lived(EVERYBODY)
    assert {(hour, basis) for row in town.figures for _, hour, basis in row} == {
        (hour, basis) for hour in range(HOURS) for basis in ("total", "low")
    }


def test_k_single_consents_after_a_figure_are_given_as_long_as_enough_others_are_left() -> None:
    town = lived([*[SEEN_LATE] * 4, Neighbour()])
    seen = {n for row in town.told for n, hour, _ in row if hour < EARLY}
    assert len(seen) == 2, "five less three"


Fault = Callable[[pytest.MonkeyPatch], None]


def nobody_is_seen(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(consents, "shows", lambda ground, period: False)


def only_hours_are_seen(patch: pytest.MonkeyPatch) -> None:
    shows = beside.shows
    patch.setattr(consents, "shows", lambda g, period: shows(g, period) and g.scope.resolution <= HOUR)


def what_has_ended_was_not_seen(patch: pytest.MonkeyPatch) -> None:
    shows = beside.shows
    patch.setattr(
        consents, "shows", lambda g, period: shows(g, period) and not (isinstance(g, Consent) and g.withdrawn)
    )


def told_hours_protect_nobody(patch: pytest.MonkeyPatch) -> None:
    async def nothing(_: object, grants: Sequence[object]) -> list[list[Period]]:
        return [[] for _ in grants]

    patch.setattr(protection.Protection, "left_out", nothing)


def anybody_may_be_seen_later(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(protection, "_see", lambda connection, wanted: set(wanted))


def stands_are_given_of_told_hours(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(release, "given_beside", lambda grant, told: [grant.period])


def every_household_is_a_holder(patch: pytest.MonkeyPatch) -> None:
    draw = cohorts.draw

    def alone(town: cohorts.Residents) -> cohorts.Residents:
        return {member: replace(each, holder=member.encode()) for member, each in town.items()}

    patch.setattr("gateway.cohorts.draw.draw", lambda town, *words: draw(alone(town), *words))
    add = cohorts.CellTally.add

    def each(self: cohorts.CellTally, loads: Any, holder: bytes, *, seen: bool) -> None:
        add(self, loads, bytes([len(self.hidden)]), seen=seen)

    patch.setattr(cohorts.CellTally, "add", each)


def each_quantity_has_its_own_members(patch: pytest.MonkeyPatch) -> None:
    def told(self: Any, node: str, cohort: Any, known: closing.Present, holders: Any, seen: Any) -> Any:
        rows = {q: [mine[q] for mine in known.rows.values() if q in mine] for q in cohort.quantities}
        sums = {q: sum((row.value or Decimal(0) for row in some), Decimal(0)) for q, some in rows.items()}
        words = ("kWh", "measured", 1, 1)
        cells = [ClosedCell(node, q, known.start, sums[q], *words) for q in rows if len(rows[q]) >= K]
        return (cells, 0) if cells else None

    patch.setattr(closing, "intervals", _loosely)
    patch.setattr(closing.Closer, "_told", told)
    patch.setattr(cohorts, "_common", lambda sets: frozenset().union(*sets))
    patch.setattr(cohorts, "_greatest", lambda free, k: ONE if len(free) >= k else None)


def _loosely(cohort: cohorts.Cohort, loads: Any, starts: Collection[datetime]) -> Iterator[closing.Present]:
    """Whoever has a value of something."""
    for start in starts:
        if mine := {m: dict(some[start]) for m, some in loads.items() if start in some}:
            yield closing.Present(start, mine)


FAULTS: Sequence[tuple[Fault, str]] = [
    (nobody_is_seen, "all but one seen"),
    (nobody_is_seen, "seen, and ended"),
    (only_hours_are_seen, "seen by the day"),
    (what_has_ended_was_not_seen, "seen, and ended"),
    (told_hours_protect_nobody, "seen after the figures"),
    (anybody_may_be_seen_later, "seen after the figures"),
    (stands_are_given_of_told_hours, "stands after the figures"),
    (every_household_is_a_holder, "one holder"),
    (each_quantity_has_its_own_members, "a meter that lacks"),
]


@pytest.mark.gdpr("32(1)(d)")
@pytest.mark.parametrize(("fault", "case"), FAULTS, ids=[f"{fault.__name__}, {case}" for fault, case in FAULTS])
def test_each_rule_that_is_switched_off_is_found_by_the_oracle(
    fault: Fault, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    assert lived(CASES[case]).found()


def test_the_oracle_subtracts_and_believes_what_was_openly_told() -> None:
    whole: Row = {(n, 0, "total"): 1 for n in range(4)}
    alone: Row = {(3, 0, "total"): 1}
    part: Row = {(n, 0, "total"): 1 for n in range(3)}
    assert list(Oracle(range(4), [whole], []).found(K)) == []
    assert (3,) in list(Oracle(range(4), [whole, part], []).found(K))
    assert list(Oracle(range(4), [whole], [alone]).found(K)) == []
    two = [{(n, 0, "total"): 1} for n in (2, 3)]
    assert (0, 1) in list(Oracle(range(4), [whole], two).found(K))
