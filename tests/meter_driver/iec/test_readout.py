"""Readouts of IEC 62056-21 from vectors of our own, built from the clauses that the names mention."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meter_driver.iec.readout import Readout
from meter_driver.reading import Quality
from tests.meter_driver.laws import a_final_answer_is_one, an_answer_stays
from tests.meter_driver.p1.make import block, telegram
from tests.meter_driver.streams import cut, events, rejections, telegrams, values

LINES = (
    "F.F(00)",
    "C.1.0(12345678)",
    "0.0.0(12345678)",
    "1.8.0(000123.45*kWh)",
    "1.8.1*04(000100.00*kWh)",
    "1.6.0(002.51*kW)(2405011200)",
    "32.7(230.1*V)",
    "0.9.1(120000)",
    "P.01(2405011200)(00)(15)(2)(1.5)(kW)(2.5)(kW)",
)
BLOCK = block(LINES)


@pytest.mark.rule("IEC 62056-21 6.3")
def test_a_block_with_its_check_character_is_read() -> None:
    (readout,) = telegrams(BLOCK)
    assert (readout.meter, readout.protocol, readout.at) == ("12345678", "iec62056-21", None)
    assert {reading.quality for reading in readout.readings} == {Quality.CHECKSUM_ONLY}
    said = values([readout])
    assert said["1.8.0"] == (Decimal("123.45"), "kWh")
    assert said["1.8.1*04"] == (Decimal("100.00"), "kWh")
    assert said["1.6.0"] == (Decimal("2.51"), "kW")
    assert said["F.F"] == ("00", None)


@pytest.mark.rule("IEC 62056-21 6.3")
def test_a_wrong_check_character_refuses_the_block() -> None:
    assert telegrams(BLOCK[:-1] + bytes((BLOCK[-1] ^ 1,))) == []
    assert "checksum" in rejections(BLOCK[:-1] + bytes((BLOCK[-1] ^ 1,)))


@pytest.mark.rule("IEC 62056-21 6.3")
def test_request_identification_and_option_select_of_a_recorded_handshake_are_taken() -> None:
    header, data = BLOCK.split(b"\x02")
    handshake = b"/?!\r\n" + header + b"\x06050\r\n\x02" + data
    assert events([handshake]) == events([BLOCK])


@pytest.mark.rule("IEC 62056-21 6.4.5")
def test_mode_d_has_neither_block_nor_check() -> None:
    made = telegram(("1-0:0.0.0*255(123)", "1-0:1.8.1*255(000019.01*kWh)", "1-0:96.5.5*255(82)"), crc=False)
    (readout,) = telegrams(made)
    assert (readout.meter, readout.protocol) == ("123", "iec62056-21")
    assert values([readout])["1-0:1.8.1*255"] == (Decimal("19.01"), "kWh")


@pytest.mark.parametrize("time", ["24-05-01 12:00", "2024-05-01", "01.05.24,12:00:30", "2405011200", "240501120000"])
def test_a_peak_is_read_beside_its_time_however_that_is_printed(time: str) -> None:
    said = telegrams(block((f"1.6.1(0.512*kW)({time})", f"1.6.1*12({time})(0.256*kW)")))
    assert values(said) == {"1.6.1": (Decimal("0.512"), "kW"), "1.6.1*12": (Decimal("0.256"), "kW")}
    assert {reading.at for reading in said[0].readings} == {None}


@pytest.mark.rule("IEC 62056-21 6.6")
def test_several_data_sets_may_share_a_line() -> None:
    joined = "6.8(0029.055*MWh)6.26(01589.28*m3)9.4(088*C&082*C)6.33(001.476*m3ph)6.35(60*m)6.36.1(2013-11-28)"
    said = values(telegrams(block((joined,))))
    assert said["6.26"] == (Decimal("1589.28"), "m3")
    assert said["6.33"] == (Decimal("1.476"), "m3/h")
    assert said["6.35"] == (Decimal(60), "min")
    assert said["9.4"] == ("088*C&082*C", None)


def test_an_adapter_may_leave_out_the_line_ends_and_the_identification() -> None:
    assert values(telegrams(b"/?Bla0!\r\n6.8(0029.055*MWh)6.26(01589.28*m3)!\r\n"))["6.8"] == (
        Decimal("29.055"),
        "MWh",
    )


@pytest.mark.parametrize("size", [1, 2, 20, len(BLOCK) - 1])
def test_half_a_block_gives_nothing(size: int) -> None:
    assert telegrams(BLOCK[:size]) == []


@pytest.mark.rule("IEC 62056-21 6.5")
@pytest.mark.parametrize(
    "line", ["1.8.0(1*kWh", "1.8.0 1*kWh)", "1.8.0((1*kWh))", "1.8.0(\xb0)", "A.name.of.17.chars(1)"]
)
def test_a_line_that_is_no_data_set_refuses_the_readout(line: str) -> None:
    assert telegrams(block((*LINES, line))) == []
    assert telegrams(telegram((*LINES, line), crc=False)) == []


@pytest.mark.parametrize("line", ["0.2.1.1(1*kWh)", "X.1(1)", "STATUS(1)"])
def test_a_name_of_the_maker_is_lawful_where_a_check_held(line: str) -> None:
    assert telegrams(block((*LINES, line))) == telegrams(BLOCK)
    assert telegrams(telegram((*LINES, line), crc=False)) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3 * len(BLOCK)), max_size=20))
def test_any_split_of_the_stream_gives_the_same_events(cuts: list[int]) -> None:
    stream = BLOCK + b"/?!\r\n" + BLOCK[:90] + BLOCK
    assert events(cut(stream, cuts)) == events([stream])
    assert len(telegrams(stream)) == 2


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(BLOCK) - 1), st.integers(0, 7))
def test_no_flipped_bit_behind_the_start_gives_a_value(at: int, bit: int) -> None:
    damaged = bytearray(BLOCK)
    damaged[at] ^= 1 << bit
    seen = telegrams(bytes(damaged))
    if at == BLOCK.index(2):  # without its STX it is a readout without a block check, and says so
        assert all(Quality.UNCHECKED in each.readings[0].quality for each in seen)
        return
    assert seen == [] or (at < BLOCK.index(2) and seen == telegrams(BLOCK))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=120))
def test_no_bytes_can_crash_it(noise: bytes) -> None:
    events([b"/TST5X\r\n\x02" + noise, b"!\r\n\x03" + noise, b"/?" + noise + b"!\r\n", noise])


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([BLOCK, telegram(), telegram(crc=False), b"/?!\r\n" + BLOCK, b"/?A!\r\n6.8(1*kWh)6.9(2*kWh)!\r\n"]),
    st.integers(0, 80),
    st.binary(max_size=12),
)
def test_the_framer_keeps_its_laws(frame: bytes, at: int, noise: bytes) -> None:
    data = frame[:at] + noise + frame[at : at + 120] + frame[-12:] + noise
    an_answer_stays(Readout, b"/" + data[1:])
    a_final_answer_is_one(Readout, b"/" + data[1:])


def test_what_is_wrong_first_is_what_is_told() -> None:
    an_answer_stays(Readout, b"/TST5X\r\n" + b"\x06" * 30)
    an_answer_stays(Readout, b"/TS!\r\nT5X\r\n1.8.0(1*kWh)\r\n!\r\n")
    an_answer_stays(Readout, telegram(("1-0:1.8.0(1*kWh)", "/1-0:2.8.0(1*kWh)", "1-0:3.8.0(\x8b)")))
