"""What is asked of a household, and what of it comes out: refusals, released parts, and how they become bytes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from policies.terms import Level, Period, Purpose, Recipient, Refusal, Row


class Refused(Exception):
    """The door said no. ``str()`` is one sentence for the recipient; adapters put it into their standard's error."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


class NotAskedNow(Refused):
    """A household is not asked for this now. ``str()`` says why, and from which day on it may be, after a no."""

    def __init__(self, refusal: Refusal, why: str) -> None:
        super().__init__(refusal)
        self.args = (why,)


@dataclass(frozen=True, slots=True)
class Released:
    """A part of what the door let out: rows of one household or one zone, minimised. Never keep it across an await.

    Attributes:
        subject: pairwise pseudonym of the household for this recipient, or the zone's name.
        rows: in the order of quantity, then instant.
        recipient, purpose, resolution, level, keep, reference: as granted.
    """

    subject: str
    rows: Sequence[Row]
    recipient: Recipient
    purpose: Purpose
    resolution: timedelta
    level: Level
    keep: timedelta
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Renderer:
    """Pure functions from released parts to bytes. ``body`` is called once for each part, in order.

    A chunk must not be larger than about 64 KiB. ``between`` is written between parts (a comma, say).
    ``head`` and ``tail`` hold nothing of any household.

    ``closing``: for a form that ends with sums over all that was written (a ZIP's directory), called once after the
    last part. What is written of a later part then may tell of the earlier ones, so every chunk, and the closing, is
    written only while the yes of each part so far stands, and a shared answer is cut like any other.
    """

    content_type: str
    body: Callable[[Released], Iterator[bytes]]
    head: bytes = b""
    tail: bytes = b""
    between: bytes = b""
    closing: Callable[[], Iterator[bytes]] | None = None


def always() -> bool:
    """Nothing of the adapter's own ends an answer."""
    return True


@dataclass(frozen=True, slots=True)
class Opening:
    """One live ground as its recipient may know it: for catalogs. Holds no value and no household id.

    ``ends_soon``: its time is over within 30 days, or 7 (see ``ground.ending`` in ``Adapter``).
    """

    pseudonym: str
    purpose: Purpose
    quantities: frozenset[str]
    resolution: timedelta
    level: Level
    values: Period
    until: datetime
    keep: timedelta
    ends_soon: bool = False


@dataclass(frozen=True, slots=True)
class PermissionRequest:
    """What a recipient asks a household for. The household accepts all, a part, or nothing; silence is no.

    ``reference`` ties it to a negotiation or an enrolment; it comes back in the notice ``permission.answered``.
    """

    recipient: Recipient
    purpose: Purpose
    quantities: frozenset[str]
    resolution: timedelta
    level: Level
    values: Period
    until: datetime
    keep: timedelta
    reference: str = ""
