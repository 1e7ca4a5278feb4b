"""What corrections make of the intervals of an answer. Pure.

Stands of a register are not worth less for what is estimated between them. Where the parts of an interval come to what
the stands at its ends say, it is as measured as they are; a hole between two stands that is filled in part only is
worth what they say of it. Where parts come to something else they count, and the whole is as good as the least of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from decimal import Decimal
from itertools import groupby

from meter_driver.quantities import is_signed
from policies.terms import QUARTER_HOUR, Row
from policies.vee.corrections import Correction, newest
from policies.vee.parts import Edge, inside_of, joined, rest_of, row_of, value_in

_Rows = Callable[[Sequence[Edge]], list[Row]]


def corrected(
    edges: Sequence[Edge],
    corrections: Sequence[Correction],
    worked_out: _Rows,
    empty: Row,
    *,
    mean: bool,
) -> list[Row]:
    """Rows of ``edges`` (ascending, disjoint), of one meter's quantity.

    ``worked_out``: rows of intervals by the readings alone. ``empty``: who and what it is about, for rows of which no
    reading speaks, and the unit in which all is told, if it is settled. ``mean``: rows are means, not amounts.
    """
    some = newest(corrections)
    inside = {edge: inside_of(edge, some) for edge in edges}
    pieces = [piece for edge in edges for piece in rest_of(edge, inside[edge])]
    by_readings = {(row.start, row.end): row for row in worked_out(pieces)}
    rows: list[Row] = []
    for edge in edges:
        if not inside[edge]:
            rows += [by_readings[edge]] if edge in by_readings else []
            continue
        parts = [by_readings.get(piece) for piece in rest_of(edge, inside[edge])]
        rows.append(joined(edge, [*parts, *(row_of(each, empty) for each in inside[edge])], empty, mean=mean))
    return rows if mean else _across(rows, inside, by_readings, worked_out, empty)


def _across(
    rows: Sequence[Row],
    inside: Mapping[Edge, Sequence[Correction]],
    by_readings: Mapping[Edge, Row],
    worked_out: _Rows,
    empty: Row,
) -> list[Row]:
    """``rows``, and of those that are worth less than readings what these say across holes in which corrections lie."""
    doubtful = [edge for row in rows if _is_doubtful(row, inside[edge := (row.start, row.end)])]
    if not doubtful:
        return list(rows)
    wholes = _known(worked_out(doubtful))
    torn = [edge for edge in doubtful if any(_unknown(by_readings.get(each)) for each in rest_of(edge, inside[edge]))]
    bridged = _bridged({edge: inside[edge] for edge in torn}, worked_out, empty) if torn else {}
    found = []
    for row in rows:
        edge = row.start, row.end
        row = bridged.get(edge, row)
        whole = wholes.get(edge)
        found.append(whole if whole is not None and value_in(row, whole.unit) == whole.value else row)
    return found


def _is_doubtful(row: Row, inside: Sequence[Correction]) -> bool:
    """Whether there is more in it than one correction, none reaches out of it, and it is worth less than a reading."""
    within = bool(inside) and row.start <= inside[0].start and inside[-1].end <= row.end
    alone = len(inside) == 1 and (row.start, row.end) == (inside[0].start, inside[0].end)
    return within and not alone and row.status in ("estimated", "missing")


def _known(rows: Iterable[Row]) -> dict[Edge, Row]:
    """Those that readings tell, by their edges."""
    return {(row.start, row.end): row for row in rows if not _unknown(row)}


def _unknown(row: Row | None) -> bool:
    return row is None or row.value is None or row.status == "estimated"


def _bridged(torn: Mapping[Edge, Sequence[Correction]], worked_out: _Rows, empty: Row) -> dict[Edge, Row]:
    """Of intervals those of which all holes that corrections fill in part only lie between two stands."""
    quarters = {edge: sorted([*_spans(inside), *_quarters(edge, inside)]) for edge, inside in torn.items()}
    told = _known(worked_out([part for parts in quarters.values() for part in parts]))
    stretches = {edge: _stretches(parts, _spans(torn[edge]), told) for edge, parts in quarters.items()}
    known = _known(worked_out([each for some in stretches.values() for each in some]))
    found = {}
    for edge, inside in torn.items():
        whole = [known[each] for each in stretches[edge] if each in known]
        lost = [[row_of(one, empty) for one in inside_of((row.start, row.end), inside)] for row in whole]
        if len(whole) == len(stretches[edge]) and all(map(_has_room, whole, lost)):
            kept = [one for one in inside if not any(row.start <= one.start < row.end for row in whole)]
            found[edge] = joined(edge, [*whole, *(row_of(one, empty) for one in kept)], empty, mean=False)
    return found


def _spans(inside: Sequence[Correction]) -> set[Edge]:
    return {(one.start, one.end) for one in inside}


def _quarters(edge: Edge, inside: Sequence[Correction]) -> Iterator[Edge]:
    """Of what no correction speaks of."""
    for start, end in rest_of(edge, inside):
        while start < end:
            yield start, (start := min(start + QUARTER_HOUR, end))


def _stretches(parts: Sequence[Edge], ours: Set[Edge], told: Mapping[Edge, Row]) -> list[Edge]:
    """What is told by readings: holes with all that lies in them, and all else but corrections."""

    def worth(part: Edge) -> tuple[bool, bool]:
        return part not in told, part in told and part in ours

    runs = [list(run) for (_, corrected), run in groupby(parts, worth) if not corrected]
    return [(run[0][0], run[-1][1]) for run in runs if not ours >= set(run)]


def _has_room(hole: Row, parts: Sequence[Row]) -> bool:
    """Whether what is said of parts of a hole can have been in it."""
    numbers = [value for part in parts if (value := value_in(part, hole.unit)) is not None]
    if hole.value is None or len(numbers) < len(parts):
        return False
    return sum(numbers, Decimal(0)) <= hole.value or is_signed(hole.quantity)
