"""A local day tells by itself what its quarters tell, or nothing: never another number."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.vault.local_days import days_of, mended_days
from gateway.vault.merge import values_of
from meter_driver.amounts import Amount, Status, entries, means, partials, stands
from meter_driver.amounts.runs import runs_of
from meter_driver.amounts.stand import Stand
from meter_driver.intervals import instant
from meter_driver.quantities import Kind
from policies.amounts import rows_of
from policies.terms import DetailClass
from policies.vault.columns import Series

MINUTE, QUARTER, DAY = 60_000_000, 900_000_000, 8 * 900_000_000
"""A day of eight quarters is long enough."""
PROFILE, RISING, NET, POWER = "1-0:1.29.0*255", "1-0:1.8.0*255", "1-0:16.8.0*255", "1-0:1.7.0*255"
MOST = Fraction(6000)

Told = tuple[int, int, int]
"""Begin, end, value: an entry."""


def series(quantity: str, rows: Sequence[tuple[int, partials.Partial]]) -> list[Series]:
    """Of the begin of each quarter and its partial."""
    if not rows:
        return []
    some = [partial for _, partial in rows]
    axis = (
        tuple([begin for begin, _ in rows]),
        tuple([p.first_at for p in some]),
        tuple([p.last_at for p in some]),
        tuple([p.readings for p in some]),
        tuple([p.covered for p in some]),
    )
    values: tuple[Sequence[int], ...] = ([p.first for p in some], [p.last for p in some])
    values = (*values, [p.total for p in some]) if quantity in (PROFILE, POWER) else values
    total = partials.total_exponent(Kind.INSTANT, 0) if quantity == POWER else 0
    return [Series("m", "", quantity, "Wh", "measured", axis, 0, total, values)]


def quarters(kind: Kind, told: Sequence[Told]) -> list[tuple[int, partials.Partial]]:
    """As they are taken in: no begin (of a register: no instant) twice."""
    starts, ats, values = ([each[part] for each in told] for part in range(3))
    firsts, found = partials.begins(kind, starts, ats), []
    for begin in sorted({first // QUARTER * QUARTER for first in firsts}):
        rows = [row for row, first in enumerate(firsts) if begin <= first < begin + QUARTER]
        cover = partials.cover(kind, rows, starts, ats)
        ends = values[cover.order[0]], values[cover.order[-1]]
        total = partials.total(kind, cover, values)
        found.append(
            (begin, partials.Partial(cover.first_at, ends[0], cover.last_at, ends[1], total, cover.covered, len(rows)))
        )
    return found


def sums(days: Sequence[Series]) -> list[Amount]:
    """By day, two of them."""
    found = []
    for one in days:
        for first_at, last_at, covered, total in zip(*one.axis[1:3], one.axis[4], one.values[2], strict=True):
            found.append(entries.Entry(first_at, last_at, total, covered))
    return entries.amounts(found, [(0, DAY), (DAY, 2 * DAY)])


def by_days(told: Sequence[Told], late: Sequence[Told] = (), quarter: int = 0) -> list[Amount]:
    """``late`` comes when quarters before ``quarter`` are gone; of one begin it is what counts."""
    spans = [(0, DAY), (DAY, 2 * DAY)]
    days = days_of(series(PROFILE, quarters(Kind.INTERVAL, told)), spans, lambda _: None)
    if late:
        border, all_told = quarter * QUARTER, {each[0]: each for each in (*told, *late)}
        held = [row for row in quarters(Kind.INTERVAL, told) if row[0] >= border]
        now = [row for row in quarters(Kind.INTERVAL, list(all_told.values())) if row[0] >= border]
        days = mended_days(days, series(PROFILE, held), series(PROFILE, now), spans, border, lambda _: None)
    return sums(days)


def number(some: Sequence[Amount]) -> dict[int, int]:
    return {each.begin: each.value for each in some if each.value is not None}


steps = st.integers(0, 47).map(lambda n: n * 5 * MINUTE)
lengths = st.sampled_from([1, 2, 3, 3, 4, 6]).map(lambda n: n * 5 * MINUTE)
whole = [(n * QUARTER, (n + 1) * QUARTER, 1 << n) for n in range(16)]


@st.composite
def profiles(draw: st.DrawFn) -> list[Told]:
    """A profile of quarters in which some are not there, and some time is told again."""
    gone = draw(st.sets(st.integers(0, 15), max_size=2))
    odd = draw(st.dictionaries(steps, lengths, max_size=3))
    found = {begin: (begin, end, value) for begin, end, value in whole if begin // QUARTER not in gone}
    return list((found | {at: (at, at + length, 7) for at, length in odd.items()}).values())


@given(profiles())
def test_a_day_of_entries_has_the_number_of_its_quarters_or_none(told: list[Told]) -> None:
    moment = 5 * MINUTE
    spoken = [at for begin, end, _ in told for at in range(begin, end, moment)]
    right = number(by_days(told))
    for begin in (0, DAY):
        inside = [(a, b, v) for a, b, v in told if begin <= a and b <= begin + DAY]
        once = all(spoken.count(at) == 1 for at in range(begin, begin + DAY, moment))
        whole_inside = sum(b - a for a, b, _ in inside) == DAY
        assert right.get(begin) == (sum(v for _, _, v in inside) if once and whole_inside else None)


def test_a_time_that_is_told_twice_is_not_made_up_for_by_one_that_is_missing() -> None:
    told = [each for each in whole if each[0] not in (5 * QUARTER, 6 * QUARTER)]
    assert 0 not in number(by_days([*told, (QUARTER + MINUTE, 3 * QUARTER + MINUTE, 7)]))
    within = [*told[:1], (QUARTER, QUARTER + 10 * MINUTE, 1), (QUARTER + 5 * MINUTE, QUARTER + 10 * MINUTE, 1)]
    assert number(by_days([*within, *whole[2:]])).keys() == {DAY}


@given(profiles(), st.integers(1, 7), st.data())
def test_what_comes_late_for_entries_gives_the_number_of_the_quarters_or_none(
    told: list[Told], quarter: int, data: st.DataObject
) -> None:
    border = quarter * QUARTER
    later = [each for each in told if each[0] >= border]
    late = data.draw(st.lists(st.sampled_from(later), max_size=4, unique=True)) if later else []
    found = number(by_days([each for each in told if each not in late], late, quarter))
    assert found.items() <= number(by_days(told)).items()


def test_what_is_gone_may_reach_over_what_comes_late() -> None:
    reaches = [whole[0], whole[2], (3 * QUARTER, 5 * QUARTER, 8), *whole[5:]]
    assert number(by_days(reaches, [whole[4]], 4)).keys() == {DAY}
    assert number(by_days([*whole[:7], *whole[8:]], [whole[7]], 4)).keys() == {0, DAY}


def test_an_overlap_of_what_is_gone_stays_noted_when_another_one_is_corrected() -> None:
    gone = [*whole[:2], (QUARTER + MINUTE, 2 * QUARTER + MINUTE, 7), whole[3]]
    told = [*gone, whole[4], (5 * QUARTER, 6 * QUARTER + MINUTE, 7), *whole[6:]]
    assert number(by_days(told, [whole[5]], 4)).keys() == {DAY}
    assert number(by_days([*whole[:5], *told[5:]], [whole[5]], 4)).keys() == {DAY}


Step = list[tuple[int, int]]
"""Instants and values."""


@st.composite
def powers(draw: st.DrawFn) -> tuple[Step, list[Step], int]:
    """What is there at first, what comes late once and again, and the quarter from which on quarters are held."""
    border, step = draw(st.integers(1, 6)), draw(st.sampled_from([1, 3, 5, 14]))
    gap = range(border * 15 - draw(st.integers(0, 14)), border * 15 + draw(st.integers(0, 30)))
    late = draw(st.dictionaries(st.integers(border * 15, border * 15 + 45), st.integers(0, 2), min_size=1))
    minutes = {minute for minute in range(0, 8 * 15, step) if minute not in gap}
    told = {minute: draw(st.integers(1, 999)) for minute in sorted({*minutes, *late})}
    steps = [[(m * MINUTE, value) for m, value in told.items() if late.get(m, -1) == n] for n in range(-1, 3)]
    return steps[0], steps[1:], border


def mean(days: Sequence[Series]) -> list[Amount]:
    """Of the day."""
    found = []
    for one in days:
        for first_at, last_at, covered, last, total in zip(
            *one.axis[1:3], one.axis[4], one.values[1], one.values[2], strict=True
        ):
            found.append(means.Span(first_at, last_at, last, total, covered))
    return means.amounts(found, [(0, DAY)])


@given(powers())
def test_what_comes_late_again_and_again_gives_the_mean_of_all_or_none(told: tuple[Step, list[Step], int]) -> None:
    (there, late, quarter), spans = told, [(0, DAY)]
    border = quarter * QUARTER
    days = days_of(powers_of(there, 0), spans, lambda _: None)
    for step in late:
        before, there = powers_of(there, border), sorted({**dict(there), **dict(step)}.items())
        days = mended_days(days, before, powers_of(there, border), spans, border, lambda _: None)
        right = days_of(powers_of(there, 0), spans, lambda _: None)
        assert number(mean(days)).items() <= number(mean(right)).items()
        if not any(border <= at < border + means.LONGEST_HOLD for each in late for at, _ in each):
            assert days == right


def powers_of(told: Step, since: int) -> list[Series]:
    return series(POWER, [row for row in quarters(Kind.INSTANT, [(at, at, v) for at, v in told]) if row[0] >= since])


def test_a_time_that_is_counted_twice_is_not_made_up_for_by_a_silence() -> None:
    told = [(at * MINUTE, 100) for at in range(0, 120, 5) if at != 30 and not 60 <= at < 75]
    first, again = [(30 * MINUTE, 5000)], [(32 * MINUTE, 7)]
    days = days_of(powers_of(told, 0), [(0, DAY)], lambda _: None)
    for step in (first, again):
        before, told = powers_of(told, 30 * MINUTE), sorted([*told, *step])
        days = mended_days(days, before, powers_of(told, 30 * MINUTE), [(0, DAY)], 30 * MINUTE, lambda _: None)
        assert number(mean(days)) == {}


@st.composite
def registers(draw: st.DrawFn, net: bool) -> list[Told]:
    """A stand each quarter but a few, set to another one twice."""
    value, found = draw(st.sampled_from([100, 5000, 90_000])), []
    resets = draw(st.dictionaries(st.integers(1, 15), st.sampled_from([0, 100, 4321, 5000, 98_000]), max_size=2))
    gone = draw(st.sets(st.integers(0, 15), max_size=6))
    for n in range(16):
        value = resets.get(n, value + draw(st.integers(-9 if net else 0, 40)))
        found += [] if n in gone else [(n * QUARTER, n * QUARTER, value)]
    return found


def differences(kind: Kind, points: Sequence[tuple[int, int]]) -> list[Amount]:
    read = [Stand(at, value) for at, value in sorted(dict(points).items())]
    return stands.amounts(runs_of(read, kind, MOST), [(0, 15 * QUARTER)])


@given(st.data(), st.booleans())
def test_a_day_of_a_register_has_the_number_of_its_quarters_or_none(data: st.DataObject, net: bool) -> None:
    told, kind, quantity = data.draw(registers(net)), *((Kind.NET, NET) if net else (Kind.CUMULATIVE, RISING))
    days = days_of(series(quantity, quarters(kind, told)), [(0, 16 * QUARTER)], lambda _: MOST)
    ends = [
        point
        for one in days
        for first_at, last_at, first, last in zip(*one.axis[1:3], *one.values, strict=True)
        for point in ((first_at, first), (last_at, last))
    ]
    by_quarters = differences(kind, [(at, value) for at, _, value in told])
    for each in differences(kind, ends):
        assert each.status is not Status.MEASURED or each in by_quarters


HOUR = 4 * QUARTER


def day_rows(
    told: Sequence[Told], spans: Sequence[tuple[int, int]], by_quarters: bool, quantity: str = RISING
) -> list[tuple[str, Decimal | None]]:
    """What an answer by day says of a register in the first two days."""
    some = series(quantity, quarters(Kind.NET if quantity == NET else Kind.CUMULATIVE, told))
    some = some if by_quarters else days_of(some, spans, lambda _: Fraction(250_000))
    values = sorted(values_of(DetailClass.DAY, some), key=lambda value: (value.at, value.first_at))
    edges = [(instant(begin), instant(end)) for begin, end in spans[:2]]
    return [(row.status, row.value) for row in rows_of(values, quantity, "s", "m", edges)]


def stands_at(begin: int, step: int, values: Sequence[int]) -> list[Told]:
    return [(begin + n * step, begin + n * step, value) for n, value in enumerate(values)]


DAYS = [(n * 24 * HOUR, (n + 1) * 24 * HOUR) for n in range(3)]
SET_BACK = [
    *stands_at(0, QUARTER, range(0, 8001, 100)),
    *stands_at(28 * HOUR, QUARTER, [500 + n * 8000 // 56 for n in range(57)]),
    *stands_at(48 * HOUR, QUARTER, range(8700, 18_000, 100)),
]
"""Silent from 20:00 to 04:00 and set back meanwhile; at 18:00 it stands higher than before."""
ZERO_FIRST = stands_at(0, QUARTER, [*range(2000, 11_600, 100), 0, *range(11_700, 31_000, 100)])
"""One telegram of nothing, the first of the second day."""


@pytest.mark.parametrize("told", [SET_BACK, ZERO_FIRST])
def test_days_tell_what_their_quarters_tell_of_a_fall_between_them(told: list[Told]) -> None:
    assert day_rows(told, DAYS, by_quarters=False) == day_rows(told, DAYS, by_quarters=True)


@pytest.mark.parametrize("before", [1, 60, 92, 93, 94, 95, 96, 97, 98, 99])
def test_days_tell_what_their_quarters_tell_of_a_roll_over_near_midnight(before: int) -> None:
    told = stands_at(0, QUARTER, [(10**7 + 100 * (n - before)) % 10**7 for n in range(288)])
    assert day_rows(told, DAYS, by_quarters=False) == day_rows(told, DAYS, by_quarters=True)


@given(
    st.sampled_from([5000, -5000]),
    st.integers(90, 99),
    st.integers(1, 5),
    st.sampled_from([0, 1, 400, None]),
    st.sampled_from([-3, 0, 30]),
)
def test_days_tell_what_their_quarters_tell_of_noughts_of_a_net_register(
    stand: int, first: int, count: int, back: int | None, step: int
) -> None:
    """Around midnight; it comes back to where it was, or goes on from what it fell to."""
    values = [stand + (n % 7) * 20 + n * step for n in range(288)]
    values[first : first + count] = [0] * count
    values[first + count :] = [value if back is None else back + n for n, value in enumerate(values[first + count :])]
    told = stands_at(0, QUARTER, values)
    assert day_rows(told, DAYS, by_quarters=False, quantity=NET) == day_rows(told, DAYS, True, NET)


@pytest.mark.parametrize("nonsense", [-100, 62_502, 999_999_100])
@pytest.mark.parametrize("at", [0, 3, 7])
def test_a_day_with_an_entry_that_cannot_be_is_missing_as_its_quarters_say(nonsense: int, at: int) -> None:
    told = [(n * QUARTER, (n + 1) * QUARTER, nonsense if n == at else 100) for n in range(16)]
    spans, edges = [(0, DAY), (DAY, 2 * DAY)], [(instant(0), instant(DAY)), (instant(DAY), instant(2 * DAY))]
    by_quarters = series(PROFILE, quarters(Kind.INTERVAL, told))
    days = days_of(by_quarters, spans, lambda _: Fraction(250_000))

    def rows(some: Sequence[Series]) -> list[tuple[str, Decimal | None, Decimal]]:
        found = rows_of(list(values_of(DetailClass.DAY, some)), PROFILE, "s", "m", edges)
        return [(row.status, row.value, row.completeness) for row in found]

    assert rows(days) == rows(by_quarters)
    assert rows(days) == [("missing", None, Decimal("0.875")), ("measured", Decimal("0.8"), Decimal(1))]


@pytest.mark.parametrize("nonsense", [-100, 999_999_100])
def test_an_entry_that_cannot_be_takes_nothing_of_a_day_that_is_mended_when_it_is_put_right(nonsense: int) -> None:
    """Or comes late in the place of a right one; quarters before the third are gone."""
    spans, border = [(0, DAY)], 2 * QUARTER
    right = [(n * QUARTER, (n + 1) * QUARTER, 100) for n in range(8)]
    wrong = [(begin, end, nonsense if begin == 5 * QUARTER else value) for begin, end, value in right]

    def bound(_: Series) -> Fraction:
        return Fraction(250_000)

    def held(told: Sequence[Told]) -> list[Series]:
        return series(PROFILE, [row for row in quarters(Kind.INTERVAL, told) if row[0] >= border])

    for first, then, total in ((wrong, right, 800), (right, wrong, None)):
        days = days_of(series(PROFILE, quarters(Kind.INTERVAL, first)), spans, bound)
        days = mended_days(days, held(first), held(then), spans, border, bound)
        assert sums(days)[0].value == total
