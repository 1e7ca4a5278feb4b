"""A reading that comes again counts once, with its last value, in every class and however often days were merged."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.intake.derive import Deriver, mantissas
from gateway.vault.merge import Clashes, combined, mended
from meter_driver.intervals import DayFinder, micros
from policies.terms import DetailClass
from policies.vault.columns import Series
from tests.gateway.vault.safe import ANNA, NOON, Safe, minutes, opened

DAY = timedelta(days=1)
MINUTE = 60_000_000
BASE = micros(NOON)
OPEN = dict.fromkeys((DetailClass.LIVE, DetailClass.QUARTER, DetailClass.DAY), 0)
DERIVED = (DetailClass.QUARTER, DetailClass.DAY)

Batch = Mapping[int, int]
"""Minute -> value."""
batches = st.lists(st.dictionaries(st.integers(0, 59), st.integers(0, 999), min_size=1, max_size=8), max_size=6)


def series_of(batch: Batch, detail: DetailClass, *, length: int, tenths: bool = False) -> list[Series]:
    """As intake derives them; each reading is ``length`` minutes long, 0 for an instant."""
    ats = sorted(batch)
    times = (tuple(BASE + (at - length) * MINUTE for at in ats), tuple(BASE + at * MINUTE for at in ats))
    numbers = mantissas([Decimal(batch[at]) / (10 if tenths else 1) for at in ats])
    assert numbers is not None
    deriver = Deriver(OPEN, DayFinder(ZoneInfo("UTC")))
    deriver.add("q", "kWh", times, numbers)
    return [one for (which, _), some in deriver.pieces.items() if which is detail for one in some]


def solved(detail: DetailClass, parts: Sequence[list[Series]], live: Sequence[list[Series]]) -> list[Series]:
    clashes: Clashes = {}
    found = combined(detail, parts, clashes)
    return mended(found, live, clashes) if clashes else found


def told(series: Sequence[Series]) -> dict[int, tuple[int, int, int, Decimal, Decimal, Decimal]]:
    """By begin: first and last instant, count, first, last, total."""
    rows = {}
    for one in series:
        for begin, first_at, last_at, count, *values in zip(*one.axis, *one.values, strict=True):
            scaled = [Decimal(v).scaleb(one.exponent) for v in values]
            assert begin not in rows
            rows[begin] = (first_at, last_at, count, scaled[0], scaled[1], scaled[2])
    return rows


@given(batches, st.sampled_from(DERIVED), st.integers(0, 1), st.sets(st.integers(0, 5)), st.booleans())
def test_what_is_derived_is_what_follows_from_the_last_values(
    sent: list[Batch], detail: DetailClass, length: int, merges: set[int], tenths: bool
) -> None:
    parts: list[list[Series]] = []
    live: list[list[Series]] = []
    final: dict[int, int] = {}
    for n, batch in enumerate(sent):
        parts.append(series_of(batch, detail, length=length, tenths=tenths))
        live.append(series_of(batch, DetailClass.LIVE, length=length, tenths=tenths))
        final |= batch
        if n in merges:
            parts = [solved(detail, parts, live)]
    expected = series_of(final, detail, length=length, tenths=tenths) if final else []
    assert told(solved(detail, parts, live)) == told(expected)


@given(batches.filter(bool), st.integers(0, 5))
def test_without_the_readings_nothing_counts_twice(sent: list[Batch], again: int) -> None:
    parts = [series_of(sent[0], DetailClass.QUARTER, length=0)]
    repeated = dict(list(sent[again % len(sent)].items()))
    repeated = {at: value for at, value in repeated.items() if at in sent[0]}
    if repeated:
        parts.append(series_of(repeated, DetailClass.QUARTER, length=0))
    counts = {begin: row[2] for begin, row in told(combined(DetailClass.QUARTER, parts)).items()}
    once = {begin: row[2] for begin, row in told(parts[0]).items()}
    assert counts == once


@pytest.mark.parametrize("merged", [False, True])
async def test_a_correction_counts_once_in_quarter_and_day(tmp_path: Path, merged: bool) -> None:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        sent = minutes(10, NOON)
        safe.now = NOON + timedelta(hours=1)
        await safe.take(ANNA, sent)
        if merged:
            await merge(safe)
        await safe.take(ANNA, [(sent[3][0], "1"), (sent[4][0], sent[4][1])])
        if merged:
            await merge(safe)
        expected = sum(Decimal(value) for _, value in sent) - Decimal(sent[3][1]) + 1
        for detail in DERIVED:
            (value,) = await safe.values(ANNA, detail)
            assert (value.count, value.total) == (10, expected)


async def test_when_the_readings_are_gone_the_derived_value_stands(tmp_path: Path) -> None:
    async with opened(tmp_path, {DetailClass.LIVE: 2}) as safe:
        await safe.vault.admit(ANNA, NOON)
        sent = minutes(10, NOON)
        safe.now = NOON + timedelta(hours=1)
        await safe.take(ANNA, sent)
        await safe.take(ANNA, [(sent[3][0], "1"), (sent[4][0], sent[4][1])])
        safe.now = NOON + 2 * DAY
        await safe.compactor.round()
        right = [await safe.values(ANNA, detail) for detail in DERIVED]
        assert [value.count for (value,) in right] == [10, 10]
        safe.now = NOON + 3 * DAY
        await safe.retention.run(safe.now)
        assert right == [await safe.values(ANNA, detail) for detail in DERIVED]
        await safe.take(ANNA, [(sent[5][0], "2"), (sent[6][0], "3")])
        assert right == [await safe.values(ANNA, detail) for detail in DERIVED]
        await safe.take(ANNA, [(NOON + timedelta(minutes=12), "1013")])
        assert [(await safe.values(ANNA, detail))[0].count for detail in DERIVED] == [11, 11]


async def test_a_single_late_correction_is_merged_while_its_reading_is_held(tmp_path: Path) -> None:
    async with opened(tmp_path, {DetailClass.LIVE: 2}) as safe:
        await safe.vault.admit(ANNA, NOON)
        sent = minutes(10, NOON)
        safe.now = NOON + DAY
        await safe.take(ANNA, sent)
        await safe.compactor.round()
        await safe.take(ANNA, [(sent[3][0], "1")])
        await safe.compactor.round()
        right = [await safe.values(ANNA, detail) for detail in DERIVED]
        safe.now = NOON + 4 * DAY
        await safe.retention.run(safe.now)
        assert right == [await safe.values(ANNA, detail) for detail in DERIVED]
        assert {value.first for (value,) in right} == {Decimal("1000.0")}
        assert {value.count for (value,) in right} == {10}


async def merge(safe: Safe) -> None:
    for detail in (DetailClass.LIVE, *DERIVED):
        await safe.compactor.merge(ANNA, detail, NOON.toordinal())
