"""What an output brings is of meters of the household: two with the same name are two, and nobody's id is a label."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from adapters.plugin import Batch, IntakeAnswer
from gateway.errors import NotAllowed
from gateway.intake.labels import TOO_MANY_METERS, Labelled
from gateway.registry.meter_records import Reader
from gateway.registry.meters import Meters
from meter_driver.reading import Reading
from policies.terms import SubjectId
from tests.gateway.house import NOON, house

ANNA = SubjectId("a" * 32)


@dataclass
class Desk:
    took: list[Batch] = field(default_factory=list)

    async def take(self, batch: Batch) -> IntakeAnswer:
        self.took.append(batch)
        return IntakeAnswer(len(batch.readings))


class Full(Meters):
    def __init__(self) -> None: ...

    def known(self, household: SubjectId, reader: Reader) -> str | None:
        return None

    async def meet(self, household: SubjectId, reader: Reader) -> str:
        raise NotAllowed("meters: a household has at most 64")


def power(meter: str, at: datetime = NOON) -> Reading:
    return Reading(meter, "1-0:1.7.0*255", at, Decimal(1), "W")


async def test_meters_of_two_vens_with_one_name_are_two_and_stay_what_they_are(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who, desk = await home.household(), Desk()
        intake = Labelled(desk, home.gateway.registry.meters)
        for source in ("ven:1", "ven:2", "ven:1"):
            await intake.take(Batch(source, 1, [(who, power("heatpump")), (who, power("ven"))]))
        labels = [batch.labels for batch in desk.took]
        assert labels[0] == labels[2] == {(who, "heatpump"): "heatpump", (who, "ven"): "ven"}
        assert labels[1] == {(who, "heatpump"): "heatpump-2", (who, "ven"): "ven-2"}
        assert {meter.label for meter in await home.gateway.registry.meters.of(who)} >= {"heatpump", "heatpump-2"}


async def test_a_household_that_can_have_no_further_meter_refuses_by_record() -> None:
    desk = Desk()
    answer = await Labelled(desk, Full()).take(Batch("ven:1", 1, [(ANNA, power("x")), (ANNA, power("y"))]))
    assert answer == IntakeAnswer(0, ((0, TOO_MANY_METERS), (1, TOO_MANY_METERS)))
    assert desk.took == []
