"""The three CRCs against their bit by bit definitions and their catalogued check values."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meter_driver.crc import crc16_arc, crc16_kermit, crc16_x25


def bit_by_bit(data: bytes, polynomial: int, start: int, final: int) -> int:
    rest = start
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ polynomial if rest & 1 else rest >> 1
    return rest ^ final


@pytest.mark.parametrize(("crc", "check"), [(crc16_arc, 0xBB3D), (crc16_x25, 0x906E), (crc16_kermit, 0x2189)])
def test_the_catalogued_check_values_come_out(crc: Callable[[bytes], int], check: int) -> None:
    assert crc(b"123456789") == check


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_the_fast_ways_agree_with_the_definitions(data: bytes) -> None:
    assert crc16_arc(data) == bit_by_bit(data, 0xA001, 0, 0)
    assert crc16_x25(data) == bit_by_bit(data, 0x8408, 0xFFFF, 0xFFFF)
    assert crc16_kermit(data) == bit_by_bit(data, 0x8408, 0, 0)


def test_long_messages_fold_all_the_way() -> None:
    data = bytes(n * 7 & 0xFF for n in range(9000))
    assert crc16_arc(data) == bit_by_bit(data, 0xA001, 0, 0)
