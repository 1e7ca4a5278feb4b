"""A question by day gets the same rows from settled days as from their quarters, whatever is odd about them."""

import random
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from adapters.plugin import Batch
from gateway.door import opening
from gateway.door.settled import plain_days
from gateway.door.windows import WindowSource
from gateway.pages.own_data import _grant as own_grant
from gateway.registry.meter_records import Exchanged, Reader, StandAt
from gateway.vault.port import Mark
from gateway.vee.editing import Correcting
from meter_driver.amounts.leaps import COMES_BACK
from meter_driver.intervals import day_edges
from meter_driver.reading import Reading
from policies.terms import ONE_DAY, ONE_MONTH, QUARTER_HOUR, DetailClass, Grant, Period, Row, SubjectId
from policies.vault.values import Value
from tests.gateway.house import ENERGY, NOON, House, house

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
ENTRY, POWER, NET = "1-0:1.29.0*255", "1-0:1.7.0*255", "1-0:16.8.0*255"
QUANTITIES = frozenset({ENERGY, ENTRY, POWER, NET})
DAYS = 26
_sequences = count(1)


def start_of(home: House) -> datetime:
    return day_edges((home.now - DAYS * ONE_DAY).astimezone(BERLIN).date(), BERLIN)[0]


def day_of(begin: datetime, n: int, rng: random.Random, odd: str) -> list[Reading]:
    """One day of a meter: a reading each half an hour, of which something is odd."""
    found, silent = [], range(rng.randrange(40), 48) if odd == "gap" else range(0)
    serial = "B" if odd == "serial" else ""
    for k in range(48):
        at = begin + n * ONE_DAY + k * HOUR / 2 + timedelta(seconds=0 if odd == "" else rng.randrange(3) * 7)
        if odd == "silent" or k in silent:
            continue
        stand = Decimal(5000 + 48 * n + k) / 10
        leaps = {"leap": Decimal(5000), "nothing": -stand, "back": Decimal(-300)}
        leap = leaps.get(odd, Decimal(0)) if k == 20 or (k > 20 and odd == "leap") else Decimal(0)
        unit, scaled = ("Wh", 1000) if odd == "unit" else ("kWh", 1)
        found.append(Reading("m", ENERGY, at, (stand + leap) * scaled, unit, serial=serial))
        found.append(Reading("m", NET, at, stand - 3 * (k % 5), "kWh"))
        found.append(Reading("m", POWER, at, Decimal(100 + k), "W"))
        end = at + (HOUR if odd == "long" else HOUR / 2)
        found.append(Reading("m", ENTRY, end, Decimal(k) / 8, "kWh", start=at))
    return found


def told_by(each: Reading, now: datetime) -> bool:
    return each.at is not None and each.at <= now


async def take(home: House, who: SubjectId, readings: Sequence[Reading]) -> None:
    answer = await home.intake.take(Batch("box", next(_sequences), [(who, each) for each in readings]))
    assert not answer.refused


async def asked(home: House, who: SubjectId, *, settled: bool, step: timedelta = ONE_DAY) -> list[Row]:
    """By the household itself, which may ask for everything."""
    desk, period = home.gateway.own_data, Period(start_of(home), home.now)
    standing, opener = desk._standing(who, home.own_right()), desk._opener
    days, opener._days = opener._days, opener._days if settled else None
    try:
        opened = opening.Open(own_grant(standing.ground, who, step, period), "self", standing)
        return [row async for part in opener.parts(opened) for row in part.released.rows]
    finally:
        opener._days = days


