"""Local days over the edge of what is held in quarters: what comes late is in its day, in any order, until its end."""

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.plugin import Batch
from gateway.vault.days import Days
from gateway.vault.local_days import MOST_STRETCHES, days_of, mended_days
from gateway.vault.merge import values_of
from meter_driver.amounts.partials import Partial, settled
from meter_driver.intervals import day_edges, micros
from meter_driver.quantities import Kind, parse
from meter_driver.reading import Reading
from policies.amounts import Installation, rows_of
from policies.terms import DetailClass
from policies.vault.columns import Series
from tests.gateway.vault.safe import ANNA, ENERGY, NOON, POWER, Safe, opened
from tests.gateway.vault.test_days import PROFILE, VIENNA

DAY, HOUR, QUARTER = timedelta(days=1), timedelta(hours=1), timedelta(minutes=15)
BEGIN, END = day_edges(NOON.date(), VIENNA)
BORDER = (BEGIN + DAY).replace(hour=0)
"""Midnight (UTC) inside the local day."""
Row = tuple[int, Partial]


# -- pure


def series(rows: Sequence[Row], quantity: str) -> Series:
    """Rows of quarters, or of days, as they are stored."""
    some = [row[1] for row in sorted(rows)]
    axis = tuple(
        tuple(each)
        for each in (
            sorted(row[0] for row in rows),
            [p.first_at for p in some],
            [p.last_at for p in some],
            [p.readings for p in some],
            [p.covered for p in some],
        )
    )
    columns: tuple[list[int], ...] = ([p.first for p in some], [p.last for p in some])
    known = parse(quantity)
    assert known is not None
    if known.kind in (Kind.INTERVAL, Kind.INSTANT):
        columns = (*columns, [p.total for p in some])
    total = -6 if known.kind is Kind.INSTANT else 0
    return Series(
        "main", "", quantity, "W" if known.kind is Kind.INSTANT else "Wh", "measured", axis, 0, total, columns
    )


@st.composite
def quarters(draw: st.DrawFn, quantity: str) -> list[Row]:
    """Some of the quarters of the local day around its UTC midnight, each with one to three readings."""
    found, stand = [], 1000
    for n in sorted(draw(st.sets(st.integers(0, 24), min_size=1))):
        at = micros(BEGIN + n * QUARTER)
        offsets = sorted(draw(st.sets(st.integers(0, 899), min_size=1, max_size=3)))
        values = [draw(st.integers(0, 500)) for _ in offsets]
        if quantity == PROFILE:
            found.append((at, Partial(at, values[0], at + 900_000_000, values[0], values[0], 900_000_000, 1)))
            continue
        readings = []
        for offset, value in zip(offsets, values, strict=True):
            stand = stand + value if quantity == ENERGY else value
            readings.append(Partial(at + offset * 1_000_000, stand, at + offset * 1_000_000, stand, 0, 0, 1))
        whole = readings[0]
        for each in readings[1:]:
            whole = settled(Kind.INSTANT if quantity == POWER else Kind.CUMULATIVE, whole, each)
        found.append((at, whole))
    return found


def no_bound(_: Series) -> Fraction | None:
    return None


