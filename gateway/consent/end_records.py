"""The signed records of ends, a few in a turn of the loop: a household may take back hundreds of consents at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from adapters.slices import sliced
from gateway.consent.evidence import Evidence
from gateway.consent.records import Ended
from policies.terms import SubjectId

SIGNED_AT_ONCE = 4
"""A quarter of a millisecond each."""


class EndRecord(NamedTuple):
    """As ``Evidence.put`` takes it."""

    household: SubjectId
    kind: str
    ground: str
    at: datetime
    token: str


async def signed(evidence: Evidence, every: Sequence[Ended]) -> Sequence[EndRecord]:
    """Of each consent that ended: that it was taken back, or that its time was over."""
    made: list[EndRecord] = []
    consents = [(ended, consent) for ended in every for consent in ended.consents]
    async for ended, consent in sliced(consents, SIGNED_AT_ONCE):
        if ended.by_time:
            kind, token = "expiry", evidence.expiry(consent)
        else:
            kind, token = "withdrawal", evidence.withdrawal(consent, ended.at)
        made.append(EndRecord(ended.household, kind, consent.id, ended.at, token))
    return made
