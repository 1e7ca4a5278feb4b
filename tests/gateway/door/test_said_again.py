"""What a stream reads, and tells, when something comes or somebody says what readings mean: that and no more."""

from dataclasses import replace
from datetime import UTC
from decimal import Decimal

import pytest
from msgspec import structs

from gateway.door import late
from gateway.errors import SubjectGone
from policies.minimise import Installed
from policies.terms import ONE_DAY, QUARTER_HOUR, DetailClass, SubjectId
from tests.gateway.door.shelf import Scene, quarter
from tests.gateway.door.stands import NOON
from tests.gateway.door.test_following import HOUR, Turns, starts
from tests.gateway.door.test_meant import ACROSS, DAY, HEAT, MIDNIGHT, Stage, said


async def test_what_is_said_is_looked_up_once_and_only_what_it_speaks_of_is_read_up_to_the_position_of_the_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = Stage(monkeypatch)
    await stage.told(lambda: stage.say(ACROSS))
    assert stage.scene.meters.asked == 2
    _, was, now = stage.scene.shelf.asked
    assert was.period == now.period
    assert now.period.end < DAY.end
    assert now.mark is not None


async def test_what_is_said_and_changes_nothing_is_no_part_of_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch, 4)
    turns = Turns(monkeypatch, lambda: stage.say(limit=99), lambda: None)
    assert await starts(stage.scene, turns, DAY, QUARTER_HOUR) == [[0, 1, 2, 3]]


@pytest.mark.parametrize("remembered", [200, 2], ids=["lately", "long ago"])
async def test_what_comes_is_read_by_the_position_of_the_stream_and_means_what_it_meant_before(
    remembered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late, "MOST_TOLD", remembered)
    stage = Stage(monkeypatch, 4)

    def later() -> None:
        stage.scene.now += HOUR
        stage.put(range(5, 9))

    def corrected() -> None:
        stage.scene.shelf.put(quarter(MIDNIGHT + QUARTER_HOUR, 1.5), detail=DetailClass.QUARTER)

    _, after, changed = await stage.told(later, corrected)
    assert list(said(after)) == [4, 5, 6, 7]
    assert said(changed) == {0: ("1.5", "measured"), 1: ("0.5", "measured")}
    assert stage.scene.meters.asked == 1
    assert all(asked.mark is not None for asked in stage.scene.shelf.asked)
    assert all(asked.period.end < DAY.end for asked in stage.scene.shelf.asked)


# -- what an answer looks up


async def test_each_household_of_an_answer_means_its_own_and_one_that_is_gone_keeps_nobody_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT + HOUR
    scene.shelf.put(*(quarter(MIDNIGHT + n * QUARTER_HOUR, n) for n in range(3)), detail=DetailClass.QUARTER)
    first, second = SubjectId("first"), SubjectId("second")

    async def installed(household: SubjectId) -> Installed:
        if household == first:
            raise SubjectGone("gone")
        return {}

    monkeypatch.setattr(scene.meters, "installed", installed)
    opened = scene.opened(DAY, QUARTER_HOUR)
    some = [replace(opened, grant=replace(opened.grant, subject=who), name=who) for who in (first, second)]
    found = [row async for part in scene.opener.answer(some) for row in part.released.rows]
    assert [(row.subject, row.value) for row in found if row.value is not None] == [("second", Decimal(1))] * 2


async def test_joules_are_looked_for_of_what_can_be_told_in_them_in_days_from_before_the_period() -> None:
    scene = Scene(UTC)
    scene.now = NOON
    day = structs.replace(quarter(MIDNIGHT - 3 * ONE_DAY, 1), unit="MJ", quantity=HEAT)
    scene.shelf.put(day, detail=DetailClass.DAY)
    asked = scene.opened(DAY, QUARTER_HOUR).grant
    assert await scene.opener.joules([asked, replace(asked, quantities=frozenset({HEAT}))]) == {(HEAT, "m")}
