"""What a stream reads, and tells, when somebody says what readings mean: what that speaks of and no more."""

import pytest

from policies.terms import QUARTER_HOUR
from tests.gateway.door.test_following import Turns, starts
from tests.gateway.door.test_meant import ACROSS, DAY, Stage


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
