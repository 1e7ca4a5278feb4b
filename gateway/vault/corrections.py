"""Readings that came again after their interval was derived: the interval is computed again from what is held.

As long as the day is held in class ``live``, what came last counts in every class. Afterwards a reading that came again
can no longer be told from a new one: of two derived values of one time the one counts that speaks for more of it, or
came later (``gateway.vault.partials``), and they are never added up.
"""

import asyncio
from collections.abc import Sequence
from itertools import groupby

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection

from gateway.errors import SubjectGone
from gateway.keeper.port import Keeper
from gateway.storage.port import Store
from gateway.vault import keys
from gateway.vault.merge import Clashes, combined, mended
from gateway.vault.pieces import StoredPart, doubted, parts_of_days
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
    first, last = min(days), max(days)

    def look(connection: Connection) -> tuple[Sequence[StoredPart], bool]:
        doubt = doubted(connection, subject, LIVE, first, last)
        return parts_of_days(connection, subject, LIVE, first, last), doubt

    parts, doubt = await store.look(look)
    ciphers = await keys.ciphers(keeper, subject, [(LIVE, part.day) for part in parts])
    if doubt or any((LIVE, part.day) not in ciphers for part in parts):
        return series

    def again() -> list[Series]:
        return mended(series, [p.opened(subject, LIVE, ciphers[LIVE, p.day], quantities) for p in parts], solvable)

    return await asyncio.to_thread(again)


async def of_days(
    store: Store,
    keeper: Keeper,
    subject: SubjectId,
    detail: DetailClass,
    parts: Sequence[StoredPart],
    quantities: frozenset[str] | None = None,
) -> list[Series]:
    """The parts of each day that can be opened, ascending, as one. Raises ``SubjectGone``."""
    held = await keys.ciphers(keeper, subject, [(detail, part.day) for part in parts])
    found: list[Series] = []
    for day, of_day in groupby(parts, key=lambda part: part.day):
        if (cipher := held.get((detail, day))) is not None:
            found += await day_of(store, keeper, subject, detail, list(of_day), cipher, quantities)
    return found


async def day_of(
    store: Store,
    keeper: Keeper,
    subject: SubjectId,
    detail: DetailClass,
    parts: Sequence[StoredPart],
    cipher: AESGCM,
    quantities: frozenset[str] | None = None,
) -> list[Series]:
    """The parts of one day as one, in the order in which they came, each clash solved. Raises ``SubjectGone``."""
    return (await day_with_news(store, keeper, subject, detail, parts, cipher, quantities))[0]


async def day_with_news(
    store: Store,
    keeper: Keeper,
    subject: SubjectId,
    detail: DetailClass,
    parts: Sequence[StoredPart],
    cipher: AESGCM,
    quantities: frozenset[str] | None = None,
) -> tuple[list[Series], bool]:
    """The same, and whether one part told again what another had told."""
    clashes: Clashes = {}

    def together() -> tuple[list[Series], bool]:
        opened = [part.opened(subject, detail, cipher, quantities) for part in parts]
        series = combined(detail, opened, clashes)
        return series, detail is LIVE and _count(series) < sum(map(_count, opened))

    series, again = await asyncio.to_thread(together)
    if not clashes:
        return series, again
    return await corrected(store, keeper, subject, series, clashes), True


def _count(series: Sequence[Series]) -> int:
    """Of readings."""
    return sum(len(one.axis[0]) for one in series)


def _day(us: int) -> int:
    return instant(us).toordinal()
