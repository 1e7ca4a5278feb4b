from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_driver import obis, units
from meter_driver.errors import ObisError, UnitError


@pytest.mark.rule("IEC 62056-61: OBIS")
@given(st.binary(min_size=6, max_size=6))
def test_six_octets_there_and_back(code: bytes) -> None:
    assert obis.to_bytes(obis.from_bytes(code)) == code


def test_a_code_has_one_spelling() -> None:
    assert obis.normal("01-0:1.8.0") == "1-0:1.8.0*255"


@pytest.mark.parametrize(
    "text", ["", "1.8.0", "1-0:1.8", "1-0:256.8.0*255", "1-0:1.8.0*999", "a-0:1.8.0", "1-0:1.8.0*1\n"]
)
def test_what_is_no_full_code_is_refused(text: str) -> None:
    with pytest.raises(ObisError):
        obis.to_bytes(text)


def test_five_octets_are_no_code() -> None:
    with pytest.raises(ObisError):
        obis.from_bytes(b"\x01\x00\x01\x08\x00")


def test_reduced_codes_are_codes_and_names_are_not() -> None:
    assert all(map(obis.is_code, ("6.8", "6.26*01", "C.1.0", "1-0:1.8.0*255", "F.F")))
    assert not any(map(obis.is_code, ("energy", "energy storage=1", "volume_flow max", "")))


def test_unit_codes_have_symbols_and_unknown_ones_are_refused() -> None:
    assert [units.symbol(code) for code in (27, 30, 32, 33, 35, 255)] == ["W", "Wh", "varh", "A", "V", None]
    with pytest.raises(UnitError):
        units.symbol(200)


def test_spellings_become_one() -> None:
    assert [units.normal(text) for text in ("KWH", "kVAr", "m^3", "°C", "l")] == ["kWh", "kvar", "m3", "Cel", "L"]


@pytest.mark.parametrize("text", ["", "mw ", "MWH x", "MW/h"])
def test_what_is_no_unit_is_refused(text: str) -> None:
    with pytest.raises(UnitError):
        units.normal(text)


def test_milli_and_mega_are_not_guessed_from_letters_of_the_wrong_size() -> None:
    assert units.normal("MWh") == "MWh"
    with pytest.raises(UnitError):
        units.normal("MWH")


def test_units_of_one_dimension_convert_exactly() -> None:
    assert units.convert(Decimal("1234"), "Wh", "kWh") == Decimal("1.234")
    assert units.convert(Decimal("12"), "L", "m3") == Decimal("0.012")
    assert units.convert(Decimal(5), "deg", "deg") == 5


@pytest.mark.parametrize(("unit", "wanted"), [("Wh", "varh"), ("Wh", "W"), ("x", "y"), ("m3", "kWh")])
def test_units_of_different_dimensions_do_not(unit: str, wanted: str) -> None:
    with pytest.raises(UnitError):
        units.convert(Decimal(1), unit, wanted)
