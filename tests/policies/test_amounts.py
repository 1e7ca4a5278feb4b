"""From stored values to rows: one unit, exact, no digits that nobody measured, the same from whatever class."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from gateway.intake.derive import Deriver, Named, in_base_unit
from gateway.intake.records import Column, exact
from gateway.vault.merge import combined, values_of
from meter_driver import quantities
from meter_driver.amounts.partials import in_base
from meter_driver.intervals import micros
from meter_driver.units import base, factor
from policies.amounts import OVERLOAD, Declared, Installation, rows_of
from policies.terms import DetailClass, Row
from policies.vault.columns import Series
from policies.vault.values import Value

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE, QUARTER, HOUR = timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=1)
REGISTER, NET, POWER, ENTRY = "1-0:1.8.0*255", "1-0:16.8.0*255", "1-0:1.7.0*255", "1-0:1.29.0*255"
HEAT = "6-0:1.0.0*255"

Sent = tuple[timedelta, str, str | None, timedelta]
"""Instant after ``START``, value, unit, and how long an entry is."""
NOTHING = timedelta(0)
BOTH = [DetailClass.LIVE, DetailClass.QUARTER]


def edges(step: timedelta, count: int) -> list[tuple[datetime, datetime]]:
    return [(START + i * step, START + (i + 1) * step) for i in range(count)]


def stored(quantity: str, sent: Sequence[Sent], detail: DetailClass, serials: Sequence[str] = ()) -> list[Value]:
    """As intake derives it, each reading a batch of its own, and as the vault merges and opens it."""
    known = quantities.parse(quantity)
    assert known is not None
    parts: list[list[Series]] = []
    for index, (at, value, unit, length) in enumerate(sent):
        end = micros(START + at)
        column = Column((end - length // timedelta(microseconds=1),), (end,), (Decimal(value),), (0,))
        refused: dict[int, str] = {}
        ((part, numbers),) = exact(column, refused)
        name = Named("main", serials[index] if serials else "", quantity, unit, known.kind)
        deriver = Deriver(dict.fromkeys(BOTH, 0))
        deriver.receive(name, (part.starts, part.ats), numbers)
        deriver.quarter(in_base_unit(name), (part.starts, part.ats), in_base(unit, *numbers))
        parts.append([one for (which, _), some in deriver.pieces.items() if which is detail for one in some])
    series = combined(detail, parts) if len(parts) > 1 else parts[0]
    return sorted(values_of(detail, series), key=lambda value: (value.at, value.first_at))


def rows(
    quantity: str,
    sent: Sequence[Sent],
    spans: list[tuple[datetime, datetime]],
    detail: DetailClass = DetailClass.QUARTER,
    declared: Sequence[Declared] = (),
    serials: Sequence[str] = (),
    limit: Decimal | None = None,
) -> list[Row]:
    return rows_of(stored(quantity, sent, detail, serials), quantity, "s", "main", spans, Installation(declared, limit))


def told(found: Sequence[Row]) -> list[tuple[str | None, str | None, str]]:
    return [(None if row.value is None else str(row.value), row.unit, row.status) for row in found]


def every(step: timedelta, unit: str | None, *values: str, length: timedelta = NOTHING) -> list[Sent]:
    return [(i * step + length, value, unit, length) for i, value in enumerate(values)]


@pytest.mark.parametrize("detail", BOTH)
def test_a_register_that_changes_its_unit_stays_exact(detail: DetailClass) -> None:
    sent = [
        *every(QUARTER, "Wh", "9400", "9500"),
        (2 * QUARTER, "9.6", "kWh", NOTHING),
        (3 * QUARTER, "0.0097", "MWh", NOTHING),
    ]
    found = rows(REGISTER, sent, edges(QUARTER, 3), detail)
    assert [row.value for row in found] == [Decimal("0.1")] * 3
    assert {(row.unit, row.status) for row in found} == {("kWh", "measured")}


@pytest.mark.parametrize("detail", BOTH)
def test_units_that_alternate_are_one_register(detail: DetailClass) -> None:
    said = [(str(20_000_000 + i), "Wh") if i % 2 else (f"{20_000 + Decimal(i) / 1000}", "kWh") for i in range(13)]
    sent: list[Sent] = [(i * 5 * MINUTE, value, unit, NOTHING) for i, (value, unit) in enumerate(said)]
    assert told(rows(REGISTER, sent, edges(HOUR, 1), detail)) == [("0.012", "kWh", "measured")]


@given(
    st.sampled_from(["Wh", "kWh", "MWh", "J", "MJ", "GJ", "Mcal"]),
    st.sampled_from(["Wh", "kWh", "MWh", "J", "MJ", "GJ", "Mcal"]),
    st.integers(1, 50),
)
def test_heat_in_any_two_units_is_told_in_one_and_exactly(one: str, two: str, drawn: int) -> None:
    """From 1 GJ to a little more, in units that cannot always say it: the difference of what they did say."""
    digit = Decimal("0.0001")

    def said(joules: Fraction, unit: str) -> Decimal:
        ratio = factor("J", unit)
        assert ratio is not None
        exact_ = joules * ratio
        return (Decimal(exact_.numerator) / exact_.denominator).quantize(digit)

    first, second = said(Fraction(10**9), one), said(Fraction(10**9 + drawn * 10**6), two)
    sent: list[Sent] = [(NOTHING, str(first), one, NOTHING), (HOUR, str(second), two, NOTHING)]
    (row,) = rows(HEAT, sent, edges(HOUR, 1))
    to_one, to_two = factor(one, row.unit), factor(two, row.unit)
    assert row.unit in ("kWh", "MJ")
    assert row.value is not None
    assert to_one is not None
    assert to_two is not None
    assert Fraction(row.value) == Fraction(second) * to_two - Fraction(first) * to_one


@pytest.mark.parametrize("detail", BOTH)
@pytest.mark.parametrize("step", [QUARTER, HOUR])
def test_a_mean_has_at_most_three_decimals_more_than_the_readings(detail: DetailClass, step: timedelta) -> None:
    sent = every(7 * MINUTE, "W", *[str(100 + i % 3) for i in range(30)])
    found = rows(POWER, sent, edges(step, 2), detail)
    assert [row.status for row in found] == ["measured", "measured"]
    for row in found:
        assert row.value is not None
        assert row.value.as_tuple().exponent == -3


@pytest.mark.parametrize("detail", BOTH)
@given(st.lists(st.sampled_from(["100", "137", "99.5", "100.25", "0.125"]), min_size=25, max_size=25))
def test_a_mean_and_its_digits_are_the_same_however_much_is_asked_for(detail: DetailClass, said: list[str]) -> None:
    """Values that are stored together have their digits in common; here those of every half an hour are."""
    sent = every(5 * MINUTE, "W", *said)
    values = [value for n in range(0, 25, 6) for value in stored(POWER, sent[n : n + 6], detail)]
    found = rows_of(values, POWER, "s", "main", edges(QUARTER, 8))
    assert len(found) == 8
    for row in found:
        near = [value for value in values if row.start - QUARTER <= value.first_at <= row.end]
        (alone,) = rows_of(near, POWER, "s", "main", [(row.start, row.end)])
        assert (str(alone.value), alone.status) == (str(row.value), row.status)


@pytest.mark.parametrize("detail", BOTH)
def test_a_mean_weighs_by_time_and_in_one_unit(detail: DetailClass) -> None:
    sent = [(NOTHING, "100", "W", NOTHING), (5 * MINUTE, "0.4", "kW", NOTHING), (15 * MINUTE, "0", "W", NOTHING)]
    assert told(rows(POWER, sent, edges(QUARTER, 1), detail)) == [("300.000", "W", "measured")]


@given(st.dictionaries(st.integers(0, 119), st.integers(-5000, 5000), min_size=1, max_size=40))
def test_quarters_and_readings_tell_the_same_means(sent: dict[int, int]) -> None:
    ordered: list[Sent] = [(minute * MINUTE, str(sent[minute]), "W", NOTHING) for minute in sorted(sent)]
    for step in (QUARTER, HOUR):
        assert rows(POWER, ordered, edges(step, 4), DetailClass.LIVE) == rows(POWER, ordered, edges(step, 4))


@given(st.lists(st.integers(0, 3000), min_size=96, max_size=96), st.integers(1, 10**9))
def test_quarters_make_hours_and_hours_the_day(used: list[int], begin: int) -> None:
    stands = [begin + sum(used[:i]) for i in range(97)]
    for quantity, sent in (
        (REGISTER, every(QUARTER, "Wh", *map(str, stands))),
        (NET, every(QUARTER, "Wh", *map(str, reversed(stands)))),
        (ENTRY, every(QUARTER, "Wh", *map(str, used), length=QUARTER)),
    ):
        values = stored(quantity, sent, DetailClass.QUARTER)
        sums = []
        for step, count in ((QUARTER, 96), (HOUR, 24), (24 * HOUR, 1)):
            found = rows_of(values, quantity, "s", "main", edges(step, count))
            assert [row.status for row in found] == ["measured"] * count
            sums.append(sum(row.value or Decimal(0) for row in found))
        assert sums == [Decimal(sum(used)).scaleb(-3) * (-1 if quantity == NET else 1)] * 3


@pytest.mark.parametrize("step", [5 * MINUTE, QUARTER])
def test_entries_of_five_minutes_are_told_as_received_and_summed(step: timedelta) -> None:
    sent = every(5 * MINUTE, "Wh", "1", "2", "3", "4", "5", "6", length=5 * MINUTE)
    count = 30 * MINUTE // step
    detail = DetailClass.LIVE if step < QUARTER else DetailClass.QUARTER
    found = rows(ENTRY, sent, edges(step, count), detail)
    assert [row.status for row in found] == ["measured"] * count
    assert sum(row.value or 0 for row in found) == Decimal("0.021")


def test_entries_in_other_units_add_up_exactly() -> None:
    sent = every(QUARTER, "Wh", "250", "250", length=QUARTER)
    sent += [(45 * MINUTE, "0.25", "kWh", QUARTER), (HOUR, "900", "kJ", QUARTER)]
    (row,) = rows(ENTRY, sent, edges(HOUR, 1))
    assert (row.value, row.unit, row.status) == (Decimal("3.6"), "MJ", "measured")


def test_of_one_time_that_two_devices_behind_a_meter_told_the_later_one_counts() -> None:
    twice = [(QUARTER, "1.0", "kWh", QUARTER), (QUARTER, "1.5", "kWh", QUARTER)]
    found = rows(ENTRY, twice, edges(QUARTER, 1), DetailClass.LIVE, serials=("a", "b"))
    assert told(found) == [("1.5", "kWh", "measured")]


@pytest.mark.parametrize("detail", BOTH)
def test_an_hourly_entry_is_in_no_quarter_and_one_over_midnight_on_no_day(detail: DetailClass) -> None:
    day = 24 * HOUR
    assert {row.status for row in rows(ENTRY, [(HOUR, "4", "kWh", HOUR)], edges(QUARTER, 4), detail)} == {"missing"}
    assert told(rows(ENTRY, [(HOUR, "4", "kWh", HOUR)], edges(HOUR, 1), detail)) == [("4", "kWh", "measured")]
    over = rows(ENTRY, [(day + 30 * MINUTE, "4", "kWh", HOUR)], edges(day, 2), detail)
    assert told(over) == [(None, "kWh", "missing")] * 2


@pytest.mark.parametrize("detail", BOTH)
def test_an_amount_without_an_interval_of_its_own_is_counted_nowhere(detail: DetailClass) -> None:
    sent = [*every(5 * MINUTE, "Wh", "1", "2", "3", length=5 * MINUTE), (7 * MINUTE, "100", "Wh", NOTHING)]
    assert told(rows(ENTRY, sent, edges(QUARTER, 1), detail)) == [("0.006", "kWh", "measured")]
    assert rows(ENTRY, [(7 * MINUTE, "100", "Wh", NOTHING)], edges(QUARTER, 1), detail) == []


@pytest.mark.parametrize("detail", BOTH)
def test_a_register_that_is_sent_with_a_length_stood_at_its_end(detail: DetailClass) -> None:
    sent = every(QUARTER, "Wh", "1000", "1100", "1300", length=QUARTER)
    found = rows(
        REGISTER, sent, [(START + QUARTER, START + 2 * QUARTER), (START + 2 * QUARTER, START + 3 * QUARTER)], detail
    )
    assert [(row.value, row.status) for row in found] == [
        (Decimal("0.100"), "measured"),
        (Decimal("0.200"), "measured"),
    ]


@pytest.mark.parametrize("detail", BOTH)
def test_an_exchange_in_one_quarter_is_measured_across_by_what_was_written_down(detail: DetailClass) -> None:
    sent = every(5 * MINUTE, "Wh", "5000", "5001", "30", "31", "32")
    done = Declared(START + 7 * MINUTE, ((REGISTER, Decimal("5.002"), Decimal("0.028"), "kWh"),))
    named = ["A", "A", "B", "B", "B"]
    for serials in (named, [""] * 5, ["", "A", "B", "B", "B"]):
        found = rows(REGISTER, sent, edges(QUARTER, 1), detail, [done], serials)
        assert told(found) == [("0.005", "kWh", "measured")]
    assert told(rows(REGISTER, sent, edges(QUARTER, 1), detail, (), named)) == [(None, "kWh", "missing")]


@pytest.mark.parametrize("nonsense", ["0", "99999999"])
def test_one_telegram_of_nonsense_is_in_no_day(nonsense: str) -> None:
    stands = [str(18_412_345 + i) for i in range(96 * 3 + 1)]
    stands[100] = nonsense
    found = rows(REGISTER, every(5 * MINUTE, "Wh", *stands), edges(24 * HOUR, 1))
    assert told(found) == [("0.288", "kWh", "measured")]


@pytest.mark.parametrize(("unit", "shown"), [(None, None), ("currency", "currency")])
def test_a_number_without_a_unit_of_the_table_is_told_as_it_is(unit: str | None, shown: str | None) -> None:
    assert told(rows(REGISTER, every(QUARTER, unit, "5", "7"), edges(QUARTER, 1))) == [("2", shown, "measured")]


def test_of_two_dimensions_the_newest_is_told() -> None:
    sent = [*every(QUARTER, "m3", "5", "7"), *[(at + HOUR, v, u, n) for at, v, u, n in every(QUARTER, "kWh", "1", "4")]]
    found = rows("energy", sent, edges(QUARTER, 5))
    assert told(found) == [("3", "kWh", "measured")]


def test_digits_far_apart_stay_exact() -> None:
    sent = every(QUARTER, "Wh", "1", "1.000000001", "2E+3")
    assert [row.value for row in rows(REGISTER, sent, edges(QUARTER, 2))] == [
        Decimal("1E-12"),
        Decimal("1.998999999999"),
    ]


def test_a_coarse_register_is_bounded_by_the_day_and_not_by_its_digit() -> None:
    day = 24 * HOUR
    found = rows("energy", every(day, "MWh", "7", "11", "12"), edges(day, 2))
    assert [(row.value, row.status) for row in found] == [(Decimal(4000), "measured"), (Decimal(1000), "measured")]


def test_nearly_whole_is_not_whole() -> None:
    day = 24 * HOUR
    sent: list[Sent] = [(day - timedelta(seconds=1), "9", "kWh", day - timedelta(seconds=1))]
    (row,) = rows(ENTRY, sent, edges(day, 1))
    assert (row.status, row.completeness) == ("missing", Decimal("0.999"))


@pytest.mark.parametrize("quantity", ["1-0:1.6.0*255", "energy storage=1", "Nonsense"])
def test_what_is_no_present_quantity_has_no_intervals(quantity: str) -> None:
    value = Value(quantity, "kWh", START, START, Decimal(1), START + HOUR, Decimal(2), Decimal(0), 2)
    assert rows_of([value], quantity, "s", "main", edges(HOUR, 1)) == []


def test_partials_of_before_meters_were_told_apart_have_differences_but_no_sums() -> None:
    """Nobody knows what time they speak for."""

    def old(quantity: str, unit: str, index: int) -> Value:
        at = START + index * QUARTER
        return Value(quantity, unit, at, at, Decimal(index), at + 14 * MINUTE, Decimal(index), Decimal(99), 15)

    def of(quantity: str, unit: str) -> list[Row]:
        return rows_of([old(quantity, unit, i) for i in range(3)], quantity, "s", "", edges(QUARTER, 2))

    assert told(of(REGISTER, "kWh")) == [("1", "kWh", "measured")] * 2
    assert told(of(ENTRY, "kWh")) == []
    assert told(of(POWER, "W")) == [("0.000", "W", "estimated"), ("1.000", "W", "estimated")]


def test_a_base_unit_is_what_quarters_are_kept_in() -> None:
    (value,) = stored(HEAT, [(NOTHING, "1.5", "Gcal", NOTHING)], DetailClass.QUARTER)
    assert (value.unit, value.first) == (base("Gcal"), Decimal("6280200000"))


@pytest.mark.parametrize(
    ("worth", "told_as"),
    [
        (("measured", "measured"), "measured"),
        (("validated", "validated"), "validated"),
        (("measured", "validated"), "measured"),
        (("measured", "substituted"), "substituted"),
        (("validated", "substituted"), "substituted"),
        (("substituted", "estimated"), "estimated"),
        (("measured", "estimated"), "estimated"),
    ],
)
def test_an_hour_is_worth_the_least_of_its_entries(worth: tuple[str, str], told_as: str) -> None:
    sent = every(QUARTER, "kWh", "1", "1", "1", "1", length=QUARTER)
    values = stored(ENTRY, sent, DetailClass.QUARTER)
    mixed = [structs.replace(value, status=worth[index % 2]) for index, value in enumerate(values)]
    (row,) = rows_of(mixed, ENTRY, "p", "main", edges(HOUR, 1))
    assert (row.value, row.status, row.completeness) == (Decimal(4), told_as, Decimal(1))


@pytest.mark.parametrize("detail", BOTH)
@pytest.mark.parametrize(
    ("quantity", "unit", "limit"),
    [
        (REGISTER, "kWh", 10), (REGISTER, "MJ", 36), (HEAT, "MJ", 40), (HEAT, "kWh", 8),
        ("7-0:3.0.0*255", "m3", 6), ("8-0:1.0.0*255", "L", 4000), ("energy", "kWh", 10), ("energy", "MJ", 40),
    ],
)  # fmt: skip
def test_a_register_is_believed_up_to_what_its_own_connection_carries_for_a_while(
    quantity: str, unit: str, limit: int, detail: DetailClass
) -> None:
    """``limit``: an hour, in ``unit``; the registry holds it in the unit in which the medium's limits are said."""
    said = {"MJ": Decimal(limit) / Decimal("3.6") if quantity == REGISTER else Decimal(limit), "L": Decimal(4)}
    own = said.get(unit, Decimal(limit))

    def measured(rise: int) -> bool:
        sent = [(at, value, unit, NOTHING) for at, value in ((NOTHING, "1000"), (HOUR, str(1000 + rise)))]
        return [row.status for row in rows(quantity, sent, edges(HOUR, 1), detail, limit=own)] == ["measured"]

    assert measured(OVERLOAD * limit)
    assert not measured(OVERLOAD * limit + 2)


