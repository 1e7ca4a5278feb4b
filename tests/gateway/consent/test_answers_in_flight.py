"""A yes that is on its way while everything is taken back does not stand afterwards."""

import asyncio
from pathlib import Path

from policies.grounds import Consent
from policies.terms import Purpose
from tests.gateway.house import House, house


async def test_a_yes_on_its_way_is_withdrawn_with_all_the_others(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        for turns in range(0, 24, 2):
            who = await home.household()
            first = await home.agree(who)
            wish = home.wish(purpose=Purpose.RESEARCH)
            request = await home.consent.ask(who, wish)
            async with asyncio.TaskGroup() as group:
                answer = group.create_task(home.consent.accept(who, request, wish.quantities))
                for _ in range(turns):
                    await asyncio.sleep(0)
                ended = await home.consent.withdraw(who)
            assert first.id in {each.id for each in ended}
            standing = [g.id for g in home.consent.grounds(who) if isinstance(g, Consent) and g.withdrawn is None]
            assert standing == [], answer.result().id


async def test_one_consent_is_taken_back_without_waiting_for_another_answer(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        consent = await home.agree(who)
        async with _turn(home, who):
            assert [each.id for each in await home.consent.withdraw(who, consent.id)] == [consent.id]


def _turn(home: House, who: str) -> asyncio.Lock:
    return home.consent._turns.of(who)  # type: ignore[arg-type] # as an answer holds it
