"""``metergate import``: values from before, out of a file, checked whole before the first is sent."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from gateway.cli.calls import SETTINGS_FILE, Calls, SettingsFile, held
from gateway.history.batches import Slice, batches, ranges, source_of
from gateway.history.plan import ImportMap, plan_of
from gateway.history.values import SourceColumn, Values
from gateway.history.wrong import FileRefused, Wrong, Wrongs
from gateway.settings import Settings

MapFile = Annotated[Path, typer.Option("--map", "-m", help="YAML: what the columns are; see docs/running.md.")]
_OnlyCheck = Annotated[bool, typer.Option("--check", help="Say what would be taken, and send nothing.")]
_AT_ONCE = 500
_CHUNK, TICK = 1 << 20, 10_000
_SHOWN = 100
"""Wrongs that are printed; the others are counted."""
FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".xml": "green-button", ".edi": "mscons", ".edifact": "mscons", ".mscons": "mscons",
}  # fmt: skip
"""By the name of a file."""


def import_file(
    file: Path, map_file: MapFile, settings: SettingsFile = SETTINGS_FILE, *, check: _OnlyCheck = False
) -> None:
    """Values of a CSV, MSCONS or Green Button file into the gateway.

    All is checked first; then it goes in batches, and after an end in the middle the same command goes on where it
    stopped. What is wrong or refused is told on stderr with file, line and field; the sums are one JSON object on
    stdout. Exit 1 when anything was wrong or refused.
    """
    config = held(settings)
    try:
        table = _map(map_file)
        read = _read(file, _plan(table, file))
    except FileRefused as error:
        of_map = error.wrong.field.partition(".")[0] in (*ImportMap.__struct_fields__, "map")
        _stop(map_file if of_map else file, [error.wrong], 1)
    if read.wrong:
        _stop(file, read.wrong.some, read.wrong.count)
    _exchange(config, file, read, send=not check)


def _stop(file: Path, some: Sequence[Wrong], count: int) -> Any:
    for wrong in some[:_SHOWN]:
        typer.echo(f"{file}:{wrong}" if wrong.line else f"{file}: {wrong}", err=True)
    typer.echo(f"metergate: {count} wrong; nothing was sent", err=True)
    raise typer.Exit(1)


# -- reading


@dataclass(slots=True)
class _File:
    """What was read. ``source``: the name under which its batches are known."""

    columns: Sequence[SourceColumn]
    source: str
    wrong: Wrongs
    left_out: Wrongs

    @property
    def count(self) -> int:
        return sum(len(column.values) for column in self.columns)


def _map(file: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise FileRefused(Wrong(0, "map", type(error).__name__)) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise FileRefused(Wrong(mark.line + 1 if mark else 0, "map", "no YAML")) from None


def _plan(table: Any, file: Path) -> ImportMap:
    if file.suffix.lower() == ".parquet":
        raise FileRefused(Wrong(0, "file", "Parquet is not read; write the table as CSV"))
    plan = plan_of(table)
    if plan.format:
        return plan
    if (form := FORMATS.get(file.suffix.lower())) is None:
        raise FileRefused(Wrong(0, "format", "csv, mscons or green-button; the name of the file does not tell"))
    return plan_of({**(table or {}), "format": form})


def _read(file: Path, plan: ImportMap) -> _File:
    """All of it. Raises ``FileRefused``."""
    values = Values()
    try:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if plan.format == "green-button":
            from gateway.history import green_button

            green_button.read(lambda: file.open("rb"), plan, values)
        else:
            _read_text(file, plan, values)
    except OSError as error:
        raise FileRefused(Wrong(0, "file", type(error).__name__)) from None
    except (UnicodeDecodeError, LookupError):
        raise FileRefused(Wrong(0, "csv.encoding", "not what the file is written in")) from None
    return _File(values.finish(), source_of(digest, plan), values.wrong, values.left_out)


def _read_text(file: Path, plan: ImportMap, values: Values) -> None:
    from gateway.history import mscons, table

    encoding = plan.csv.encoding if plan.format == "csv" else "latin-1"
    with file.open(encoding=encoding, newline="") as text:
        if plan.format == "csv":
            table.read(_lines(text, file.stat().st_size), plan, values)
        else:
            mscons.read(iter(lambda: text.read(_CHUNK), ""), plan, values)


def _lines(text: TextIO, size: int) -> Iterator[str]:
    with _progress() as bar:
        task = bar.add_task("checking", total=size)
        length = 0
        for number, line in enumerate(text):
            length += len(line)
            if number % TICK == 0:
                bar.update(task, completed=length)
            yield line


def _progress() -> Any:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(console=console, disable=not console.is_terminal, transient=True)


# -- asking and sending


@dataclass(slots=True)
class _Told:
    """What the gateway said. ``refused``: lines by reason. ``before``: values of batches that it knew, of which it
    does not remember any more what became of them."""

    accepted: int = 0
    refused: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    repeated: int = 0
    before: int = 0


def _exchange(config: Settings, file: Path, read: _File, *, send: bool) -> None:
    line, told = Calls(config), _Told()
    try:
        known = _checked(line, file, read)
        homes, meters = {each["household"] for each in known}, {(e["household"], e["meter"], e["new"]) for e in known}
        new = sorted(meter for _, meter, is_new in meters if is_new)
        typer.echo(
            f"{read.count} values, {len(homes)} households, {len(meters)} meters of which {len(new)} new", err=True
        )
        if send:
            _send(line, read, told)
        else:
            _foresee(read, known, told)
    finally:
        line.close()
    _sums(file, read, told, sent=send)


def _checked(line: Calls, file: Path, read: _File) -> list[Any]:
    """What the gateway says of each series; the end of the command where one is wrong."""
    known: list[Any] = []
    for begin in range(0, len(read.columns), _AT_ONCE):
        names = [
            {part: text for part, text in column.name._asdict().items() if text}
            for column in read.columns[begin : begin + _AT_ONCE]
        ]
        known += json.loads(line.post("/api/history/check", json.dumps({"series": names}).encode()))["series"]
    wrong = [
        Wrong(min(column.lines), said["wrong"]["field"], said["wrong"]["rule"])
        for column, said in zip(read.columns, known, strict=True)
        if "wrong" in said
    ]
    if wrong:
        _stop(file, sorted(wrong), len(wrong))
    return known


def _foresee(read: _File, known: Iterable[Any], told: _Told) -> None:
    for column, said in zip(read.columns, known, strict=True):
        for line, start, end in zip(column.lines, column.starts, column.ends, strict=True):
            if start < said["begins"]:
                told.refused["before-start"].append(line)
            elif end < said["expired_before"]:
                told.refused["expired"].append(line)
            else:
                told.accepted += 1


def _send(line: Calls, read: _File, told: _Told) -> None:
    """One after the other: so a number that came says that all below it came."""
    import msgspec

    with _progress() as bar:
        task = bar.add_task("sending", total=read.count)
        for sequence, slices in enumerate(batches(read.columns)):
            body = {"source": read.source, "sequence": sequence, "series": [each.wire() for each in slices]}
            answer = json.loads(line.post("/api/history", msgspec.json.encode(body)))
            _note(told, slices, answer)
            bar.advance(task, sum(len(each.rows) for each in slices))


def _note(told: _Told, slices: Sequence[Slice], answer: Any) -> None:
    count = sum(len(each.rows) for each in slices)
    told.accepted += answer["accepted"]
    for one in answer["refused"]:
        of = slices[one["series"]]
        told.refused[one["reason"]].append(of.column.lines[of.rows[one["row"]]])
    if answer["repeated"]:
        told.repeated += count
        told.before += count - answer["accepted"] - len(answer["refused"])


def _sums(file: Path, read: _File, told: _Told, *, sent: bool) -> None:
    for reason, lines in sorted(told.refused.items()):
        for some in ranges(lines):
            typer.echo(f"{file}:{some}: {reason}", err=True)
    for wrong in read.left_out.some[:_SHOWN]:
        typer.echo(f"{file}:{wrong}", err=True)
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
    raise typer.Exit(1 if told.refused or read.left_out else 0)
