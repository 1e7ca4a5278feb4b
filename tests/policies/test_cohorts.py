"""Cohorts are disjoint, of k whom nobody may see, of one set of quantities, kept together, and silent rather than
telling."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.cohorts import (
    SAFETY_RULES,
    CellTally,
    Cohort,
    Members,
    Resident,
    SafetyRule,
    draw,
)
from policies.terms import SubjectId

TOTAL, LOW, FEED = "1-0:1.8.0*255", "1-0:1.8.1*255", "1-0:2.8.0*255"
ALL, PART = frozenset({TOTAL, LOW}), frozenset({TOTAL})
people = st.frozensets(st.integers(0, 200).map(lambda n: SubjectId(f"h{n}")), max_size=80)


def order(subject: SubjectId) -> bytes:
    return sha256(subject.encode()).digest()


def alike(members: Members, quantities: frozenset[str] = PART) -> dict[SubjectId, Resident]:
    """Each its own holder, seen by nobody; agreed to all that its meters tell."""
    return {m: Resident(m.encode(), quantities, quantities, seen=False) for m in members}


def groups(cohorts: Sequence[Cohort]) -> list[Members]:
    return [cohort.members for cohort in cohorts]


# -- who is together


@given(people, st.integers(2, 15))
def test_a_draw_is_disjoint_inside_the_members_and_never_below_k(members: Members, k: int) -> None:
    cohorts = groups(draw(alike(members), (), k, order))
    assert sum(len(c) for c in cohorts) == len(frozenset().union(*cohorts))
    assert all(k <= len(c) < 2 * k for c in cohorts)
    assert frozenset().union(*cohorts) <= members
    assert (len(members) >= k) == bool(cohorts)


@given(people, people, st.integers(2, 15))
def test_whoever_nobody_left_stays_together(first: Members, now: Members, k: int) -> None:
    before = draw(alike(first), (), k, order)
    after = draw(alike(now), before, k, order)
    assert [c for c in before if c.members <= now] == [c for c in after if c in before]


def named(*numbers: int) -> Members:
    return frozenset(SubjectId(f"h{n}") for n in numbers)


def test_the_keyed_order_decides_who_is_together_and_who_waits() -> None:
    members = alike(named(*range(7)))
    assert groups(draw(members, (), 3, lambda s: s.encode())) == [named(0, 2, 4, 6), named(1, 3, 5)]
    assert groups(draw(members, (), 3, lambda s: bytes(["6051423".index(s[1])]))) == [named(6, 5, 4, 3), named(0, 1, 2)]
    by_three = draw(alike(named(*range(9))), (), 3, lambda s: bytes(["031425768".index(s[1])]))
    assert groups(by_three) == [named(0, 4, 7), named(3, 2, 6), named(1, 5, 8)]


def test_a_cohort_of_exactly_k_that_is_everybody_stays() -> None:
    members = named(0, 1, 2)
    whole = [Cohort(members, PART)]
    assert draw(alike(members), whole, 3, order) == whole
    assert draw(alike(members | named(9)), whole, 3, order) == whole
    assert draw(alike(members), whole, 4, order) == []
    assert groups(draw(alike(named(*range(5))), [Cohort(named(*range(5)), PART)], 2, order)) == [named(*range(5))]


@given(people, people, people, st.integers(2, 15))
def test_cohorts_of_two_epochs_around_are_kept_as_far_as_they_are_disjoint(
    first: Members, second: Members, now: Members, k: int
) -> None:
    nearest = draw(alike(first), (), k, order)
    around = [*nearest, *draw(alike(second), (), k, lambda s: order(SubjectId(s + "x")))]
    cohorts = draw(alike(now), around, k, order)
    assert sum(len(c.members) for c in cohorts) == len(frozenset[SubjectId]().union(*groups(cohorts)))
    assert all(len(c.members) >= k for c in cohorts)
    assert [c for c in nearest if c.members <= now] == [c for c in cohorts if c in nearest]


@given(people, st.integers(2, 15))
def test_drawing_again_changes_nothing(members: Members, k: int) -> None:
    cohorts = draw(alike(members), (), k, order)
    assert draw(alike(members), cohorts, k, order) == cohorts


# -- for which quantities

towns = st.dictionaries(
    st.integers(0, 60).map(lambda n: SubjectId(f"h{n}")),
    st.builds(
        Resident,
        st.integers(0, 40).map(lambda n: bytes([n])),
        st.frozensets(st.sampled_from([TOTAL, LOW, FEED])),
        st.frozensets(st.sampled_from([TOTAL, LOW, FEED])),
        st.booleans(),
    ),
    max_size=60,
)


def hidden(town: Mapping[SubjectId, Resident], members: Members) -> int:
    return len({town[m].holder for m in members if not town[m].seen})


@given(towns, towns, st.integers(2, 8))
def test_each_member_agreed_to_all_quantities_of_its_cohort_and_k_holders_are_hidden_in_it(
    town: dict[SubjectId, Resident], later: dict[SubjectId, Resident], k: int
) -> None:
    first = draw(town, (), k, order)
    for known, cohorts in ((town, first), (later, draw(later, first, k, order))):
        members = [m for cohort in cohorts for m in cohort.members]
        assert len(members) == len(set(members))
        for cohort in cohorts:
            assert cohort.quantities
            assert all(known[m].agreed >= cohort.quantities for m in cohort.members)
            assert hidden(known, cohort.members) >= k


@given(towns, st.integers(2, 8))
def test_nobody_is_left_over_among_whom_a_cohort_could_still_be_drawn(town: dict[SubjectId, Resident], k: int) -> None:
    drawn = frozenset[SubjectId]().union(*groups(draw(town, (), k, order)))
    for quantity in (TOTAL, LOW, FEED):
        left = frozenset(m for m, each in town.items() if m not in drawn and quantity in each.offers)
        assert hidden(town, left) < k


def test_who_agreed_to_a_part_is_in_no_cohort_of_those_who_agreed_to_all() -> None:
    town = alike(named(0, 1, 2), ALL) | alike(named(3), PART)
    assert draw(town, (), 3, order) == [Cohort(named(0, 1, 2), ALL)]
    assert draw(town | alike(named(4, 5), PART), (), 3, order) == [
        Cohort(named(0, 1, 2), ALL),
        Cohort(named(3, 4, 5), PART),
    ]


def test_where_too_few_share_a_set_they_are_drawn_by_what_is_common_to_more() -> None:
    town = alike(named(0, 1), ALL) | alike(named(2, 3), frozenset({TOTAL, FEED}))
    assert draw(town, (), 3, order) == [Cohort(named(0, 1, 2, 3), PART)]
    assert draw(town, (), 5, order) == []


def test_a_common_part_is_looked_for_among_the_most_frequent_sets_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of pairs would grow with the square of theirs."""
    some, others = alike(named(0, 1), ALL | {FEED}), alike(named(2, 3), ALL | {"power"})
    town = alike(named(4, 5, 6)) | some | others
    assert draw(town, (), 3, order) == [Cohort(named(0, 1, 2, 3), ALL), Cohort(named(4, 5, 6), PART)]
    monkeypatch.setattr("policies.cohorts.MOST_SETS", 1)
    assert named(0, 1, 2, 3) not in groups(draw(town, (), 3, order))


