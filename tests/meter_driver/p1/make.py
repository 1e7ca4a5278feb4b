"""Telegrams to order: P1 with and without CRC, IEC 62056-21 blocks with their check character."""

from functools import reduce
from operator import xor

from meter_driver.crc import crc16_arc

LINES = (
    "1-3:0.2.8(50)",
    "0-0:1.0.0(240501120000S)",
    "0-0:96.1.1(4D45544552303031)",
    "1-0:1.8.1(001234.567*kWh)",
    "1-0:2.8.1(000000.001*kWh)",
    "0-0:96.14.0(0002)",
    "1-0:1.7.0(01.193*kW)",
    "1-0:32.7.0(230.1*V)",
    "0-0:96.13.0()",
    "0-1:24.1.0(003)",
    "0-1:96.1.0(474153303031)",
    "0-1:24.2.1(240501115503S)(00981.443*m3)",
)


def telegram(lines: tuple[str, ...] = LINES, *, crc: bool = True, header: str = "/TST5METER") -> bytes:
    """A P1 telegram of these lines, as DSMR 5 (with CRC) or DSMR 3 (without) sends it."""
    frame = "".join(f"{line}\r\n" for line in (header, "", *lines)).encode() + b"!"
    return frame + (b"%04X\r\n" % crc16_arc(frame) if crc else b"\r\n")


def block(lines: tuple[str, ...], *, header: str = "/TST5METER") -> bytes:
    """Identification and data message with STX, ETX and BCC (IEC 62056-21 clause 6.3, modes A to C)."""
    body = "".join(f"{line}\r\n" for line in lines).encode() + b"!\r\n\x03"
    return header.encode() + b"\r\n\x02" + body + bytes((reduce(xor, body),))
