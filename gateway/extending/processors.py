"""What a processor is given: an answer of the door for a pure function, and results under the same household's key."""

import re
from collections.abc import Sequence

from adapters.plugin import (
    Batch,
    Compute,
    IntakeAnswer,
    NotYours,
    Opening,
    Refused,
    Result,
    always,
)
from gateway.door.profiles import Profiles
from gateway.door.release import ReleaseDesk
from gateway.door.standing import Lapse, Standing
from gateway.errors import SettingsError
from gateway.intake.labels import Taking
from gateway.services import BaseServices
from meter_driver.reading import ClockSource, Quality, Reading
from policies.terms import WHOLE, Pseudonym, Reason, Recipient, Refusal, ReleaseRequest, Row

_WORD = re.compile(r"[a-z][A-Za-z0-9.-]{0,59}")


class ResultServices(BaseServices):
    """Implements ``adapters.plugin.ProcessorServices``. ``name``: the processor's, and the begin of its quantities."""

    def __init__(
        self, shared: BaseServices, name: str, release: ReleaseDesk, profiles: Profiles, intake: Taking
    ) -> None:
        super().__init__(**shared.parts())
        self._name, self._release, self._profiles, self._intake = name, release, profiles, intake
        recipient = self.settings.get("recipient")
        if not isinstance(recipient, str) or not recipient:
            raise SettingsError(f"adapters.{name}.recipient: the organisation as which this processor asks")
        self._recipient = Recipient(recipient)

    @property
    def recipient(self) -> Recipient:
        return self._recipient

    def openings(self) -> Sequence[Opening]:
        return self._release.openings(self._recipient)

    async def process(self, question: ReleaseRequest, compute: Compute) -> IntakeAnswer:
        """No await between the last look at what the answer rests on and the intake desk."""
        if question.recipient != self._recipient or not isinstance(question.subject, Pseudonym):
            raise NotYours(f"the processor {self._name} asks as {self._recipient}, for one household by its pseudonym")
        subject = self._release.known_as(self._recipient, question.subject)
        if subject is None:
            raise Refused(Refusal((Reason.UNKNOWN_SUBJECT,)))
        results: list[Reading] = []
        held: dict[str, Standing] = {}
        right = self._profiles.right(question, None, always)
        async for part in await self._release.release(question, right):
            _still([part.standing, *held.values()])
            held.setdefault(part.standing.ground, part.standing.undated())
            results += [self._reading(result, part.released.rows) for result in compute(part.released)]
        _still([*held.values()])
        if not results:
            return IntakeAnswer(0)
        source, sequence = f"processor:{self._name}:{question.subject.name}", int(question.period.start.timestamp())
        return await self._intake.take(Batch(source, sequence, [(subject, reading) for reading in results]))

    def _reading(self, result: Result, rows: Sequence[Row]) -> Reading:
        if not _WORD.fullmatch(result.name):
            raise ValueError("a result's name: a lower case letter, then letters, digits, dots and dashes, at most 60")
        return Reading(
            meter=f"processor:{self._name}",
            quantity=f"{self._name}/{result.name}",
            at=result.end,
            value=result.value,
            unit=result.unit,
            start=result.start,
            quality=Quality.NONE if _measured(result, rows) else Quality.ESTIMATED,
            clock=ClockSource.RECEIVED,
        )


def _measured(result: Result, rows: Sequence[Row]) -> bool:
    """Whether all that a result was made of was: it is worth no more than the rows of its own time."""
    of = [row for row in rows if _touches(row, result)]
    return bool(of) and all(row.status in ("measured", "validated") and row.completeness == WHOLE for row in of)


def _touches(row: Row, result: Result) -> bool:
    if row.start == row.end:
        return result.start <= row.end <= result.end
    return row.start < result.end and result.start < row.end


_REASONS = {
    Lapse.GROUND: Reason.WITHDRAWN,
    Lapse.TIME: Reason.CONSENT_INACTIVE,
    Lapse.RETENTION: Reason.EXPIRED,
    Lapse.PROFILE: Reason.NOT_IN_PROFILE,
}


def _still(held: Sequence[Standing]) -> None:
    """Raises ``Refused`` when something has ended since it was decided."""
    for standing in held:
        if (lapse := standing.lapse()) is not None:
            raise Refused(Refusal((_REASONS.get(lapse, Reason.NOT_IN_PROFILE),)))