def test_a_quantity_that_a_meter_does_not_tell_was_not_agreed_to_for_nothing() -> None:
    town = {m: replace(each, told=PART) for m, each in alike(named(*range(4)), ALL).items()}
    assert draw(town, (), 3, order) == [Cohort(named(*range(4)), PART)]


def test_a_member_that_told_nothing_for_a_day_breaks_no_cohort_and_does_not_count() -> None:
    before = [Cohort(named(*range(4)), ALL)]
    town = alike(named(*range(4)), ALL)
    silent = {m: replace(town[m], told=frozenset[str]()) for m in named(0)}
    assert draw(town | silent, before, 3, order) == before
    more = {m: replace(town[m], told=frozenset[str]()) for m in named(0, 1)}
    assert draw(town | more, before, 3, order) == []


def test_a_cohort_that_is_kept_gets_the_quantities_that_all_of_it_have_by_now() -> None:
    assert draw(alike(named(0, 1), ALL), [Cohort(named(0, 1), PART)], 2, order) == [Cohort(named(0, 1), ALL)]


# -- who counts


def seen(residents: dict[SubjectId, Resident], members: Members) -> dict[SubjectId, Resident]:
    return residents | {m: replace(residents[m], seen=True) for m in members}


def test_whom_somebody_may_see_hides_nobody_and_is_dealt_among_those_who_do() -> None:
    town = seen(alike(named(*range(8))), named(0, 1, 2, 3))
    (one, two) = draw(town, (), 2, order)
    assert [hidden(town, c.members) for c in (one, two)] == [2, 2]
    assert one.members | two.members == named(*range(8))
    assert draw(town, (), 5, order) == []
    assert draw(town, [Cohort(named(0, 1, 4), PART)], 2, order) != [Cohort(named(0, 1, 4), PART)]


def test_the_households_of_one_holder_count_once_and_stay_together() -> None:
    town = {
        m: replace(each, holder=b"one") if m in named(0, 1, 2) else each for m, each in alike(named(*range(5))).items()
    }
    assert draw(town, (), 4, order) == []
    (whole,) = draw(town, (), 3, order)
    assert whole.members == named(*range(5))
    assert len(draw(town, (), 2, order)) == 1


# -- one interval


def summed(loads: Sequence[int], seen: int = 0, holders: Sequence[bytes] = ()) -> CellTally:
    """The first ``seen`` of them are seen by somebody."""
    made = CellTally()
    for n, load in enumerate(loads):
        made.add({TOTAL: Decimal(load)}, holders[n] if holders else bytes([n]), seen=n < seen)
    return made


def test_too_few_who_are_hidden_or_one_that_dominates_are_not_told() -> None:
    plain, half = SafetyRule(3, Decimal(1)), SafetyRule(3, Decimal("0.5"))
    assert summed([1, 2]).slack(plain) < 0
    assert summed([1, 2, 9]).slack(plain) >= 0
    assert summed([1, 2, 9]).sums == {TOTAL: 12}
    assert summed([1, 2, 9]).slack(half) < 0
    assert summed([1, 2, 3]).slack(half) >= 0


