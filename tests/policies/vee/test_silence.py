"""Days on which a meter said nothing at all: a run of them is one, it grows, and ends when the meter speaks."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from policies.terms import ONE_DAY
from policies.vee.order import silence
from policies.vee.silence import Silence, silent_days
from policies.vee.terms import Limits

FIRST = date(2026, 3, 1)
ENERGY, FEED, POWER = "1-0:1.8.0*255", "1-0:2.8.0*255", "1-0:1.7.0*255"


def days(count: int, first: date = FIRST) -> list[date]:
    return [first + n * ONE_DAY for n in range(count)]


def said(
    told: str, meter: str = "main", quantities: Sequence[str] = (ENERGY,)
) -> dict[date, dict[str, frozenset[str]]]:
    """One letter a day: x where the meter spoke."""
    return {
        day: {meter: frozenset(quantities)} for day, x in zip(days(len(told)), told, strict=True) if x == "x"
    }  # fmt: skip


def runs(told: str, before: Sequence[Silence] = ()) -> list[tuple[int, int]]:
    found = silent_days(days(len(told)), said(told), before)
    return [((each.first - FIRST).days, (each.last - FIRST).days) for each in found]


def slow(told: str) -> list[tuple[int, int]]:
    """Day by day: silent after the first word, in runs."""
    found: list[tuple[int, int]] = []
    for n, x in enumerate(told):
        if x == "x" or "x" not in told[:n]:
            continue
        if found and found[-1][1] == n - 1:
            found[-1] = (found[-1][0], n)
        else:
            found.append((n, n))
    return found


@given(st.text("x.", min_size=1, max_size=40))
def test_silent_days_are_those_after_the_first_word_each_run_once(told: str) -> None:
    assert runs(told) == slow(told)


@given(st.text("x.", min_size=2, max_size=60), st.data())
def test_a_window_that_moves_on_finds_what_a_longer_one_would(told: str, data: st.DataObject) -> None:
    """A look at the first days, then one that sees no more than the last ones."""
    whole = days(len(told))
    seen = data.draw(st.integers(1, len(told)))
    start = data.draw(st.integers(0, seen))
    first = silent_days(whole[:seen], said(told[:seen]))
    later = {day: some for day, some in said(told).items() if day in whole[start:]}
    found = silent_days(whole[start:], later, first)
    right = silent_days(whole, said(told))
    told_by_words = start < len(told) and told[start] == "x"
    if start == 0 or told_by_words or any(each.first <= whole[start - 1] <= each.last for each in first):
        assert sorted(found, key=lambda each: each.first) == right


def test_each_amount_is_missed_that_the_meter_told_when_it_spoke_last_and_no_power() -> None:
    spoken = said("x", quantities=(ENERGY, FEED, POWER))
    assert {each.quantity for each in silent_days(days(2), spoken)} == {ENERGY, FEED}


def test_another_meter_of_the_household_does_not_speak_for_it() -> None:
    both = {day: {"pump": frozenset({ENERGY})} | said("x..").get(day, {}) for day in days(3)}
    assert silent_days(days(3), both) == [Silence("main", ENERGY, FIRST + ONE_DAY, FIRST + 2 * ONE_DAY)]


def test_after_a_day_that_cannot_be_known_nobody_is_expected() -> None:
    known = [day for day in days(6) if day != FIRST + 3 * ONE_DAY]
    found = silent_days(known, said("x....."))
    assert found == [Silence("main", ENERGY, FIRST + ONE_DAY, FIRST + 2 * ONE_DAY)]


def test_a_run_that_ended_before_the_days_that_are_looked_at_stays() -> None:
    old = Silence("main", ENERGY, FIRST - 9 * ONE_DAY, FIRST - 5 * ONE_DAY)
    assert silent_days(days(2), said("xx"), [old]) == [old]
    assert silent_days([], {}, [old]) == [old]


def test_a_run_that_began_on_the_first_of_the_days_that_are_looked_at_goes_on() -> None:
    assert silent_days(days(3), {}, [Silence("main", ENERGY, FIRST, FIRST)]) == [
        Silence("main", ENERGY, FIRST, FIRST + 2 * ONE_DAY)
    ]


def test_its_exception_is_of_whole_local_days_and_none_where_the_rule_is_off() -> None:
    silent, zone = Silence("main", ENERGY, date(2026, 3, 28), date(2026, 3, 29)), ZoneInfo("Europe/Vienna")
    found = silence(silent, Limits(), zone)
    assert found is not None
    assert (found.rule, found.end - found.start) == ("consecutive-interval", timedelta(hours=47))
    assert found.numbers == (("days", Decimal(2)),)
    assert silence(silent, replace(Limits(), off=frozenset({"consecutive-interval"})), zone) is None
