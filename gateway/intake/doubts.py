"""What meters told while their clocks were doubtful: who takes note of it, in the commit of the batch that told it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Table

from adapters.plugin import Batch
from gateway.intake.records import Reasons
from gateway.storage.port import Rows
from policies.terms import SubjectId

Doubted = tuple[SubjectId, str, datetime]
"""Household, its name for the meter, and when; of an interval its begin."""
Beside = Sequence[tuple[Table, Rows]]
"""What is written beside the pieces of a batch, all or none."""


class Doubts(Protocol):
    """Notes of doubtful clocks. Whoever reads them does not matter here."""

    async def notes(self, told: Iterable[Doubted]) -> Beside:
        """What is not noted yet, sealed. Nothing of a household that is gone, or of a day that is held no longer."""

    def noted(self, notes: Beside) -> None:
        """They are durable."""


def doubted(batch: Batch, indexes: Iterable[int], refused: Reasons) -> Iterator[Doubted]:
    """Of readings with a doubtful clock those that are kept."""
    for index in indexes:
        subject, reading = batch.readings[index]
        at = reading.start or reading.at
        if index not in refused and at is not None:
            yield subject, batch.labels.get((subject, reading.meter), reading.meter), at
