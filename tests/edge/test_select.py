"""What leaves the house: quantity, cadence, dead band."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from edge.select import MAX_SERIES, Selection, SelectionRule
from meter_driver.reading import Reading

AT = datetime(2026, 1, 2, 11, 0, tzinfo=UTC)


def reading(seconds: float, value: str = "1", quantity: str = "1-0:1.7.0*255", meter: str = "m") -> Reading:
    return Reading(meter, quantity, AT + timedelta(seconds=seconds), Decimal(value), "W")


def kept(rule: SelectionRule, readings: list[Reading]) -> list[float]:
    return [(r.at - AT).total_seconds() for r in Selection.of([rule]).keep(readings) if r.at]


def test_without_a_rule_nothing_leaves() -> None:
    assert Selection.of([]).keep([reading(0)]) == []


def test_a_quantity_that_no_rule_names_stays() -> None:
    assert Selection.of([SelectionRule("1-0:1.8.0*255")]).keep([reading(0)]) == []


def test_a_text_leaves_only_when_it_is_named() -> None:
    serial = Reading("m", "0-0:96.1.0*255", AT, "1KFM0200000001", None)
    assert Selection.of([SelectionRule("*")]).keep([serial]) == []
    assert Selection.of([SelectionRule("0-0:96.1.0*255")]).keep([serial]) == [serial]


def test_a_rule_for_the_rest_gives_way_to_a_rule_by_name() -> None:
    rules = [SelectionRule("*"), SelectionRule("1-0:1.7.0*255", every=timedelta(minutes=1))]
    readings = [reading(0), reading(5), reading(5, quantity="1-0:2.7.0*255")]
    assert Selection.of(rules).keep(readings) == [readings[0], readings[2]]


def test_a_cadence_keeps_the_first_of_each_window_of_the_clock() -> None:
    rule = SelectionRule("*", every=timedelta(minutes=15))
    assert kept(rule, [reading(s) for s in (7, 300, 899, 901, 1700, 1800)]) == [7, 901, 1800]


def test_a_dead_band_leaves_out_what_hardly_moved() -> None:
    rule = SelectionRule("*", band=Decimal(5))
    values = ["100", "105", "106", "101", "95"]
    assert kept(rule, [reading(s, value) for s, value in enumerate(values)]) == [0, 2, 4]


def test_silence_in_the_dead_band_ends_in_time() -> None:
    rule = SelectionRule("*", band=Decimal(5), at_least=timedelta(seconds=10))
    assert kept(rule, [reading(s) for s in range(0, 25, 5)]) == [0, 10, 20]


def test_a_clock_set_back_does_not_silence_a_series() -> None:
    assert kept(SelectionRule("*", every=timedelta(minutes=1)), [reading(3600), reading(0), reading(5)]) == [3600, 0]


def test_a_reading_without_an_instant_stays() -> None:
    assert Selection.of([SelectionRule("*")]).keep([Reading("m", "1-0:1.7.0*255", None, Decimal(1), "W")]) == []


def test_invented_meters_do_not_make_it_grow() -> None:
    selection = Selection.of([SelectionRule("*")])
    selection.keep(reading(0, meter=str(number)) for number in range(MAX_SERIES + 5))
    assert len(selection.last) <= MAX_SERIES


@given(st.lists(st.tuples(st.integers(0, 7200), st.integers(0, 20)), max_size=40), st.integers(1, 900))
def test_a_window_never_lets_two_through(points: list[tuple[int, int]], every: int) -> None:
    rule = SelectionRule("*", every=timedelta(seconds=every), band=Decimal(3))
    readings = [reading(at, str(value)) for at, value in sorted(points)]
    epoch = int(AT.timestamp())
    windows = [(epoch + int(at)) // every for at in kept(rule, readings)]
    assert len(windows) == len(set(windows))


@given(st.lists(st.integers(0, 7200), max_size=40), st.lists(st.integers(0, 40), max_size=5))
def test_how_readings_are_grouped_does_not_matter(seconds: list[int], cuts: list[int]) -> None:
    rule = SelectionRule("*", every=timedelta(minutes=5))
    readings = [reading(at) for at in seconds]
    whole = Selection.of([rule]).keep(readings)
    selection, parts = Selection.of([rule]), []
    edges = [0, *sorted(min(cut, len(readings)) for cut in cuts), len(readings)]
    for start, end in pairwise(edges):
        parts += selection.keep(readings[start:end])
    assert parts == whole


REGISTER = "1-0:1.8.0*255"


def test_a_dead_band_is_never_silent_for_longer_than_a_value_stands_even_if_a_telegram_is_lost() -> None:
    rule = SelectionRule("*", band=Decimal(50))
    instants = [reading(second) for second in range(0, 7200, 10) if second not in (880, 1760)]
    sent = kept(rule, instants)
    assert all(later - earlier <= 900 for earlier, later in pairwise(sent))
    assert len(sent) <= 10


def test_in_a_dead_band_the_first_stand_of_each_quarter_of_an_hour_leaves() -> None:
    rule = SelectionRule("*", band=Decimal(1000))
    stands = [reading(second, str(second), REGISTER) for second in range(3, 3600, 7)]
    assert kept(rule, stands) == [3, 906, 1802, 2705]


def test_a_cadence_that_does_not_divide_a_quarter_keeps_its_edges_too() -> None:
    stands = [reading(second, str(second), REGISTER) for second in range(0, 1801, 10)]
    sent = kept(SelectionRule("*", every=timedelta(seconds=700)), stands)
    assert {0, 900, 1800} <= set(sent)
    hourly = kept(
        SelectionRule("*", every=timedelta(hours=1)), [reading(s, str(s), REGISTER) for s in range(0, 7201, 300)]
    )
    assert hourly == [0, 3600, 7200]


def test_the_first_amount_of_each_interval_leaves_whatever_the_dead_band() -> None:
    def entry(end: int) -> Reading:
        return replace(reading(end, "5", "1-0:1.29.0*255"), start=AT + timedelta(seconds=end - 300))

    rule = SelectionRule("*", every=timedelta(minutes=15), band=Decimal(5))
    assert kept(rule, [entry(300), entry(600), entry(600), entry(900)]) == [300, 600, 900]


def test_another_serial_number_is_another_series() -> None:
    old, new = (replace(reading(second), serial=serial) for second, serial in ((0, "A"), (5, "B")))
    assert Selection.of([SelectionRule("*", band=Decimal(5))]).keep([old, new]) == [old, new]
