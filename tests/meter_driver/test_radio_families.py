"""Radio families: telegrams of our own making, and that nothing but the layout that is known gives a reading."""

from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_driver import senml
from meter_driver.mbus_families import family_of
from meter_driver.profiles import RADIO_FAMILIES
from meter_driver.reading import FrameRejected, Quality
from tests.meter_driver.mbus_make import (
    KEY,
    OTHER_KEY,
    cbc,
    crc,
    events,
    examples,
    format_a,
    kinds,
    long_frame,
    mode_5,
    radio,
    telegrams,
    values,
)

OWN = pytest.mark.rule("EN 13757-7 applications of a manufacturer (CI A0 to B7)")
DATA = pytest.mark.rule("EN 13757-3 manufacturer data of known families")
INFERRED = Quality.SCALER_ASSUMED | Quality.LAYOUT_INFERRED


def link(maker: str, version: int, device: int, *, number: str = "12345678") -> bytes:
    code = 0
    for letter in maker:
        code = code << 5 | ord(letter) - 64
    return code.to_bytes(2, "little") + bytes.fromhex(number)[::-1] + bytes([version, device])


def short(size: int, *numbers: int) -> bytes:
    return b"".join(number.to_bytes(size, "little") for number in numbers)


def packed(day: str) -> bytes:
    at = date.fromisoformat(day)
    return short(2, at.year - 2000 << 9 | at.month << 5 | at.day)


def type_g(day: str) -> bytes:
    at = date.fromisoformat(day)
    year = at.year - 2000
    return bytes([at.day | (year & 7) << 5, at.month | year >> 3 << 4])


def bcd(number: int, size: int) -> bytes:
    return bytes.fromhex(f"{number:0{2 * size}}")[::-1]


def header(ci: int, data: bytes) -> bytes:
    return bytes([ci, 1, 0, 0, 0]) + data


def scrambled(head: bytes, plain: bytes, constant: int) -> bytes:
    """PRIOS, bit by bit from the description: the state as a list, bit 0 first."""
    for at in range(0, 12, 4):
        constant ^= int.from_bytes(head[at : at + 4], "big")
    state = [constant >> bit & 1 for bit in range(32)]
    out = bytearray()
    for octet in plain:
        for _ in range(8):
            state = [state[1] ^ state[2] ^ state[11] ^ state[31], *state[:31]]
        out.append(octet ^ sum(bit << place for place, bit in enumerate(state[:8])))
    return bytes(out)


def prios(address: bytes, ci: int = 0xA2, *, constant: int = 0xDFD109E8, mark: int = 0x4B, more: int = 0) -> bytes:
    """5.678 m3, 4.321 m3 at the end of September, every 8 seconds."""
    clear = bytes([0x01, 0x18, 0x00, 0x13])
    plain = bytes([mark]) + short(4, 5678, 4321) + type_g("2023-09-30") + bytes(more)
    secret = scrambled(address + bytes([ci]) + clear[:3], plain, constant)
    return radio(bytes([ci]) + clear + secret, address=address)


def techem(kind: int, due: Sequence[int], since: Sequence[int], size: int, *, width: int = 2) -> bytes:
    data = bytes([kind]) + packed("2022-12-31") + short(width, *due)
    data = data.ljust(7, b"\x50") + short(width, *since)
    return data + bytes(range(size - len(data)))


def apator_162(*registers: str, fill: int = 6) -> bytes:
    data = b"\x0f" + bytes(7) + bytes.fromhex("".join(registers)) + b"\xff" * fill
    return header(0x7A, b"\x2f\x2f" + data + crc(data).to_bytes(2, "big"))


def apator_na1(address: bytes, key: bytes, *, mark: int = 0x2F, power: int = 1, hours: int = 300) -> bytes:
    """The register is 12345 times ten to ``power`` litres, 2345 times that since the month began."""
    block = bytes([mark, power << 4 | 12345 & 15]) + short(3, 12345 >> 4) + short(4, 800_000_000)
    block += bytes([hours & 0xFF, hours >> 8 << 2 | 2345 & 3]) + short(3, 2345 >> 2) + b"\x00\x80"
    return b"\xa1\x07\x00" + cbc(key, address + b"\x07" * 8, block)


