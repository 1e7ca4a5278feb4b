"""Radio families: telegrams of our own making, and that nothing but the layout that is known gives a reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter_driver import senml
from meter_driver.families import OWN_FAMILIES
from meter_driver.profiles import RADIO_FAMILIES
from meter_driver.reading import FrameRejected, Quality
from tests.meter_driver.mbus.make import (
    KEY,
    OTHER_KEY,
    cut,
    events,
    examples,
    format_a,
    kinds,
    long_frame,
    radio,
    telegrams,
    values,
)
from tests.meter_driver.wmbus.make import (
    ALL,
    APATOR_08,
    APATOR_162,
    APATOR_EITN,
    APATOR_NA1,
    BESIDE_OR_INSTEAD,
    BFW,
    EITN,
    FHKV,
    HYD,
    HYDRODIGIT,
    MKR,
    MKR_50,
    MONTHS,
    OWN_APPLICATIONS,
    QUNDIS,
    RECORD,
    SAP,
    TCH_FHKV,
    apator_162,
    apator_na1,
    bfw,
    header,
    link,
    prios,
    qundis,
    short,
    techem,
)

OWN = pytest.mark.rule("EN 13757-7 applications of a manufacturer (CI A0 to B7)")
DATA = pytest.mark.rule("EN 13757-3 manufacturer data of known families")
INFERRED = Quality.SCALER_ASSUMED | Quality.LAYOUT_INFERRED


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
    assert OWN_FAMILIES.radio(0xA0, link("APT", 0x04, 0x08)) is OWN_FAMILIES.radio(
        0xA0, b"\x14\x86" + bytes(4) + b"\x04\x08"
    )
    assert OWN_FAMILIES.radio(0xA0, link("APT", 0x04, 0x09)) is None
    assert OWN_FAMILIES.radio(0xA2, link("APT", 0x04, 0x08)) is None


def test_every_family_is_shown() -> None:
    frames = [frame for frame, _ in ALL.values()]
    assert {OWN_FAMILIES.radio(frame[10], frame[2:10]) for frame in frames} == set(RADIO_FAMILIES)


def test_the_flag_travels_with_a_reading() -> None:
    assert Quality(Quality.LAYOUT_INFERRED.value) is Quality.LAYOUT_INFERRED
    pack = b'[{"bn":"urn:dev:ops:box:","bt":1700000000,"bmgq":296,"n":"volume","u":"m3","v":1}]'
    assert senml.parse(pack, senml.JSON).readings[0].quality == Quality.UNCHECKED | INFERRED


@examples(60)
@given(st.data())
def test_a_telegram_of_a_family_is_the_same_however_it_arrives(data: st.DataObject) -> None:
    frame, _ = ALL[data.draw(st.sampled_from(sorted(ALL)))]
    places = data.draw(st.lists(st.integers(0, len(frame)), max_size=4))
    assert events(*cut(frame, places)) == events(frame)


REGISTERS = {
    1: "a2 a5 a9 af",
    2: "11 41 43 a7 a8 aa ab ac ad b4",
    3: "01 44 a6 b6 b7 b8 b9 ba bb bc bd be bf c0 c1 c2 c3 c4 c5 c6 c7 d0 d3",
    4: "00 42 a0 a1 a4 f0",
    5: "b0",
    6: "40 8b 8c",
    7: "8e a3",
    8: "b1 b3",
    9: "71 8a",
    10: "80 81 82 83 84 86 87",
    11: "85 88 8f",
    13: "72",
    16: "b2 b5",
    17: "73",
    21: "74",
    25: "75",
    29: "76",
    33: "77",
    37: "78",
    41: "79",
    45: "7a",
    49: "7b",
    53: "7c",
}


@pytest.mark.parametrize(("size", "codes"), list(REGISTERS.items()))
def test_each_register_of_apator_is_walked_over(size: int, codes: str) -> None:
    for code in codes.split():
        frame = radio(apator_162(code + "10" * size, "1081920200"), address=APATOR_162)
        (telegram,) = telegrams(frame)
        assert values(telegram) == {"volume": "168.577 m3"}, code


@pytest.mark.parametrize("code", ["02", "70", "7d", "89", "8d", "ae", "b5", "c8", "d1", "fe"])
def test_a_register_of_apator_that_is_not_known_or_cut_is_refused(code: str) -> None:
    assert kinds(radio(apator_162("1081920200", code), address=APATOR_162)) == ["payload"]


VOLTS = "3.7 1.9 2.1 2.2 2.3 2.4 2.5 2.65 2.8 2.9 3.05 3.2 3.35 3.5 3.7 3.7"


@pytest.mark.parametrize(("step", "volts"), list(enumerate(VOLTS.split())))
def test_each_step_of_the_battery_of_a_hydrodigit_is_a_voltage(step: int, volts: str) -> None:
    (telegram,) = telegrams(radio(header(0x7A, RECORD + b"\x0f\x01" + bytes([0xA0 | step])), address=HYDRODIGIT))
    assert values(telegram)["battery_voltage"] == f"{volts} V"


MODELS = """
TCH-70-62 TCH-70-72 TCH-74-62 TCH-74-72 TCH-95-62 TCH-95-72 TCH-50-72 TCH-22-43 TCH-39-43 TCH-45-04 TCH-45-43 TCH-45-C3
TCH-27-04 TCH-27-C3 TCH-69-80 TCH-94-80 SAP HYD-85-07 HYD-86-07 DME-78-06 DME-78-07 APA-05-06 APA-05-07 APT-03-03
APT-0F-0F APA-04-08 APT-04-08 APA-14-07 BFW-02-08 BMT-13-07 BMT-15-07 BMT-17-07 BMT-13-06 BMT-17-06 BMP-53-08 BMP-85-08
QDS
"""


def test_the_families_are_of_these_models() -> None:
    models = [model for family in RADIO_FAMILIES for model in family.models]
    named = ["-".join((m.maker, *(f"{n:02X}" for n in (m.version, m.device) if n is not None))) for m in models]
    assert named == MODELS.split()


@examples()
@given(st.data())
def test_no_payload_of_a_family_raises(data: st.DataObject) -> None:
    frame, _ = ALL[data.draw(st.sampled_from(sorted(ALL)))]
    payload = bytearray(frame[11:])
    for _ in range(data.draw(st.integers(0, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    rest = bytes(payload[: data.draw(st.integers(0, len(payload)))]) + data.draw(st.binary(max_size=4))
    events(bytes([10 + len(rest)]) + frame[1:11] + rest, key=data.draw(st.sampled_from([None, KEY])))
