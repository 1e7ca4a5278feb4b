"""What is kept of an exception and of a correction, as it is sealed."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from policies.terms import SubjectId
from policies.vee.corrections import Correction
from policies.vee.terms import ValidationException


class Handling(StrEnum):
    """How far the work on an exception is."""

    OPEN = "open"
    ACCEPTED = "accepted"
    """Somebody has looked: the value is as it is."""
    EDITED = "edited"
    """There is a correction."""


AS_READ = "as-read"
"""Status of what takes a correction back."""


class Act(msgspec.Struct, frozen=True):
    """What somebody did, and why. ``author`` is for the operator's own books; a household is told the role."""

    at: datetime
    state: Handling
    role: str
    author: str
    reason: str


class Exceptional(msgspec.Struct, frozen=True):
    """One line of the work list. ``acts``: oldest first."""

    found: ValidationException
    acts: tuple[Act, ...] = ()


class Listed(msgspec.Struct, frozen=True):
    """An item with what lies in clear beside it."""

    id: str
    household: SubjectId
    day: int
    state: Handling
    at: datetime
    item: Exceptional


class Decided(msgspec.Struct, frozen=True):
    """A correction as it is kept.

    Attributes:
        edit: the same for all intervals of one act.
        value: None: as read again.
        exception: for which it was made, by its id; "" in those of before.
    """

    edit: str
    act: Act
    meter: str
    quantity: str
    start: datetime
    end: datetime
    value: Decimal | None
    unit: str | None
    status: str
    method: str = ""
    exception: str = ""

    def correction(self, version: int) -> Correction:
        """What the door works with."""
        words = self.meter, self.quantity, self.start, self.end, self.value, self.unit, self.status, self.method
        return Correction(*words, version)


def by_edit(decided: Sequence[Decided]) -> Sequence[Sequence[Decided]]:
    """The intervals of each act, ascending; acts in the order in which they are given."""
    found: dict[str, list[Decided]] = {}
    for one in decided:
        found.setdefault(one.edit, []).append(one)
    return [sorted(some, key=lambda each: each.start) for some in found.values()]


_encoder = msgspec.json.Encoder(decimal_format="string")
_item, _decided = msgspec.json.Decoder(Exceptional), msgspec.json.Decoder(Decided)


def encode(one: Exceptional | Decided) -> bytes:
    return _encoder.encode(one)


def item(plain: bytes) -> Exceptional:
    return _item.decode(plain)


def decided(plain: bytes) -> Decided:
    return _decided.decode(plain)