@pytest.mark.parametrize(
    ("quantity", "unit", "rise"),
    [("7-0:3.0.0*255", "kWh", "66"), ("6-0:2.0.0*255", "m3", "66"), (REGISTER, "kWh", "300")],
)
def test_a_limit_speaks_of_its_mediums_amounts_alone_and_may_be_above_what_homes_can_draw(
    quantity: str, unit: str, rise: str
) -> None:
    limit = Decimal(400) if quantity == REGISTER else Decimal(6)
    sent = [(NOTHING, "0", unit, NOTHING), (HOUR, rise, unit, NOTHING)]
    assert told(rows(quantity, sent, edges(HOUR, 1), limit=limit)) == [(rise, unit, "measured")]


@pytest.mark.parametrize("detail", BOTH)
@pytest.mark.parametrize("nonsense", ["-0.1", "999999.1", "-999999.1", "62.8"])
@pytest.mark.parametrize("at", [0, 2, 3])
def test_an_entry_that_cannot_be_is_in_no_interval(nonsense: str, at: int, detail: DetailClass) -> None:
    said = ["0.1", "0.1", "0.1", "0.1", "0.2", "0.2", "0.2", "0.2"]
    said[at] = nonsense
    sent = every(QUARTER, "kWh", *said, length=QUARTER)
    found = rows(ENTRY, sent, edges(QUARTER, 8), detail)
    assert [n for n, row in enumerate(found) if row.value is None] == [at]
    assert (found[at].status, found[at].completeness) == ("missing", Decimal(0))
    hours = rows(ENTRY, sent, edges(HOUR, 2), detail)
    assert told(hours) == [(None, "kWh", "missing"), ("0.8", "kWh", "measured")]
    assert hours[0].completeness == Decimal("0.75")
    assert told(rows(ENTRY, sent, edges(2 * HOUR, 1), detail)) == [(None, "kWh", "missing")]