@pytest.mark.parametrize("quantity", [PROFILE, ENERGY, POWER])
@given(st.data())
def test_a_mended_day_is_what_all_of_its_quarters_would_have_made(quantity: str, data: st.DataObject) -> None:
    rows = data.draw(quarters(quantity))
    late = data.draw(st.sets(st.sampled_from(rows)))
    span, border = [(micros(BEGIN), micros(END))], micros(BORDER)
    early = [row for row in rows if row not in late]
    head = [row for row in rows if row[0] < border]
    tail, came = [[row for row in some if row[0] >= border] for some in (rows, early)]
    one = [[series(some, quantity)] if some else [] for some in ([*head, *came], came, tail)]
    first = days_of(one[0], span, no_bound)
    (found,) = mended_days(first, one[1], one[2], span, border, no_bound)
    (right,) = days_of([series(rows, quantity)], span, no_bound)
    before_what_was_there = quantity != ENERGY and came and head and tail[0] != came[0]
    if quantity == ENERGY and found != right:  # where nobody holds its first stands any more it shows more of them
        outer = [(one.axis[1][0], one.values[0][0], one.axis[2][-1], one.values[1][-1]) for one in (found, right)]
        assert outer[0] == outer[1]
        assert len(found.axis[0]) > len(right.axis[0])
        assert amounts([found], None) == amounts([right], None)
        return
    if not before_what_was_there:
        assert found == right
        return
    if (
        quantity == PROFILE
    ):  # what is gone may speak of that time too if it covers all up to it: then there is no number
        reaches = head[0][0] + len(head) * 900_000_000 >= tail[0][0]
        assert found == right if not reaches else found.axis[4][0] > found.axis[2][0] - found.axis[1][0]
        return
    # a value that came before what was there: the time up to it is not covered, the rest is right
    assert found.axis[4][0] <= right.axis[4][0]
    assert found.axis[:3] == right.axis[:3] or len(tail) == 1 or tail[-1][0] <= came[0][1].first_at


def amounts(found: Sequence[Series], limit: int | None) -> list[tuple[str, Decimal | None]]:
    values = sorted(values_of(DetailClass.DAY, found), key=lambda value: (value.at, value.first_at))
    edges = [(BEGIN, END)]
    said = Installation((), None if limit is None else Decimal(limit))
    return [(row.status, row.value) for row in rows_of(values, ENERGY, "s", "main", edges, said)]


def register(stands: Sequence[int]) -> list[Row]:
    """A stand at the begin of each quarter of the day, and one at its end."""
    found = []
    for n, stand in enumerate(stands):
        at = micros(BEGIN + n * QUARTER)
        found.append((at, Partial(at, stand, at, stand, 0, 0, 1)))
    return found


@pytest.mark.parametrize(
    ("stands", "name"),
    [
        ([*range(0, 4800, 100), *range(1_500_000, 1_504_900, 100)], "a used meter that stands higher"),
        ([*range(8_000_000, 8_004_800, 100), *range(0, 4900, 100)], "a new meter"),
        ([*range(9_999_300, 10_000_000, 100), *range(0, 9000, 100)], "a roll-over"),
        ([1000, 1100, 0, *range(1300, 10_700, 100)], "one telegram of nothing"),
    ],
)
def test_a_day_tells_what_its_quarters_tell_also_over_a_seam(stands: Sequence[int], name: str) -> None:
    rows = register(stands[:97])
    spans = [(micros(BEGIN), micros(END)), (micros(END), micros(END + DAY))]
    bound = Fraction(250_000)
    quarter = series(rows, ENERGY)
    kept = days_of([quarter], spans, lambda _: bound)
    assert amounts(kept, None) == amounts([quarter], None), name
    assert sum(len(one.axis[0]) for one in kept) <= 3 * MOST_STRETCHES


def test_a_register_that_leaps_all_day_keeps_a_few_stands_and_tells_no_amount() -> None:
    rows = register([n * 90_000 for n in range(97)])
    (kept,) = days_of([series(rows, ENERGY)], [(micros(BEGIN), micros(END) + 1)], lambda _: Fraction(250_000))
    assert len(kept.axis[0]) == MOST_STRETCHES
    assert all(value is None for _, value in amounts([kept], None))


# -- with a vault


async def deliver(safe: Safe, some: Sequence[Reading], truth: dict[date, int]) -> None:
    """What is taken counts, what is refused does not."""
    safe.sequence += 1
    answer = await safe.intake.take(Batch("test", safe.sequence, [(ANNA, each) for each in some]))
    refused = {index for index, why in answer.refused if why == "expired"}
    assert len(refused) == len(answer.refused)
    for index, each in enumerate(some):
        if index not in refused and each.start is not None:
            day = each.start.astimezone(VIENNA).date()
            truth[day] = truth.get(day, 0) + int(1000 * each.value)


