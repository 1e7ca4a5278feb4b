"""One partition for all recipients and purposes: cohorts that are disjoint, never below k, and kept together.

Within a place (a community, or a zone without communities) members are put into cohorts of at least ``k``, each with
the quantities that all of its members agreed to and whose meters tell them. A household is in an interval with all
quantities of its cohort or with none, so sums over several quantities speak of the same people. Of ``k`` are only
those counted whom nobody may see singly: the others can be taken off a sum by whoever sees them. The figure of a place
is the sum of all its cohorts, or nothing: so no difference between published figures is smaller than a cohort. A new
epoch keeps every cohort that nobody left and draws only the rest anew, because cohorts drawn anew each day would tell
every member's mean (see the privacy kit's long run).
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import chain, combinations

from policies.terms import Period, SubjectId

Members = frozenset[SubjectId]
MOST_SETS = 16
"""Sets of quantities, the most frequent, of which a common part is looked for."""


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


@dataclass(frozen=True, slots=True)
class Resident:
    """What is looked at in a household when cohorts are drawn.

    Attributes:
        holder: whose household it is; several of one holder count once.
        agreed: quantities that it allows figures of.
        told: quantities that its meters told in the epoch.
        seen: whether somebody may see it singly, or might have.
    """

    holder: bytes
    agreed: frozenset[str]
    told: frozenset[str]
    seen: bool

    @property
    def offers(self) -> frozenset[str]:
        return self.agreed & self.told


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who counts together, and for which quantities, all of them."""

    members: Members
    quantities: frozenset[str]


@dataclass(frozen=True, slots=True)
class CohortDay:
    """One epoch of a cohort: what a recipient of its figures may know. ``name``: ``place#day-number``."""

    name: str
    quantities: frozenset[str]
    interval: timedelta
    day: Period


Residents = Mapping[SubjectId, Resident]
_Order = Callable[[SubjectId], bytes]


# -- drawing


def draw(residents: Residents, before: Sequence[Cohort], k: int, order: _Order) -> list[Cohort]:
    """The cohorts of one place for one epoch, each with at least ``k`` holders whom nobody may see.

    ``before``: those of the epochs around, the nearest first; whoever of them is whole stays together. ``order``: a
    keyed hash, so that nobody outside can foresee the draw. The others are drawn by the greatest set of quantities that
    enough of them share; who shares none waits for the next epoch.
    """
    free, kept = dict(residents), list[Cohort]()
    for cohort in before:
        if (still := _still(cohort, free, k)) is not None:
            kept.append(still)
            for member in still.members:
                del free[member]
    free = {member: each for member, each in free.items() if each.offers}
    while (common := _greatest(free.values(), k)) is not None:
        group = {member: each for member, each in free.items() if each.offers >= common}
        kept += [Cohort(members, _common(free[m].offers for m in members)) for members in _split(group, k, order)]
        free = {member: each for member, each in free.items() if member not in group}
    return kept


def _still(cohort: Cohort, free: Residents, k: int) -> Cohort | None:
    """The same members, if all of them are there, agree, and enough are hidden; with more quantities if all have more.

    One whose meters told less for a while is not in its figures, and breaks nothing.
    """
    if not cohort.quantities or not cohort.members <= free.keys():
        return None
    mine = [free[member] for member in cohort.members]
    if not all(each.agreed >= cohort.quantities for each in mine) or len(_hidden(mine, cohort.quantities)) < k:
        return None
    common = _common(each.offers for each in mine)
    return Cohort(cohort.members, common) if common > cohort.quantities else cohort


def _hidden(some: Iterable[Resident], quantities: frozenset[str]) -> set[bytes]:
    """Holders whom nobody may see, of households that tell all of these."""
    return {each.holder for each in some if not each.seen and each.offers >= quantities}


def _common(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    first, *others = sets
    return first.intersection(*others)


def _greatest(free: Collection[Resident], k: int) -> frozenset[str] | None:
    """The greatest set of quantities that ``k`` hidden holders share."""
    by_set: dict[frozenset[str], set[bytes]] = {}
    for each in free:
        by_set.setdefault(each.offers, set()).update(_hidden([each], each.offers))
    usual = [some for some, _ in Counter(each.offers for each in free).most_common(MOST_SETS)]
    candidates = {*usual, *(one & two for one, two in combinations(usual, 2)), *map(_one, chain(*usual))} - {_NONE}
    for some in sorted(candidates, key=lambda some: (-len(some), sorted(some))):
        if len(set().union(*(holders for offers, holders in by_set.items() if offers >= some))) >= k:
            return some
    return None


_NONE = frozenset[str]()


def _one(quantity: str) -> frozenset[str]:
    return frozenset({quantity})


def _split(group: Residents, k: int, order: _Order) -> list[Members]:
    """As many cohorts as have ``k`` hidden holders each. The households of one holder stay together."""
    of_holder: dict[bytes, list[SubjectId]] = {}
    for member in sorted(group, key=order):
        of_holder.setdefault(group[member].holder, []).append(member)
    hidden = [mine for mine in of_holder.values() if not all(group[m].seen for m in mine)]
    others = [mine for mine in of_holder.values() if all(group[m].seen for m in mine)]
    count = len(hidden) // k
    return [frozenset(chain(*hidden[i::count], *others[i::count])) for i in range(count)]


# -- one interval of a cohort


@dataclass(slots=True)
class CellTally:
    """What is summed up of one interval, member by member. ``hidden``: sizes of loads, by holders who count."""

    sums: dict[str, Decimal] = field(default_factory=dict)
    hidden: dict[bytes, dict[str, Decimal]] = field(default_factory=dict)

    def add(self, loads: Mapping[str, Decimal], holder: bytes, *, seen: bool) -> None:
        """A member with all of its cohort's quantities."""
        own = None if seen else self.hidden.setdefault(holder, {})
        for quantity, load in loads.items():
            self.sums[quantity] = self.sums.get(quantity, Decimal(0)) + load
            if own is not None:
                own[quantity] = own.get(quantity, Decimal(0)) + abs(load)

    def slack(self, rule: SafetyRule) -> int:
        """How many hidden households, whichever, may be seen singly so that what is left may still be told.

        Below nothing where no figure may be told, of no quantity: one that were kept back follows from the others.
        ``k`` have to be hidden, and none of them to dominate what is left when all who are seen are taken off.
        """
        spare = len(self.hidden) - rule.k
        return spare if spare < 0 else min([spare, *(self._spare(quantity, rule.share) for quantity in self.sums)])

    def _spare(self, quantity: str, share: Decimal) -> int:
        """How many may be taken off until one dominates. The worst is that the largest stays and the next go."""
        largest, *others = sorted((mine[quantity] for mine in self.hidden.values()), reverse=True)
        left = largest + sum(others)
        for taken, size in enumerate([Decimal(0), *others], -1):
            left -= size
            if largest > share * left:
                return taken
        return len(others)
