"""What leaves is never more than the grant: not its quantities, its period, its detail, or another name."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.amounts import Declared, Installation
from policies.minimise import edges_of, floor, minimise
from policies.terms import AS_RECEIVED, ONE_DAY, QUARTER_HOUR, Grant, Level, Period, Purpose, Recipient, Row, SubjectId
from policies.vault.values import Value

START = datetime(2026, 3, 1, tzinfo=UTC)
NONE, MINUTE, HOUR = timedelta(0), timedelta(minutes=1), timedelta(hours=1)
REGISTER, POWER, ENERGY = "1-0:1.8.0*255", "1-0:1.7.0*255", "1-0:1.29.0*255"
VIENNA = ZoneInfo("Europe/Vienna")


def grant(resolution: timedelta, start: datetime, end: datetime, *quantities: str) -> Grant:
    asked = frozenset(quantities or (REGISTER,))
    who, subject = Recipient("r"), SubjectId("s" * 32)
    period = Period(start, end)
    return Grant(
        "g", subject, who, Purpose.FORECAST, asked, resolution, Level.INDIVIDUAL, period, end, timedelta(days=1)
    )


def value(
    at: datetime,
    number: Decimal | int,
    quantity: str = REGISTER,
    unit: str = "kWh",
    meter: str = "",
    length: timedelta = NONE,
) -> Value:
    exact = Decimal(number)
    return Value(quantity, unit, at, at - length, exact, at, exact, exact, 1, meter=meter, covered=length)


@given(st.lists(st.integers(0, 600), min_size=1, max_size=30, unique=True), st.integers(0, 600), st.integers(1, 300))
def test_as_received_gives_each_value_of_the_period_once_and_unchanged(
    minutes: list[int], first: int, length: int
) -> None:
    values = [value(START + m * MINUTE, m) for m in minutes]
    period = (START + first * MINUTE, START + (first + length) * MINUTE)
    rows = minimise(values, grant(AS_RECEIVED, *period), "name")
    wanted = sorted(m for m in minutes if first <= m < first + length)
    assert [r.value for r in rows] == wanted
    assert all(r.subject == "name" and r.start == r.end for r in rows)


@pytest.mark.gdpr("5(1)(c)")
@given(st.sets(st.sampled_from([REGISTER, POWER, ENERGY]), min_size=1))
def test_no_other_quantity_leaves(granted: set[str]) -> None:
    values = [value(START, 1, q) for q in (REGISTER, POWER, ENERGY)]
    rows = minimise(values, grant(AS_RECEIVED, START, START + HOUR, *granted), "n")
    assert {r.quantity for r in rows} == granted


@pytest.mark.gdpr("5(1)(c)")
@given(st.integers(-50, 50), st.integers(1, 200), st.sampled_from([QUARTER_HOUR, HOUR]))
def test_an_interval_never_reaches_over_the_edge_of_the_period(offset: int, length: int, step: timedelta) -> None:
    values = [value(START + n * 5 * MINUTE, n) for n in range(-100, 100)]
    begin = START + offset * MINUTE
    period = Period(begin, begin + length * MINUTE)
    for row in minimise(values, grant(step, period.start, period.end), "n"):
        assert period.start <= row.start < row.end <= period.end
        assert row.end - row.start == step
        assert row.start == floor(row.start, step)
        assert row.value == step / (5 * MINUTE)


def test_registers_give_differences_powers_means_and_energies_sums() -> None:
    quarter = [START + n * QUARTER_HOUR for n in range(9)]
    values = [value(at, 10 * n) for n, at in enumerate(quarter)]
    values += [value(at, n, POWER, "W") for n, at in enumerate(quarter)]
    values += [value(at, n, ENERGY, length=QUARTER_HOUR) for n, at in enumerate(quarter)]
    rows = minimise(values, grant(HOUR, START, START + 2 * HOUR, REGISTER, POWER, ENERGY), "n")
    told = {(r.quantity, r.start): (r.value, r.unit) for r in rows}
    assert told[REGISTER, START] == (Decimal(40), "kWh")
    assert told[POWER, START] == (Decimal("1.5"), "W")
    assert told[ENERGY, START + HOUR] == (Decimal(5 + 6 + 7 + 8), "kWh")


def test_two_meters_of_one_kind_are_two_series() -> None:
    values = [value(START + n * QUARTER_HOUR, n * k, meter=m) for n in range(5) for m, k in (("main", 1), ("pump", 9))]
    rows = minimise(values, grant(HOUR, START, START + HOUR), "n")
    assert [(r.meter, r.value) for r in rows] == [("main", Decimal(4)), ("pump", Decimal(36))]


def test_an_exchange_is_one_of_its_meter_alone() -> None:
    values = [value(START + n * QUARTER_HOUR, n * 10, meter=m) for n in range(5) for m in ("main", "pump")]
    installed = {"pump": Installation([Declared(START + 40 * MINUTE)])}
    rows = minimise(values, grant(HOUR, START, START + HOUR), "n", installed=installed)
    assert [(r.meter, r.value, r.status) for r in rows] == [
        ("main", Decimal(40), "measured"), ("pump", None, "missing"),
    ]  # fmt: skip


@given(st.integers(0, 130), st.sampled_from([QUARTER_HOUR, HOUR]))
def test_what_has_not_ended_is_not_told(minute: int, step: timedelta) -> None:
    values = [value(START + n * 5 * MINUTE, n) for n in range(40)]
    now = START + minute * MINUTE
    rows = minimise(values, grant(step, START, START + 3 * HOUR), "n", now=now)
    assert [r.end for r in rows] == [START + (n + 1) * step for n in range((now - START) // step)]


def test_an_entry_leaves_when_all_that_it_covers_lies_in_the_period() -> None:
    values = [value(START + n * HOUR, n, ENERGY, length=HOUR) for n in range(1, 4)]
    period = START + 30 * MINUTE, START + 3 * HOUR
    rows = minimise(values, grant(AS_RECEIVED, *period, ENERGY), "n")
    assert [(r.start, r.value) for r in rows] == [(START + HOUR, Decimal(2)), (START + 2 * HOUR, Decimal(3))]
    assert [r.value for r in minimise(values, grant(HOUR, *period, ENERGY), "n")] == [Decimal(2), Decimal(3)]


def test_days_are_local_and_one_of_them_has_23_hours() -> None:
    begin = datetime(2026, 3, 28, tzinfo=VIENNA)
    period = Period(begin.astimezone(UTC), datetime(2026, 3, 31, tzinfo=VIENNA).astimezone(UTC))
    lengths = [(end - start) / HOUR for start, end in edges_of(period, ONE_DAY, VIENNA)]
    assert lengths == [24, 23, 24]
    later = replace(period, start=period.start + MINUTE)
    assert len(edges_of(later, ONE_DAY, VIENNA)) == 2


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose own day is the next one already."""
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_east")
def test_days_are_those_of_the_zone_that_is_said_wherever_the_machine_is() -> None:
    samoa = ZoneInfo("Pacific/Pago_Pago")
    midnight = datetime(2026, 3, 1, tzinfo=samoa).astimezone(UTC)
    assert edges_of(Period(midnight, midnight + ONE_DAY), ONE_DAY, samoa) == [(midnight, midnight + ONE_DAY)]


