"""Differences of a register's stands: exchanges, roll-overs, resets and nonsense told apart.

A *run* is one register that was read again and again; the value of an interval is a difference inside a run, or across
runs that follow on each other because both stands of the exchange were written down. Where neither a serial number nor
a declaration tells, a rise that no connection can carry, and a fall that is no roll-over, begin another run; what leaps
and comes back within a few readings was nonsense and is passed over; a fall by no more than the last digit is rounding.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby, pairwise
from operator import attrgetter
from typing import NamedTuple

from msgspec import Struct

from meter_driver.amounts.amount import HOUR_US, Amount, Edges, Method, Status, divided
from meter_driver.quantities import Kind

Bound = int | Fraction | None
"""Mantissas an hour that a connection can carry; None: no bound is known."""
COMES_BACK = 3
"""Readings within which a register that leapt has to be back for the leap to be nonsense, and so many times the time
since the reading before it, or quarters of an hour."""


class Stand(Struct, frozen=True, gc=False):
    """What a register said at an instant.

    Attributes:
        serial: of the meter as its telegram names it, "" where it does not.
        digit: the last digit in which it was said, as a mantissa; more than 1 where others were said finer.
        unseen: readings between the stand before and this one of which only the number is known.
    """

    at: int
    value: int
    serial: str = ""
    digit: int = 1
    unseen: int = 0


class Exchange(NamedTuple):
    """A declared exchange or set-back: what the old register said last and the new one first; None: nobody wrote it.

    ``digit``: the last digit in which they were written down, as a mantissa.
    """

    at: int
    last: int | None = None
    first: int | None = None
    digit: int = 1


@dataclass(slots=True)
class Run:
    """``values`` have roll-overs undone; ``said``: the newest as the register says it; ``follows``: on the run before,
    without a gap.
    """

    ats: list[int] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    follows: bool = False
    said: int = 0

    def stand(self, at: int, widest: int) -> tuple[int | None, bool]:
        """Where it stood, and whether that was read. Between two readings on the straight line, rounded to the last
        digit, unless they are further apart than ``widest``; None there and outside.
        """
        right = bisect_left(self.ats, at)
        if right == len(self.ats):
            return None, False
        if self.ats[right] == at:
            return self.values[right], True
        if right == 0:
            return None, False
        began, span = self.ats[right - 1], self.ats[right] - self.ats[right - 1]
        if span > widest:
            return None, False
        low, high = self.values[right - 1], self.values[right]
        return low + divided((high - low) * (at - began), span), False


def amounts(runs: Sequence[Run], edges: Edges) -> list[Amount]:
    """Of each interval that the runs enclose, or touch (then it is missing); the others are left out."""
    if not runs:
        return []
    begins, ends = [run.ats[0] for run in runs], [run.ats[-1] for run in runs]
    found = []
    for begin, end in edges:
        first = bisect_right(begins, begin) - 1
        last = bisect_left(ends, end)
        if first >= 0 and last < len(runs) and first <= last and ends[first] >= begin and begins[last] <= end:
            amount = _across(runs, first, last, begin, end)
        else:
            amount = None
        if amount is None:
            amount = _touched(runs[max(first, 0) : last + 1], begin, end)
        if amount is not None:
            found.append(amount)
    return found


def _across(runs: Sequence[Run], first: int, last: int, begin: int, end: int) -> Amount | None:
    following = runs[first + 1 : last + 1]
    if following and not all(run.follows for run in following):
        return None
    low, low_read = runs[first].stand(begin, end - begin)
    high, high_read = runs[last].stand(end, end - begin)
    if low is None or high is None:
        return None
    total = high - low
    for before, after in pairwise(runs[first : last + 1]) if following else ():
        total += before.values[-1] - after.values[0]
    if low_read and high_read:
        return Amount(begin, end, total, Status.MEASURED, Method.NONE, end - begin)
    return Amount(begin, end, total, Status.ESTIMATED, Method.INTERPOLATED, end - begin)


def _touched(runs: Sequence[Run], begin: int, end: int) -> Amount | None:
    """What readings touch and do not enclose is missing."""
    if not any(run.ats[0] < end and run.ats[-1] > begin for run in runs):
        return None
    return Amount(begin, end, None, Status.MISSING, Method.NONE, _covered(runs, begin, end))


def _covered(runs: Sequence[Run], begin: int, end: int) -> int:
    """Between readings that are no further apart than the interval is long: of more they do not speak."""
    covered = 0
    for run in runs:
        first, last = max(bisect_right(run.ats, begin) - 1, 0), bisect_left(run.ats, end) + 1
        for low, high in pairwise(run.ats[first:last]):
            if high - low <= end - begin:
                covered += min(high, end) - max(low, begin)
    return covered


# -- from stands to runs


def runs_of(stands: Sequence[Stand], kind: Kind, most: Bound = None, exchanges: Sequence[Exchange] = ()) -> list[Run]:
    """Runs of one register place, ascending. ``stands`` as ``in_order`` has them.

    ``exchanges`` ascending; another serial number ends a run whether or not somebody declared it. Where both meters say
    what they stood at in one instant, nothing went by between them.
    """
    runs: list[Run] = []
    for group, between in _groups(stands, exchanges):
        pieces = list(_pieces(group, kind, most))
        pieces[0].follows = bool(runs) and runs[-1].ats[-1] == pieces[0].ats[0]
        if between and runs:
            runs += _tied(runs[-1], pieces[0], between, kind, most)
        runs += pieces
    return runs


def in_order(stands: Sequence[Stand]) -> Sequence[Stand]:
    """Of one instant first the stand of the meter that was there before, last that of the one that is there afterwards.

    ``stands`` ascending by instant, of each serial number once. One that names none is left out beside one that does.
    """
    if len({stand.at for stand in stands}) == len(stands):
        return stands
    instants = [list(some) for _, some in groupby(stands, key=attrgetter("at"))]
    instants = [[stand for stand in some if stand.serial] or some for some in instants]
    before, after = _last_alone(instants), _last_alone(instants[::-1])[::-1]
    return [stand for some in zip(instants, before, after, strict=True) for stand in _old_first(*some)]


def _old_first(some: Sequence[Stand], old: str, new: str) -> Sequence[Stand]:
    return sorted(some, key=lambda stand: (stand.serial != old, stand.serial == new))


def _last_alone(instants: Sequence[Sequence[Stand]]) -> list[str]:
    """Of each instant who was named last before it; "" where that were several."""
    found, serial = [], ""
    for some in instants:
        found.append(serial)
        serial = "" if len(some) > 1 else some[0].serial or serial
    return found


def _groups(
    stands: Sequence[Stand], exchanges: Sequence[Exchange]
) -> Iterator[tuple[Sequence[Stand], Sequence[Exchange]]]:
    """Stands of one meter each, with the declared exchanges since the one before: two, when one was never read."""
    start, began, done = 0, exchanges[:0], 0
    serial = ""
    for position, stand in enumerate(stands):
        before = done
        while done < len(exchanges) and exchanges[done].at <= stand.at:
            if exchanges[done].at == stand.at and _is_last_of(serial, stands, position):
                break
            done += 1
        changed = bool(serial and stand.serial and stand.serial != serial)
        serial = stand.serial or serial
        if position and (done > before or changed):
            yield stands[start:position], began
            start, began = position, exchanges[before:done]
    if stands:
        yield stands[start:], began


def _is_last_of(serial: str, stands: Sequence[Stand], position: int) -> bool:
    """Whether a stand at the instant of an exchange is known to be the old meter's: the next names another."""
    if not serial or stands[position].serial != serial or position + 1 == len(stands):
        return False
    return stands[position + 1].serial not in ("", serial)


