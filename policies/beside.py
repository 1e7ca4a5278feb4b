"""Single values beside figures of a neighbourhood: who is seen singly, and what may be given after a figure was told.

The two are halves of one rule. What is given before a figure counts when its cohort is drawn (``shows``); what is given
after it leaves out what the figure's others are hidden by (``given_beside``).
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from policies.decide import ends
from policies.grounds import Ground
from policies.terms import AS_RECEIVED, FAR_FUTURE, Grant, Level, Period

_INSTANT = timedelta(microseconds=1)
_AHEAD = timedelta(hours=1)
"""By how much an ended ground is taken to reach beyond its end: clocks of meters run ahead."""


def shows(ground: Ground, period: Period) -> bool:
    """Whether somebody may see a household singly in a period by this ground, or could have before it ended.

    Whatever the detail and the quantity: a day's sum taken off the day's cells leaves those who are not seen as well as
    an hour's does, and a balance or a phase hangs together with a total. Who may have values as received sees the
    household from the first of them on for ever, also when the ground has ended: a stand that somebody is given later
    tells all that was used since.
    """
    scope = ground.scope
    if not scope.allows(Level.PSEUDONYMOUS):
        return False
    if scope.resolution != AS_RECEIVED or not scope.allows(Level.INDIVIDUAL):
        return not scope.values.intersect(period).empty and ends(ground) > period.start - _AHEAD
    ever = not scope.values.empty and ends(ground) - scope.values.start > -_AHEAD
    return ever and scope.values.start < period.end


def looked_at(grant: Grant) -> Period:
    """Where told hours stand in the way of a grant: in its period; as received also later ones.

    Two stands of a register tell what was used between, by whichever question, ground or recipient they came. So every
    stand that is given of a household, ever, follows all hours that were told with it hidden; that none is told around
    or before those that were given is the other half (``shows``).
    """
    return grant.period if grant.resolution != AS_RECEIVED else Period(grant.period.start, FAR_FUTURE)


def given_beside(grant: Grant, told: Sequence[Period]) -> list[Period]:
    """What of a grant's period may be given when told hours protect somebody, all that ``looked_at`` has of them.

    Of intervals those that lie between; as received only what follows the last.
    """
    if not told or grant.resolution != AS_RECEIVED:
        return between(grant.period, told)
    rest = Period(max(period.end for period in told) + _INSTANT, grant.period.end)
    return [] if rest.empty else [rest]


def between(period: Period, others: Iterable[Period]) -> list[Period]:
    """What of a period lies in none of the others, ascending; they may be many."""
    found, at = list[Period](), period.start
    for other in sorted(others, key=lambda each: each.start):
        if not (free := Period(at, min(other.start, period.end))).empty:
            found.append(free)
        at = max(at, other.end)
    if at < period.end:
        found.append(Period(at, period.end))
    return found
