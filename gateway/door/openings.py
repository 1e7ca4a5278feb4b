"""What each recipient may know of the grounds that name it, kept in step with them.

It is worked out when a ground comes, changes or leaves: a question about one household looks at no other one, and one
about all of them at what is there already.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from adapters.plugin import Opening
from gateway.clock import Clock
from gateway.vault.port import Vault
from policies.decide import ends
from policies.grounds import Ground
from policies.reminders import soon_from
from policies.terms import FAR_FUTURE, Recipient, SubjectId, class_of


class _Listed(NamedTuple):
    """One ground: what is told of it from ``start`` on, what from ``soon`` on, and until when."""

    start: datetime
    soon: datetime
    end: datetime
    told: Opening
    told_soon: Opening

    def at(self, now: datetime) -> Opening | None:
        if not self.start <= now < self.end:
            return None
        return self.told if now < self.soon else self.told_soon

    def changes(self, now: datetime) -> datetime:
        """The next instant from which something else is told."""
        return min((at for at in (self.start, self.soon, self.end) if at > now), default=FAR_FUTURE)


class _Shown(NamedTuple):
    """All that a recipient may know, which is so in [since, until) if no ground changes."""

    openings: Sequence[Opening]
    since: datetime
    until: datetime


@dataclass(slots=True)
class _Mine:
    """Of one recipient. ``names``: also of whom nothing is listed now."""

    order: list[SubjectId] = field(default_factory=list)
    listed: dict[SubjectId, dict[str, _Listed]] = field(default_factory=dict)
    names: dict[str, SubjectId] = field(default_factory=dict)
    shown: _Shown | None = None


def pairwise(vault: Vault, recipient: str, subject: SubjectId) -> str:
    """By which name a recipient knows a household."""
    return vault.lookup("pairwise", f"{recipient}\n{subject}").hex()[:32]


class Openings:
    """One for the release desk; the grounds' book tells it of each change."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault, self._clock = vault, clock
        self._names: dict[tuple[Recipient, SubjectId], str] = {}
        self._mine: defaultdict[Recipient, _Mine] = defaultdict(_Mine)

    # -- looking

    def pseudonym(self, recipient: Recipient, subject: SubjectId) -> str:
        """Pairwise: another recipient knows the same household by another name."""
        key = (recipient, subject)
        if (name := self._names.get(key)) is None:
            name = self._names[key] = pairwise(self._vault, recipient, subject)
        return name

    def known_as(self, recipient: Recipient, name: str) -> SubjectId | None:
        """The household that a recipient knows by a name; None for an unknown one."""
        mine = self._mine.get(recipient)
        return None if mine is None else mine.names.get(name)

    def of_all(self, recipient: Recipient) -> Sequence[Opening]:
        """Live grounds of a recipient, by household."""
        mine, now = self._mine.get(recipient), self._clock()
        if mine is None:
            return []
        if mine.shown is None or not mine.shown.since <= now < mine.shown.until:
            mine.shown = _shown(mine, now)
        return mine.shown.openings

    def of_one(self, recipient: Recipient, subject: SubjectId) -> Sequence[Opening]:
        """The same of one household."""
        mine, now = self._mine.get(recipient), self._clock()
        listed = {} if mine is None else mine.listed.get(subject, {})
        return [told for each in listed.values() if (told := each.at(now)) is not None]

    # -- in step with the grounds

    def keep(self, ground: Ground) -> None:
        """It is new, or has changed. One that can give nothing any more, for want of keys or time, is none."""
        scope, subject = ground.scope, ground.subject
        mine, name = self._mine[scope.recipient], self.pseudonym(scope.recipient, subject)
        mine.names[name] = subject
        self._drop(ground)
        if self._vault.oldest(subject, class_of(scope.resolution)) is None or ends(ground) <= self._clock():
            return
        if subject not in mine.listed:
            insort(mine.order, subject)
        mine.listed.setdefault(subject, {})[ground.id] = _listed(ground, name)

    def forget(self, ground: Ground) -> None:
        """It leaves memory, and its household with it; what is kept of that one comes again."""
        self._drop(ground)
        who = ground.scope.recipient, ground.subject
        self._mine[ground.scope.recipient].names.pop(self.pseudonym(*who), None)
        del self._names[who]

    def _drop(self, ground: Ground) -> None:
        mine = self._mine[ground.scope.recipient]
        mine.shown = None
        theirs = mine.listed.get(ground.subject, {})
        if theirs.pop(ground.id, None) is not None and not theirs:
            del mine.listed[ground.subject]
            del mine.order[bisect_left(mine.order, ground.subject)]


def _listed(ground: Ground, name: str) -> _Listed:
    scope, until = ground.scope, ends(ground)
    words = (scope.purpose, scope.quantities, scope.resolution, scope.level, scope.values)
    told = Opening(name, *words, until, scope.keep)
    return _Listed(scope.validity.start, soon_from(scope.validity), until, told, replace(told, ends_soon=True))


def _shown(mine: _Mine, now: datetime) -> _Shown:
    everything = [each for subject in mine.order for each in mine.listed[subject].values()]
    openings = [told for each in everything if (told := each.at(now)) is not None]
    return _Shown(openings, now, min((each.changes(now) for each in everything), default=FAR_FUTURE))
