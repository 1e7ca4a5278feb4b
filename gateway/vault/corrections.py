"""Readings that came again after their interval was derived: the interval is computed again from what is held.

As long as the day is held in class ``live``, what came last counts in every class. Afterwards the derived value stands:
a reading that came again can no longer be told from a new one, so it counts for nothing.
"""

from collections.abc import Sequence
from itertools import groupby

from gateway.errors import Expired, SubjectGone
from gateway.keeper.keeper import Keeper
from gateway.storage.port import Store
from gateway.vault.merge import Clashes, mended
from gateway.vault.pieces import parts_of_days
from meter_driver.intervals import instant
from policies.terms import DetailClass, SubjectId
from policies.vault import ratchet
from policies.vault.columns import Series

LIVE = DetailClass.LIVE


async def corrected(
    store: Store, keeper: Keeper, subject: SubjectId, series: list[Series], clashes: Clashes
) -> list[Series]:
    """Partials with each clash solved from the readings, where those are held; the others as they are."""
    states = keeper.states(subject)
    oldest = ratchet.oldest(states.chains.get(LIVE, ())) if states is not None else None
    solvable = {at: end for at, end in clashes.items() if oldest is not None and _day(at[1]) >= oldest.toordinal()}
    if not solvable:
        return series
    quantities = frozenset(quantity for quantity, _ in solvable)
    days = [_day(us) for (_, begin), end in solvable.items() for us in (begin, end)]
    readings: list[Sequence[Series]] = []
    try:
        parts = await store.look(lambda connection: parts_of_days(connection, subject, LIVE, min(days), max(days)))
        for day, of_day in groupby(parts, key=lambda part: part.day):
            cipher = keeper.cipher(subject, LIVE, day)
            readings += [part.opened(subject, LIVE, cipher, quantities) for part in of_day]
    except (Expired, SubjectGone):
        return series
    return mended(series, readings, solvable)


def _day(us: int) -> int:
    return instant(us).toordinal()
