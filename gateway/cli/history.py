"""``metergate import``: values from before, out of a file, checked whole before the first is sent."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.calls import SETTINGS_FILE, Calls, Names, SettingsFile, as_said, held
from gateway.cli.history_file import ReadFile, map_of, plan_for, progress, read_file
from gateway.history.batches import Slice, batches, ranges
from gateway.history.wrong import FileRefused, MapRefused, Wrong
from gateway.settings import Settings
from meter_driver.amounts.amount import SECOND_US
from meter_driver.intervals import QUARTER_US
from meter_driver.quantities import MEANS
from meter_driver.render import counted

MapFile = Annotated[Path, typer.Option("--map", "-m", help="YAML: what the columns are; see docs/running.md.")]
_OnlyCheck = Annotated[bool, typer.Option("--check", help="Say what would be taken, and send nothing.")]
NOT_ALL = 3
"""Exit: the end was reached, and of what the file holds some is not taken. 2 is a command that was misspelt."""
_AT_ONCE = 500
_SHOWN = 100
"""Ranges of lines of one fault that are printed; the others are counted."""


def import_file(
    file: Path, map_file: MapFile, settings: SettingsFile = SETTINGS_FILE, *, check: _OnlyCheck = False
) -> None:
    """Values of a CSV, Parquet, MSCONS or Green Button file into the gateway.

    All is checked first; then it goes in batches, and after an end in the middle the same command goes on where it
    stopped. What is wrong or refused is told on stderr with file, line and field; the sums are one JSON object on
    stdout. Exit 0 when all of it was taken, 3 when all but what was refused or left out, 1 when nothing was sent or the
    command could not end.
    """
    config = held(settings)
    try:
        table = map_of(map_file)
        read = read_file(file, plan_for(table, file))
    except FileRefused as error:
        _stop(map_file if isinstance(error, MapRefused) else file, error.all, len(error.all))
    _exchange(config, file, read, send=not check)


def _stop(file: Path, some: Sequence[Wrong], count: int, called: Names = as_said) -> Any:
    """``called``: what the file calls a field."""
    _tell(file, some, called)
    typer.echo(f"metergate: {count} wrong; nothing was sent", err=True)
    raise typer.Exit(1)


def _tell(file: Path, some: Sequence[Wrong], called: Names = as_said) -> None:
    """Lines of which one thing is wrong together, in the order of the first of each; of each the first ``_SHOWN``."""
    lines: dict[tuple[str, str], list[int]] = {}
    for wrong in (each.told(called) for each in some):
        lines.setdefault((wrong.field, wrong.rule), []).append(wrong.line)
    for (field_, rule), of in lines.items():
        for where in islice(ranges(set(of)), _SHOWN) if any(of) else ("",):
            told = ": ".join(filter(None, (where, field_, rule)))
            typer.echo(f"{file}:{told}" if where else f"{file}: {told}", err=True)


# -- asking and sending


@dataclass(slots=True)
class _Told:
    """What the gateway said. ``refused``: lines by reason. ``before``: values of batches that it knew, of which it
    does not remember any more what became of them."""

    accepted: int = 0
    refused: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    repeated: int = 0
    before: int = 0


def _exchange(config: Settings, file: Path, read: ReadFile, *, send: bool) -> None:
    line, told = Calls(config), _Told()
    try:
        known = _checked(line, file, read)
        homes, meters = {each["household"] for each in known}, {(e["household"], e["meter"], e["new"]) for e in known}
        new = sorted(meter for _, meter, is_new in meters if is_new)
        told_of = [counted(read.count, "value"), counted(len(homes), "household"), counted(len(meters), "meter")]
        typer.echo(f"{', '.join(told_of)} of which {len(new)} new", err=True)
        _tell_apart(file, read, known)
        _tell_renamed(file, read)
        if send:
            _send(line, read, told)
        else:
            _foresee(read, known, told)
    finally:
        line.close()
    _sums(file, read, told, sent=send)


def _tell_apart(file: Path, read: ReadFile, known: Sequence[Any]) -> None:
    """Serial numbers that become meters beside others of their household: the devices of one place, perhaps."""
    lines = [
        min(column.lines)
        for column, said in zip(read.columns, known, strict=True)
        if said["new"] and column.name.serial and not column.name.meter and said["beside"]
    ]
    if lines:
        rule = (
            "each serial number without `meter` becomes a meter of its own; devices of one place, after an exchange, "
        )
        typer.echo(f"{file}:{min(lines)}: {rule}are one by `fixed: {{meter: main}}` or a column `meter`", err=True)


def _tell_renamed(file: Path, read: ReadFile) -> None:
    """Amounts that the file tells under the code of a register, and means of more than a quarter of an hour."""
    renamed: dict[tuple[str, str], list[int]] = defaultdict(list)
    means: list[int] = []
    for column in read.columns:
        if column.said:
            renamed[column.said, column.name.quantity].append(min(column.lines))
        if column.kind in MEANS and any(map(_is_long, column.starts, column.ends)):
            means.append(min(column.lines))
    for (said, name), lines in renamed.items():
        typer.echo(f"{file}:{min(lines)}: {said} with intervals: taken as amounts, {name}", err=True)
    if means:
        rule = "means of more than a quarter of an hour: estimated in each of its quarters"
        typer.echo(f"{file}:{min(means)}: {rule}", err=True)


def _is_long(start: int, end: int) -> bool:
    return (end - start) * SECOND_US > QUARTER_US


def _checked(line: Calls, file: Path, read: ReadFile) -> list[Any]:
    """What the gateway says of each series; the end of the command where one is wrong, or a line was."""
    try:
        known = _asked(line, read)
    except typer.Exit:
        if read.wrong:
            _stop(file, read.wrong.some, read.wrong.count, read.plan.called)
        raise
    wrong = [
        Wrong(min(column.lines), said["wrong"]["field"], said["wrong"]["rule"])
        for column, said in zip(read.columns, known, strict=True)
        if "wrong" in said
    ]
    if wrong or read.wrong:
        some = sorted([*read.wrong.some, *wrong])
        _stop(file, some, len(wrong) + read.wrong.count, read.plan.called)
    return known


def _asked(line: Calls, read: ReadFile) -> list[Any]:
    """Those of one place at once, as far as they fit: the gateway counts new meters of what it is asked together."""
    known: list[Any] = [None] * len(read.columns)
    order = sorted(range(len(known)), key=lambda at: (read.columns[at].name.household, read.columns[at].name.point))
    for asked in _together(order, read):
        some = [read.columns[at] for at in asked]
        names = [{part: text for part, text in column.name._asdict().items() if text} for column in some]
        places = _places([Slice(each, "", range(1)) for each in some], read)
        body = json.dumps({"series": names}).encode()
        answer = json.loads(line.post("/api/history/check", body, places))["series"]
        for at, said in zip(asked, answer, strict=True):
            known[at] = said
    return known


def _together(order: Sequence[int], read: ReadFile) -> Iterable[Sequence[int]]:
    """A place is not divided unless it has more than ``_AT_ONCE`` series."""
    asked: list[int] = []
    for _, group in groupby(order, key=lambda at: (read.columns[at].name.household, read.columns[at].name.point)):
        place = list(group)
        if asked and len(asked) + len(place) > _AT_ONCE:
            yield asked
            asked = []
        while len(place) > _AT_ONCE:
            yield place[:_AT_ONCE]
            place = place[_AT_ONCE:]
        asked += place
    if asked:
        yield asked


def _foresee(read: ReadFile, known: Iterable[Any], told: _Told) -> None:
    for column, said in zip(read.columns, known, strict=True):
        for line, start, end in zip(column.lines, column.starts, column.ends, strict=True):
            if start < said["begins"]:
                told.refused["before-start"].append(line)
            elif start < said["expired_before"]:
                told.refused["expired"].append(line)
            elif end > said["ahead_after"]:
                told.refused["clock"].append(line)
            else:
                told.accepted += 1


def _send(line: Calls, read: ReadFile, told: _Told) -> None:
    """One after the other: so a number that came says that all below it came."""
    import msgspec

    with progress() as bar:
        task = bar.add_task("sending", total=read.count)
        for sequence, slices in enumerate(batches(read.columns)):
            body = {"source": read.source, "sequence": sequence, "series": [each.wire() for each in slices]}
            answer = json.loads(line.post("/api/history", msgspec.json.encode(body), _places(slices, read)))
            _note(told, slices, answer)
            bar.advance(task, sum(len(each.rows) for each in slices))


def _places(slices: Sequence[Slice], read: ReadFile) -> Names:
    """Of ``series.3.values.17`` the line of the file, and what the file calls it."""

    def named(field: str) -> str:
        series, _, rest = field.removeprefix("series.").partition(".")
        if not field.startswith("series.") or int(series) >= len(slices):
            return read.plan.called(field)
        (what, _, row), of = rest.partition("."), slices[int(series)]
        line = of.column.lines[of.rows[int(row)]] if row.isdigit() else min(of.column.lines)
        words = {"starts": "begin", "ends": "end", "values": "value"}
        return ": ".join(filter(None, (str(line), read.plan.called(words.get(what, what)))))

    return named


def _note(told: _Told, slices: Sequence[Slice], answer: Any) -> None:
    count = sum(len(each.rows) for each in slices)
    told.accepted += answer["accepted"]
    for one in answer["refused"]:
        of = slices[one["series"]]
        told.refused[one["reason"]].append(of.column.lines[of.rows[one["row"]]])
    if answer["repeated"]:
        told.repeated += count
        told.before += count - answer["accepted"] - len(answer["refused"])


def _sums(file: Path, read: ReadFile, told: _Told, *, sent: bool) -> None:
    for reason, lines in sorted(told.refused.items()):
        for some in ranges(lines):
            typer.echo(f"{file}:{some}: {reason}", err=True)
    _tell(file, read.left_out.some, read.plan.called)
    sums = {
        "source": read.source,
        "sent": sent,
        "values": read.count,
        "accepted": told.accepted,
        "refused": dict(Counter({reason: len(lines) for reason, lines in told.refused.items()})),
        "left_out": read.left_out.count,
        "repeated": told.repeated,
        "not_remembered": told.before,
    }
    typer.echo(json.dumps(sums))
    left = sum(map(len, told.refused.values())) + read.left_out.count
    if left:
        rest = "all others are in" if sent else "all others would be"
        typer.echo(f"metergate: {counted(left, 'value')} not taken, as told above; {rest}", err=True)
    raise typer.Exit(NOT_ALL if left else 0)
