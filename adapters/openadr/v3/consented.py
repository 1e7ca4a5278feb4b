"""What a report is about where a household gave one recipient several grounds for one purpose. Pure.

A renewed consent goes on where the former ended: both are one report, each part by its own ground. Grounds for other
quantities cannot be in the same answer, which rests on one: it names them, and they are asked for by ``x-quantity``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from adapters.explained import NOT_COVERED, written
from adapters.plugin import Opening
from policies.grid import multiple
from policies.terms import Period, Reason, ReleaseRequest


def in_a_row(question: ReleaseRequest, openings: Iterable[Opening]) -> ReleaseRequest:
    """The same question over all the time around its period that grounds allow without a gap."""
    period = question.period
    allowing = sorted((o.values for o in openings if _allows(o, question)), key=lambda values: values.start)
    for values in allowing:
        if values.start <= period.end and period.end < values.end:
            period = Period(period.start, values.end)
    for values in reversed(allowing):
        if values.end >= period.start and values.start < period.start:
            period = Period(values.start, period.end)
    return replace(question, period=period)


def left_over(question: ReleaseRequest, openings: Sequence[Opening]) -> dict[str, str]:
    """The header that names what grounds allow and this answer does not hold; empty where it holds all."""
    times = [o.values for o in openings if _allows(o, question) and not question.period.covers(o.values)]
    parts = [f"{written(values)};reason={Reason.PERIOD_NOT_COVERED}" for values in times]
    others = sorted({q for o in openings for q in o.quantities} - question.quantities)
    parts += [f"quantity={quantity};reason={Reason.QUANTITY_NOT_COVERED}" for quantity in others]
    return {NOT_COVERED: ", ".join(parts)} if parts else {}


def _allows(opening: Opening, question: ReleaseRequest) -> bool:
    return question.quantities <= opening.quantities and multiple(question.resolution, opening.resolution)
