"""A page of "Who saw it": the household's own entries of the ledger, newest first, as many as one reads at once."""

from collections.abc import Sequence

from gateway.door.ledger import Ledger, PagedEntry
from policies.terms import SubjectId

ON_A_PAGE = 100
LOOKED_THROUGH = 2_000
"""Entries that are opened for a page of one recipient's."""


async def ledger_page(
    ledger: Ledger, subject: SubjectId, cohorts: Sequence[str], before: int | None, recipient: str
) -> tuple[Sequence[PagedEntry], int | None]:
    """Entries with a lower number than ``before``, and before which one to go on; None where there are no others.

    ``cohorts``: that told figures with the household in them; who was shown these is among the entries. ``recipient``:
    only what this one was told or allowed; "" is everybody, the household and the operator too.
    """
    found: list[PagedEntry] = []
    for _ in range(LOOKED_THROUGH // ON_A_PAGE):
        some = await ledger.page(subject, before=before, most=ON_A_PAGE + 1, cohorts=cohorts)
        found += [each for each in some if not recipient or each.entry.recipient == recipient]
        if len(found) > ON_A_PAGE:
            return found[:ON_A_PAGE], found[ON_A_PAGE - 1].number
        if len(some) <= ON_A_PAGE:
            return found, None
        before = some[-1].number
    return found, before
