"""Units in the numbers and codes of others: held against names as the lists have them, by a small grammar of names."""

import csv
import re
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.formats.espi_codes import codes_of
from adapters.formats.unece import ONE, OTHER, RECOMMENDATION_20, UNIT_CODES, code
from gateway.history import espi_series, mscons
from meter_driver.units import SPELLINGS

with (Path(__file__).parent / "recommendation_20.csv").open(encoding="utf-8", newline="") as file:
    NAMES = {row["code"]: row["name"] for row in csv.DictReader(file)}
"""Of UN/ECE Recommendation 20, revision 14e (2020): the codes that we use, and their names there."""
ESPI = {
    5: "ampere", 6: "kelvin", 9: "degree", 23: "degree Celsius", 27: "second", 29: "volt", 31: "joule", 33: "hertz",
    38: "watt", 39: "pascal", 42: "cubic metre", 45: "cubic metre per second", 61: "volt ampere", 63: "var",
    71: "volt ampere hour", 72: "watt hour", 73: "volt ampere reactive hour", 106: "ampere hour",
    125: "cubic metre per hour", 134: "litre", 137: "litre per hour",
}  # fmt: skip
"""UnitSymbolKind of the ESPI schema, version 0.7.20121113, with what its annotations say."""
WORDS = {
    "volt ampere reactive": "var", "volt ampere": "VA", "degree celsius": "Cel", "standard atmosphere": "atm",
    "reciprocal cubic metre": "1/m3", "cubic metre": "m3", "square centimetre": "cm2",
    "kilogram": "kg", "gram": "g", "tonne": "t", "watt": "W", "joule": "J", "calorie": "cal", "volt": "V",
    "ampere": "A", "hertz": "Hz", "bar": "bar", "pascal": "Pa", "litre": "L", "metre": "m", "newton": "N",
    "ohm": "Ohm", "siemens": "S", "farad": "F", "henry": "H", "coulomb": "coulomb", "weber": "Wb", "tesla": "T",
    "decibel": "dB", "kelvin": "K", "degree": "deg", "percent": "%", "second": "s", "minute": "min", "hour": "h",
    "day": "d", "week": "wk", "month": "mo", "year": "a", "var": "var",
}  # fmt: skip
PREFIXES = {"": "", "milli": "m", "kilo": "k", "mega": "M", "giga": "G"}
POINTED = {"N m": "N.m", "Ohm m": "Ohm.m", "Pa s": "Pa.s"}


def spelled(name: str) -> str:
    """Our unit of an English name: ``kilovolt ampere reactive hour`` is ``kvarh``."""
    text = re.sub(r" *[(\[].*", "", name).replace(" - ", " ").lower()
    whole = "/".join(part_spelled(part) for part in text.split(" per "))
    return POINTED.get(whole, whole.replace(" ", ""))


def part_spelled(text: str) -> str:
    found = []
    while text:
        prefix, word = next(
            (prefix, word) for word in WORDS for prefix in PREFIXES if re.match(rf"{prefix}{word}\b", text)
        )
        found.append(PREFIXES[prefix] + WORDS[word])
        text = text[len(prefix + word) :].lstrip()
    return " ".join(found)


def test_each_code_of_recommendation_20_is_of_the_unit_whose_name_the_list_has_beside_it() -> None:
    assert {spelled(name): code for code, name in NAMES.items()} == dict(RECOMMENDATION_20)


def test_each_unit_has_one_code_and_what_the_list_lacks_has_one_of_our_own() -> None:
    assert set(UNIT_CODES) == SPELLINGS
    assert len(set(UNIT_CODES.values())) == len(UNIT_CODES)
    assert {each for each in UNIT_CODES.values() if each not in NAMES} == {
        each for each in UNIT_CODES.values() if each.startswith("X_")
    }
    assert (code("kWh"), code("Gvarh"), code(None), code("furlong")) == ("KWH", "X_Gvarh", ONE, OTHER)


def test_mscons_reads_every_code_as_its_unit() -> None:
    for each, name in NAMES.items():
        assert mscons.MSCONS_UNITS[each] == spelled(name)


def test_green_button_reads_every_number_as_its_unit() -> None:
    assert {int(number): unit for number, unit in espi_series.UNITS_READ.items()} == {
        number: spelled(name) for number, name in ESPI.items()
    }


@pytest.mark.parametrize("number", sorted(set(ESPI) - {45, 134, 137}))
def test_green_button_writes_the_number_of_its_unit(number: int) -> None:
    written = codes_of("1-0:1.8.0*255", spelled(ESPI[number]), timedelta(0))
    assert (written.uom, written.power) == (number, 0)
