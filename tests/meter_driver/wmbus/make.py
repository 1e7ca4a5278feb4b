"""Telegrams of radio families as their meters make them, written from the descriptions, apart from the decoder."""

from collections.abc import Sequence
from datetime import date

from tests.meter_driver.mbus.make import cbc, crc, radio


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
