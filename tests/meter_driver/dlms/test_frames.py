"""DLMS on wired M-Bus, in HDLC and bare: what is joined, what is given up, what is refused."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meter_driver.detect import detect
from meter_driver.dlms.bare import BareApdu, TaggedApdu
from meter_driver.dlms.hdlc import DlmsOnHdlc
from meter_driver.dlms.mbus import DlmsOnMbus
from meter_driver.errors import MeterError
from meter_driver.framing import Framer, Keys
from meter_driver.reading import FrameRejected, Quality, Telegram
from meter_driver.simulate import mbus_frames
from tests.meter_driver.dlms.make import (
    AUTH_KEY,
    KEY,
    LLC,
    LONG_KEY,
    TITLE,
    VALUES,
    blocks,
    ciphered,
    drain,
    hdlc,
    hdlc_segments,
    keyring,
    kinds,
    notification,
    one,
    push,
    read,
)
from tests.meter_driver.laws import a_final_answer_is_one, an_answer_stays

PLAIN = notification()
PUSH = push()
FIRST, LAST = PUSH[:256], PUSH[256:]
HDLC = hdlc_segments(ciphered(PLAIN), 40)
BLOCKS = [hdlc((LLC if number == 0 else b"") + block) for number, block in enumerate(blocks(ciphered(PLAIN), 30))]
P1 = b"/XYZ5TEST\r\n\r\n0-0:1.0.0(260721143005S)\r\n1-0:1.8.0(000123.456*kWh)\r\n!"


def values(telegram: Telegram) -> dict[str, object]:
    return {reading.quantity: reading.value for reading in telegram.readings}


def test_a_push_on_mbus_is_read() -> None:
    telegram = one(read(PUSH))
    assert {code: values(telegram)[code] for code in VALUES} == VALUES
    assert (telegram.counter, telegram.system_title, telegram.protocol) == (42, TITLE.hex().upper(), "dlms")
    assert telegram.meter == "1KFM0200000001"
    assert telegram.readings[-1].quality is Quality.ENCRYPTED_ONLY


@pytest.mark.rule("EN 13757-2: long frames, also where the length wraps")
@pytest.mark.parametrize("segment", [40, 100, 245, 250, 252, 253])
def test_segments_of_any_size_are_joined_also_where_the_length_wraps(segment: int) -> None:
    assert one(read(push(segment=segment))) == one(read(PUSH))


@pytest.mark.parametrize(
    ("security", "key"), [(0x20, KEY), (0x30, KEY), (0x31, KEY), (0x22, LONG_KEY), (0x32, LONG_KEY)]
)
def test_every_security_suite_is_read(security: int, key: bytes) -> None:
    auth = AUTH_KEY if security & 0x10 else None
    telegram = one(read(push(security=security, key=key, auth_key=auth), key=key, auth_key=auth))
    assert telegram.readings[0].quality is (Quality.AUTHENTICATED if auth else Quality.ENCRYPTED_ONLY)


@pytest.mark.rule("EN 13757-1: segments of DLMS on wired M-Bus")
@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([FIRST], ["truncated"]),
        ([LAST], ["segment"]),
        ([LAST, FIRST], ["segment", "truncated"]),
        ([FIRST, FIRST, LAST], ["segment", "telegram"]),
        ([FIRST, LAST, LAST], ["telegram", "segment"]),
        ([FIRST, b"\x00\x55", LAST], ["frame", "telegram"]),
        ([FIRST[:200]], ["truncated"]),
    ],
)
def test_segments_must_follow_each_other(pieces: list[bytes], said: list[str]) -> None:
    assert kinds(read(*pieces)) == said


def test_blocks_on_mbus_are_joined_and_must_be_all_there() -> None:
    frames = [mbus_frames(block) for block in blocks(ciphered(PLAIN), 30)]
    assert one(read(*frames)) == one(read(hdlc(LLC + ciphered(PLAIN))))
    assert kinds(read(*frames[:2])) == ["truncated"]
    assert kinds(read(*frames[:2], PUSH)) == ["segment", "telegram"]


def test_segments_of_two_meters_are_not_joined() -> None:
    other = bytearray(LAST)
    other[5] ^= 1
    other[-2] = sum(other[4:-2]) & 0xFF
    assert "telegram" not in kinds(read(FIRST, bytes(other)))


def test_a_wrong_checksum_refuses_the_telegram() -> None:
    broken = bytearray(PUSH)
    broken[100] ^= 0x10
    assert kinds(read(bytes(broken))) == ["checksum", "segment"]


def test_no_key_and_a_wrong_key_give_no_reading() -> None:
    assert kinds(read(PUSH, key=None)) == ["no-key"]
    assert kinds(read(PUSH, key=AUTH_KEY)) == ["not-authentic"]
    assert kinds(read(PUSH, key=LONG_KEY)) == ["no-key"]


def test_rejections_count_the_bytes() -> None:
    (event,) = read(PUSH, key=None)
    assert isinstance(event, FrameRejected)
    assert event.dropped == len(PUSH)


def test_every_byte_of_a_recording_without_telegrams_is_counted_once() -> None:
    pieces = (FIRST, BLOCKS[0], BLOCKS[1], BLOCKS[0], b"\x55\x66", BLOCKS[2], HDLC[:60], b"\x68", LAST)
    seen = read(*pieces, auth_key=AUTH_KEY)
    assert "telegram" not in kinds(seen)
    flags = len(kinds(seen))  # a closing flag is no loss
    dropped = sum(event.dropped for event in seen if isinstance(event, FrameRejected))
    assert sum(map(len, pieces)) - flags <= dropped <= sum(map(len, pieces))


def test_hdlc_in_one_frame_is_read() -> None:
    telegram = one(read(hdlc(LLC + PLAIN)))
    assert values(telegram)["1-0:1.8.0*255"] == Decimal(12345)
    assert telegram.readings[0].quality is Quality.CHECKSUM_ONLY


@pytest.mark.rule("IEC 62056-46: segmentation")
@pytest.mark.parametrize("size", [20, 60, 500])
def test_hdlc_segments_are_joined(size: int) -> None:
    telegram = one(read(hdlc_segments(ciphered(PLAIN), size), auth_key=AUTH_KEY))
    assert telegram.readings[0].quality is Quality.AUTHENTICATED


@pytest.mark.parametrize("addresses", [b"\x03\x21", b"\xcf\x02\x23", b"\xcf\x00\x02\x00\x23"])
def test_hdlc_addresses_of_any_size_are_read(addresses: bytes) -> None:
    one(read(hdlc(LLC + PLAIN, addresses=addresses)))


def test_flags_between_frames_may_be_shared_or_many() -> None:
    frame = hdlc(LLC + PLAIN)
    assert kinds(read(frame[:-1], frame, b"\x7e\x7e\x7e", frame)) == ["telegram"] * 3


def test_blocks_are_joined() -> None:
    assert one(read(*BLOCKS, auth_key=AUTH_KEY)) == one(read(HDLC, auth_key=AUTH_KEY))


@pytest.mark.rule("IEC 62056-5-3: general block transfer")
@pytest.mark.parametrize(
    ("order", "said"),
    [
        ([0, 1, 2], ["truncated"]),
        ([1, 2, 3], ["segment"] * 3),
        ([0, 1, 1, 2, 3], ["segment"] * 3),
        ([0, 2, 1, 3], ["segment"] * 3),
        ([0, 1, 0, 1, 2, 3], ["segment", "telegram"]),
    ],
)
def test_blocks_must_follow_each_other(order: list[int], said: list[str]) -> None:
    assert len(BLOCKS) == 4
    assert kinds(read(*(BLOCKS[number] for number in order), auth_key=AUTH_KEY)) == said


def test_a_missing_segment_gives_no_reading() -> None:
    frames = [hdlc(piece, segmented=last) for piece, last in ((LLC + PLAIN[:40], True), (PLAIN[60:], False))]
    assert "telegram" not in kinds(read(*frames))


@pytest.mark.parametrize("information", [b"", b"\x02\x01", LLC, LLC + b"\xe0\xc0\x00\x01\x00\x00\x09\x0f"])
def test_a_frame_without_a_notification_gives_no_reading(information: bytes) -> None:
    assert "telegram" not in kinds(read(hdlc(information)))


@pytest.mark.rule("IEC 62056-46: frames of type 3 with HCS and FCS")
@pytest.mark.parametrize("at", [1, 2, 3, 6, 8, 30, -3, -2])
def test_a_damaged_hdlc_frame_gives_no_reading(at: int) -> None:
    broken = bytearray(hdlc(LLC + PLAIN))
    broken[at] ^= 0x04
    assert "telegram" not in kinds(read(bytes(broken)))


def test_bare_notifications_are_read_one_behind_the_other() -> None:
    seen = read(PLAIN, PLAIN, ciphered(PLAIN))
    assert kinds(seen) == ["telegram"] * 3
    assert isinstance(seen[0], Telegram)
    assert seen[0].readings[0].quality is Quality.UNCHECKED


@pytest.mark.rule("IEC 62056-5-3: general block transfer without a frame")
def test_bare_blocks_are_joined() -> None:
    parts = blocks(ciphered(PLAIN), 30)
    assert kinds(read(*parts, PLAIN)) == ["telegram", "telegram"]
    assert kinds(read(*parts[:-1])) == ["truncated"]
    assert "telegram" not in kinds(read(parts[0], parts[2], parts[1], parts[3]))


def test_what_is_left_of_a_damaged_frame_is_no_bare_notification() -> None:
    frame = hdlc(LLC + PLAIN)
    assert "telegram" not in kinds(read(frame[frame.index(PLAIN) :]))
    assert "telegram" not in kinds(read(b"\x55" + PLAIN))


def test_a_bare_notification_that_is_cut_short_gives_no_reading() -> None:
    assert kinds(read(PLAIN[:-1])) == ["truncated"]
    assert kinds(read(ciphered(PLAIN)[:-1], auth_key=AUTH_KEY)) == ["truncated"]


def test_a_tag_that_matches_is_found_in_noise() -> None:
    apdu = ciphered(PLAIN)
    assert kinds(read(b"\x55\xdb\x08", apdu, b"\x55", auth_key=AUTH_KEY)) == ["frame", "telegram", "frame"]
    assert "telegram" not in kinds(read(b"\x55", apdu))


def test_p1_text_in_a_ciphered_frame_is_read() -> None:
    telegram = one(read(ciphered(P1 + b"\r\n"), auth_key=AUTH_KEY))
    assert values(telegram)["1-0:1.8.0*255"] == Decimal("123.456")
    assert (telegram.counter, telegram.readings[0].quality) == (42, Quality.AUTHENTICATED)


def test_the_system_title_names_a_meter_whose_p1_text_does_not_but_no_device_behind_it() -> None:
    gas = b"0-1:24.1.0(003)\r\n0-1:24.2.1(260721140000S)(00012.345*m3)\r\n!"
    own, device = read(ciphered(P1[:-1] + gas), auth_key=AUTH_KEY)
    assert isinstance(own, Telegram)
    assert isinstance(device, Telegram)
    assert (own.meter, own.readings[0].meter, device.meter) == (TITLE.hex().upper(), TITLE.hex().upper(), "")
    named = P1[:-1] + b"0-0:96.1.1(4142)\r\n!"
    assert one(read(ciphered(named), auth_key=AUTH_KEY)).meter == "4142"


STREAMS: dict[type[Framer], bytes] = {
    DlmsOnMbus: FIRST, DlmsOnHdlc: hdlc(LLC + PLAIN), TaggedApdu: ciphered(PLAIN), BareApdu: PLAIN + PLAIN,
}  # fmt: skip


def test_a_bare_list_that_makes_no_sense_is_told_alike_for_any_split() -> None:
    broken = PLAIN[:30] + b"\x6d" + PLAIN[31:] + FIRST[:100]
    an_answer_stays(BareApdu, broken, keyring)
    for at in range(len(broken)):
        assert read(broken[:at], broken[at:]) == read(broken)


@pytest.mark.parametrize("framer", STREAMS, ids=lambda framer: framer.__name__)
def test_the_framers_keep_the_laws_of_the_detector(framer: type[Framer]) -> None:
    an_answer_stays(framer, STREAMS[framer] + b"\x00", keyring)
    a_final_answer_is_one(framer, STREAMS[framer], keyring)


RECORDING = PUSH + BLOCKS[0] + HDLC + BLOCKS[1] + b"\x68" + LAST + hdlc(LLC + PLAIN)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, len(RECORDING)), max_size=12))
def test_any_split_gives_the_same_events(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(RECORDING)]
    assert read(*[RECORDING[a:b] for a, b in pairwise(edges)]) == read(RECORDING)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([PUSH, HDLC, b"".join(BLOCKS), hdlc(LLC + PLAIN)]), st.data())
def test_no_flipped_bits_give_another_reading(data: bytes, draw: st.DataObject) -> None:
    whole = set(map(repr, read(data, auth_key=AUTH_KEY if data is not PUSH else None)))
    broken = bytearray(data)
    at = draw.draw(st.integers(0, len(data) - 1))
    broken[at] ^= 1 << draw.draw(st.integers(0, 7))
    seen = drain(detect(keys=lambda _: Keys(KEY, None if data is PUSH else AUTH_KEY)), bytes(broken))
    assert all(repr(event) in whole for event in seen if isinstance(event, Telegram))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60))
def test_no_apdu_can_crash_it(apdu: bytes) -> None:
    try:
        read(hdlc(LLC + apdu), mbus_frames(apdu or b"\x00"), apdu, ciphered(apdu))
    except MeterError as error:
        pytest.fail(f"{error.kind} came out of the loop")
