"""Stands at an exchange: only what the register can say is taken."""

from decimal import Decimal

import pytest

from gateway.errors import NotAllowed
from gateway.registry.stands import stand_at

FIVE = Decimal(5)


@pytest.mark.parametrize(("quantity", "unit"), [
    ("1-0:1.8.0", "kWh"), ("1-0:21.8.0", "MJ"), ("1-0:3.8.0", "kvarh"), ("1-0:9.8.0", "VAh"), ("7-0:3.0.0", "m³"),
    ("7-0:33.0.0", "kWh"), ("8-0:1.0.0", "L"), ("6-0:1.0.0", "GJ"), ("0-1:24.2.1", "m3"), ("energy", "Wh"),
    ("volume storage=0", "m3"), ("6.8", "MWh"), ("hca", None),
])  # fmt: skip
def test_a_stand_in_a_unit_of_its_quantity_is_taken(quantity: str, unit: str | None) -> None:
    assert stand_at(quantity, FIVE, FIVE, unit).last == FIVE


@pytest.mark.parametrize(("quantity", "unit"), [
    ("1-0:1.8.0", "m3"), ("1-0:1.8.0", "kW"), ("1-0:1.8.0", "kvarh"), ("1-0:1.8.0", None), ("1-0:41.8.0", "VAh"),
    ("1-0:3.8.0", "kWh"), ("1-0:9.8.0", "kWh"), ("7-0:3.0.0", "kg"), ("8-0:1.0.0", "kWh"), ("9-0:1.0.0", None),
    ("6-0:1.0.0", "Cel"), ("0-1:24.2.1", "W"), ("energy", "m3"), ("volume", "kWh"), ("on_time", "m3"),
])  # fmt: skip
def test_a_stand_in_a_unit_of_something_else_is_refused(quantity: str, unit: str | None) -> None:
    with pytest.raises(NotAllowed, match=r"stands\.3\.unit: this quantity is in "):
        stand_at(quantity, FIVE, FIVE, unit, where="stands.3.")


@pytest.mark.parametrize("field", ["last", "first"])
@pytest.mark.parametrize("quantity", ["1-0:1.8.0", "1-0:1.9.0", "energy"])
def test_a_register_that_only_grows_has_no_stand_below_nothing(quantity: str, field: str) -> None:
    last, first = (Decimal(-5 if field == each else 5) for each in ("last", "first"))
    with pytest.raises(NotAllowed, match=f"^{field}: not below 0"):
        stand_at(quantity, last, first, "kWh")


def test_import_less_export_may_stand_below_nothing_and_any_register_begins_at_it() -> None:
    assert stand_at("1-0:16.8.0", Decimal(-5), Decimal(0), "kWh").last == -5
    assert stand_at("1-0:1.8.0", Decimal(0), Decimal(0), "kWh").first == 0


@pytest.mark.parametrize("number", ["1E+999999", "1E-999999", "1" * 35])
def test_a_stand_that_no_reading_could_have_is_refused(number: str) -> None:
    with pytest.raises(NotAllowed, match=r"^first: at most 34 digits"):
        stand_at("1-0:1.8.0", FIVE, Decimal(number), "kWh")


def test_what_is_no_register_is_refused_by_its_place_in_the_list() -> None:
    for quantity in ("1-0:1.7.0", "nonsense!"):
        with pytest.raises(NotAllowed, match=r"^stands\.1\.quantity: a quantity that is no register"):
            stand_at(quantity, FIVE, FIVE, "kWh", where="stands.1.")
