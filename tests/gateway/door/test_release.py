"""What the desk opens: the period, the detail, the household or the cohort of the grant, and no more."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.plugin import Refused
from gateway.cohorts.desk import NEIGHBOURHOOD
from gateway.door.egress import Part
from gateway.vee.corrections import CorrectionBook
from policies.ledger import LedgerEntry
from policies.minimise import Corrections
from policies.terms import (
    AS_RECEIVED,
    ONE_DAY,
    QUARTER_HOUR,
    Level,
    Period,
    Portfolio,
    Pseudonym,
    Purpose,
    Reason,
    Recipient,
    ReleaseRequest,
    SubjectId,
    Zone,
)
from policies.vee.corrections import Correction
from tests.gateway.books import entries_of
from tests.gateway.house import ACME, ENERGY, House, house, whole

HOUR = timedelta(hours=1)


def reasons(error: pytest.ExceptionInfo[Refused]) -> set[Reason]:
    return set(error.value.refusal.reasons)


async def test_values_leave_with_the_digits_they_came_with(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, ["12345678.900", "12345679.025"])
        await home.agree(who)
        rows = await home.rows(home.question(who))
        assert [str(r.value) for r in rows] == ["12345678.900", "12345679.025"]
        assert all(r.start == r.end and r.unit == "kWh" and r.status == "measured" for r in rows)
        assert {r.subject for r in rows} == {home.release.pseudonym(ACME, who)}
        assert who not in {r.subject for r in rows}


async def test_only_the_period_that_was_asked_for_is_opened(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        begin = home.now - 12 * HOUR
        await home.feed(who, list(range(48)))
        await home.agree(who)
        some = home.question(who, period=Period(begin + HOUR, begin + 2 * HOUR))
        assert [whole(r) for r in await home.rows(some)] == [4, 5, 6, 7]


async def test_a_register_in_hours_gives_the_energy_of_each_whole_hour(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        begin = home.now - 12 * HOUR
        await home.feed(who, [n * n for n in range(49)])
        await home.agree(who, resolution=QUARTER_HOUR)
        question = home.question(who, resolution=HOUR, period=Period(begin + HOUR / 2, begin + 4 * HOUR))
        rows = await home.rows(question)
        assert [(r.start - begin) / HOUR for r in rows] == [1, 2, 3]
        assert [r.value for r in rows] == [8**2 - 4**2, 12**2 - 8**2, 16**2 - 12**2]
        assert {r.status for r in rows} == {"measured"}


async def test_days_come_from_days_when_the_fine_values_are_gone(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        midnight = home.now.replace(hour=0)
        await home.feed(who, list(range(80)), step=HOUR, start=midnight - 3 * ONE_DAY)
        await home.agree(who)
        question = home.question(who, resolution=ONE_DAY, period=Period(midnight - 3 * ONE_DAY, midnight))
        assert [r.value for r in await home.rows(question)] == [24, 24, 24]


@pytest.mark.gdpr("4(5)")
async def test_a_portfolio_has_those_who_allow_it_under_pairwise_names(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = [await home.household() for _ in range(3)]
        for n, who in enumerate(people):
            await home.feed(who, [n])
        for who in people[:2]:
            await home.agree(who)
            await home.agree(who, recipient=Recipient("other"))
        mine = await home.rows(home.question(people[0], subject=Portfolio()))
        theirs = await home.rows(home.question(people[0], subject=Portfolio(), recipient=Recipient("other")))
        assert sorted(whole(r) for r in mine) == sorted(whole(r) for r in theirs) == [0, 1]
        assert not {r.subject for r in mine} & {r.subject for r in theirs}
        await home.consent.withdraw(people[0])
        left = await home.rows(home.question(people[0], subject=Portfolio()))
        assert [whole(r) for r in left] == [1]
        await home.consent.withdraw(people[1])
        with pytest.raises(Refused):
            await home.rows(home.question(people[0], subject=Portfolio()))


async def test_a_portfolio_gives_of_each_household_the_part_of_the_period_that_it_allows(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        old, young = await home.household(), await home.household()
        begin = home.now - 12 * HOUR
        for who in (old, young):
            await home.feed(who, list(range(48)))
        await home.agree(old)
        await home.agree(young, values=Period(begin + 6 * HOUR, home.now + ONE_DAY))
        rows = await home.rows(home.question(old, subject=Portfolio()))
        told = {name: sorted(whole(r) for r in rows if r.subject == name) for name in {r.subject for r in rows}}
        assert told[home.release.pseudonym(ACME, old)] == list(range(48))
        assert told[home.release.pseudonym(ACME, young)] == list(range(24, 48))


@pytest.mark.gdpr("4(5)")
async def test_a_pseudonym_opens_for_its_own_recipient_only(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1])
        await home.agree(who)
        await home.agree(who, recipient=Recipient("other"))
        name = Pseudonym(home.release.pseudonym(ACME, who))
        assert len(await home.rows(home.question(who, subject=name))) == 1
        with pytest.raises(Refused):
            await home.rows(home.question(who, subject=name, recipient=Recipient("other")))


async def next_part(parts: list[Part], count: int) -> None:
    async with asyncio.timeout(3):
        while len(parts) < count:  # noqa: ASYNC110 - the stream under test has no event of its own
            await asyncio.sleep(0.01)


async def collect(home: House, who: SubjectId, parts: list[Part], alive: list[bool], resolution: timedelta) -> None:
    period = Period(home.now - ONE_DAY, home.now + ONE_DAY)
    question = home.question(who, resolution=resolution, period=period)
    stream = await home.release.follow(question, home.right(question, lambda: alive[0]), gone=lambda: False)
    async for part in stream:
        parts.append(part)  # noqa: PERF401 - seen by the test while the stream goes on


async def test_a_stream_gives_what_is_there_and_then_what_comes_until_the_withdrawal(tmp_path: Path) -> None:
    async with house(tmp_path) as home, asyncio.TaskGroup() as group:
        who = await home.household()
        await home.feed(who, [1, 2])
        await home.agree(who)
        parts: list[Part] = []
        reader = group.create_task(collect(home, who, parts, [True], AS_RECEIVED))
        await next_part(parts, 1)
        await home.feed(who, [3], start=home.now - HOUR)
        await next_part(parts, 2)
        await home.consent.withdraw(who)
        await home.feed(who, [4], start=home.now - HOUR / 2)
        async with asyncio.timeout(3):
            await reader
        assert [[whole(r) for r in p.released.rows] for p in parts] == [[1, 2], [3]]


async def test_a_stream_in_intervals_gives_an_interval_when_a_later_one_has_begun(tmp_path: Path) -> None:
    async with house(tmp_path) as home, asyncio.TaskGroup() as group:
        who = await home.household()
        await home.feed(who, [0, 1, 2, 3, 4], start=home.now - HOUR)
        await home.agree(who)
        parts: list[Part] = []
        alive = [True]
        reader = group.create_task(collect(home, who, parts, alive, QUARTER_HOUR))
        await next_part(parts, 1)
        await home.feed(who, [9], start=home.now + timedelta(minutes=4))
        await asyncio.sleep(0.05)
        home.now += HOUR
        await home.feed(who, [19, 24], start=home.now - HOUR / 2)
        await next_part(parts, 2)
        alive[0] = False
        async with asyncio.timeout(3):
            await reader
        assert [[r.value for r in p.released.rows] for p in parts] == [[1, 1, 1, 1], [5]]
        assert parts[1].released.rows[0].start > parts[0].released.rows[-1].start


async def test_a_place_answers_with_one_value_for_ever_and_that_it_was_shown_is_written_down(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        people = [await home.household("Z1") for _ in range(4)]
        lonely = await home.household("Z2")
        begin = home.now - 36 * HOUR
        for n, who in enumerate([*people, lonely]):
            await home.feed(who, [n + k * (n + 1) for k in range(40)], start=begin)
            await home.agree(who, recipient=NEIGHBOURHOOD, purpose=Purpose.NEIGHBOURHOOD, level=Level.COHORT)

        def cell(place: str, hour: int, **other: Any) -> ReleaseRequest:
            return home.question(
                lonely,
                subject=Zone(place),
                level=Level.COHORT,
                purpose=Purpose.NEIGHBOURHOOD,
                resolution=HOUR,
                period=Period(begin + hour * HOUR, begin + (hour + 1) * HOUR),
                **other,
            )

        first = await home.rows(cell("Z1", 1))
        assert [r.value for r in first] == [Decimal(4 * (1 + 2 + 3 + 4))]
        assert [r.subject for r in first] == ["Z1"]
        with pytest.raises(Refused) as small:
            await home.rows(cell("Z2", 1))
        assert reasons(small) == {Reason.COHORT_TOO_SMALL}
        await home.consent.withdraw(people[0])
        assert await home.rows(cell("Z1", 1, recipient=Recipient("other"))) == first
        cohorts = await home.cohorts.told_with(people[0])

        async def shown() -> list[LedgerEntry]:
            found = await home.ledger.page(people[0], cohorts=cohorts)
            return [each.entry for each in found if each.entry.kind == "shown"]

        entries = await shown()
        assert [(e.kind, e.recipient, e.reference) for e in entries] == [
            ("shown", "other", cohorts[0]),
            ("shown", "acme", cohorts[0]),
        ]
        assert (entries[0].start, entries[0].end) == (begin, begin + ONE_DAY)
        await home.rows(cell("Z1", 2))
        assert len(await shown()) == 2, "one for each cohort, recipient and day"
        assert await home.cohorts.told_with(lonely) == []


async def test_a_household_reads_its_own_without_an_entry_in_the_ledger(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.feed(who, [1, 2])
        desk = home.gateway.own_data
        right = home.own_right()
        parts = [p async for p in await desk.own(who, right)]
        assert [whole(r) for p in parts for r in p.released.rows if p.standing.still()] == [1, 2]
        assert await entries_of(home.ledger, who) == []


async def test_the_ledger_is_told_by_which_ground_and_its_terms_and_of_one_that_left_memory_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who, told = await home.household(), list[tuple[str, object]]()
        consent = await home.agree(who)

        async def disclose(releases: Any) -> None:
            told.extend((entry.ground_kind, scope) for _, entry, scope in releases)

        monkeypatch.setattr(home.ledger, "disclose", disclose)
        await home.rows(home.question(who))
        monkeypatch.setattr(home.grounds, "find", lambda *_: None)
        await home.rows(home.question(who))
        assert told == [("consent", consent.scope), ("", None)]


async def test_what_was_decided_about_an_interval_is_in_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who, begin = await home.household(), home.now - timedelta(hours=1)
        await home.agree(who)
        await home.feed(who, [0, 1, 2], start=begin)
        end = begin + QUARTER_HOUR
        decided = Correction("m", ENERGY, begin, end, Decimal("0.4"), "kWh", "validated", version=1)

        async def of(*_: Any) -> Corrections:
            return {("m", ENERGY): [decided]}

        monkeypatch.setattr(CorrectionBook, "of", of)
        monkeypatch.setattr(CorrectionBook, "newest", lambda *_: 1)
        rows = await home.rows(home.question(who, resolution=QUARTER_HOUR, period=Period(begin, home.now)))
        assert [row.value for row in rows][:2] == [Decimal("0.4"), Decimal(1)]
