"""What a register takes back is told from the stands near it alone, and is no number until it is decided."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from meter_driver.amounts import Amount, Status
from meter_driver.amounts.amount import HOUR_US
from meter_driver.amounts.leaps import reach
from meter_driver.amounts.runs import Exchange, runs_of
from meter_driver.amounts.stand import Stand
from meter_driver.amounts.stands import amounts
from meter_driver.quantities import Kind

MINUTE = HOUR_US // 60
QUARTER, DAY = 15, 24 * 60
MOST = 2500
"""An hour; a little more than 600 in a quarter of one."""


def number(amount: Amount) -> tuple[int, int, int | None, Status]:
    return amount.begin, amount.end, amount.value, amount.status


def told(
    stands: Sequence[Stand], edges: Sequence[tuple[int, int]], kind: Kind = Kind.CUMULATIVE, most: int | None = MOST
) -> list[tuple[int, int, int | None, str]]:
    """Edges are minutes."""
    rows = amounts(runs_of(stands, kind, most), [(a * MINUTE, b * MINUTE) for a, b in edges])
    return [(row.begin // MINUTE, row.end // MINUTE, row.value, row.status.value) for row in rows]


def each(step: int, *values: int) -> list[Stand]:
    return [Stand(n * step * MINUTE, value) for n, value in enumerate(values)]


gaps = st.sampled_from([1, 5, QUARTER, QUARTER, QUARTER, 60, 60, 3 * 60, 5 * 60, DAY, DAY, 3 * DAY])
turns = st.sampled_from(["goes on"] * 12 + ["nought", "nines", "leaps", "falls", "coarse", "stale", "exchanged", "set"])


@st.composite
def registers(draw: st.DrawFn) -> list[Stand]:
    """A register of a home near a power of ten, that says nothing sound for one reading in three at the worst."""
    kept = draw(st.sampled_from([9_700, 99_000, 40, 5_000]))
    pace, same = draw(gaps), draw(st.booleans())
    named, serial = draw(st.booleans()), 0
    at, found = 0, list[Stand]()
    for turn in draw(st.lists(turns, min_size=4, max_size=40)):
        gap = pace if same and draw(st.integers(0, 9)) else draw(gaps)
        at, close = at + gap, gap < QUARTER
        kept += draw(st.sampled_from([0, 1, 7, 60]))
        kept %= 10_000 if kept > 10_000 and kept < 12_000 else 10**9
        said, digit = kept, 1
        match turn:
            case "nought":
                said = 0
            case "nines":
                said = 99_999
            case "leaps":
                said = kept + draw(st.sampled_from([40, 400, 5_000]))
            case "falls":
                said = max(0, kept - draw(st.sampled_from([1, 2, 40, 400])))
            case "coarse":
                said, digit = kept // 100 * 100, 100
            case "stale":
                said = found[-1 - draw(st.integers(0, 2)) % len(found)].value if found else kept
            case "exchanged":
                serial, kept = serial + 1, draw(st.sampled_from([0, kept, 9_900]))
                said = kept
            case "set":
                kept = said = draw(st.sampled_from([0, 300, kept + 20]))
        name, unseen = f"S{serial}" if named else "", draw(st.sampled_from([0, 0, 9])) if close else 0
        found.append(Stand(at * MINUTE, said, name, digit, unseen))
    return found


FAR = [(1, 0), (181, 9900), (196, 9900), (256, 0), (271, 0), (272, 0)]
"""What the first of them tells of the last three is further away than they are from each other."""


@example([Stand(at * MINUTE, said) for at, said in FAR], Kind.CUMULATIVE, 1, MOST, [])
@given(
    registers(),
    st.sampled_from(list(Kind)[:3]),
    st.sampled_from([1, QUARTER, 60, DAY]),
    st.sampled_from([MOST, None]),
    st.lists(st.integers(0, 40), max_size=2, unique=True),
)
def test_an_interval_has_the_same_number_however_much_more_is_read(
    stands: list[Stand], kind: Kind, length: int, most: int | None, done: list[int]
) -> None:
    exchanges = [Exchange(stands[n % len(stands)].at, stands[n % len(stands)].value, 0) for n in sorted(done)]
    exchanges = [one for n, one in enumerate(exchanges) if n == 0 or one.at > exchanges[n - 1].at]
    around = sorted({at // MINUTE // length * length for one in stands for at in (one.at - 1, one.at)})
    edges = [(begin * MINUTE, (begin + length) * MINUTE) for begin in around]
    whole = [one for one in amounts(runs_of(stands, kind, most, exchanges), edges) if one.value is not None]
    beside, found = reach(length * MINUTE), []
    for begin, end in edges:
        kept = [n for n, one in enumerate(stands) if begin - beside <= one.at <= end + beside]
        near = [one for n, one in enumerate(stands) if n in kept or (one.unseen and n - 1 in kept)]
        found += [one for one in amounts(runs_of(near, kind, most, exchanges), [(begin, end)]) if one.value is not None]
    assert list(map(number, found)) == list(map(number, whole))


STALE = [*each(1, 1000, 1005, 1010), Stand(3 * MINUTE, 1000), *[Stand(n * MINUTE, 1005 + 2 * n) for n in range(4, 9)]]
"""A telegram that says once more what was said before."""


@pytest.mark.parametrize("nonsense", [[1450], [1600], [1450, 1451], [1450, 1452, 1457]])
def test_what_rose_as_far_as_it_could_and_fell_back_was_nonsense(nonsense: list[int]) -> None:
    before, behind = range(1000, 1008), range(1012, 1020)
    found = told(each(QUARTER, *before, *nonsense, *behind), [(0, (9 + len(nonsense)) * QUARTER)])
    assert [(value, status) for _, _, value, status in found] == [(1013 - 1000, "measured")]


@pytest.mark.parametrize("step", [QUARTER, 60, 3 * 60, 6 * 60, DAY])
def test_one_garbled_telegram_is_nonsense_however_seldom_a_register_is_read(step: int) -> None:
    stands = each(step, *range(1000, 1012), 1400, *range(1013, 1025))
    found = told(stands, [(n * step, (n + 1) * step) for n in range(20)])
    assert [value for _, _, value, _ in found] == [None if n in (11, 12) else 1 for n in range(20)]
    assert told(stands, [(10 * step, 14 * step)]) == [(10 * step, 14 * step, 4, "measured")]


def test_what_rose_is_consumption_where_it_fell_to_somewhere_else_and_where_it_only_fell_a_little() -> None:
    elsewhere = told(each(QUARTER, 1000, 1001, 1400, *range(300, 310)), [(0, 30), (0, 60)])
    assert elsewhere == [(0, 30, 400, "measured"), (0, 60, None, "missing")]
    a_little = told(each(QUARTER, 1000, 1010, 1030, *range(1016, 1026)), [(0, 30), (0, 60)])
    assert a_little == [(0, 30, 30, "measured"), (0, 60, None, "missing")]


@pytest.mark.parametrize("count", [4, 5, 9])
def test_what_is_said_once_more_takes_back_nothing_that_was_said_since(count: int) -> None:
    rows = told(STALE[:count], [(0, 1), (1, 2)])
    assert rows == [(0, 1, 5, "measured"), (1, 2, 5, "measured")]


def test_a_good_reading_between_two_noughts_is_none_of_them() -> None:
    stands = each(QUARTER, 9800, 0, 9804, 0, 9806, 9807, 9808, 9809, 9810)
    assert told(stands, [(0, 30), (30, 60)]) == [(0, 30, 4, "measured"), (30, 60, 2, "measured")]


@pytest.mark.parametrize("step", [1, QUARTER, 60, 6 * 60, DAY])
@pytest.mark.parametrize("missed", range(1, 25))
def test_a_register_that_rolled_over_unseen_has_rolled_over_however_long_nobody_read_it(step: int, missed: int) -> None:
    said = [(9_990 + n) % 10_000 for n in range(40)]
    stands = [one for n, one in enumerate(each(step, *said)) if not 9 <= n < 9 + missed]
    whole = (0, 39 * step)
    assert told(stands, [whole]) == [(*whole, 39, "measured")]


@pytest.mark.parametrize("noughts", [1, 2, 3])
@pytest.mark.parametrize("most", [MOST, None])
@pytest.mark.parametrize("side", [1, -1])
def test_noughts_of_a_register_that_counts_both_ways_are_no_number(noughts: int, most: int | None, side: int) -> None:
    sound = [side * (500 + n) for n in range(10 + noughts)]
    said = [0 if 5 <= n < 5 + noughts else value for n, value in enumerate(sound)]
    edges = [*pairwise(range(0, len(said) * QUARTER, QUARTER))]
    for count in range(1, len(said) + 1):
        rows = told(each(QUARTER, *said[:count]), edges, Kind.NET, most)
        assert {value for _, _, value, _ in rows} <= {side, None}
    assert [begin // QUARTER for begin, _, value, _ in rows if value is None] == list(range(4, 5 + noughts))
    whole = (0, edges[-1][1])
    assert told(each(QUARTER, *said), [whole], Kind.NET, most) == [(*whole, sound[-1] - sound[0], "measured")]


@pytest.mark.parametrize(
    "said",
    [
        [900, 450, 0, -450, -900, -1350, -1500],
        [500, 200, 0, 0, 0, 0, 0],
        [300, 120, 0, 40, 80, 90, 95],
        [9, 8, 0, 8, 9, 9, 9],
    ],
)
def test_a_register_that_counts_both_ways_goes_through_nought(said: list[int]) -> None:
    """The last is as near to it as its digits go."""
    rows = told(each(QUARTER, *said), [*pairwise(range(0, len(said) * QUARTER, QUARTER))], Kind.NET)
    assert [value for _, _, value, _ in rows] == [after - before for before, after in pairwise(said)]


@pytest.mark.parametrize("step", [1, QUARTER, 60])
def test_a_register_rolled_over_when_no_reading_can_take_that_back(step: int) -> None:
    said = [9990, 5, 6, 7, 8, 9]
    found = [told(each(step, *said[:count]), [(0, step), (step, 2 * step)], most=None) for count in range(2, 7)]
    decided = [(0, step, 15, "measured"), (step, 2 * step, 1, "measured")]
    assert found == [[], [], [], decided, decided]


def test_the_time_in_which_it_could_be_back_decides_too_and_a_silence_does_not() -> None:
    late = [*each(QUARTER, 9990, 5), Stand(65 * MINUTE, 6)]
    assert told(late, [(0, QUARTER)]) == [(0, QUARTER, 15, "measured")]
    silent = [*each(QUARTER, 9990, 5), Stand(9 * 60 * MINUTE, 6)]
    assert told(silent, [(0, QUARTER)]) == []


def test_a_register_that_rolled_over_just_before_its_exchange_has_rolled_over() -> None:
    stands = [Stand(0, 9990, "A"), Stand(QUARTER * MINUTE, 5, "A"), Stand(30 * MINUTE, 700, "B")]
    assert told(stands, [(0, QUARTER)]) == [(0, QUARTER, 15, "measured")]


@given(st.lists(st.integers(0, 60), min_size=12, max_size=40), st.data())
def test_until_it_is_decided_no_number_rests_on_a_register_that_falls(used: list[int], data: st.DataObject) -> None:
    """Noughts near a power of ten, seen up to each reading: what is measured is true, whatever comes."""
    truth = [9_000 + sum(used[:n]) // 3 for n in range(len(used))]
    at, length = data.draw(st.integers(1, len(used) - 1)), data.draw(st.integers(1, 3))
    step = data.draw(st.sampled_from([1, QUARTER, 60]))
    said = [0 if at <= n < at + length else value for n, value in enumerate(truth)]
    for count in range(1, len(said) + 1):
        for begin, end, value, status in told(each(step, *said[:count]), [*pairwise(range(0, count * step, step))]):
            assert status != "measured" or value == truth[end // step] - truth[begin // step]


@example(9, 40_000)
@given(st.integers(1, 13), st.integers(10_000, 50_000))
def test_a_garbled_telegram_of_many_takes_no_number_that_the_others_tell(minute: int, garbled: int) -> None:
    """A register read each minute, and of each quarter of an hour only the first and the last reading kept."""
    stands = []
    for quarter in range(8):
        first, last = quarter * QUARTER, quarter * QUARTER + (minute if quarter == 3 else 14)
        wrong = garbled if quarter == 3 else 0
        stands += [
            Stand(first * MINUTE, 50 * first),
            Stand(last * MINUTE, 50 * last + wrong, unseen=max(last - first - 1, 0)),
        ]
    rows = told(stands, [(n * QUARTER, (n + 1) * QUARTER) for n in range(7)], most=250_000)
    assert [(value, status) for _, _, value, status in rows] == [(750, "measured")] * 7