def counted(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each window that was settled told by itself."""
    answers: list[bool] = []

    def noted(values: Sequence[Value], *words: object) -> bool:
        answers.append(plain_days(values, *words))  # type: ignore[arg-type]
        return answers[-1]

    monkeypatch.setattr("gateway.door.opening.plain_days", noted)
    return answers


ODD = ["gap", "silent", "leap", "nothing", "back", "unit", "serial", "long", "shaken"]


@pytest.mark.parametrize("seed", [0, 1, 2, 4, 5, 7])
async def test_settled_days_tell_what_their_quarters_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rng, answers = random.Random(seed), counted(monkeypatch)
    async with house(tmp_path, zone="Europe/Berlin") as home:
        who = await home.household()
        home.now = NOON + (40 * ONE_DAY if seed % 2 else timedelta(0))  # with the change of the clocks, or without
        begin = start_of(home)
        odd = {rng.randrange(DAYS): rng.choice(ODD) for _ in range(seed // 2)}
        days = [day_of(begin, n, rng, odd.get(n, "")) for n in range(DAYS)]
        late = [
            each for readings in days if rng.random() < seed / 40 for each in rng.sample(readings, len(readings) // 9)
        ]
        for readings in days:
            if some := [each for each in readings if each not in late and told_by(each, home.now)]:
                await take(home, who, some)
        while await home.compactor.round():
            pass
        if late:
            await take(home, who, late)
        for merged in (False, True):
            while merged and await home.compactor.round():
                pass
            assert await asked(home, who, settled=True) == await asked(home, who, settled=False)
        assert True in answers or seed > 1


async def clean(home: House, odd: Mapping[int, str] = {}) -> SubjectId:
    who = await home.household()
    for n in range(DAYS):
        some = [each for each in day_of(start_of(home), n, random.Random(0), odd.get(n, "")) if told_by(each, home.now)]
        await take(home, who, some)
    while await home.compactor.round():
        pass
    return who


async def test_what_somebody_decided_or_said_of_a_meter_is_in_the_answer_at_once(tmp_path: Path) -> None:
    async with house(tmp_path, zone="Europe/Berlin") as home:
        who = await clean(home, {6: "silent"})
        at = start_of(home) + 9 * ONE_DAY + 10 * HOUR
        await home.gateway.sweep.round()
        listed = await home.gateway.vee.work.listed(household=who, most=500)
        one = next(each for each in listed if each.item.found.quantity == ENERGY)
        before = await asked(home, who, settled=True)
        await home.gateway.vee.edit(one.id, Correcting("a", "b", Period(at, at + QUARTER_HOUR), Decimal(9), "kWh"))
        corrected = await asked(home, who, settled=True)
        assert corrected == await asked(home, who, settled=False) != before
        stands = (StandAt(ENERGY, Decimal("546.4"), Decimal(2), "kWh"),)
        await home.gateway.registry.meters.assign(who, Reader("box", "m"), label="m")
        await home.gateway.registry.meters.exchange(who, "m", Exchanged(at, "", "", stands))
        assert await asked(home, who, settled=True) == await asked(home, who, settled=False) != corrected


async def test_a_limit_counts_for_days_that_were_worked_out_before(tmp_path: Path) -> None:
    async with house(tmp_path, zone="Europe/Berlin") as home:
        who = await clean(home)
        before = await asked(home, who, settled=True)
        await home.gateway.registry.meters.assign(who, Reader("box", "m"), label="m", limit=Decimal("0.001"))
        after = await asked(home, who, settled=True)
        assert after == await asked(home, who, settled=False)
        assert after != before


@pytest.mark.parametrize("partner", [False, True])
async def test_all_but_the_first_and_the_last_days_are_read_from_days_whoever_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, partner: bool
) -> None:
    async with house(tmp_path, zone="Europe/Berlin") as home:
        who = await clean(home)
        await home.agree(who, resolution=ONE_DAY)
        read: list[DetailClass] = []
        whole = opening.Opener._values

        async def noted(
            self: opening.Opener, grant: Grant, sources: Sequence[WindowSource], mark: Mark | None = None
        ) -> Sequence[Value]:
            read.extend(each.detail for each in sources)
            return await whole(self, grant, sources, mark)

        monkeypatch.setattr(opening.Opener, "_values", noted)
        question = home.question(who, resolution=ONE_DAY, period=Period(start_of(home), home.now))
        rows = await (home.rows(question) if partner else asked(home, who, settled=True))
        assert len({row.start for row in rows if row.value is not None}) >= DAYS - 1
        assert read == [DetailClass.QUARTER, DetailClass.DAY, DetailClass.DAY, DetailClass.QUARTER]


@pytest.mark.parametrize("step", [QUARTER_HOUR, HOUR, ONE_MONTH])
async def test_what_is_not_asked_by_day_is_never_told_from_days(tmp_path: Path, step: timedelta) -> None:
    async with house(tmp_path, zone="Europe/Berlin") as home:
        who = await clean(home)
        rows = await asked(home, who, settled=True, step=step)
        assert rows == await asked(home, who, settled=False, step=step)
        assert step == ONE_MONTH or len({row.start for row in rows if row.value is not None}) > DAYS


def days_of(quantity: str) -> list[Value]:
    """Three days of a meter of which nothing is odd: a stand a minute after midnight and one a minute before."""
    minute, found = timedelta(minutes=1), []
    for n in range(3):
        at = day_edges(NOON.date() + n * ONE_DAY, BERLIN)[0]
        first, last = (at, at + ONE_DAY) if quantity == ENTRY else (at + minute, at + ONE_DAY - minute)
        numbers = Decimal(n), last, Decimal(n + 1), Decimal(1), 96
        found.append(Value(quantity, "Wh", at, first, *numbers, "measured", "main", "", last - first))
    return found


def plain(values: Sequence[Value], first: int = 0) -> bool:
    days = [NOON.date() + n * ONE_DAY for n in range(first, 3)]
    return plain_days(values, days, BERLIN)


@pytest.mark.parametrize("quantity", [ENERGY, NET, ENTRY, POWER])
def test_days_of_which_nothing_is_odd_are_plain(quantity: str) -> None:
    assert plain(days_of(quantity))
    assert plain([])


@pytest.mark.parametrize(
    ("quantity", "changes"),
    [
        (ENERGY, {"last": Decimal(9)}),  # the next day begins lower
        (ENERGY, {"last": Decimal(0)}),  # lower than it began
        (ENERGY, {"unit": "J"}),
        (ENERGY, {"status": "estimated"}),
        (ENERGY, {"count": COMES_BACK}),  # too few to be no nonsense
        (POWER, {"serial": "B"}),
        (POWER, {"at": NOON + ONE_DAY}),  # a stretch after a seam, or a day that is not there
        (ENTRY, {"last_at": NOON + 3 * ONE_DAY}),
        (ENTRY, {"covered": 25 * HOUR}),
    ],
)
def test_one_odd_thing_and_the_quarters_are_asked(quantity: str, changes: dict[str, Any]) -> None:
    first, second, third = days_of(quantity)
    assert not plain([first, structs.replace(second, **changes), third])


def test_two_values_of_a_day_a_silent_one_and_a_day_of_23_hours_are_not_plain() -> None:
    first, second, third = days_of(ENERGY)
    assert not plain([first, third])
    assert not plain([first, second, second, third])
    assert not plain_days([], [date(2026, 3, 28), date(2026, 3, 29)], BERLIN)


def test_days_without_consumption_are_plain() -> None:
    assert plain([structs.replace(value, first=Decimal(7), last=Decimal(7)) for value in days_of(ENERGY)])


def test_as_many_stands_as_cannot_be_nonsense_together_are_enough() -> None:
    assert plain([structs.replace(value, count=COMES_BACK + 1) for value in days_of(ENERGY)])


def test_what_has_no_intervals_hides_nothing_odd_of_what_comes_behind_it() -> None:
    first, second, third = days_of(ENERGY)
    nothing = [structs.replace(value, quantity="!") for value in (first, second, third)]
    assert plain([*nothing, first, second, third])
    assert not plain([*nothing, first, structs.replace(second, unit="J"), third])