def bfw(*, today: str = "280223", mark: int = 0x1F) -> bytes:
    """961 units in the season before, 904 in this one, months 1801 (18 ago) to 1818 (the last)."""
    data = b"\x2f\x2f\x07" + bytes([mark]) + (961).to_bytes(2, "big") + (904).to_bytes(2, "big") + b"\x15\x2a"
    for older in range(1801, 1819, 2):
        younger = older + 1
        data += bytes([older & 0xFF, older >> 8 << 4 | younger >> 8, younger & 0xFF])
    return header(0x7A, data + bytes.fromhex(today))


def qundis(vif: str, register: int, *, year: bytes = b"\xff\xff", month: bytes = b"\xff\xff") -> bytes:
    data = bytes.fromhex("0082da0000600107" + vif) + b"\xff\xff" + bcd(register, 4)
    data += year + bcd(register - 20, 4) + month + bcd(register - 10, 4) + b"\x00\x80" * 12
    return b"\x78\x0d\xff\x5f\x35" + data + b"\x2f" + bytes.fromhex("046d0211f225")


FHKV = techem(0x11, [1352], [766], 9) + short(2, 2150, 3325) + bytes(27)
EITN = b"\xa1\x00\x00" + short(2, 89) + packed("2019-08-28") + short(2, 7) + packed("2022-09-18") + b"\x80\x13\x40\x15"
RECORD = bytes.fromhex("0c1364390400")  # volume 43.964 m3
MONTHS = short(3, *(1000 + month for month in range(11))) + b"\xff\xff\xff"
CLIMA_10 = b"\x10" + bytes(6) + short(2, 1866, 4751) + bytes(4) + short(2, 1578, 1747, 33) + short(3, 1033)

SAP, HYD = link("SAP", 0xD4, 0x01), link("HYD", 0x34, 0x12, number="56780786")
MKR, MKR_50 = link("TCH", 0x74, 0x62), link("TCH", 0x50, 0x72)
COMPACT, VARIO, TCH_FHKV = link("TCH", 0x45, 0x43), link("TCH", 0x27, 0xC3), link("TCH", 0x69, 0x80)
APATOR_162, APATOR_08, APATOR_EITN = link("APA", 0x05, 0x07), link("APT", 0x0F, 0x0F), link("APT", 0x04, 0x08)
APATOR_NA1, BFW = link("APA", 0x14, 0x07), link("BFW", 0x02, 0x08)
HYDRODIGIT, HYDROCLIMA, QUNDIS = link("BMT", 0x13, 0x07), link("BMP", 0x53, 0x08), link("QDS", 0x16, 0x06)

