"""SenML, RFC 8428: what is read, what is refused, and what comes back unchanged."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import cbor2
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from meter_driver.errors import SenmlError
from meter_driver.reading import ClockSource, Quality, Reading
from meter_driver.senml import (
    CBOR,
    JSON,
    MAX_RECORDS,
    Pack,
    Piece,
    Writer,
    device_urn,
    encode,
    join,
    join_name,
    parse,
    split_device,
    split_name,
)

AT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
BOX = "urn:dev:ops:box-1"
GOOD: dict[str, Any] = {"bn": BOX + ":", "bt": 1700000000, "n": "1-0:1.8.0", "u": "kWh", "v": 1}


def read(*records: dict[str, Any], now: datetime | None = None) -> Pack:
    return parse(msgspec.json.encode(records), JSON, now)


def test_a_batch_of_a_box_is_resolved() -> None:
    body = (
        b'[{"bn":"urn:dev:ops:box-1:","bt":1700000000,"n":"1-0:1.8.0","u":"kWh","v":123.4560},'
        b'{"n":"1-0:1.7.0","u":"W","v":250,"t":5}]'
    )
    pack = parse(body, "application/senml+json; charset=utf-8")
    assert pack.readings == [
        Reading(BOX, "1-0:1.8.0*255", AT, Decimal("123.4560"), "kWh", clock=ClockSource.METER),
        Reading(BOX, "1-0:1.7.0*255", AT + timedelta(seconds=5), Decimal(250), "W", clock=ClockSource.METER),
    ]
    assert str(pack.readings[0].value) == "123.4560"
    assert (pack.errors, list(pack.indexes), pack.records) == ([], [0, 1], 2)


def test_a_number_that_a_float_cannot_hold_stays_exact() -> None:
    pack = parse(b'[{"bn":"urn:dev:ops:b:","bt":1700000000,"n":"1-0:1.8.0","v":12345678901234567890.123}]', JSON)
    assert pack.readings[0].value == Decimal("12345678901234567890.123")


def test_base_fields_hold_until_they_change() -> None:
    pack = read(
        {"bn": BOX + ":", "bt": 1700000000, "bu": "W", "bv": 100},
        {"n": "1-0:1.7.0", "v": 1},
        {"n": "1-0:2.7.0", "u": "V", "v": 2.5},
        {"bn": BOX + "_gas:", "bt": 1700000060, "n": "0-1:24.2.1", "u": "m3", "v": 3},
    )
    assert [(r.meter, r.unit, r.value) for r in pack.readings] == [
        (BOX, "W", Decimal(101)),
        (BOX, "V", Decimal("102.5")),
        (BOX + "_gas", "m3", Decimal(103)),
    ]
    assert pack.readings[2].at == AT + timedelta(minutes=1)
    assert list(pack.indexes) == [1, 2, 3]


def test_a_relative_time_counts_from_now_and_needs_one() -> None:
    record = {"n": BOX + ":1-0:1.7.0", "u": "W", "v": 1, "t": -5}
    assert read(record, now=AT).readings[0].at == AT - timedelta(seconds=5)
    assert read(record).errors[0].rule == "the time is relative"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("v", "1"), ("v", True), ("v", [1]), ("v", {"a": 1}), ("v", None), ("v", 1e300), ("v", 10**50),
        ("u", "furlong"), ("u", 5), ("u", []), ("n", 7), ("n", []), ("n", "1-0:1.8.0*255"), ("n", "1-0:1.8.999"),
        ("n", ""), ("n", "x" * 300), ("t", "now"), ("t", True), ("t", []), ("t", -1700000001), ("t", 1e15),
        ("vs", "two values"), ("vb", True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("content_type", [JSON, CBOR])
def test_a_bad_record_is_named_by_its_index_and_the_rest_is_kept(content_type: str, field: str, value: Any) -> None:
    pack = [GOOD, {"n": "1-0:2.8.0", "u": "kWh", "v": 2, field: value}, {"n": "1-0:1.7.0", "u": "W", "v": 3}]
    found = parse(_body(pack, content_type), content_type)
    assert [reading.value for reading in found.readings] == [1, 3]
    assert [error.index for error in found.errors] == [1]
    assert list(found.indexes) == [0, 2]


def _body(pack: list[dict[str, Any]], content_type: str) -> bytes:
    if content_type == JSON:
        return msgspec.json.encode(pack)
    labels = {"bn": -2, "bt": -3, "n": 0, "u": 1, "v": 2, "vs": 3, "vb": 4, "t": 6}
    return bytes(cbor2.dumps([{labels[key]: value for key, value in record.items()} for record in pack]))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b"[1]", b"[{]", b"[" * 100_000, b'[{"v":' + b"[" * 100_000, b"\xff", b'[{"v":NaN}]',
        b'[{"v":' + b"1" * 5000 + b"}]", b'[{"bn":1}]', b'[{"bt":"x"}]', b'[{"bu":"furlong"}]', b'[{"bv":[]}]',
        b'[{"bver":11}]', b'[{"bver":10},{"bver":26}]', b'[{"bs":"x"}]', b'[{"bmgq":"x"}]', b'[{"bmgc":"x"}]',
        b'[{"n":"a:b","v":1,"must_":1}]', b'[{"n":"a:b","v":1,"must\\u005f":1}]', b" " * ((1 << 20) + 1),
        b"[" + b"{}," * MAX_RECORDS + b"{}]",
    ],
)  # fmt: skip
def test_a_malformed_pack_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(SenmlError):
        parse(body, JSON)


@pytest.mark.parametrize(
    "pack",
    [b"", b"\x80", b"\xa0", b"\x81\x01", b"\x81" * 500, b"\x9b" + b"\xff" * 8, b"\x81\xa1\x63no_\x01",
     b"\x81\xa1\xf5\x61W", b"\x82\xa0", bytes.fromhex("81a202010203")],
)  # fmt: skip
def test_malformed_cbor_is_refused_as_a_whole(pack: bytes) -> None:
    with pytest.raises(SenmlError):
        parse(pack, CBOR)


def test_another_media_type_is_refused() -> None:
    with pytest.raises(SenmlError, match="media type"):
        parse(b"[]", "application/json")


def test_an_unknown_label_is_ignored() -> None:
    assert len(read(GOOD | {"colour": "red"}).readings) == 1


def test_no_message_quotes_a_value_or_a_name() -> None:
    pack = read(GOOD, {"n": "1-0:1.8.0", "u": "canary", "v": 1}, {"n": "canary canary", "v": 1})
    assert "canary" not in " ".join(str(error) for error in pack.errors)


def test_a_double_of_cbor_is_the_decimal_that_the_sender_had() -> None:
    body = cbor2.dumps([{-2: BOX + ":", -3: 1700000000, 0: "1-0:1.8.0", 1: "kWh", 2: 100.123}])
    assert parse(bytes(body), CBOR).readings[0].value == Decimal("100.123")


def test_a_decimal_fraction_with_a_huge_exponent_is_a_bad_record() -> None:
    body = cbor2.dumps([{-2: BOX + ":", -3: 1700000000, 0: "1-0:1.8.0", 2: Decimal("1E+999999")}])
    assert [error.index for error in parse(bytes(body), CBOR).errors] == [0]


@pytest.mark.parametrize(
    ("quantity", "name"),
    [
        ("1-0:1.8.0*255", "1-0:1.8.0"),
        ("1-0:1.8.0*1", "1-0:1.8.0.1"),
        ("energy storage=1 tariff=2", "energy/storage.1/tariff.2"),
        ("volume_flow max storage=1", "volume_flow/max/storage.1"),
        ("date storage=9 profile=hca", "date/storage.9/profile.hca"),
        ("6.8", "6.8"),
        ("6.26*01", "6.26--01"),
    ],
)
def test_a_quantity_survives_as_a_name(quantity: str, name: str) -> None:
    assert join_name(BOX, quantity) == (BOX + ":", name)
    assert split_name(f"{BOX}:{name}") == (BOX, quantity)


@pytest.mark.parametrize("quantity", ["", "a/b", "a--b", "a=b", "a b.c", "a:b", "1-0:01.8.0*255", "1-0:1.8.0", "é"])
def test_a_quantity_that_would_come_back_changed_is_not_written(quantity: str) -> None:
    with pytest.raises(SenmlError):
        join_name(BOX, quantity)


def test_a_device_is_a_box_and_perhaps_one_of_its_meters() -> None:
    assert split_device(device_urn("box-1")) == ("box-1", "")
    assert split_device(device_urn("box-1", "gas 7")) == ("box-1", "gas-7")
    with pytest.raises(SenmlError):
        split_device("urn:dev:mac:0024befffe804ff1")


READINGS = st.builds(
    Reading,
    meter=st.sampled_from([BOX, BOX + "_gas"]),
    quantity=st.sampled_from(["1-0:1.8.0*255", "1-0:31.7.0*255", "0-1:24.2.1*9", "energy storage=1"]),
    at=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)),  # noqa: DTZ001
    value=st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9)
    | st.text(max_size=20),
    unit=st.sampled_from([None, "kWh", "W", "V", "L", "%", "m3/h"]),
    quality=st.sampled_from([Quality.NONE, Quality.AUTHENTICATED | Quality.CLOCK_DOUBTFUL]),
    clock=st.sampled_from([ClockSource.METER, ClockSource.RECEIVED]),
)


@pytest.mark.parametrize("content_type", [JSON, CBOR])
@settings(max_examples=60)
@given(readings=st.lists(READINGS, min_size=1, max_size=8))
def test_what_is_encoded_is_read_back(content_type: str, readings: list[Reading]) -> None:
    pack = parse(encode(readings, content_type), content_type)
    assert pack.errors == []
    assert pack.readings == readings


@pytest.mark.parametrize("content_type", [JSON, CBOR])
@settings(max_examples=60)
@given(groups=st.lists(st.lists(READINGS, max_size=4), min_size=1, max_size=5).filter(any))
def test_pieces_mean_the_same_wherever_they_stand(content_type: str, groups: list[list[Reading]]) -> None:
    pieces = [_piece(group, content_type) for group in groups]
    pack = parse(join(pieces), content_type)
    assert pack.errors == []
    assert pack.readings == [reading for group in groups for reading in group]
    assert sum(piece.records for piece in pieces) == pack.records
    assert parse(join(pieces[::-1]), content_type).readings == [r for group in groups[::-1] for r in group]


def _piece(readings: list[Reading], content_type: str) -> Piece:
    writer = Writer(content_type)
    for reading in readings:
        writer.add(reading)
    return writer.piece()


@pytest.mark.parametrize("content_type", [JSON, CBOR])
def test_a_pack_has_one_version_and_says_it_first(content_type: str) -> None:
    """RFC 8428 section 4.4: all records of a pack have the same version."""
    plain = _piece([Reading(BOX, "1-0:1.7.0*255", AT, Decimal(1), "W")], content_type)
    secondary = _piece([Reading(BOX, "1-0:1.8.0*255", AT, Decimal(1), "kWh")], content_type)
    assert b"bver" not in join([plain, plain])
    for pieces in ([plain, secondary], [secondary, plain], [secondary, secondary, plain]):
        body = join(pieces)
        pack = msgspec.json.decode(body) if content_type == JSON else cbor2.loads(body)
        assert [record.get("bver", record.get(-1)) for record in pack] == [26, *[None] * (len(pieces) - 1)]


def test_records_that_were_refused_leave_nothing_behind() -> None:
    writer = Writer()
    good = Reading(BOX, "1-0:1.8.0*255", AT, Decimal(1), "kWh")
    for bad in (
        replace(good, unit="furlong", meter=BOX + "_x"),
        replace(good, value="x" * 300, quality=Quality.REPLAY),
    ):
        with pytest.raises(SenmlError):
            writer.add(bad)
    writer.add(good)
    assert parse(join([writer.piece()]), JSON).readings == [good]


def test_there_is_no_pack_of_nothing_or_of_two_forms() -> None:
    one = [Reading(BOX, "1-0:1.8.0*255", AT, Decimal(1), "kWh")]
    for pieces in ([], [Piece()], [_piece(one, JSON), _piece(one, CBOR)]):
        with pytest.raises(SenmlError):
            join(pieces)


@given(at=st.integers(0, 200), put=st.binary(max_size=6), content_type=st.sampled_from([JSON, CBOR]))
def test_no_bytes_crash_it(at: int, put: bytes, content_type: str) -> None:
    good = encode([Reading(BOX, "1-0:1.8.0*255", AT, Decimal("1.5"), "kWh")] * 3, content_type)
    with suppress(SenmlError):
        parse(good[:at] + put + good[at + 1 :], content_type)


@pytest.mark.parametrize(
    "reading",
    [
        Reading(BOX, "1-0:1.8.0*255", None, Decimal(1), "kWh"),
        Reading(BOX, "1-0:1.8.0*255", AT, Decimal(1), "kWh", start=AT),
        Reading(BOX, "1-0:1.8.0*255", AT, Decimal(1), "furlong"),
        Reading(BOX, "1-0:1.8.0*255", AT, Decimal("NaN"), "kWh"),
        Reading(BOX, "not a/name", AT, Decimal(1), "kWh"),
    ],
)
def test_a_reading_that_cannot_be_written_is_named(reading: Reading) -> None:
    with pytest.raises(SenmlError, match="record 1"):
        encode([Reading(BOX, "1-0:1.8.0*255", AT, Decimal(1), "kWh"), reading])
