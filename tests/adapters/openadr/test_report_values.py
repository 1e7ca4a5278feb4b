"""A report of 3.1 tells meters, units and quality apart; a VEN's own words for quality decide what is kept of it."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree
from msgspec.structs import replace

from adapters.openadr.model import Point20
from adapters.openadr.quality import data_quality, status_of
from adapters.openadr.v2b.telemetry import Measured, components
from adapters.openadr.v3.report_form import Labels, renderer
from adapters.plugin import Released
from policies.terms import AS_RECEIVED, Level, Purpose, Recipient, Row
from tests.shared import SHARED, needs_corpus

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
ENERGY = "1-0:1.8.0*255"


def row(meter: str, value: str | None, status: str = "measured", completeness: str = "1", unit: str = "kWh") -> Row:
    said = None if value is None else Decimal(value)
    return Row("p", ENERGY, AT, AT + QUARTER, said, unit, status, meter, Decimal(completeness))


def report(*rows: Row) -> Any:
    made = renderer(Labels("home", "c", "v", AT, AT), "none", {}, some=False)
    nothing = timedelta(0)
    part = Released("p", rows, Recipient("r"), Purpose.RESEARCH, AS_RECEIVED, Level.INDIVIDUAL, nothing)
    (one,) = json.loads(b"".join([made.head, *made.body(part), made.tail]), parse_float=Decimal)
    return one


def test_each_meter_is_a_resource_of_its_own() -> None:
    made = report(row("main", "1.50"), row("heat pump", "0.25"), row("main", "2.00"))
    values = {r["resourceName"]: [i["payloads"][0]["values"][0] for i in r["intervals"]] for r in made["resources"]}
    assert values == {"main": [Decimal("1.50"), Decimal("2.00")], "heat pump": [Decimal("0.25")]}
    assert [[i["id"] for i in r["intervals"]] for r in made["resources"]] == [[0, 1], [0]]


def test_a_value_says_its_quality_and_how_complete_it_is() -> None:
    made = report(row("main", "1", "estimated", "0.733"), row("main", None, "missing", "0"), row("main", "2"))
    said = [{p["type"]: p["values"] for p in i["payloads"]} for i in made["resources"][0]["intervals"]]
    assert said == [
        {
            "X_METERGATE_READING": [1, ENERGY, "kWh"],
            "DATA_QUALITY": ["ESTIMATED"],
            "X_METERGATE_COMPLETENESS": [Decimal("0.733")],
        },
        {"X_METERGATE_READING": ["", ENERGY, "kWh"], "DATA_QUALITY": ["MISSING"], "X_METERGATE_COMPLETENESS": [0]},
        {"X_METERGATE_READING": [2, ENERGY, "kWh"], "DATA_QUALITY": ["OK"]},
    ]


def test_an_estimate_says_by_which_method_and_nothing_else_has_one() -> None:
    some = [replace(row("main", "1", "estimated", "0"), method="proxy-day"), row("main", "2")]
    (one, other) = report(*some)["resources"][0]["intervals"]
    assert one["payloads"][-1] == {"type": "X_METERGATE_METHOD", "values": ["proxy-day"]}
    assert "X_METERGATE_METHOD" not in [payload["type"] for payload in other["payloads"]]


def test_the_unit_stands_in_the_descriptor_where_there_is_only_one() -> None:
    described = {"objectType": "REPORT_PAYLOAD_DESCRIPTOR", "payloadType": "X_METERGATE_READING"}
    assert report(row("main", "1"))["payloadDescriptors"] == [{**described, "units": "KWH"}]
    assert report(row("main", "1"), row("gas", "1", unit="m3"))["payloadDescriptors"] == [described]


@needs_corpus
def test_every_word_of_the_standard_for_quality_has_one_of_ours() -> None:
    schema = etree.parse(SHARED / "corpus/openadr/xsd20b/oadr_20b.xsd")
    words = schema.xpath("//*[@name='oadrDataQualityType']//*[@value]/@value")
    found = {str(word): status_of(str(word)) for word in words}
    assert {status for word, status in found.items() if word.startswith("Quality Good")} == {"measured"}
    assert {status for word, status in found.items() if word.startswith(("Quality Bad", "No Quality"))} == {"missing"}
    others = {word: status for word, status in found.items() if status == "estimated"}
    assert all(word.startswith(("Quality Uncertain", "Quality Limit", "No New Value")) for word in others)
    assert len(words) == 21


@pytest.mark.parametrize(("word", "status"), [("", "measured"), ("x-mine", "estimated"), ("Quality Good", "measured")])
def test_a_word_that_is_none_of_the_standard_is_no_measured_value(word: str, status: str) -> None:
    assert status_of(word) == status


@pytest.mark.parametrize(
    ("status", "word"),
    [("measured", "OK"), ("validated", "OK"), ("estimated", "ESTIMATED"), ("missing", "MISSING"), ("odd", "BAD")],
)
def test_a_status_has_a_word_of_3_1(status: str, word: str) -> None:
    assert data_quality(status) == word


def test_two_meters_of_a_ven_are_two_meters() -> None:
    points = [
        Point20(rid="a", kind="usage", unit="Wh", resource="main"),
        Point20(rid="b", kind="usage", unit="Wh", resource="heat pump"),
        Point20(rid="c", kind="demand", unit="W", resource="main"),
    ]
    found = components(points)
    assert found == {"a": "main", "b": "heat pump", "c": "main"}
    meters = [Measured(p, AT, QUARTER, "1", found[p.rid]).reading() for p in points]
    assert [reading.meter for reading in meters if reading is not None] == ["main", "heat pump", "main"]


def test_two_points_that_measure_the_same_and_name_no_resource_are_told_apart_by_their_rid() -> None:
    points = [
        Point20(rid=rid, kind=kind, unit="Wh") for rid, kind in (("a", "usage"), ("b", "usage"), ("c", "reading"))
    ]
    assert components(points) == {"a": "a", "b": "b", "c": ""}