WATER = {"volume": "13.8 m3", "volume storage=1": "8.9 m3", "date storage=1": "2022-12-31"}
IZAR = {
    "volume": "5.678 m3",
    "volume storage=1": "4.321 m3",
    "date storage=1": "2023-09-30",
    "transmission_period": "8 s",
}
ALLOCATOR = {
    "hca": "7",
    "hca storage=1": "89",
    "date": "2022-09-18",
    "average_external_temperature": "21.25 Cel",
    "average_external_temperature storage=1": "19.5 Cel",
}
OWN_APPLICATIONS = {
    "MK Radio": (radio(b"\xa2" + techem(6, [89], [49], 37), address=MKR), WATER),
    "MK Radio 3, version 50": (
        radio(b"\xa2\x0c\x00" + packed("2024-11-28") + short(3, 9488) + bytes(37), address=MKR_50),
        {"volume": "948.8 m3", "date": "2024-11-28"},
    ),
    "Compact V": (
        radio(b"\xa1" + techem(0x10, [155712], [205], 45, width=3), address=COMPACT),
        {"energy": "155917 kWh", "energy period": "205 kWh", "energy storage=1": "155712 kWh"}
        | {"date storage=1": "2022-12-31"},
    ),
    "Vario 4": (
        radio(b"\xa2" + techem(0x12, [13112], [9826], 45), address=VARIO),
        {"energy": "22938 MJ", "energy period": "9826 MJ", "energy storage=1": "13112 MJ"}
        | {"date storage=1": "2022-12-31"},
    ),
    "FHKV": (
        radio(b"\xa0" + FHKV, address=TCH_FHKV),
        {"hca": "766", "hca storage=1": "1352", "date storage=1": "2022-12-31"}
        | {"external_temperature": "21.50 Cel", "flow_temperature": "33.25 Cel"},
    ),
    "FHKV, version 94": (
        radio(b"\xa2\x0f" + FHKV[1:9] + b"\x00" + short(2, 2150, 3325) + bytes(28), address=link("TCH", 0x94, 0x80)),
        {"hca": "766", "hca storage=1": "1352", "date storage=1": "2022-12-31"}
        | {"external_temperature": "21.50 Cel", "flow_temperature": "33.25 Cel"},
    ),
    "IZAR": (prios(SAP), IZAR),
    "IZAR, other constant, longer": (prios(HYD, 0xA1, constant=0xB71F0AE8, more=16), IZAR),
    "Apator 08": (
        radio(
            b"\xa0" + short(4, 3_000_001) + b"\x00\x40\x03" + bytes(5) + b"\xff\x04" + short(4, 2_999_999),
            address=APATOR_08,
        ),
        {"volume": "1000.000333 m3"},
    ),
    "E.ITN 30": (radio(b"\xa0" + EITN, address=APATOR_EITN), ALLOCATOR),
    "E.ITN 30, behind more": (radio(b"\xb6\x03abc\xa0" + EITN, address=APATOR_EITN), ALLOCATOR),
    "NA-1 as delivered": (
        radio(apator_na1(APATOR_NA1, bytes(16)), address=APATOR_NA1),
        {"volume": "123.45 m3", "volume storage=1": "100.00 m3", "actuality_duration storage=1": "300 h"},
    ),
}
BESIDE_OR_INSTEAD = {
    "Apator 162": (
        radio(apator_162("436103", "1081920200", "7501" + "00" * 24, "a0dc939703"), address=APATOR_162),
        {"volume": "168.577 m3"},
    ),
    "BFW 240": (
        radio(bfw(), address=BFW),
        {"hca": "904", "hca storage=1": "961", "date": "2023-02-28"}
        | {f"hca storage={storage}": str(1820 - storage) for storage in range(2, 20)},
    ),
    "Hydrodigit": (
        radio(header(0x7A, RECORD + b"\x0f\x15\x2a" + short(4, 15) + MONTHS + b"\x2f\x2f"), address=HYDRODIGIT),
        {"volume": "43.964 m3", "battery_voltage": "3.05 V", "volume negative": "0.015 m3"}
        | {f"volume month={month}": f"10.{month - 1:02} m3" for month in range(1, 12)},
    ),
    "Hydrodigit, tampering and leak": (
        radio(header(0x7A, RECORD + b"\x0f\x83\x00" + bytes(7)), address=HYDRODIGIT),
        {"volume": "43.964 m3", "battery_voltage": "3.7 V"},
    ),
    "Hydroclima, kind 10": (
        radio(header(0x7A, RECORD + b"\x0f" + CLIMA_10), address=HYDROCLIMA),
        {"volume": "43.964 m3", "average_external_temperature": "18.66 Cel", "external_temperature max": "47.51 Cel"}
        | {"average_external_temperature storage=1": "15.78 Cel", "average_flow_temperature storage=1": "17.47 Cel"}
        | {"hca total": "1033"},
    ),
    "Hydroclima, kind 11": (
        radio(
            header(0x7A, RECORD + b"\x0f\x11" + bytes(8) + short(2, 4919, 2271, 5820, 0, 3734, 2178) + bytes(26)),
            address=link("BMP", 0x85, 0x08),
        ),
        {"volume": "43.964 m3", "average_flow_temperature": "49.19 Cel", "average_external_temperature": "22.71 Cel"}
        | {"external_temperature max storage=1": "58.20 Cel", "average_flow_temperature storage=1": "37.34 Cel"}
        | {"average_external_temperature storage=1": "21.78 Cel"},
    ),
    "Q water": (
        radio(qundis("c113", 139663, year=type_g("2022-12-31"), month=type_g("2023-04-30")), address=QUNDIS),
        {"date_time": "2023-05-18T17:02", "volume": "139.663 m3"}
        | {"volume storage=1": "139.643 m3", "date storage=1": "2022-12-31"}
        | {"volume storage=17": "139.653 m3", "date storage=17": "2023-04-30"},
    ),
    "Q heat": (
        radio(qundis("c00d", 30831), address=QUNDIS),
        {"date_time": "2023-05-18T17:02", "energy": "3083100000 J"}
        | {"energy storage=1": "3081100000 J", "energy storage=17": "3082100000 J"},
    ),
}
ALL = OWN_APPLICATIONS | BESIDE_OR_INSTEAD


