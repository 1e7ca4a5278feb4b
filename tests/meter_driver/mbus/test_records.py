"""M-Bus data records: heads, values, and what gives no reading."""

import struct
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_driver.errors import PayloadError
from meter_driver.mbus.layout import layout_of
from meter_driver.mbus.records import records
from tests.meter_driver.mbus.make import RECORDS, examples


def read(payload: str) -> dict[str, str]:
    found = records(bytes.fromhex(payload))
    return {
        layout.name: f"{value if isinstance(value, str) else format(value, 'f')} {layout.unit or ''}".strip()
        for layout, value in found
    }


@pytest.mark.rule("EN 13757-3 primary VIF, tables FB and FD, plain text VIF")
@pytest.mark.parametrize(
    ("record", "name", "value"),
    [
        ("0c0344332211", "energy", "11223344 Wh"),
        ("0b0f440100", "energy", "1440000000 J"),
        ("041311170000", "volume", "5.905 m3"),
        ("02197b00", "mass", "1.23 kg"),
        ("022005 00", "on_time", "5 s"),
        ("02270500", "operating_time", "5 d"),
        ("032d3a0200", "power", "57000 W"),
        ("0236feff", "power", "-2000000 J/h"),
        ("023b0100", "volume_flow", "0.001 m3/h"),
        ("02470100", "volume_flow", "1 m3/min"),
        ("024f0100", "volume_flow", "0.01 m3/s"),
        ("02530100", "mass_flow", "1 kg/h"),
        ("0a5a3402", "flow_temperature", "23.4 Cel"),
        ("0a5ef0f1", "return_temperature", None),
        ("0a61120f", "temperature_difference", None),
        ("0a6112f3", "temperature_difference", "-3.12 K"),
        ("0265 9cff", "external_temperature", "-1.00 Cel"),
        ("01696f", "pressure", "1.11 bar"),
        ("026edb02", "hca", "731"),
        ("0c7878563402", "fabrication_number", "02345678"),
        ("047902000000", "enhanced_identification", "2"),
        ("0779 785634122d2c1b16", "enhanced_identification", "KAM-12345678-1B-16"),
        ("0779 7a5634122d2c1b16", "enhanced_identification", None),
        ("0779 7856341200001b16", "enhanced_identification", None),
        ("0778 7856341200000000", "fabrication_number", "305419896"),
        ("01700a", "averaging_duration", "10 s"),
        ("017703", "actuality_duration", "3 d"),
        ("02fb000500", "energy", "0.5 MWh"),
        ("02fb090500", "energy", "5 GJ"),
        ("02fb0d0500", "energy", "5 Mcal"),
        ("02fb100500", "volume", "500 m3"),
        ("02fb150500", "reactive_power", "0.05 kvar"),
        ("02fb030500", "reactive_energy", "50 kvarh"),
        ("02fb1a6601", "relative_humidity", "35.8 %"),
        ("02fb2e8613", "frequency", "499.8 Hz"),
        ("02fb2a0500", "voltage_phase_angle", "0.5 deg"),
        ("02fd48c709", "voltage", "250.3 V"),
        ("04fd5900000080", "current", "-2147483.648 A"),
        ("02fd17ffff", "error_flags", "65535"),
        ("02fd741b0d", "battery_remaining", "3355 d"),
        ("01fd3a05", "dimensionless", "5"),
        ("02fd020500", "credit", "0.5 currency"),
        ("02fd070500", "debit", "5 currency"),
        ("0d6d 03 353433", "date_time", None),
        ("0d13 03 353433", "volume", None),
        ("0dfd0c05 3532334d45", "model_version", "EM325"),
        ("02fc0348522574d411", "relative_humidity", "45.64 %"),
        ("426cbf2c", "date storage=1", "2021-12-31"),
        ("426cbe22", "date storage=1", None),
        ("426cffff", "date storage=1", None),
        ("426c0000", "date storage=1", None),
        ("046d8b0bcd13", "date_time", None),
        ("046d0b1bcd13", "date_time", None),
        ("046d3f0bcd13", "date_time", None),
        ("046d0b2bcd13", "date_time", "2014-03-13T11:11"),
        ("046d0b0b61c1", "date_time", "1999-01-01T11:11"),
        ("066dde9e150d3900", "date_time", None),
        ("066d1e1e156dc100", "date_time", "1999-01-13T21:30:30"),
        ("426c61c1", "date storage=1", "1999-01-01"),
        ("046d0b18cd13", "date_time", None),
        ("046d3c17cd13", "date_time", None),
        ("046d3b17cd13", "date_time", "2014-03-13T23:59"),
        ("066d3b3b170d3900", "date_time", "2024-09-13T23:59:59"),
        ("066d3c3b170d3900", "date_time", None),
        ("066d3b3c170d3900", "date_time", None),
        ("066d3b3b180d3900", "date_time", None),
        ("036d3b3b17", "date_time", "23:59:59"),
        ("036d3b3c17", "date_time", None),
        ("036d3b3b18", "date_time", None),
        ("036d3c1f17", "date_time", None),
        ("046d0b0bcd13", "date_time", "2014-03-13T11:11"),
        ("066dde5e150d3900", "date_time", "2024-09-13T21:30:30"),
        ("036d1e1f17", "date_time", "23:31:30"),
        ("052e0000c03f", "power", "1500 W"),
        ("07030000000001000000", "energy", "4294967296 Wh"),
        ("0d03c2 3412", "energy", "1234 Wh"),
        ("0d03d2 3412", "energy", "-1234 Wh"),
        ("0d03e2 ffff", "energy", "-1 Wh"),
        ("0d0fd0", "energy", None),
        ("0d03c2 34f2", "energy", None),
        ("0d03f0 01" + "00" * 15, "energy", "1 Wh"),
        ("0d03f1 01" + "00" * 19, "energy", "1 Wh"),
        ("0d03f2 01" + "00" * 23, "energy", "1 Wh"),
        ("0d03f3 01" + "00" * 27, "energy", "1 Wh"),
        ("0d03f4 01" + "00" * 31, "energy", "1 Wh"),
        ("0d03f5 01" + "00" * 47, "energy", "1 Wh"),
        ("0d03f6 01" + "00" * 63, "energy", "1 Wh"),
        ("027c026857 0500", "energy", "5 Wh"),
        ("02fc026857fc01 0500", "energy phase=1", "5 Wh"),
        ("0303 000001", "energy", "65536 Wh"),
        ("0603 000000000001", "energy", "1099511627776 Wh"),
        ("0903 42", "energy", "42 Wh"),
        ("0a03 4321", "energy", "2143 Wh"),
        ("0b03 432100", "energy", "2143 Wh"),
        ("0e03 010000000010", "energy", "100000000001 Wh"),
    ],
)
def test_a_record_gives_quantity_value_and_unit(record: str, name: str, value: str | None) -> None:
    following = {"reset_counter": "7"}  # the next record begins where this one ends
    assert read(record + "01fd6007") == following | ({} if value is None else {name: value})


