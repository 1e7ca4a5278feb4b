"""Parquet files of history: what each type of column becomes, what is wrong by its row, and what does no harm."""

import io
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli import history_file
from gateway.history import parquet, table
from gateway.history.plan import plan_of
from gateway.history.values import NUMBER, SourceColumn, Values
from gateway.history.wrong import FileRefused

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
PLAN: dict[str, Any] = {
    "format": "parquet",
    "columns": {"point": "MeLo", "time": "Zeit", "quantity": "OBIS", "value": "Wert", "status": "S"},
    "fixed": {"unit": "kWh"},
    "stamps": "begin",
    "interval": "15min",
    "statuses": {"W": "measured", "E": "estimated", "X": "refused"},
}
REPO = Path(__file__).resolve().parents[3]


def quarters(count: int) -> list[datetime]:
    return [MARCH + timedelta(minutes=15 * n) for n in range(count)]


def columns_of(values: Any, **other: Any) -> dict[str, Any]:
    count = len(values)
    return {
        "MeLo": ["P1"] * count,
        "Zeit": pa.array(quarters(count), pa.timestamp("ms", "UTC")),
        "OBIS": ["1-0:1.29.0"] * count,
        "Wert": values,
        "S": ["W"] * count,
        **other,
    }


def file_of(columns: dict[str, Any], **how: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **how)
    return out.getvalue()


def from_bytes(data: bytes, **plan: Any) -> tuple[Sequence[SourceColumn], Values]:
    values = Values()
    parquet.read(io.BytesIO(data), plan_of({**PLAN, **plan}), values, lambda done, rows: None)
    return values.finish(), values


def wrongs(values: Values) -> list[tuple[int, str]]:
    return [(wrong.line, wrong.field) for wrong in values.wrong.some]


def decimals(*texts: str | None, scale: int = 3) -> Any:
    return pa.array([None if text is None else Decimal(text) for text in texts], pa.decimal128(38, scale))


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def test_a_row_is_a_value_of_its_interval_with_the_digits_of_the_column() -> None:
    columns, values = from_bytes(file_of(columns_of(decimals("0.250", "1.5"), S=["W", "E"])))
    assert not values.wrong
    (column,) = columns
    assert column.name == ("", "P1", "", "", "1-0:1.29.0*255", "kWh")
    assert list(column.starts) == [seconds(MARCH), seconds(MARCH) + 900]
    assert list(column.ends) == [seconds(MARCH) + 900, seconds(MARCH) + 1800]
    assert (column.values, column.statuses) == (["0.250", "1.500"], ["measured", "estimated"])
    assert list(column.lines) == [1, 2]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (decimals("0.25", scale=18), ["0.25"]),
        (decimals("12345678901234", scale=0), ["12345678901234"]),
        (pa.array([Decimal("-1.50")], pa.decimal256(60, 2)), ["-1.50"]),
        (pa.array([7], pa.int64()), ["7"]),
        (pa.array([-7], pa.int8()), ["-7"]),
        (pa.array([2**40], pa.uint64()), ["1099511627776"]),
        (pa.array([0.1], pa.float64()), ["0.1"]),
        (pa.array([0.1], pa.float32()), ["0.1"]),
        (pa.array([1e-7], pa.float64()), ["0.0000001"]),
        (pa.array([1e13], pa.float64()), ["10000000000000"]),
        (pa.array(["0.250"], pa.large_string()), ["0.250"]),
        (pa.array(["0.250"]).dictionary_encode(), ["0.250"]),
    ],
    ids=str,
)
def test_a_number_of_any_type_keeps_its_digits(written: Any, told: list[str]) -> None:
    (column,), values = from_bytes(file_of(columns_of(written)))
    assert not values.wrong
    assert column.values == told


@given(st.lists(st.floats(-1e4, 1e4, width=32).map(lambda x: round(x, 3)), min_size=1, max_size=40))
def test_a_float_is_the_shortest_decimal_that_reads_back_as_it(floats: list[float]) -> None:
    columns, values = from_bytes(file_of(columns_of(pa.array(floats, pa.float64()))))
    told = {start: text for column in columns for start, text in zip(column.starts, column.values, strict=True)}
    lines = {line - 1 for column in columns for line in column.lines}
    assert lines | {wrong.line - 1 for wrong in values.wrong.some} == set(range(len(floats)))
    for n in lines:
        text = told[seconds(MARCH) + 900 * n]
        assert float(text) == floats[n]
        assert Decimal(text) == Decimal(repr(floats[n]))


