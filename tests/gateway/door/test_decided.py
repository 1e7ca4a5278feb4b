"""The release desk, each guard of it alone: who is who, what is decided, which part of a period is whose."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.plugin import Opening, Refused
from policies.terms import (
    ONE_DAY,
    QUARTER_HOUR,
    DetailClass,
    Grant,
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
from tests.gateway.books import entries_of
from tests.gateway.house import ACME, ENERGY, House, house, whole

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
OTHER = Recipient("other")


def reasons(answer: Grant | Refusal) -> set[Reason]:
    return set() if isinstance(answer, Grant) else set(answer.reasons)


async def released(home: House, who: SubjectId) -> list[Any]:
    return [entry for entry in await entries_of(home.ledger, who) if entry.kind == "release"]


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


async def test_what_goes_beyond_the_profile_is_not_granted_though_the_household_allows_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)
        assert isinstance(home.release.may(home.question(who)), Grant)
        home.registry.closed.add(ACME)
        assert reasons(home.release.may(home.question(who))) == {Reason.NOT_IN_PROFILE}


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


async def test_a_ground_that_can_give_nothing_for_want_of_keys_is_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        consent = await home.agree(who, resolution=QUARTER_HOUR)
        asked: list[tuple[SubjectId, DetailClass]] = []

        def gone(subject: SubjectId, detail: DetailClass) -> None:
            asked.append((subject, detail))

        assert len(home.release.openings(ACME)) == 1
        monkeypatch.setattr(home.vault, "oldest", gone)
        home.grounds.keep(consent)  # as a start does
        assert home.release.openings(ACME) == []
        assert asked == [(who, DetailClass.QUARTER)]


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
        assert all(start.hour == end.hour == 0 for start, end in spans), "whole days"
        assert [start <= at < end for (start, end), at in zip(spans, (question.period.start, seam), strict=True)] == [
            True
        ] * 2
        assert len({part.standing.ground for part in parts}) == 2


async def test_a_yes_that_covers_all_of_the_period_is_enough_though_others_cover_parts_of_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        whole_ = await home.agree(who)
        await home.agree(who, values=Period(home.now - 40 * ONE_DAY, home.now - 6 * HOUR))
        await home.parts(home.question(who))
        assert [entry.ground for entry in await released(home, who)] == [whole_.id]


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
