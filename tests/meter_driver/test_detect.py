from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meter_driver import decode, detect
from meter_driver.crc import crc16_arc
from meter_driver.detect import NOISE_LIMIT, Detector
from meter_driver.framing import Framer, Keys
from meter_driver.protocols import FRAMERS
from meter_driver.reading import FrameRejected, Telegram
from tests.meter_driver.dlms.make import (
    AUTH_KEY,
    KEY,
    LLC,
    TITLE,
    ciphered,
    drain,
    hdlc,
    kinds,
    notification,
    push,
    read,
)
from tests.meter_driver.laws import a_final_answer_is_one, an_answer_stays

STREAM = b"\x00\xff" + push() + b"\x68\x68\x68" + push(counter=43)[:150] + hdlc(LLC + notification()) + push(counter=44)


def test_nothing_gives_nothing() -> None:
    assert decode(b"") == []
    assert read() == []


def test_protocols_may_follow_each_other_with_noise_between() -> None:
    seen = read(STREAM)
    assert [event.counter for event in seen if isinstance(event, Telegram)] == [42, None, 44]
    assert sum(event.dropped for event in seen if isinstance(event, FrameRejected)) == 2 + 3 + 150


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_any_split_of_the_stream_gives_the_same_events(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    assert read(*[STREAM[a:b] for a, b in pairwise(edges)]) == read(STREAM)


def test_byte_by_byte_gives_the_same_events() -> None:
    assert read(*[bytes([byte]) for byte in STREAM]) == read(STREAM)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_a_good_frame_behind_noise_is_never_dropped(before: bytes, after: bytes) -> None:
    seen = [event for event in read(before, push(), after) if isinstance(event, Telegram)]
    assert 42 in [event.counter for event in seen]


def test_a_frame_without_a_check_yields_to_one_with_a_check_that_begins_inside_it() -> None:
    noise = bytes.fromhex("0B44010500000000000000")  # the head of a radio telegram that claims one byte more
    assert kinds(read(noise, push())) == ["frame", "telegram"]
    for at in range(len(noise + push())):
        assert read((noise + push())[:at], (noise + push())[at:]) == read(noise, push())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_can_crash_it(noise: bytes) -> None:
    read(noise)


def test_half_a_telegram_and_then_the_whole_gives_the_whole() -> None:
    data = push()
    seen = read(data[: len(data) // 2], data)
    assert kinds(seen)[-1] == "telegram"


def test_the_end_of_a_recording_begins_another() -> None:
    decoder = detect(KEY)
    assert kinds(drain(decoder, push()[:300])) == ["truncated", "truncated"]
    assert kinds(drain(decoder, push())) == ["telegram"]


def test_a_counter_that_is_not_above_the_last_one_is_a_replay() -> None:
    title = TITLE.hex().upper()
    decoder = detect(KEY, counters={title: 41})
    assert kinds(drain(decoder, push(), push(), push(counter=43))) == ["telegram", "replay", "telegram"]
    assert kinds(drain(detect(KEY, counters={title: 42}), push())) == ["replay"]
    assert kinds(drain(detect(KEY), push(), push())) == ["telegram", "telegram"]


def test_telegrams_of_one_frame_share_their_counter() -> None:
    text = (
        b"/XYZ5TEST\r\n\r\n0-0:1.0.0(260721143005S)\r\n1-0:1.8.0(000123.456*kWh)\r\n"
        b"0-1:24.1.0(003)\r\n0-1:96.1.0(31)\r\n0-1:24.2.1(260721140000S)(00012.345*m3)\r\n!"
    )
    frame = ciphered(text + b"%04X\r\n" % crc16_arc(text))
    seen = drain(detect(KEY, AUTH_KEY, counters={}), frame, frame)
    assert kinds(seen) == ["telegram", "telegram", "replay", "replay"]


def test_keys_are_looked_up_by_system_title() -> None:
    asked: list[str] = []

    def ring(title: str) -> Keys:
        asked.append(title)
        return Keys(KEY)

    assert kinds(drain(detect(keys=ring), push())) == ["telegram"]
    assert asked == [TITLE.hex().upper()]


def test_a_line_that_only_hums_is_heard_of() -> None:
    decoder = detect()
    decoder.receive_data(b"\x55" * (NOISE_LIMIT + 10))
    assert [event.dropped for event in decoder.events() if isinstance(event, FrameRejected)] == [NOISE_LIMIT]


@pytest.mark.parametrize("start", sorted({bytes([byte]) for framer in FRAMERS for byte in framer.starts[:1]}))
def test_the_buffer_is_bounded_whatever_comes(start: bytes) -> None:
    decoder = Detector(lambda _: Keys(KEY))
    longest = max(framer.longest for framer in FRAMERS)
    for _ in range(12):
        decoder.receive_data(start * 1024)
        list(decoder.events())
        assert len(decoder._buffer) <= longest


def test_events_name_no_bytes() -> None:
    for event in read(push()[:-3] + b"\x00\x00\x00", key=None):
        assert isinstance(event, FrameRejected)
        assert KEY.hex() not in event.detail


@pytest.mark.parametrize("framer", FRAMERS, ids=lambda framer: framer.__name__)
@settings(max_examples=25, deadline=None)
@given(data=st.binary(min_size=1, max_size=80))
def test_every_framer_keeps_the_laws_of_the_detector(framer: type[Framer], data: bytes) -> None:
    for begin in framer.starts[:2]:
        an_answer_stays(framer, bytes([begin]) + data)
        a_final_answer_is_one(framer, bytes([begin]) + data)
