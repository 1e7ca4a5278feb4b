"""From a register's stands to runs: exchanges, roll-overs, resets and nonsense told apart.

A *run* is one register that was read again and again. Where neither a serial number nor a declaration tells, a rise
that no connection can carry, and a fall that is no roll-over, begin another run; what leaps and comes back within a few
readings was nonsense and is passed over; a fall by no more than the last digit is rounding.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from operator import attrgetter
from typing import NamedTuple

from meter_driver.amounts.amount import divided
from meter_driver.amounts.leaps import passed
from meter_driver.amounts.stand import Bound, Stand, rolled_over, room, rose, rounded
from meter_driver.quantities import Kind


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
    without a gap. ``digits``: the last in which each was said; where there are none, 1.
    """

    ats: list[int] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    follows: bool = False
    said: int = 0
    digits: list[int] = field(default_factory=list)

    def stand(self, at: int, widest: int) -> tuple[int | None, bool]:
        """Where it stood, and whether that was read. Between two readings on the straight line, rounded to their last
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
        digit = min(self.digits[right - 1 : right + 1], default=1)
        return low + divided((high - low) * (at - began), span * digit) * digit, False


def runs_of(
    stands: Sequence[Stand],
    kind: Kind,
    most: Bound = None,
    exchanges: Sequence[Exchange] = (),
    *,
    ended: int | None = None,
) -> list[Run]:
    """Runs of one register place, ascending. ``stands`` as ``in_order`` has them.

    ``exchanges`` ascending; another serial number ends a run whether or not somebody declared it. Where both meters say
    what they stood at in one instant, nothing went by between them.
    ``ended``: when nothing of the last meter comes any more; None: something may.
    """
    runs: list[Run] = []
    groups = [*_groups(stands, exchanges)]
    ends = [*(group[0].at for group, _ in groups[1:]), ended]
    for (group, between), until in zip(groups, ends, strict=False):
        pieces = list(_pieces(group, kind, most, until))
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
        old.digits.append(first.digit)
        old.values.append(old.values[-1] + (begun[0] or 0))
    if last.at < new.ats[0]:
        new.ats.insert(0, last.at)
        new.digits.insert(0, last.digit)
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
    limit = room(most, Stand(at, after, digit=exchange.digit), since)
    went = rose(before, after, kind, limit)
    return rolled_over(before, after, kind, limit) if went is None else went


def _pieces(stands: Sequence[Stand], kind: Kind, most: Bound, ended: int | None) -> Iterator[Run]:
    """One meter's stands as runs, without what was nonsense. What fell and may still come back did not roll over."""
    first = stands[0]
    run, before = _begun(first), first.value
    over, stays = passed(stands, kind, most, ended)
    for position in range(1, len(stands)):
        if position in over:
            continue
        stand = stands[position]
        limit = room(most, stand, run.ats[-1], run.digits[-1])
        went = rose(before, stand.value, kind, limit)
        if went is None and rounded(before, stand, kind):
            went = 0
        if went is None and position in stays:
            went = rolled_over(before, stand.value, kind, limit)
        if went is None:
            yield run
            run = _begun(stand)
        else:
            run.ats.append(stand.at)
            run.values.append(run.values[-1] + went)
            run.digits.append(stand.digit)
        before = run.said = stand.value
    yield run


def _begun(stand: Stand) -> Run:
    return Run([stand.at], [stand.value], said=stand.value, digits=[stand.digit])
