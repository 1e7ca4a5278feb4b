"""P1 telegrams: what is read, what is refused, and that one broken thing is enough."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meter_driver.errors import MeterError
from meter_driver.p1 import telegram as p1
from meter_driver.reading import ClockSource, Quality
from tests.meter_driver.p1.make import LINES, telegram
from tests.meter_driver.streams import cut, events, rejections, telegrams, values

GOOD = telegram()
OLD = telegram(crc=False)
STREAM = b"\r\n\x00noise" + GOOD + GOOD[: len(GOOD) // 2] + GOOD + OLD


@pytest.mark.rule("DSMR P1 6.2")
def test_a_telegram_names_its_meter_its_instant_and_its_values() -> None:
    own, gas = telegrams(GOOD)
    assert (own.meter, own.at, own.protocol) == ("4D45544552303031", datetime(2024, 5, 1, 10, tzinfo=UTC), "p1")
    assert values([own])["1-0:1.8.1*255"] == (Decimal("1234.567"), "kWh")
    assert {reading.quality for reading in own.readings} == {Quality.CHECKSUM_ONLY}
    assert gas.meter == "474153303031"


def test_an_mbus_device_that_has_not_been_read_yet_has_no_time() -> None:
    lines = ("0-1:24.3.0(000000000000)(00)(60)(01)(0-1:24.2.0)(m3)", "(00000.000)", "1-0:1.7.0(1*kW)")
    own, gas = telegrams(telegram(lines, crc=False))
    assert (own.meter, gas.at, values([gas])["0-1:24.2.0*255"]) == ("", None, (Decimal("0.000"), "m3"))


@pytest.mark.rule("DSMR P1 6.4 M-Bus")
def test_gas_is_a_meter_of_its_own_with_the_instant_of_its_last_value() -> None:
    _, gas = telegrams(GOOD)
    assert gas.at == datetime(2024, 5, 1, 9, 55, 3, tzinfo=UTC)
    assert values([gas])["0-1:24.2.1*255"] == (Decimal("981.443"), "m3")
    assert gas.readings[-1].clock is ClockSource.METER


@pytest.mark.rule("DSMR P1 6.4")
def test_winter_time_is_utc_plus_one_and_no_letter_is_no_instant() -> None:
    winter = telegram(("0-0:1.0.0(240101120000W)", "1-0:1.7.0(1*kW)"))
    silent = telegram(("0-0:1.0.0(240101120000)", "1-0:1.7.0(1*kW)"))
    assert telegrams(winter)[0].at == datetime(2024, 1, 1, 11, tzinfo=UTC)
    assert telegrams(silent)[0].at is None


def test_a_telegram_without_crc_is_read_and_marked_unchecked() -> None:
    own, gas = telegrams(OLD)
    assert {reading.quality for reading in (*own.readings, *gas.readings)} == {Quality.UNCHECKED}


@pytest.mark.rule("DSMR P1 6.4 M-Bus")
def test_dsmr_3_gas_on_two_lines_is_read() -> None:
    lines = ("0-1:96.1.0(474153)", "0-1:24.3.0(120517020000)(08)(60)(1)(0-1:24.2.1)(m3)", "(00124.477)")
    (gas,) = telegrams(telegram(lines, crc=False))
    assert (gas.meter, gas.at) == ("474153", None)
    assert values([gas])["0-1:24.2.1*255"] == (Decimal("124.477"), "m3")


def test_a_crc_without_its_leading_zero_and_in_small_letters_is_right() -> None:
    for number in range(400):
        made = telegram((f"1-0:1.7.0({number}*kW)",))
        if made.endswith(b"!0%s\r\n" % made[-5:-2]):
            break
    head, tail = made.rsplit(b"!0", 1)
    assert telegrams(head + b"!" + tail.lower()) == telegrams(made)


def test_reactive_and_apparent_units_come_in_one_spelling() -> None:
    made = telegram(("1-0:3.8.0(1.5*kVArh)", "1-0:4.7.0(0.3*kVAr)", "1-0:9.7.0(0.3*kVA)"))
    assert [reading.unit for reading in telegrams(made)[0].readings] == ["kvarh", "kvar", "kVA"]


def test_a_firmware_name_may_hold_parentheses() -> None:
    made = telegram(("1-0:0.2.0((ER11))", "1-1:0.2.0((ER12)", "1-0:1.7.0(1*kW)"), crc=False)
    assert values(telegrams(made))["1-0:0.2.0*255"] == ("(ER11)", None)


def test_a_limit_either_way_is_lawful_and_no_reading() -> None:
    made = telegram(("1-1:31.4.0(200*A)(-200*A)", "1-0:31.4.0(999*A)", "1-0:1.7.0(1*kW)"))
    assert list(values(telegrams(made))) == ["1-0:31.4.0*255", "1-0:1.7.0*255"]


def test_history_is_lawful_and_left_alone() -> None:
    peaks = "0-0:98.1.0(1)(1-0:1.6.0)(1-0:1.6.0)(240501000000S)(240423192538S)(03.695*kW)"
    outages = "1-0:99.97.0(1)(0-0:96.7.19)(000104180320W)(0000237126*s)"
    assert list(values(telegrams(telegram((peaks, outages, "1-0:1.7.0(1*kW)"))))) == ["1-0:1.7.0*255"]


def test_a_peak_of_power_keeps_its_own_instant() -> None:
    made = telegram(("0-0:1.0.0(240501120000S)", "1-0:1.6.0(240409134558S)(02.589*kW)"))
    assert telegrams(made)[0].readings[0].at == datetime(2024, 4, 9, 11, 45, 58, tzinfo=UTC)


def test_an_mbus_device_without_a_clock_is_doubtful_but_read() -> None:
    gas = telegrams(telegram(("0-1:24.2.3(632525252525W)(00000.000*m3)",)))[0]
    assert (gas.at, gas.readings[0].quality) == (None, Quality.CHECKSUM_ONLY | Quality.CLOCK_DOUBTFUL)


@pytest.mark.parametrize(
    "line",
    [
        "1-0:1.8.1(12a4.5*kWh)",
        "1-0:1.8.1(1234.5*kW)",
        "1-0:1.8.1(1234.5*foo)",
        "1-0:1.8.1(1234.5*)",
        "1-0:1.8.1(1234.5*kWh",
        "1-0:1.8.1 1234.5*kWh)",
        "1-0:1.8.1((1234.5*kWh)",
        "1-0:1.8.1(1.2.3*kWh)",
        "1-0:1.8.1(1*kWh)(2*kWh)(3*kWh)",
        "1-0:1.8.1(1*kWh)(2*kWh)",
        "1-0:1.8.999(1*kWh)",
        "1-0:1.8(1*kWh)",
        "nonsense",
        "(1*kWh)",
        "1-0:1.7.0(99.9*kW)",
        "0-1:24.3.0(120517020000)(08)(60)(2)(0-1:24.2.1)(m3)(1)",
        "0-1:24.3.0(120517020000)(08)(60)(1)(0-2:24.2.1)(m3)(1)",
        "1-0:1.8.1(\x7f)",
        "1-0:0.2.8(5\r0)",
    ],
)
def test_one_line_that_is_not_understood_refuses_the_telegram(line: str) -> None:
    assert telegrams(telegram((*LINES, line))) == []
    assert telegrams(telegram((*LINES, line), crc=False)) == []


def test_two_messages_under_one_name_contradict_nothing_behind_a_crc() -> None:
    assert telegrams(telegram((*LINES, "0-0:96.13.0(303132)"))) != []
    assert telegrams(telegram((*LINES, "1-0:1.8.1()"))) != []


@pytest.mark.parametrize("line", [LINES[3], "0-0:1.0.0(241301120000W)", "0-1:24.2.3(632525252525W)(1*m3)", ""])
def test_what_a_crc_vouches_for_is_damage_without_one(line: str) -> None:
    kept = tuple(other for other in LINES if not other.startswith(("0-0:1.0.0", "0-1")))
    assert telegrams(telegram((*kept, line)))
    assert telegrams(telegram((*kept, line), crc=False)) == []


@pytest.mark.parametrize("line", ["1-0:2.8.0(*kWh)", "0-2:24.2.1(240501115503S)(*m3)", "   ", "0-0:96.13.1()  "])
def test_what_says_nothing_is_read_over_behind_a_crc(line: str) -> None:
    assert telegrams(telegram((*LINES, line))) == telegrams(GOOD)
    assert telegrams(telegram((*LINES, line), crc=False)) == []


def test_blanks_behind_a_line_are_read_over_behind_a_crc() -> None:
    made = tuple(f"{line}  " for line in LINES)
    assert telegrams(telegram(made)) == telegrams(GOOD)
    assert telegrams(telegram(made, crc=False)) == []


def test_harmonics_in_per_cent_and_charges_have_units_of_their_own() -> None:
    said = values(telegrams(telegram(("1-0:32.7.124(01.8*%)", "1-0:31.7.3(00.4*A)", "1-0:11.8.0(000123.4*Ah)"))))
    assert [unit for _, unit in said.values()] == ["%", "A", "Ah"]
    assert telegrams(telegram((*LINES, "1-0:52.7.0(01.8*%)"))) == []


def test_a_value_may_have_its_sign() -> None:
    said = values(telegrams(telegram(("1-0:16.7.0(+00.123*kW)", "1-0:36.7.0(-00.456*kW)"))))
    assert said == {"1-0:16.7.0*255": (Decimal("0.123"), "kW"), "1-0:36.7.0*255": (Decimal("-0.456"), "kW")}


@pytest.mark.parametrize(
    "data",
    [
        telegram(()),
        GOOD[:-7],
        GOOD.replace(b"\r\n!", b"!"),
        GOOD[:-6] + b"G000\r\n",
        GOOD[:-6] + b"0\r\n",
        b"/some data!0000",
        b"/a!",
        b"/!",
        b"/123456",
    ],
)
def test_half_a_telegram_gives_nothing(data: bytes) -> None:
    assert telegrams(data) == []
    assert rejections(data)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_any_split_of_the_stream_gives_the_same_events(cuts: list[int]) -> None:
    assert events(cut(STREAM, cuts)) == events([STREAM])


def test_a_good_telegram_behind_noise_and_half_a_telegram_is_kept() -> None:
    assert telegrams(STREAM)[:4] == telegrams(GOOD) * 2
    assert len(telegrams(STREAM)) == 6


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(GOOD) - 8), st.integers(0, 7))
def test_no_flipped_bit_gives_a_value(at: int, bit: int) -> None:
    damaged = bytearray(GOOD)
    damaged[at] ^= 1 << bit
    assert telegrams(bytes(damaged)) == []


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(GOOD)))
def test_no_bytes_can_crash_it(noise: bytes, at: int) -> None:
    events([b"/" + noise, GOOD[:at], noise, b"\r\n!" + noise])


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60))
def test_no_line_can_crash_it(line: str) -> None:
    for crc in (True, False):
        try:
            p1.telegrams(telegram((line,), crc=crc))
        except MeterError:
            continue


def test_a_slash_in_a_line_needs_a_crc_and_must_stay_rare() -> None:
    text = "0-0:96.13.1(see 1/2 or 3/4)"
    assert telegrams(telegram((*LINES, text))) != []
    assert telegrams(telegram((*LINES, text), crc=False)) == []
    assert telegrams(telegram((*LINES, "0-0:96.13.1(/ / / / /)"))) == []


def test_text_inside_a_ciphered_frame_gets_the_quality_of_the_frame() -> None:
    own, _ = p1.telegrams(OLD, Quality.AUTHENTICATED)
    assert {reading.quality for reading in own.readings} == {Quality.AUTHENTICATED}
