"""A door of straw: what a test says is open, is; everything else is refused for the reason the real one would give."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import groupby

from adapters.plugin import Opening, PermissionRequest, Refused, Released
from policies.terms import (
    Grant,
    Portfolio,
    Pseudonym,
    Reason,
    Recipient,
    Refusal,
    ReleaseRequest,
    Row,
    SubjectId,
    Zone,
)

MOMENT = 0.05
"""Seconds after which a stream looks again whether it may go on."""
UNKNOWN = SubjectId("")
"""Who is behind a pseudonym is known to nobody here."""


class FakeDoor:
    """Grants, rows and what was asked.

    Attributes:
        openings: live grounds by recipient; taking one out is a withdrawal.
        rows: what there is; of each household or zone those that fit a question are one part.
        places: zones by recipient.
        decision: decides instead of the openings.
        released: parts instead of the rows, whatever is asked.
        questions, asked: every question, and permission requests with whom they are for.
        fresh: set it when rows came in; wakes a ``follow``.
        wondering: set when a household has been asked.
    """

    def __init__(self) -> None:
        self.openings: dict[Recipient, list[Opening]] = {}
        self.rows: list[Row] = []
        self.places: dict[Recipient, list[str]] = {}
        self.decision: Callable[[ReleaseRequest], Grant | Refusal] | None = None
        self.released: Sequence[Released] | None = None
        self.questions: list[ReleaseRequest] = []
        self.asked: list[tuple[SubjectId | Pseudonym, PermissionRequest]] = []
        self.fresh = asyncio.Event()
        self.wondering = asyncio.Event()

    def decide(self, question: ReleaseRequest) -> Grant | Refusal:
        """One opening that covers all of it; a place that the recipient may ask for."""
        if self.decision is not None:
            return self.decision(question)
        if isinstance(question.subject, Zone):
            known = self.places.get(question.recipient, [])
            return _grant(question) if question.subject.name in known else Refusal((Reason.NOT_IN_PROFILE,))
        found = self.openings.get(question.recipient, [])
        if any(_covers(opening, question) for opening in found):
            return _grant(question)
        return Refusal((Reason.NO_CONSENT,))

    def release(self, question: ReleaseRequest) -> list[Released]:
        """Raises ``Refused``."""
        self.questions.append(question)
        decision = self.decide(question)
        if isinstance(decision, Refusal):
            raise Refused(decision)
        return self.parts(question)

    def parts(self, question: ReleaseRequest) -> list[Released]:
        """Of whoever allows it now; a row belongs to the name it carries."""
        if self.released is not None:
            return list(self.released)
        q, known = question, {o.pseudonym for o in self.openings.get(question.recipient, []) if _covers(o, question)}
        if isinstance(q.subject, Zone):
            known = {q.subject.name}
        rows = [r for r in self.rows if r.subject in known and r.quantity in q.quantities]
        rows = sorted((r for r in rows if q.period.contains(r.start)), key=lambda r: (r.subject, r.quantity, r.start))
        return [
            Released(name, list(some), q.recipient, q.purpose, q.resolution, q.level, timedelta(0), q.reference)
            for name, some in groupby(rows, key=lambda r: r.subject)
        ]

    async def news(self) -> None:
        """Until ``fresh`` is set, or for a moment."""
        self.fresh.clear()
        try:
            async with asyncio.timeout(MOMENT):
                await self.fresh.wait()
        except TimeoutError:
            return


def _covers(opening: Opening, q: ReleaseRequest) -> bool:
    """A portfolio is asked for by nobody's name."""
    named = isinstance(q.subject, Portfolio) or (
        isinstance(q.subject, Pseudonym) and q.subject.name == opening.pseudonym
    )
    return (
        named
        and opening.purpose is q.purpose
        and bool(q.quantities)
        and q.quantities <= opening.quantities
        and q.resolution >= opening.resolution
        and opening.values.covers(q.period)
    )


def _grant(q: ReleaseRequest) -> Grant:
    return Grant(
        ground="ground",
        subject=UNKNOWN,
        recipient=q.recipient,
        purpose=q.purpose,
        quantities=q.quantities,
        resolution=q.resolution,
        level=q.level,
        period=q.period,
        until=q.period.end,
        keep=timedelta(0),
        reference=q.reference,
    )