def test_nothing_stored_gives_nothing() -> None:
    assert minimise([], grant(HOUR, START, START + ONE_DAY), "n") == []
    assert minimise([], grant(AS_RECEIVED, START, START + ONE_DAY), "n") == []


@given(st.integers(0, 10**9), st.sampled_from([MINUTE, QUARTER_HOUR, HOUR, ONE_DAY]))
def test_floor_is_the_last_edge_before(seconds: int, step: timedelta) -> None:
    at = START + timedelta(seconds=seconds)
    assert timedelta(0) <= at - floor(at, step) < step
    assert floor(floor(at, step), step) == floor(at, step)


def test_a_reading_at_the_end_of_the_period_does_not_leave_and_one_at_its_begin_does() -> None:
    values = [value(START, 1), value(START + HOUR, 2)]
    assert [row.value for row in minimise(values, grant(AS_RECEIVED, START, START + HOUR), "n")] == [1]


def test_an_entry_leaves_from_edge_to_edge_and_not_a_moment_beyond() -> None:
    entry, tick = value(START + HOUR, 7, ENERGY, length=HOUR), timedelta.resolution

    def told(start: datetime, end: datetime) -> int:
        return len(minimise([entry], grant(AS_RECEIVED, start, end, ENERGY), "n"))

    assert told(START, START + HOUR) == 1
    assert told(START + tick, START + HOUR) == told(START, START + HOUR - tick) == 0


