"""Which days a question by day asks about, and what it reads when they are settled; the values are in a shelf."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from gateway.door.meant import Corrected
from gateway.door.opening import Opener
from meter_driver.intervals import day_edges
from policies.amounts import Installation
from policies.minimise import beside_of
from policies.terms import ONE_DAY, ONE_MONTH, QUARTER_HOUR, DetailClass, Period, SubjectId
from policies.vault.values import Value
from tests.gateway.door.shelf import WHO, Scene, quarter
from tests.gateway.door.test_opening import CHANGED, Edited, taken
from tests.gateway.door.test_settled import NET, POWER, days_of, plain
from tests.gateway.house import ENERGY, whole

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
FIRST, LAST = date(2026, 2, 10), date(2026, 2, 12)
ASKED = Period(day_edges(FIRST, BERLIN)[0], day_edges(LAST, BERLIN)[1])
AROUND = [FIRST + n * ONE_DAY for n in range(-1, 4)]


class Settled:
    """Some days are; it writes down which it was asked about."""

    def __init__(self, *days: date) -> None:
        self.days = frozenset(days)
        self.asked: list[tuple[SubjectId, date, date]] = []

    async def settled(self, subject: SubjectId, first: date, last: date) -> frozenset[date]:
        self.asked.append((subject, first, last))
        return frozenset(day for day in self.days if first <= day <= last)


def stage(settled: Settled, corrected: Corrected | None = None) -> Scene:
    scene = Scene(BERLIN)
    scene.opener = Opener(scene.opener._vault, scene.meters, scene.clock, BERLIN, corrected, settled)
    return scene


def day_of(day: date, last: int = 24) -> Value:
    """A register that rose by one an hour since the first, told at the begin and the end of a local day."""
    begin, end = day_edges(day, BERLIN)
    stand = 24 * (day - AROUND[0]).days
    numbers = structs.replace(quarter(begin, stand), last_at=end - timedelta(minutes=1), count=96)
    return structs.replace(numbers, last=numbers.first + last)


def read(scene: Scene) -> list[tuple[DetailClass, datetime, datetime]]:
    return [(each.detail, each.period.start, each.period.end) for each in scene.shelf.asked]


REACH = (DetailClass.DAY, day_edges(AROUND[0], BERLIN)[0], day_edges(AROUND[-1], BERLIN)[1])
QUARTERS = (DetailClass.QUARTER, ASKED.start - beside_of(ONE_DAY), ASKED.end + beside_of(ONE_DAY))


async def test_its_days_and_those_beside_them_are_asked_about_once_and_only_whole_days_are_read() -> None:
    settled = Settled(*AROUND)
    scene = stage(settled)
    scene.shelf.put(*map(day_of, AROUND), detail=DetailClass.DAY)
    parts = await taken(scene, scene.opened(ASKED, ONE_DAY))
    assert settled.asked == [(WHO, AROUND[0], AROUND[-1])]
    assert read(scene) == [REACH]
    assert [row.start for part in parts for row in part.released.rows] == [
        day_edges(day, BERLIN)[0] for day in AROUND[1:-1]
    ]


@pytest.mark.parametrize("unsettled", AROUND)
async def test_where_one_of_them_or_a_day_beside_them_is_not_settled_quarters_are_read(unsettled: date) -> None:
    scene = stage(Settled(*(day for day in AROUND if day != unsettled)))
    await taken(scene, scene.opened(ASKED, ONE_DAY))
    assert read(scene) == [QUARTERS]


@pytest.mark.parametrize("odd", AROUND[:-1])
async def test_where_one_day_is_odd_quarters_are_told(odd: date) -> None:
    scene = stage(Settled(*AROUND))
    scene.shelf.put(*(day_of(day, 25 if day == odd else 24) for day in AROUND), detail=DetailClass.DAY)
    scene.shelf.put(*(quarter(ASKED.start + n * HOUR, n) for n in range(73)), detail=DetailClass.QUARTER)
    parts = await taken(scene, scene.opened(ASKED, ONE_DAY))
    assert read(scene) == [REACH, QUARTERS]
    assert [whole(row) for part in parts for row in part.released.rows] == [24, 24, 24]


@pytest.mark.parametrize("decided", [True, False])
async def test_where_something_was_decided_or_said_of_a_meter_quarters_are_read(decided: bool) -> None:
    edited = Edited()
    scene = stage(Settled(*AROUND), edited)
    if decided:
        edited.corrections = {("m", "q"): [CHANGED]}
    else:
        scene.meters.known = {"m": Installation((), Decimal(9))}
    scene.shelf.put(*map(day_of, AROUND), detail=DetailClass.DAY)
    await taken(scene, scene.opened(ASKED, ONE_DAY))
    assert read(scene) == [QUARTERS]


async def test_of_values_as_they_stood_before_no_settled_day_is_told() -> None:
    """It is settled now; the vault may have said less then."""
    settled = Settled(*AROUND)
    scene = stage(settled)
    mark = scene.shelf.mark(WHO)
    scene.shelf.put(*map(day_of, AROUND), detail=DetailClass.DAY)
    assert await taken(scene, scene.opened(ASKED, ONE_DAY), mark=mark) == []
    assert (read(scene), settled.asked) == ([QUARTERS], [])


@pytest.mark.parametrize("step", [QUARTER_HOUR, HOUR, ONE_MONTH])
async def test_a_question_that_is_not_by_day_asks_about_none(step: timedelta) -> None:
    settled = Settled(*AROUND)
    scene = stage(settled)
    await taken(scene, scene.opened(ASKED, step))
    assert settled.asked == []


async def test_days_that_have_not_begun_and_days_whose_quarters_are_past_are_not_asked_about() -> None:
    settled = Settled()
    scene = stage(settled)
    scene.shelf.first[DetailClass.QUARTER] = FIRST
    today = scene.now.astimezone(BERLIN).date()
    await taken(scene, scene.opened(Period(ASKED.start - 9 * ONE_DAY, scene.now + 9 * ONE_DAY), ONE_DAY))
    assert settled.asked == [(WHO, FIRST, today)]


async def test_of_a_time_that_has_not_come_no_day_is_asked_about() -> None:
    settled = Settled()
    scene = stage(settled)
    await taken(scene, scene.opened(Period(scene.now, scene.now + 9 * ONE_DAY), ONE_DAY))
    assert settled.asked == []


@pytest.mark.parametrize("quantity", [POWER, NET])
def test_days_of_what_may_fall_are_plain_when_it_falls(quantity: str) -> None:
    """A power, and the net register of a home with panels."""
    falling = [structs.replace(each, first=-each.first, last=-each.last) for each in days_of(quantity)]
    assert plain(falling)
    assert not plain([structs.replace(each, quantity=ENERGY) for each in falling])