def _tied(old: Run, new: Run, between: Sequence[Exchange], kind: Kind, most: Bound) -> Sequence[Run]:
    """Ties a run to the one before by what was written down; the result: registers that came and went between them.

    Nothing is tied where a stand is not known, or is none that the register can have had then.
    """
    begun = [_went_on(each, old.said, old.ats[-1], each.at, each.last, kind, most) for each in between[:1]]
    ended = [_went_on(each, each.first, each.at, new.ats[0], new.values[0], kind, most) for each in between[-1:]]
    middle = [_went_on(b, a.first, a.at, b.at, b.last, kind, most) for a, b in pairwise(between)]
    if any(went is None for went in (*begun, *middle, *ended)):
        return ()
    first, last, new.follows = between[0], between[-1], True
    if first.at > old.ats[-1]:
        old.ats.append(first.at)
        old.values.append(old.values[-1] + (begun[0] or 0))
    if last.at < new.ats[0]:
        new.ats.insert(0, last.at)
        new.values.insert(0, new.values[0] - (ended[0] or 0))
    return [Run([a.at, b.at], [0, went or 0], True) for (a, b), went in zip(pairwise(between), middle, strict=True)]


def _went_on(
    exchange: Exchange,
    before: int | None,
    since: int,
    at: int,
    after: int | None,
    kind: Kind,
    most: Bound,
) -> int | None:
    """How far a register went to or from a stand that was written down, perhaps rounded; None: it cannot have."""
    if before is None or after is None:
        return None
    if kind is not Kind.NET and -exchange.digit <= after - before < 0:
        return 0
    return _went(before, after, kind, _room(most, Stand(at, after, digit=exchange.digit), since))


