"""An input names devices; whose they are, the registry says."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.plugin import InputServices, IntakeAnswer, NotYours
from gateway.extending.found import ExtensionKind
from meter_driver.reading import Reading
from policies.terms import DetailClass, SubjectId
from tests.gateway.extending import packages
from tests.gateway.house import ENERGY, NOON, House, house

HOUR = timedelta(hours=1)


def given(home: House) -> InputServices:
    made: InputServices = packages.given(home.gateway, ExtensionKind.INPUT)
    return made


def reading(value: str, meter: str = "") -> Reading:
    return Reading(meter, ENERGY, NOON - HOUR, Decimal(value), "kWh")


async def stored(home: House, who: SubjectId) -> list[Decimal]:
    question = home.question(who)
    parts = home.vault.read(who, DetailClass.LIVE, question.quantities, question.period)
    return [value.last async for some in parts for value in some]


async def test_readings_of_a_device_go_to_the_household_that_the_registry_names(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who, other = await home.household(), await home.household()
        boxes = home.gateway.registry.boxes
        await boxes.add_box({"": who}, box_id="far.1")
        await boxes.add_box({"m1": who, "m2": other}, box_id="far.2")
        assert await given(home).take("far.1", 1, [reading("1")]) == IntakeAnswer(1)
        assert (await given(home).take("far.1", 1, [reading("1")])).repeated
        some = [reading("5", "m9"), reading("6", "m2"), Reading("m2", "energy", NOON, Decimal(1), "parsec")]
        answer = await given(home).take("far.2", 1, some)
        assert (answer.accepted, answer.refused) == (1, ((0, "unknown-meter"), (2, "unit")))
        assert (await stored(home, who), await stored(home, other)) == ([Decimal(1)], [Decimal(6)])


async def test_a_device_that_the_registry_does_not_know_writes_for_nobody(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        boxes = home.gateway.registry.boxes
        assert (await given(home).take("far.1", 1, [reading("1")])).refused == ((0, "unknown-meter"),)
        await boxes.add_box({"": who}, box_id="far.1")
        await boxes.revoke_box("far.1")
        assert (await given(home).take("far.1", 2, [reading("1")])).refused == ((0, "unknown-meter"),)
        assert await stored(home, who) == []


@pytest.mark.parametrize("device", ["box-1", "farther.1", "far", "other.1", ""])
async def test_a_device_of_somebody_else_is_not_its_own(tmp_path: Path, device: str) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        if device:
            await home.gateway.registry.boxes.add_box({"": who}, box_id=device)
        with pytest.raises(NotYours, match="begins with far"):
            await given(home).take(device, 1, [reading("1")])
        assert await stored(home, who) == []


async def test_a_batch_that_cannot_be_is_a_value_error(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.gateway.registry.boxes.add_box({"": await home.household()}, box_id="far.1")
        with pytest.raises(ValueError, match="sequence"):
            await given(home).take("far.1", -1, [reading("1")])