@pytest.mark.parametrize(
    "written",
    [
        pa.array([1.0, float("nan"), 1.0]),
        pa.array([1.0, float("inf"), 1.0]),
        pa.array([1.0, None, 1.0]),
        pa.array([1.0, 0.1 + 0.2, 1.0]),
        pa.array([1, 10**15, 1]),
        decimals("1", None, "1"),
        pa.array(["1", None, "1"]),
        pa.array(["1", "1e3", "1"]),
    ],
    ids=str,
)
def test_a_value_that_is_no_number_of_ours_is_wrong_in_its_row(written: Any) -> None:
    columns, values = from_bytes(file_of(columns_of(written)))
    assert wrongs(values) == [(2, "value")]
    assert [len(column.values) for column in columns] == [2]


def test_a_value_that_the_file_leaves_empty_or_calls_unusable_is_left_out() -> None:
    columns, values = from_bytes(file_of(columns_of(["1", "", "1"], S=["W", "W", "X"])))
    assert (len(columns[0].values), values.left_out.count, values.wrong.count) == (1, 2, 0)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "+02:00"])
def test_a_timestamp_with_a_zone_is_its_instant_whatever_the_map_says(unit: str, zone: str) -> None:
    written = pa.array(quarters(2), pa.timestamp(unit, zone))
    (column,), _ = from_bytes(
        file_of(columns_of([1, 2], Zeit=written)), zone="America/New_York", time_format="%d.%m.%Y"
    )
    assert list(column.starts) == [seconds(MARCH), seconds(MARCH) + 900]


def test_a_timestamp_without_a_zone_is_the_wall_clock_of_the_map() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    october = [(25, 1, 45), (25, 2, 45), (25, 2, 0)]
    walls = [datetime(2026, 10, *at) for at in october] + [datetime(2026, 3, 29, 2, 15)]  # noqa: DTZ001
    data = file_of(columns_of([1, 2, 3, 4], Zeit=pa.array(walls, pa.timestamp("us"))))
    (column,), values = from_bytes(data, zone="Europe/Berlin")
    folds = zip(walls, (0, 0, 1), strict=False)
    assert list(column.starts) == [seconds(wall.replace(tzinfo=berlin, fold=fold)) for wall, fold in folds]
    assert wrongs(values) == [(4, "time")]
    assert wrongs(from_bytes(data)[1]) == [(n, "time") for n in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("cells", "rule"),
    [(decimals("1.500"), ""), (["1,500"], ""), (["1.500"], "a point, and csv.decimal is a comma")],
)
def test_a_decimal_comma_is_one_of_texts_and_no_matter_of_numbers(cells: Any, rule: str) -> None:
    columns, values = from_bytes(file_of(columns_of(cells)), csv={"decimal": ","})
    assert [wrong.rule for wrong in values.wrong.some] == ([rule] if rule else [])
    assert [column.values for column in columns] == ([] if rule else [["1.500"]])


def test_a_map_with_a_decimal_comma_and_no_value_is_refused() -> None:
    with pytest.raises(FileRefused, match="value: none is said to be it"):
        from_bytes(file_of(columns_of([1])), columns={"point": "MeLo", "time": "Zeit"}, csv={"decimal": ","})


def test_old_timestamps_of_96_bits_have_no_zone() -> None:
    data = file_of(columns_of([1]), use_deprecated_int96_timestamps=True, store_schema=False)
    (column,), values = from_bytes(data, zone="UTC")
    assert (list(column.starts), values.wrong.count) == ([seconds(MARCH)], 0)
    assert wrongs(from_bytes(data)[1]) == [(1, "time")]


def test_a_part_of_a_second_and_a_time_that_is_none_are_wrong_in_their_row() -> None:
    ticks = [seconds(MARCH) * 10**9, seconds(MARCH) * 10**9 + 1, None, 1]
    written = pa.array(ticks, pa.timestamp("ns", "UTC"))
    _, values = from_bytes(file_of(columns_of([1, 2, 3, 4], Zeit=written)))
    assert wrongs(values) == [(2, "time"), (3, "time"), (4, "time")]
    far = pa.array([2**42], pa.timestamp("s", "UTC"))
    _, values = from_bytes(file_of(columns_of([1], Zeit=far)))
    assert wrongs(values) == [(1, "time")]


