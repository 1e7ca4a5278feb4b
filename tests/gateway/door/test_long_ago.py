"""What is corrected longer ago than a stream remembers is told again: once, and nothing beside it that is as it was."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.door import late
from gateway.door.following import Watch
from meter_driver.reading import Reading
from policies.terms import ONE_DAY, QUARTER_HOUR, DetailClass, Period
from tests.gateway.door.shelf import Scene, quarter
from tests.gateway.door.test_following import DAY, HOUR, MIDNIGHT, Turns, nothing, quarters
from tests.gateway.door.test_late import MINUTE, POWER, streamed
from tests.gateway.house import house


async def told(scene: Scene, turns: Turns, resolution: timedelta) -> list[dict[int, str | None]]:
    """Of each part the quarter of the day in which an interval begins, and its number."""
    stream = scene.follower.follow([scene.opened(DAY, resolution)], Watch(turns.alive, lambda: False))
    return [
        {(r.start - MIDNIGHT) // QUARTER_HOUR: None if r.value is None else str(r.value) for r in part.released.rows}
        async for part in stream
    ]


def stands(scene: Scene, some: Mapping[int, float]) -> Callable[[], None]:
    """Of a register at the begin of some quarters."""
    values = [quarter(MIDNIGHT + n * QUARTER_HOUR, value) for n, value in some.items()]
    return lambda: scene.shelf.put(*values, detail=DetailClass.QUARTER)


async def test_a_correction_of_long_ago_is_told_again_of_what_it_changes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "MOST_TOLD", 2)
    scene = Scene(UTC)
    scene.now = MIDNIGHT + 10 * HOUR + MINUTE
    quarters(scene, *range(41))()
    turns = Turns(
        monkeypatch, nothing, stands(scene, {4: 4.5}), stands(scene, {4: 4.5}), stands(scene, {4: 4}), nothing
    )
    whole, first, second = await told(scene, turns, QUARTER_HOUR)
    assert whole == dict.fromkeys(range(40), "1")
    assert first == {3: "1.5", 4: "0.5"}
    assert second == {3: "1", 4: "1"}


async def test_what_is_given_up_as_a_gap_is_told_when_values_of_it_come_at_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(late, "MOST_TOLD", 2)
    monkeypatch.setattr(late, "MOST_UNTOLD", 1)
    scene = Scene(UTC)
    scene.now = MIDNIGHT + 10 * HOUR + MINUTE
    quarters(scene, *range(5), *range(20, 25), *range(30, 41))()
    turns = Turns(monkeypatch, nothing, stands(scene, dict.fromkeys(range(5, 20), 4.5) | {20: 20}), nothing)
    before, after = await told(scene, turns, QUARTER_HOUR)
    assert 10 not in before
    assert after[10] == "0.0"


async def test_only_windows_with_something_long_ago_are_read_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT + 10 * HOUR + MINUTE
    quarters(scene, *range(41))()
    turns = Turns(monkeypatch, nothing, stands(scene, {38: 38.5}), nothing)
    await told(scene, turns, QUARTER_HOUR)
    assert len(scene.shelf.asked) == 2
    monkeypatch.setattr(late, "MOST_TOLD", 2)
    again = Turns(monkeypatch, nothing, stands(scene, {4: 4.5}), nothing)
    await told(scene, again, QUARTER_HOUR)
    assert len(scene.shelf.asked) == 5


async def test_two_corrections_of_one_quarter_of_a_home_are_both_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late, "MOST_TOLD", 1)
    async with house(tmp_path) as home:
        stream = await streamed(home, POWER)
        words = {"resolution": QUARTER_HOUR, "quantities": frozenset({POWER})}
        question = home.question(stream.who, period=Period(stream.start, stream.start + ONE_DAY), **words)
        for minute in range(0, 300, 5):
            await stream.take(minute, "m", 5)

        def corrected(value: int) -> Reading:
            return Reading("m", POWER, stream.start + 20 * MINUTE, Decimal(value), "W")

        steps = [corrected(900), corrected(600)]
        alive = [True]

        async def moment(_: object) -> None:
            if steps:
                await home.take([(stream.who, steps.pop(0))])
            else:
                alive[0] = False

        monkeypatch.setattr("gateway.door.following._moment", moment)
        follow = await home.release.follow(question, home.right(question, lambda: alive[0]), gone=lambda: False)
        found = [[((r.start - stream.start) // QUARTER_HOUR, r.value) for r in p.released.rows] async for p in follow]
        (one,), (two,) = found[1:]
        last = (await home.rows(replace(question, period=Period(stream.start, stream.start + HOUR))))[1].value
        assert last is not None
        assert (one, two) == ((1, last + 100), (1, last))
