"""Green Button: valid by the schemas, one usage point a meter, whole numbers that are exact, quality codes."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from msgspec import structs

from adapters.formats.espi import espi
from adapters.formats.words import LARGEST_CHUNK
from adapters.plugin import Released
from meter_driver.intervals import month_edges
from meter_driver.units import SPELLINGS
from policies.terms import ONE_MONTH, Level, Purpose, Recipient, Row
from tests.shared import SHARED, needs_corpus

START = datetime(2026, 3, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
ENERGY, FEED, GAS = "1-0:1.8.0*255", "1-0:2.8.0*255", "7-0:3.0.0*255"
SCHEMAS = SHARED / "corpus/openadr/xsd20b"
NAMES = {"a": "http://www.w3.org/2005/Atom", "e": "http://naesb.org/espi"}


def row(value: str | None, place: int = 0, *, meter: str = "main", unit: str = "kWh", quantity: str = ENERGY) -> Row:
    start = START + place * QUARTER
    said = None if value is None else Decimal(value)
    return Row("self", quantity, start, start + QUARTER, said, unit, "measured", meter)


def feed(*parts: Sequence[Row], step: timedelta = QUARTER, zone: tzinfo = UTC) -> etree._Element:
    nothing = timedelta(0)
    renderer = espi(START, zone)
    text = renderer.head
    for rows in parts:
        part = Released("self", rows, Recipient("self"), Purpose.ENERGY_ADVICE, step, Level.INDIVIDUAL, nothing)
        text += b"".join(renderer.body(part))
    return etree.fromstring(text + renderer.tail)


def valid(document: etree._Element) -> None:
    """By both schemas at once, as the feed's content is lax nowhere."""
    both = "".join(
        f'<xs:import namespace="{name}" schemaLocation="{(SCHEMAS / file).as_uri()}"/>'
        for name, file in ((NAMES["a"], "oadr_atom.xsd"), (NAMES["e"], "oadr_greenbutton.xsd"))
    )
    schema = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{both}</xs:schema>'
    etree.XMLSchema(etree.fromstring(schema)).assertValid(document)


def values(document: etree._Element) -> Iterator[tuple[str, Decimal]]:
    """By the title of the usage point: each value in kWh (or the unit itself)."""
    for block in document.iterfind("a:entry", NAMES):
        path = block.find("a:link[@rel='self']", NAMES)
        assert path is not None
        reading, _, of = str(path.get("href")).partition("/IntervalBlock/")
        if not of:
            continue
        kind = document.find(f"a:entry/a:content/e:ReadingType/../../a:link[@href='{_kind(reading)}']/..", NAMES)
        point = document.find(f"a:entry/a:link[@href='{reading.partition('/MeterReading')[0]}']/..", NAMES)
        assert kind is not None
        assert point is not None
        power = int(kind.findtext(".//e:powerOfTenMultiplier", "", NAMES))
        for each in block.iterfind(".//e:IntervalReading/e:value", NAMES):
            yield point.findtext("a:title", "", NAMES), Decimal(int(each.text or "")).scaleb(power)


def _kind(reading: str) -> str:
    return f"/espi/1_1/resource/ReadingType/{reading.rpartition('/')[2]}"


@needs_corpus
def test_a_feed_is_valid_against_the_schemas() -> None:
    missing = structs.replace(row(None, 2), status="missing", completeness=Decimal(0))
    others = [row("1.5", meter="heat & <pump>"), row("2.4", meter="gas", unit="m3", quantity=GAS)]
    valid(feed([row("0.250"), row("0.100", 1), missing], others, [row("7", unit="dBm", quantity="signal")]))
    valid(feed([]))


@needs_corpus
@pytest.mark.parametrize("unit", sorted(SPELLINGS))
def test_every_unit_gives_a_valid_feed(unit: str) -> None:
    valid(feed([row("12.5", unit=unit)]))