def test_dates_are_days_of_the_zone_and_texts_have_the_form_of_the_map() -> None:
    days = pa.array([date(2026, 3, 28), date(2026, 3, 29)], pa.date32())
    plan = {"zone": "Europe/Berlin", "interval": "1d"}
    (column,), _ = from_bytes(file_of(columns_of([1, 2], Zeit=days)), **plan)
    assert [(e - s) // 3600 for s, e in zip(column.starts, column.ends, strict=True)] == [24, 23]
    texts = file_of(columns_of([1, 2], Zeit=["28.03.2026", "29.03.2026"]))
    (same,), _ = from_bytes(texts, **plan, time_format="%d.%m.%Y")
    (wide,), _ = from_bytes(file_of(columns_of([1, 2], Zeit=days.cast(pa.date64()))), **plan)
    assert same.starts == wide.starts == column.starts
    far = pa.array([2**31 - 1], pa.int32()).cast(pa.date32())
    assert wrongs(from_bytes(file_of(columns_of([1], Zeit=far)), **plan)[1]) == [(1, "time")]


def test_begin_and_end_are_two_columns_of_any_kind_of_time() -> None:
    ends = [(at + timedelta(minutes=15)).isoformat() for at in quarters(2)]
    columns = {**PLAN["columns"], "begin": "Zeit", "end": "bis"}
    del columns["time"]
    (column,), _ = from_bytes(file_of(columns_of([1, 2], bis=ends)), columns=columns)
    assert list(column.ends) == [seconds(MARCH) + 900, seconds(MARCH) + 1800]


def test_names_may_be_dictionaries_integers_and_null() -> None:
    points = pa.array(["P1", None, "P1"]).dictionary_encode()
    serials = pa.array([4711, 4711, None], pa.int32())
    columns = {**PLAN["columns"], "serial": "Nr"}
    found, values = from_bytes(file_of(columns_of([1, 2, 3], MeLo=points, Nr=serials)), columns=columns)
    assert wrongs(values) == [(2, "point")]
    assert [(column.name.point, column.name.serial) for column in found] == [("P1", ""), ("P1", "4711")]


def test_other_columns_of_the_file_may_be_anything() -> None:
    (column,), values = from_bytes(file_of(columns_of([1], more=[{"a": [1, 2]}], raw=[b"\xff"])))
    assert (len(column.values), values.wrong.count) == (1, 0)


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("value", [True]),
        ("value", [b"1"]),
        ("value", pa.array([1.0], pa.float16())),
        ("value", [[1]]),
        ("time", [1772323200]),
        ("time", [timedelta(1)]),
        ("point", [1.5]),
        ("point", [{"a": "P1"}]),
    ],
)
def test_a_column_of_a_type_that_cannot_be_what_the_map_says_is_refused_by_its_field(field: str, written: Any) -> None:
    with pytest.raises(FileRefused) as refused:
        from_bytes(file_of(columns_of([1], **{PLAN["columns"][field]: written})))
    assert (refused.value.wrong.line, refused.value.wrong.field) == (0, f"columns.{field}")


def test_a_column_that_is_missing_or_there_twice_is_refused() -> None:
    twice = pa.Table.from_arrays([pa.array([1])] * 6, names=["MeLo", "Zeit", "OBIS", "Wert", "S", "S"])
    out = io.BytesIO()
    pq.write_table(twice, out)
    with pytest.raises(FileRefused, match=r"columns\.status: the file has 2"):
        from_bytes(out.getvalue())
    with pytest.raises(FileRefused, match=r"columns\.value: the file has no column"):
        from_bytes(file_of({**columns_of([1]), "Wert": ["1"]}), columns={**PLAN["columns"], "value": "Value"})


@given(st.integers(1, 60), st.booleans(), st.sampled_from(["snappy", "zstd", "gzip", "none"]), st.integers(1, 50))
def test_however_it_is_cut_packed_and_written_a_table_reads_as_its_csv(
    count: int, dictionary: bool, packed: str, group: int
) -> None:
    rows = [(f"P{n % 3}", at, n, "WEX"[n % 5 % 3]) for n, at in enumerate(quarters(count))]
    data = file_of(
        columns_of(pa.array([n for *_, n, _ in rows]), MeLo=[row[0] for row in rows], S=[row[3] for row in rows]),
        use_dictionary=dictionary,
        compression=packed,
        row_group_size=group,
    )
    lines = ["MeLo,Zeit,OBIS,Wert,S\n", *(f"{p},{at.isoformat()},1-0:1.29.0,{n},{s}\n" for p, at, n, s in rows)]
    same = Values()
    table.read(lines, plan_of({**PLAN, "format": "csv"}), same)
    found, values = from_bytes(data)
    assert [(c.name, c.starts, c.values, c.statuses) for c in found] == [
        (c.name, c.starts, c.values, c.statuses) for c in same.finish()
    ]
    assert [wrong.line + 1 for wrong in values.left_out.some] == [wrong.line for wrong in same.left_out.some]


# -- what does no harm

SAMPLE = file_of(columns_of(decimals(*(f"0.{n:03}" for n in range(200)))), compression="zstd")


@given(
    st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.binary(min_size=1, max_size=4)), max_size=4),
    st.integers(0, len(SAMPLE)),
)
def test_no_bytes_crash_the_reader(changes: list[tuple[int, bytes]], cut: int) -> None:
    data = bytearray(SAMPLE)
    for at, some in changes:
        data[at : at + len(some)] = some
    values = Values()
    for damaged in (bytes(data), bytes(data[:cut]) + SAMPLE[-300:], bytes(data[:cut])):
        try:
            parquet.read(io.BytesIO(damaged), plan_of(PLAN), values, lambda done, rows: None)
        except FileRefused:
            continue
    for column in values.finish():
        assert all(NUMBER.fullmatch(text) for text in column.values)