@OWN
@pytest.mark.parametrize("name", OWN_APPLICATIONS)
def test_an_own_application_of_a_known_family_is_read(name: str) -> None:
    frame, wanted = OWN_APPLICATIONS[name]
    (telegram,) = telegrams(frame)
    assert values(telegram) == wanted
    assert {reading.quality for reading in telegram.readings} == {Quality.UNCHECKED | INFERRED}


@DATA
@pytest.mark.parametrize("name", BESIDE_OR_INSTEAD)
def test_what_stands_beside_records_or_instead_of_them_is_read(name: str) -> None:
    frame, wanted = BESIDE_OR_INSTEAD[name]
    (telegram,) = telegrams(frame)
    assert {key: value for key, value in values(telegram).items() if key in wanted} == wanted
    assert set(values(telegram)) == set(wanted)


@DATA
def test_only_what_a_family_says_is_called_inferred() -> None:
    (telegram,) = telegrams(format_a(BESIDE_OR_INSTEAD["Hydrodigit"][0]))
    first, *rest = telegram.readings
    assert (first.quantity, first.quality) == ("volume", Quality.CHECKSUM_ONLY)
    assert {reading.quality for reading in rest} == {Quality.CHECKSUM_ONLY | INFERRED}


@pytest.mark.parametrize("name", [name for name in ALL if not name.startswith("Q ")])
def test_a_payload_of_another_size_gives_nothing_of_the_family(name: str) -> None:
    frame, _ = ALL[name]
    for other in (frame[:-4], frame + b"\x01\x02\x03\x04"):
        for telegram in telegrams(bytes([len(other) - 1]) + other[1:]):
            assert not [reading for reading in telegram.readings if Quality.LAYOUT_INFERRED in reading.quality]


@pytest.mark.parametrize("name", OWN_APPLICATIONS)
def test_the_same_bytes_of_another_meter_are_refused_by_name(name: str) -> None:
    frame, _ = OWN_APPLICATIONS[name]
    (event,) = events(frame[:2] + link("XYZ", frame[8], frame[9]) + frame[10:])
    assert isinstance(event, FrameRejected)
    assert event.detail.endswith("a manufacturer's own application")


@OWN
def test_an_own_application_on_a_wire_is_refused_by_name() -> None:
    frame, _ = OWN_APPLICATIONS["MK Radio"]
    (event,) = events(long_frame(0xA2, frame[11:]))
    assert isinstance(event, FrameRejected)
    assert event.detail == "CI A2: a manufacturer's own application"


