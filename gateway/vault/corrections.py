"""Readings that came again after their interval was derived: the interval is computed again from what is held.

As long as the day is held in class ``live``, what came last counts in every class. Afterwards a reading that came again
can no longer be told from a new one: of two derived values of one time the one counts that speaks for more of it, or
came later (``gateway.vault.partials``), and they are never added up.
"""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import groupby

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection

from gateway.errors import SubjectGone
from gateway.keeper.port import Keeper
from gateway.storage.port import Store
from gateway.vault import keys
from gateway.vault.merge import Clashes, combined, kind_of, layout_of, mended
from gateway.vault.pieces import StoredPart, doubted, parts_of_days
from meter_driver.intervals import instant
from meter_driver.quantities import Kind
from policies.terms import DetailClass, SubjectId
from policies.vault.columns import PARTIALS, Series

LIVE = DetailClass.LIVE


async def corrected(
    store: Store,
    keeper: Keeper,
    subject: SubjectId,
    series: list[Series],
    clashes: Clashes,
    position: int | None = None,
) -> list[Series]:
    """Partials with each clash solved from the readings, where those are held; the others as they are.

    ``position``: as they stood there; None is now.

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

    found, doubt = await store.look(look)
    parts = [part for part in found if part.stood(position)]
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
    return (await day_with_news(store, keeper, subject, detail, parts, cipher, quantities, news=False))[0]


async def day_with_news(
    store: Store,
    keeper: Keeper,
    subject: SubjectId,
    detail: DetailClass,
    parts: Sequence[StoredPart],
    cipher: AESGCM,
    quantities: frozenset[str] | None = None,
    *,
    news: bool,
) -> tuple[list[Series], bool]:
    """The same, and where ``news`` is asked for, whether one part told again what another had told."""
    clashes: Clashes = {}

    def together() -> tuple[list[Series], bool]:
        opened = [part.opened(subject, detail, cipher, quantities) for part in parts]
        return combined(detail, opened, clashes), news and told_again(detail, opened)

    series, again = await asyncio.to_thread(together)
    return (await corrected(store, keeper, subject, series, clashes) if clashes else series), again


def told_again(detail: DetailClass, parts: Sequence[Sequence[Series]]) -> bool:
    """Whether two parts speak of one time of a meter's quantity, alike or not."""
    told: dict[tuple[str, str, int], list[tuple[int, int]]] = {}
    for part in parts:
        mine = [one for series in part for one in _spans(detail, series)]
        if any(_meets(name[1], span, other) for name, span in mine for other in told.get(name, ())):
            return True
        for name, span in mine:
            told.setdefault(name, []).append(span)
    return False


def _spans(detail: DetailClass, series: Series) -> Iterator[tuple[tuple[str, str, int], tuple[int, int]]]:
    """Meter, quantity and interval; first and last instant of what is told of it. Of readings each is its own."""
    meter, quantity = series.meter, series.quantity
    if layout_of(detail) == PARTIALS:
        for begin, first, last, *_ in zip(*series.axis, strict=True):
            yield (meter, quantity, begin), (first, last)
    else:
        for at in series.axis[1]:
            yield (meter, quantity, at), (at, at)


def _meets(quantity: str, one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Entries that follow each other share an instant and no time."""
    if kind_of(quantity) is Kind.INTERVAL and one != other:
        return one[0] < other[1] and other[0] < one[1]
    return one[0] <= other[1] and other[0] <= one[1]


def _day(us: int) -> int:
    return instant(us).toordinal()
