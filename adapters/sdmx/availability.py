"""What is there for one recipient, by what its grounds cover at this moment. Pure: no reading is opened for it.

A ground says households, quantities and a period; it does not say which meters a household has, nor whether there is a
value for each interval. So meters are not told here, and a period is told as far as it is past.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from adapters.allowed import within
from adapters.formats.sdmx_csv import CELLS, LOAD, NOT_APPLICABLE
from adapters.plugin import Opening, Organisation
from adapters.sdmx.asked import KEY, METER, TIME_PERIOD, Availability, Chosen, NotAnswered
from policies.terms import Level, Period, Purpose


class _Line(NamedTuple):
    """One subject's quantity. ``meter``: "" where it is not told; ``period``: None where no ground bounds it."""

    subject: str
    quantity: str
    meter: str
    period: Period | None

    def value(self, dimension: str) -> str:
        """Of a dimension of the key."""
        return self[KEY.index(dimension)]  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Content:
    """Of one dataflow: values by dimension, ascending; a dimension that is not in it is not told."""

    flow: str
    values: Mapping[str, Sequence[str]]
    period: Period | None


def contents(
    asked: Availability,
    organisation: Organisation,
    openings: Sequence[Opening],
    zones: Sequence[str],
    now: datetime,
) -> list[Content]:
    """Of each dataflow of which there is something. Raises ``NotAnswered`` for nothing, and for what is not told."""
    lines = {LOAD: list(_load(organisation, openings, now)), CELLS: list(_cells(organisation, zones))}
    if LOAD in asked.flows and lines[LOAD] and _needs_meters(asked):
        raise NotAnswered(501, "501", "METER: which meters a household has comes with its data")
    found = [_content(flow, asked, lines[flow]) for flow in sorted(asked.flows)]
    told = [content for content in found if content is not None]
    if not told:
        raise NotAnswered(404, "100", "nothing that the grounds of the caller cover")
    return told


def _load(organisation: Organisation, openings: Iterable[Opening], now: datetime) -> Iterator[_Line]:
    """Households that may be seen one by one, and those that may be seen by a pseudonym among all."""
    for opening in within(organisation, openings):
        levels = {opening.level, Level.PSEUDONYMOUS} & organisation.levels
        period = Period(opening.values.start, min(opening.values.end, now))
        if opening.level is not Level.COHORT and levels and not period.empty:
            for quantity in opening.quantities:
                yield _Line(opening.pseudonym, quantity, "", period)


def _cells(organisation: Organisation, zones: Iterable[str]) -> Iterator[_Line]:
    """Places for whose figures it may ask. Which cells are told there, and since when, only the figures say."""
    if Level.COHORT in organisation.levels and Purpose.NEIGHBOURHOOD in organisation.purposes:
        for zone in zones:
            for quantity in organisation.quantities:
                yield _Line(zone, quantity, NOT_APPLICABLE, None)


def _needs_meters(asked: Availability) -> bool:
    """Whether an answer about households would have to know their meters."""
    named = [chosen[METER] for chosen in (*asked.keys, asked.where) if METER in chosen]
    return asked.dimensions == {METER} or any(values - {NOT_APPLICABLE} for values in named)


def _content(flow: str, asked: Availability, lines: Sequence[_Line]) -> Content | None:
    kept = [line for line in lines if _fits(asked, line)]
    if not kept:
        return None
    values = {}
    for dimension in KEY:
        if dimension in asked.dimensions:
            of = kept if asked.exact else [line for line in lines if _fits(asked, line, dimension)]
            values[dimension] = sorted({line.value(dimension) for line in of} - {""})
    periods = [line.period for line in kept if line.period is not None]
    period = Period(min(p.start for p in periods), max(p.end for p in periods)) if periods else None
    told = {dimension: some for dimension, some in values.items() if some}
    return Content(flow, told, period if TIME_PERIOD in asked.dimensions else None)


def _fits(asked: Availability, line: _Line, beside: str = "") -> bool:
    """``beside``: a dimension that does not count."""
    if not _chosen(asked.where, line, beside):
        return False
    return not asked.keys or any(_chosen(key, line, beside) for key in asked.keys)


def _chosen(chosen: Chosen, line: _Line, beside: str) -> bool:
    return all(line.value(name) in values for name, values in chosen.items() if name != beside)