def _pieces(stands: Sequence[Stand], kind: Kind, most: Bound) -> Iterator[Run]:
    """One meter's stands as runs, without what was nonsense."""
    run, before, skip_to = Run(), 0, 0
    for position, stand in enumerate(stands):
        if position < skip_to:
            continue
        if not run.ats:
            run.ats.append(stand.at)
            run.values.append(stand.value)
            before = run.said = stand.value
            continue
        delta = stand.value - before
        if kind is not Kind.NET and -stand.digit <= delta < 0:
            continue  # shown rounded further down than before: it says nothing new
        room = _room(most, stand, run.ats[-1])
        went = _went(before, stand.value, kind, room)
        if (went is None or (delta < 0 and kind is not Kind.NET)) and (
            back := _comes_back(stands, position, before, run.ats[-1], kind, most)
        ):
            skip_to = back
            continue
        if went is None:
            yield run
            run = Run([stand.at], [stand.value])
        else:
            run.ats.append(stand.at)
            run.values.append(run.values[-1] + went)
        before = run.said = stand.value
    if run.ats:
        yield run


def _room(most: Bound, stand: Stand, since: int) -> int | None:
    """How far it can have gone since then, and one digit for rounding."""
    return None if most is None else most * (stand.at - since) // HOUR_US + stand.digit


def _went(before: int, after: int, kind: Kind, room: int | None) -> int | None:
    """How far a register went; None: it cannot have gone so."""
    delta = after - before
    if delta >= 0 or kind is Kind.NET:
        return delta if room is None or abs(delta) <= room else None
    if kind is Kind.PERIODIC:
        return None
    span = 10 ** len(str(before))
    if 10 * before >= 9 * span and 10 * after < span:
        went = after + span - before
        return went if room is None or went <= room else None
    return None


def _comes_back(stands: Sequence[Stand], position: int, before: int, last_at: int, kind: Kind, most: Bound) -> int:
    """Where the register goes on from where it was, as if it had not leapt; 0: it does not.

    Thinned readings (the first and the last of a stretch) say the same as all of them: so time counts as readings do,
    and those that are not seen count too, but in the first quarters of an hour: it may be back with any of them.
    """
    leapt, passed = stands[position], 0
    soon = leapt.at + COMES_BACK * (HOUR_US // 4)
    until = max(soon, leapt.at + COMES_BACK * (leapt.at - last_at))
    for later in range(position + 1, min(position + 1 + COMES_BACK, len(stands))):
        stand = stands[later]
        passed += 1 + stand.unseen
        if passed > COMES_BACK and stand.at > soon:
            break
        delta, room = stand.value - before, _room(most, stand, last_at)
        goes_on = (delta >= 0 or kind is Kind.NET) and abs(delta) < abs(stand.value - leapt.value)
        known = room is not None or kind is not Kind.NET
        if stand.at <= until and goes_on and known and (room is None or abs(delta) <= room):
            return later
    return 0
