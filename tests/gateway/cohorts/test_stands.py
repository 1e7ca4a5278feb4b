"""Two stands of a register tell what was used between them, by whichever question, ground or recipient they came.

All that was told over several days, seen by the rank oracle: a stand is an equation over all time before it.
"""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.plugin import Refused
from gateway.cohorts import consents, protection
from policies import beside
from policies.terms import AS_RECEIVED, Period, Recipient, ReleaseRequest, SubjectId
from policies.terms import Row as Told
from tests.gateway.cohorts.oracle import Oracle, Row
from tests.gateway.cohorts.town import DAY, allow_figures, question, work
from tests.gateway.house import NOON, House, house

K, DAYS = 3, 4
HALF = DAY / 2
"""Length of a cell: each is told, so any two stands are at edges of cells."""


@dataclass(frozen=True)
class Ground:
    """Of the values of some days, given at the begin of a day when the one before was told.

    ``end``: at the end of which day it is taken back.
    """

    days: range
    given: int = 0
    step: timedelta = AS_RECEIVED
    end: int = DAYS


@dataclass
class Life:
    """Household n uses 3^n Wh in each half of a day. By each ground somebody else asks, for each half in a question
    of its own."""

    home: House
    grounds: Sequence[Sequence[Ground]]
    people: list[SubjectId] = field(default_factory=list)
    ids: dict[tuple[int, int], str] = field(default_factory=dict)
    figures: dict[tuple[str, datetime], Row] = field(default_factory=dict)
    told: list[Row] = field(default_factory=list)
    begin: datetime = NOON

    async def live(self) -> None:
        home = self.home
        self.begin = home.now = home.now.replace(hour=0)
        self.people = [await home.household("Z1") for _ in self.grounds]
        for who in self.people:
            await allow_figures(home, who)
        for day in range(DAYS):
            await self.agree(day)
            home.now = self.begin + (day + 1) * DAY
            await self.measure(day)
            await self.ask_singly(day)
            await work(home)
            await self.ask(day)
            await self.ask_singly(day)
            for (n, at), ground in self.ids.items():
                if self.grounds[n][at].end == day:
                    await home.consent.withdraw(self.people[n], ground)

    async def agree(self, day: int) -> None:
        for n, mine in enumerate(self.grounds):
            for at, each in enumerate(mine):
                if each.given == day:
                    values = Period(self.begin + each.days[0] * DAY, self.begin + (each.days[-1] + 1) * DAY)
                    words = {"recipient": Recipient(f"r{at}"), "resolution": each.step, "values": values}
                    self.ids[n, at] = (await self.home.agree(self.people[n], **words)).id

    async def measure(self, day: int) -> None:
        for n, who in enumerate(self.people):
            stands = [str(Decimal(h * 3**n) / 1000) for h in range(2 * day, 2 * day + 3)]
            await self.home.feed(who, stands, step=HALF, start=self.begin + day * DAY)

    async def ask(self, day: int) -> None:
        for half in (0, 1):
            start = self.begin + day * DAY + half * HALF
            for place in ("Z1", *(f"Z1#{start.date()}-{n}" for n in range(2))):
                asked = question(self.home, place, 0, resolution=HALF, period=Period(start, start + HALF))
                for row in await self.rows(asked):
                    self.figures[place, start] = {(n, self.half(start), "total"): 1 for n in self.members(row)}

    async def ask_singly(self, day: int) -> None:
        for n, mine in enumerate(self.grounds):
            for at, each in enumerate(mine):
                for half in (half for a_day in each.days if a_day <= day + 1 for half in (2 * a_day, 2 * a_day + 1)):
                    period = Period(self.begin + half * HALF, self.begin + (half + 1) * HALF)
                    for step in {each.step, HALF}:
                        words = {"recipient": Recipient(f"r{at}"), "resolution": step, "period": period}
                        rows = await self.rows(self.home.question(self.people[n], **words))
                        self.told += [self.stand(n, row) if step == AS_RECEIVED else self.load(n, row) for row in rows]

    async def rows(self, asked: ReleaseRequest) -> list[Told]:
        try:
            return [row for row in await self.home.rows(asked) if row.value is not None]
        except Refused:
            return []

    def half(self, at: datetime) -> int:
        return (at - self.begin) // HALF

    def members(self, row: Told) -> list[int]:
        """Its digits to the base of three."""
        assert row.value is not None
        rest = int(row.value * 1000)
        found = [n for n in range(len(self.people)) if rest // 3**n % 3 == 1]
        assert sum(3**n for n in found) == rest
        return found

    def load(self, n: int, row: Told) -> Row:
        return {(n, self.half(row.start), "total"): 1}

    def stand(self, n: int, row: Told) -> Row:
        """What it was at the begin, and all that was used since."""
        return {(n, half, "total"): 1 for half in range(-1, self.half(row.start))}

    def found(self) -> list[tuple[int, ...]]:
        told = [dict(row) for row in {tuple(row.items()): row for row in self.told}.values()]
        return list(Oracle(range(len(self.people)), list(self.figures.values()), told).found(K))


def lived(grounds: Sequence[Sequence[Ground]]) -> Life:
    async def run() -> Life:
        with tempfile.TemporaryDirectory() as folder:
            async with house(Path(folder), cell=HALF // timedelta(minutes=1)) as home:
                life = Life(home, grounds)
                await life.live()
                return life

    return asyncio.run(run())


HIDDEN: Sequence[Ground] = ()
SEEN_AFTERWARDS = [Ground(range(1, DAYS), step=HALF)]
"""Hides the others on the first day only."""
CASES: dict[str, Sequence[Sequence[Ground]]] = {
    "a question before, another after": [
        *[[Ground(range(1), step=HALF), Ground(range(DAYS), given=2)]] * 3, HIDDEN, HIDDEN, SEEN_AFTERWARDS,
    ],
    "a ground before, another after": [
        *[[Ground(range(1)), Ground(range(2, DAYS), given=2)]] * 3, HIDDEN, HIDDEN, SEEN_AFTERWARDS,
    ],
    "a ground that was taken back, another after": [
        *[[Ground(range(1), end=0), Ground(range(3, DAYS), given=3)]] * 3, HIDDEN, HIDDEN, SEEN_AFTERWARDS,
    ],
    "both given before": [*[[Ground(range(1)), Ground(range(2, DAYS))]] * 3, HIDDEN, HIDDEN, SEEN_AFTERWARDS],
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_two_stands_tell_nothing_of_the_others_by_whichever_way_they_came(case: str) -> None:
    life = lived(CASES[case])
    assert life.figures
    assert life.found() == []


def firsts(last: int) -> st.SearchStrategy[Ground]:
    days = st.integers(0, last).flatmap(lambda a: st.integers(a + 1, DAYS).map(lambda b: range(a, b)))
    steps = st.sampled_from([AS_RECEIVED, AS_RECEIVED, HALF])
    return st.builds(Ground, days, st.integers(0, DAYS - 1), steps, st.integers(0, DAYS))


lives = st.lists(st.lists(firsts(DAYS - 1), max_size=2), min_size=4, max_size=6)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(lives)
def test_in_no_life_do_stands_of_some_days_tell_fewer_than_k(grounds: list[list[Ground]]) -> None:
    assert lived([HIDDEN, HIDDEN, *grounds]).found() == []


# -- each half of the rule alone is not enough


def own_days_alone_are_seen(patch: pytest.MonkeyPatch) -> None:
    shows = beside.shows
    patch.setattr(consents, "shows", lambda g, period: shows(g, period) and not g.scope.values.intersect(period).empty)


def what_was_told_later_is_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(protection, "looked_at", lambda grant: grant.period)


@pytest.mark.gdpr("32(1)(d)")
@pytest.mark.parametrize(
    ("fault", "case"),
    [
        (what_was_told_later_is_not_looked_at, "a question before, another after"),
        (own_days_alone_are_seen, "a ground before, another after"),
        (own_days_alone_are_seen, "a ground that was taken back, another after"),
        (own_days_alone_are_seen, "both given before"),
    ],
)
def test_each_half_of_the_rule_of_stands_that_is_switched_off_is_found_by_the_oracle(
    fault: Callable[[pytest.MonkeyPatch], None], case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    assert lived(CASES[case]).found()
