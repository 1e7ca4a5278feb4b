"""Entries add up exactly where they cover an interval; what they do not cover, or speak of twice, has no number."""

from hypothesis import example, given
from hypothesis import strategies as st

from meter_driver.amounts import Amount, Method, Status
from meter_driver.amounts.entries import Entry, amounts

values = st.integers(-(10**6), 10**6)


def entry(begin: int, end: int, value: int) -> Entry:
    return Entry(begin, end, value, end - begin)


@st.composite
def disjoint(draw: st.DrawFn) -> list[Entry]:
    found, at = [], 0
    for gap, length, value in draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 20), values), max_size=30)):
        found.append(entry(at + gap, at + gap + length, value))
        at += gap + length
    return found


def slow(entries: list[Entry], begin: int, end: int) -> tuple[Status, int | None] | None:
    """Moment by moment: which entry speaks of it, and does that lie inside?"""
    inside = [e for e in entries if begin <= e.begin and e.end <= end]
    spoken = {moment for e in inside for moment in range(e.begin, e.end)}
    if spoken == set(range(begin, end)):
        return Status.MEASURED, sum(e.value for e in inside)
    touched = any(moment in range(begin, end) for e in entries for moment in range(e.begin, e.end))
    return (Status.MISSING, None) if touched else None


@given(disjoint(), st.integers(1, 30), st.integers(-5, 20))
def test_an_intervals_sum_is_that_of_all_its_moments(entries: list[Entry], length: int, offset: int) -> None:
    edges = [(offset + i * length, offset + (i + 1) * length) for i in range(8)]
    found = {(a.begin, a.end): (a.status, a.value) for a in amounts(entries, edges)}
    expected = {edge: row for edge in edges if (row := slow(entries, *edge)) is not None}
    assert found == expected


@given(st.lists(values, min_size=96, max_size=96))
def test_quarters_make_the_hour_and_hours_the_day(sent: list[int]) -> None:
    entries = [entry(i * 15, (i + 1) * 15, value) for i, value in enumerate(sent)]
    hours = amounts(entries, [(i * 60, (i + 1) * 60) for i in range(24)])
    (day,) = amounts(entries, [(0, 1440)])
    assert [hour.value for hour in hours] == [sum(sent[4 * i : 4 * i + 4]) for i in range(24)]
    assert day == Amount(0, 1440, sum(sent), Status.MEASURED, Method.NONE, 1440)


def test_an_entry_longer_than_the_interval_belongs_to_none_of_its_parts() -> None:
    found = amounts([entry(0, 60, 4)], [(0, 15), (15, 30), (45, 60), (0, 60), (60, 75)])
    assert [(a.begin, a.status, a.value) for a in found] == [
        (0, Status.MISSING, None), (15, Status.MISSING, None), (45, Status.MISSING, None), (0, Status.MEASURED, 4),
    ]  # fmt: skip


def test_an_entry_across_midnight_belongs_to_neither_day() -> None:
    found = amounts([entry(0, 1430, 9), entry(1430, 1450, 1), entry(1450, 2880, 9)], [(0, 1440), (1440, 2880)])
    assert [(a.status, a.covered) for a in found] == [(Status.MISSING, 1430), (Status.MISSING, 1430)]


def test_where_two_entries_speak_of_the_same_time_there_is_no_number() -> None:
    hourly_and_quarter = [entry(0, 60, 4), entry(15, 30, 1)]
    assert [a.value for a in amounts(hourly_and_quarter, [(0, 60)])] == [None]
    summed_up_with_overlap = [Entry(0, 15, 5, 20)]
    assert [a.value for a in amounts(summed_up_with_overlap, [(0, 15)])] == [None]
    hides_a_gap = [entry(0, 15, 1), entry(0, 15, 1)]
    assert [a.value for a in amounts(hides_a_gap, [(0, 30)])] == [None]


def test_an_amount_of_which_nobody_said_what_it_covers_is_in_no_sum() -> None:
    assert amounts([Entry(5, 5, 7, 0)], [(0, 15)]) == []
    assert [a.value for a in amounts([entry(0, 15, 1), Entry(5, 5, 7, 0)], [(0, 15)])] == [1]


@example([(0, 60), (10, 5), (30, 30)], 30)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40)), max_size=12, unique_by=lambda each: each[0]),
    st.integers(1, 30),
)
def test_whatever_overlaps_there_is_a_number_only_of_moments_told_once(
    told: list[tuple[int, int]], length: int
) -> None:
    entries = [entry(begin, begin + long, 1 << n) for n, (begin, long) in enumerate(sorted(told))]
    spoken = [moment for each in entries for moment in range(each.begin, each.end)]
    for found in amounts(entries, [(n * length, (n + 1) * length) for n in range(4)]):
        once = all(spoken.count(moment) == 1 for moment in range(found.begin, found.end))
        assert found.value is None or once
