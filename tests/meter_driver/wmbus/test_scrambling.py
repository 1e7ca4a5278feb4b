"""What radio telegrams have that no layer of the standard has: a scrambling, a CRC left on."""

import pytest

from meter_driver.reading import Quality
from tests.meter_driver.mbus.make import crc, kinds, radio, telegrams, values
from tests.meter_driver.wmbus.make import RECORD, link, scrambled

SHARKY = link("HYD", 0x34, 0x12, number="56782004")
"""As on the link; in order it is HYD 12345678, version 04, device type 20."""


def scrambled_records(records: bytes, *, constant: int = 0xDFD109E8, mode: int = 0x10, wrong: int = 0) -> bytes:
    top = (sum(records) ^ wrong) & 0xEF | mode
    head = bytes([0x7A, 0x37, 0x00, 0x45])
    return radio(head + bytes([top]) + scrambled(SHARKY + head, records, constant), address=SHARKY)


SCRAMBLED = pytest.mark.rule("EN 13757-7 security modes of a manufacturer")


@SCRAMBLED
@pytest.mark.parametrize("constant", [0xDFD109E8, 0xB71F0AE8])
def test_records_that_diehl_scrambles_are_records(constant: int) -> None:
    (telegram,) = telegrams(scrambled_records(RECORD + b"\x02\x5b\x18\x00", constant=constant))
    assert values(telegram) == {"volume": "43.964 m3", "flow_temperature": "24 Cel"}
    assert telegram.meter == "HYD-12345678-04-20"
    assert {reading.quality for reading in telegram.readings} == {Quality.UNCHECKED}


@SCRAMBLED
def test_scrambled_records_that_do_not_fit_their_sum_or_are_none_are_refused() -> None:
    assert kinds(scrambled_records(RECORD, wrong=0x01)) == ["not-authentic"]
    assert kinds(scrambled_records(RECORD, constant=1, wrong=0x04)) == ["not-authentic"]
    assert kinds(scrambled_records(RECORD + b"\x0c")) == ["payload"]
    frame = scrambled_records(RECORD)
    assert kinds(frame[:2] + link("QDS", 0x34, 0x12) + frame[10:]) == ["security-unsupported"]


LEFT = pytest.mark.rule("EN 13757-4 the last block CRC left by a receiver")


def left(frame: bytes) -> bytes:
    """Format A without its CRCs but that of the last block, and L as if it were part of it."""
    last = 10 + (len(frame) - 11) // 16 * 16
    return bytes([frame[0] + 2]) + frame[1:] + crc(frame[last:]).to_bytes(2, "big")


@LEFT
@pytest.mark.parametrize("size", [1, 12, 13, 28, 29])
def test_the_crc_of_the_last_block_that_a_receiver_left_is_taken_off(size: int) -> None:
    frame = radio(b"\x78" + RECORD + b"\x2f" * size)
    (telegram,) = telegrams(left(frame))
    assert values(telegram) == {"volume": "43.964 m3"}
    assert {reading.quality for reading in telegram.readings} == {Quality.UNCHECKED}


@LEFT
def test_two_octets_too_many_that_are_no_crc_are_refused() -> None:
    whole = left(radio(b"\x78" + RECORD))
    assert kinds(whole[:-1] + bytes([whole[-1] ^ 1])) == ["payload"]
