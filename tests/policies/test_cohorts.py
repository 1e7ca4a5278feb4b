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
    assert draw(named(*range(4)), (), 2, lambda s: bytes([int(s[1]) ^ 1])) == [named(1, 3), named(0, 2)]
    assert draw(named(*range(4)), (), 2, lambda s: bytes([(1, 0, 2, 3)[int(s[1])]])) == [named(1, 2), named(0, 3)]
    by_three = draw(named(*range(9)), (), 3, lambda s: bytes([int(s[1]) * 4 % 9]))
    assert by_three == [named(0, 3, 6), named(7, 1, 4), named(5, 8, 2)]


def test_a_cohort_of_exactly_k_that_is_everybody_stays() -> None:
    members = named(0, 1, 2)
    assert draw(members, [members], 3, order) == [members]
    assert draw(members | named(9), [members], 3, order) == [members]
    assert draw(members, [members], 4, order) == []
    assert draw(named(*range(5)), [named(*range(5))], 2, order) == [named(*range(5))]


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


def test_where_the_rule_of_shares_is_off_one_may_be_nearly_all() -> None:
    assert figure([Decimal(0), Decimal(9)], SafetyRule(2, Decimal(1))) == 9
    assert figure([Decimal(-9), Decimal(1)], SafetyRule(2, Decimal(1))) == -8


def test_a_rule_of_two_members_and_of_the_whole_share_can_be_made() -> None:
    assert SafetyRule(2, Decimal(1)).k == 2


@pytest.mark.parametrize(("k", "share"), [(1, "1"), (0, "1"), (5, "0"), (5, "-0.1"), (5, "1.01"), (5, "2")])
def test_rules_that_protect_nobody_cannot_be_made(k: int, share: str) -> None:
    with pytest.raises(ValueError, match=r"^a cohort has at least 2 members, and a share lies in \(0, 1\]$"):
        SafetyRule(k, Decimal(share))


def test_the_rules_that_can_be_chosen_are_those_of_the_page() -> None:
    assert {name: (rule.k, rule.share) for name, rule in SAFETY_RULES.items()} == {
        "de-msbg": (5, 1),
        "us-15-15": (15, Decimal("0.15")),
        "strict": (50, Decimal("0.15")),
    }


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


@pytest.mark.parametrize(
    ("known", "silent", "hours", "closed"),
    [
        (5, 0, 0, True),
        (4, 0, 0, False),
        (4, 1, 0, True),
        (3, 2, 0, True),
        (3, 1, 0, False),
        (2, 3, 0, False),
        (3, 0, 1, True),
        (2, 0, 1, False),
        (2, 3, 23, False),
        (2, 3, 24, True),
        (0, 0, 24, True),
    ],
)
def test_a_cell_waits_for_whoever_delivers_and_never_for_whoever_is_silent(
    known: int, silent: int, hours: int, closed: bool
) -> None:
    assert closes(5, known, silent, 3, hours * HOUR, patience=HOUR, late=DAY) is closed


def test_a_cell_whose_members_are_all_known_is_closed_however_few_they_are() -> None:
    assert closes(2, 2, 0, 3, timedelta(0), patience=HOUR, late=DAY)
