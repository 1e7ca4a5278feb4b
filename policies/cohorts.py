"""One partition for all recipients and purposes: cohorts that are disjoint, never below k, and kept together.

Within a place (a community, or a zone without communities) members are put into cohorts of at least ``k``. The figure
of a place is the sum of all its cohorts, or nothing: so no difference between published figures is smaller than a
cohort. A new epoch keeps every cohort that nobody left and draws only the rest anew, because cohorts drawn anew each
day would tell every member's mean (see the privacy kit's long run).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from policies.terms import SubjectId

Cohort = frozenset[SubjectId]


@dataclass(frozen=True, slots=True)
class SafetyRule:
    """How small a group may be, and how much of its figure one member may be.

    ``k``: smallest number of members. ``share``: largest share of one member, 1 switches the rule off.
    """

    k: int
    share: Decimal

    def __post_init__(self) -> None:
        if self.k < 2 or not 0 < self.share <= 1:
            raise ValueError("a cohort has at least 2 members, and a share lies in (0, 1]")


SAFETY_RULES: Mapping[str, SafetyRule] = {
    "de-msbg": SafetyRule(5, Decimal(1)),
    "us-15-15": SafetyRule(15, Decimal("0.15")),
    "strict": SafetyRule(50, Decimal("0.15")),
}
"""MsbG section 52(3) practice; the 15/15 rule of US utilities; ours."""


def draw(
    members: frozenset[SubjectId], before: Sequence[Cohort], k: int, order: Callable[[SubjectId], bytes]
) -> list[Cohort]:
    """The cohorts of one place for one epoch.

    ``before``: those of the epochs around, the nearest first; whoever of them is whole stays together. ``order``: a
    keyed hash, so that nobody outside can foresee the draw. Members that do not fill a cohort of ``k`` wait for the
    next epoch.
    """
    kept: list[Cohort] = []
    for cohort in before:
        if len(cohort) >= k and cohort <= members.difference(*kept):
            kept.append(cohort)
    free = sorted(members.difference(*kept), key=order)
    count = len(free) // k
    drawn = [frozenset(free[i::count]) for i in range(count)]
    return [*kept, *drawn]


def figure(loads: Sequence[Decimal], profile: SafetyRule) -> Decimal | None:
    """The sum for one cohort and interval; None where too few members have a value or one of them dominates."""
    if len(loads) < profile.k:
        return None
    if max(abs(load) for load in loads) > profile.share * sum(abs(load) for load in loads):
        return None
    return sum(loads, Decimal(0))


def closes(
    members: int, known: int, silent: int, k: int, waited: timedelta, *, patience: timedelta, late: timedelta
) -> bool:
    """Whether a cell past its watermark is closed now, for ever, with those members whose value is known.

    A member that has delivered nothing since the interval began (``silent``) is left out at once. One that delivers,
    but whose register has not reached the end of the interval, is waited for during ``patience``. Too few are no
    figure: such a cell stays open, unpublished, until it is ``late``; it is closed without one then. ``waited``: how
    long ago the watermark was.
    """
    if known == members or waited >= late:
        return True
    return known >= k and (known + silent == members or waited >= patience)