PLACES = {
    1: "phase=1", 2: "phase=2", 3: "phase=3", 4: "phase=N", 5: "phase=1-2", 6: "phase=2-3", 7: "phase=3-1",
    8: "quadrant=1", 9: "quadrant=2", 10: "quadrant=3", 11: "quadrant=4", 12: "import_minus_export", 16: "absolute_sum",
}  # fmt: skip


@pytest.mark.rule("EN 13757-3 DIF, DIFE: function, storage, tariff, subunit")
@pytest.mark.parametrize(
    ("record", "name"),
    [
        ("14 3b 08160000", "volume_flow max"),
        ("24 3b 08160000", "volume_flow min"),
        ("34 3b 08160000", "volume_flow error"),
        ("c4 01 13 00000000", "volume storage=3"),
        ("84 80 40 13 00000000", "volume subunit=2"),
        ("84 a0 40 03 00000000", "energy tariff=2 subunit=2"),
        ("c4 9f 3f 03 00000000", "energy storage=511 tariff=13"),
        ("04 83 3c 00000000", "energy negative"),
        ("04 83 3b 00000000", "energy positive"),
        ("04 93 3a 00000000", "volume uncorrected"),
        ("02 fd c8 fc 02 e700", "voltage phase=2"),
        ("04 ab ff 01 feffffff", "power manufacturer=01"),
        ("04 ab 7f feffffff", "power manufacturer"),
        ("04 93 40 00000000", "volume_lower_limit"),
        ("04 bb 49 00000000", "volume_flow_upper_limit_exceeds"),
        ("04 bb 58 00000000", "volume_flow_upper_limit_first_duration"),
        ("04 93 22 00000000", "volume_per_h"),
        ("04 93 48 00000000", "volume_upper_limit"),
        ("04 93 41 00000000", "volume_lower_limit_exceeds"),
        ("02 93 42 3f2c", "volume_lower_limit_first_begin"),
        ("02 93 43 3f2c", "volume_lower_limit_first_end"),
        ("02 93 46 3f2c", "volume_lower_limit_last_begin"),
        ("02 93 4f 3f2c", "volume_upper_limit_last_end"),
        ("02 93 5c 0500", "volume_upper_limit_last_duration"),
        ("02 93 50 0500", "volume_lower_limit_first_duration"),
        ("02 93 60 0500", "volume_first_duration"),
        ("02 93 67 0500", "volume_last_duration"),
        ("02 93 68 0500", "volume_beyond_lower_limit"),
        ("02 93 6c 0500", "volume_beyond_upper_limit"),
        ("02 93 69 0500", "volume_leakage"),
        ("02 93 6d 0500", "volume_overflow"),
        ("02 93 6a 3f2c", "volume_first_begin"),
        ("02 93 6b 3f2c", "volume_first_end"),
        ("02 93 6e 3f2c", "volume_last_begin"),
        ("02 93 6f 3f2c", "volume_last_end"),
        ("02 93 39 3f2c", "volume_start"),
        ("02 93 7e 0500", "future_volume"),
        ("02 93 3e 0500", "volume base_conditions"),
        ("02 93 80 00 0500", "volume"),
        *((f"02 fd c8 fc {code:02x} 0500", f"voltage {word}") for code, word in PLACES.items()),
        ("04 ab 12 00000000", "average_power"),
        ("02 bb 4e 3f2c", "volume_flow_upper_limit_last_begin"),
    ],
)
def test_qualifiers_follow_the_quantity_and_other_things_get_other_names(record: str, name: str) -> None:
    assert list(read(record)) == [name]


