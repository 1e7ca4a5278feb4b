"""The intake desk: single records refused by index and reason, batches counted once, nothing half done."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from adapters.plugin import Batch, IntakeAnswer
from gateway.errors import BatchRefused, StoreFull
from gateway.intake.derive import mantissas
from gateway.storage.sqlite import SqliteStore
from meter_driver.reading import Quality, Reading
from policies.terms import DetailClass
from tests.gateway.vault.safe import ANNA, BERT, ENERGY, NOON, POWER, Safe, minutes, opened, reading

NAIVE = datetime(2026, 3, 10, 11)  # noqa: DTZ001 - that is what is refused


@pytest.fixture
async def safe(tmp_path: Path) -> AsyncIterator[Safe]:
    async with opened(tmp_path) as safe:
        await safe.vault.admit(ANNA, NOON)
        yield safe


def good(n: int = 0, value: str = "1.5") -> Reading:
    return reading(NOON - timedelta(minutes=10 + n), value)


REFUSALS: dict[str, list[Reading]] = {
    "no-instant": [
        Reading("", ENERGY, None, Decimal(1), "kWh"),
        Reading("", ENERGY, NAIVE, Decimal(1), "kWh"),
    ],
    "clock": [reading(NOON + timedelta(minutes=5, seconds=1), "1")],
    "expired": [reading(NOON - timedelta(days=1200), "1")],
    "interval": [Reading("", ENERGY, NOON, Decimal(1), "kWh", start=NOON)],
    "no-value": [
        Reading("", ENERGY, NOON, Decimal(-2147483648), "kWh", quality=Quality.NO_VALUE),
        Reading("", ENERGY, NOON, Decimal(0), "kWh", quality=Quality.NO_VALUE | Quality.CHECKSUM_ONLY),
    ],
    "text": [Reading("", "0-0:96.1.0*255", NOON, "12345", None)],
    "not-finite": [reading(NOON, "NaN"), reading(NOON, "-Infinity"), reading(NOON, "sNaN")],
    "too-many-digits": [reading(NOON, "123456789012345"), reading(NOON, "1e-10"), reading(NOON, "1e60")],
    "quantity": [reading(NOON, "1", ""), reading(NOON, "1", "1-0:1.8.256*255"), reading(NOON, "1", "<b>")],
    "unit": [reading(NOON, "1", ENERGY, "furlong")],
    "unit-misfit": [reading(NOON, "1", ENERGY, "V"), reading(NOON, "1", "8-0:1.0.0", "kWh")],
}


@pytest.mark.parametrize(("reason", "bad"), [(r, b) for r, some in REFUSALS.items() for b in some])
async def test_a_bad_record_is_refused_and_its_neighbours_are_kept(safe: Safe, reason: str, bad: Reading) -> None:
    answer = await safe.intake.take(Batch("box", 1, [(ANNA, good(0)), (ANNA, bad), (ANNA, good(1))]))
    assert answer == IntakeAnswer(2, ((1, reason),))
    assert len(await safe.values(ANNA)) == 2


async def test_records_of_an_unknown_household_are_refused(safe: Safe) -> None:
    answer = await safe.intake.take(Batch("box", 1, [(ANNA, good()), (BERT, good()), (BERT, good(1))]))
    assert answer == IntakeAnswer(1, ((1, "unknown-subject"), (2, "unknown-subject")))


async def test_a_value_that_is_too_old_for_live_is_kept_in_the_coarser_classes(safe: Safe) -> None:
    old = NOON - timedelta(days=20)
    assert (await safe.take(ANNA, [(old, "5")])).accepted == 1
    assert await safe.values(ANNA) == []
    assert [(v.first, v.unit) for v in await safe.values(ANNA, DetailClass.QUARTER)] == [(Decimal(5000), "Wh")]


async def test_spellings_become_one_quantity_and_one_unit(safe: Safe) -> None:
    batch = [
        (ANNA, reading(NOON, "1", "1-0:1.8.0", "KWH")),
        (ANNA, reading(NOON - timedelta(minutes=1), "2", "01-0:1.8.0*255", "kWh")),
    ]
    assert (await safe.intake.take(Batch("box", 1, batch))).accepted == 2
    assert [(str(v.first), v.unit) for v in await safe.values(ANNA)] == [("2", "kWh"), ("1", "kWh")]


async def test_an_interval_belongs_to_the_quarter_in_which_it_starts(safe: Safe) -> None:
    end = NOON.replace(minute=0)
    one = Reading("", "1-0:1.29.0*255", end, Decimal("0.25"), "kWh", start=end - timedelta(minutes=15))
    await safe.intake.take(Batch("box", 1, [(ANNA, one)]))
    (quarter,) = await safe.values(ANNA, DetailClass.QUARTER, "1-0:1.29.0*255")
    assert (quarter.at, quarter.total, quarter.unit) == (end - timedelta(minutes=15), Decimal(250), "Wh")
    assert quarter.covered == timedelta(minutes=15)
    (live,) = await safe.values(ANNA, DetailClass.LIVE, "1-0:1.29.0*255")
    assert (live.first_at, live.at) == (end - timedelta(minutes=15), end)


async def test_of_one_instant_twice_in_a_batch_the_last_counts_once(safe: Safe) -> None:
    await safe.take(ANNA, [(NOON, "1"), (NOON, "2")])
    assert [v.first for v in await safe.values(ANNA)] == [Decimal(2)]
    assert [(v.first, v.count) for v in await safe.values(ANNA, DetailClass.QUARTER)] == [(Decimal(2000), 1)]


async def test_a_batch_over_midnight_is_kept_under_both_days(safe: Safe) -> None:
    midnight = NOON.replace(hour=0)
    await safe.take(ANNA, minutes(10, midnight - timedelta(minutes=5)))
    assert len(await safe.values(ANNA)) == 10
    query = "SELECT class, day FROM piece ORDER BY 1, 2"
    found = await safe.store.look(lambda connection: connection.exec_driver_sql(query).fetchall())
    day = NOON.toordinal()
    assert [tuple(row) for row in found] == [(1, day - 1), (1, day), (2, day - 1), (2, day)]


async def test_a_batch_counts_once(safe: Safe) -> None:
    batch = Batch("box", 7, [(ANNA, good()), (BERT, good())])
    first, *again = [await safe.intake.take(batch) for _ in range(3)]
    assert not first.repeated
    assert again == [IntakeAnswer(1, first.refused, repeated=True)] * 2
    assert [v.count for v in await safe.values(ANNA, DetailClass.QUARTER)] == [1]


async def test_a_batch_that_comes_many_times_at_once_counts_once(safe: Safe) -> None:
    answers = await asyncio.gather(*(safe.intake.take(Batch("box", n % 3, [(ANNA, good(n % 3))])) for n in range(30)))
    assert [answer.repeated for answer in answers].count(False) == 3
    assert sum(v.count for v in await safe.values(ANNA, DetailClass.QUARTER)) == 3


async def test_a_batch_is_known_after_a_restart(tmp_path: Path) -> None:
    for repeated in (False, True):
        async with opened(tmp_path) as safe:
            await safe.vault.admit(ANNA, NOON)
            assert (await safe.intake.take(Batch("box", 7, [(ANNA, good())]))).repeated is repeated


async def test_sources_and_late_sequences_are_kept_apart(safe: Safe) -> None:
    for source, sequence in (("a", 5), ("b", 5), ("a", 3)):
        assert not (await safe.intake.take(Batch(source, sequence, [(ANNA, good(sequence))]))).repeated


@pytest.mark.parametrize(
    "batch", [Batch("", 1, []), Batch("x" * 201, 1, []), Batch("x", -1, []), Batch("x", 1 << 63, [])]
)
async def test_a_batch_without_a_usable_name_is_refused(safe: Safe, batch: Batch) -> None:
    with pytest.raises(BatchRefused):
        await safe.intake.take(batch)


async def test_too_many_readings_are_refused(safe: Safe) -> None:
    with pytest.raises(BatchRefused, match="10000"):
        await safe.intake.take(Batch("x", 1, [(ANNA, good())] * 10_001))


async def test_a_full_disk_leaves_nothing_and_the_same_batch_goes_through_later(
    safe: Safe, monkeypatch: pytest.MonkeyPatch
) -> None:
    await safe.take(ANNA, minutes(1))
    full = True

    def fails(*_: object) -> None:
        if full:
            raise OperationalError("", None, sqlite3.OperationalError("database or disk is full"))

    assert isinstance(safe.store, SqliteStore)
    event.listen(safe.store._engine, "before_cursor_execute", fails)
    batch = Batch("box", 1, [(ANNA, good())])
    with pytest.raises(StoreFull):
        await safe.intake.take(batch)
    full = False
    assert await safe.intake.take(batch) == IntakeAnswer(1)
    assert len(await safe.values(ANNA)) == 2


@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9),
        min_size=1,
        max_size=8,
    )
)
def test_mantissas_are_exact(values: list[Decimal]) -> None:
    found = mantissas(values)
    assert found is not None
    assert [Decimal(m).scaleb(found.exponent) for m in found.values] == values


@given(st.lists(st.decimals(), min_size=1, max_size=6))
@settings(max_examples=100)
def test_mantissas_are_exact_or_refused_for_any_decimals(values: list[Decimal]) -> None:
    found = mantissas(values)
    assert found is None or [Decimal(m).scaleb(found.exponent) for m in found.values] == values


async def test_values_of_very_different_size_in_one_batch_are_all_kept(safe: Safe) -> None:
    sent = ["0.000000001", "99999999999999", "12.5"]
    await safe.take(ANNA, [(NOON - timedelta(minutes=i), v) for i, v in enumerate(sent)], POWER, "W")
    assert sorted(v.first for v in await safe.values(ANNA, quantity=POWER)) == sorted(map(Decimal, sent))
    await safe.take(ANNA, minutes(2), POWER, "W")
    assert await safe.compactor.merge(ANNA, DetailClass.LIVE, NOON.toordinal())
    assert {*map(Decimal, sent)} <= {v.first for v in await safe.values(ANNA, quantity=POWER)}


async def test_no_reading_is_named_in_an_error(safe: Safe) -> None:
    answer = await safe.intake.take(Batch("x", 1, [(ANNA, reading(NOON, "987654321012345678"))]))
    assert "98765" not in str(answer)
