"""The messages of an SML file, and the lists of values among them (BSI TR-03109-1 annex IV, chapter 5)."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from meter_driver import obis, units
from meter_driver.crc import crc16_kermit, crc16_x25
from meter_driver.errors import ChecksumError, PayloadError
from meter_driver.profiles import dzg_dvs74
from meter_driver.reading import ClockSource, Quality, Reading, Telegram
from meter_driver.sml.tree import END, EndOfMessage, ShortNegative, SmlNode, parse

_OPEN_RESPONSE, _GET_LIST_RESPONSE = 0x0101, 0x0701
_BODIES = frozenset({kind << 8 | answer for kind in range(1, 11) for answer in (0, 1)} | {0xFF01})
"""Requests and responses of SML 1.05, 8 to 10 being its COSEM services, and attention."""
_SCALERS = range(-30, 31)
_CLOCK_SET = 946_684_800
"""2000-01-01: a clock that is behind it was never set, and counts the seconds since the meter was switched on."""
_NO_UNIT = 255  # DZG meters write 0 for it


def telegrams(content: bytes, *, check_messages: bool) -> tuple[Telegram, ...]:
    """One telegram per SML_GetList.Res that has values. Zeros behind the last message are fill, counted or not.

    ``check_messages``: also hold the messages to their own CRCs, which cover nothing that the file's does not.
    Raises PayloadError, UnitError or ObisError if anything is not understood, ChecksumError for a message.
    """
    said: list[Telegram] = []
    server = b""
    at = 0
    end = len(content.rstrip(b"\0"))
    while at < end:
        tag, body, at = _message(content, at, check=check_messages)
        if tag == _OPEN_RESPONSE:
            server = _octets(_elements(body, 6)[3])
        elif tag == _GET_LIST_RESPONSE:
            said += _list(_elements(body, 7), server)
    if not at:
        raise PayloadError("a file without a message")
    return tuple(said)


def _message(content: bytes, at: int, *, check: bool) -> tuple[int, SmlNode, int]:
    """Tag and body of the message at ``at``, and where the next begins."""
    node, end = parse(content, at)
    transaction, group, abort, choice, crc, last = _elements(node, 6)
    tag, body = _elements(choice, 2)
    _number(crc)  # some leave it out: the file has one of its own
    if last is not END:
        raise PayloadError("a message that is not six elements with an end")
    _octets(transaction)
    if _number(group) is None or _number(abort) is None:
        raise PayloadError("a message without group number and abort rule")
    if check:
        _check(content[at:end])
    kind = _number(tag)
    if kind not in _BODIES:
        raise PayloadError("a message body that is not known")
    return kind, body, end


def _check(message: bytes) -> None:
    """The CRC of a message is written low byte first; some meters leave out a leading zero. ChecksumError.

    Whether it takes one byte or two is told by the byte before; where both can be, one that holds is enough.
    """
    expected = computed = 0
    for size in (2, 1):
        if message[-size - 2] != 0x61 + size:
            continue
        covered, expected = message[: -size - 2], int.from_bytes(message[-size - 1 : -1], "big")
        computed, other = crc16_x25(covered), crc16_kermit(covered)
        if expected in (_swapped(computed), other, _swapped(other)):
            return
    raise ChecksumError(expected=expected, computed=computed)


def _swapped(value: int) -> int:
    return (value & 0xFF) << 8 | value >> 8


def _elements(node: SmlNode, count: int) -> list[SmlNode]:
    if type(node) is not list or len(node) != count:
        raise PayloadError(f"no list of {count} elements where there must be one")
    return node


def _octets(node: SmlNode) -> bytes:
    if type(node) is not bytes:
        raise PayloadError("no octet string where there must be one")
    return node


def _number(node: SmlNode) -> int | None:
    """The number; None where it was left out."""
    if type(node) is int or type(node) is ShortNegative:
        return node
    if node != b"":
        raise PayloadError("no number where there must be one")
    return None


def _list(body: list[SmlNode], opened: bytes) -> list[Telegram]:
    """SML_GetList.Res: client, server, name of the list, sensor time, values, signature, gateway time."""
    client, server_node, name, sensor_time, values, signature, gateway_time = body
    for octets in (client, name, signature):
        _octets(octets)
    server = _octets(server_node) or opened
    at = _instant(sensor_time)
    _instant(gateway_time)
    if not isinstance(values, list):
        raise PayloadError("a list response without its list")
    repair = dzg_dvs74.drops_the_zero(server)
    meter = server.hex().upper()
    readings = [reading for entry in values if (reading := _entry(_elements(entry, 7), meter, at, repair=repair))]
    return [Telegram(meter, at, tuple(readings), None, "", "sml")] if readings else []


def _entry(entry: list[SmlNode], meter: str, at: datetime | None, *, repair: bool) -> Reading | None:
    """SML_ListEntry: name, status, time, unit, scaler, value, signature; None where there is no value to tell."""
    name, status, time, unit, scaler, value, signature = entry
    if status != b"":
        _number(status)
    if time != b"":
        at = _instant(time) or at
    _octets(signature)
    if isinstance(unit, list) or isinstance(scaler, list):
        raise PayloadError("a list where a number must be")
    quantity, symbol, power = _meaning(_octets(name), unit, scaler)
    said = _said(value, power, repair=repair and name == dzg_dvs74.POWER)
    if said is None:
        return None
    if isinstance(said, str):
        symbol = None
    clock = ClockSource.METER if at else ClockSource.NONE
    return Reading(meter, quantity, at, said, symbol, None, Quality.CHECKSUM_ONLY, clock)


@lru_cache(maxsize=1024, typed=True)
def _meaning(
    code: bytes, unit: bytes | int | EndOfMessage, scaler: bytes | int | EndOfMessage
) -> tuple[str, str | None, int]:
    """Quantity, unit and power of ten. ObisError, UnitError or PayloadError if one of them cannot be."""
    power = _number(scaler) or 0
    if power not in _SCALERS:
        raise PayloadError("a scaler beyond any meter")
    return obis.from_bytes(code), units.symbol(_number(unit) or _NO_UNIT), power


def _said(value: SmlNode, power: int, *, repair: bool) -> Decimal | str | None:
    """A number times its power of ten, octets as hexadecimal text, a switch as a word. None for nothing or a list."""
    if type(value) is bytes:
        return value.hex().upper() or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if repair and isinstance(value, ShortNegative):
            value = dzg_dvs74.repaired(value, value.size)
        return Decimal(value).scaleb(power)
    if isinstance(value, list):
        return None
    raise PayloadError("no value where there must be one")


def _instant(node: SmlNode) -> datetime | None:
    """SML_Time: a seconds index says no instant; a timestamp is UTC; local time brings both its offsets in minutes.

    Some meters send the seconds index bare, without the choice around it, and some a local time under another choice.
    """
    if node == b"" or type(node) is int:
        return None
    choice, content = _elements(node, 2)
    tag = _number(choice)
    if tag == 3 or isinstance(content, list):
        content, *offsets = _elements(content, 3)
        if any(_number(offset) is None for offset in offsets):
            raise PayloadError("a local time without its offsets")
    seconds = _number(content)
    if tag not in (1, 2, 3) or seconds is None or not 0 <= seconds < 1 << 32:
        raise PayloadError("a time that SML does not have")
    return None if tag == 1 or seconds < _CLOCK_SET else datetime.fromtimestamp(seconds, UTC)
