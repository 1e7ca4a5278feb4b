"""What a stream in intervals looks at again, and how it remembers what it told."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.door import late
from gateway.door.egress import Part
from gateway.door.late import OnceTold
from gateway.vault.port import Mark
from policies.terms import ONE_DAY, QUARTER_HOUR, DetailClass, Period, Row, SubjectId
from tests.gateway.door.shelf import ENERGY, Scene, quarter
from tests.gateway.door.test_following import DAY, HOUR, MIDNIGHT, Turns, nothing, quarters, starts
from tests.gateway.door.test_late import MINUTE, NEED
from tests.gateway.door.test_opening import taken

# -- what it costs


async def test_a_usual_batch_reads_only_what_it_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT + HOUR
    quarters(scene, *range(5))()

    def next_(n: int) -> Callable[[], None]:
        def come() -> None:
            scene.now = MIDNIGHT + n * QUARTER_HOUR + MINUTE
            quarters(scene, n)()

        return come

    turns = Turns(monkeypatch, nothing, quarters(scene, 4), next_(5), quarters(scene, 5, 4, 3), next_(6), nothing)
    assert await starts(scene, turns, DAY, QUARTER_HOUR) == [[0, 1, 2, 3], [4], [5]]
    assert len(scene.shelf.asked) == 4  # the one more: what came again might have changed what was told


async def test_a_quantity_without_intervals_is_not_looked_for_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT + HOUR
    names = ("1-0:1.8.0*1", "of no vocabulary")
    values = [msgspec.structs.replace(quarter(MIDNIGHT + HOUR, 1), quantity=name) for name in names]
    turns = Turns(monkeypatch, nothing, lambda: scene.shelf.put(*values, detail=DetailClass.QUARTER), nothing)
    assert await starts(scene, turns, DAY, QUARTER_HOUR) == []
    assert len(scene.shelf.asked) == 1


async def test_what_has_no_intervals_hides_nothing_that_came_late_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT + 3 * HOUR
    quarters(scene, 0, 1, 8, 9)()
    nothing_of = msgspec.structs.replace(quarter(MIDNIGHT + HOUR, 1), quantity="1-0:1.8.0*1")

    def late_() -> None:
        scene.shelf.put(nothing_of, detail=DetailClass.QUARTER)
        quarters(scene, 4, 5)()

    assert await starts(scene, Turns(monkeypatch, nothing, late_, nothing), DAY, QUARTER_HOUR) == [[0, 8], [4]]


async def test_a_grant_that_begins_in_an_interval_is_not_looked_at_for_what_is_no_whole_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT + HOUR + MINUTE
    quarters(scene, 4)()
    turns = Turns(monkeypatch, nothing, quarters(scene, 4), quarters(scene, 4), nothing)
    assert await starts(scene, turns, Period(MIDNIGHT + MINUTE, MIDNIGHT + ONE_DAY), HOUR) == []
    assert len(scene.shelf.asked) == 1


async def test_a_late_value_at_the_begin_of_a_stream_keeps_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(UTC)
    scene.now = MIDNIGHT + 2 * HOUR
    quarters(scene, *range(2, 9))()
    mark = scene.shelf.mark

    def behind(subject: SubjectId) -> Mark:
        """It comes after a stream has taken its position, before its first look."""
        taken = mark(subject)
        quarters(scene, 1)()
        return taken

    monkeypatch.setattr(scene.shelf, "mark", behind)
    assert await starts(scene, Turns(monkeypatch, nothing), DAY, QUARTER_HOUR) == [[1, 2, 3, 4, 5, 6, 7]]


# -- what was told


def row(n: int, meter: str = "m", quantity: str = ENERGY) -> Row:
    start = MIDNIGHT + n * QUARTER_HOUR
    return Row("name", quantity, start, start + QUARTER_HOUR, Decimal(n), "kWh", meter=meter)


async def part(rows: Sequence[Row]) -> Part:
    scene = Scene(UTC)
    scene.shelf.put(quarter(MIDNIGHT, 1))
    [made] = await taken(scene, scene.opened(DAY))
    return replace(made, released=replace(made.released, rows=rows))


def gaps(told: OnceTold, meter: str = "m", quantity: str = ENERGY) -> list[int]:
    """Quarters of ten that were not told."""
    found = told.gaps(quantity, meter, Period(MIDNIGHT, MIDNIGHT + 10 * QUARTER_HOUR))
    return [n for gap in found for n in range(*((at - MIDNIGHT) // QUARTER_HOUR for at in (gap.start, gap.end)))]


@given(st.lists(st.tuples(st.integers(-2, 12), st.sampled_from("ab"), st.sampled_from([ENERGY, NEED]))))
def test_an_interval_is_told_the_first_time_and_what_was_not_told_is_a_gap(some: list[tuple[int, str, str]]) -> None:
    told, model = OnceTold(MIDNIGHT), set[tuple[int, str, str]]()
    empty = asyncio.run(part([]))
    for each in some:
        one = replace(empty, released=replace(empty.released, rows=[row(*each)]))
        assert told.first_time(one) == (None if each in model else one)
        model.add(each)
        for meter, quantity in (("a", ENERGY), ("a", NEED), ("b", ENERGY)):
            assert gaps(told, meter, quantity) == [n for n in range(10) if (n, meter, quantity) not in model]


async def test_what_is_told_otherwise_is_told_again_and_then_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "MOST_TOLD", 3)
    told = OnceTold(MIDNIGHT)

    async def again(*rows: Row) -> list[Row]:
        news = told.first_time(await part(rows))
        return [] if news is None else list(news.released.rows)

    zero, one, two, three = (row(n) for n in range(4))
    missing = msgspec.structs.replace(one, value=None, status="missing")
    estimated = msgspec.structs.replace(two, status="estimated")
    assert await again(missing) == []
    assert await again(one, zero, two) == [one, zero, two]
    assert await again(zero, missing, estimated) == [missing, estimated]
    assert await again(one, estimated, missing) == [one, missing]
    assert await again(three) == [three]
    changed = [msgspec.structs.replace(each, value=Decimal(9)) for each in (zero, one, three)]
    assert await again(missing, estimated, three) == []
    assert await again(*changed) == changed[1:]  # of the oldest nobody knows any more what was told


@pytest.mark.parametrize("order", [*permutations(range(4, 8))])
async def test_in_whatever_order_intervals_without_a_gap_are_told_none_that_is_missing_is_given_up(
    monkeypatch: pytest.MonkeyPatch, order: Sequence[int]
) -> None:
    """Many intervals on end are no gaps to remember."""
    monkeypatch.setattr(late, "MOST_UNTOLD", 3)
    told = OnceTold(MIDNIGHT)
    for n in (0, 2, *order):
        assert told.first_time(await part([row(n)])) is not None
    assert gaps(told) == [1, 3, 8, 9]
    assert told.first_time(await part([row(n) for n in (0, 2, *order)])) is None


async def test_of_many_gaps_the_oldest_counts_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "MOST_UNTOLD", 2)
    told = OnceTold(MIDNIGHT)
    told.first_time(await part([row(n) for n in (0, 2, 4)]))
    assert gaps(told) == [1, 3, 5, 6, 7, 8, 9]
    told.first_time(await part([row(n) for n in (7, 9)]))
    assert gaps(told) == [5, 6, 8]
    assert told.first_time(await part([row(1), row(2), row(3)])) is None
    left = told.first_time(await part([row(3), row(6)]))
    assert left is not None
    assert left.released.rows == [row(6)]


async def test_of_what_two_told_together_the_oldest_gaps_count_as_told_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "MOST_UNTOLD", 2)
    told, other = OnceTold(MIDNIGHT), OnceTold(MIDNIGHT)
    told.first_time(await part([row(n) for n in (0, 6)]))
    other.first_time(await part([row(n) for n in (2, 4)]))
    told.remember(other)
    assert gaps(told) == [3, 5, 7, 8, 9]
    other.first_time(await part([row(9)]))
    told.remember(other)
    assert gaps(told) == [5, 7, 8]
