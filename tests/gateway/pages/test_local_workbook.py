"""The workbook of one's own values: the same content as the table, in cells that a spreadsheet counts with."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from openpyxl import load_workbook

from adapters.plugin import Released
from gateway.pages.local_workbook import local_workbook
from gateway.pages.words import LANGUAGES, Phrases
from meter_driver.quantities import OPT
from policies.terms import Level, Purpose, Recipient, Row
from tests.gateway.pages.test_local_table import AUTUMN, BERLIN, QUARTER, row, table

KATHMANDU, NEWFOUNDLAND = ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/St_Johns")


def workbook(language: str, *rows: Row, zone: ZoneInfo = BERLIN) -> Any:
    made = local_workbook(zone, Phrases(language))
    nothing = timedelta(0)
    part = Released("self", rows, Recipient("self"), Purpose.ENERGY_ADVICE, QUARTER, Level.INDIVIDUAL, nothing)
    assert made.closing is not None
    return load_workbook(io.BytesIO(made.head + b"".join(made.body(part)) + b"".join(made.closing())))


def cells(language: str, *rows: Row, zone: ZoneInfo = BERLIN) -> Sequence[Sequence[Any]]:
    return list(workbook(language, *rows, zone=zone).worksheets[0].iter_rows(values_only=True))


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_has_the_words_and_the_values_of_the_table(language: str) -> None:
    estimated = {"status": "estimated", "completeness": "0.733", "method": "interpolated"}
    rows = row(AUTUMN, "0.250", meter="=main", **estimated), row(AUTUMN + QUARTER, None, status="missing")
    told, shown = table(language, *rows), cells(language, *rows)
    assert [heading.split(" (")[0] for place, heading in enumerate(shown[0]) if place not in (3, 5)] == told[0]
    for there, here in zip(told[1:], shown[1:], strict=True):
        meter, quantity, begin, _, end, _, value, unit, status, share, method = here
        point = [text.replace(",", ".") for text in (there[4], there[7])]
        assert [meter, quantity, unit, status, method or ""] == [
            there[0].lstrip("'"), there[1], there[5], there[6], there[8]
        ]  # fmt: skip
        assert [value, share] == [float(text) if text else None for text in point]
        assert [f"{begin:%Y-%m-%d %H:%M:%S}", f"{end:%Y-%m-%d %H:%M:%S}"] == [there[2][:19], there[3][:19]]


def test_the_hour_that_comes_twice_is_told_apart_by_its_offset() -> None:
    _, first, second = cells("en", row(AUTUMN, "1"), row(AUTUMN + timedelta(hours=1), "2"))
    assert first[2] == second[2]
    assert first[2:6] == (datetime(2026, 10, 25, 2, 45), "+02:00", datetime(2026, 10, 25, 2), "+01:00")  # noqa: DTZ001 - cells have no zone
    assert second[3:6:2] == ("+01:00", "+01:00")


@pytest.mark.parametrize(("zone", "offset"), [(KATHMANDU, "+05:45"), (NEWFOUNDLAND, "-03:30")])
def test_offsets_are_told_in_hours_and_minutes_in_every_zone(zone: ZoneInfo, offset: str) -> None:
    at = datetime(2026, 1, 10, 12, tzinfo=UTC)
    heading, line = cells("en", row(at, "1"), zone=zone)
    assert heading[2] == f"Begin ({zone})"
    assert (line[3], line[2]) == (offset, at.astimezone(zone).replace(tzinfo=None))


def test_numbers_keep_their_digits() -> None:
    numbers = ["0.1", "123456.789", "-0.000001", "12345678901.25"]
    lines = cells("de", *(row(AUTUMN, text) for text in numbers))
    assert [Decimal(str(line[6])) for line in lines[1:]] == [Decimal(text) for text in numbers]


@pytest.mark.parametrize(("language", "names"), [("en", ["Readings", "Notes"]), ("de", ["Werte", "Erläuterungen"])])
def test_a_second_sheet_says_the_zone_and_what_each_status_means(language: str, names: list[str]) -> None:
    book, words = workbook(language), Phrases(language)
    assert book.sheetnames == names
    lines = dict(book.worksheets[1].iter_rows(values_only=True))
    assert {words.status(status) for status in ("measured", "estimated", "validated", "missing")} <= set(lines)
    assert any("Europe/Berlin" in text for text in lines.values())


def test_what_a_device_answered_is_said_in_words_beside_numbers() -> None:
    answer = replace(row(AUTUMN, "0"), quantity=OPT, unit=None)
    lines = cells("en", answer, row(AUTUMN, "1.5"), replace(answer, value=None))
    assert [line[6] for line in lines[1:]] == ["does not take part", 1.5, None]
    assert lines[1][0] == "Main meter"
