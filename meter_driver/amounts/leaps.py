"""Which stands of a register are passed over: those that it takes back, and those that say nothing new.

Each is told from the stands near it alone, so that whoever reads as far as ``reach`` around an interval finds the same
number of it, whatever else he reads. What leaps, and is back within a few readings as if it had not leapt, was
nonsense; so was what rose as far as it could and then fell back to where it had been. A fall that nothing has taken
back yet may still be taken back: until that is decided, what a register says since is passed over.

Thinned readings (the first and the last of a stretch) say the same as all of them: so time counts as readings do.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import NamedTuple

from meter_driver.amounts.amount import HOUR_US
from meter_driver.amounts.stand import Bound, Stand, room, rose, rounded
from meter_driver.quantities import Kind

COMES_BACK = 3
"""Readings within which a register that leapt has to be back for the leap to be nonsense, and so many times the time
since the reading before it, or quarters of an hour."""
SOON = COMES_BACK * (HOUR_US // 4)
LONGEST = 4 * HOUR_US
"""How long nonsense lasts at most, from the stand before it to the one behind it; and, where a register is read more
seldom, so many times as many gaps as that many readings have."""
_NEARER = 8
"""How much nearer to the stand before than to the nonsense a register falls that only rose as far as it could;
and how much further than it went before a net register leaps to a nought that may be nonsense."""


def reach(length: int) -> int:
    """Microseconds on either side of intervals of that length, of which the stands decide what their numbers are.

    A number rests on stands no further from its interval than that is long, and no further from each other. Whatever
    takes one of them back has a gap that is as short.
    """
    return length + _lasts(length)


def settles(gap: int) -> int:
    """Microseconds after a leap, this long after the stand before it, from when on no stand can take it back."""
    return max(SOON, COMES_BACK * gap)


def _lasts(gap: int) -> int:
    return LONGEST + (COMES_BACK + 2) * gap


class Passed(NamedTuple):
    """Positions of stands.

    Attributes:
        over: of those that are passed over; never the first.
        stays: of those that leapt and, as is decided, do not come back.
    """

    over: Set[int]
    stays: Set[int]


_NOTHING = Passed(frozenset(), frozenset())


class _Nonsense(NamedTuple):
    """All between two stands that go on one from the other."""

    before: int
    behind: int

    @property
    def inside(self) -> range:
        return range(self.before + 1, self.behind)


def passed(stands: Sequence[Stand], kind: Kind, most: Bound, ended: int | None = None) -> Passed:
    """Of one meter's stands, ascending. ``ended``: when another meter is in its place; no leap is taken back then."""
    leaps = [n for n in range(1, len(stands)) if _leapt(stands, n, kind, most)]
    dips = frozenset() if kind is Kind.NET else _dips(stands)
    if not leaps:
        return Passed(dips, frozenset()) if dips else _NOTHING
    look = _Look(stands, kind, most, ended)
    found: list[_Nonsense] = []
    stays: set[int] = set()
    for leapt in leaps:
        last = look.last_of(leapt)
        if behind := look.comes_back(leapt, last):
            found.append(_Nonsense(leapt - 1, behind))
        elif behind is not None or look.over(last):
            stays.add(leapt)
    taken = {one.before + 1 for one in found}
    undecided = {n for leapt in leaps if leapt not in taken for n in look.undecided(leapt, found)}
    found += [both for leapt in leaps if leapt in stays and (both := look.fell_back(leapt)) is not None]
    return Passed(dips | undecided | _inside(stands, found), stays)


def _leapt(stands: Sequence[Stand], position: int, kind: Kind, most: Bound) -> bool:
    goes_on = _goes_on(stands[position - 1], stands[position], kind, most)
    return not goes_on or _to_nought(stands, position, kind)


def _to_nought(stands: Sequence[Stand], position: int, kind: Kind) -> bool:
    """A register that counts both ways may have gone there, however far it was; one that is garbled says it too.

    Told by how far it went before: one that is about nought says so honestly.
    """
    stand, before = stands[position], stands[position - 1]
    if kind is not Kind.NET or stand.value != 0 or position < 2:
        return False
    former, behind = stands[position - 2], stands[position + 1 : position + 2]
    shortest = min(stand.at - before.at, *(one.at - stand.at for one in behind)) if behind else stand.at - before.at
    went = abs(before.value - former.value) + max(before.digit, stand.digit)
    return stand.at - former.at <= _lasts(shortest) and abs(before.value) > _NEARER * went


def _goes_on(before: Stand, stand: Stand, kind: Kind, most: Bound) -> bool:
    went = rose(before.value, stand.value, kind, room(most, stand, before.at, before.digit))
    return went is not None or rounded(before.value, stand, kind)