@pytest.mark.rule("EN 13757-3 orthogonal VIFE: corrections, limits, durations, phases")
@pytest.mark.parametrize(
    ("extension", "value"),
    [("70", "0.000005"), ("76", "5"), ("77", "50"), ("7d", "5000"), ("78", "5.001"), ("7b", "6")],
)
def test_corrections_scale_or_shift_the_value(extension: str, value: str) -> None:
    ((layout, said),) = records(bytes.fromhex(f"0283{extension}0500"))
    assert (layout.name, said, layout.unit) == ("energy", Decimal(value), "Wh")


@pytest.mark.parametrize(("nn", "unit"), [(0, "s"), (1, "min"), (2, "h"), (3, "d")])
def test_the_last_two_bits_of_a_duration_are_its_unit(nn: int, unit: str) -> None:
    for code in (0x50, 0x58, 0x60, 0x64):
        ((layout, value),) = records(bytes([0x02, 0x93, code + nn, 0x05, 0x00]))
        assert (value, layout.unit) == (Decimal(5), unit)


@pytest.mark.parametrize("code", ["44", "45", "4c", "4d", "14", "27", "28", "33", "36", "3d", "3f"])
def test_a_reserved_extension_or_one_of_another_measure_leaves_no_value(code: str) -> None:
    assert read(f"0293{code}3f2c") == {}


def test_a_correction_loses_no_digit() -> None:
    ((_, value),) = records(bytes.fromhex("0d837b f0" + "ff" * 15 + "7f"))
    assert value == 2**127 - 1 + 1


def test_a_selection_for_readout_has_no_data() -> None:
    assert read("0813 01fd6007") == {"reset_counter": "7"}


@pytest.mark.parametrize("code", ["0d", "0e", "0f", "11", "40"])
def test_a_place_that_is_not_known_leaves_no_value(code: str) -> None:
    assert read(f"02fdc8fc{code}0500") == {}


@pytest.mark.rule("EN 13757-3 record errors")
@pytest.mark.parametrize("error", ["01", "07", "0b", "15", "18", "1c"])
def test_a_record_error_leaves_no_value(error: str) -> None:
    assert read(f"0483{error}05000000") == {}


@pytest.mark.rule("EN 13757-3 manufacturer data (DIF 0F, 1F; VIF 7F)")
@pytest.mark.parametrize(
    "payload",
    [
        "0f0102", "1f", "2f2f2f", "04ff2a01000000", "047f01000000", "046f01000000", "0003", "0813", "04fb6001000000",
        "0c0300a0000a",
    ],
)  # fmt: skip
def test_manufacturer_data_idle_fill_and_invalid_digits_give_no_reading(payload: str) -> None:
    assert read(payload) == {}


def test_reals_that_are_no_number_give_no_reading() -> None:
    for bad in (float("nan"), float("inf"), float("-inf")):
        assert records(b"\x05\x2e" + struct.pack("<f", bad)) == []


