"""Readings that turn what those before them meant: an answer has no number until that is decided, a stream tells again.

So the same interval has the same number in whatever period it is asked for, and at the end of a stream as in an answer.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import structs

from gateway.door.following import Watch
from gateway.door.windows import windows
from policies.minimise import floor, minimise
from policies.terms import ONE_DAY, QUARTER_HOUR, DetailClass, Period, Row, class_of
from policies.vault.values import Value
from tests.gateway.door.shelf import Scene, reading
from tests.gateway.door.test_following import HOUR, MIDNIGHT, Turns, nothing
from tests.gateway.door.test_late import MINUTE, numbers, twice
from tests.gateway.door.test_opening import taken

WEEK = Period(MIDNIGHT, MIDNIGHT + 7 * ONE_DAY)
Read = tuple[timedelta, int]
"""After the begin; in tenths of a kWh."""
turns = st.sampled_from([None] * 8 + [0, 0, 99_999, "leaps", "falls", "goes on from nought"])


@st.composite
def registers(draw: st.DrawFn, steps: Sequence[timedelta], most: int) -> list[Read]:
    """Near a power of ten, with nonsense of one to three readings, roll-overs, set-backs and silence."""
    kept, at, found = draw(st.sampled_from([9_800, 400, 5_000])), timedelta(0), list[Read]()
    step = draw(st.sampled_from(steps))
    for turn in draw(st.lists(turns, min_size=8, max_size=most)):
        at += step if draw(st.integers(0, 7)) else draw(st.sampled_from(steps))
        kept = (kept + draw(st.sampled_from([0, 1, 4, 40]))) % 10_000
        said = turn if isinstance(turn, int) else kept
        if turn == "leaps":
            said = kept + draw(st.sampled_from([400, 2_000]))
        elif turn == "falls":
            said = max(kept - draw(st.sampled_from([1, 30])), 0)
        elif turn is not None and not isinstance(turn, int):
            kept = said = 0
        found.append((at, said))
    return found


def thinned(some: Sequence[Read], step: timedelta) -> list[Value]:
    """As a class keeps them: of each quarter of an hour the first, the last and how many."""
    found: dict[datetime, Value] = {}
    for after, said in some:
        one = reading(MIDNIGHT + after, said / 10)
        place = floor(one.at, QUARTER_HOUR) if class_of(step) is not DetailClass.LIVE else one.at
        before = found.get(place, one)
        count = before.count + (place in found)
        found[place] = structs.replace(one, at=place, first_at=before.first_at, first=before.first, count=count)
    return list(found.values())


def asked(values: Sequence[Value], period: Period, step: timedelta, zone: tzinfo) -> dict[datetime, Row]:
    """What an answer says of a period: those with a number."""
    grant = Scene(UTC).opened(period, step).grant
    found: dict[datetime, Row] = {}
    for window, sources in windows(grant, zone, lambda _: MIDNIGHT - 60 * ONE_DAY):
        read = [value for source in sources for value in values if source.reach.contains(value.at)]
        rows = minimise(read, replace(grant, period=window), "s", zone)
        found |= {row.start: row for row in rows if row.value is not None}
    return found


STEPS = [MINUTE, 5 * MINUTE, QUARTER_HOUR, QUARTER_HOUR, HOUR, HOUR, 7 * HOUR, ONE_DAY, ONE_DAY]


@given(
    registers(STEPS, 60),
    st.sampled_from([5 * MINUTE, QUARTER_HOUR, HOUR, 6 * HOUR, ONE_DAY]),
    st.sampled_from([UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")]),
    st.integers(0, 100),
    st.integers(1, 100),
)
def test_an_interval_has_the_same_number_whatever_the_period_of_the_question(
    some: list[Read], step: timedelta, zone: tzinfo, first: int, length: int
) -> None:
    values = thinned(some, step)
    end = values[-1].at + 2 * ONE_DAY
    whole = asked(values, Period(MIDNIGHT - 2 * ONE_DAY, end), step, zone)
    start = MIDNIGHT + (values[-1].at - MIDNIGHT) * first // 100
    part = Period(start, min(start + length * step, end))
    inside = {at: row for at, row in whole.items() if part.start <= at and row.end <= part.end}
    assert asked(values, part, step, zone) == inside


ROLLS_OVER = [9_801, 9_802, 9_803, 9_803, 0, *range(9_804, 9_816)]
"""One telegram of nothing, near a power of ten."""
GARBLED = [9_100, 9_101, 9_501, *range(9_103, 9_118)]


def in_steps(step: timedelta, said: Sequence[int]) -> list[Read]:
    return [(n * step, one) for n, one in enumerate(said)]


SILENT = [*in_steps(QUARTER_HOUR, GARBLED[:3]), *((5 * HOUR + n * QUARTER_HOUR, 9_103 + n) for n in range(9))]
"""After a garbled telegram nothing for hours."""


@given(registers([QUARTER_HOUR, QUARTER_HOUR, HOUR], 30), st.sampled_from([QUARTER_HOUR, HOUR, 2 * HOUR]))
@example(in_steps(QUARTER_HOUR, ROLLS_OVER), QUARTER_HOUR)
@example(in_steps(QUARTER_HOUR, ROLLS_OVER), HOUR)
@example(in_steps(HOUR, ROLLS_OVER), HOUR)
@example(in_steps(QUARTER_HOUR, GARBLED), QUARTER_HOUR)
@example(in_steps(QUARTER_HOUR, GARBLED), HOUR)
@example(SILENT, QUARTER_HOUR)
def test_a_stream_of_a_register_that_talks_nonsense_says_in_the_end_what_an_answer_says(
    some: list[Read], resolution: timedelta
) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT

    def come(one: Read) -> Callable[[], None]:
        def now() -> None:
            scene.now = MIDNIGHT + one[0] + MINUTE
            scene.shelf.put(*thinned([one], QUARTER_HOUR), detail=DetailClass.QUARTER)

        return now

    async def run() -> None:
        with pytest.MonkeyPatch.context() as patch:
            steps = Turns(patch, *map(come, some), nothing)
            stream = scene.follower.follow([scene.opened(WEEK, resolution)], Watch(steps.alive, lambda: False))
            told = [row for part in [part async for part in stream] for row in part.released.rows]
        closed = Period(MIDNIGHT, max([floor(scene.now - MINUTE, resolution), *(row.end for row in told)]))
        answer = await taken(scene, scene.opened(closed, resolution))
        assert numbers(told) == numbers([row for part in answer for row in part.released.rows])
        assert twice(told) == []

    asyncio.run(run())


async def test_what_a_stream_told_of_a_garbled_reading_is_told_again_as_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT

    def come(n: int) -> Callable[[], None]:
        def now() -> None:
            scene.now = MIDNIGHT + n * QUARTER_HOUR + MINUTE
            scene.shelf.put(reading(MIDNIGHT + n * QUARTER_HOUR, GARBLED[n] / 10), detail=DetailClass.QUARTER)

        return now

    steps = Turns(monkeypatch, *map(come, range(12)), nothing)
    stream = scene.follower.follow([scene.opened(WEEK, QUARTER_HOUR)], Watch(steps.alive, lambda: False))
    rows = [row for part in [part async for part in stream] for row in part.released.rows]
    second = [(row.value, row.status) for row in rows if row.start == MIDNIGHT + QUARTER_HOUR]
    assert second == [(40, "measured"), (None, "missing")]
