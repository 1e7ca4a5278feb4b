"""Lists of every form, and the learnt layouts against the full parse."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meter_driver.dlms import push_layout
from meter_driver.dlms.push_layout import PushLayout
from meter_driver.errors import MeterError, PayloadError, UnitError
from meter_driver.reading import ClockSource, Quality, Reading
from tests.meter_driver.dlms.make import ENERGY, NAME, SUMMER, VOLTAGE, notification, rows

KFM_3P = bytes.fromhex(
    "020D" "09074B464D5F303031" "090431323334" "09024D41" "06000003B4" "0600000000" "0600000000" "0600000040"
    "0600000588" "0600000CA9" "0600000C2F" "0600000951" "0600000000" "0600000955"
)  # fmt: skip
FLAT = bytes.fromhex(
    "0208" "090C07EA0715020E1E0500FF8880" "09060100010800FF" "0600003039" "02020F00161E" "09060100200700FF" "1208FC"
    "02020FFF1623" "090431323334"
)  # fmt: skip
KAMSTRUP = bytes.fromhex(
    "0207" "0A0E4B616D73747275705F5630303031" "09060101010800FF" "0600003039" "09060101000005FF" "0A0431323334"
    "090601011F0700FF" "0600000041"
)  # fmt: skip
TABLE = bytes.fromhex(
    "0204" "0104"
    "0204" "120028" "09060008190900FF" "0F02" "120000" "0204" "120001" "090600002A0000FF" "0F02" "120000"
    "0204" "120003" "09060100010700FF" "0F02" "120000" "0204" "120003" "09060100200700FF" "0F02" "120000"
    "09074C475A31323334" "0600000309" "1200EC"
)  # fmt: skip
ATTRIBUTES = bytes.fromhex(
    "0202" "1601" "0103" "0202" "00010000600100FF02" "090431323334" "0202" "00030100010700FF02" "0600000003"
    "0202" "0046000060030AFF03" "1601"
)  # fmt: skip
EGD = bytes.fromhex(
    "0202" "1601" "0104" "0202" "000100002A0000FF02" "0909454744303132333435"
    "0202" "00030100150700FF02" "0600000141" "0202" "00030100010801FF02" "06004AFA82"
    "0202" "00470000110000FF03" "060000000A"
)  # fmt: skip
SWEDEN = rows(("0000010000FF", "090C07EA0715020E1E0500FF8880"), ENERGY)
CODE, NUMBER, PAIR = "09060100010800FF", "0600003039", "02020F01161E"
COLUMN = "0204120003" + CODE + "0F02120000"
CLOCK = "090C" + SUMMER.hex()
SHAPES = {
    "scaler and unit behind the value": "0101" "0204" + CODE + NUMBER + "0F01161E",
    "the same in one row": "0208" + (CODE + NUMBER + "0F01161E") + "09060100020800FF" + NUMBER + "0F01161E",
    "scaler and unit before the value": "0101" "0203" + CODE + PAIR + NUMBER,
    "value with scaler and unit in a structure": "0101" "0202" + CODE + "0202" + NUMBER + PAIR,
    "value, scaler, unit in a structure": "0101" "0202" + CODE + "0203" + NUMBER + "0F01161E",
    "a table of objects, values in a structure, attribute 3": (
        "0202" "0102" + COLUMN + COLUMN.replace("0F02", "0F03") + "0202" + NUMBER + PAIR
    ),
    "a table of objects, values in a row, attribute 3": (
        "0203" "0102" + COLUMN + COLUMN.replace("0F02", "0F03") + NUMBER + PAIR
    ),
    "a clock before the table": "0204" + CLOCK + "0102" + COLUMN + COLUMN.replace("0F02", "0F03") + NUMBER + PAIR,
    "the name of the push setup at the head": "0205" "09060000190900FF" + CLOCK + CODE + NUMBER + PAIR,
    "value, class, scaler and unit, code in one row": "0208" + 2 * (NUMBER + "120003" + PAIR + CODE),
    "scaler and unit behind class, code, attribute, value": "0205" "120003" + CODE + "0F02" + NUMBER + PAIR,
    "the scaler before the value in the table": (
        "0203" "0102" + COLUMN.replace("0F02", "0F03") + COLUMN + PAIR + NUMBER
    ),
    "a clock at the end": "0204" + CODE + NUMBER + PAIR + CLOCK,
}  # fmt: skip
FORMS = [
    *(bytes.fromhex(body) for body in SHAPES.values()),
    rows(NAME, ENERGY, VOLTAGE),
    KFM_3P,
    FLAT,
    KAMSTRUP,
    TABLE,
    ATTRIBUTES,
    EGD,
    SWEDEN,
]


def read(
    body: bytes, *, maker: str = "", clock: bytes = SUMMER
) -> tuple[str, dict[str, tuple[object, object, Quality]]]:
    meter, _, readings = push_layout.read(notification(body, clock), Quality.CHECKSUM_ONLY, "TITLE", maker)
    return meter, {reading.quantity: (reading.value, reading.unit, reading.quality) for reading in readings}


ENERGY_PAIR = bytes.fromhex("09060100010800FF0600003039")
SURE, ASSUMED = Quality.CHECKSUM_ONLY, Quality.CHECKSUM_ONLY | Quality.SCALER_ASSUMED


@pytest.mark.rule("IEC 62056-5-3: data-notification")
@pytest.mark.rule("IEC 62056-6-2, 4.3.2: scaler and unit")
def test_a_list_of_structures_is_read() -> None:
    meter, said = read(rows(NAME, ENERGY, VOLTAGE))
    assert meter == "1234"
    assert said == {
        "0-0:96.1.0*255": ("1234", None, SURE),
        "1-0:1.8.0*255": (Decimal(12345), "Wh", SURE),
        "1-0:32.7.0*255": (Decimal("230.0"), "V", SURE),
    }


def test_a_flat_list_is_read_and_its_last_text_names_the_meter() -> None:
    meter, said = read(FLAT, clock=b"")
    assert meter == "1234"
    assert said["1-0:32.7.0*255"] == (Decimal("230.0"), "V", SURE)


def test_readings_carry_the_instant_of_the_meter_in_utc() -> None:
    _, at, readings = push_layout.read(notification(FLAT, b""), Quality.CHECKSUM_ONLY)
    assert at == datetime(2026, 7, 21, 12, 30, 5, tzinfo=UTC)
    assert isinstance(readings[0], Reading)
    assert (readings[0].at, readings[0].clock) == (at, ClockSource.METER)


def test_without_a_known_offset_there_is_no_instant() -> None:
    unknown = SUMMER[:9] + b"\x80\x00\x00"
    _, at, readings = push_layout.read(notification(clock=unknown), Quality.CHECKSUM_ONLY)
    assert (at, readings[0].at, readings[0].clock) == (None, None, ClockSource.NONE)


def test_a_doubtful_clock_is_told() -> None:
    _, said = read(rows(ENERGY), clock=SUMMER[:11] + b"\x82")
    assert said["1-0:1.8.0*255"][2] == SURE | Quality.CLOCK_DOUBTFUL


def test_a_list_without_codes_is_read_by_its_profile_and_says_so() -> None:
    meter, said = read(KFM_3P)
    assert meter == "1234"
    assert said["1-0:1.7.0*255"] == (Decimal(948), "W", ASSUMED)
    assert said["1-0:31.7.0*255"] == (Decimal("1.416"), "A", ASSUMED)
    assert said["0-0:96.1.7*255"] == ("MA", None, SURE)


def test_a_list_that_is_known_by_its_head_may_have_nulls() -> None:
    body = KFM_3P[:-5] + b"\x00"
    said = read(body)[1]
    assert (said["1-0:1.7.0*255"][0], "1-0:72.7.0*255" in said) == (Decimal(948), False)
    assert "1-0:72.7.0*255" in read(KFM_3P)[1]
    with pytest.raises(PayloadError):
        read(b"\x02\x01\x00")  # of a list that has no head a null says nothing


def test_a_list_without_scalers_is_read_by_its_profile_and_says_so() -> None:
    _, said = read(KAMSTRUP)
    assert said["1-1:1.8.0*255"] == (Decimal(123450), "Wh", ASSUMED)
    assert said["1-1:31.7.0*255"] == (Decimal("0.65"), "A", ASSUMED)


@pytest.mark.rule("IEC 62056-6-2, 4.4.8: values behind their push object list")
def test_a_table_of_objects_names_the_values_behind_it() -> None:
    meter, said = read(TABLE)
    assert meter == "LGZ1234"
    assert said["1-0:1.7.0*255"] == (Decimal(777), "W", ASSUMED)
    assert said["1-0:32.7.0*255"] == (Decimal(236), None, SURE)  # the profile does not know its power of ten


def test_a_list_of_attributes_is_read() -> None:
    assert read(ATTRIBUTES)[1]["1-0:1.7.0*255"] == (Decimal(3), None, SURE)


def test_a_list_of_attributes_is_scaled_by_the_profile_of_its_device_name() -> None:
    meter, said = read(EGD)
    assert meter == "EGD012345"
    assert said["1-0:21.7.0*255"] == (Decimal(321), "W", ASSUMED)
    assert said["1-0:1.8.1*255"] == (Decimal(4913794), "Wh", ASSUMED)
    assert said["0-0:17.0.0*255"] == (Decimal(10), None, SURE)  # nobody says the unit of the limiter
    other = EGD.replace(b"EGD", b"XYZ")
    assert read(other)[1]["1-0:21.7.0*255"] == (Decimal(321), None, SURE)


def test_texts_without_a_code_are_read_over_and_the_first_names_the_meter() -> None:
    texts = bytes.fromhex("020709043132333400090241420A01430900") + ENERGY_PAIR
    assert read(texts)[0] == "1234"


def test_a_class_before_each_code_is_read_over() -> None:
    body = bytes.fromhex("020612000309060100010700FF060000000312000309060100020700FF120004")
    assert [value for value, *_ in read(body)[1].values()] == [3, 4]


def test_classes_codes_and_attributes_in_one_row_are_read() -> None:
    row = "120003" + CODE + "0F02" + "120007" + "120003" + "09060100020800FF" + "0F02" + "0F03"
    said = read(bytes.fromhex("0208" + row))[1]
    assert [value for value, *_ in said.values()] == [7, 3]
    names = "120001" + "09060000600100FF" + "0F02" + "090431323334" + "120003" + CODE + "0F01" + CODE
    assert read(bytes.fromhex("020C" + names + "120003" + CODE + "0F02" + NUMBER))[0] == "1234"
    short = "120003" + CODE + "0F05" + "120003" + "09060100020800FF" + "0F06"
    assert [value for value, *_ in read(bytes.fromhex("0206" + short))[1].values()] == [5, 6]


@pytest.mark.parametrize(
    ("index", "value"),
    [
        ("0F02", "12345"),
        ("1102", "12345"),
        ("0FFF", "1234.5"),
        ("0F00", "12345"),
        ("0F01", "123450"),
        ("0F03", "12345000"),
    ],
)
def test_a_scaler_where_an_attribute_would_stand_is_known_by_what_no_attribute_can_be(index: str, value: str) -> None:
    for body in ("01010204120003" + CODE + index + NUMBER, "0204120003" + CODE + index + NUMBER):
        assert read(bytes.fromhex(body))[1]["1-0:1.8.0*255"] == (Decimal(value), None, SURE)
    clock = "01010204120001" + CODE + "0F03" + NUMBER  # of another class: an attribute
    assert read(bytes.fromhex(clock))[1]["1-0:1.8.0*255"][0] == Decimal(12345)


def test_registers_with_their_class_inside_are_read() -> None:
    value_first = bytes.fromhex("01010204060000000312000302020F00161B09060100010700FF")
    assert read(value_first)[1]["1-0:1.7.0*255"] == (Decimal(3), "W", SURE)
    class_first = bytes.fromhex("0101020412000309060100010700FF11020600000003")
    assert read(class_first)[1]["1-0:1.7.0*255"] == (Decimal(3), None, SURE)


def test_the_system_title_names_a_meter_whose_list_does_not() -> None:
    assert read(rows(ENERGY))[0] == "TITLE"


@pytest.mark.parametrize(
    "body",
    [
        b"\x02\x00",
        b"\x06\x00\x00\x00\x01",
        bytes.fromhex("0202" "0600000001" "0600000002"),  # numbers that nothing names
        bytes.fromhex("0203" "09060100010800FF" "0600003039" "0600000001"),
        rows(NAME) + b"\x00",  # an octet behind the end
        rows(ENERGY)[:-1],
        rows(("0100010800FF", "0600003039" + "02020F40161E")),  # ten to the power of 64
        TABLE[:2] + TABLE[2:].replace(bytes.fromhex("0104"), bytes.fromhex("0103"), 1),
        ATTRIBUTES.replace(bytes.fromhex("0103"), bytes.fromhex("0104"), 1),
    ],
)  # fmt: skip
def test_what_nothing_explains_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadError):
        read(body)


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(UnitError):
        read(rows(("0100010800FF", "0600003039" + "02020F0016C8")))


def test_a_date_that_does_not_exist_is_refused_by_both_ways() -> None:
    for _ in range(2):
        with pytest.raises(PayloadError):
            read(rows(ENERGY), clock=SUMMER[:2] + b"\x0d" + SUMMER[3:])
        read(rows(ENERGY))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1742280000", Decimal("42")), ("173DCCCCCD", Decimal("0.1")), ("180000000000000000", Decimal("0.0")),
        ("0D42", Decimal(42)), ("0301", Decimal(1)), ("1605", Decimal(5)), ("14FFFFFFFFFFFFFFFF", Decimal(-1)),
        ("0C02C3BC", "ü"), ("0902C3BC", "C3BC"),
    ],
)  # fmt: skip
def test_values_of_every_type_are_read(value: str, said: object) -> None:
    body = bytes([1, 1, 2, 2, 9, 6]) + bytes.fromhex("0100010700FF" + value)
    assert read(body)[1]["1-0:1.7.0*255"][0] == said


@pytest.mark.parametrize("value", ["177F800000", "187FF8000000000000", "0D4A"])
def test_a_number_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(PayloadError):
        read(bytes([1, 1, 2, 2, 9, 6]) + bytes.fromhex("0100010700FF" + value))


def outcome(way: object, apdu: bytes) -> object:
    """What one way says of a notification: the readings, or the kind of refusal."""
    assert callable(way)
    try:
        return way(apdu)
    except MeterError as error:
        return type(error)


def by_layout(apdu: bytes) -> object:
    return push_layout.read(apdu, Quality.CHECKSUM_ONLY, "T", "LGZ")


def in_full(apdu: bytes) -> object:
    return PushLayout(apdu, "LGZ").read(apdu, Quality.CHECKSUM_ONLY, "T")


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(FORMS), st.data())
def test_learnt_layouts_and_the_full_parse_never_differ(body: bytes, data: st.DataObject) -> None:
    whole = notification(body)
    by_layout(whole)  # learn it
    altered = bytearray(whole)
    for _ in range(data.draw(st.integers(0, 3))):
        altered[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(altered) - 1))
        del altered[at : at + data.draw(st.integers(0, 4))]
    apdu = bytes(altered)
    assert outcome(by_layout, apdu) == outcome(in_full, apdu)


@pytest.mark.parametrize("body", FORMS, ids=range(len(FORMS)))
def test_every_single_octet_changed_is_the_same_to_both_ways(body: bytes) -> None:
    whole = notification(body)
    by_layout(whole)
    for at in range(len(whole)):
        for change in (0x01, 0x20, 0x80):
            altered = whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :]
            assert outcome(by_layout, altered) == outcome(in_full, altered), at


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(FORMS), st.integers(0, 60))
def test_no_list_can_crash_it(noise: bytes, body: bytes, keep: int) -> None:
    outcome(by_layout, notification(body[:keep] + noise))


@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES)
def test_a_value_keeps_its_scaler_and_unit_wherever_they_stand(body: str) -> None:
    said = read(bytes.fromhex(body), clock=b"")[1]
    assert said["1-0:1.8.0*255"] == (Decimal(123450), "Wh", SURE)
    assert set(said) <= {"1-0:1.8.0*255", "1-0:2.8.0*255"}


@pytest.mark.parametrize("name", [name for name in SHAPES if "clock" in name or "push setup" in name])
def test_a_clock_without_a_code_is_known_by_its_year_wherever_it_stands(name: str) -> None:
    body = bytes.fromhex(SHAPES[name])
    at = push_layout.read(notification(body, b""), Quality.CHECKSUM_ONLY, "T")[1]
    assert at == datetime(2026, 7, 21, 12, 30, 5, tzinfo=UTC)


def test_a_text_as_long_as_a_clock_is_a_text() -> None:
    body = bytes.fromhex("0203090C") + b"ABC123456789" + ENERGY_PAIR
    assert read(body)[0] == "ABC123456789"
    assert outcome(by_layout, notification(body)) == outcome(in_full, notification(body))
    clock = notification(body.replace(b"ABC123456789", SUMMER))
    assert outcome(by_layout, clock) == outcome(in_full, clock)


def test_a_table_of_one_object_may_have_its_value_in_a_structure() -> None:
    assert read(bytes.fromhex("02020101" + COLUMN + "0201" + NUMBER))[1]["1-0:1.8.0*255"][0] == Decimal(12345)


def test_an_object_and_its_value_are_read() -> None:
    pairs = "0102" + "0202" + COLUMN + NUMBER + "0202" + COLUMN.replace("000108", "000208") + NUMBER
    assert {code: value for code, (value, *_) in read(bytes.fromhex(pairs))[1].items()} == {
        "1-0:1.8.0*255": Decimal(12345), "1-0:2.8.0*255": Decimal(12345),
    }  # fmt: skip


def test_two_registers_with_short_values_are_not_an_object_and_its_value() -> None:
    first, second = "0204120003" + CODE + "0F02120005", "020412000309060100020800FF0F02120006"
    said = read(bytes.fromhex("0202" + first + second))[1]
    assert [value for value, *_ in said.values()] == [Decimal(5), Decimal(6)]


def test_a_number_of_six_octets_is_a_value_also_where_it_looks_like_a_code() -> None:
    name = ("0000600100FF", "0906000102030405")
    assert read(rows(name, ENERGY))[0] == "000102030405"


def test_the_number_of_the_meter_goes_before_its_type_and_that_of_a_device_on_a_channel() -> None:
    kind, number, gas = ("0101600101FF", "0A024142"), ("0101000005FF", "0A0435363738"), ("0001600100FF", "0A0147")
    assert read(rows(gas, kind, number, ENERGY))[0] == "5678"
    assert read(rows(gas, ENERGY))[0] == "TITLE"


@pytest.mark.parametrize(("code", "unit"), [("00", None), ("0A", "currency"), ("FE", None)])
def test_a_unit_that_is_none_or_another_leaves_the_number(code: str, unit: str | None) -> None:
    assert read(rows(("0100010800FF", "0600003039" + "02020F0016" + code)))[1]["1-0:1.8.0*255"][:2] == (12345, unit)
