"""A reading that comes again counts once, with its last value, in every class and however often days were merged."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.intake.derive import Deriver, Named, mantissas
from gateway.vault.merge import Clashes, combined, mended
from meter_driver.amounts.partials import summed
from meter_driver.intervals import micros
from meter_driver.quantities import Kind
from policies.terms import DetailClass
from policies.vault.columns import Series
from tests.gateway.vault.safe import ANNA, NOON, POWER, Safe, minutes, opened

DAY = timedelta(days=1)
MINUTE = 60_000_000
BASE = micros(NOON)
OPEN = dict.fromkeys((DetailClass.LIVE, DetailClass.QUARTER, DetailClass.DAY), 0)
QUARTER = DetailClass.QUARTER
DERIVED = (QUARTER,)
NAMES = {
    Kind.CUMULATIVE: "1-0:1.8.0*255",
    Kind.NET: "1-0:16.8.0*255",
    Kind.INTERVAL: "1-0:1.29.0*255",
    Kind.INSTANT: "1-0:1.7.0*255",
}

Batch = Mapping[int, int]
"""Minute -> value."""
batches = st.lists(st.dictionaries(st.integers(0, 59), st.integers(0, 999), min_size=1, max_size=8), max_size=6)


def series_of(batch: Batch, detail: DetailClass, kind: Kind, *, tenths: bool = False, serial: str = "") -> list[Series]:
    """As intake derives them; an entry is a minute long."""
    ats = sorted(batch)
    length = 1 if kind is Kind.INTERVAL else 0
    times = (tuple(BASE + (at - length) * MINUTE for at in ats), tuple(BASE + at * MINUTE for at in ats))
    numbers = mantissas([Decimal(batch[at]) / (10 if tenths else 1) for at in ats])
    assert numbers is not None
    deriver = Deriver(OPEN)
    name = Named("main", serial, NAMES[kind], "Wh", kind)
    deriver.receive(name, times, numbers)
    deriver.quarter(name, times, numbers)
    return [one for (which, _), some in deriver.pieces.items() if which is detail for one in some]


def solved(parts: Sequence[list[Series]], live: Sequence[list[Series]]) -> list[Series]:
    clashes: Clashes = {}
    found = combined(QUARTER, parts, clashes)
    return mended(found, live, clashes) if clashes else found


Told = tuple[int, Decimal, int, Decimal, int, Decimal, str]


def told(series: Sequence[Series]) -> dict[tuple[int, str], Told]:
    """By begin and serial number: first, last, covered time, total and unit."""
    rows: dict[tuple[int, str], Told] = {}
    for one in series:
        for begin, first_at, last_at, _, covered, *values in zip(*one.axis, *one.values, strict=True):
            first, last = (Decimal(v).scaleb(one.exponent) for v in values[:2])
            total = Decimal(values[2]).scaleb(one.total_exponent) if values[2:] else Decimal(0)
            assert (begin, one.serial) not in rows
            rows[begin, one.serial] = (first_at, first, last_at, last, covered, total, one.unit or "")
    return rows


@given(batches, st.sampled_from(list(NAMES)), st.sets(st.integers(0, 5)), st.booleans())
def test_what_is_derived_is_what_follows_from_the_last_values(
    sent: list[Batch], kind: Kind, merges: set[int], tenths: bool
) -> None:
    parts: list[list[Series]] = []
    live: list[list[Series]] = []
    final: dict[int, int] = {}
    for n, batch in enumerate(sent):
        parts.append(series_of(batch, QUARTER, kind, tenths=tenths))
        live.append(series_of(batch, DetailClass.LIVE, kind, tenths=tenths))
        final |= batch
        if n in merges:
            parts = [solved(parts, live)]
    expected = series_of(final, QUARTER, kind, tenths=tenths) if final else []
    assert told(solved(parts, live)) == told(expected)


@given(batches, st.sampled_from(list(NAMES)), st.lists(st.sampled_from(["", "A", "B"]), min_size=6, max_size=6))
def test_so_it_is_when_a_reading_comes_again_under_another_serial_number(
    sent: list[Batch], kind: Kind, serials: list[str]
) -> None:
    parts = [series_of(batch, QUARTER, kind, serial=serials[n]) for n, batch in enumerate(sent)]
    live = [series_of(batch, DetailClass.LIVE, kind, serial=serials[n]) for n, batch in enumerate(sent)]
    final = {at: (value, serials[n]) for n, batch in enumerate(sent) for at, value in batch.items()}
    expected: dict[tuple[int, str], Told] = {}
    for serial, mine in stands_of(sent, serials).items():
        expected |= told(series_of(mine, QUARTER, kind, serial=serial)) if mine else {}
    if summed(kind):
        expected = told([one for some in quarters_of(final, kind) for one in some])
    assert told(solved(parts, live)) == expected


def stands_of(sent: Sequence[Batch], serials: Sequence[str]) -> Mapping[str, Batch]:
    """By serial number: each takes the place of those that name the same or none; one that names none, of all."""
    found: dict[str, dict[int, int]] = {serial: {} for serial in serials}
    for serial, batch in zip(serials, sent, strict=False):
        for at, value in batch.items():
            for other in found:
                if not serial or other in ("", serial):
                    found[other].pop(at, None)
            found[serial][at] = value
    return found


def quarters_of(final: Mapping[int, tuple[int, str]], kind: Kind) -> Iterator[list[Series]]:
    """Each quarter of an hour with the serial number that its last readings name."""
    length = 1 if kind is Kind.INTERVAL else 0
    for quarter in range(-1, 4):
        mine = {at: said for at, said in sorted(final.items()) if (at - length) // 15 == quarter}
        serial = next((of for _, of in reversed(mine.values()) if of), "")
        if mine:
            yield series_of({at: value for at, (value, _) in mine.items()}, QUARTER, kind, serial=serial)


@pytest.mark.parametrize("kind", [Kind.INTERVAL, Kind.INSTANT])
def test_a_quarter_that_a_block_of_before_holds_in_two_statuses_is_computed_again_as_one(kind: Kind) -> None:
    read, flagged = {1: 10, 2: 20, 4: 40}, {3: 100}
    blocks = {
        detail: [
            *series_of(read, detail, kind),
            *(one._replace(status="estimated", serial="A") for one in series_of(flagged, detail, kind)),
        ]
        for detail in (QUARTER, DetailClass.LIVE)
    }
    for parts in ([blocks[QUARTER]], [[one] for one in blocks[QUARTER]]):
        (found,) = solved(parts, [blocks[DetailClass.LIVE]])
        assert (found.status, found.serial) == ("estimated", "A")
        assert list(told([found]).values()) == list(told(series_of(read | flagged, QUARTER, kind)).values())


def test_a_reading_after_all_others_of_its_clash_is_not_lost() -> None:
    """What spoke for more reached less far."""
    parts = [{0: 1, 5: 2, 10: 3}, {9: 4, 12: 5}]
    derived = [series_of(batch, QUARTER, Kind.INSTANT) for batch in parts]
    live = [series_of(batch, DetailClass.LIVE, Kind.INSTANT) for batch in parts]
    ((_, _, last_at, last, *_),) = told(solved(derived, live)).values()
    assert (last_at - BASE, last) == (12 * MINUTE, Decimal(5))


@given(batches.filter(bool), st.sampled_from(list(NAMES)), st.data())
def test_without_the_readings_nothing_counts_twice(sent: list[Batch], kind: Kind, data: st.DataObject) -> None:
    once = series_of(sent[0], QUARTER, kind)
    again = data.draw(st.sets(st.sampled_from(sorted(sent[0])), min_size=1))
    repeated = series_of({at: sent[0][at] for at in again}, QUARTER, kind)
    assert told(combined(QUARTER, [once, repeated])) == told(once)


@given(batches.filter(bool), st.sampled_from(list(NAMES)))
def test_a_batch_that_came_twice_is_the_same_as_once(sent: list[Batch], kind: Kind) -> None:
    once = series_of(sent[0], QUARTER, kind)
    clashes: Clashes = {}
    assert told(combined(QUARTER, [once, once], clashes)) == told(once)
    live = series_of(sent[0], DetailClass.LIVE, kind)
    assert told(mended(once, [live, live], clashes)) == told(once)


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.gdpr("5(1)(d)")
async def test_a_correction_counts_once_in_quarter_and_day(tmp_path: Path, merged: bool) -> None:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        sent = minutes(10, NOON)
        safe.now = NOON + timedelta(hours=1)
        await safe.take(ANNA, sent, POWER, "W")
        if merged:
            await merge(safe)
        await safe.take(ANNA, [(sent[3][0], "1"), (sent[4][0], sent[4][1])], POWER, "W")
        if merged:
            await merge(safe)
        expected = 60 * (sum(Decimal(value) for _, value in sent[:-1]) - Decimal(sent[3][1]) + 1)
        for detail in DERIVED:
            (value,) = await safe.values(ANNA, detail, POWER)
            assert (value.count, value.total) == (10, expected)


async def test_when_the_readings_are_gone_the_derived_value_stands(tmp_path: Path) -> None:
    async with opened(tmp_path, {DetailClass.LIVE: 2}) as safe:
        await safe.vault.admit(ANNA, NOON)
        sent = minutes(10, NOON)
        safe.now = NOON + timedelta(hours=1)
        await safe.take(ANNA, sent, POWER, "W")
        await safe.take(ANNA, [(sent[3][0], "1"), (sent[4][0], sent[4][1])], POWER, "W")
        safe.now = NOON + 2 * DAY
        await safe.compactor.round()
        right = [await safe.values(ANNA, detail, POWER) for detail in DERIVED]
        assert [value.count for (value,) in right] == [10]
        safe.now = NOON + 3 * DAY
        await safe.retention.run(safe.now)
        assert right == [await safe.values(ANNA, detail, POWER) for detail in DERIVED]
        answer = await safe.take(ANNA, [(sent[5][0], "2"), (sent[6][0], "3")], POWER, "W")
        assert answer.refused == ((0, "too-late"), (1, "too-late"))
        assert right == [await safe.values(ANNA, detail, POWER) for detail in DERIVED]
        await safe.take(ANNA, [(NOON + timedelta(minutes=12), "1013")], POWER, "W")
        assert [(await safe.values(ANNA, detail, POWER))[0].count for detail in DERIVED] == [11]


async def test_a_single_late_correction_is_merged_while_its_reading_is_held(tmp_path: Path) -> None:
    async with opened(tmp_path, {DetailClass.LIVE: 2}) as safe:
        await safe.vault.admit(ANNA, NOON)
        sent = minutes(10, NOON)
        safe.now = NOON + DAY
        await safe.take(ANNA, sent, POWER, "W")
        await safe.compactor.round()
        await safe.take(ANNA, [(sent[3][0], "1")], POWER, "W")
        await safe.compactor.round()
        right = [await safe.values(ANNA, detail, POWER) for detail in DERIVED]
        safe.now = NOON + 4 * DAY
        await safe.retention.run(safe.now)
        assert right == [await safe.values(ANNA, detail, POWER) for detail in DERIVED]
        assert {value.first for (value,) in right} == {Decimal("1000.0")}
        assert {value.count for (value,) in right} == {10}


async def test_what_comes_again_just_before_its_readings_expire_counts(tmp_path: Path) -> None:
    """Nothing merges between the acknowledgement and midnight."""
    async with opened(tmp_path, {DetailClass.LIVE: 2}) as safe:
        await safe.vault.admit(ANNA, NOON)
        safe.now = NOON + timedelta(hours=1)
        sent = minutes(10, NOON)
        await safe.take(ANNA, [each for each in sent if each != sent[3]], POWER, "W")
        safe.now = NOON + DAY
        await safe.compactor.round()
        safe.now = (NOON + 2 * DAY).replace(hour=23, minute=59)
        answer = await safe.take(ANNA, [(sent[3][0], "1")], POWER, "W")
        assert not answer.refused
        right = [await safe.values(ANNA, detail, POWER) for detail in DERIVED]
        assert {value.count for (value,) in right} == {10}
        safe.now += timedelta(minutes=2)
        await safe.retention.run(safe.now)
        assert not await safe.values(ANNA, DetailClass.LIVE, POWER)
        assert right == [await safe.values(ANNA, detail, POWER) for detail in DERIVED]


async def merge(safe: Safe) -> None:
    for detail in (DetailClass.LIVE, *DERIVED):
        await safe.compactor.merge(ANNA, detail, NOON.toordinal())
