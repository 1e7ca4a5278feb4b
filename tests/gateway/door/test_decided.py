"""The release desk, each guard of it alone: who is who, what is decided, what is written down before a part comes."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.plugin import Opening, Refused
from gateway.cohorts.desk import NEIGHBOURHOOD
from gateway.door import opening, release
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
    Grant,
    Level,
    Period,
    Portfolio,
    Pseudonym,
    Purpose,
    Reason,
    Recipient,
    Refusal,
    SubjectId,
    Zone,
)
from policies.vee.corrections import Correction
from tests.gateway.house import ACME, ENERGY, House, house, told, whole

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
OTHER = Recipient("other")


def reasons(answer: Grant | Refusal) -> set[Reason]:
    return set() if isinstance(answer, Grant) else set(answer.reasons)


async def released(home: House, who: SubjectId) -> list[Any]:
    return [entry for entry in await home.ledger.entries(who) if entry.kind == "release"]


# -- who is who


async def test_a_name_is_32_characters_that_stay_and_differ_by_recipient_and_by_household(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        a, b = await home.household(), await home.household()
        names = [home.release.pseudonym(r, who) for r in (ACME, OTHER) for who in (a, b)]
        assert len({*names}) == 4
        assert {len(name) for name in names} == {32}
        assert names[0] == home.vault.lookup("pairwise", f"acme\n{a}").hex()[:32]
        assert [home.release.pseudonym(r, who) for r in (ACME, OTHER) for who in (a, b)] == names


async def test_who_agrees_after_a_name_was_looked_up_in_vain_is_known(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        first, second = await home.household(), await home.household()
        await home.agree(first)
        names = [Pseudonym(home.release.pseudonym(ACME, who)) for who in (first, second)]
        assert [home.release.known_as(ACME, name) for name in names] == [first, None]
        await home.agree(second)
        assert [home.release.known_as(ACME, name) for name in names] == [first, second]
        assert [home.release.known_as(OTHER, name) for name in names] == [None, None]


# -- deciding


async def test_a_decision_opens_nothing_and_writes_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)
        grant = home.release.may(home.question(who))
        assert isinstance(grant, Grant)
        assert grant.subject == who
        assert await released(home, who) == []


@pytest.mark.parametrize("subject", [Portfolio(), Zone("Z1"), Pseudonym("0" * 32)])
async def test_what_is_no_household_is_not_decided_as_one(tmp_path: Path, subject: Any) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)
        assert reasons(home.release.may(home.question(who, subject=subject))) == {Reason.NO_CONSENT}


async def test_a_period_that_is_held_no_longer_is_refused_as_expired(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who, values=Period(home.now - 3000 * ONE_DAY, home.now))
        long_ago = Period(home.now - 2000 * ONE_DAY, home.now - 1999 * ONE_DAY)
        assert reasons(home.release.may(home.question(who, period=long_ago))) == {Reason.EXPIRED}
        assert isinstance(home.release.may(home.question(who)), Grant)


async def test_of_a_household_that_is_gone_nothing_is_granted_though_its_ground_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)
        monkeypatch.setattr(home.vault, "oldest", lambda *_: None)
        assert reasons(home.release.may(home.question(who))) == {Reason.NO_CONSENT}


# -- the catalog


async def test_a_recipient_sees_its_own_live_grounds_word_by_word(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who, other = await home.household(), await home.household()
        until = home.now + 7 * ONE_DAY
        wish = home.wish(until=until, quantities=frozenset({ENERGY}), keep=5 * ONE_DAY, resolution=QUARTER_HOUR)
        await home.consent.accept(who, await home.consent.ask(who, wish), wish.quantities)
        await home.agree(who, recipient=OTHER)
        await home.agree(other, recipient=OTHER)
        name, words = home.release.pseudonym(ACME, who), (wish.purpose, wish.quantities, QUARTER_HOUR, wish.level)
        assert home.release.openings(ACME) == [Opening(name, *words, wish.values, until, 5 * ONE_DAY)]
        assert len(home.release.openings(OTHER)) == 2
        assert home.release.openings(Recipient("nobody")) == []


async def test_a_ground_is_listed_from_its_begin_to_its_end(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        begin = home.now
        await home.agree(who, until=begin + ONE_DAY)
        listed = {}
        for at in (begin - TICK, begin, begin + ONE_DAY - TICK, begin + ONE_DAY):
            home.now = at
            listed[at - begin] = len(home.release.openings(ACME))
        assert list(listed.values()) == [0, 1, 1, 0]


async def test_a_ground_that_was_withdrawn_is_not_listed(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)
        await home.consent.withdraw(who)
        assert home.release.openings(ACME) == []


# -- a part each


async def renewed(home: House, gap: timedelta = timedelta(0)) -> tuple[SubjectId, datetime]:
    """A household that agreed twice, one after the other; the seam."""
    who = await home.household()
    await home.feed(who, list(range(48)))
    seam = home.now - 6 * HOUR
    await home.agree(who, values=Period(home.now - 30 * ONE_DAY, seam))
    await home.agree(who, values=Period(seam + gap, home.now + ONE_DAY))
    return who, seam


async def test_two_yeses_that_follow_each_other_answer_one_question_each_for_its_part(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who, seam = await renewed(home)
        question = home.question(who)
        parts = await home.parts(question)
        assert [whole(row) for part in parts for row in part.released.rows] == list(range(48))
        spans = sorted((e.start, e.end) for e in await released(home, who))
        assert spans == [(question.period.start, seam), (seam, question.period.end)]
        assert len({part.standing.ground for part in parts}) == 2


async def test_where_no_yes_covers_a_piece_of_the_period_all_of_it_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who, _ = await renewed(home, gap=HOUR)
        with pytest.raises(Refused):
            await home.parts(home.question(who))
        assert await released(home, who) == []


async def test_where_the_first_yes_begins_after_the_period_all_of_it_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        seam = home.now - 6 * HOUR
        await home.agree(who, values=Period(seam - HOUR, seam))
        await home.agree(who, values=Period(seam, home.now + ONE_DAY))
        with pytest.raises(Refused):
            await home.parts(home.question(who))
        within = home.question(who, period=Period(seam - HOUR, home.now))
        assert await home.parts(within) == []  # granted; nothing was delivered


async def test_a_question_about_no_time_at_all_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who, seam = await renewed(home)
        with pytest.raises(Refused):
            await home.parts(home.question(who, period=Period(seam, seam)))


async def test_in_a_portfolio_no_value_is_told_twice_where_two_yeses_overlap(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who, seam = await renewed(home)
        await home.agree(who, values=Period(seam - HOUR, seam + HOUR))
        rows = await home.rows(home.question(who, subject=Portfolio()))
        assert [whole(row) for row in rows] == list(range(48))


async def test_a_portfolio_has_what_stands_on_both_sides_of_a_gap(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who, _ = await renewed(home, gap=HOUR)
        rows = await home.rows(home.question(who, subject=Portfolio()))
        assert [whole(row) for row in rows] == [n for n in range(48) if not 24 <= n < 28]


@pytest.mark.parametrize("other", [{"recipient": OTHER}, {"purpose": Purpose.RESEARCH}])
async def test_what_was_agreed_with_others_or_for_other_ends_does_not_cut_an_answer_in_pieces(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, list(range(48)))
        await home.agree(who)
        await home.agree(who, values=Period(home.now - 40 * ONE_DAY, home.now - 6 * HOUR), **other)
        assert len(await home.rows(home.question(who, subject=Portfolio()))) == 48
        assert len(await released(home, who)) == 1


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

        monkeypatch.setattr(opening, "_moment", moment)
        question = home.question(first, subject=Portfolio(), period=Period(home.now - ONE_DAY, home.now + ONE_DAY))
        right = home.right(question, lambda: turns[0] < 5)
        stream = await home.release.follow(question, right, gone=lambda: False)
        assert len(await released(home, first)) == 1
        parts = [part async for part in stream]
        got = [(part.released.subject, [whole(row) for row in part.released.rows]) for part in parts]
        names = [home.release.pseudonym(ACME, who) for who in (first, second)]
        assert got == [(names[0], [1, 2]), (names[1], [4])]
        assert [len(await released(home, who)) for who in (first, second)] == [1, 1]


# -- a place


async def test_figures_of_a_place_are_the_recipients_alone_and_are_not_kept(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = [await home.household("Z1") for _ in range(4)]
        for n, who in enumerate(people):
            await home.feed(who, [n + k * (n + 1) for k in range(40)])
            await home.agree(who, recipient=NEIGHBOURHOOD, purpose=Purpose.NEIGHBOURHOOD, level=Level.COHORT)
        begin = home.now - 11 * HOUR
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


class Edited:
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