def test_each_meter_is_a_usage_point_and_is_introduced_once() -> None:
    document = feed([row("1"), row("2", meter="heat pump")], [row("3", 1), row("4", 1, meter="heat pump")])
    points = document.findall("a:entry/a:content/e:UsagePoint", NAMES)
    assert len(points) == 2
    assert len(document.findall("a:entry/a:content/e:ReadingType", NAMES)) == 2
    found: dict[str, list[Decimal]] = {}
    for meter, value in values(document):
        found.setdefault(meter, []).append(value)
    assert found == {"main": [1000, 3000], "heat pump": [2000, 4000]}


@given(st.lists(st.decimals(-(10**8), 10**8, places=6), min_size=1, max_size=5))
def test_values_are_whole_numbers_and_exact(numbers: list[Decimal]) -> None:
    document = feed([row(str(number), place) for place, number in enumerate(numbers)])
    assert [value for _, value in values(document)] == [number * 1000 for number in numbers]


def test_direction_unit_and_accumulation_follow_from_the_quantity() -> None:
    document = feed([row("1", quantity=FEED)])
    kind = document.find("a:entry/a:content/e:ReadingType", NAMES)
    assert kind is not None
    said = {etree.QName(child).localname: child.text for child in kind}
    assert {name: said[name] for name in ("flowDirection", "uom", "accumulationBehaviour", "intervalLength")} == {
        "flowDirection": "19",
        "uom": "72",
        "accumulationBehaviour": "4",
        "intervalLength": "900",
    }


@needs_corpus
def test_a_month_is_told_by_its_name_and_each_reading_by_its_own_length() -> None:
    months = [month_edges(date(2026, n, 1), UTC) for n in (2, 3)]
    document = feed([structs.replace(row("7"), start=start, end=end) for start, end in months], step=ONE_MONTH)
    valid(document)
    kind = document.find("a:entry/a:content/e:ReadingType", NAMES)
    assert kind is not None
    assert (kind.findtext("e:timeAttribute", "", NAMES), kind.find("e:intervalLength", NAMES)) == ("13", None)
    lengths = document.findall(".//e:IntervalReading/e:timePeriod/e:duration", NAMES)
    assert [each.text for each in lengths] == [str(days * 86_400) for days in (28, 31)]


def test_a_value_says_its_quality_and_a_missing_one_has_no_number() -> None:
    rows = [
        row("1"),
        structs.replace(row("2", 1), status="estimated", method="interpolated"),
        structs.replace(row("3", 2), status="validated"),
        structs.replace(row(None, 3), status="missing"),
    ]
    readings = feed(rows).findall(".//e:IntervalReading", NAMES)
    assert [each.findtext("e:ReadingQuality/e:quality", "", NAMES) for each in readings] == ["14", "9", "17", "16"]
    assert [each.find("e:value", NAMES) is None for each in readings] == [False, False, False, True]


def test_chunks_are_bounded() -> None:
    rows = [row("12345678.901", place) for place in range(3000)]
    nothing = timedelta(0)
    part = Released("self", rows, Recipient("self"), Purpose.ENERGY_ADVICE, QUARTER, Level.INDIVIDUAL, nothing)
    chunks = list(espi(START).body(part))
    assert len(chunks) > 1
    assert max(map(len, chunks)) <= LARGEST_CHUNK


def test_an_amount_of_a_time_of_its_own_stands_in_a_block_that_says_no_length_of_intervals() -> None:
    """Beside the quarters of the same register, and as an amount like these."""
    silence = structs.replace(row("3.5", 1), end=START + timedelta(days=3) + QUARTER)
    document = feed([row("0.25"), silence, row("0.5", 300)])
    kinds = [
        {str(tag.tag).partition("}")[2]: tag.text for tag in kind}
        for kind in document.iterfind(".//e:ReadingType", NAMES)
    ]
    assert [kind.get("intervalLength") for kind in kinds] == ["900", None]
    assert len({kind["accumulationBehaviour"] for kind in kinds}) == 1
    lengths = [[each.text for each in block.iterfind("e:IntervalReading/e:timePeriod/e:duration", NAMES)]
               for block in document.iterfind(".//e:IntervalBlock", NAMES)]  # fmt: skip
    assert lengths == [["900", "900"], [str(3 * 86_400)]]
