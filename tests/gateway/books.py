"""What a household's books say, without their numbers."""

from collections.abc import Sequence

from gateway.door.ledger import Ledger
from policies.ledger import LedgerEntry
from policies.terms import SubjectId


async def entries_of(ledger: Ledger, subject: SubjectId, *, most: int = 500) -> Sequence[LedgerEntry]:
    """A household's own entries, newest first."""
    return [paged.entry for paged in await ledger.page(subject, most=most)]