def test_what_is_damaged_in_the_middle_is_refused_from_the_row_on_where_it_is() -> None:
    data = bytearray(file_of(columns_of(pa.array(range(40_000))), compression="none", write_page_checksum=True))
    at = len(data) // 3
    data[at : at + 8] = b"\xff" * 8
    with pytest.raises(FileRefused, match="damaged") as refused:
        from_bytes(bytes(data))
    assert refused.value.wrong.line >= 1


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "PAR1 at both ends"),
        (b"MeLo,Zeit\n", "PAR1 at both ends"),
        (SAMPLE[:-1], "PAR1 at both ends"),
        (b"PARE" + b"\0" * 40 + b"PARE", "encrypted"),
        (b"PAR1" + b"\0" * 40 + b"\xff\xff\xff\x7fPAR1", "footer"),
        (b"PAR1" + b"\0" * 40 + b"\x10\0\0\0PAR1", "damaged"),
    ],
)
def test_what_is_no_parquet_is_refused_in_words(data: bytes, rule: str) -> None:
    with pytest.raises(FileRefused, match=rule):
        from_bytes(data)


@pytest.mark.parametrize("plain", [True, False])
def test_an_encrypted_file_is_said_to_be_one(plain: bool) -> None:
    from pyarrow.parquet import encryption

    class Kms(encryption.KmsClient):  # type: ignore[misc]
        def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
            return b64encode(key_bytes)

        def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
            return b64decode(wrapped_key)

    rows = pa.table(columns_of([1, 2]))
    how = encryption.EncryptionConfiguration(footer_key="f", column_keys={"c": ["Wert"]}, plaintext_footer=plain)
    factory = encryption.CryptoFactory(lambda _: Kms())
    keys = factory.file_encryption_properties(encryption.KmsConnectionConfig(), how)
    out = io.BytesIO()
    with pq.ParquetWriter(out, rows.schema, encryption_properties=keys) as writer:
        writer.write_table(rows)
    with pytest.raises(FileRefused, match="encrypted"):
        from_bytes(out.getvalue())


def test_rows_without_end_in_few_bytes_are_refused() -> None:
    nulls = {name: pa.nulls(6_000_000, pa.string()) for name in ("MeLo", "Zeit", "OBIS", "Wert", "S")}
    data = file_of(nulls, compression="zstd")
    assert len(data) < 200_000
    with pytest.raises(FileRefused, match="more than 5000000 rows"):
        from_bytes(data)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is bounded on Linux only")
def test_a_page_that_is_a_bomb_is_refused_within_the_memory_there_is(tmp_path: Path) -> None:
    file = tmp_path / "bomb.parquet"
    file.write_bytes(file_of(columns_of(["1"], MeLo=["x" * 150_000_000]), use_dictionary=False, compression="zstd"))
    assert file.stat().st_size < 100_000
    script = (
        "import pathlib, pyarrow.parquet\n"
        "from gateway.cli import history_file; from gateway.history.plan import plan_of\n"
        "history_file._MOST_MEMORY = 64 << 20\n"
        "try:\n"
        f"    history_file.read_file(pathlib.Path({str(file)!r}), plan_of({PLAN!r}))\n"
        "except Exception as error: print(error)\n"
        "print(pathlib.Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=REPO, capture_output=True, text=True, check=True)
    said, used = done.stdout.splitlines()
    assert said == "file: too large to read: write smaller pages, or shorter texts"
    assert int(used) < 400_000  # KiB


def test_a_text_that_stands_often_is_kept_once() -> None:
    points = pa.DictionaryArray.from_arrays(pa.array([0] * 3000, pa.int32()), ["x" * 1_000_000])
    data = file_of(columns_of(pa.array([1] * 3000), MeLo=points), compression="zstd", store_schema=False)
    before = pa.total_allocated_bytes()
    peak = 0

    def told(done: int, rows: int) -> None:
        nonlocal peak
        peak = max(peak, pa.total_allocated_bytes() - before)

    values = Values()
    parquet.read(io.BytesIO(data), plan_of(PLAN), values, told)
    assert values.wrong.count == 3000
    assert peak < 100_000_000


def test_without_pyarrow_the_file_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    file = tmp_path / "a.parquet"
    file.write_bytes(SAMPLE)
    with pytest.raises(FileRefused, match=r"pip install 'metergate\[parquet\]'"):
        history_file.read_file(file, plan_of(PLAN))


def test_pyarrow_is_imported_for_parquet_only() -> None:
    script = "import sys, gateway.cli.history, gateway.history.parquet; print('pyarrow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=REPO, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