def test_who_is_seen_is_in_the_sum_and_does_not_count() -> None:
    rule = SafetyRule(3, Decimal("0.5"))
    assert summed([9, 1, 2], seen=1).slack(rule) < 0
    four = summed([9, 1, 2, 2], seen=1)
    assert four.slack(rule) >= 0, "what is left without the first has nobody that dominates"
    assert four.sums == {TOTAL: 14}


def test_several_households_of_one_holder_are_one_that_may_dominate() -> None:
    assert summed([1, 1, 1, 1], holders=[b"a", b"a", b"b", b"c"]).slack(SafetyRule(4, Decimal(1))) < 0
    assert summed([1, 1, 1, 1], holders=[b"a", b"a", b"b", b"c"]).slack(SafetyRule(3, Decimal("0.5"))) >= 0
    assert summed([2, 1, 1, 1], holders=[b"a", b"a", b"b", b"c"]).slack(SafetyRule(3, Decimal("0.5"))) < 0


def test_one_quantity_that_is_dominated_keeps_all_of_them_back() -> None:
    made = CellTally()
    for n, feed in enumerate([9, 0, 0]):
        made.add({TOTAL: Decimal(1), FEED: Decimal(feed)}, bytes([n]), seen=False)
    assert made.slack(SafetyRule(3, Decimal("0.5"))) < 0
    assert made.slack(SafetyRule(3, Decimal(1))) >= 0


@pytest.mark.parametrize("loads", [[9, -1, -1], [9, -4, -4], [-9, 4, 4], [5, -5, 1], [1, 1, -9]])
def test_dominance_is_by_the_size_of_loads_not_by_their_sum(loads: list[int]) -> None:
    """Feeding in takes from the sum: by the sum itself a share could be any number, or below nothing."""
    sizes = [abs(load) for load in loads]
    expected = max(sizes) <= Decimal("0.6") * sum(sizes)
    assert (summed(loads).slack(SafetyRule(3, Decimal("0.6"))) >= 0) is expected


def test_where_the_rule_of_shares_is_off_one_may_be_nearly_all() -> None:
    assert summed([0, 9]).slack(SafetyRule(2, Decimal(1))) >= 0
    assert summed([-9, 1]).sums == {TOTAL: -8}


HOUSEHOLDS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(-9, 9), st.integers(0, 9), st.booleans()), min_size=1, max_size=7
)
"""Holder, two quantities, whether it is seen."""


def tally(households: Sequence[tuple[int, int, int, bool]]) -> CellTally:
    made = CellTally()
    for holder, total, feed, is_seen in households:
        made.add({TOTAL: Decimal(total), FEED: Decimal(feed)}, bytes([holder]), seen=is_seen)
    return made


def may_be_told(hidden: Sequence[tuple[int, int, int, bool]], rule: SafetyRule) -> bool:
    """The rule as the page has it, for each quantity."""
    for load in (1, 2):
        sizes = Counter[int]()
        for each in hidden:
            sizes[each[0]] += abs(int(each[load]))
        if len(sizes) < rule.k or max(sizes.values()) > rule.share * sum(sizes.values()):
            return False
    return True


@given(HOUSEHOLDS, st.integers(2, 4), st.sampled_from(["0.3", "0.5", "0.7", "1"]))
def test_as_many_as_the_slack_says_may_be_seen_whoever_they_are(
    households: list[tuple[int, int, int, bool]], k: int, share: str
) -> None:
    rule = SafetyRule(k, Decimal(share))
    hidden = [each for each in households if not each[3]]
    slack = tally(households).slack(rule)
    assert (slack >= 0) is may_be_told(hidden, rule)
    for taken in range(slack + 1):
        for left in combinations(hidden, len(hidden) - taken):
            assert may_be_told(left, rule)


@given(HOUSEHOLDS, st.integers(2, 4), st.sampled_from(["0.3", "0.5", "0.7", "1"]))
def test_one_more_than_the_slack_would_be_too_many_where_each_is_its_own_holder(
    households: list[tuple[int, int, int, bool]], k: int, share: str
) -> None:
    rule = SafetyRule(k, Decimal(share))
    alone = [(n, *each[1:3], False) for n, each in enumerate(households)]
    if (slack := tally(alone).slack(rule)) >= 0:
        assert not all(may_be_told(left, rule) for left in combinations(alone, len(alone) - slack - 1))


def test_where_shares_count_fewer_may_be_seen_than_heads_are_to_spare() -> None:
    assert summed([4, 4, 4, 4, 4, 4]).slack(SafetyRule(3, Decimal("0.25"))) == 2
    assert summed([4, 2, 2, 2, 2, 2]).slack(SafetyRule(3, Decimal("0.34"))) == 1
    assert summed([4, 4, 4, 4, 4, 4]).slack(SafetyRule(3, Decimal(1))) == 3


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
