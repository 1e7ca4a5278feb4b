"""Wireless M-Bus: frame formats A and B, telegrams without link CRC, layers above the link, compact frames."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_driver.detect import detect
from meter_driver.framing import NO, Keys
from meter_driver.mbus.crc import crc16_en13757
from meter_driver.mbus.formats import MOST_FORMATS
from meter_driver.reading import Event, FrameRejected, Quality, Telegram
from meter_driver.wmbus.decoder import BareRadio, GuardedRadio
from tests.meter_driver.laws import a_final_answer_is_one, an_answer_stays
from tests.meter_driver.mbus.make import (
    ADDRESS,
    KEY,
    LONG_HEADER,
    RECORDS,
    authenticated,
    crc,
    cut,
    events,
    examples,
    format_a,
    format_b,
    kinds,
    link_ctr,
    mode_5,
    radio,
    short_header,
    telegrams,
    values,
    wired,
)
from tests.meter_driver.mbus.test_frames import READINGS

PLAIN = radio(short_header(RECORDS))
LONG = radio(short_header(RECORDS + b"\x0f" + bytes(150)))
FORMATS = {"A": format_a(PLAIN), "B": format_b(PLAIN), "A, long": format_a(LONG), "B, two blocks": format_b(LONG)}


@examples()
@given(st.binary(max_size=40))
def test_the_crc_is_that_of_its_polynomial(data: bytes) -> None:
    assert crc16_en13757(data) == crc(data)


def test_the_crc_has_its_published_check_value() -> None:
    assert crc16_en13757(b"123456789") == 0xC2B7


@pytest.mark.rule("EN 13757-4 frame formats A and B")
@pytest.mark.parametrize("name", FORMATS)
def test_a_telegram_with_link_crcs_is_read_and_trusted_as_far_as_they_go(name: str) -> None:
    (telegram,) = telegrams(FORMATS[name])
    assert values(telegram) == READINGS
    assert telegram.meter == "KAM-12345678-1B-16"
    assert telegram.protocol == "wmbus"
    assert {reading.quality for reading in telegram.readings} == {Quality.CHECKSUM_ONLY}


def test_a_telegram_without_link_crcs_is_read_but_unchecked() -> None:
    (telegram,) = telegrams(PLAIN)
    assert values(telegram) == READINGS
    assert {reading.quality for reading in telegram.readings} == {Quality.UNCHECKED}


def test_telegrams_without_link_crcs_may_follow_each_other_but_never_noise() -> None:
    assert len(telegrams(PLAIN, LONG, PLAIN)) == 3
    assert telegrams(b"\x00\xff" + PLAIN) == []
    assert [telegram.protocol for telegram in telegrams(wired(RECORDS), PLAIN)] == ["mbus"]


@pytest.mark.parametrize("control", [0x00, 0x06, 0x40, 0x43, 0x53, 0x5B, 0x73, 0x7B])
@pytest.mark.parametrize("message", [b"\x5b" + LONG_HEADER + bytes(4) + RECORDS, b"\x80" + LONG_HEADER + bytes(4)])
def test_what_others_send_between_the_telegrams_of_a_meter_is_passed_over(control: int, message: bytes) -> None:
    other = format_a(radio(message, control=control))
    stream = other + FORMATS["A"] + other + FORMATS["B"] + other
    assert [values(telegram) for telegram in telegrams(stream)] == [READINGS] * 2
    assert kinds(stream) == []
    assert [values(telegram) for telegram in telegrams(*(bytes([byte]) for byte in stream))] == [READINGS] * 2
    assert kinds(other[:-1] + b"\x00") == ["frame"]


@examples(60)
@given(st.sampled_from(sorted(FORMATS)), st.binary(max_size=30))
def test_noise_around_a_telegram_with_link_crcs_does_not_hide_it(name: str, noise: bytes) -> None:
    found = telegrams(noise, FORMATS[name], noise)
    assert values(found[-1]) == READINGS


@examples(80)
@given(st.sampled_from(sorted(FORMATS)), st.data())
def test_one_flipped_bit_in_a_telegram_with_link_crcs_gives_no_reading(name: str, data: st.DataObject) -> None:
    frame = bytearray(FORMATS[name])
    at = data.draw(st.integers(12, len(frame) - 1))  # in the first block the format itself is no longer known
    frame[at] ^= 1 << data.draw(st.integers(0, 7))
    assert all(reading.quality == Quality.UNCHECKED for seen in telegrams(bytes(frame)) for reading in seen.readings)
    if name.startswith("A"):
        assert telegrams(bytes(frame)) == []
        assert kinds(bytes(frame)) == ["frame"]


@examples(40)
@given(st.sampled_from(["A", "A, long"]), st.data())
def test_half_a_telegram_does_not_hide_the_whole_one_behind_it(name: str, data: st.DataObject) -> None:
    frame = FORMATS[name]
    half = frame[: data.draw(st.integers(1, len(frame) - 1))]
    assert [values(telegram) for telegram in telegrams(half, frame)] == [READINGS]


@examples(80)
@given(st.integers(0, 9), st.integers(0, 7))
def test_a_damaged_first_block_does_not_pass_for_a_telegram_without_crcs(at: int, bit: int) -> None:
    frame = bytearray(FORMATS["A, long"])
    frame[at] ^= 1 << bit
    assert telegrams(bytes(frame)) == []


STREAM = b"\x68\x00" + FORMATS["A"] + b"\xaa" + FORMATS["B, two blocks"] + FORMATS["A, long"][:50] + FORMATS["B"]


@examples(60)
@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_any_split_of_the_stream_gives_the_same_events(cuts: list[int]) -> None:
    assert events(*cut(STREAM, cuts)) == events(STREAM)
    assert len(telegrams(*cut(STREAM, cuts))) == 3


@examples(40)
@given(st.lists(st.integers(0, 2 * len(PLAIN)), max_size=20))
def test_any_split_of_bare_telegrams_gives_the_same_events(cuts: list[int]) -> None:
    assert events(*cut(PLAIN + PLAIN, cuts)) == events(PLAIN, PLAIN)
    assert len(telegrams(*cut(PLAIN + PLAIN, cuts))) == 2


@examples(60)
@given(
    st.binary(max_size=80),
    st.sampled_from([b"", PLAIN[:11], FORMATS["A"][:12], b"\x3c\x44", b"\x3c\x53", *FORMATS.values()]),
)
def test_the_framers_keep_their_laws(noise: bytes, head: bytes) -> None:
    data = head + noise
    for framer in (GuardedRadio, BareRadio):
        if data and data[0] in framer.starts:
            an_answer_stays(framer, data)
            a_final_answer_is_one(framer, data)


@pytest.mark.parametrize(
    "change",
    [{"control": 0x53}, {"control": 0x40}, {"address": b"\0\0" + ADDRESS[2:]}, {"address": b"\xff\x7f" + ADDRESS[2:]}],
)
def test_what_is_no_first_block_of_a_meter_is_left_alone(change: dict[str, bytes]) -> None:
    frame = radio(short_header(RECORDS), **change)  # type: ignore[arg-type]
    for framer in (GuardedRadio, BareRadio):
        assert framer(lambda _: Keys()).take(bytearray(frame), 0, len(frame), final=True) is NO


@pytest.mark.rule("EN 13757-7 clause 7 no, short and long transport header")
def test_the_address_of_a_long_header_is_the_meters_and_opens_its_telegram() -> None:
    adapter = bytes.fromhex("a511785600000500")
    message = mode_5(RECORDS)
    (telegram,) = telegrams(radio(b"\x72" + LONG_HEADER + message[1:], address=adapter), key=KEY)
    assert telegram.meter == "KAM-12345678-1B-16"
    assert telegram.system_title == ADDRESS.hex().upper()
    assert values(telegram) == READINGS


@pytest.mark.rule("EN 13757-4 extended link layer 8C, 8D, 8E, 8F")
@pytest.mark.parametrize(
    "layer", [b"\x8c\x20\x55", b"\x8e\x20\x55" + ADDRESS, b"\x8d\x20\x55", b"\x8f\x20\x55" + ADDRESS]
)
def test_every_extended_link_layer_is_taken_off(layer: bytes) -> None:
    inner = short_header(RECORDS)
    if layer[0] in (0x8D, 0x8F):
        layer += bytes(4) + crc(inner).to_bytes(2, "little")
    (telegram,) = telegrams(radio(layer + inner))
    assert values(telegram) == READINGS


def test_repeaters_may_set_their_bits_in_the_communication_control() -> None:
    message = bytearray(link_ctr(b"\x78" + RECORDS))
    message[1] |= 0x12
    (telegram,) = telegrams(radio(bytes(message)), key=KEY)
    assert values(telegram) == READINGS


def test_a_link_payload_recorded_after_deciphering_is_known_by_its_crc() -> None:
    inner = b"\x78" + RECORDS
    layer = bytes.fromhex("8d205556341220") + crc(inner).to_bytes(2, "little")
    (telegram,) = telegrams(radio(layer + inner))
    assert telegram.readings[0].quality == Quality.UNCHECKED
    assert kinds(radio(layer + inner[:-1] + b"\x01")) == ["no-key"]
    assert kinds(radio(layer + inner), key=KEY) == ["not-authentic"]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (b"\x8c\x20", "payload"),
        (b"\x8c\x20\x55", "payload"),
        (b"\x8d\x20\x55" + bytes(6), "payload"),
        (b"\x8d\x20\x55" + bytes(6) + b"\x78\x01", "payload"),
        (b"\x8d\x20\x55\x00\x00\x00\x60\x00\x00\x78\x01", "security-unsupported"),
        (b"\x81\x00\x00", "payload"),
        (b"\x90", "payload"),
        (b"\x90\x0f\x00\x2c", "payload"),
        (b"\x90\x02\x00\x00", "payload"),
        (b"\x90\x03\x00\x00\x00\x78", "payload"),
        (b"\x90\x02\x02\x00\x78" + RECORDS, "segment"),
        (b"\xa2\x01\x02", "payload"),
        (b"\x7a\x01\x00\x00", "payload"),
        (b"\x8c\x20\x55\x8c\x20\x55\x78" + RECORDS, "payload"),
        (b"\x79\x01\x02", "payload"),
        (b"\x79" + bytes(4), "payload"),
        (b"\x69\x02\x01\x02", "payload"),
        (b"\x69\x07\x01\x02", "payload"),
    ],
)
def test_layers_that_are_cut_or_not_known_give_no_reading(message: bytes, kind: str) -> None:
    assert telegrams(radio(message)) == []
    assert kinds(radio(message)) == [kind]


RELAYED = b"\x81\x10\x20\x30\x40\x50\x60\x70\x72" + RECORDS


@pytest.mark.parametrize(
    "message",
    [
        RELAYED,
        b"\x8c\x20\x55" + RELAYED,
        b"\x8e\x20\x55" + ADDRESS + RELAYED,
        link_ctr(RELAYED),
        authenticated(RELAYED),
        b"\x8c\x20\x55" + authenticated(RELAYED),
    ],
)
def test_a_relayed_telegram_is_refused_by_name_wherever_its_layer_stands(message: bytes) -> None:
    for frame in (radio(message), format_a(radio(message)), format_b(radio(message))):
        (event,) = events(frame, key=KEY)
        assert isinstance(event, FrameRejected)
        assert event.kind == "payload"
        assert "network layer" in event.detail


@pytest.mark.parametrize("ci", [0x66, 0x67, 0x68, 0x86, 0x89])
def test_what_a_meter_sends_besides_readings_is_refused_and_hides_nothing_behind_it(ci: int) -> None:
    frame = radio(bytes([ci]) + LONG_HEADER + bytes(4))
    assert kinds(frame, PLAIN) == ["payload"]
    assert len(telegrams(frame, PLAIN)) == 1


def test_a_transport_header_alone_is_no_telegram_and_no_fault() -> None:
    assert events(radio(b"\x8a\x01\x00\x00\x00")) == []
    assert events(radio(b"\x8b" + LONG_HEADER + b"\x01\x00\x00\x00")) == []


HEADS = bytes.fromhex("0c13 0b3b 02fd17 0c06 4c13")
VALUES = bytes.fromhex("78563412 452301 0000 44010000 00000000")
COMPACT = b"\x79" + crc(HEADS).to_bytes(2, "little") + crc(RECORDS).to_bytes(2, "little") + VALUES
FORMAT = b"\x69" + bytes([len(HEADS) + 2]) + crc(HEADS).to_bytes(2, "little") + HEADS


@pytest.mark.rule("EN 13757-3 compact and format frames")
@pytest.mark.parametrize("teacher", [b"\x78" + RECORDS, FORMAT, short_header(RECORDS)])
def test_a_compact_frame_is_read_once_its_format_was_seen(teacher: bytes) -> None:
    found = telegrams(radio(teacher), radio(COMPACT))
    assert values(found[-1]) == READINGS
    assert kinds(radio(COMPACT)) == ["payload"]


def test_a_format_is_remembered_over_a_silence_on_the_line() -> None:
    decoder, seen = detect(), list[Event]()
    for piece in (radio(FORMAT), b"", b"", radio(COMPACT), b""):
        decoder.receive_data(piece)
        seen += decoder.events()
    assert [type(event) for event in seen] == [Telegram]


def test_the_formats_that_are_remembered_are_bounded() -> None:
    others = [b"\x78" + bytes([0x02, 0x80 | n, 0x00, 0x00, 0x00]) for n in range(MOST_FORMATS)]
    found = telegrams(radio(b"\x78" + RECORDS), *map(radio, others), radio(COMPACT))
    assert len(found) == 1 + MOST_FORMATS
    found = telegrams(radio(b"\x78" + RECORDS), *map(radio, others[1:]), radio(COMPACT))
    assert values(found[-1]) == READINGS


@pytest.mark.parametrize("at", range(1, len(COMPACT)))
def test_a_damaged_compact_frame_gives_no_reading(at: int) -> None:
    damaged = bytearray(COMPACT)
    damaged[at] ^= 0x01
    assert len(telegrams(radio(b"\x78" + RECORDS), radio(bytes(damaged)))) == 1
    assert len(telegrams(radio(b"\x78" + RECORDS), radio(COMPACT[:-1]))) == 1


@examples(100)
@given(
    st.sampled_from([b"\x7a", b"\x72", b"\x8c", b"\x8d", b"\x90", b"\x79", b"\x69", b"\x73"]), st.binary(max_size=60)
)
def test_no_telegram_can_crash_it(ci: bytes, data: bytes) -> None:
    events(radio(ci + data), key=KEY)
    events(radio(ci + data))