@pytest.mark.parametrize("detail", BOTH)
@pytest.mark.parametrize(("quantity", "worth"), [("1-0:16.29.0*255", "measured"), ("1-0:2.29.0*255", "missing")])
def test_only_import_less_export_has_entries_below_nothing(quantity: str, worth: str, detail: DetailClass) -> None:
    sent = every(5 * MINUTE, "Wh", "2", "-1", "3", length=5 * MINUTE)
    (row,) = rows(quantity, sent, edges(QUARTER, 1), detail)
    assert (row.status, row.completeness) == (worth, Decimal(1 if worth == "measured" else "0.666"))


@pytest.mark.parametrize("detail", BOTH)
@pytest.mark.parametrize(("limit", "amount", "worth"), [
    (None, "62.5", "measured"), ("10", "5", "measured"), ("10", "6", "missing"), ("400", "150", "measured"),
])  # fmt: skip
def test_an_entry_is_believed_up_to_what_a_register_is(
    limit: str | None, amount: str, worth: str, detail: DetailClass
) -> None:
    own = None if limit is None else Decimal(limit)
    sent = every(QUARTER, "kWh", f"{amount}.0".replace(".5.0", ".5"), length=QUARTER)
    assert [row.status for row in rows(ENTRY, sent, edges(QUARTER, 1), detail, limit=own)] == [worth]


@pytest.mark.parametrize("detail", BOTH)
@pytest.mark.parametrize("at", [0, 5, 11, 12])
@pytest.mark.parametrize(("unit", "stray"), [("m3", "kWh"), ("kWh", "m3"), ("MJ", "m3"), ("m3", None)])
def test_one_value_in_a_stray_unit_costs_the_intervals_at_it_wherever_it_lies(
    unit: str, stray: str | None, at: int, detail: DetailClass
) -> None:
    sent = every(HOUR, unit, *(f"{100 + n}.25" for n in range(13)))
    sent[at] = (sent[at][0], sent[at][1], stray, NOTHING)
    found = {row.start: row for row in rows("energy", sent, edges(HOUR, 12), detail)}
    good = {START + n * HOUR for n in range(12) if at not in (n, n + 1)}
    assert {start for start, row in found.items() if row.value == 1 and row.status == "measured"} == good
    assert {row.unit for row in found.values()} == {unit}
    assert all(row.status == "missing" for start, row in found.items() if start not in good)
