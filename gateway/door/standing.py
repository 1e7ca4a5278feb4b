"""Whether a yes still stands: everything that would make the same question a no, looked at without waiting.

Egress asks before every chunk, with no await before the write; ``Lines`` asks when something has ended. An answer
rests on its recipient's right (who came, by what, what its organisation may ask for) and each part of it on the
household's ground, the ground's time, and the day from which its values are held.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from gateway import rights
from gateway.clock import Clock
from gateway.door.epochs import Epochs
from gateway.rights import Credential, Footing
from policies.terms import FAR_FUTURE, DetailClass, SubjectId


class Lapse(StrEnum):
    """Why a yes stands no longer."""

    GROUND = "ground"
    """Withdrawn, ended, objected to, erased."""
    TIME = "time"
    """The end of the ground's validity."""
    RETENTION = "retention"
    """The part's first day is held no longer."""
    CREDENTIAL = "credential"
    """The client, its token, the certificate or the session."""
    PROFILE = "profile"
    """The organisation may not ask for this any more."""
    TRUST = "trust"
    """The participant is not on the trust list any more."""
    ADAPTER = "adapter"
    """What only the adapter knows: a transfer that was suspended."""


@dataclass(frozen=True, slots=True, eq=False)
class Right:
    """The recipient's own side of an answer. When it ends, the whole answer is cut.

    Attributes:
        footings: under which names an answer that rests on it is found.
        until: when it runs out by itself, UTC.
        checks: what else must hold, each by the lapse that it stands against.
    """

    clock: Clock
    footings: tuple[Footing, ...]
    until: datetime
    checks: Mapping[Lapse, Callable[[], bool]]

    def lapse(self) -> Lapse | None:
        """Why it ended; None while it stands."""
        if self.clock() >= self.until:
            return Lapse.CREDENTIAL
        return next((why for why, holds in self.checks.items() if not holds()), None)

    def still(self) -> bool:
        return self.lapse() is None


def own_right(credential: Credential, clock: Clock) -> Right:
    """A household's to its own data: it ends with the session."""
    return Right(clock, (credential.footing,), credential.until, {Lapse.CREDENTIAL: credential.still})


@dataclass(frozen=True, slots=True)
class Sight:
    """Where a standing looks. ``oldest``: the vault's; None for a household that is gone."""

    epochs: Epochs
    clock: Clock
    oldest: Callable[[SubjectId, DetailClass], date | None]


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """One household's side of a part, and the right it is given under. Made by the desk when it decides.

    Attributes:
        ground, epoch: as they were when it was decided.
        ends: of the ground's validity, UTC.
        days: whose days of which class, and the first (UTC) of which the part has values; None before it is read.
    """

    sight: Sight
    right: Right
    ground: str
    epoch: int
    ends: datetime = FAR_FUTURE
    days: tuple[SubjectId, DetailClass, date] | None = None

    def since(self, subject: SubjectId, detail: DetailClass, first: date) -> "Standing":
        """The same for a part with values from this day on."""
        return replace(self, days=(subject, detail, first))

    def undated(self) -> "Standing":
        """The same for a whole answer: later days may be given when the first is held no longer."""
        return self if self.days is None else replace(self, days=None)

    @property
    def until(self) -> datetime:
        return min(self.ends, self.right.until)

    @property
    def footings(self) -> tuple[Footing, ...]:
        own = (rights.ground(self.ground),)
        return (*self.right.footings, *own, *([] if self.days is None else [rights.held(*self.days[1:])]))

    def lapse(self) -> Lapse | None:
        """Why it ended; None while it stands."""
        return next((why for why, holds in _CHECKS.items() if not holds(self)), None) or self.right.lapse()

    def still(self) -> bool:
        return self.lapse() is None


def _held(standing: Standing) -> bool:
    if standing.days is None:
        return True
    subject, detail, first = standing.days
    oldest = standing.sight.oldest(subject, detail)
    return oldest is not None and oldest <= first


_CHECKS: Mapping[Lapse, Callable[[Standing], bool]] = {
    Lapse.GROUND: lambda s: s.sight.epochs.current(s.ground) == s.epoch,
    Lapse.TIME: lambda s: s.sight.clock() < s.ends,
    Lapse.RETENTION: _held,
}
