"""A table that an office program reads: local time with its offset, words, the decimals of the language."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from adapters.plugin import Released
from gateway.pages.local_table import local_table
from gateway.pages.words import Phrases
from meter_driver.quantities import OPT
from policies.terms import Level, Purpose, Recipient, Row

BERLIN = ZoneInfo("Europe/Berlin")
QUARTER = timedelta(minutes=15)
AUTUMN = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
ENERGY = "1-0:1.8.0*255"


def row(start: datetime, value: str | None, meter: str = "main", **more: str) -> Row:
    said = None if value is None else Decimal(value)
    share = Decimal(more.pop("completeness", "1"))
    return Row("self", ENERGY, start, start + QUARTER, said, "kWh", meter=meter, completeness=share, **more)


def table(language: str, *rows: Row) -> Sequence[Sequence[str]]:
    made = local_table(BERLIN, Phrases(language))
    nothing = timedelta(0)
    part = Released("self", rows, Recipient("self"), Purpose.ENERGY_ADVICE, QUARTER, Level.INDIVIDUAL, nothing)
    text = (made.head + b"".join(made.body(part))).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=";" if language == "de" else ","))


def test_in_german_decimals_have_a_comma_and_everything_has_words() -> None:
    estimated = {"status": "estimated", "completeness": "0.733", "method": "interpolated"}
    heading, first, last = table("de", row(AUTUMN, "0.250", **estimated), row(AUTUMN, None, status="missing"))
    assert heading[:5] == ["Zähler", "Messgröße", "Beginn", "Ende", "Wert"]
    assert first[:2] == ["Hauptzähler", "Bezug aus dem Netz"]
    assert first[4:] == ["0,250", "kWh", "geschätzt", "0,733", "zwischen den Werten darum"]
    assert (last[4], last[6]) == ("", "fehlt")


def test_in_english_decimals_have_a_point() -> None:
    heading, first = table("en", row(AUTUMN, "0.250"))
    assert heading[:3] == ["Meter", "Quantity", "Begin"]
    assert first[1:] == [
        "Energy taken from the grid", "2026-10-25 02:45:00+02:00", "2026-10-25 02:00:00+01:00", "0.250", "kWh",
        "measured", "1", "",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["=1+1", "+49", "@x", "-2"])
def test_the_name_of_a_meter_is_never_a_formula(name: str) -> None:
    _, first = table("de", row(AUTUMN, "-1.5", meter=name))
    assert first[0] == "'" + name
    assert first[4] == "-1,5"


@pytest.mark.parametrize(("language", "said"), [("en", "takes part"), ("de", "nimmt teil")])
def test_what_a_device_answered_is_said_in_words_and_not_as_a_number(language: str, said: str) -> None:
    answer = replace(row(AUTUMN, "1"), quantity=OPT, unit=None)
    assert table(language, answer, replace(answer, value=None))[1][4] == said
    assert table(language, answer, replace(answer, value=None))[2][4] == ""
