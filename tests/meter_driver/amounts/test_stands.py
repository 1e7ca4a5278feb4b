"""Differences of a register: what was consumed, whatever the meter does; or nothing, never a wrong measured number.

A register here counts whole units; a home draws at most ``MOST`` an hour. Instants are minutes.
"""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from meter_driver.amounts import Amount, Method, Status
from meter_driver.amounts.amount import HOUR_US
from meter_driver.amounts.leaps import COMES_BACK
from meter_driver.amounts.runs import Exchange, Run, runs_of
from meter_driver.amounts.stand import Stand
from meter_driver.amounts.stands import amounts
from meter_driver.quantities import Kind

MINUTE = HOUR_US // 60
MOST = 6000
"""100 a minute."""

Truth = list[int]
"""What was consumed until each minute, from 0."""
truths = st.lists(st.integers(0, 90), min_size=12, max_size=60).map(
    lambda steps: [sum(steps[:n]) for n in range(len(steps) + 1)]
)


def stand(minute: int, value: int, serial: str = "", digit: int = 1) -> Stand:
    return Stand(minute * MINUTE, value, serial, digit)


def told(
    stands: list[Stand],
    edges: list[tuple[int, int]],
    kind: Kind = Kind.CUMULATIVE,
    exchanges: tuple[Exchange, ...] = (),
    most: int | Fraction | None = MOST,
) -> list[tuple[int, int, int | None, str]]:
    """Minutes of each interval, its value and its status."""
    rows = amounts(runs_of(stands, kind, most, exchanges), [(a * MINUTE, b * MINUTE) for a, b in edges])
    return [(row.begin // MINUTE, row.end // MINUTE, row.value, row.status.value) for row in rows]


def every(truth: Truth, length: int = 5) -> list[tuple[int, int]]:
    return list(pairwise(range(0, len(truth), length)))


def right(truth: Truth, edges: list[tuple[int, int]]) -> list[tuple[int, int, int | None, str]]:
    return [(a, b, truth[b] - truth[a], "measured") for a, b in edges]


def never_wrong(truth: Truth, rows: list[tuple[int, int, int | None, str]], slack: int = 0) -> None:
    for a, b, value, status in rows:
        if status == "measured":
            assert value is not None
            assert abs(value - (truth[b] - truth[a])) <= slack, (a, b)


@given(truths, st.integers(0, 10**9), st.integers(1, 12))
def test_a_register_that_only_grows_gives_its_differences(truth: Truth, begin: int, length: int) -> None:
    edges = every(truth, length)
    assert told([stand(m, begin + used) for m, used in enumerate(truth)], edges) == right(truth, edges)


@given(truths)
def test_parts_make_the_whole(truth: Truth) -> None:
    stands = [stand(m, used) for m, used in enumerate(truth)]
    last = len(truth) - 1
    parts = told(stands, [(m, m + 1) for m in range(last)])
    ((_, _, whole, _),) = told(stands, [(0, last)])
    assert sum(value or 0 for _, _, value, _ in parts) == whole


@given(truths, st.data())
def test_readings_left_out_give_estimates_between_their_neighbours_or_nothing(
    truth: Truth, data: st.DataObject
) -> None:
    kept = sorted(data.draw(st.sets(st.integers(0, len(truth) - 1), min_size=1)))
    rows = told([stand(m, truth[m]) for m in kept], every(truth))
    for a, b, value, status in rows:
        read = a in kept and b in kept
        assert (status == "measured") == read
        if value is None:
            continue
        least = truth[min(m for m in kept if m >= b)] - truth[max(m for m in kept if m <= a)]
        assert 0 <= value <= least
        assert not read or value == truth[b] - truth[a]
    for a, b in every(truth):  # what is enclosed closely is there
        around = [
            (max((m for m in kept if m <= e), default=-99), min((m for m in kept if m >= e), default=99))
            for e in (a, b)
        ]
        if all(high - low <= b - a for low, high in around):
            assert any(row[:2] == (a, b) and row[2] is not None for row in rows)


@given(truths, st.integers(0, 900), st.integers(3, 9))
def test_a_roll_over_goes_on(truth: Truth, before: int, digits: int) -> None:
    span, truth = 10**digits, [*truth, *truth[-1:] * COMES_BACK]
    stands = [stand(m, (span - 1 - min(before, span // 10) + used) % span) for m, used in enumerate(truth)]
    edges = every(truth)
    rows = told(stands, edges)
    if truth[-1] < span // 10:
        assert rows == right(truth, edges)
    never_wrong(truth, rows)


@given(truths, st.integers(1000, 10**7), st.sampled_from([0, 999_999_999]), st.integers(1, 3), st.data())
def test_nonsense_that_comes_back_is_passed_over(
    truth: Truth, begin: int, nonsense: int, length: int, data: st.DataObject
) -> None:
    at = data.draw(st.integers(1, len(truth) - 1 - length))
    stands = [stand(m, nonsense if at <= m < at + length else begin + used) for m, used in enumerate(truth)]
    edges = every(truth)
    rows = told(stands, edges)
    never_wrong(truth, rows)
    touched = {e for edge in edges for e in edge if at <= e < at + length}
    assert rows == right(truth, edges) or touched
    assert [row for row in rows if not {*row[:2]} & touched] == right(
        truth, [edge for edge in edges if not {*edge} & touched]
    )


@given(truths, st.integers(1000, 10**7), st.sampled_from([0, 3, 999_999_999]), st.booleans())
def test_nonsense_at_an_end_gives_no_number(truth: Truth, begin: int, nonsense: int, newest: bool) -> None:
    """Next to nought after a stand just below a power of ten is a register that rolled over, and no nonsense."""
    assume(not newest or nonsense > 3 or str(begin + truth[-2])[0] < "8")
    stands = [stand(m, begin + used) for m, used in enumerate(truth)]
    bad = len(truth) - 1 if newest else 0
    stands[bad] = stand(bad, nonsense)
    edges = [(a, a + 1) for a in range(len(truth) - 1)]
    rows = told(stands, edges)
    never_wrong(truth, rows)
    assert [row for row in rows if bad not in row[:2]] == right(truth, [edge for edge in edges if bad not in edge])


@given(truths, truths, st.integers(0, 10**7), st.integers(0, 10**7), st.booleans())
def test_another_serial_number_is_another_register_wherever_it_stands(
    one: Truth, two: Truth, first: int, second: int, late: bool
) -> None:
    """``late``: the telegrams name no serial number at first."""
    seam = len(one)
    stands = [stand(m, first + used, "" if late and m < 3 else "A") for m, used in enumerate(one)]
    stands += [stand(seam + m, second + used, "B") for m, used in enumerate(two)]
    minutes = [(m, m + 1) for m in range(seam + len(two) - 1)]
    rows = told(stands, minutes)
    assert rows == [
        *right(one, [edge for edge in minutes if edge[1] < seam]),
        *[(a, b, two[b - seam] - two[a - seam], "measured") for a, b in minutes if a >= seam],
    ]
    ((_, _, value, status),) = told(stands, [(0, seam + len(two) - 1)])
    assert (value, status) == (None, "missing")


@pytest.mark.parametrize("kind", [Kind.CUMULATIVE, Kind.NET, Kind.PERIODIC])
@given(
    truths, truths, st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 60), st.integers(0, 60), st.booleans()
)
def test_an_exchange_with_both_stands_is_measured_across(
    kind: Kind, one: Truth, two: Truth, first: int, second: int, unseen: int, drawn: int, named: bool
) -> None:
    at = len(one)
    stands = [stand(m, first + used, "A" if named else "") for m, used in enumerate(one)]
    stands += [stand(at + 1 + m, second + drawn + used, "B" if named else "") for m, used in enumerate(two)]
    done = Exchange(at * MINUTE, first + one[-1] + unseen, second)
    ((_, _, value, status),) = told(stands, [(0, at + len(two))], kind, (done,))
    assert (value, status) == (one[-1] + unseen + drawn + two[-1], "measured")
    assert told(stands, [(at - 1, at), (at, at + 1)], kind, (done,)) == [
        (at - 1, at, unseen, "measured"), (at, at + 1, drawn, "measured"),
    ]  # fmt: skip


def test_the_last_stand_of_a_register_that_rolled_over_is_what_it_says() -> None:
    stands = [stand(0, 9990), stand(1, 5), stand(3, 20)]
    assert told(stands, [(0, 3)], exchanges=(Exchange(2 * MINUTE, 9, 18),)) == [(0, 3, 15 + 4 + 2, "measured")]


def test_two_exchanges_between_two_readings_count_the_meter_that_nobody_read() -> None:
    stands = [stand(0, 500, "A"), stand(30, 7010, "C")]
    done = (Exchange(10 * MINUTE, 510, 0), Exchange(20 * MINUTE, 33, 7000))
    assert told(stands, [(0, 30), (10, 20)], exchanges=done) == [
        (0, 30, 10 + 33 + 10, "measured"), (10, 20, 33, "measured"),
    ]  # fmt: skip
    half = (done[0], Exchange(20 * MINUTE))
    assert told(stands, [(0, 30)], exchanges=half) == []


def test_a_declared_exchange_without_stands_ends_a_register_that_seems_to_go_on() -> None:
    stands = [stand(m, 500 + m) for m in range(6)]
    assert told(stands, [(0, 2), (2, 4), (3, 5)], exchanges=(Exchange(3 * MINUTE),)) == [
        (0, 2, 2, "measured"), (2, 4, None, "missing"), (3, 5, 2, "measured"),
    ]  # fmt: skip


def test_a_reading_at_the_instant_of_an_exchange_is_the_new_meters() -> None:
    stands = [stand(0, 500), stand(1, 501), stand(2, 0), stand(3, 1)]
    assert told(stands, [(0, 3), (1, 2)], exchanges=(Exchange(2 * MINUTE, 503, 0),)) == [
        (0, 3, 3 + 1, "measured"), (1, 2, 2, "measured"),
    ]  # fmt: skip


def test_a_reading_at_the_instant_of_an_exchange_is_the_old_meters_if_it_says_so() -> None:
    stands = [stand(0, 500, "A"), stand(2, 503, "A"), stand(3, 1, "B")]
    assert told(stands, [(0, 3), (2, 3)], exchanges=(Exchange(2 * MINUTE, 503, 0),)) == [
        (0, 3, 3 + 1, "measured"), (2, 3, 1, "measured"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "done",
    [
        Exchange(2 * MINUTE, 501, 0),  # too early: A was read after it, far above its "first stand"
        Exchange(4 * MINUTE, 501, 0),  # too late: B cannot have had the last stand of A
        Exchange(3 * MINUTE, 99_501, 0),  # a slip of the pen
        Exchange(3 * MINUTE, 502, 9000),
    ],
)
def test_what_was_written_down_wrongly_measures_nothing(done: Exchange) -> None:
    stands = [
        stand(0, 50_000, "A"),
        stand(1, 50_001, "A"),
        stand(2, 50_002, "A"),
        *(stand(m, m, "B") for m in range(3, 7)),
    ]
    rows = told(stands, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (0, 6)], exchanges=(done,))
    assert all(value == 1 for _, _, value, status in rows if status == "measured")
    assert rows[-1][2:] == (None, "missing")


def test_a_stand_that_was_written_down_without_its_last_digits_is_no_fall() -> None:
    stands = [stand(0, 1_234_500), stand(1, 1_234_560), stand(3, 2_000_010)]
    done = Exchange(2 * MINUTE, 1_234_000, 2_000_000, digit=1000)
    assert told(stands, [(0, 3)], exchanges=(done,)) == [(0, 3, 60 + 10, "measured")]


def test_nonsense_just_before_an_exchange_is_not_carried_on() -> None:
    stands = [stand(0, 54_000), stand(1, 54_001), stand(2, 0), stand(4, 5)]
    rows = told(stands, [(0, 1), (2, 3), (0, 4)], exchanges=(Exchange(3 * MINUTE, 54_002, 0),))
    assert [row for row in rows if row[3] == "measured"] == [(0, 1, 1, "measured")]


@given(st.lists(st.integers(-90, 90), min_size=6, max_size=40), st.integers(-(10**6), 10**6))
def test_a_net_register_falls_and_rises_and_passes_zero(steps: list[int], begin: int) -> None:
    truth = [sum(steps[:n]) for n in range(len(steps) + 1)]
    edges = every(truth)
    assert told([stand(m, begin + used) for m, used in enumerate(truth)], edges, Kind.NET) == right(truth, edges)


@given(
    st.lists(st.integers(-90, 90), min_size=8, max_size=40),
    st.sampled_from([10**9, -(10**9), 5_000_000]),
    st.integers(-(10**6), 10**6),
    st.data(),
)
def test_nonsense_in_a_net_register_is_passed_over(
    steps: list[int], nonsense: int, begin: int, data: st.DataObject
) -> None:
    truth = [sum(steps[:n]) for n in range(len(steps) + 1)]
    at = data.draw(st.integers(1, len(truth) - 3))
    stands = [stand(m, nonsense if m == at else begin + used) for m, used in enumerate(truth)]
    edges = [edge for edge in every(truth, 2) if at not in edge]
    assert told(stands, edges, Kind.NET) == right(truth, edges)


@given(truths, truths, st.integers(1000, 10**6))
def test_a_register_of_a_billing_period_begins_anew(one: Truth, two: Truth, before: int) -> None:
    stands = [stand(m, before + used) for m, used in enumerate(one)]
    stands += [stand(len(one) + m, used) for m, used in enumerate(two)]
    rows = told(stands, [(m, m + 1) for m in range(len(stands) - 1)], Kind.PERIODIC)
    assert rows == [
        *right(one, every(one, 1)),
        *[(len(one) + a, len(one) + b, two[b] - two[a], "measured") for a, b in every(two, 1)],
    ]


def test_a_register_of_a_billing_period_does_not_roll_over() -> None:
    stands = [stand(0, 99_990), *(stand(m, 2 + m) for m in range(1, 5))]
    assert told(stands, [(0, 1), (1, 2)], Kind.PERIODIC) == [(1, 2, 1, "measured")]


def test_a_fall_by_the_last_digit_is_rounding_and_by_more_is_not() -> None:
    fine_and_coarse = [stand(0, 1_234_567), stand(1, 1_234_000, digit=1000), stand(2, 1_234_600)]
    assert told(fine_and_coarse, [(0, 2)]) == [(0, 2, 33, "measured")]
    assert told([stand(0, 5000), stand(1, 4999), stand(2, 5001)], [(0, 2)]) == [(0, 2, 1, "measured")]
    fell = [stand(0, 5000), stand(1, 4000), stand(2, 4001), stand(3, 4002), stand(4, 4003)]
    assert told(fell, [(0, 1), (0, 4)]) == [(0, 4, None, "missing")]


def test_a_rise_that_no_connection_carries_is_another_meter() -> None:
    stands = [stand(0, 500), stand(1, 501), *(stand(2 + m, 600_000 + m) for m in range(5))]
    assert told(stands, [(0, 1), (1, 2), (2, 3), (0, 6)]) == [
        (0, 1, 1, "measured"), (2, 3, 1, "measured"), (0, 6, None, "missing"),
    ]  # fmt: skip
    assert told(stands, [(1, 2)], most=None) == [(1, 2, 599_499, "measured")]


def test_a_bound_below_one_digit_an_hour_still_grows_with_time() -> None:
    stands = [stand(0, 10), stand(24 * 60, 14)]
    assert told(stands, [(0, 24 * 60)], most=Fraction(1, 4)) == [(0, 24 * 60, 4, "measured")]
    assert told(stands, [(0, 24 * 60)], most=Fraction(1, 10)) == []


def test_without_a_bound_a_zero_in_between_is_still_nonsense() -> None:
    stands = [stand(0, 5432), stand(1, 0), stand(2, 5434)]
    assert told(stands, [(0, 2)], most=None) == [(0, 2, 2, "measured")]


def test_a_register_is_not_drawn_on_before_its_first_and_after_its_last_reading() -> None:
    stands = [stand(2, 10), stand(4, 12)]
    assert told(stands, [(0, 2), (1, 3), (2, 4), (3, 5), (4, 6), (0, 6)]) == [
        (1, 3, None, "missing"), (2, 4, 2, "measured"), (3, 5, None, "missing"), (0, 6, None, "missing"),
    ]  # fmt: skip


def test_a_stand_between_two_seconds_counts_to_the_microsecond() -> None:
    rows = amounts([Run([1, 4], [0, 9])], [(2, 5), (1, 4), (2, 4)])
    assert rows == [
        Amount(2, 5, None, Status.MISSING, Method.NONE, 2),
        Amount(1, 4, 9, Status.MEASURED, Method.NONE, 3),
        Amount(2, 4, None, Status.MISSING, Method.NONE, 0),
    ]


def test_what_is_missing_is_covered_where_readings_are_no_further_apart_than_it_is_long() -> None:
    runs = [Run([0, 3, 5], [0, 3, 5]), Run([6, 8, 13, 14], [0, 2, 7, 8])]
    found = amounts(runs, [(1, 5), (4, 8), (7, 10), (9, 12), (12, 16), (14, 18)])
    assert [(a.begin, a.status, a.covered) for a in found] == [
        (1, Status.ESTIMATED, 4), (4, Status.MISSING, 3), (7, Status.MISSING, 1), (9, Status.MISSING, 0),
        (12, Status.MISSING, 1),
    ]  # fmt: skip


def test_nothing_read_gives_nothing() -> None:
    assert runs_of([], Kind.CUMULATIVE, MOST, (Exchange(0, 1, 2),)) == []
    assert amounts([], [(0, 1)]) == []


def test_a_register_that_was_set_back_is_not_back_however_long_it_is_silent() -> None:
    net = [stand(0, 985_000), stand(15, 985_010), stand(30, 100_000), stand(30 * 60, 100_600)]
    assert told(net, [(0, 30 * 60), (0, 15)], Kind.NET) == [
        (0, 30 * 60, None, "missing"), (0, 15, 10, "measured"),
    ]  # fmt: skip
    day_of_two_resets = [stand(0, 4321), stand(15, 0), stand(12 * 60, 8), stand(12 * 60 + 15, 5000)]
    assert told(day_of_two_resets, [(0, 12 * 60 + 15)]) == [(0, 12 * 60 + 15, None, "missing")]


def test_what_comes_back_nearer_to_the_leap_was_no_nonsense() -> None:
    leapt = [stand(0, 900), stand(15, 20_000), stand(16, 20_000 - 9000), stand(30, 20_001)]
    assert told(leapt, [(0, 30)], Kind.NET, most=10**6) == [(0, 30, 19_101, "measured")]
    sunk = [stand(0, 50_000), stand(1, 0), stand(30, 47_500), stand(31, 47_501)]
    assert told(sunk, [(0, 31)], Kind.NET) == [(0, 31, 47_501 - 50_000, "measured")]
    stays = [stand(0, 50_000), stand(1, 46_000), *(stand(m, 47_470 + m) for m in range(30, 34))]
    assert told(stays, [(0, 31)], Kind.NET) == [(0, 31, None, "missing")]
