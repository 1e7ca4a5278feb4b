"""How far a stream has come with each of its households, and what it remembers of those that left it."""

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from gateway.clock import Clock
from gateway.door.late import OnceTold
from gateway.door.meant import Meant, Place
from gateway.door.opening import Open
from gateway.vault.port import Mark, Vault
from policies.terms import DetailClass, Grant, SubjectId


@dataclass(slots=True)
class Tail:
    """How far a stream has come with one household. ``latest``: no value up to the mark is later.

    ``grants``: all of the household in this stream. ``joules``: what was told in them before it came again. ``done``:
    intervals that end up to it were passed. ``told``: those of them that were told, and ``meant``: what readings meant
    then, of a stream in intervals.
    """

    opened: Open
    grants: Sequence[Grant]
    mark: Mark
    done: datetime
    latest: datetime
    told: OnceTold
    first: bool = True
    meant: Meant | None = None
    joules: Set[Place] = frozenset()


class Left:
    """What a stream in intervals told of households by grounds that stand no longer, for when they come again."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault, self._clock = vault, clock
        self._told: dict[SubjectId, OnceTold] = {}
        self._joules: dict[SubjectId, Set[Place]] = {}

    @property
    def remembered(self) -> Collection[SubjectId]:
        """Of whom something is."""
        return self._told.keys()

    def without(self, tails: Sequence[Tail]) -> list[Tail]:
        """Those whose ground stands. Of a household that has no keys any more nothing is remembered."""
        standing = [(tail, tail.opened.standing.still()) for tail in tails]
        for tail in [tail for tail, still in standing if not still]:
            self._keep(tail)
        for subject in [each for each in self._told if self._vault.oldest(each, DetailClass.DAY) is None]:
            del self._told[subject], self._joules[subject]
        return [tail for tail, still in standing if still]

    def again(self, tail: Tail) -> Tail:
        """One that joins, with what was told before of its household."""
        subject = tail.opened.grant.subject
        if (told := self._told.get(subject)) is not None:
            tail.told.remember(told)
            tail.joules = self._joules[subject]
        return tail

    def _keep(self, tail: Tail) -> None:
        subject = tail.opened.grant.subject
        self._told.setdefault(subject, OnceTold(self._clock())).remember(tail.told)
        joules = tail.joules if tail.meant is None else tail.meant.joules
        self._joules[subject] = self._joules.get(subject, frozenset()) | joules
