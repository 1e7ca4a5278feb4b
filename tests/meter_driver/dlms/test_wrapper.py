"""DLMS in the wrapper of TCP and UDP (IEC 62056-47): vectors made from the clause."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meter_driver.dlms.wrapper import DlmsInWrapper
from meter_driver.reading import FrameRejected, Quality, Telegram
from tests.meter_driver.dlms.make import (
    AUTH_KEY,
    LLC,
    blocks,
    ciphered,
    hdlc,
    keyring,
    kinds,
    notification,
    one,
    push,
    read,
)
from tests.meter_driver.laws import a_final_answer_is_one, an_answer_stays
from tests.meter_driver.p1.make import telegram as p1_telegram
from tests.meter_driver.sml.make import whole as sml_file
from tests.meter_driver.streams import cut


def wrapped(apdu: bytes, *, version: int = 1, ports: tuple[int, int] = (1, 102), claimed: int | None = None) -> bytes:
    """An APDU behind its header."""
    size = len(apdu) if claimed is None else claimed
    return b"".join(number.to_bytes(2, "big") for number in (version, *ports, size)) + apdu


PLAIN = notification()
FRAME = wrapped(PLAIN)
SEALED = wrapped(ciphered(PLAIN))
PARTS = [wrapped(block) for block in blocks(ciphered(PLAIN), 30)]


@pytest.mark.rule("IEC 62056-47: wrapper of TCP and UDP")
def test_a_push_in_a_wrapper_is_read() -> None:
    telegram = one(read(FRAME))
    assert {reading.quantity: reading.value for reading in telegram.readings}["1-0:1.8.0*255"] == Decimal(12345)
    assert telegram.readings[0].quality is Quality.UNCHECKED


@pytest.mark.rule("IEC 62056-47: wrapper of TCP and UDP")
def test_a_ciphered_push_in_a_wrapper_is_read() -> None:
    telegram = one(read(SEALED, auth_key=AUTH_KEY))
    assert (telegram.counter, telegram.readings[0].quality) == (42, Quality.AUTHENTICATED)
    assert one(read(SEALED)).readings[0].quality is Quality.ENCRYPTED_ONLY
    assert kinds(read(SEALED, key=None)) == ["no-key"]
    assert kinds(read(SEALED, key=AUTH_KEY)) == ["not-authentic"]


@pytest.mark.parametrize("clock", [b"", b"\x09\x0c" + notification()[6:18]])
def test_a_notification_without_a_clock_or_with_a_tagged_one_is_read(clock: bytes) -> None:
    body = PLAIN[18:]
    apdu = PLAIN[:5] + (clock or b"\x00") + body
    assert kinds(read(wrapped(apdu))) == ["telegram"]


def test_frames_follow_each_other() -> None:
    assert kinds(read(FRAME, SEALED, FRAME)) == ["telegram"] * 3


def test_blocks_in_wrappers_are_joined_and_must_follow_each_other() -> None:
    assert one(read(*PARTS, auth_key=AUTH_KEY)) == one(read(SEALED, auth_key=AUTH_KEY))
    assert kinds(read(*PARTS[:-1], auth_key=AUTH_KEY)) == ["truncated"]
    assert kinds(read(PARTS[0], PARTS[2], PARTS[3])) == ["segment"] * 2
    assert kinds(read(PARTS[0], FRAME)) == ["segment", "telegram"]
    assert kinds(read(PARTS[0], PARTS[1][:20], FRAME, FRAME))[-2:] == ["telegram"] * 2


@pytest.mark.parametrize(
    "data",
    [
        wrapped(PLAIN, version=2),
        wrapped(PLAIN, claimed=len(PLAIN) - 1) + b"\x55" * 9,
        wrapped(PLAIN, claimed=len(PLAIN) + 1) + b"\x55" * 9,
        wrapped(ciphered(PLAIN), claimed=60) + b"\x55" * 9,
        wrapped(b"\xc2" + PLAIN[1:]),
        wrapped(b"\xdb\x00" + ciphered(PLAIN)[10:]),
        FRAME[:-1],
        FRAME[:9],
        SEALED[:-1],
        b"\x00\x01",
    ],
)
def test_what_does_not_fill_its_wrapper_gives_no_reading(data: bytes) -> None:
    assert "telegram" not in kinds(read(data))


@pytest.mark.rule("IEC 62056-47: wrapper of TCP and UDP")
@pytest.mark.parametrize("noise", [b"\x00", b"\x00\x00\x00", b"\x00\x01", FRAME[:30], FRAME[20:], b"\x55" * 40])
def test_the_next_frame_is_found_behind_noise_and_half_frames(noise: bytes) -> None:
    assert one([event for event in read(noise, FRAME) if isinstance(event, Telegram)]) == one(read(FRAME))


@pytest.mark.parametrize("frame", [push(), hdlc(LLC + PLAIN), sml_file(), p1_telegram()], ids=["M", "H", "SML", "P1"])
@pytest.mark.parametrize("begun", [1, 2, 8, 9, 14, 20])
def test_zeros_and_the_head_of_a_wrapper_hide_no_frame_of_another_protocol(frame: bytes, begun: int) -> None:
    alone = [event for event in read(frame) if isinstance(event, Telegram)]
    for noise in (bytes(begun), FRAME[:begun], wrapped(PLAIN, claimed=4000)[:begun]):
        assert [event for event in read(noise, frame) if isinstance(event, Telegram)] == alone


STREAM = b"\x00\x00" + FRAME + PARTS[0] + SEALED[:50] + FRAME + push() + b"\x00\x01" + SEALED + FRAME[:-3]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_split_gives_the_same_events(cuts: list[int]) -> None:
    assert read(*cut(STREAM, cuts)) == read(STREAM)


def test_byte_by_byte_gives_the_same_events_and_counts_every_byte() -> None:
    seen = read(*[bytes([byte]) for byte in STREAM])
    assert seen == read(STREAM)
    assert kinds(seen).count("telegram") == 4
    lost = 2 + len(PARTS[0]) + 50 + 2 + len(FRAME) - 3
    assert sum(event.dropped for event in seen if isinstance(event, FrameRejected)) == lost


@pytest.mark.parametrize("data", [FRAME, SEALED, PARTS[0], FRAME[:40] + push(), wrapped(PLAIN, claimed=70) + PLAIN])
def test_it_keeps_the_laws_of_the_detector(data: bytes) -> None:
    an_answer_stays(DlmsInWrapper, data + b"\x00", keyring)
    a_final_answer_is_one(DlmsInWrapper, data, keyring)
