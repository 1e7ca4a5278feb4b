"""Cohorts are disjoint, never below k, kept together, and silent rather than telling."""

from datetime import timedelta
from decimal import Decimal
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cohorts import SAFETY_RULES, SafetyRule, closes, draw, figure
from policies.terms import SubjectId

people = st.frozensets(st.integers(0, 200).map(lambda n: SubjectId(f"h{n}")), max_size=80)


def order(subject: SubjectId) -> bytes:
    return sha256(subject.encode()).digest()


@given(people, st.integers(2, 15))
def test_a_draw_is_disjoint_inside_the_members_and_never_below_k(members: frozenset[SubjectId], k: int) -> None:
    cohorts = draw(members, (), k, order)
    assert sum(len(c) for c in cohorts) == len(frozenset().union(*cohorts))
    assert all(k <= len(c) < 2 * k for c in cohorts)
    assert frozenset().union(*cohorts) <= members
    assert (len(members) >= k) == bool(cohorts)


@given(people, people, st.integers(2, 15))
def test_whoever_nobody_left_stays_together(first: frozenset[SubjectId], now: frozenset[SubjectId], k: int) -> None:
    before = draw(first, (), k, order)
    after = draw(now, before, k, order)
    assert [c for c in before if c <= now] == [c for c in after if c in before]


def named(*numbers: int) -> frozenset[SubjectId]:
    return frozenset(SubjectId(f"h{n}") for n in numbers)


def test_the_keyed_order_decides_who_is_together_and_who_waits() -> None:
    members = named(*range(7))
    assert draw(members, (), 3, lambda s: s.encode()) == [named(0, 2, 4, 6), named(1, 3, 5)]
    assert draw(members, (), 3, lambda s: bytes([255 - ord(s[1])])) == [named(6, 4, 2, 0), named(5, 3, 1)]
    by_three = draw(named(*range(9)), (), 3, lambda s: bytes([int(s[1]) * 4 % 9]))
    assert by_three == [named(0, 3, 6), named(7, 1, 4), named(5, 8, 2)]


def test_a_cohort_of_exactly_k_that_is_everybody_stays() -> None:
    members = named(0, 1, 2)
    assert draw(members, [members], 3, order) == [members]
    assert draw(members | named(9), [members], 3, order) == [members]
    assert draw(members, [members], 4, order) == []


@given(people, people, people, st.integers(2, 15))
def test_cohorts_of_two_epochs_around_are_kept_as_far_as_they_are_disjoint(
    first: frozenset[SubjectId], second: frozenset[SubjectId], now: frozenset[SubjectId], k: int
) -> None:
    around = [*draw(first, (), k, order), *draw(second, (), k, lambda s: order(SubjectId(s + "x")))]
    cohorts = draw(now, around, k, order)
    assert sum(len(c) for c in cohorts) == len(frozenset[SubjectId]().union(*cohorts))
    assert all(len(c) >= k for c in cohorts)
    assert [c for c in draw(first, (), k, order) if c <= now] == [c for c in cohorts if c in draw(first, (), k, order)]


@given(people, st.integers(2, 15))
def test_drawing_again_changes_nothing(members: frozenset[SubjectId], k: int) -> None:
    cohorts = draw(members, (), k, order)
    assert draw(members, cohorts, k, order) == cohorts


def test_too_few_values_or_one_that_dominates_give_no_figure() -> None:
    plain, fifteen = SafetyRule(3, Decimal(1)), SafetyRule(3, Decimal("0.5"))
    assert figure([Decimal(1), Decimal(2)], plain) is None
    assert figure([Decimal(1), Decimal(2), Decimal(9)], plain) == 12
    assert figure([Decimal(1), Decimal(2), Decimal(9)], fifteen) is None
    assert figure([Decimal(1), Decimal(2), Decimal(3)], fifteen) == 6


def test_one_that_feeds_in_dominates_as_well() -> None:
    assert figure([Decimal(1), Decimal(1), Decimal(-9)], SafetyRule(3, Decimal("0.5"))) is None


@pytest.mark.parametrize("loads", [[9, -1, -1], [9, -4, -4], [-9, 4, 4], [5, -5, 1]])
def test_dominance_is_by_the_size_of_loads_not_by_their_sum(loads: list[int]) -> None:
    """Feeding in takes from the sum: by the sum itself a share could be any number, or below nothing."""
    half = SafetyRule(3, Decimal("0.6"))
    sizes = [abs(load) for load in loads]
    expected = None if max(sizes) > Decimal("0.6") * sum(sizes) else sum(loads)
    assert figure([Decimal(load) for load in loads], half) == expected


def test_profiles_that_protect_nobody_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        SafetyRule(1, Decimal(1))
    with pytest.raises(ValueError, match="share"):
        SafetyRule(5, Decimal(0))
    assert SAFETY_RULES["strict"].k == 50


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@given(st.integers(3, 20), st.integers(0, 20), st.integers(0, 20), st.integers(0, 30))
def test_a_cell_closes_early_only_with_enough_of_its_members(members: int, known: int, silent: int, hours: int) -> None:
    known = min(known, members)
    silent = min(silent, members - known)
    waited = hours * HOUR
    closed = closes(members, known, silent, 3, waited, patience=HOUR, late=DAY)
    if known < 3:
        assert closed == (waited >= DAY)
    elif waited >= HOUR:
        assert closed
    else:
        assert closed == (known + silent == members)
