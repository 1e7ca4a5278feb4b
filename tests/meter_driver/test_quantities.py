"""The vocabulary: one spelling of a name, and its kind by the medium; what is in no standard is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_driver import quantities
from meter_driver.errors import UnitError
from meter_driver.quantities import Kind, Medium


@pytest.mark.parametrize(
    ("name", "medium", "kind", "clause"),
    [
        ("1-0:1.8.0", Medium.ELECTRICITY, Kind.CUMULATIVE, "IEC 62056-6-1 Table 15: D 8, time integral 1"),
        ("1-0:2.8.1", Medium.ELECTRICITY, Kind.CUMULATIVE, "IEC 62056-6-1: E is the tariff"),
        ("1-1:1.8.0", Medium.ELECTRICITY, Kind.CUMULATIVE, "IEC 62056-6-1: B is the channel"),
        ("1-0:16.8.0", Medium.ELECTRICITY, Kind.NET, "IEC 62056-6-1 Table 13: C 16, import less export"),
        ("1-0:36.8.0", Medium.ELECTRICITY, Kind.NET, "IEC 62056-6-1 Table 13: C 36, the same of L1"),
        ("1-0:1.9.0", Medium.ELECTRICITY, Kind.PERIODIC, "IEC 62056-6-1 Table 15: D 9, since the period began"),
        ("1-0:1.29.0", Medium.ELECTRICITY, Kind.INTERVAL, "IEC 62056-6-1 Table 15: D 29, of a recording interval"),
        ("1-0:16.29.0", Medium.ELECTRICITY, Kind.INTERVAL, "IEC 62056-6-1 Table 15: D 29 of a difference"),
        ("1-0:1.7.0", Medium.ELECTRICITY, Kind.INSTANT, "IEC 62056-6-1 Table 15: D 7, instantaneous"),
        ("1-0:16.7.0", Medium.ELECTRICITY, Kind.INSTANT, "IEC 62056-6-1 Table 15: D 7 of a difference"),
        ("1-0:1.4.0", Medium.ELECTRICITY, Kind.INSTANT, "IEC 62056-6-1 Table 15: D 4, a running mean"),
        ("1-0:1.6.0", Medium.ELECTRICITY, Kind.SNAPSHOT, "IEC 62056-6-1 Table 15: D 6, a maximum"),
        ("1-0:1.2.0", Medium.ELECTRICITY, Kind.SNAPSHOT, "IEC 62056-6-1 Table 15: D 2, sum of maxima"),
        ("1-0:0.8.2", Medium.ELECTRICITY, Kind.SNAPSHOT, "IEC 62056-6-1: C 0, general purpose: a recording interval"),
        ("1-0:1.8.0*1", Medium.ELECTRICITY, Kind.SNAPSHOT, "IEC 62056-6-1 7.4: F 0 to 99, a former period"),
        ("1-0:1.8.0*96", Medium.ELECTRICITY, Kind.SNAPSHOT, "DIN 43863-5: F 96, of the last day"),
        ("1-0:1.8.0*101", Medium.ELECTRICITY, Kind.SNAPSHOT, "IEC 62056-6-1 7.4: F 101, the last period"),
        ("1-0:1.8.0*100", Medium.ELECTRICITY, Kind.PERIODIC, "DIN 43863-5: F 100, since it was set back"),
        ("0-1:24.2.1", Medium.ABSTRACT, Kind.CUMULATIVE, "DSMR 5.0.2 6.12: last stand behind the port"),
        ("0-1:24.3.0", Medium.ABSTRACT, Kind.CUMULATIVE, "DSMR 3.0: last hourly stand behind the port"),
        ("0-0:17.0.0", Medium.ABSTRACT, Kind.INSTANT, "DSMR 4: threshold"),
        ("4-0:1.0.0", Medium.HEAT_COST, Kind.PERIODIC, "EN 13757-1: units of a cost allocator, set back each year"),
        ("5-0:1.0.0", Medium.COOLING, Kind.CUMULATIVE, "EN 13757-1: C 1, energy"),
        ("6-0:1.0.0", Medium.HEAT, Kind.CUMULATIVE, "EN 13757-1: C 1, energy"),
        ("6-0:2.0.0", Medium.HEAT, Kind.CUMULATIVE, "EN 13757-1: C 2, volume"),
        ("6-0:10.0.0", Medium.HEAT, Kind.INSTANT, "EN 13757-1: C 10, flow temperature"),
        ("6-0:1.0.0*1", Medium.HEAT, Kind.SNAPSHOT, "EN 13757-1: F, a former period"),
        ("7-0:3.0.0", Medium.GAS, Kind.CUMULATIVE, "EN 13757-1: C 3, D 0, volume at metering conditions"),
        ("7-0:3.1.0", Medium.GAS, Kind.CUMULATIVE, "EN 13757-1: D 1, corrected"),
        ("7-0:3.2.0", Medium.GAS, Kind.CUMULATIVE, "EN 13757-1: D 2, at base conditions"),
        ("7-0:43.0.0", Medium.GAS, Kind.INSTANT, "EN 13757-1: C 43, a flow"),
        ("8-0:1.0.0", Medium.COLD_WATER, Kind.CUMULATIVE, "EN 13757-1: C 1, D 0, the current volume"),
        ("8-0:2.0.0", Medium.COLD_WATER, Kind.INSTANT, "EN 13757-1: C 2, a flow"),
        ("9-0:1.0.0", Medium.HOT_WATER, Kind.CUMULATIVE, "EN 13757-1: C 1, D 0, the current volume"),
        ("6.8", Medium.UNKNOWN, Kind.CUMULATIVE, "EN 62056-21 of heat meters: 6.8, energy"),
        ("6.26", Medium.UNKNOWN, Kind.CUMULATIVE, "EN 62056-21 of heat meters: 6.26, volume"),
        ("6.26*01", Medium.UNKNOWN, Kind.SNAPSHOT, "EN 62056-21 of heat meters: *01, last year"),
        ("6.31", Medium.UNKNOWN, Kind.CUMULATIVE, "EN 62056-21 of heat meters: hours in operation"),
        ("1.8.0", Medium.UNKNOWN, Kind.CUMULATIVE, "IEC 62056-21: reduced code"),
        ("1.8.0*05", Medium.UNKNOWN, Kind.SNAPSHOT, "IEC 62056-21: *, a former period"),
        ("1.8.0&05", Medium.UNKNOWN, Kind.SNAPSHOT, "IEC 62056-21: &, set back by hand"),
        ("16.8.0", Medium.UNKNOWN, Kind.NET, "IEC 62056-21: reduced code, C 16"),
        ("1.9.0", Medium.UNKNOWN, Kind.PERIODIC, "IEC 62056-21: reduced code, D 9"),
        ("1.6.1", Medium.UNKNOWN, Kind.SNAPSHOT, "IEC 62056-21: reduced code, a maximum"),
        ("32.7", Medium.UNKNOWN, Kind.INSTANT, "IEC 62056-21: reduced code, a voltage"),
        ("0.8.0", Medium.UNKNOWN, Kind.SNAPSHOT, "IEC 62056-21: reduced code, a recording interval"),
        ("0.9.1", Medium.UNKNOWN, Kind.SNAPSHOT, "IEC 62056-21: reduced code, the time"),
        ("energy", Medium.UNKNOWN, Kind.CUMULATIVE, "EN 13757-3 Table 10: energy"),
        ("energy tariff=2", Medium.UNKNOWN, Kind.CUMULATIVE, "EN 13757-3 6.3.4: a tariff"),
        ("energy storage=0", Medium.UNKNOWN, Kind.CUMULATIVE, "EN 13757-3 6.3.4: storage 0 is now"),
        ("energy storage=1", Medium.UNKNOWN, Kind.SNAPSHOT, "EN 13757-3 6.3.4: a due date's stand"),
        ("energy import_minus_export", Medium.UNKNOWN, Kind.NET, "EN 13757-3: a difference"),
        ("volume", Medium.UNKNOWN, Kind.CUMULATIVE, "EN 13757-3 Table 10: volume"),
        ("volume_flow", Medium.UNKNOWN, Kind.INSTANT, "EN 13757-3 Table 10: volume flow"),
        ("volume_flow max", Medium.UNKNOWN, Kind.SNAPSHOT, "EN 13757-3 Table 4: a maximum"),
        ("flow_temperature", Medium.UNKNOWN, Kind.INSTANT, "EN 13757-3 Table 10: flow temperature"),
        ("hca", Medium.UNKNOWN, Kind.PERIODIC, "EN 13757-3 Table 10: units of a cost allocator"),
        ("power", Medium.UNKNOWN, Kind.INSTANT, "EN 13757-3 Table 10: power"),
    ],
)
def test_a_names_kind_follows_from_its_groups(name: str, medium: Medium, kind: Kind, clause: str) -> None:
    found = quantities.parse(name)
    assert found is not None, clause
    assert (found.medium, found.kind) == (medium, kind), clause
    assert found.present == (kind is not Kind.SNAPSHOT)


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "nonsense!", "Energy", "energy  storage=1", "1-0:1.8", "1-0:256.8.0", "1-0:1.8.0*999", "1-0:1.8.0\n",
        "1..8", "6", "energy storage=", "-1-0:1.8.0", "x" * 65, "1.8.0.0",
    ],
)  # fmt: skip
def test_unknown_names_are_refused(name: str) -> None:
    assert quantities.parse(name) is None
    assert not quantities.known(name, "kWh")


@given(st.binary(min_size=6, max_size=6))
def test_every_code_has_one_spelling_and_a_kind_of_its_own_medium(code: bytes) -> None:
    a, b, c, d, e, f = code
    short = f"{a:03}-{b}:{c:02}.{d}.{e}" + (f"*{f:03}" if f != 255 else "")
    long = quantities.parse(f"{a}-{b}:{c}.{d}.{e}*{f}")
    assert long == quantities.parse(short)
    assert long is not None
    assert (long.medium is Medium.ELECTRICITY) == (a == 1)
    if f < 100:
        assert long.kind is Kind.SNAPSHOT
    if long.kind is Kind.NET:
        assert c in (16, 36, 56, 76)


@given(st.text(max_size=40))
def test_a_name_that_is_known_is_known_by_its_one_spelling(text: str) -> None:
    found = quantities.parse(text)
    if found is not None:
        assert quantities.parse(found.name) == found


def test_units_have_one_spelling_and_none_is_none() -> None:
    assert [quantities.unit(text) for text in ("KWH", "kwh", "dm3", "m^3", "", None)] == [
        "kWh", "kWh", "L", "m3", None, None,
    ]  # fmt: skip
    with pytest.raises(UnitError, match="furlong"):
        quantities.unit("furlong")
    assert not quantities.known("1-0:1.8.0", "furlong")
    assert quantities.known("1-0:1.8.0", None)