@pytest.mark.parametrize(
    "frame",
    [
        radio(b"\xa2\x06\xff\xff" + techem(6, [89], [49], 37)[3:], address=MKR),
        radio(b"\xa2\x0c\x00\x00\x00" + bytes(40), address=MKR_50),
        radio(b"\xa0\x02" + FHKV[1:], address=TCH_FHKV),
        prios(SAP, mark=0x4A),
        prios(SAP, constant=1),
        radio(b"\xa0" + short(4, 3000) + b"\x00\x40\x03" + bytes(5) + b"\xff\x04" + short(4, 3001), address=APATOR_08),
        radio(b"\xa0" + short(4, 3000) + b"\x00\x41\x03" + bytes(5) + b"\xff\x04" + short(4, 1), address=APATOR_08),
        radio(b"\xa0" + EITN[:1] + b"\x01" + EITN[2:], address=APATOR_EITN),
        radio(b"\xa0" + EITN[:5] + b"\xff\xff" + EITN[7:], address=APATOR_EITN),
        radio(b"\xb6\x03abc\xa1" + EITN, address=APATOR_EITN),
        radio(b"\xb6", address=APATOR_EITN),
        radio(apator_162("436103"), address=APATOR_162),
        radio(apator_162("1081920200", "1081920200"), address=APATOR_162),
        radio(apator_162("1081920200", "45"), address=APATOR_162),
        radio(apator_162("1081920200", "a0dc93", fill=0), address=APATOR_162),
        radio(bfw(today="300223"), address=BFW),
        radio(bfw(today="2a0223"), address=BFW),
        radio(bfw(mark=0x1E), address=BFW),
    ],
)
def test_what_is_not_as_it_is_known_is_refused(frame: bytes) -> None:
    assert telegrams(frame) == []
    assert kinds(frame) == ["payload"]


@DATA
def test_registers_of_apator_whose_crc_does_not_fit_are_refused() -> None:
    frame, _ = BESIDE_OR_INSTEAD["Apator 162"]
    for at in range(17, len(frame)):
        damaged = frame[:at] + bytes([frame[at] ^ 0x10]) + frame[at + 1 :]
        assert not [reading for telegram in telegrams(damaged) for reading in telegram.readings]


def test_two_octets_that_a_receiver_left_behind_the_registers_do_no_harm() -> None:
    frame, wanted = BESIDE_OR_INSTEAD["Apator 162"]
    (telegram,) = telegrams(bytes([frame[0] + 2]) + frame[1:] + b"\xd6\x49")
    assert values(telegram) == wanted


def test_a_meter_of_a_family_that_speaks_in_records_is_read_by_them() -> None:
    (telegram,) = telegrams(radio(header(0x7A, RECORD), address=APATOR_162))
    assert values(telegram) == {"volume": "43.964 m3"}
    assert {reading.quality for reading in telegram.readings} == {Quality.UNCHECKED}


@pytest.mark.parametrize(
    "payload",
    [
        RECORD + b"\x0f",
        RECORD + b"\x0f\x10" + MONTHS[:-1],
        RECORD + b"\x0f\x01\x2a\x01",
    ],
)
def test_manufacturer_data_that_are_not_known_hide_no_record(payload: bytes) -> None:
    (telegram,) = telegrams(radio(header(0x7A, payload), address=HYDRODIGIT))
    assert values(telegram) == {"volume": "43.964 m3"}


@pytest.mark.parametrize(
    ("at", "octet"), [(16, 0x83), (19, 0x35), (22, 0x08), (23, 0xC0), (24, 0x6D), (27, 0xAA), (31, 0x00), (38, 0xFA)]
)
def test_a_record_of_qundis_with_other_marks_gives_nothing(at: int, octet: int) -> None:
    frame = bytearray(BESIDE_OR_INSTEAD["Q water"][0])
    frame[at] = octet
    (telegram,) = telegrams(bytes(frame))
    assert set(values(telegram)) == {"date_time"}


