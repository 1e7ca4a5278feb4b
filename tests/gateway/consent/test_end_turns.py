"""Many grounds that end at once do not hold the event loop."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.consent.end_records import SIGNED_AT_ONCE
from gateway.pins import pins
from tests.gateway.consent.test_time_ends import looked
from tests.gateway.house import house
from tests.loop_turns import LoopTurns, loop_turns

DAY = timedelta(days=1)


def watched(monkeypatch: pytest.MonkeyPatch, turns: LoopTurns, owner: Any, *names: str) -> None:
    for name in names:
        monkeypatch.setattr(owner, name, turns.counted(getattr(owner, name)))


async def test_records_of_consents_that_ended_by_their_time_are_signed_a_few_in_a_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        for _ in range(24):
            await home.agree(who, until=home.now + DAY)
        home.now += 2 * DAY
        with loop_turns() as turns:
            watched(monkeypatch, turns, home.evidence, "expiry")
            await looked(home)
    assert (turns.calls, turns.most) == (24, SIGNED_AT_ONCE)


async def test_records_of_all_that_a_household_takes_back_are_signed_a_few_in_a_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        for _ in range(24):
            await home.agree(who)
        with loop_turns() as turns:
            watched(monkeypatch, turns, home.evidence, "withdrawal")
            assert len(await home.consent.withdraw(who)) == 24
    assert (turns.calls, turns.most) == (24, SIGNED_AT_ONCE)


async def test_pins_that_waited_are_told_in_portions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "PINNED_AT_ONCE", 5)
    async with house(tmp_path) as home:
        for _ in range(23):
            await home.agree(await home.household())
        with loop_turns() as turns:
            watched(monkeypatch, turns, home.keeper, "pin")
            await home.gateway.pins._settle_all()
    assert turns.calls >= 23
    assert turns.most <= 5
