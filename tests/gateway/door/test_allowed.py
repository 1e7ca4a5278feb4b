"""What of a period grounds allow: parts that follow each other, none twice, and what is left when some are held."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.door.allowed import Allowed
from policies.grounds import Scope
from policies.terms import (
    AS_RECEIVED,
    FAR_FUTURE,
    Grant,
    Household,
    Level,
    Period,
    Portfolio,
    Purpose,
    Reason,
    Recipient,
    Refusal,
    ReleaseRequest,
    SubjectId,
)
from tests.gateway.house import ACME, ENERGY, NOON

HOUR = timedelta(hours=1)
WHO, OTHER = SubjectId("a"), SubjectId("b")
Hours = tuple[int, int]


def period(begin: int, end: int) -> Period:
    """From noon, in hours."""
    return Period(NOON + begin * HOUR, NOON + end * HOUR)


def hours(periods: Sequence[Period]) -> list[Hours]:
    return [((each.start - NOON) // HOUR, (each.end - NOON) // HOUR) for each in periods]


def scope(values: Hours, recipient: Recipient = ACME, purpose: Purpose = Purpose.FORECAST) -> Scope:
    held, all_ = timedelta(0), period(0, 99)
    return Scope(recipient, purpose, frozenset({ENERGY}), AS_RECEIVED, Level.INDIVIDUAL, period(*values), all_, held)


class Ground:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope


class Book:
    """Whose grounds have which scopes."""

    def __init__(self, scopes: Mapping[SubjectId, Sequence[Scope]]) -> None:
        self.scopes = scopes

    def of(self, subject: SubjectId) -> Sequence[Ground]:
        return [Ground(each) for each in self.scopes[subject]]

    def subjects(self, recipient: Recipient) -> Sequence[SubjectId]:
        return sorted(who for who, all_ in self.scopes.items() if any(s.recipient == recipient for s in all_))


QUESTION = ReleaseRequest(
    ACME, Purpose.FORECAST, Portfolio(), frozenset({ENERGY}), AS_RECEIVED, Level.INDIVIDUAL, period(0, 24), "ref"
)


class Door:
    """Says yes to a period that lies in one of those that stand; writes down what it was asked."""

    def __init__(self, scopes: Mapping[SubjectId, Sequence[Scope]], stand: Sequence[Hours]) -> None:
        self.asked, self.stand = list[ReleaseRequest](), [period(*each) for each in stand]
        book: Any = Book(scopes)
        self.allowed = Allowed(book, self.may)

    def may(self, question: ReleaseRequest) -> Grant | Refusal:
        self.asked.append(question)
        assert isinstance(question.subject, Household)
        if not any(each.covers(question.period) for each in self.stand):
            return Refusal((Reason.NOT_IN_PROFILE,))
        return granted(question.subject.id, question.period)


def granted(subject: SubjectId, period: Period) -> Grant:
    q = QUESTION
    fixed = (q.recipient, q.purpose, q.quantities, q.resolution, q.level, period, FAR_FUTURE, timedelta(0))
    return Grant("g", subject, *fixed)


def of_one(values: Sequence[Hours], stand: Sequence[Hours], left: Sequence[Hours]) -> tuple[list[Hours], list[Hours]]:
    """What is granted, and what stays."""
    door = Door({WHO: [scope(each) for each in values]}, stand)
    grants, rest = door.allowed.of_one(QUESTION, WHO, [period(*each) for each in left])
    return hours([grant.period for grant in grants]), hours(rest)


@pytest.mark.parametrize(
    ("values", "left", "grants", "rest"),
    [
        ([(0, 24)], [(0, 24)], [(0, 24)], []),
        ([(6, 12)], [(0, 24)], [(6, 12)], [(0, 6), (12, 24)]),
        ([(6, 12), (12, 18)], [(0, 24)], [(6, 12), (12, 18)], [(0, 6), (18, 24)]),
        ([(6, 14), (12, 18)], [(0, 24)], [(6, 14), (14, 18)], [(0, 6), (18, 24)]),
        ([(0, 24)], [(0, 3), (20, 22)], [(0, 3), (20, 22)], []),
        ([(6, 12)], [(12, 24)], [], [(12, 24)]),
        ([], [(0, 24)], [], [(0, 24)]),
    ],
)
def test_each_part_that_some_ground_covers_is_granted_once_and_what_none_covers_is_left(
    values: list[Hours], left: list[Hours], grants: list[Hours], rest: list[Hours]
) -> None:
    assert of_one(values, values, left) == (grants, rest)


def test_of_a_ground_that_ended_the_parts_that_others_cover_are_granted_in_their_order() -> None:
    values, stand = [(0, 10), (1, 4), (5, 10)], [(1, 4), (5, 10)]
    assert of_one(values, stand, [(0, 3), (5, 8)]) == ([(1, 3), (5, 8)], [(0, 1)])


def test_of_grounds_that_begin_at_once_the_one_that_ends_first_comes_first() -> None:
    values = [(0, 12), (0, 6)]
    assert of_one(values, values, [(0, 24)]) == ([(0, 6), (6, 12)], [(12, 24)])


def test_the_question_is_asked_of_the_household_as_it_was_put_and_only_for_what_is_not_empty() -> None:
    door = Door({WHO: [scope((6, 12)), scope((12, 30)), scope((24, 30))]}, [(6, 12)])
    door.allowed.of_one(QUESTION, WHO, [QUESTION.period])
    mine = replace(QUESTION, subject=Household(WHO))
    assert door.asked == [replace(mine, period=period(6, 12)), replace(mine, period=period(12, 24))]


def test_what_was_agreed_with_somebody_else_or_for_something_else_divides_nothing() -> None:
    scopes = [scope((0, 24)), scope((0, 6), Recipient("other")), scope((0, 6), purpose=Purpose.RESEARCH)]
    door = Door({WHO: scopes}, [(0, 24)])
    grants, rest = door.allowed.of_one(QUESTION, WHO, [QUESTION.period])
    assert (hours([grant.period for grant in grants]), rest) == ([(0, 24)], [])


def test_of_all_households_of_a_recipient_what_is_held_is_not_looked_at_again() -> None:
    third = SubjectId("c")
    scopes = {WHO: [scope((0, 24))], OTHER: [scope((6, 24))], third: [scope((0, 24), Recipient("other"))]}
    door = Door(scopes, [(0, 24)])
    held = [granted(WHO, period(*each)) for each in ((3, 6), (12, 18))]
    found = door.allowed.of_all(QUESTION, held)
    assert [grant.subject for grant in found] == [WHO, WHO, WHO, OTHER]
    assert hours([grant.period for grant in found]) == [(0, 3), (6, 12), (18, 24), (6, 24)]
    assert [grant.subject for grant in door.allowed.of_all(QUESTION)] == [WHO, OTHER]