def test_what_records_say_is_not_said_again() -> None:
    frame = qundis("c113", 139663)
    (telegram,) = telegrams(radio(frame[:1] + RECORD + frame[1:], address=QUNDIS))
    assert [str(r.value) for r in telegram.readings if r.quantity == "volume"] == ["43.964"]


@OWN
def test_a_key_opens_the_cipher_of_a_family_and_a_wrong_one_does_not() -> None:
    address = APATOR_NA1
    frame = radio(apator_na1(address, KEY, power=3), address=address)
    (telegram,) = telegrams(frame, key=KEY)
    assert values(telegram)["volume"] == "12345 m3"
    assert {reading.quality for reading in telegram.readings} == {Quality.ENCRYPTED_ONLY | INFERRED}
    assert kinds(frame, key=OTHER_KEY) == ["not-authentic"]
    assert kinds(frame) == ["not-authentic"]
    assert kinds(frame, key=KEY[:8]) == ["security-unsupported"]


@pytest.mark.parametrize("change", [{"mark": 0x2E}, {"power": 4}, {"hours": 746}])
def test_a_block_that_makes_no_sense_is_not_authentic(change: dict[str, int]) -> None:
    assert kinds(radio(apator_na1(APATOR_NA1, bytes(16), **change), address=APATOR_NA1)) == ["not-authentic"]


def test_an_address_that_is_swapped_on_the_link_comes_out_in_order() -> None:
    (telegram,) = telegrams(prios(HYD))
    assert telegram.meter == "HYD-12345678-86-07"
    assert telegram.system_title == link("HYD", 0x86, 0x07).hex().upper()
    (telegram,) = telegrams(prios(SAP))
    assert telegram.meter == "SAP-12345678-D4-01"


def test_the_top_bit_of_a_manufacturer_is_no_part_of_its_name() -> None:
    assert family_of(0xA0, link("APT", 0x04, 0x08)) is family_of(0xA0, b"\x14\x86" + bytes(4) + b"\x04\x08")
    assert family_of(0xA0, link("APT", 0x04, 0x09)) is None
    assert family_of(0xA2, link("APT", 0x04, 0x08)) is None


def test_every_family_is_shown() -> None:
    frames = [frame for frame, _ in ALL.values()]
    assert {family_of(frame[10], frame[2:10]) for frame in frames} == set(RADIO_FAMILIES)


def test_the_flag_travels_with_a_reading() -> None:
    assert Quality(Quality.LAYOUT_INFERRED.value) is Quality.LAYOUT_INFERRED
    pack = b'[{"bn":"urn:dev:ops:box:","bt":1700000000,"bmgq":296,"n":"volume","u":"m3","v":1}]'
    assert senml.parse(pack, senml.JSON).readings[0].quality == Quality.UNCHECKED | INFERRED


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


@examples()
@given(st.data())
def test_no_payload_of_a_family_raises(data: st.DataObject) -> None:
    frame, _ = ALL[data.draw(st.sampled_from(sorted(ALL)))]
    payload = bytearray(frame[11:])
    for _ in range(data.draw(st.integers(0, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(payload[: data.draw(st.integers(0, len(payload)))]) + data.draw(st.binary(max_size=4))
    events(bytes([10 + len(cut)]) + frame[1:11] + cut, key=data.draw(st.sampled_from([None, KEY])))


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


DELIVERED = bytes.fromhex("51728910E66D83F851728910E66D83F8")


@SCRAMBLED
def test_a_meter_that_still_has_the_key_of_its_delivery_needs_none() -> None:
    address = link("DME", 0x70, 0x07)
    (telegram,) = telegrams(radio(mode_5(RECORD, key=DELIVERED, address=address), address=address))
    assert values(telegram) == {"volume": "43.964 m3"}
    assert {reading.quality for reading in telegram.readings} == {Quality.UNCHECKED}
    assert kinds(radio(mode_5(RECORD, key=KEY, address=address), address=address)) == ["no-key"]
    assert kinds(radio(mode_5(RECORD, key=DELIVERED), address=link("QDS", 0x70, 0x07))) == ["no-key"]
