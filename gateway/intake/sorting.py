"""From the columns of one household to the series of its pieces; what cannot be kept is refused. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date

from gateway.errors import SubjectGone
from gateway.intake.axes import earliest
from gateway.intake.derive import EPOCH_DAY, Deriver, Named
from gateway.intake.late import TakenSpans, apart, nowhere_kept, told_again
from gateway.intake.records import (
    Column,
    Key,
    Numbered,
    Reasons,
    exact,
    latest_of_each,
    named,
    of_quarters,
    refuse,
    without,
)
from gateway.keeper.port import Day
from meter_driver.intervals import DAY_US
from policies.terms import DetailClass, SubjectId
from policies.vault.columns import Series

Oldest = Mapping[DetailClass, date | None]
NamedColumns = Sequence[tuple[Key, Column]]
Pieces = Mapping[Day, Sequence[Series]]


def ordinal(held: date | None) -> int:
    """As an ordinal. Raises ``SubjectGone``."""
    if held is None:
        raise SubjectGone
    return held.toordinal()


def derived_of(held: Oldest, columns: NamedColumns, refused: Reasons, spans: TakenSpans | None = None) -> Pieces:
    """Of one household, by class and day. ``spans``: where nothing can be added. Raises ``SubjectGone``."""
    oldest = {detail: ordinal(day) for detail, day in held.items()}
    kept_all = not spans and earliest(column.ats for _, column in columns) >= _midnight(max(oldest.values()))
    told: dict[tuple[str, str], list[Numbered]] = {}
    for key, column in columns:
        name = named(key)
        if isinstance(name, str):
            refuse(refused, (column,), name)
            continue
        kept = column if kept_all else _kept(name, column, oldest, refused, spans)
        for part, numbers in exact(kept, refused):
            told.setdefault((name.meter, name.quantity), []).append((name, part, numbers))
    deriver = Deriver(oldest)
    for all_of in told.values():
        some, passed = latest_of_each(all_of)
        for name, (starts, ats, _, _), numbers in [*passed, *some]:
            deriver.receive(name, (starts, ats), numbers)
        quarters = of_quarters(some)
        for name, (starts, ats, _, _), numbers in apart(quarters, spans) if spans else quarters:
            deriver.quarter(name, (starts, ats), numbers)
    return deriver.pieces


def _kept(
    name: Named, column: Column, oldest: Mapping[DetailClass, int], refused: Reasons, spans: TakenSpans | None
) -> Column:
    """Without what no class keeps."""
    threshold, live = _midnight(min(oldest.values())), _midnight(oldest[DetailClass.LIVE])
    if (first := min(column.ats)) < threshold:
        column = without(column, refused, "expired", [at < threshold for at in column.ats])
    if first < live:
        nowhere = nowhere_kept(name.kind, column, live, _midnight(oldest[DetailClass.QUARTER]))
        column = without(column, refused, "expired", nowhere)
    return without(column, refused, "too-late", told_again(name, column, spans)) if spans else column


def _midnight(day: int) -> int:
    """Its begin in microseconds."""
    return (day - EPOCH_DAY) * DAY_US


def relabelled(
    subject: SubjectId, columns: Mapping[Key, Column], labels: Mapping[tuple[SubjectId, str], str]
) -> NamedColumns:
    """Under the names that the household has for its meters."""
    return [((labels.get((subject, key[0]), key[0]), *key[1:]), column) for key, column in columns.items()]