@pytest.mark.parametrize("kept", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
async def test_what_was_taken_is_in_its_day_however_late_it_came(tmp_path: Path, seed: int, kept: int) -> None:
    rng = random.Random(seed)
    start = NOON.replace(hour=0) + 2 * HOUR
    waiting: list[tuple[datetime, Reading]] = []
    for n in range(6 * 24):
        at = start + n * HOUR
        late = timedelta(hours=rng.choice([0, 0, 1, 5, rng.randrange(24 * (kept + 1))]))
        waiting.append(
            (at + QUARTER + late, Reading("", PROFILE, at + QUARTER, Decimal(1 << (n % 24)).scaleb(-3), "Wh", start=at))
        )
    truth: dict[date, int] = {}
    async with opened(tmp_path, {DetailClass.LIVE: 1, DetailClass.QUARTER: kept}, now=start) as safe:
        await safe.vault.admit(ANNA, start)
        end = start + (8 + kept) * DAY
        while safe.now < end:
            step = safe.now + rng.choice([1, 3, 5]) * HOUR
            midnight = (safe.now + DAY).replace(hour=0)
            safe.now = min(step, midnight)
            if safe.now == midnight:
                await safe.retention.run(safe.now)
            some = [reading for due, reading in waiting if due <= safe.now]
            waiting = [each for each in waiting if each[0] > safe.now]
            rng.shuffle(some)
            if some:
                await deliver(safe, some, truth)
            if rng.random() < 0.4:
                await safe.compactor.round()
        await safe.compactor.round()
        found: dict[date, int] = {}
        for value in await safe.values(ANNA, DetailClass.DAY, PROFILE):
            day = value.at.astimezone(VIENNA).date()
            found[day] = found.get(day, 0) + int(1000 * value.total)
        assert found == truth


async def test_at_midnight_only_days_with_something_new_are_worked_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked: list[int] = []
    block = Days._block

    async def noted(self: Days, subject: str, ordinal: int, touching: int, corrected: bool) -> None:
        worked.append(ordinal)
        await block(self, ANNA, ordinal, touching, corrected)

    async with opened(tmp_path, {DetailClass.LIVE: 1, DetailClass.QUARTER: 1}) as safe:
        await safe.vault.admit(ANNA, NOON)
        for n in range(3):
            safe.now = NOON + n * DAY
            entry = Reading("", PROFILE, safe.now, Decimal(1), "Wh", start=safe.now - QUARTER)
            await deliver(safe, [entry], {})
            await safe.compactor.round()
            safe.now = (safe.now + DAY).replace(hour=0)
            monkeypatch.setattr(Days, "_block", noted)
            await safe.retention.run(safe.now)
            monkeypatch.undo()
            safe.now += HOUR
            await safe.compactor.round()
        assert worked == []
        assert len(await safe.values(ANNA, DetailClass.DAY, PROFILE)) == 3


@pytest.mark.parametrize("kept", [9, 1])
async def test_an_erased_day_is_in_no_local_day_either(tmp_path: Path, kept: int) -> None:
    """Erased is the UTC day in which most of the local day lies; only its first hour may stay, where it can be told."""
    async with opened(tmp_path, {DetailClass.LIVE: 1, DetailClass.QUARTER: kept}) as safe:
        await safe.vault.admit(ANNA, NOON)
        entries = [(BEGIN, 1), (BORDER + HOUR, 20), (END, 300)]
        await deliver(safe, [Reading("", PROFILE, a + QUARTER, Decimal(v), "Wh", start=a) for a, v in entries[:2]], {})
        safe.now = NOON + DAY
        await deliver(safe, [Reading("", PROFILE, END + QUARTER, Decimal(300), "Wh", start=END)], {})
        await safe.compactor.round()
        for n in (2, 3):
            safe.now = NOON + n * DAY
            await safe.compactor.round()
            await safe.retention.run(safe.now)
        assert [value.total for value in await safe.values(ANNA, DetailClass.DAY, PROFILE)] == [21, 300]
        await safe.retention.erase_day(ANNA, BORDER.date())
        left = [value.total for value in await safe.values(ANNA, DetailClass.DAY, PROFILE)]
        assert left == ([1] if kept > 1 else [])
