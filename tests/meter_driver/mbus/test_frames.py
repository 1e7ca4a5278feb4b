"""Wired M-Bus: long frames, transport headers, fixed structure, and what of them gives no reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_driver.mbus.decoder import RecordFrames
from meter_driver.reading import Quality
from tests.meter_driver.laws import a_final_answer_is_one, an_answer_stays
from tests.meter_driver.mbus.make import (
    KEY,
    LONG_HEADER,
    OTHER_KEY,
    RECORDS,
    crc,
    cut,
    events,
    examples,
    format_a,
    kinds,
    long_frame,
    mode_5,
    radio,
    short_header,
    telegrams,
    values,
    wired,
)

READINGS = {
    "volume": "12345.678 m3",
    "volume_flow": "12.345 m3/h",
    "error_flags": "0",
    "energy": "144000 Wh",
    "volume storage=1": "0.000 m3",
}
FRAME = wired(RECORDS)
FIXED = bytes.fromhex("785634120a00e97e0100000035010000")


def test_an_answer_gives_the_meter_and_its_readings_with_the_trust_of_a_checksum() -> None:
    (telegram,) = telegrams(FRAME)
    assert values(telegram) == READINGS
    assert telegram.meter == "KAM-12345678-1B-16"
    assert telegram.system_title == "2D2C785634121B16"
    assert (telegram.protocol, telegram.at, telegram.counter) == ("mbus", None, None)
    assert {reading.quality for reading in telegram.readings} == {Quality.CHECKSUM_ONLY}
    assert {reading.at for reading in telegram.readings} == {None}


@pytest.mark.rule("EN 13757-3 pattern for not valid")
def test_the_pattern_for_not_valid_is_marked_on_the_reading() -> None:
    (telegram,) = telegrams(wired(bytes.fromhex("040600000080")))
    assert telegram.readings[0].quality == Quality.CHECKSUM_ONLY | Quality.NO_VALUE


@pytest.mark.rule("EN 13757-3 more telegrams (DIF 1F)")
def test_each_telegram_of_a_longer_answer_is_whole_in_itself() -> None:
    first, second = telegrams(wired(RECORDS + b"\x1f"), wired(b"\x01\xfd\x17\x00", access=2))
    assert values(first) == READINGS
    assert values(second) == {"error_flags": "0"}


def test_requests_of_the_master_between_answers_are_passed_over() -> None:
    request = bytes.fromhex("105b015c16")
    assert len(telegrams(request, FRAME, request, FRAME)) == 2
    assert kinds(request, FRAME, request) == []


@pytest.mark.parametrize("between", [0, 3, 4])
def test_a_compact_frame_on_a_wire_is_read_behind_the_full_one_that_said_its_format(between: int) -> None:
    heads, data = bytes.fromhex("0c13 0b3b 02fd17 0c06 4c13"), bytes.fromhex("78563412 452301 0000 44010000 00000000")
    checks = crc(heads).to_bytes(2, "little") + crc(RECORDS).to_bytes(2, "little")
    compact = long_frame(0x73, LONG_HEADER + bytes(4) + checks + data)
    *_, last = telegrams(FRAME, wired(b"\x01\xfd\x17\x00") * between, compact)
    assert values(last) == (READINGS if between < 4 else {"error_flags": "0"})
    assert kinds(compact) == ["payload"]


SELECT = long_frame(0x52, bytes.fromhex("78563412ffffffff"), control=0x53, address=0xFD)
COMMANDS = [
    long_frame(ci, RECORDS, control=control) for ci in (0x50, 0x51, 0x5B, 0x6C, 0xB9) for control in (0x53, 0x73)
]


@pytest.mark.rule("EN 13757-2 what a master sends, and acknowledgements")
@pytest.mark.parametrize("before", [b"\xe5", b"\xe5\xe5", SELECT + b"\xe5", *COMMANDS, bytes.fromhex("1040fd3d16 e5")])
def test_what_a_master_sends_and_what_confirms_it_is_passed_over(before: bytes) -> None:
    stream = before + FRAME + before + FRAME
    assert [values(telegram) for telegram in telegrams(stream)] == [READINGS] * 2
    assert kinds(stream, before) == []
    assert [values(telegram) for telegram in telegrams(*(bytes([byte]) for byte in stream))] == [READINGS] * 2


@pytest.mark.parametrize("other", ["105b015d16", "105b015c17", "1008010916", "105b01", "e568"])
def test_a_damaged_request_is_noise(other: str) -> None:
    assert kinds(bytes.fromhex(other)) != []
    assert [values(telegram) for telegram in telegrams(bytes.fromhex(other), FRAME)] == [READINGS]


@pytest.mark.parametrize("ci", [0x4F, 0x56, 0x59, 0x5D, 0x6E, 0xB7, 0xC0])
def test_what_a_master_does_not_send_is_not_passed_over(ci: int) -> None:
    assert kinds(long_frame(ci, RECORDS, control=0x53)) == ["payload"]


def test_an_acknowledgement_is_told_from_the_length_of_a_telegram_by_radio() -> None:
    telegram = radio(short_header(RECORDS + b"\x0f" + bytes(0xE5 - 14 - len(RECORDS) - 1)))
    for frame in (telegram, format_a(telegram)):
        assert frame[0] == 0xE5
        assert [values(telegram) for telegram in telegrams(frame)] == [READINGS]


def test_a_frame_whose_length_byte_wraps_is_read() -> None:
    frame = wired(RECORDS + b"\x0f" + bytes(258 - 3 - 12 - len(RECORDS) - 1))
    assert frame[1] == 2
    assert [values(telegram) for telegram in telegrams(frame)] == [READINGS]


def test_dlms_segments_are_left_to_another_framer() -> None:
    frame = long_frame(0x00, b"\x10\x01\x67" + RECORDS, control=0x53)
    assert telegrams(frame) == []
    assert set(kinds(frame)) == {"frame"}


@pytest.mark.parametrize("signature", [0x1627, 0xB627, 0x0B00])
def test_the_free_signature_of_older_meters_is_no_security_mode(signature: int) -> None:
    assert len(telegrams(wired(RECORDS, config=signature))) == 1


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (long_frame(0x70, b"\x08"), "payload"),
        (long_frame(0x70, b""), "payload"),
        (long_frame(0x71, b"\x00"), "payload"),
        (long_frame(0x76, LONG_HEADER + bytes(4) + RECORDS), "payload"),
        (long_frame(0x7C, LONG_HEADER + bytes(4) + RECORDS), "payload"),
        (long_frame(0xA2, RECORDS), "payload"),
        (long_frame(0x51, b"\x7a\x08"), "payload"),
        (long_frame(0x52, RECORDS, control=0x43), "payload"),
        (long_frame(0x68, LONG_HEADER + bytes(4)), "payload"),
        (long_frame(0x81, b"\x00" + RECORDS), "payload"),
        (long_frame(0x72, LONG_HEADER + bytes(3)), "payload"),
        (wired(RECORDS[:-1]), "payload"),
        (wired(RECORDS, config=0x0510), "no-key"),
        (wired(RECORDS, config=0x0D00), "security-unsupported"),
        (wired(RECORDS, config=0x0800), "security-unsupported"),
        (FRAME[:-2] + bytes([FRAME[-2] ^ 1, 0x16]), "checksum"),
        (FRAME[:-1] + b"\x17", "frame"),
        (FRAME[:-1], "truncated"),
        (long_frame(0x73, FIXED[:8] + b"\x0a" + FIXED[9:]), "payload"),
        (long_frame(0x73, FIXED[:6] + b"\x3c" + FIXED[7:]), "payload"),
        (long_frame(0x79, b"\x01\x02\x03\x04\x05"), "payload"),
    ],
)
def test_what_is_not_an_answer_with_records_is_rejected_for_its_reason(frame: bytes, kind: str) -> None:
    assert telegrams(frame) == []
    assert kinds(frame) == [kind]


@pytest.mark.rule("EN 1434-3:1997 fixed data structure")
def test_the_fixed_structure_gives_two_counters() -> None:
    (telegram,) = telegrams(long_frame(0x73, FIXED))
    assert values(telegram) == {"volume": "1 L", "volume storage=1": "135 L"}
    assert telegram.meter == "12345678"


@pytest.mark.parametrize("unit", [0x00, 0x01])
def test_a_counter_of_time_in_the_fixed_structure_leaves_the_other(unit: int) -> None:
    (telegram,) = telegrams(long_frame(0x73, FIXED[:7] + bytes([unit]) + bytes.fromhex("010000000a0b0c0d")))
    assert values(telegram) == {"volume": "1 L"}


def test_binary_counters_of_the_fixed_structure_are_told_by_the_status() -> None:
    (telegram,) = telegrams(long_frame(0x73, FIXED[:5] + b"\x01" + FIXED[6:12] + bytes.fromhex("00010000")))
    assert values(telegram)["volume storage=1"].split()[0] == "256"


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        (0x02, "energy 135 Wh"), (0x0A, "energy 13500000000 Wh"), (0x0B, "energy 135000 J"), (0x14, "power 135 W"),
        (0x1D, "power 135000 J/h"), (0x26, "volume 0.135 L"), (0x2E, "volume 13500000 L"),
        (0x2F, "volume_flow 0.135 L/h"), (0x37, "volume_flow 13500000 L/h"),
        (0x38, "flow_temperature 0.135 Cel"), (0x39, "hca 135 None"),
        (0x3F, "dimensionless 135 None"), (0x13, "energy 13500000000000 J"), (0x1C, "power 13500000000 W"),
        (0x25, "power 13500000000000 J/h"),
    ],
)  # fmt: skip
def test_the_fixed_structure_has_units_of_its_own(unit: int, said: str) -> None:
    (telegram,) = telegrams(long_frame(0x73, FIXED[:7] + bytes([unit | 0xC0]) + FIXED[8:]))
    reading = telegram.readings[1]
    assert f"{reading.quantity} {reading.value:f} {reading.unit}" == said


def test_the_status_of_the_fixed_structure_says_that_its_values_are_stored() -> None:
    (telegram,) = telegrams(long_frame(0x73, FIXED[:5] + b"\x02" + FIXED[6:7] + b"\x29" + FIXED[8:]))
    assert [reading.quantity for reading in telegram.readings] == ["volume storage=1"] * 2


def test_a_sealed_answer_on_the_wire_needs_its_key() -> None:
    message = mode_5(RECORDS)
    frame = long_frame(0x72, LONG_HEADER + message[1:])
    (telegram,) = telegrams(frame, key=KEY)
    assert values(telegram) == READINGS
    assert telegram.readings[0].quality == Quality.ENCRYPTED_ONLY
    assert kinds(frame, key=OTHER_KEY) == ["not-authentic"]
    assert kinds(frame) == ["no-key"]


STREAM = (
    b"\x00\xff\x68"
    + FRAME
    + b"\x10\x5b\x01\x5c\x16\xe5\x55"
    + SELECT
    + b"\xe5"
    + wired(RECORDS, access=2)
    + FRAME[:20]
    + FRAME
)


@examples(60)
@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_any_split_of_the_stream_gives_the_same_events(cuts: list[int]) -> None:
    assert events(*cut(STREAM, cuts)) == events(STREAM)
    assert len(telegrams(*cut(STREAM, cuts))) == 3


@pytest.mark.rule("EN 13757-2 long frames, checksum, lengths that wrap")
@examples(60)
@given(st.integers(0, len(FRAME) - 1), st.integers(0, 7))
def test_one_flipped_bit_gives_no_reading(at: int, bit: int) -> None:
    """An 8 bit sum sees every single flip."""
    damaged = bytearray(FRAME)
    damaged[at] ^= 1 << bit
    assert telegrams(bytes(damaged)) == []
    assert kinds(bytes(damaged)) != []


@examples(60)
@given(st.integers(1, len(FRAME) - 1))
def test_half_a_frame_does_not_hide_the_whole_one_behind_it(stop: int) -> None:
    assert [values(telegram) for telegram in telegrams(FRAME[:stop], FRAME)] == [READINGS]


@examples(60)
@given(st.lists(st.sampled_from([b"\x68", b"\x03", b"\x04", b"\x10", b"\x16", b"\x72", FRAME[:9], FRAME[9:]])))
def test_no_bytes_can_crash_the_framer(pieces: list[bytes]) -> None:
    events(*pieces, framers=(RecordFrames,))


@examples(60)
@given(
    st.binary(max_size=40),
    st.sampled_from([b"\x68", b"\x10", b"\xe5", b"\x10\x5b\x01\x5c\x16", FRAME, FRAME[:30], FRAME[:4]]),
)
def test_the_framer_keeps_its_laws(noise: bytes, head: bytes) -> None:
    an_answer_stays(RecordFrames, head + noise)
    a_final_answer_is_one(RecordFrames, head + noise)
