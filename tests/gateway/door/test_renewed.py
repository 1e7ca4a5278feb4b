"""A portfolio that is followed, and a household whose consent is renewed: it is told again, and nothing twice."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.door.late import OnceTold
from gateway.door.opening import Open
from gateway.door.standing import Sight, Standing
from gateway.door.tails import Left, Tail
from policies.terms import (
    AS_RECEIVED,
    FAR_FUTURE,
    QUARTER_HOUR,
    Grant,
    Level,
    Period,
    Portfolio,
    ReleaseRequest,
    Row,
    SubjectId,
)
from tests.gateway.books import entries_of
from tests.gateway.house import ACME, NOON, House, house, streamed

HOUR = timedelta(hours=1)
MORNING = NOON - 6 * HOUR
LATER = NOON + 30 * 24 * HOUR


def portfolio(home: House, *, resolution: timedelta = QUARTER_HOUR, end: datetime = FAR_FUTURE) -> ReleaseRequest:
    words = {"resolution": resolution, "level": Level.PSEUDONYMOUS if resolution else Level.INDIVIDUAL}
    return home.question(SubjectId(""), subject=Portfolio(), period=Period(MORNING, end), **words)


async def hours(home: House, who: SubjectId, begin: datetime, count: int) -> None:
    """A reading each quarter of an hour, a kWh more each, and now they have gone by."""
    home.now, first = max(home.now, begin + count * HOUR), (begin - MORNING) // QUARTER_HOUR
    await home.feed(who, [n + first for n in range(4 * count + 1)], step=QUARTER_HOUR, start=begin)


def told(home: House, rows: Sequence[Row], who: SubjectId) -> list[float]:
    """Begins of what was told of a household, in hours from noon."""
    name = home.release.pseudonym(ACME, who)
    return [(row.start - NOON) / HOUR for row in rows if row.subject == name and row.value is not None]


def quarters(begin: float, end: float) -> list[float]:
    return [begin + n / 4 for n in range(int(4 * (end - begin)))]


async def test_a_consent_that_is_given_again_joins_and_nothing_is_told_twice_or_of_the_time_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who, other = await home.household(), await home.household()
        for each in (who, other):
            await home.agree(each, values=Period(MORNING, LATER))
            await hours(home, each, MORNING, 6)

        async def withdraw() -> None:
            await home.consent.withdraw(who)

        async def between() -> None:
            await hours(home, who, NOON, 2)
            await hours(home, other, NOON, 2)

        async def again() -> None:
            await home.agree(who, values=Period(NOON - HOUR, NOON))
            await home.agree(who, values=Period(NOON + 2 * HOUR, LATER))

        async def after() -> None:
            await hours(home, who, NOON + 2 * HOUR, 1)

        acts = (withdraw, between, again, after)
        turns = await streamed(home, portfolio(home), monkeypatch, *acts)
        assert [told(home, rows, who) for rows in turns] == [quarters(-6, 0), [], [], [], quarters(2, 3)]
        assert told(home, turns[2], other) == quarters(0, 2)
        kinds = [entry.kind for entry in await entries_of(home.ledger, who)]
        assert kinds.count("release") == 3


async def test_a_longer_consent_goes_on_where_the_former_one_lapses_also_with_nobody_else_in_the_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who, values=Period(MORNING, NOON + 2 * HOUR), until=NOON + 2 * HOUR)
        await hours(home, who, MORNING, 6)

        async def renew() -> None:
            await home.agree(who, values=Period(MORNING, LATER), until=LATER)

        async def over() -> None:
            await hours(home, who, NOON, 3)

        async def nothing() -> None:
            return

        turns = await streamed(home, portfolio(home), monkeypatch, renew, over, nothing)
        assert [told(home, rows, who) for rows in turns] == [quarters(-6, 0), [], quarters(2, 3) + quarters(0, 2), []]


async def test_what_a_second_consent_has_more_is_told_while_the_first_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who, values=Period(NOON - HOUR, NOON))
        await hours(home, who, MORNING, 6)

        async def more() -> None:
            await home.agree(who, values=Period(MORNING, LATER))

        async def after() -> None:
            await hours(home, who, NOON, 1)

        turns = await streamed(home, portfolio(home), monkeypatch, more, after)
        assert [told(home, rows, who) for rows in turns] == [quarters(-1, 0), quarters(-6, -1), quarters(0, 1)]


async def test_who_comes_again_is_told_once_more_of_what_means_something_else_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)
        await hours(home, who, MORNING, 6)

        async def withdraw() -> None:
            await home.consent.withdraw(who)

        async def corrected() -> None:
            await home.feed(who, ["10.5"], start=NOON - 3.5 * HOUR)

        async def again() -> None:
            await home.agree(who)

        turns = await streamed(home, portfolio(home), monkeypatch, withdraw, corrected, again)
        assert [told(home, rows, who) for rows in turns] == [quarters(-6, 0), [], [], [-3.75, -3.5]]


async def test_as_received_who_joins_is_told_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(tmp_path) as home:
        who, joins = await home.household(), await home.household()
        await home.agree(who)
        await hours(home, joins, MORNING, 6)

        async def join() -> None:
            await home.agree(joins)

        turns = await streamed(home, portfolio(home, resolution=AS_RECEIVED), monkeypatch, join)
        assert [told(home, rows, joins) for rows in turns] == [[], quarters(-6, 0.25)]


async def test_a_stream_with_nobody_left_ends_with_its_period(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)

        async def withdraw() -> None:
            await home.consent.withdraw(who)

        async def later() -> None:
            home.now += HOUR

        acts = [withdraw, later, later, later]
        turns = await streamed(home, portfolio(home, end=NOON + 2 * HOUR), monkeypatch, *acts)
        assert len(turns) == 3


async def test_of_a_household_that_is_erased_a_stream_remembers_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who, other = await home.household(), await home.household()
        left = Left(home.vault, home.gateway.clock)
        for each in (who, other):
            await home.agree(each)
            grant, sight = (
                home.release.may(home.question(each)),
                Sight(home.epochs, home.gateway.clock, home.vault.oldest),
            )
            assert isinstance(grant, Grant)
            standing = Standing(sight, home.own_right(), grant.ground, 0)
            tail = Tail(Open(grant, "", standing), [], home.vault.mark(each), NOON, NOON, OnceTold(NOON))
            await home.consent.withdraw(each)
            assert left.without([tail]) == []
        await home.vault.erase(who)
        left.without([])
        assert list(left.remembered) == [other]
