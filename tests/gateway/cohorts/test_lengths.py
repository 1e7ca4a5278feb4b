"""A cell speaks of its own interval, also when the operator has changed the length since."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.plugin import Refused
from policies.terms import Period, Reason
from tests.gateway.cohorts.town import DAY, HOUR, drawn, joined, midnight, next_day, question, work
from tests.gateway.house import House, house

MINUTE = timedelta(minutes=1)


async def lived(home: House, place: str = "Z1", *, day: int = 0) -> None:
    """Three households for five hours; each uses 2n kWh in the n-th twenty minutes of a day."""
    for who in await joined(home, 3, place):
        stands = [n * (n + 1) for n in range(16)]
        await home.feed(who, stands, step=20 * MINUTE, start=midnight(home) + day * DAY)


@asynccontextmanager
async def reopened(folder: Path, before: House, cell: int) -> AsyncIterator[House]:
    async with house(folder, cell=cell) as home:
        home.now, home.registry.where = before.now, before.registry.where
        yield home


async def figure(home: House, first: int, last: int, place: str = "Z1", *, ago: int = 1) -> int | Reason:
    """Of minutes of a day, as one interval."""
    begin = midnight(home) - ago * DAY
    period = Period(begin + first * MINUTE, begin + last * MINUTE)
    try:
        rows = await home.rows(question(home, place, 0, resolution=period.end - period.start, period=period))
    except Refused as error:
        (reason,) = error.refusal.reasons
        return reason
    (value,) = (row.value for row in rows)
    assert value is not None
    return int(value)


def used(first: int, last: int) -> int:
    """By the three, in minutes of the day."""
    return 3 * sum(2 * n for n in range(first // 20 + 1, last // 20 + 1))


async def test_a_long_cell_does_not_pass_for_a_short_one(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await lived(home)
        await next_day(home)
    async with reopened(tmp_path, home, 20) as home:
        assert await figure(home, 60, 80) is Reason.NOT_YET
        assert await figure(home, 60, 120) == used(60, 120)
        home.now += DAY
        assert await figure(home, 60, 80, ago=2) is Reason.COHORT_SILENT
        assert await figure(home, 120, 240, ago=2) == used(120, 240)


async def test_short_cells_are_summed_to_longer_ones_and_none_stands_for_the_whole(tmp_path: Path) -> None:
    async with house(tmp_path, cell=20) as home:
        await lived(home)
        await next_day(home)
    async with reopened(tmp_path, home, 60) as home:
        assert await figure(home, 60, 120) == used(60, 120)
        assert await figure(home, 240, 360) is Reason.NOT_YET, "a part of it was told"


async def test_cells_that_do_not_lie_on_the_grid_of_what_is_asked_are_not_summed(tmp_path: Path) -> None:
    async with house(tmp_path, cell=40) as home:
        await lived(home)
        await next_day(home)
    async with reopened(tmp_path, home, 60) as home:
        assert await figure(home, 0, 60) is Reason.NOT_YET
        assert await figure(home, 60, 120) is Reason.NOT_YET
        assert await figure(home, 0, 120) == used(0, 120)


@pytest.mark.parametrize("cell", [20, 120])
async def test_of_a_day_of_which_something_was_told_no_more_is_at_another_length(tmp_path: Path, cell: int) -> None:
    async with house(tmp_path) as home:
        await home.household("Z1")
        await lived(home, "Z1/a")
        await next_day(home)
        assert await figure(home, 0, 120) == used(0, 120)
    async with reopened(tmp_path, home, cell) as home:
        await lived(home, "Z1/b", day=-1)
        await lived(home, "Z2", day=-1)
        home.now += HOUR
        await work(home)
        assert await figure(home, 0, 120, "Z1/b") is Reason.COHORT_TOO_SMALL
        assert await figure(home, 0, 120, "Z2") == used(0, 120), "of that zone nothing was told"
        assert await figure(home, 0, 120) == used(0, 120)
        assert len(await drawn(home)) == 2


async def test_a_day_that_told_nothing_may_be_told_at_the_new_length_where_it_was_not_drawn(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await joined(home, 2)
        await next_day(home)
    async with reopened(tmp_path, home, 20) as home:
        await lived(home, day=-1)
        assert await figure(home, 60, 80) == used(60, 80)


async def test_places_of_a_zone_with_days_of_two_lengths_have_no_common_figure(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.household("Z1")
        for who in await joined(home, 3, "Z1/a"):
            await home.feed(who, [0], start=midnight(home))
        await next_day(home)
        assert await drawn(home) == ["2026-03-04"], "and nothing is told of it"
    async with reopened(tmp_path, home, 20) as home:
        await lived(home, "Z1/b", day=-1)
        assert await figure(home, 0, 60, "Z1/b") == used(0, 60)
        assert await figure(home, 0, 60) is Reason.NOT_YET


async def test_a_place_that_nobody_lives_in_any_more_keeps_what_it_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        await lived(home)
        await next_day(home)
        assert await figure(home, 0, 60) == used(0, 60)
        monkeypatch.setattr(home.registry, "zones", lambda _: ["Z1"])
        home.registry.where.clear()
        assert await figure(home, 0, 60) == used(0, 60)
