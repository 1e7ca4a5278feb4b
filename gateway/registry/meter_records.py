"""What the registry knows of a meter, and where readings come from."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import msgspec

from policies.amounts import Declared
from policies.terms import SubjectId


@dataclass(frozen=True, slots=True)
class Reader:
    """Where a reading comes from: box, component behind it, and the meter's own number, "" where none is said.

    ``medium``: what its telegrams say of it; ``at``: the instant of the first of them. They tell no two readers apart.
    """

    box: str
    component: str
    serial: str = ""
    medium: str = field(default="", compare=False)
    at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class StandAt:
    """What was written down of one register at an exchange: the last stand of the old, the first of the new."""

    quantity: str
    last: Decimal
    first: Decimal
    unit: str | None


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A device in a meter's place was replaced, or set back (then both serial numbers may be equal)."""

    at: datetime
    old: str
    new: str
    stands: tuple[StandAt, ...] = ()


@dataclass(frozen=True, slots=True)
class Meter:
    """One place of measurement.

    Attributes:
        id: random, of the registry; never leaves to partners.
        label: by which this household's meters are told apart; its values are kept under it, and every interface for
            programs names it so.
        name: what people call it, where that is something else than the label; unique too, "" for none.
        medium: ``meter_driver.quantities.Medium`` as a word, "" where nobody said.
        family: the operator's word for meters of its kind, which its limits go by; "" for none.
        told: what its telegrams said of its medium, "" where they have not yet.
        limit: most that its connection carries an hour, in the unit of ``policies.amounts.own_limit``.
        how: ``seen`` by itself, ``assigned`` or ``imported`` by the operator.
        since: when it was first known here.
        serials: of its devices, in the order in which they were there, the present one last; each with the instant from
            which it was read, else seen or declared.
        exchanged: ascending; also those that were only seen (without stands).
        waits: whether it came by itself, or its telegrams name another number, and nobody has looked at it since.
    """

    id: str
    label: str
    medium: str
    how: str
    since: datetime
    serials: tuple[tuple[str, datetime], ...] = ()
    exchanged: tuple[Exchanged, ...] = ()
    family: str = ""
    limit: Decimal | None = None
    told: str = ""
    name: str = ""
    waits: bool = False

    @property
    def medium_told(self) -> str:
        """By its telegrams; what came by itself has its medium from nobody else."""
        return self.told or (self.medium if self.how == "seen" else "")


@dataclass(frozen=True, slots=True)
class Unseen:
    """A meter that came by itself, or whose telegrams name another number, and that nobody has looked at since."""

    household: SubjectId
    meter: Meter
    at: datetime


def declared(each: Exchanged) -> Declared:
    return Declared(each.at, tuple((s.quantity, s.last, s.first, s.unit) for s in each.stands))


encode_meter = msgspec.json.Encoder(decimal_format="string").encode
decode_meter = msgspec.json.Decoder(Meter).decode
