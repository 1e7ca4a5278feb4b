"""Tables (CSV, RFC 4180 with any delimiter): a line a value."""

import csv
from collections.abc import Iterable, Iterator
from itertools import islice

from gateway.history.plan import ImportMap
from gateway.history.rows import RowReader, places
from gateway.history.values import Values
from gateway.history.wrong import FileRefused, Wrong

LONGEST_LINE = 100_000
"""Characters; a longer one is no table."""


def read(lines: Iterable[str], plan: ImportMap, values: Values) -> None:
    """Every line into ``values``, or into what is wrong. Raises ``FileRefused`` when it is no table of this map."""
    rows = csv.reader(islice(_bounded(lines), plan.csv.skip, None), delimiter=plan.csv.delimiter, strict=True)
    try:
        head = next(rows, None)
        if head is None:
            raise FileRefused(Wrong(0, "file", "empty"))
        at = places(plan, [name.strip() for name in head])
        table = RowReader(plan, at, len(head), values, comma=plan.csv.decimal == ",")
        for row in rows:
            if row:
                table.take(row, rows.line_num + plan.csv.skip)
        table.finish()
    except csv.Error as error:
        raise FileRefused(Wrong(rows.line_num + plan.csv.skip, "line", f"no CSV: {error}")) from None


def _bounded(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_LINE or "\0" in line:
            raise FileRefused(Wrong(number, "line", f"longer than {LONGEST_LINE} characters, or no text"))
        yield line