class _Look(NamedTuple):
    stands: Sequence[Stand]
    kind: Kind
    most: Bound
    ended: int | None

    def last_of(self, leapt: int) -> int:
        """Until when what comes may decide."""
        before, stand = self.stands[leapt - 1], self.stands[leapt]
        return before.at + _lasts(stand.at - before.at)

    def over(self, last: int) -> bool:
        """Whether nothing more can come until then."""
        return self.ended is not None and self.ended <= last

    def comes_back(self, leapt: int, last: int) -> int | None:
        """Where the register goes on from where it was, as if it had not leapt; 0: it does not; None: it may yet.

        Readings that are not seen count too, but in the first quarters of an hour: it may be back with any of them.
        They are known whenever the stand before them is.
        """
        before, stand = self.stands[leapt - 1], self.stands[leapt]
        until = stand.at + settles(stand.at - before.at)
        nought = _to_nought(self.stands, leapt, self.kind)
        readings, shortest = 0, stand.at - before.at
        for position in range(leapt + 1, len(self.stands)):
            one = self.stands[position]
            readings += 1 + one.unseen
            if one.at > last and not one.unseen:
                return None
            shortest = min(shortest, one.at - self.stands[position - 1].at)
            if one.at > until or (readings > COMES_BACK and one.at > stand.at + SOON):
                return 0
            lasting = one.at - before.at <= _lasts(shortest)
            if lasting and self._nearer(before, one, stand, _NEARER if nought else 1):
                return position
            if position - leapt >= COMES_BACK or (nought and one.value != 0):
                return 0
        return None

    def undecided(self, leapt: int, known: Sequence[_Nonsense]) -> Iterator[int]:
        """Of a leap that is not taken back, and of what follows it, all that still may be, by what is near it.

        What leaps inside of nonsense, or back from it, is decided.
        """
        before, stand = self.stands[leapt - 1].at, self.stands[leapt].at
        shortest = stand - before
        around = [one for one in known if one.before < leapt <= one.behind]
        for position in range(leapt, min(leapt + COMES_BACK, len(self.stands))):
            one = self.stands[position].at
            if position + 1 < len(self.stands):
                shortest = min(shortest, self.stands[position + 1].at - one)
            last = before + _lasts(shortest)
            if one > last:
                return
            few = max(last, stand + (COMES_BACK + 1) * shortest)
            decided = self.over(last) or self.comes_back(leapt, few) == 0
            if not decided and not any(self._lasts_so(each, shortest) for each in around):
                yield position

    def _lasts_so(self, one: _Nonsense, shortest: int) -> bool:
        return self.stands[one.behind].at - self.stands[one.before].at <= _lasts(shortest)

    def fell_back(self, leapt: int) -> _Nonsense | None:
        """What a register leapt away from, if it goes on from a stand before that: seen from behind."""
        behind, last = self.stands[leapt], self.stands[leapt - 1]
        if _goes_on(last, behind, self.kind, self.most):
            return None
        since = last.at - settles(behind.at - last.at)
        readings, shortest, begin = 0, behind.at - last.at, last.at
        for position in range(leapt - 2, max(leapt - 2 - COMES_BACK, -1), -1):
            one, first = self.stands[position], self.stands[position + 1]
            readings, begin = readings + 1, first.at
            shortest = min(shortest, first.at - one.at)
            if begin < since or (readings > COMES_BACK and begin < last.at - SOON):
                return None
            since_seen = begin if first.unseen else one.at
            lasting = since_seen >= since and behind.at - one.at <= _lasts(shortest)
            if lasting and self._nearer(one, behind, last, _NEARER):
                decided = self.comes_back(leapt, one.at + _lasts(shortest)) == 0
                return _Nonsense(position, leapt) if decided else None
            readings += first.unseen
        return None

    def _nearer(self, before: Stand, behind: Stand, nonsense: Stand, times: int) -> bool:
        """Whether one goes on from the other, so much nearer to it than to what lies between."""
        known = self.most is not None or self.kind is not Kind.NET or nonsense.value == 0
        if not known or not _goes_on(before, behind, self.kind, self.most):
            return False
        return times * abs(behind.value - before.value) < abs(behind.value - nonsense.value)


def _inside(stands: Sequence[Stand], found: Iterable[_Nonsense]) -> Set[int]:
    """What lies inside of any, but not what a stand outside of all goes on from, or to: where there is nonsense again
    and again, that goes on from itself too."""
    short: list[_Nonsense] = []
    long: list[_Nonsense] = []
    for one in found:
        lasts = stands[one.behind].at - stands[one.before].at
        (short if 2 * lasts <= LONGEST else long).append(one)
    inside = {n for one in short for n in one.inside}
    held = {end for one in short for end, other in _ends(one) if other not in inside}
    return (inside - held) | {n for one in long for n in one.inside}


def _ends(one: _Nonsense) -> Iterator[tuple[int, int]]:
    yield one.before, one.behind
    yield one.behind, one.before


def _dips(stands: Sequence[Stand]) -> frozenset[int]:
    """Those that are rounded further down than the one before them, until it is reached again."""
    found = []
    top: Stand | None = None
    for position in range(1, len(stands)):
        before, stand = stands[position - 1], stands[position]
        if -stand.digit <= stand.value - before.value < 0:
            top = before
        if top is None:
            continue
        if stand.value >= top.value or stand.at - top.at > LONGEST:
            top = None
        elif top.value - stand.value <= stand.digit:
            found.append(position)
    return frozenset(found)
