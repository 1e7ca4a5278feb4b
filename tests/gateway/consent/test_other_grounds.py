"""Contracts and legal tasks: enrolled, ended, objected to where that is a right, and what an erasure makes of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.consent.endings import Begun, Ending
from gateway.errors import ConsentError
from policies.grounds import Contract, LegalTask
from policies.terms import ONE_DAY, SubjectId
from tests.gateway.books import entries_of
from tests.gateway.consent.test_time_ends import scope
from tests.gateway.house import House, house


async def kinds(home: House, who: SubjectId) -> list[tuple[str, str]]:
    """Of a household's entries, newest first, with the ground."""
    return [(entry.kind, entry.ground) for entry in await entries_of(home.ledger, who)]


async def refused(home: House, who: SubjectId, ground: str) -> tuple[str, str]:
    """Why a ground cannot be ended: the reason, and its words."""
    with pytest.raises(ConsentError) as error:
        await home.consent.end(who, ground)
    return error.value.reason, str(error.value)


async def test_a_contract_ends_when_it_is_ended_and_once(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        contract = Contract("contract", who, scope(home, home.now + ONE_DAY))
        await home.consent.enrol(contract)
        assert await kinds(home, who) == [("given", "contract")]
        at = home.now
        for _ in range(2):
            await home.consent.end(who, "contract")
            home.now += ONE_DAY / 24
        assert await kinds(home, who) == [("withdrawn", "contract"), ("given", "contract")]
        assert await home.consent.all_grounds(who) == [replace(contract, ended=at)]


async def test_a_task_in_the_public_interest_is_objected_to_and_a_duty_is_not(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        task = LegalTask("task", who, scope(home, home.now + ONE_DAY), "MsbG", "66", objectable=True)
        duty = LegalTask("duty", who, scope(home, home.now + ONE_DAY), "MsbG", "60")
        await home.consent.enrol(task)
        await home.consent.enrol(duty)
        at = home.now
        for _ in range(2):
            await home.consent.end(who, "task")
            home.now += ONE_DAY / 24
        assert await refused(home, who, "duty") == (
            "not-objectable",
            "ground: GDPR Art. 21 knows no objection to a duty by 6(1)(c)",
        )
        assert await refused(home, who, "none") == (
            "no-such-ground",
            "ground: this household has no such ground",
        )
        assert {ground.id: ground for ground in await home.consent.all_grounds(who)} == {
            "task": replace(task, objected=at),
            "duty": duty,
        }


async def test_with_an_erasure_a_contract_ends_and_a_duty_is_shown_to_have_ended(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        until = home.now + ONE_DAY
        await home.consent.enrol(Contract("contract", who, scope(home, until)))
        await home.consent.enrol(LegalTask("duty", who, scope(home, until), "MsbG", "60"))
        await home.gateway.household_end.erase(who)
        shown = {ground.id: ground for ground in await home.consent.all_grounds(who)}
        contract, duty = shown["contract"], shown["duty"]
        assert isinstance(contract, Contract)
        assert (contract.ended, contract.scope.validity.end) == (home.now, until)
        assert duty.scope.validity.end == home.now


async def test_the_books_of_a_household_that_is_erased_say_so_of_its_grounds_and_of_itself(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.consent.enrol(Contract("contract", who, scope(home, home.now + ONE_DAY)))
        await home.consent.end_all(Begun(who, Ending.ERASURE, home.now), own=True)
        ended = [("erased", "contract"), ("erased", f"own:{who}")]
        assert sorted(await kinds(home, who)) == [*ended, ("given", "contract")]
