"""Households as values: who is to be taken in, what memory holds, and the rules for both."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from gateway.errors import NotAllowed
from policies.shown import SHOWN_RULE, shown_right
from policies.terms import SubjectId

TENANCY_KINDS = ("household", "site")
MOST_POINTS = 32
MOST_TEXT = 1000


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who lives there. Sealed wherever it is stored; shown to the household and the operator only."""

    name: str = ""
    address: str = ""
    remarks: str = ""


NO_IDENTITY = Identity()


@dataclass(frozen=True, slots=True)
class NewTenancy:
    """What is needed to take a household in. ``points``: metering point ids.

    ``start``: since when it lives there; None where nobody said, then its tenancy begins now and earlier readings are
    its own as well, back to when another household left one of its points.
    """

    identity: Identity = NO_IDENTITY
    zone: str = ""
    community: str = ""
    kind: str = "household"
    points: tuple[str, ...] = ()
    start: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tenancy:
    """A household as memory holds it: nothing that names anybody. ``end`` and ``erased`` are None while it is live.

    ``moved_in``: since when it is known to live there, so that earlier readings are somebody else's; None: nobody said.
    """

    id: SubjectId
    zone: str
    community: str
    kind: str
    start: datetime
    end: datetime | None = None
    erased: datetime | None = None
    moved_in: datetime | None = None

    @property
    def live(self) -> bool:
        return self.end is None and self.erased is None

    @property
    def place(self) -> str:
        """``zone`` or ``zone/community``; "" for none."""
        return f"{self.zone}/{self.community}" if self.zone and self.community else self.zone


def check_new(new: NewTenancy) -> None:
    """Whether ``create`` would take it, but for points that are taken. Raises ``NotAllowed``."""
    if new.kind not in TENANCY_KINDS:
        raise NotAllowed(f"kind: one of {', '.join(TENANCY_KINDS)}")
    for field, text in (("zone", new.zone), ("community", new.community)):
        if len(text) > 64 or "/" in text or not text.isprintable():
            raise NotAllowed(f"{field}: at most 64 printable characters, no slash")
    if new.community and not new.zone:
        raise NotAllowed("community: lies in a zone, which is missing")
    if any(len(text) > MOST_TEXT for text in msgspec.structs.astuple(new.identity)):
        raise NotAllowed(f"identity: at most {MOST_TEXT} characters in a field")
    for field, lines in (("name", [new.identity.name]), ("address", new.identity.address.splitlines())):
        if any(bare and not shown_right(bare) for bare in (line.strip(" ") for line in lines)):
            raise NotAllowed(f"{field}: {SHOWN_RULE}")
    if len(new.points) > MOST_POINTS or any(not p or len(p) > 64 for p in new.points):
        raise NotAllowed(f"points: at most {MOST_POINTS}, each of 1 to 64 characters")
    if new.start is not None and new.start.utcoffset() is None:
        raise NotAllowed("start: an instant with its offset")
