"""What stands of a register measured across a gap stays measured, however the gap is filled; what rests on an estimate
is one. Parts make the whole in every case.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from policies.minimise import minimise
from policies.terms import ONE_DAY, QUARTER_HOUR, Row
from policies.vault.values import Value
from policies.vee.corrections import Correction
from tests.policies.test_minimise import REGISTER, START, grant, value

HOUR = timedelta(hours=1)
NET = "1-0:16.8.0*255"
OPEN = (41, 42, 43)
"""Stands that were not read: the third hour of ten has four quarters of which nothing is known."""


def stands(without: Sequence[int] = OPEN, name: str = REGISTER) -> list[Value]:
    """Of a day; quarter n has 2n + 1 hundredths."""
    return [
        value(START + n * QUARTER_HOUR, Decimal(n * n) / 100, name, meter="m") for n in range(97) if n not in without
    ]


def correction(at: int, number: str, *, said: bool = False, name: str = REGISTER, quarters: int = 1) -> Correction:
    begin = START + at * QUARTER_HOUR
    words = ("validated", "") if said else ("estimated", "proration")
    return Correction("m", name, begin, begin + quarters * QUARTER_HOUR, Decimal(number), "kWh", *words, 1)


def rows(step: timedelta, *some: Correction, values: Sequence[Value] | None = None, name: str = REGISTER) -> list[Row]:
    read = stands(name=name) if values is None else values
    return minimise(read, grant(step, START, START + ONE_DAY, name), "n", corrections={("m", name): some})


FILLED = [correction(at, number) for at, number in zip(range(40, 44), ("0.81", "0.83", "0.85", "0.87"), strict=True)]
"""Together what the stands on both sides say, 3.36."""


def test_a_day_and_an_hour_that_stands_reach_across_stay_measured_when_the_gap_inside_is_estimated() -> None:
    for step, at in ((ONE_DAY, 0), (HOUR, 10)):
        measured = rows(step)[at]
        assert (measured.status, measured.completeness, measured.method) == ("measured", Decimal(1), "")
        assert rows(step, *FILLED)[at] == measured
    assert {row.status for row in rows(QUARTER_HOUR, *FILLED)[40:44]} == {"estimated"}


def test_of_a_gap_over_two_hours_the_day_is_measured_and_the_hours_are_estimated() -> None:
    holed = stands(range(39, 46))
    made = [correction(at, "1.00") for at in range(38, 45)] + [correction(45, "0.72")]  # 6.72 from 38 to 46
    hours = rows(HOUR, *made, values=holed)
    assert [row.status for row in hours[8:13]] == ["measured", "estimated", "estimated", "estimated", "measured"]
    (day,) = rows(ONE_DAY, *made, values=holed)
    assert (day.value, day.status) == (Decimal("93.16"), "estimated")
    right = [*made[:-1], correction(45, "-0.28")]
    assert rows(ONE_DAY, *right, values=holed) == rows(ONE_DAY, values=holed)


def test_a_day_whose_figure_rests_on_an_estimate_is_estimated() -> None:
    other = [*FILLED[:3], correction(43, "1.87")]
    for step, at in ((ONE_DAY, 0), (HOUR, 10)):
        measured, told = rows(step)[at], rows(step, *other)[at]
        assert measured.value is not None
        assert (told.value, told.status, told.method) == (measured.value + 1, "estimated", "proration")


def test_what_an_operator_says_of_a_measured_quarter_counts_beside_a_gap_that_is_estimated() -> None:
    (day,) = rows(ONE_DAY, *FILLED, correction(5, "9.11", said=True))
    assert (day.value, day.status) == (Decimal("101.16"), "estimated")


def test_a_day_that_stands_reach_across_is_measured_also_when_only_some_of_the_gap_is_filled() -> None:
    (measured,) = rows(ONE_DAY)
    for some in (FILLED[:1], FILLED[1:2], FILLED[2:], [FILLED[0], FILLED[3]], [correction(41, "3.36", said=True)]):
        assert rows(ONE_DAY, *some) == [measured]
    for beside in (correction(39, "1.79", said=True), correction(44, "1.89", said=True)):
        (changed,) = rows(ONE_DAY, *FILLED[1:3], beside)
        assert (changed.value, changed.status) == (Decimal("93.16"), "measured")


def test_hours_beside_a_gap_that_is_filled_in_part_are_as_they_were() -> None:
    assert rows(HOUR, FILLED[1]) == rows(HOUR)


def test_a_gap_behind_the_first_stand_of_all_is_one_as_well() -> None:
    holed = stands((1, 2, 3))
    assert rows(ONE_DAY, correction(1, "0.03"), values=holed) == rows(ONE_DAY, values=holed)


def test_gaps_that_a_correction_reaches_across_are_one() -> None:
    holed = stands((41, 42, 43, 45, 46, 47, 49, 50, 51))
    some = [correction(43, "2.67", quarters=3), correction(47, "2.91", quarters=3)]
    assert rows(ONE_DAY, *some, values=holed) == rows(ONE_DAY, values=holed)


def test_of_two_gaps_on_end_one_may_be_filled_and_the_other_be_worth_what_its_stands_say() -> None:
    (day,) = rows(ONE_DAY, *FILLED[:3], correction(43, "1.87"), correction(45, "0.91"), values=stands((*OPEN, 45, 46)))
    assert (day.value, day.status) == (Decimal("93.16"), "estimated")


def test_of_a_gap_into_which_a_longer_correction_reaches_the_rest_is_what_the_day_leaves() -> None:
    (day,) = rows(ONE_DAY, correction(36, "5.00", quarters=5), FILLED[2])
    assert (day.value, day.status) == (Decimal("92.16") - Decimal("3.88") + 5, "estimated")


def test_a_gap_in_which_the_register_fell_is_known_as_far_as_somebody_said() -> None:
    fallen = [each for each in stands() if each.at < START + 11 * HOUR]
    again = [value(START + n * QUARTER_HOUR, Decimal(n - 43), meter="m") for n in range(44, 97)]
    told = rows(HOUR, correction(41, "0.83", said=True), values=[*fallen, *again])[10]
    assert (told.value, told.completeness) == (None, Decimal("0.25"))


def test_a_gap_beside_a_stand_that_was_estimated_is_as_little_known_as_it_is_filled() -> None:
    read = [structs.replace(each, status="estimated") if each.at == START + 11 * HOUR else each for each in stands()]
    (day,) = rows(ONE_DAY, *FILLED, values=read)
    assert (day.value, day.status, day.completeness) == (Decimal("92.16"), "estimated", Decimal("0.958"))


def test_a_gap_beside_a_stand_that_was_estimated_may_be_filled_in_part() -> None:
    read = [structs.replace(each, status="estimated") if each.at == START + 11 * HOUR else each for each in stands()]
    assert rows(ONE_DAY, FILLED[1], values=read) == rows(ONE_DAY, values=read)


def test_a_quarter_that_is_said_to_be_more_than_all_of_its_gap_counts_and_the_day_is_estimated() -> None:
    for step, at, number, complete in ((ONE_DAY, 0, "94.69", "0.989"), (HOUR, 10, "5.89", "0.75")):
        told = rows(step, correction(41, "3.37", said=True))[at]  # and of the others three quarters of 3.36
        assert (told.value, told.status, told.method) == (Decimal(number), "estimated", "interpolated")
        assert told.completeness == Decimal(complete)
    net = rows(ONE_DAY, correction(41, "3.37", said=True, name=NET), name=NET)
    assert net == rows(ONE_DAY, name=NET)


def test_a_day_without_a_stand_at_its_end_has_no_number_while_a_gap_is_filled_in_part() -> None:
    assert rows(ONE_DAY, FILLED[1], values=stands((*OPEN, *range(90, 97))))[0].value is None


def test_a_correction_of_what_other_units_say_takes_the_place_of_nothing() -> None:
    litres = Correction(
        "m", REGISTER, START + 41 * QUARTER_HOUR, START + 42 * QUARTER_HOUR, Decimal(1), "m3", "validated"
    )
    (day,) = rows(ONE_DAY, litres)
    assert (day.value, day.completeness) == (None, Decimal("0.958"))


EACH_HOUR = {n for n in range(97) if n % 4}


@given(
    st.sets(st.integers(1, 95), max_size=60) | st.sampled_from([EACH_HOUR, set(range(1, 96))]),
    st.dictionaries(st.integers(0, 95), st.tuples(st.integers(-50, 300), st.booleans()), max_size=40),
)
def test_parts_make_the_whole_whatever_was_read_and_said(open_: set[int], said: dict[int, tuple[int, bool]]) -> None:
    made = [correction(at, str(Decimal(n) / 100), said=ok) for at, (n, ok) in said.items()]
    read = stands(sorted(open_))
    quarters, hours, days = (rows(step, *made, values=read) for step in (QUARTER_HOUR, HOUR, ONE_DAY))
    _add_up(quarters, hours, HOUR, made)
    _add_up(hours, days, ONE_DAY, made)
    exact = {row.start: row for row in rows(HOUR, values=read)}
    for row in hours:
        if row.status == "measured" and not any(_inside(each, row) for each in made):
            assert exact[row.start] == row


def _add_up(parts: Sequence[Row], wholes: Sequence[Row], step: timedelta, made: Sequence[Correction]) -> None:
    """An estimate that comes to what stands say counts as one again where somebody else's word changes the sum."""
    for whole in wholes:
        guessed = any(_inside(each, whole) and each.status == "estimated" for each in made)
        inside = [part for part in parts if whole.start <= part.start and part.end <= whole.end]
        numbers = [part.value for part in inside if part.value is not None and part.method != "interpolated"]
        if len(numbers) == step // (parts[0].end - parts[0].start):
            assert sum(numbers) == whole.value
            if all(part.status in ("measured", "validated") for part in inside) and not guessed:
                assert whole.status in ("measured", "validated")


def _inside(one: Correction, row: Row) -> bool:
    return row.start <= one.start and one.end <= row.end