@pytest.mark.parametrize(
    ("record", "valid"),
    [
        ("0406 00000080", False), ("0406 01000080", True), ("0406 ffffffff", True),  # signed
        ("0306 000080", False), ("0606 000000000080", False), ("0706 0000000000000080", False), ("0206 0080", False),
        ("01fd60 ff", False), ("01fd60 80", True), ("02fd74 ffff", False), ("049349 ffffffff", False),  # counted
        ("01fd08 ff", True), ("02fd17 ffff", True),  # bits
        ("0483780000 0080", False), ("04837801000080", True),
    ],
)  # fmt: skip
def test_the_pattern_for_not_valid_is_told_apart(record: str, valid: bool) -> None:
    ((layout, value),) = records(bytes.fromhex(record))
    assert (value != layout.void) is valid


@pytest.mark.parametrize("dif", ["3f", "4f", "5f", "6f", "7f", "8f01"])
def test_a_reserved_dif_is_a_payload_error(dif: str) -> None:
    with pytest.raises(PayloadError):
        records(bytes.fromhex(dif + "00" * 8))


@pytest.mark.parametrize("head", ["8b" + "80" * 9 + "00" + "1b", "0b" + "84" + "bb" * 9 + "3b"])
def test_ten_extensions_are_read(head: str) -> None:
    assert len(records(bytes.fromhex(head) + bytes(3))) == 1
    at = 2 if head[:2] == "8b" else 4
    with pytest.raises(PayloadError, match="more than 10"):
        records(bytes.fromhex(head[:at] + "80" + head[at:]) + bytes(3))


@pytest.mark.parametrize("head", ["8b" * 12 + "1b", "0b" + "84" * 12 + "04"])
def test_more_than_ten_extensions_are_a_payload_error(head: str) -> None:
    with pytest.raises(PayloadError, match="more than 10"):
        records(bytes.fromhex(head) + bytes(16))


@pytest.mark.parametrize("lvar", [0xCA, 0xDF, 0xF7, 0xFF])
def test_a_reserved_variable_length_is_a_payload_error(lvar: int) -> None:
    with pytest.raises(PayloadError):
        records(bytes([0x0D, 0x03, lvar]) + bytes(80))


ENDS = {0, 6, 11, 16, 22, len(RECORDS)}  # where one record of RECORDS ends and the next begins


@examples()
@given(st.integers(0, len(RECORDS)))
def test_a_payload_that_ends_inside_a_record_is_a_payload_error(stop: int) -> None:
    if stop in ENDS:
        assert len(records(RECORDS[:stop])) == sorted(ENDS).index(stop)
    else:
        with pytest.raises(PayloadError):
            records(RECORDS[:stop])


@examples(100)
@given(st.binary(max_size=64))
def test_no_payload_can_crash_it(payload: bytes) -> None:
    try:
        found = records(payload)
    except PayloadError:
        return
    for layout, value in found:
        assert layout.name
        assert isinstance(value, str) or value.is_finite()


@examples()
@given(st.integers(0, 99_999_999), st.integers(0, 7))
def test_eight_digits_mean_themselves_times_the_power_of_ten(number: int, power: int) -> None:
    raw = bytes.fromhex(f"{number:08}")[::-1]
    ((_, value),) = records(bytes([0x0C, 0x10 + power]) + raw)
    assert value == Decimal(number).scaleb(power - 6)


@pytest.mark.rule("EN 13757-3 data types A, B, C, D, F, G, H, I, J and LVAR")
@examples()
@given(st.integers(-(2**31) + 1, 2**31 - 1), st.integers(0, 7))
def test_binary_numbers_are_signed(number: int, power: int) -> None:
    ((_, value),) = records(bytes([0x04, 0x28 + power]) + number.to_bytes(4, "little", signed=True))
    assert value == Decimal(number).scaleb(power - 3)


@examples(60)
@given(st.integers(0, len(RECORDS) - 1), st.integers(0, 255), st.binary(max_size=8))
def test_a_remembered_layout_says_what_a_fresh_one_says(at: int, byte: int, more: bytes) -> None:
    payload = RECORDS[:at] + bytes([byte]) + RECORDS[at + 1 :] + more
    remembered = outcome(payload)
    layout_of.cache_clear()
    assert outcome(payload) == remembered


def outcome(payload: bytes) -> list[tuple[str, object, str | None]] | str:
    try:
        return [(layout.name, value, layout.unit) for layout, value in records(payload)]
    except PayloadError as error:
        return str(error)
