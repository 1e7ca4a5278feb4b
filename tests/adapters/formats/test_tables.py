"""CSV, JSON and NDJSON: what leaves is what came, in bounded chunks."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from adapters.formats.csv import COLUMNS, CSV
from adapters.formats.json import JSON_TABLE
from adapters.formats.ndjson import NDJSON
from adapters.formats.words import LARGEST_CHUNK, number, whole_second
from adapters.plugin import Released, Renderer
from policies.terms import Level, Purpose, Recipient, Row

START = datetime(2026, 3, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def part(rows: Sequence[Row], subject: str = "p1") -> Released:
    return Released(subject, rows, Recipient("r"), Purpose.RESEARCH, QUARTER, Level.INDIVIDUAL, timedelta(days=1))


def row(value: str = "12345678.900", *, place: int = 0, subject: str = "p1", unit: str | None = "kWh") -> Row:
    start = START + place * QUARTER
    return Row(subject, "1-0:1.8.0*255", start, start + QUARTER, Decimal(value), unit)


def written(renderer: Renderer, parts: Sequence[Released]) -> bytes:
    pieces = [b"".join(renderer.body(one)) for one in parts]
    return renderer.head + renderer.between.join(pieces) + renderer.tail


@pytest.mark.gdpr("20")
def test_csv_carries_the_columns_and_the_digits_that_came() -> None:
    table = written(CSV, [part([row("0.100")])]).decode()
    assert table.splitlines() == [
        ",".join(COLUMNS),
        "p1,1-0:1.8.0*255,2026-03-01T00:00:00Z,2026-03-01T00:15:00Z,0.100,kWh,measured,,1,",
    ]


def test_what_is_missing_is_a_row_without_a_value_and_names_its_meter() -> None:
    gone = structs.replace(row(), value=None, status="missing", meter="heat pump", completeness=Decimal("0.25"))
    assert written(CSV, [part([gone])]).decode().splitlines()[1].endswith(",,kWh,missing,heat pump,0.25,")
    ((said,),) = json.loads(written(JSON_TABLE, [part([gone])]))
    assert (said["value"], said["status"], said["meter"], said["completeness"]) == (None, "missing", "heat pump", 0.25)


def test_json_is_valid_for_no_part_an_empty_part_and_several() -> None:
    assert json.loads(written(JSON_TABLE, [])) == [[]]
    answer = json.loads(written(JSON_TABLE, [part([row(), row(place=1)]), part([]), part([row()])]))
    assert [len(one) for one in answer] == [2, 0, 1]
    assert set(answer[0][0]) == set(COLUMNS)


@pytest.mark.parametrize("value", ["12345678.901", "0.10", "-3", "1E+3", "0E-7"])
def test_a_value_keeps_its_digits(value: str) -> None:
    assert Decimal(number(Decimal(value))) == Decimal(value)
    assert "E" not in number(Decimal(value))


def test_a_value_that_is_no_number_is_empty_and_null() -> None:
    assert json.loads(written(NDJSON, [part([row("NaN")])]))["value"] is None
    assert next(csv.DictReader(io.StringIO(written(CSV, [part([row("NaN")])]).decode())))["value"] == ""


def test_a_huge_exponent_does_not_blow_a_line_up() -> None:
    assert len(number(Decimal("1E+999999"))) < 20


def test_an_instant_is_utc_whatever_its_offset() -> None:
    assert whole_second(datetime.fromisoformat("2026-03-01T01:30:59.999+01:00")) == "2026-03-01T00:30:59Z"


@pytest.mark.parametrize("renderer", [CSV, JSON_TABLE, NDJSON])
def test_no_chunk_is_larger_than_the_limit_and_none_is_empty(renderer: Renderer) -> None:
    rows = [row(place=place) for place in range(2000)]
    chunks = list(renderer.body(part(rows)))
    assert len(chunks) > 1
    assert all(0 < len(chunk) <= LARGEST_CHUNK for chunk in chunks)


words = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=12)


@settings(max_examples=60, deadline=None)
@given(words, words, st.decimals(allow_nan=False, allow_infinity=False, places=3))
def test_any_words_survive_csv_and_ndjson(subject: str, unit: str, value: Decimal) -> None:
    released = part([row(str(value), subject=subject, unit=unit)])
    (from_csv,) = csv.DictReader(io.StringIO(written(CSV, [released]).decode(), newline=""))
    from_json = json.loads(written(NDJSON, [released]), parse_float=Decimal, parse_int=Decimal)
    for answer in (from_csv, from_json):
        assert (answer["pseudonym"], answer["unit"]) == (subject, unit)
        assert Decimal(answer["value"]) == value
