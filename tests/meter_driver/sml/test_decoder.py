"""SML files: what is read, what is refused, and that one broken thing is enough."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meter_driver.crc import crc16_kermit
from meter_driver.reading import Quality
from meter_driver.sml.decoder import Sml
from tests.meter_driver.laws import a_final_answer_is_one, an_answer_stays
from tests.meter_driver.sml.make import (
    ENTRIES,
    ESCAPE,
    SERVER,
    SKIPPED,
    closed,
    entry,
    get_list,
    kermit,
    listed,
    message,
    octets,
    opened,
    seconds_index,
    signed,
    transported,
    unsigned,
    whole,
)
from tests.meter_driver.streams import cut, events, rejections, telegrams, values

GOOD = whole()
STREAM = b"\x1b\x00\x1b\x1b" + GOOD + GOOD[:100] + GOOD + b"\x00" + GOOD[:-5] + ESCAPE + kermit()
ENERGY, POWER = "1-0:1.8.0*255", "1-0:16.7.0*255"
WATT = unsigned(27, 1)


def power_of(*entries: bytes, server: bytes = SERVER) -> object:
    return values(telegrams(whole(entries=entries, server=server)))[POWER][0]


@pytest.mark.rule("SML 5")
def test_a_file_names_its_meter_and_scales_its_values() -> None:
    (telegram,) = telegrams(GOOD)
    assert (telegram.meter, telegram.at, telegram.protocol) == (SERVER.hex().upper(), None, "sml")
    assert values([telegram])[ENERGY] == (Decimal("15338555.7"), "Wh")
    assert values([telegram])[POWER] == (Decimal("-563.5"), "W")
    assert values([telegram])["129-129:199.130.3*255"] == ("545354", None)
    assert {reading.quality for reading in telegram.readings} == {Quality.CHECKSUM_ONLY}


@pytest.mark.parametrize(
    "data",
    [
        kermit(),
        whole(crc=crc16_kermit, order="big"),
        whole(fill=4),
        transported(opened() + get_list(*ENTRIES) + closed() + bytes(6), fill=2),
        transported(get_list(*ENTRIES)),
    ],
)
@pytest.mark.rule("SML 8.1")
def test_every_lawful_or_known_form_of_transport_says_the_same(data: bytes) -> None:
    assert telegrams(data) == telegrams(GOOD)


@pytest.mark.rule("SML 8.2")
def test_transport_version_2_in_one_block_says_the_same() -> None:
    assert telegrams(whole(version=2)) == telegrams(GOOD)


TIMEOUT, BLOCK_SIZE = ESCAPE + b"\x03\x00\x03\xe8", ESCAPE + b"\x04\x00\x02\x00"


@pytest.mark.rule("SML 8.2 timeouts and block sizes")
@pytest.mark.parametrize("settings", [TIMEOUT, BLOCK_SIZE, TIMEOUT + BLOCK_SIZE])
def test_a_timeout_and_a_block_size_of_transport_version_2_are_read_over(settings: bytes) -> None:
    made = whole(version=2, settings=settings)
    assert telegrams(made) == telegrams(GOOD)
    an_answer_stays(Sml, made)


@pytest.mark.rule("SML 8.2 timeouts and block sizes")
def test_they_are_damage_in_version_1_and_where_the_crc_does_not_cover_them() -> None:
    assert telegrams(whole(version=1, settings=TIMEOUT)) == []
    made = whole(version=2)
    assert telegrams(made[:8] + TIMEOUT + made[8:]) == []


def test_a_file_in_several_blocks_is_refused() -> None:
    content = opened() + get_list(*ENTRIES) + closed()
    at = len(opened()) + 40
    first, second = transported(content[:at], version=2), transported(content[at:], version=2)
    assert telegrams(first, second) == []
    assert telegrams(first[:-8] + second) == []
    assert telegrams(first, second, GOOD) == telegrams(GOOD)


def test_four_escape_bytes_inside_a_value_are_taken_back_to_one() -> None:
    made = whole(entries=(*ENTRIES, entry((1, 0, 96, 1, 1, 255), octets(b"\x00" + ESCAPE + b"\x1a\x1b"))))
    assert values(telegrams(made))["1-0:96.1.1*255"] == ("001B1B1B1B1A1B", None)


def test_a_file_of_nothing_but_escapes_is_refused() -> None:
    made = whole(entries=(*ENTRIES, entry((1, 0, 96, 1, 1, 255), octets(ESCAPE * 40))))
    assert telegrams(made) == []
    assert "frame" in rejections(made)


@pytest.mark.parametrize("size", range(1, 9))
@pytest.mark.rule("SML 6")
def test_numbers_of_every_size_are_read(size: int) -> None:
    top = (1 << 8 * size) - 1
    said = values(
        telegrams(whole(entries=(entry((1, 0, 1, 8, 0, 255), unsigned(top, size), unsigned(30, 1), signed(3, 1)),)))
    )
    assert said[ENERGY] == (Decimal(top) * 1000, "Wh")
    assert power_of(entry((1, 0, 16, 7, 0, 255), signed(-7, size), WATT)) == Decimal(-7)


@pytest.mark.rule("SML 6")
def test_a_list_of_more_than_fifteen_values_has_a_longer_head() -> None:
    many = tuple(entry((1, 0, 1, 8, number, 255), unsigned(number, 1), unsigned(30, 1)) for number in range(40))
    assert len(values(telegrams(whole(entries=many)))) == 40


@pytest.mark.parametrize(
    ("time", "at"),
    [
        (SKIPPED, None),
        (seconds_index(99), None),
        (unsigned(99, 4), None),
        (listed(unsigned(2, 1), unsigned(1714557600, 4)), datetime(2024, 5, 1, 10, tzinfo=UTC)),
        (
            listed(unsigned(3, 1), listed(unsigned(1714557600, 4), signed(60, 2), signed(60, 2))),
            datetime(2024, 5, 1, 10, tzinfo=UTC),
        ),
        (listed(unsigned(2, 1), unsigned(86_400, 4)), None),
        (listed(unsigned(1, 1), listed(unsigned(99, 4), signed(60, 2), signed(60, 2))), None),
        (
            listed(unsigned(2, 1), listed(unsigned(1714557600, 4), signed(60, 2), signed(60, 2))),
            datetime(2024, 5, 1, 10, tzinfo=UTC),
        ),
    ],
)
def test_only_a_timestamp_is_an_instant(time: bytes, at: datetime | None) -> None:
    (telegram,) = telegrams(transported(opened() + get_list(*ENTRIES, time=time) + closed()))
    assert {telegram.at, *(reading.at for reading in telegram.readings)} == {at}


@pytest.mark.parametrize("crc", [SKIPPED, b"\x62\x00", b"\x63\x00\x00"])
def test_the_crc_of_a_message_may_be_missing_behind_that_of_the_file(crc: bytes) -> None:
    made = get_list(*ENTRIES)[:-4] + crc + b"\x00"
    assert telegrams(transported(opened() + made + closed())) == telegrams(GOOD)
    assert telegrams(transported(opened() + made + closed(), crc=crc16_kermit)) == []


@pytest.mark.parametrize("tag", [0x0300, 0x0301, 0x0401, 0x0501, 0x0801, 0x0A01, 0xFF01])
def test_messages_about_other_things_say_nothing(tag: int) -> None:
    other = message(tag, listed(octets(SERVER), SKIPPED, listed(SKIPPED)))
    assert telegrams(transported(opened() + other + get_list(*ENTRIES) + closed())) == telegrams(GOOD)


def test_values_that_were_left_out_and_lists_of_values_are_not_readings() -> None:
    left_out = entry((1, 0, 1, 8, 1, 255), SKIPPED, unsigned(30, 1), signed(-1, 1))
    inner = entry((1, 0, 1, 8, 2, 255), listed(unsigned(1, 1), seconds_index(5)))
    switch = entry((1, 0, 96, 5, 0, 255), b"\x42\x01")
    said = values(telegrams(whole(entries=(*ENTRIES, left_out, inner, switch))))
    assert set(said) == {*values(telegrams(GOOD)), "1-0:96.5.0*255"}
    assert said["1-0:96.5.0*255"] == ("true", None)


@pytest.mark.parametrize(
    ("serial", "watts"), [(42123440, 32805), (57000000, 32805), (60694612, -32731), (12345678, -32731)]
)
@pytest.mark.rule("SML DZG")
def test_only_the_dzg_meters_that_drop_a_zero_get_it_back(serial: int, watts: int) -> None:
    server = b"\x0a\x01DZG" + serial.to_bytes(5, "big")
    assert power_of(entry((1, 0, 16, 7, 0, 255), signed(-32731, 2), WATT), server=server) == watts
    assert power_of(entry((1, 0, 16, 7, 0, 255), signed(-126061, 4), WATT), server=server) == -126061


BAD_ENTRIES = {
    "a name of five octets": entry((1, 0, 1, 8, 0), unsigned(1, 1)),
    "a unit nobody has": entry((1, 0, 1, 8, 0, 255), unsigned(1, 1), unsigned(200, 1)),
    "a scaler beyond reason": entry((1, 0, 1, 8, 0, 255), unsigned(1, 1), unsigned(30, 1), signed(-100, 1)),
    "a text for a unit": entry((1, 0, 1, 8, 0, 255), unsigned(1, 1), octets(b"Wh")),
    "a time of a fourth kind": entry((1, 0, 1, 8, 0, 255), unsigned(1, 1), time=listed(unsigned(4, 1), unsigned(1, 4))),
    "six elements": listed(octets(bytes(6)), SKIPPED, SKIPPED, SKIPPED, SKIPPED, unsigned(1, 1)),
    "no list": unsigned(1, 1),
    "a type that is not": entry((1, 0, 1, 8, 0, 255), b"\x22\x00"),
    "a length that does not count itself": entry((1, 0, 1, 8, 0, 255), b"\x81\x00"),
    "nine bytes of number": entry((1, 0, 1, 8, 0, 255), b"\x6a" + bytes(9)),
    "lists without end": b"\x71" * 20 + b"\x01",
}


@pytest.mark.parametrize("bad", BAD_ENTRIES.values(), ids=BAD_ENTRIES)
def test_one_element_that_is_not_understood_refuses_the_file(bad: bytes) -> None:
    assert telegrams(whole(entries=(*ENTRIES, bad))) == []
    assert rejections(whole(entries=(*ENTRIES, bad)))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        opened() + get_list(*ENTRIES) + closed() + b"\x01",
        opened() + get_list(*ENTRIES) + closed()[:-2],
        opened() + get_list(*ENTRIES, values=b"\x75" + b"".join(ENTRIES)) + closed(),
        opened() + get_list(*ENTRIES, values=b"\x7f" + b"".join(ENTRIES)) + closed(),
        opened() + get_list(*ENTRIES) + message(0x0999, listed(SKIPPED)),
        get_list(*ENTRIES) + b"\x76",
    ],
)
def test_messages_that_do_not_end_where_the_file_ends_give_nothing(content: bytes) -> None:
    assert telegrams(transported(content)) == []


def test_the_unusual_crc_holds_only_together_with_those_of_the_messages() -> None:
    assert telegrams(transported(opened() + get_list(*ENTRIES) + closed(), crc=crc16_kermit)) == telegrams(GOOD)
    broken = bytearray(opened() + get_list(*ENTRIES) + closed())
    broken[len(opened()) + 60] ^= 1
    assert telegrams(transported(bytes(broken), crc=crc16_kermit)) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_any_split_of_the_stream_gives_the_same_events(cuts: list[int]) -> None:
    assert events(cut(STREAM, cuts)) == events([STREAM])


def test_a_good_file_behind_noise_and_half_a_file_is_kept() -> None:
    assert telegrams(STREAM) == telegrams(GOOD) * 3


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 7))
def test_no_flipped_bit_gives_a_value(at: int, bit: int) -> None:
    damaged = bytearray(GOOD)
    damaged[at] ^= 1 << bit
    assert telegrams(bytes(damaged)) == []


@settings(max_examples=60, deadline=None)
@given(st.integers(8, len(GOOD) - 9), st.binary(min_size=1, max_size=4))
def test_whatever_stands_inside_a_checked_file_is_an_event_and_no_crash(at: int, piece: bytes) -> None:
    content = GOOD[8:-8]
    events([transported(content[: at - 8] + piece + content[at - 8 + len(piece) :])])


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_can_crash_it(noise: bytes) -> None:
    events([transported(noise), ESCAPE + b"\x01\x01\x01\x01" + noise, noise])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(GOOD)), st.binary(max_size=12))
def test_the_framer_keeps_its_laws(at: int, noise: bytes) -> None:
    data = b"\x1b" + GOOD[1:at] + noise + GOOD[at:] + noise
    an_answer_stays(Sml, data)
    a_final_answer_is_one(Sml, data)
