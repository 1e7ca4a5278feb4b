"""What a machine of the VTN makes of one message. Pure values."""

from dataclasses import dataclass, field

from adapters.openadr.model import Change
from adapters.openadr.v2b.telemetry import Measured


@dataclass(frozen=True, slots=True)
class Outcome:
    """A reply that may be sent once its effects are durable.

    Attributes:
        body: the whole 2.0b message.
        changes: to be written and applied, in order.
        measured: report values, to be taken in first.
        ven: venID of the sender, where it is known.
    """

    body: bytes
    changes: tuple[Change, ...] = ()
    measured: tuple[Measured, ...] = field(default=())
    ven: str = ""