def test_rows_are_in_the_order_of_quantity_meter_and_instant_however_values_come() -> None:
    values = [
        value(START + n * QUARTER_HOUR, n, quantity, meter=meter)
        for n in (2, 0, 1)
        for meter in ("pump", "main")
        for quantity in (ENERGY, REGISTER)
    ]
    asked = grant(AS_RECEIVED, START, START + HOUR, ENERGY, REGISTER)
    rows = minimise(values, asked, "n")
    names = [(q, m) for q in (ENERGY, REGISTER) for m in ("main", "pump")]
    assert [(r.quantity, r.meter, r.value) for r in rows] == [(*name, Decimal(n)) for name in names for n in range(3)]
    steps = minimise(values, grant(QUARTER_HOUR, START, START + HOUR), "n")
    assert [(r.meter, r.start) for r in steps] == [
        (meter, START + n * QUARTER_HOUR) for meter in ("main", "pump") for n in range(2)
    ]


def test_of_entries_that_end_together_the_one_that_begins_first_comes_first() -> None:
    values = [value(START + HOUR, n, ENERGY, length=length) for n, length in ((1, QUARTER_HOUR), (2, HOUR))]
    assert [r.value for r in minimise(values, grant(AS_RECEIVED, START, START + HOUR, ENERGY), "n")] == [2, 1]


def test_a_reading_as_received_says_all_that_was_stored_of_it_but_its_serial_number() -> None:
    at = START + QUARTER_HOUR
    stored = Value(
        ENERGY, "Wh", at, START, Decimal(3), at, Decimal(4), Decimal(9), 1, "validated", "main", "12345", QUARTER_HOUR
    )
    assert minimise([stored], grant(AS_RECEIVED, START, START + HOUR, ENERGY), "n") == [
        Row("n", ENERGY, START, at, Decimal(4), "Wh", "validated", "main")
    ]


def test_days_begin_in_the_zone_that_is_said_and_in_utc_where_none_is() -> None:
    values = [value(START + n * HOUR, n) for n in range(73)]
    period = START, START + 3 * ONE_DAY
    assert [r.start for r in minimise(values, grant(ONE_DAY, *period), "n")] == [START + n * ONE_DAY for n in range(3)]
    local = minimise(values, grant(ONE_DAY, *period), "n", VIENNA)
    assert [r.start for r in local] == [START - HOUR + n * ONE_DAY for n in (1, 2)]


def test_every_value_of_a_meter_counts_and_none_of_another() -> None:
    """Of ascending values of two meters, in one pass: neither the first nor the last of them is lost."""
    values = [value(START + n * QUARTER_HOUR, n * n, meter=m) for m in ("a", "b") for n in range(5)]
    rows = minimise(values, grant(QUARTER_HOUR, START, START + HOUR), "n")
    assert [(r.meter, r.value) for r in rows] == [(m, Decimal(2 * n + 1)) for m in ("a", "b") for n in range(4)]


# -- where intervals lie


def test_whole_intervals_are_those_from_edge_to_edge_of_the_period() -> None:
    for step in (QUARTER_HOUR, HOUR, ONE_DAY):
        whole = Period(START, START + 2 * step)
        assert edges_of(whole, step, UTC) == [(START, START + step), (START + step, START + 2 * step)]
        late, short = (
            replace(whole, start=START + timedelta.resolution),
            replace(whole, end=whole.end - timedelta.resolution),
        )
        assert edges_of(late, step, UTC) == [(START + step, START + 2 * step)]
        assert edges_of(short, step, UTC) == [(START, START + step)]


def test_intervals_that_do_not_divide_an_hour_are_counted_from_1970() -> None:
    step = timedelta(hours=16)
    assert floor(datetime(1970, 1, 1, tzinfo=UTC) + 3 * step + MINUTE, step) == datetime(1970, 1, 3, tzinfo=UTC)
