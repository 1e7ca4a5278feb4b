"""Quantities in words: whatever a decoder can say is in the vocabulary, and what no decoder says is not."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import meter_driver
from meter_driver import senml
from meter_driver.mbus import application, vif
from meter_driver.mbus.vife import modify
from meter_driver.quantities import Kind, parse

TABLES = (vif.PRIMARY, vif.SECOND_FB, vif.SECOND_FD, vif.TEXT_UNITS)
MEANINGS = sorted({meaning for table in TABLES for meaning in table.values()}, key=repr)
PROFILES = Path(meter_driver.__file__).parent / "profiles"


@given(st.sampled_from(MEANINGS), st.binary(max_size=3))
def test_every_code_of_the_tables_is_in_the_vocabulary_whatever_extends_it(meaning: vif.Meaning, codes: bytes) -> None:
    found = modify(meaning, codes)
    if found is None:
        return
    name = " ".join((found.meaning.quantity, *found.qualifiers))
    assert parse(name) is not None
    assert senml.split_name("".join(senml.join_name("urn:dev:ops:b", name))) == ("urn:dev:ops:b", name)


def test_the_fixed_structure_says_what_is_in_the_vocabulary() -> None:
    assert {parse(name) is None for name, _, _ in application._FIXED_UNITS.values()} == {False}


def said(file: Path) -> set[str]:
    """First words of ``Said(...)`` as they stand; of an f-string its head, with a number."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Said" and node.args:
            match node.args[0]:
                case ast.Constant(str(name)):
                    found.add(name)
                case ast.JoinedStr([ast.Constant(str(head)), ast.FormattedValue(), *_]):
                    found.add(head + "1" if head.endswith("=") else head)
    return found


def test_meters_without_records_say_what_is_in_the_vocabulary() -> None:
    names = set().union(*(said(file) for file in PROFILES.glob("*.py")))
    assert len(names) > 10
    assert sorted(name for name in names if parse(name) is None) == []


@pytest.mark.parametrize("name", [
    "bogus", "bogus q", "energy q", "energies", "energy_bogus", "average_", "energy  max", "energy max storage=",
    "Energy", "energy_per_", "storage=1", "energy " + " ".join(["max"] * 13),
])  # fmt: skip
def test_what_no_standard_names_is_no_quantity(name: str) -> None:
    assert parse(name) is None


@pytest.mark.parametrize(("name", "kind"), [
    ("energy", Kind.CUMULATIVE), ("energy tariff=2", Kind.CUMULATIVE), ("energy max", Kind.SNAPSHOT),
    ("volume month=3", Kind.SNAPSHOT), ("energy period", Kind.PERIODIC), ("energy_per_kWh", Kind.INSTANT),
    ("power profile=volume_flow", Kind.SNAPSHOT), ("average_flow_temperature", Kind.INSTANT),
])  # fmt: skip
def test_a_name_tells_its_kind(name: str, kind: Kind) -> None:
    found = parse(name)
    assert found is not None
    assert found.kind is kind
