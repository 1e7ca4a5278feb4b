"""The address of an M-Bus meter: manufacturer, identification number, version, device type (EN 13757-7, clause 7.5)."""

LONG = 8
"""Bytes of it."""
_LETTERS = (10, 5, 0)


def meter_id(address: bytes) -> str:
    """``QDS-12345678-1B-07``: manufacturer, identification, version, device type; ``address`` as on the link."""
    code = int.from_bytes(address[:2], "little")
    maker = "".join(chr(64 + (code >> shift & 0x1F)) for shift in _LETTERS)
    return f"{maker}-{address[5:1:-1].hex().upper()}-{address[6]:02X}-{address[7]:02X}"


def link_address(header: bytes) -> bytes:
    """A long header gives the identification first, a link address the manufacturer."""
    return header[4:6] + header[0:4] + header[6:8]


def is_manufacturer(code: int) -> bool:
    """Three letters of five bits each (FLAG code, EN 62056-21); the top bit tells how unique the address is."""
    return all(1 <= code >> shift & 0x1F <= 26 for shift in _LETTERS)


def is_address(link: bytes) -> bool:
    """A manufacturer and eight digits?"""
    return is_manufacturer(int.from_bytes(link[:2], "little")) and link[2:6].hex().isdecimal()
