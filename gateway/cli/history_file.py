"""The file of ``metergate import``: opened, read by the reader of its kind, with progress and bounds."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from gateway.cli.calls import why
from gateway.history.batches import source_of
from gateway.history.plan import ImportMap, plan_of
from gateway.history.values import SourceColumn, Values
from gateway.history.wrong import FileRefused, MapRefused, Wrong, Wrongs

_CHUNK, _TICK = 1 << 20, 10_000
_MOST_MEMORY = 2 << 30
"""That reading a Parquet file may take: its pages are as large as the file says."""
_DATA_PAGES = 5
"""Place of the size of data in ``/proc/self/statm``."""
FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".xml": "green-button",
    ".edi": "mscons", ".edifact": "mscons", ".mscons": "mscons",
}  # fmt: skip
"""By the name of a file."""


@dataclass(slots=True)
class ReadFile:
    """What was read, by which map. ``source``: the name under which its batches are known."""

    columns: Sequence[SourceColumn]
    source: str
    wrong: Wrongs
    left_out: Wrongs
    plan: ImportMap

    @property
    def count(self) -> int:
        return sum(len(column.values) for column in self.columns)


def map_of(file: Path) -> Any:
    """What stands in a map. Raises ``FileRefused``."""
    import yaml

    try:
        return yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise MapRefused(Wrong(0, "map", why(error))) from None
    except UnicodeError:
        raise MapRefused(Wrong(0, "map", "not UTF-8")) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: of a date that is none
        mark = getattr(error, "problem_mark", None)
        raise MapRefused(Wrong(mark.line + 1 if mark else 0, "map", "no YAML")) from None


def plan_for(table: Any, file: Path) -> ImportMap:
    """Of what stands in a map; the name of ``file`` tells the format where the map does not. Raises ``FileRefused``."""
    plan = plan_of(table)
    if plan.format:
        return plan
    if (form := FORMATS.get(file.suffix.lower())) is None:
        rule = "csv, parquet, mscons or green-button; the name of the file does not tell"
        raise MapRefused(Wrong(0, "format", rule))
    return plan_of({**(table or {}), "format": form})


def read_file(file: Path, plan: ImportMap) -> ReadFile:
    """All of it. Raises ``FileRefused``."""
    values = Values()
    try:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if plan.format == "green-button":
            from gateway.history import green_button

            green_button.read(lambda: file.open("rb"), plan, values)
        elif plan.format == "parquet":
            _read_parquet(file, plan, values)
        else:
            _read_text(file, plan, values)
    except OSError as error:
        raise FileRefused(Wrong(0, "file", why(error))) from None
    except UnicodeError:
        raise MapRefused(Wrong(0, "csv.encoding", "not what the file is written in")) from None
    return ReadFile(values.finish(), source_of(digest, plan), values.wrong, values.left_out, plan)


def _read_text(file: Path, plan: ImportMap, values: Values) -> None:
    from gateway.history import mscons, table

    encoding = plan.csv.encoding if plan.format == "csv" else "latin-1"
    with file.open(encoding=encoding, newline="") as text:
        if plan.format == "csv":
            table.read(_lines(text, file.stat().st_size), plan, values)
        else:
            mscons.read(iter(lambda: text.read(_CHUNK), ""), plan, values)


def _read_parquet(file: Path, plan: ImportMap, values: Values) -> None:
    from gateway.history import parquet

    with file.open("rb") as source, progress() as bar, _memory_bounded(_MOST_MEMORY):
        task = bar.add_task("checking", total=None)
        parquet.read(source, plan, values, lambda done, rows: bar.update(task, completed=done, total=rows))


@contextmanager
def _memory_bounded(more: int) -> Iterator[None]:
    """At most so many bytes more than now, on Linux; a ``MemoryError`` beyond."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        yield
        return
    import resource

    before, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = int(statm.read_text().split()[_DATA_PAGES]) * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_DATA, (min([most, *(each for each in (before, hard) if each >= 0)]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, hard))


def _lines(text: TextIO, size: int) -> Iterator[str]:
    with progress() as bar:
        task = bar.add_task("checking", total=size)
        length = 0
        for number, line in enumerate(text):
            length += len(line)
            if number % _TICK == 0:
                bar.update(task, completed=length)
            yield line


def progress() -> Any:
    """A bar on stderr; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(console=console, disable=not console.is_terminal, transient=True)
