"""Readings that came again after their interval was derived: the interval is computed again from what is held.

As long as the day is held in class ``live``, what came last counts in every class. Afterwards the derived value stands:
a reading that came again can no longer be told from a new one, so it counts for nothing.
"""

from collections.abc import Sequence
from itertools import groupby

from gateway.errors import SubjectGone
from gateway.keeper.port import Keeper
from gateway.storage.port import Store
from gateway.vault import keys
from gateway.vault.merge import Clashes, mended
from gateway.vault.pieces import parts_of_days
from meter_driver.intervals import instant
from policies.terms import DetailClass, SubjectId
from policies.vault.columns import Series

LIVE = DetailClass.LIVE


async def corrected(
    store: Store, keeper: Keeper, subject: SubjectId, series: list[Series], clashes: Clashes
) -> list[Series]:
    """Partials with each clash solved from the readings, where those are held; the others as they are.

    Raises ``SubjectGone``: what cannot be corrected because nobody knows the household is neither shown nor merged.
    """
    if (oldest := keeper.oldest(subject, LIVE)) is None:
        raise SubjectGone
    solvable = {at: end for at, end in clashes.items() if _day(at[2]) >= oldest.toordinal()}
    if not solvable:
        return series
    quantities = frozenset(quantity for _, quantity, _ in solvable)
    days = [_day(us) for (_, _, begin), end in solvable.items() for us in (begin, end)]
    readings: list[Sequence[Series]] = []
    parts = await store.look(lambda connection: parts_of_days(connection, subject, LIVE, min(days), max(days)))
    ciphers = await keys.ciphers(keeper, subject, [(LIVE, part.day) for part in parts])
    for day, of_day in groupby(parts, key=lambda part: part.day):
        if (cipher := ciphers.get((LIVE, day))) is None:
            return series
        readings += [part.opened(subject, LIVE, cipher, quantities) for part in of_day]
    return mended(series, readings, solvable)


def _day(us: int) -> int:
    return instant(us).toordinal()
