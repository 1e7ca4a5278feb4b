"""Single values beside told figures: hours that protect somebody's neighbours are left out, and the answer says so."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from adapters.explained import NOT_COVERED
from adapters.plugin import Refused
from gateway.cohorts.protection import Shown
from gateway.door.release import KeptBack
from gateway.services import _named_in
from policies.cohorts import SafetyRule
from policies.terms import AS_RECEIVED, Level, Period, Portfolio, Reason, Recipient, SubjectId
from tests.gateway.books import entries_of
from tests.gateway.cohorts.town import DAY, HOUR, allow_figures, cells, feed, joined, midnight, next_day, work
from tests.gateway.house import ACME, NOON, House, house

TOLD = range(2, 5)


async def told(home: House, count: int, place: str = "Z1") -> list[SubjectId]:
    """A day of which hours 2, 3 and 4 were told, of all of them; hours 0, 1 and 5 are the first one's alone."""
    people = await joined(home, count, place)
    await feed(home, people[:1], range(7))
    await feed(home, people[1:], range(TOLD[0], TOLD[-1] + 2), first=1)
    await next_day(home, 1)
    return people


async def hours(home: House, who: SubjectId, step: timedelta = HOUR, **other: Any) -> list[int]:
    """Where the rows begin that somebody gets of the day."""
    begin = midnight(home) - DAY
    rows = await home.rows(home.question(who, resolution=step, period=Period(begin, begin + DAY), **other))
    return [(row.start - begin) // HOUR for row in rows if row.value is not None]


async def test_a_later_single_consent_leaves_out_told_hours_where_too_few_others_would_be_left(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await told(home, 3)
        assert sorted(await cells(home)) == list(TOLD)
        await home.agree(people[0])
        assert await hours(home, people[0]) == [0, 1, 5]
        assert await hours(home, people[0], 2 * HOUR) == [0]
        assert await hours(home, people[0], 3 * HOUR) == []
        assert await hours(home, people[0], AS_RECEIVED) == [6], "what follows the told hours, and not their edge"


async def test_whoever_asks_first_is_seen_until_k_are_left_and_stays_so_after_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await told(home, 4)
        for who in people[:3]:
            await home.agree(who)
        assert await hours(home, people[1]) == list(TOLD)
        assert await hours(home, people[0]) == [0, 1, 5]
    async with house(tmp_path) as again:
        again.now, again.registry.where = home.now, home.registry.where
        assert await hours(again, people[1]) == list(TOLD)
        assert await hours(again, people[0]) == [0, 1, 5]


async def test_two_who_ask_at_the_same_time_are_not_both_seen(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await told(home, 4)
        for who in people[1:3]:
            await home.agree(who)
        found = await asyncio.gather(*(hours(home, who) for who in people[1:3]), return_exceptions=True)
        assert sum(isinstance(each, Refused) or each == [] for each in found) == 1


async def test_where_all_of_it_protects_the_answer_is_no_and_the_reason_says_so(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await told(home, 3)
        await home.agree(people[1])
        begin = midnight(home) - DAY + TOLD[0] * HOUR
        question = home.question(people[1], resolution=HOUR, period=Period(begin, begin + 2 * HOUR))
        for ask in (
            home.release.release(question, home.right(question)),
            home.release.follow(question, home.right(question), gone=lambda: False),
        ):
            with pytest.raises(Refused) as no:
                await ask
            assert no.value.refusal.reasons == (Reason.PROTECTS_NEIGHBOURS,)
        entries = await entries_of(home.ledger, people[1])
        assert [each.kind for each in entries] == ["given", "given"], "nobody saw anything"


async def stands(home: House, who: SubjectId, day: int, long: timedelta = DAY) -> bool:
    """Whether anything is given of (the begin of) a day, as it came, in a question of its own."""
    begin = midnight(home) + day * DAY
    try:
        return bool(await home.rows(home.question(who, period=Period(begin, begin + long))))
    except Refused:
        return False


async def test_stands_of_before_are_kept_back_in_a_question_of_their_own(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3)
        for _ in range(2):
            await feed(home, people, range(3))
            await next_day(home, 12)
        await feed(home, people, range(3), day=-4)
        await feed(home, people[:1], range(3, 5), day=-1)
        await home.agree(people[0])
        assert not await stands(home, people[0], -4), "a day of which nothing was told"
        assert not await stands(home, people[0], -2)
        assert await stands(home, people[0], -1), "after the last hour that was told"
        await next_day(home)
        assert await stands(home, people[0], -2), "who may have stands is seen from then on"


async def test_for_stands_that_are_kept_back_anyway_nobody_is_used_up(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 4)
        first = Period(midnight(home), midnight(home) + DAY)
        await home.agree(people[3], resolution=HOUR, values=first)
        for _ in range(2):
            await feed(home, people, range(3))
            await next_day(home, 12)
        await home.agree(people[0])
        assert not await stands(home, people[0], -2, 2 * HOUR), "three are needed, and three are hidden on that day"
        await home.agree(people[1])
        assert await hours(home, people[1]) == [0, 1], "the one who may be seen on the day after"


async def test_whom_shares_need_to_hide_another_is_not_seen_although_heads_are_to_spare(tmp_path: Path) -> None:
    async with house(tmp_path, profile=SafetyRule(4, Decimal("0.34"))) as home:
        people = await joined(home, 6)
        for n, who in enumerate(people):
            load = 4 if n == 0 else 2
            await home.feed(who, [h * load for h in range(3)], step=HOUR, start=midnight(home))
        await next_day(home, 1)
        assert (await cells(home)) == {0: 14, 1: 14}
        for who in people[1:3]:
            await home.agree(who)
        assert await hours(home, people[1]) == [0, 1]
        assert await hours(home, people[2]) == [], "four of twelve are a third, of ten they are not"


async def test_who_was_seen_before_the_figures_goes_on_being_seen(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 4)
        await home.agree(people[0])
        await feed(home, people, range(3))
        await next_day(home, 1)
        assert sorted(await cells(home)) == [0, 1]
        assert await hours(home, people[0]) == [0, 1]


async def test_who_lives_nowhere_or_in_a_place_without_figures_protects_nobody(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        lonely, nowhere = await home.household("Z2"), await home.household()
        await feed(home, [lonely, nowhere], range(4))
        await next_day(home, 1)
        for who in (lonely, nowhere):
            await home.agree(who)
            assert await hours(home, who) == [0, 1, 2]


async def test_what_is_kept_back_is_said_before_the_first_part(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await told(home, 3)
        begin = midnight(home) - DAY
        said: list[KeptBack] = []
        for who in people[:2]:
            await home.agree(who)
        question = home.question(people[0], resolution=HOUR, period=Period(begin, begin + 6 * HOUR))
        right, everybody = home.right(question), replace(question, subject=Portfolio())
        await home.release.release(question, right, said.append)
        protected = Period(begin + TOLD[0] * HOUR, begin + (TOLD[-1] + 1) * HOUR)
        assert said == [KeptBack([protected], 1, 1)]
        await home.release.follow(question, right, gone=lambda: False, say=said.append)
        assert said[1:] == said[:1]
        await home.release.follow(everybody, right, gone=lambda: False, say=said.append)
        assert (len(said), said[-1].of) == (3, 2)


async def test_a_portfolio_leaves_out_each_ones_hours_and_says_of_how_many(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await told(home, 3)
        other = await home.household("Z2")
        await feed(home, [other], range(4), day=-1)
        for who in (people[0], people[1], other):
            await home.agree(who, level=Level.PSEUDONYMOUS)
        begin = midnight(home) - DAY
        question = home.question(
            other,
            subject=Portfolio(),
            level=Level.PSEUDONYMOUS,
            resolution=HOUR,
            period=Period(begin, begin + 6 * HOUR),
        )
        said: list[KeptBack] = []
        parts = await home.release.release(question, home.right(question), said.append)
        rows = [row async for part in parts for row in part.released.rows if row.value is not None]
        by_name: dict[str, list[int]] = {}
        for row in rows:
            by_name.setdefault(row.subject, []).append((row.start - begin) // HOUR)
        name = home.release.pseudonym
        assert by_name == {name(ACME, people[0]): [0, 1, 5], name(ACME, other): [0, 1, 2]}
        assert [(each.households, each.of) for each in said] == [(2, 3)]


async def test_a_stream_that_begins_later_leaves_them_out_as_well(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await told(home, 3)
        await home.agree(people[0])
        begin, found = midnight(home) - DAY, list[int]()
        question = home.question(people[0], resolution=HOUR, period=Period(begin, home.now + HOUR))
        alive = [True]
        stream = await home.release.follow(question, home.right(question, lambda: alive[0]), gone=lambda: False)
        async with asyncio.timeout(10):
            async for part in stream:
                found += [(row.start - begin) // HOUR for row in part.released.rows]
                alive[0] = 5 not in found
        assert sorted(found) == [0, 1, 5]


async def test_hours_that_were_told_later_of_the_same_day_protect_too(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await joined(home, 3)
        await feed(home, people, range(2))
        await next_day(home, 1)
        await feed(home, people, range(1, 4), day=-1)
        home.now += HOUR
        await work(home)
        assert sorted(await cells(home)) == [0, 1, 2]
        await home.agree(people[0], recipient=Recipient("other"))
        assert await hours(home, people[0], recipient=Recipient("other")) == []


def test_the_head_of_an_answer_names_what_is_kept_back_beside_what_its_ground_does_not_cover() -> None:
    begin = NOON.replace(hour=0)
    kept = KeptBack([Period(begin, begin + HOUR)], 1, 1)
    said = "2026-03-04T00:00:00Z/2026-03-04T01:00:00Z;reason=protects-neighbours"
    for before, after in (({}, said), ({NOT_COVERED: "x"}, f"x, {said}")):
        response = web.StreamResponse(headers=before)
        _named_in(response)(kept)
        assert response.headers[NOT_COVERED] == after


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [([0], [(0, 1)]), ([0, 1, 2], [(0, 3)]), ([3, 1], [(1, 2), (3, 4)]), ([23, 22, 0], [(0, 1), (22, 24)])],
)
def test_told_hours_that_touch_are_one(numbers: Sequence[int], expected: Sequence[tuple[int, int]]) -> None:
    begin = NOON.replace(hour=0)
    shown = Shown("Z1#2026-03-04-0", Period(begin, begin + DAY), HOUR, frozenset(numbers), 0)
    assert shown.periods() == [Period(begin + a * HOUR, begin + b * HOUR) for a, b in expected]


async def test_what_somebody_allows_after_the_figures_leaves_the_next_day_to_the_others(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = await told(home, 3)
        await home.agree(people[0])
        late = await home.household("Z1")
        await allow_figures(home, late)
        home.now += 5 * HOUR
        await feed(home, [*people, late], range(3))
        await next_day(home)
        assert len(await cells(home)) == 5, "four of whom one is seen"
