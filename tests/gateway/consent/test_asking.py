"""One request of a recipient's for a purpose at a time, and a pause after a no."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select

from adapters.plugin import TAKEN_BACK, Notice
from gateway.consent.asking import Asking, Pause, drop
from gateway.errors import AskedInVain, ConsentError
from gateway.storage.tables.door import notice, permission_request
from policies.grounds import LegalTask, Scope
from policies.terms import AS_RECEIVED, ONE_DAY, Level, Period, Purpose, Reason, Recipient, SubjectId
from tests.gateway.house import ACME, ENERGY, NOON, House, house

OTHER = Recipient("other")
TICK = timedelta(microseconds=1)


async def vain(home: House, who: SubjectId, **other: object) -> tuple[Reason, str]:
    """Why, and the first day on which it may be asked again."""
    with pytest.raises(AskedInVain) as no:
        await home.consent.ask(who, home.wish(**other))
    ((field, rule),) = no.value.rules
    assert (field, no.value.reason) == ("purpose", no.value.why)
    assert rule == no.value.rule
    return no.value.why, str(no.value.again or "")


async def shown(home: House, who: SubjectId) -> list[str]:
    return [asked.id for asked in await home.consent.waiting(who)]


async def answers(home: House) -> list[tuple[str, str]]:
    """Reference and ground of each answer that adapters are told."""
    query = select(notice.c.payload).where(notice.c.kind == "permission.answered").order_by(notice.c.number)
    told = await home.store.look(lambda connection: connection.execute(query).scalars().all())
    return [(payload["reference"], payload["ground"]) for payload in map(json.loads, told)]


async def test_a_second_request_of_a_recipient_for_a_purpose_waits_for_the_answer_to_the_first(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who, neighbour = await home.household(), await home.household()
        first = await home.consent.ask(who, home.wish(until=NOON + ONE_DAY))
        assert await vain(home, who) == (Reason.ASKED_ALREADY, "")
        assert await vain(home, who, quantities=frozenset({ENERGY})) == (Reason.ASKED_ALREADY, "")
        others = [
            await home.consent.ask(who, home.wish(purpose=Purpose.BILLING)),
            await home.consent.ask(who, home.wish(recipient=OTHER)),
        ]
        await home.consent.ask(neighbour, home.wish())
        assert await shown(home, who) == [first, *others]
        home.now += ONE_DAY
        assert await home.consent.ask(who, home.wish())


async def test_after_a_yes_and_after_its_withdrawal_it_may_be_asked_again(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.agree(who)
        await home.agree(who)
        await home.consent.withdraw(who)
        await home.agree(who)


@pytest.mark.parametrize(
    ("zone", "day", "begin"),
    [
        ("UTC", "2026-04-03", "2026-04-03T00:00Z"),
        ("Europe/Berlin", "2026-04-04", "2026-04-03T22:00Z"),
        ("America/New_York", "2026-04-03", "2026-04-03T04:00Z"),
    ],
)
async def test_after_a_no_the_same_is_not_asked_again_until_so_many_local_days_have_passed(
    tmp_path: Path, zone: str, day: str, begin: str
) -> None:
    """The no comes at 23:30 UTC: it is the next day in Berlin."""
    async with house(tmp_path, zone=zone) as home:
        who = await home.household()
        home.now = NOON.replace(hour=23, minute=30)
        await home.consent.refuse(who, await home.consent.ask(who, home.wish()))
        for now in (home.now, datetime.fromisoformat(begin) - TICK):
            home.now = now
            assert await vain(home, who) == (Reason.SAID_NO, day)
            assert await vain(home, who, quantities=frozenset({ENERGY})) == (Reason.SAID_NO, day)
        await home.consent.ask(who, home.wish(purpose=Purpose.BILLING))
        await home.consent.ask(who, home.wish(recipient=OTHER))
        home.now += TICK
        await home.consent.refuse(who, await home.consent.ask(who, home.wish()))
        assert (await vain(home, who))[0] is Reason.SAID_NO


async def test_without_a_pause_it_may_be_asked_at_once(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.consent.refuse(who, await home.consent.ask(who, home.wish()))
        asking = Asking(home.store, home.vault, home.grounds, home.gateway.clock, lambda: "a" * 32, Pause(0, UTC))
        assert await asking.put(who, home.wish())


@pytest.mark.gdpr("21")
@pytest.mark.parametrize(("purpose", "free"), [(Purpose.BILLING, False), (Purpose.FORECAST, True)])
async def test_an_objection_is_a_no_to_what_it_was_against(tmp_path: Path, purpose: Purpose, free: bool) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        year = Period(NOON, NOON + 300 * ONE_DAY)
        scope = Scope(ACME, Purpose.BILLING, frozenset({ENERGY}), AS_RECEIVED, Level.INDIVIDUAL, year, year, ONE_DAY)
        await home.consent.enrol(LegalTask("1" * 32, who, scope, "MsbG", "60", objectable=True))
        await home.consent.end(who, "1" * 32)
        if free:
            await home.consent.ask(who, home.wish(purpose=purpose))
        else:
            assert await vain(home, who, purpose=purpose) == (Reason.SAID_NO, "2026-04-03")
            await home.consent.ask(who, home.wish(purpose=purpose, recipient=OTHER))


async def test_a_request_that_comes_again_under_its_reference_is_the_same_or_takes_its_place(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        first = await home.consent.ask(who, home.wish(reference="r"))
        assert await home.consent.ask(who, home.wish(reference="r")) == first
        assert await vain(home, who, reference="s") == (Reason.ASKED_ALREADY, "")
        second = await home.consent.ask(who, home.wish(reference="r", quantities=frozenset({ENERGY})))
        assert await shown(home, who) == [second]
        with pytest.raises(ConsentError, match="no such request"):
            await home.consent.accept(who, first, frozenset({ENERGY}))


async def test_what_is_taken_back_is_before_nobody_any_more_and_its_adapter_hears_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        asked = await home.consent.ask(who, home.wish(reference="r"))
        await home.consent.take_back(who, asked)
        assert await shown(home, who) == []
        assert await answers(home) == [("r", "")]
        given = await home.agree(who, reference="s")
        with pytest.raises(ConsentError, match="no such request"):
            await home.consent.take_back(who, asked)
        assert home.grounds.find(who, given.id) == given


async def test_an_adapter_takes_back_what_it_asked_under_its_reference_and_nothing_else(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who, refuses = await home.household(), await home.household()
        await home.consent.ask(who, home.wish(reference="urn:x_y"))
        stays = [
            await home.consent.ask(who, home.wish(reference="urn:x_y", recipient=OTHER)),
            await home.consent.ask(who, home.wish(reference="urn:x_y2", purpose=Purpose.BILLING)),
            await home.consent.ask(who, home.wish(reference="", purpose=Purpose.RESEARCH)),
        ]
        await home.consent.refuse(refuses, await home.consent.ask(refuses, home.wish(reference="urn:x_y")))
        for _ in range(2):
            await home.consent.notices[TAKEN_BACK](Notice(TAKEN_BACK, {"recipient": ACME, "reference": "urn:x_y"}))
        assert await answers(home) == [("urn:x_y", "")]
        assert await shown(home, who) == stays
        assert len(await home.consent.refused(refuses)) == 1


async def test_of_requests_from_before_that_are_alike_one_is_shown_and_a_no_answers_all(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        first = await home.consent.ask(who, home.wish(reference="1"))
        other = await home.consent.ask(who, home.wish(purpose=Purpose.BILLING))

        def again(connection: Connection) -> None:
            row = connection.execute(permission_request.select().where(permission_request.c.id == first)).one()
            body = row.body.replace('"reference":"1"', '"reference":"2"')
            new = {"id": "2" * 32, "body": body, "mark": home.consent._asking._mark("2" * 32, who, body)}
            connection.execute(insert(permission_request).values({**row._mapping, **new}))

        await home.store.write(again)
        assert await shown(home, who) == [first, other]
        await home.consent.refuse(who, first)
        assert await shown(home, who) == [other]
        assert sorted(await answers(home)) == [("1", ""), ("2", "")]


async def test_a_reference_is_found_whatever_signs_it_is_made_of(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        for reference in ('say "yes"', "back\\slash", "für_100%", "tab\t"):
            await home.consent.ask(who, home.wish(reference=reference))
            await home.consent.notices[TAKEN_BACK](Notice(TAKEN_BACK, {"recipient": ACME, "reference": reference}))
            assert await shown(home, who) == []


async def test_what_was_answered_is_not_dropped(tmp_path: Path) -> None:
    """A recipient takes it back while the household says no."""
    async with house(tmp_path) as home:
        who = await home.household()
        asked = await home.consent.ask(who, home.wish())
        (waiting,) = await home.consent.waiting(who)
        await home.consent.refuse(who, asked)
        assert not await home.store.write(lambda connection: drop(connection, waiting))
        assert [each.id for each, _ in await home.consent.refused(who)] == [asked]


async def test_before_who_moved_out_there_is_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.consent.ask(who, home.wish())
        await home.gateway.household_end.move_out(who)
        assert await home.consent.waiting(who) == []


async def test_a_no_is_that_households_alone_and_is_listed_with_its_instant_in_the_order_of_answers(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        who, neighbour = await home.household(), await home.household()
        first = await home.consent.ask(who, home.wish())
        second = await home.consent.ask(who, home.wish(recipient=OTHER))
        theirs = await home.consent.ask(neighbour, home.wish())
        await home.consent.refuse(who, second)
        home.now += ONE_DAY
        await home.consent.refuse(who, first)
        told = [(asked.id, at, at.tzinfo) for asked, at in await home.consent.refused(who)]
        assert told == [(second, NOON, UTC), (first, NOON + ONE_DAY, UTC)]
        assert await home.consent.refused(neighbour) == []
        assert await shown(home, neighbour) == [theirs]
        with pytest.raises(ConsentError, match="no such request"):
            await home.consent.refuse(who, theirs)
        await home.consent.accept(neighbour, theirs, home.wish().quantities)


async def test_at_the_instant_at_which_what_was_asked_for_is_over_nobody_says_yes_to_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        asked = await home.consent.ask(who, home.wish(until=NOON + ONE_DAY))
        home.now = NOON + ONE_DAY - TICK
        assert await shown(home, who) == [asked]
        home.now += TICK
        with pytest.raises(ConsentError, match=r"^request: the time that was asked for is over$") as over:
            await home.consent.accept(who, asked, home.wish().quantities)
        assert over.value.reason == "over"
        assert await shown(home, who) == []
