"""What leaves is never more than the grant: not its quantities, its period, its detail, or another name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from policies.amounts import Declared, Installation
from policies.minimise import edges_of, floor, minimise
from policies.terms import AS_RECEIVED, ONE_DAY, QUARTER_HOUR, Grant, Level, Period, Purpose, Recipient, SubjectId
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


@given(st.sets(st.sampled_from([REGISTER, POWER, ENERGY]), min_size=1))
def test_no_other_quantity_leaves(granted: set[str]) -> None:
    values = [value(START, 1, q) for q in (REGISTER, POWER, ENERGY)]
    rows = minimise(values, grant(AS_RECEIVED, START, START + HOUR, *granted), "n")
    assert {r.quantity for r in rows} == granted


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


def test_nothing_stored_gives_nothing() -> None:
    assert minimise([], grant(HOUR, START, START + ONE_DAY), "n") == []
    assert minimise([], grant(AS_RECEIVED, START, START + ONE_DAY), "n") == []


@given(st.integers(0, 10**9), st.sampled_from([MINUTE, QUARTER_HOUR, HOUR, ONE_DAY]))
def test_floor_is_the_last_edge_before(seconds: int, step: timedelta) -> None:
    at = START + timedelta(seconds=seconds)
    assert timedelta(0) <= at - floor(at, step) < step
    assert floor(floor(at, step), step) == floor(at, step)
