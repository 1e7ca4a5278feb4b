"""Parquet: a row a value, read batch by batch. Pyarrow (the extra ``parquet``) is imported when a file is read.

What a line is to other files is here the number of the row, from 1. Text stays as the file's dictionaries have it, once
however often it stands, so that few bytes of a file do not become many of memory.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import IO, Any

from gateway.history.plan import ImportMap
from gateway.history.rows import RowReader, places
from gateway.history.values import MOST_VALUES, NUMBER, Values
from gateway.history.wrong import FileRefused, MapRefused, Wrong

_BATCH = 16_384
LARGEST_FOOTER = 16 << 20
"""Bytes that describe a file's columns and row groups."""
_BUFFER = 1 << 18
_TIMES = ("time", "begin", "end")
_PER_SECOND = {"s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}
_DAY, _DAY_MS = 86_400, 86_400_000
_1970 = datetime(1970, 1, 1, tzinfo=UTC)

Texts = Callable[[Any], Sequence[str]]
"""Of an Arrow array without nulls."""


def read(source: IO[bytes], plan: ImportMap, values: Values, told: Callable[[int, int], None]) -> None:
    """Every row into ``values``, or into what is wrong. Raises ``FileRefused`` when it is no table of this map.

    ``told`` hears how many rows are read, of how many. The caller bounds the memory: a page is as large as it says.
    """
    try:
        file = _opened(source, plan)
        if file.metadata.num_rows > MOST_VALUES:
            raise FileRefused(Wrong(0, "file", f"more than {MOST_VALUES} rows: cut it"))
        _take(file, plan, values, told)
    except MemoryError:
        raise FileRefused(Wrong(0, "file", "too large to read: write smaller pages, or shorter texts")) from None


def _opened(source: IO[bytes], plan: ImportMap) -> Any:
    """With the dictionaries of text columns as they are."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise FileRefused(Wrong(0, "file", "Parquet needs pyarrow: pip install 'metergate[parquet]'")) from None
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())  # the others reserve a GiB in advance: no bound allows it
    _check_ends(source)
    how: dict[str, Any] = {"pre_buffer": False, "buffer_size": _BUFFER, "page_checksum_verification": True}
    how |= {"coerce_int96_timestamp_unit": "us", "arrow_extensions_enabled": False}
    with _sound(0):
        first = parquet.ParquetFile(source, **how)
        schema = first.schema_arrow
        places(plan, schema.names)
        texts = [column for column in plan.columns.values() if _is_text(schema.field(column).type)]
        return parquet.ParquetFile(source, metadata=first.metadata, read_dictionary=texts, **how)


def _check_ends(source: IO[bytes]) -> None:
    """The mark of the kind at both ends, and a footer that is no bomb."""
    head, size = source.read(4), source.seek(0, 2)
    source.seek(max(0, size - 8))
    tail = source.read(8)
    if head == b"PARE" or tail[4:] == b"PARE":
        raise FileRefused(Wrong(0, "file", "encrypted: decrypt it first"))
    if size < 12 or head != b"PAR1" or tail[4:] != b"PAR1":
        raise FileRefused(Wrong(0, "file", "no Parquet, or not whole: PAR1 at both ends"))
    if int.from_bytes(tail[:4], "little") > LARGEST_FOOTER:
        raise FileRefused(Wrong(0, "file", f"a footer of more than {LARGEST_FOOTER} bytes"))


@contextmanager
def _sound(row: int) -> Iterator[None]:
    """What pyarrow finds wrong, said in our words. ``row``: the first that is not read; 0 for none of them."""
    from pyarrow import ArrowException

    try:
        yield
    except MemoryError:
        raise
    except NotImplementedError:
        raise FileRefused(Wrong(row, "file", "compressed or encoded in a way that pyarrow does not read")) from None
    except (ArrowException, OSError, UnicodeDecodeError) as error:
        rule = "encrypted: decrypt it first" if "crypt" in str(error) else "damaged"
        raise FileRefused(Wrong(row, "file", rule)) from None


def _take(file: Any, plan: ImportMap, values: Values, told: Callable[[int, int], None]) -> None:
    kinds = {str(field): file.schema_arrow.field(column).type for field, column in plan.columns.items()}
    texts = {field: _texts(field, kind) for field, kind in kinds.items()}
    iso = [field for field in _TIMES if field in kinds and not _is_text(kinds[field])]
    at = {field: place for place, field in enumerate(kinds)}
    comma = plan.csv.decimal == "," and "value" in kinds and _is_text(kinds["value"])
    reader = RowReader(plan, at, len(kinds), values, comma=comma, iso=iso)
    done = 0
    for batch in _batches(file, sorted(set(plan.columns.values()))):
        with _sound(done + 1):
            columns = [_cells(batch.column(name), field, texts[str(field)]) for field, name in plan.columns.items()]
        for row in zip(*columns, strict=True):
            done += 1
            reader.take(row, done)
        if done > MOST_VALUES:
            raise FileRefused(Wrong(done, "file", f"more than {MOST_VALUES} rows: cut it"))
        told(done, file.metadata.num_rows)
    reader.finish()


def _batches(file: Any, names: Sequence[str]) -> Iterator[Any]:
    done = 0
    batches = file.iter_batches(_BATCH, columns=names, use_threads=False)
    while True:
        with _sound(done + 1):
            if (batch := next(batches, None)) is None:
                break
            batch.validate(full=True)
        done += batch.num_rows
        yield batch


def _cells(column: Any, field: str, texts: Texts) -> list[str]:
    """A null is "null" where a number or a time is needed, which neither is, and else empty as in a table of text."""
    coded = column if hasattr(column, "dictionary") else column.dictionary_encode()
    used = coded.indices.drop_null().unique()
    words: dict[int | None, str] = dict(zip(used.to_pylist(), texts(coded.dictionary.take(used)), strict=True))
    words[None] = "null" if field in ("value", *_TIMES) else ""
    return [words[index] for index in coded.indices.to_pylist()]


# -- from Arrow's types to the text that a table would have


def _texts(field: str, kind: Any) -> Texts:
    """How cells of a field are written. Raises ``FileRefused`` for a type that cannot be what the map says."""
    from pyarrow import types

    if _is_text(kind):
        return _plain
    if field in _TIMES:
        if types.is_timestamp(kind):
            return _instants
        if types.is_date(kind):
            return _days
        raise MapRefused(Wrong(0, f"columns.{field}", "a timestamp, a date or text"))
    if types.is_integer(kind):
        return _integers
    if field != "value":
        raise MapRefused(Wrong(0, f"columns.{field}", "text or an integer"))
    if types.is_decimal(kind):
        return _decimals
    if types.is_float32(kind) or types.is_float64(kind):
        return _floats
    raise MapRefused(Wrong(0, "columns.value", "a decimal, an integer, a float of 32 or 64 bits, or text"))


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    of = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_string(of) or types.is_large_string(of))


def _plain(array: Any) -> Sequence[str]:
    return [text if text is not None else "" for text in array.to_pylist()]


def _integers(array: Any) -> Sequence[str]:
    return [str(number) for number in array.to_pylist()]


def _decimals(array: Any) -> Sequence[str]:
    return [_digits(number) for number in array.to_pylist()]


def _digits(number: Decimal) -> str:
    """As the column's scale writes it; without zeros at the end where that is more than we take."""
    text = f"{number:f}"
    return text if NUMBER.fullmatch(text) or "." not in text else text.rstrip("0").rstrip(".")


def _floats(array: Any) -> Sequence[str]:
    """The shortest decimal that reads back as the same float of the same width."""
    return [_digits(Decimal(text)) for text in array.cast("string").to_pylist()]


def _instants(array: Any) -> Sequence[str]:
    """With an offset where the column has a zone: such are UTC inside."""
    per, zone = _PER_SECOND[array.type.unit], UTC if array.type.tz is not None else None
    return [_instant(ticks, per, zone) for ticks in array.cast("int64").to_pylist()]


def _days(array: Any) -> Sequence[str]:
    """The midnight of each, without an offset."""
    width = array.type.bit_width
    ticks = array.cast(f"int{width}").to_pylist()
    return [_instant((n if width == 32 else n // _DAY_MS) * _DAY, 1, None) for n in ticks]


def _instant(ticks: int, per: int, zone: Any) -> str:
    """A part of a second, however small, is seen."""
    seconds, rest = divmod(ticks, per)
    try:
        at = _1970 + timedelta(seconds=seconds, microseconds=1 if rest else 0)
    except OverflowError:
        return "out of range"
    return at.replace(tzinfo=zone).isoformat()
