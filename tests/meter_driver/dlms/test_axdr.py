import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meter_driver.dlms import axdr
from meter_driver.dlms.axdr import CutShort
from meter_driver.errors import PayloadError


@pytest.mark.rule("IEC 61334-6: A-XDR, every type")
@pytest.mark.parametrize(
    ("octets", "value"),
    [
        ("00", None), ("0301", True), ("05FFFFFFFE", -2), ("0600000001", 1), ("0F80", -128), ("10FFFF", -1),
        ("11FF", 255), ("12FFFF", 65535), ("14FFFFFFFFFFFFFFFF", -1), ("15FFFFFFFFFFFFFFFF", 2**64 - 1),
        ("1605", 5), ("0D42", 0x42), ("173F800000", 1.0), ("183FF0000000000000", 1.0), ("09020102", b"\x01\x02"),
        ("0A0341424D", "ABM"), ("0C02C3BC", "ü"), ("040CFFF0", b"\xff\xf0"), ("FF", None), ("1D0001", 1),
        ("1907EA0102030405060700800000", bytes.fromhex("07EA01020304050607008000")),
    ],
)  # fmt: skip
def test_every_type_is_read(octets: str, value: object) -> None:
    data = bytes.fromhex(octets)
    if octets.startswith("19"):
        data = data[:13]
    node = axdr.parse(data)
    assert (node.value, node.end) == (value, len(data))


def test_a_structure_holds_its_elements_and_where_they_stand() -> None:
    node = axdr.parse(bytes.fromhex("0202" + "120102" + "0901AA"))
    assert [(child.value, child.at, child.end) for child in node.children] == [(258, 3, 5), (b"\xaa", 7, 8)]


@pytest.mark.rule("IEC 61334-6: compact arrays")
def test_a_compact_array_is_an_array_of_its_type() -> None:
    numbers = axdr.parse(bytes.fromhex("13" + "12" + "04" + "00010002"))
    assert [child.value for child in numbers.children] == [1, 2]
    pairs = axdr.parse(bytes.fromhex("13" + "02021206" + "0C" + "000100000002" + "000300000004"))
    assert [[part.value for part in child.children] for child in pairs.children] == [[1, 2], [3, 4]]
    fixed = axdr.parse(bytes.fromhex("13" + "01000211" + "04" + "01020304"))
    assert [[part.value for part in child.children] for child in fixed.children] == [[1, 2], [3, 4]]


def test_long_lengths_are_read() -> None:
    assert len(axdr.parse(b"\x09\x82\x01\x00" + bytes(256)).octets) == 256


@pytest.mark.parametrize("octets", ["", "06000000", "0205", "0905AA", "0981", "02", "04", "13", "1312", "131205"])
def test_what_is_cut_short_says_so(octets: str) -> None:
    with pytest.raises(CutShort):
        axdr.parse(bytes.fromhex(octets))


@pytest.mark.parametrize("octets", ["0E", "63", "098601020304050600", "0A01FF", "0C01FF", "13000101", "1300AA" * 2])
def test_what_is_none_is_refused(octets: str) -> None:
    with pytest.raises(PayloadError):
        axdr.parse(bytes.fromhex(octets))


def test_depth_is_bounded() -> None:
    with pytest.raises(PayloadError, match="deep"):
        axdr.parse(b"\x02\x01" * 500 + b"\x00")
    with pytest.raises(PayloadError, match="deep"):
        axdr.parse(b"\x13" + b"\x02\x01" * 500 + b"\x11\x01\x00")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80), st.sampled_from([b"", b"\x02\x03", b"\x13\x02\x02", b"\x01\x05\x13"]))
def test_any_bytes_are_a_value_or_refused(data: bytes, head: bytes) -> None:
    try:
        node = axdr.parse(head + data)
    except PayloadError:
        return
    assert node.end <= len(head + data)
