"""What a balancer says before a connection's first byte: whose it is. Pure.

Written from "The PROXY protocol, versions 1 and 2" (haproxy.org, 2.1 and 2.2). Version 1 is a line, version 2 is
binary; both are read here for TCP over IPv4 and IPv6. Type-length-values behind the addresses are passed over.
"""

from collections.abc import Generator
from ipaddress import IPv4Address, IPv6Address

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_LONGEST_LINE = 107
_MOST = 536
"""Bytes behind the head of version 2; the addresses of TCP are 36 of them at most."""
_LOCAL, _PROXY = 0x20, 0x21
_FAMILIES: dict[int, tuple[type[IPv4Address] | type[IPv6Address], int]] = {
    0x11: (IPv4Address, 4),
    0x21: (IPv6Address, 16),
}


class BadHeader(ValueError):
    """What came is no header of this protocol."""


def header() -> Generator[int, bytes, str | None]:
    """Asks for so many bytes, exactly; returns who called, or None for the balancer itself. Raises ``BadHeader``."""
    begin = yield len(_SIGNATURE)
    if begin == _SIGNATURE:
        return (yield from _binary())
    if not begin.startswith(b"PROXY "):
        raise BadHeader("no PROXY header")
    line = begin
    while not line.endswith(b"\r\n"):
        if len(line) >= _LONGEST_LINE:
            raise BadHeader("the line does not end")
        line += yield 1
    return _line(line[:-2])


def _binary() -> Generator[int, bytes, str | None]:
    head = yield 4
    command, family, length = head[0], head[1], int.from_bytes(head[2:], "big")
    if command not in (_LOCAL, _PROXY) or length > _MOST:
        raise BadHeader("unknown version, command or length")
    body = (yield length) if length else b""
    if command == _LOCAL or family not in _FAMILIES:
        return None
    make, size = _FAMILIES[family]
    if length < 2 * size + 4:
        raise BadHeader("the addresses are cut off")
    return str(make(body[:size]))


def _line(line: bytes) -> str | None:
    match line.split(b" "):
        case [b"PROXY", b"UNKNOWN", *_]:
            return None
        case [b"PROXY", b"TCP4" | b"TCP6" as family, source, _, _, _]:
            make = IPv4Address if family == b"TCP4" else IPv6Address
            try:
                return str(make(source.decode("ascii")))
            except ValueError:
                raise BadHeader("no address of that family") from None
    raise BadHeader("no line of TCP4, TCP6 or UNKNOWN")
