"""A file of households does not hold the event loop: it is read elsewhere and looked up in slices."""

from pathlib import Path
from typing import Any

import pytest

from gateway.api import town, town_file
from gateway.api.town_checks import HOUSEHOLDS_A_TURN, ORGANISATIONS_A_TURN
from gateway.registry.organisations import Organisations
from gateway.registry.tenancies import Tenancies
from tests.gateway.people_house import People, people
from tests.loop_turns import LoopTurns, loop_turns

_ORGANISATION = {"name": "o", "did": "", "levels": ["individual"]}
_LOOKS_AT_A_HOUSEHOLD = 2
"""Of one metering point: who has it, who left it."""


async def check(house: People, file: dict[str, Any]) -> Any:
    headers = {"Authorization": f"Bearer {house.token}"}
    async with house.browser.post("/api/registry/check", json=file, headers=headers) as answer:
        return await answer.json()


def watched(monkeypatch: pytest.MonkeyPatch, turns: LoopTurns, owner: Any, name: str) -> None:
    monkeypatch.setattr(owner, name, turns.counted(getattr(owner, name)))


async def test_a_file_of_households_is_read_beside_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with people(tmp_path) as house:
        with loop_turns() as turns:
            watched(monkeypatch, turns, town_file, "checked")
            watched(monkeypatch, turns, town_file, "_without")
            wrong = await check(house, {"households": [{"points": [f"p{n}"], "zone": 5} for n in range(100)]})
    assert len(wrong["fields"]) == 100
    assert (turns.calls, turns.elsewhere) == (0, 101)


async def test_households_to_take_in_are_read_beside_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with people(tmp_path) as house:
        with loop_turns() as turns:
            watched(monkeypatch, turns, town, "checked")
            made = await house.operator("POST", "/api/households/import", {"households": [{"points": ["p"]}]})
    assert len(made["households"]) == 1
    assert (turns.calls, turns.elsewhere) == (0, 1)


@pytest.mark.parametrize("work", ["by_point", "left"])
async def test_households_of_a_file_are_looked_up_in_slices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    async with people(tmp_path) as house:
        with loop_turns() as turns:
            watched(monkeypatch, turns, Tenancies, work)
            told = await check(house, {"households": [{"points": [f"p{n}"]} for n in range(300)]})
    assert told["households"] == 300
    assert turns.calls >= 300
    assert turns.most <= HOUSEHOLDS_A_TURN * _LOOKS_AT_A_HOUSEHOLD


@pytest.mark.parametrize("work", ["check", "organisation_now"])
async def test_organisations_and_clients_of_a_file_are_looked_up_in_slices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    file = {
        "organisations": {f"o{n}": _ORGANISATION for n in range(200)},
        "clients": {f"c{n}": {"organisation": "nobody"} for n in range(200)},
    }
    async with people(tmp_path) as house:
        with loop_turns() as turns:
            watched(monkeypatch, turns, Organisations, work)
            wrong = await check(house, file)
    assert len(wrong["fields"]) == 200
    assert turns.calls == 200
    assert turns.most <= ORGANISATIONS_A_TURN
