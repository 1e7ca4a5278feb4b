"""The release desk writes down before a part comes; streams, places, and what was decided about intervals."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.plugin import Refused
from gateway.cohorts.desk import NEIGHBOURHOOD
from gateway.door import following, release
from gateway.door.egress import Whole
from gateway.door.release import ReleaseDesk
from gateway.errors import SubjectGone
from policies.grounds import Contract, Scope
from policies.minimise import Corrections
from policies.terms import (
    AS_RECEIVED,
    FAR_FUTURE,
    ONE_DAY,
    QUARTER_HOUR,
    DetailClass,
    Level,
    Period,
    Portfolio,
    Purpose,
    Reason,
    SubjectId,
    Zone,
)
from policies.vee.corrections import Correction
from tests.gateway.door.shelf import Versioned
from tests.gateway.door.test_decided import HOUR, OTHER, released
from tests.gateway.house import ACME, ENERGY, house, told, whole

# -- what is written down


async def test_an_entry_says_by_which_kind_of_ground(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1, 2])
        await home.agree(who)
        await home.parts(home.question(who))
        scope = Scope(
            OTHER,
            Purpose.FORECAST,
            frozenset({ENERGY}),
            AS_RECEIVED,
            Level.INDIVIDUAL,
            Period(home.now - 30 * ONE_DAY, home.now + ONE_DAY),
            Period(home.now, FAR_FUTURE),
            ONE_DAY,
        )
        await home.consent.enrol(Contract("c" * 32, who, scope))
        await home.parts(home.question(who, recipient=OTHER))
        kinds = {entry.recipient: entry.ground_kind for entry in await released(home, who)}
        assert kinds == {"acme": "consent", "other": "contract"}


async def test_a_ground_that_left_memory_meanwhile_is_written_down_without_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1, 2])
        await home.agree(who)
        monkeypatch.setattr(home.grounds, "find", lambda *_: None)
        await home.parts(home.question(who))
        assert [entry.ground_kind for entry in await released(home, who)] == [""]


@pytest.mark.parametrize("follow", [False, True])
async def test_before_the_first_part_can_be_taken_the_entry_is_there(tmp_path: Path, follow: bool) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        until = home.now + 7 * ONE_DAY
        await home.agree(who, until=until)
        question = home.question(who)
        right = home.right(question)
        parts = (
            await home.release.follow(question, right, gone=lambda: False)
            if follow
            else await home.release.release(question, right)
        )
        assert isinstance(parts, Whole)
        assert [standing.ground for standing in parts.standings] == [g.id for g in home.grounds.of(who)]
        assert [(standing.right, standing.ends) for standing in parts.standings] == [(right, until)]
        assert len(await released(home, who)) == 1


async def test_if_the_entry_cannot_be_sealed_any_more_the_answer_is_no(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)

        async def gone(_: Any) -> None:
            raise SubjectGone("gone")

        monkeypatch.setattr(home.ledger, "write", gone)
        with pytest.raises(Refused) as no:
            await home.parts(home.question(who))
        assert set(no.value.refusal.reasons) == {Reason.NO_CONSENT}


async def test_of_a_portfolio_who_is_not_reached_yet_is_not_written_down_and_who_left_never_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "SLICE", 2)
    async with house(tmp_path) as home:
        people = sorted([await home.household() for _ in range(5)])
        for who in people:
            await home.feed(who, [1, 2])
            await home.agree(who)
        question = home.question(people[0], subject=Portfolio())
        parts = await home.release.release(question, home.right(question))
        seen = [(await anext(parts)).released.subject]
        assert [len(await released(home, who)) for who in people] == [1, 1, 0, 0, 0]
        await home.consent.withdraw(people[2])
        seen += [part.released.subject async for part in parts]
        assert [len(await released(home, who)) for who in people] == [1, 1, 0, 1, 1]
        left = [who for who in people if who != people[2]]
        assert seen == [home.release.pseudonym(ACME, who) for who in left]


async def test_a_portfolio_of_an_organisation_that_may_not_ask_is_refused_before_anybody_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)
        question = home.question(who, subject=Portfolio())
        right = home.right(question)
        home.registry.closed.add(ACME)
        for ask in (home.release.release(question, right), home.release.follow(question, right, gone=lambda: False)):
            with pytest.raises(Refused) as no:
                await ask
            assert set(no.value.refusal.reasons) == {Reason.NOT_IN_PROFILE}


# -- a stream


async def test_a_portfolio_that_is_followed_looks_for_who_joins_and_tells_nobody_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        first, second = await home.household(), await home.household()
        for who in (first, second):
            await home.feed(who, [1, 2])
        await home.agree(first)
        turns = [0]

        async def moment(news: asyncio.Event | None) -> None:
            assert news is None, "a portfolio has no event of its own"
            turns[0] += 1
            if turns[0] == 2:
                await home.agree(second)
                await home.feed(second, [3], start=home.now - HOUR)
            if turns[0] == 3:
                await home.feed(second, [4], start=home.now - HOUR / 2)

        monkeypatch.setattr(following, "_moment", moment)
        question = home.question(first, subject=Portfolio(), period=Period(home.now - ONE_DAY, home.now + ONE_DAY))
        right = home.right(question, lambda: turns[0] < 5)
        stream = await home.release.follow(question, right, gone=lambda: False)
        assert len(await released(home, first)) == 1
        parts = [part async for part in stream]
        got = [(part.released.subject, [whole(row) for row in part.released.rows]) for part in parts]
        names = [home.release.pseudonym(ACME, who) for who in (first, second)]
        assert got == [(names[0], [1, 2]), (names[1], [1, 2, 3]), (names[1], [4])]
        assert [len(await released(home, who)) for who in (first, second)] == [1, 1]


# -- a place


async def test_figures_of_a_place_are_the_recipients_alone_and_are_not_kept(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = [await home.household("Z1") for _ in range(4)]
        for n, who in enumerate(people):
            await home.feed(who, [n + k * (n + 1) for k in range(40)], start=home.now - 36 * HOUR)
            await home.agree(who, recipient=NEIGHBOURHOOD, purpose=Purpose.NEIGHBOURHOOD, level=Level.COHORT)
        begin = home.now - 35 * HOUR
        question = home.question(
            people[0],
            subject=Zone("Z1"),
            level=Level.COHORT,
            purpose=Purpose.NEIGHBOURHOOD,
            resolution=HOUR,
            period=Period(begin, begin + HOUR),
            reference="r1",
        )
        alive = [True]
        right = home.right(question, lambda: alive[0])
        [part] = [part async for part in await home.release.release(question, right)]
        r = part.released
        assert (r.subject, r.recipient, r.purpose) == ("Z1", ACME, Purpose.NEIGHBOURHOOD)
        assert (r.resolution, r.level, r.keep, r.reference) == (HOUR, Level.COHORT, timedelta(0), "r1")
        for who in people:
            await home.consent.withdraw(who)
        assert part.standing.still()
        alive[0] = False
        assert not part.standing.still()


async def test_figures_of_a_place_that_is_not_in_the_profile_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        monkeypatch.setattr(home.registry, "zones", lambda _: ["Z2"])
        who = await home.household("Z1")
        question = home.question(
            who, subject=Zone("Z1"), level=Level.COHORT, purpose=Purpose.NEIGHBOURHOOD, resolution=HOUR
        )
        with pytest.raises(Refused) as no:
            await home.parts(question)
        assert set(no.value.refusal.reasons) == {Reason.NOT_IN_PROFILE}


# -- what was decided about a household's intervals


class Edited(Versioned):
    """One interval of the meter was set to a value by hand."""

    def __init__(self, of: Correction) -> None:
        self.correction = of
        self.asked: list[tuple[SubjectId, DetailClass, Period]] = []

    async def of(self, household: SubjectId, detail: DetailClass, period: Period) -> Corrections:
        self.asked.append((household, detail, period))
        found: Mapping[tuple[str, str], Sequence[Correction]] = {("m", ENERGY): [self.correction]}
        return found


async def test_an_interval_that_was_edited_is_told_as_it_was_decided(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        begin = home.now - 12 * HOUR
        await home.feed(who, list(range(9)))
        await home.agree(who)
        interval = (begin + HOUR, begin + HOUR + QUARTER_HOUR)
        edited = Edited(Correction("m", ENERGY, *interval, Decimal("7.5"), "kWh", "validated"))
        desk = ReleaseDesk(
            home.vault,
            home.grounds,
            home.ledger,
            home.epochs,
            home.gateway.profiles,
            home.cohorts,
            home.gateway.registry.meters,
            home.gateway.clock,
            corrected=edited,
        )
        question = replace(home.question(who), resolution=QUARTER_HOUR, period=Period(begin, begin + 2 * HOUR))
        parts = [part async for part in await desk.release(question, home.right(question))]
        rows = [row for part in parts for row in part.released.rows]
        assert [int(told(row) * 10) for row in rows] == [10, 10, 10, 10, 75, 10, 10, 10]
        assert [row.status for row in rows].count("validated") == 1
        assert edited.asked == [(who, DetailClass.QUARTER, question.period)]
