"""Readings on their way in, and what an input is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from adapters.plugin.shared import SharedServices
from meter_driver.reading import Reading
from policies.terms import SubjectId


@dataclass(frozen=True, slots=True)
class Batch:
    """Readings of one source in one step. Idempotent by (source, sequence).

    ``labels``: what a household calls a meter, by ``Reading.meter``; a meter that is not in it keeps its name.
    """

    source: str
    sequence: int
    readings: Sequence[tuple[SubjectId, Reading]]
    labels: Mapping[tuple[SubjectId, str], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IntakeAnswer:
    """``refused`` holds (index, reason) of single records; the others are durable. ``repeated``: it was known."""

    accepted: int
    refused: tuple[tuple[int, str], ...] = ()
    repeated: bool = False


class InputServices(SharedServices, Protocol):
    """What an input is given. It never learns which household a reading is of."""

    async def take(self, device: str, sequence: int, readings: Sequence[Reading]) -> IntakeAnswer:
        """Readings of one device, sealed and durable on return. Idempotent by (device, sequence), sequences ascend.

        ``device`` is the id of a box in the registry that begins with the input's name and a dot; the registry says for
        which household it sends. Any other id raises ``NotYours``. A reading whose meter is of no household is refused
        by its index as ``unknown-meter``, one of before the household was there as ``before-tenancy``. Raises
        ``ValueError`` for a batch that cannot be (too many readings).
        """
