"""The words of SenML: labels, units, names, numbers and their bounds. What ``read`` and ``write`` share."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Underflow
from functools import lru_cache
from typing import Any, Final

from meter_driver import obis
from meter_driver.errors import ObisError, SenmlError
from meter_driver.quantities import Medium
from meter_driver.units import SPELLINGS

JSON: Final = "application/senml+json"
CBOR: Final = "application/senml+cbor"

MAX_BODY = 1 << 20
"""Bytes of a pack, inflated."""
MAX_RECORDS = 10_000
MAX_TEXT = 256
"""Characters of a name or a text value."""
MAX_SERIAL = 63
"""Characters of a serial number: at most 252 bytes."""
MAX_DIGITS = 34
MAX_EXPONENT = 60
"""Bounds of a number; beyond them it is refused, never rounded."""

RELATIVE_BELOW = 1 << 28
"""Times below this are relative to now (RFC 8428 section 4.5.3)."""
VERSION, VERSION_WITH_SECONDARY_UNITS = 10, 26

_PRIMARY = (
    "m kg g s A K cd mol Hz rad sr N Pa J W C V F Ohm S Wb T H Cel lm lx Bq Gy Sv kat m2 m3 l m/s m/s2 m3/s l/s "
    "W/m2 cd/m2 bit bit/s lat lon pH dB dBW Bspl count / %RH %EL EL 1/s 1/min beat/min beats S/m B VA VAs var vars "
    "J/m kg/m3 deg NTU"
)
_SECONDARY = (
    "ms min h MHz kW kVA kvar Ah Wh kWh varh kvarh kVAh Wh/km KiB GB Mbit/s B/s MB/s mV mA dBm ug/m3 mm/h m/h ppm "
    "/100 /1000 hPa mm cm km km/h ppb ppt"
)
"""RFC 8798 and the registry."""
_OURS = {"l": "L", "/100": "%"}
UNITS = {unit: _OURS.get(unit, unit) for unit in f"{_PRIMARY} {_SECONDARY}".split()}
UNITS |= {unit: unit for unit in SPELLINGS}
"""What meters say and no registry has is taken, and sent as it is."""
THEIRS = {ours: theirs for theirs, ours in UNITS.items() if theirs not in ("%", "L")}
NEEDS_26 = frozenset(_SECONDARY.split())

EXACT = Context(
    prec=MAX_DIGITS,
    Emax=MAX_EXPONENT,
    Emin=-MAX_EXPONENT,
    traps=[Inexact, InvalidOperation, Overflow, Underflow],
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_SECOND = 253402300800
"""The first second of the year 10000."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-:./_]*")
_OBIS = re.compile(r"(.*?):?(\d{1,3}-\d{1,3}:[\d.]+)", re.DOTALL)
_STAR: Final = "--"
_AND: Final = "-_"
"""How a name, which knows no star, has that of a reduced code (IEC 62056-21), and how its ampersand."""
_UNNAMED = re.compile(r"[^A-Za-z0-9\-.]")


LABELS: dict[Any, str] = {
    -1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", -6: "bs",
    0: "n", 1: "u", 2: "v", 3: "vs", 4: "vb", 5: "s", 6: "t", 7: "ut", 8: "vd",
    "bmgq": "bmgq", "bmgc": "bmgc", "bmgs": "bmgs", "bmgm": "bmgm", "mgd_": "mgd_",
}  # fmt: skip
"""Integer labels of CBOR (RFC 8428 table 4)."""
OWN_LABELS = ("bmgq", "bmgc", "bmgs", "bmgm", "mgd_")
MEDIA: Final = {word: word for word in ("", *(medium.value for medium in Medium))}
"""What ``bmgm`` may say."""
LONGEST_ENTRY = 400 * 86400
"""Seconds that an entry may cover."""
INTEGERS = {name: label for label, name in LABELS.items()}


class OutOfBounds:
    """Stands where a number was that cannot be held exactly."""


def exact(digits: str) -> Decimal | OutOfBounds:
    """A number as it is written; what ``EXACT`` cannot hold becomes ``OutOfBounds``."""
    try:
        return EXACT.create_decimal(digits)
    except DecimalException:
        return OutOfBounds()


class _Big(int):
    """From a tag: numbers that differ by multiples of 2**61 - 1 would all meet in one place of a map."""

    __hash__ = object.__hash__


def _big(sign: int) -> Callable[[Any, bool], _Big | OutOfBounds]:
    def read(octets: Any, _: bool) -> _Big | OutOfBounds:
        if not isinstance(octets, bytes) or len(octets) > _MAX_OCTETS:
            return OutOfBounds()  # before it costs the square of its length
        value = int.from_bytes(octets, "big")
        return _Big(value if sign > 0 else -1 - value) if value < 10**MAX_DIGITS else OutOfBounds()

    return read


def _of_no_use(_: Any, __: bool) -> OutOfBounds:
    return OutOfBounds()


_MAX_OCTETS = 15
"""Of a number of ``MAX_DIGITS``."""
TAGS: Final = {2: _big(1), 3: _big(-1)} | dict.fromkeys((30, 35, 36, 100, 258, 260, 261, 1004), _of_no_use)
"""How CBOR's tags are read that could cost more than their bytes; rationals, expressions, mails and the like are no
value of a record."""


def text(value: Any, field: str) -> str:
    """A string within its bound. SenmlError names the field."""
    if not isinstance(value, str):
        raise SenmlError(f"{field} is not a string")
    if len(value) > MAX_TEXT:
        raise SenmlError(f"{field} has more than {MAX_TEXT} characters")
    return value


def serial(value: Any) -> str:
    """A serial number within its bound."""
    if len(text(value, "bmgs")) > MAX_SERIAL:
        raise SenmlError(f"bmgs has more than {MAX_SERIAL} characters")
    return str(value)


def number(value: Any, field: str) -> Decimal | int:
    """A number within its bounds. SenmlError names the field."""
    if type(value) is int:
        value = OutOfBounds() if abs(value) >= 10**MAX_DIGITS else value
    if isinstance(value, OutOfBounds):
        raise SenmlError(f"{field} is out of bounds: {MAX_DIGITS} digits, exponent {MAX_EXPONENT}")
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return value
    raise SenmlError(f"{field} is not a number")


def bounded(value: Decimal) -> Decimal | OutOfBounds:
    """A decimal fraction of CBOR may have any exponent."""
    try:
        return EXACT.create_decimal(value) if value.is_finite() else OutOfBounds()
    except DecimalException:
        return OutOfBounds()


@lru_cache(maxsize=8192)
def split_name(name: str) -> tuple[str, str]:
    """Device URN and quantity of a full SenML name.

    Raises:
        SenmlError: characters or a length that RFC 8428 section 4.5.1 forbids, no quantity, or a group above 255.
    """
    if len(name) > MAX_TEXT or not _NAME.fullmatch(name):
        raise SenmlError("the name is empty, too long, or has a character that names do not have")
    found = _OBIS.fullmatch(name)
    if found:
        try:
            return found[1], obis.normal(found[2])
        except ObisError as error:
            raise SenmlError(str(error)) from None
    device, _, quantity = name.rpartition(":")
    if not quantity:
        raise SenmlError("the name has no quantity")
    first, *rest = quantity.replace(_STAR, "*").replace(_AND, "&").split("/")
    return device, " ".join([first, *[part.replace(".", "=", 1) for part in rest]])


@lru_cache(maxsize=8192)
def join_name(device: str, quantity: str) -> tuple[str, str]:
    """Base name and name for a device and a quantity, the inverse of ``split_name``.

    OBIS codes go without their ``*255``. In other quantities a blank becomes ``/``, the ``=`` of a qualifier ``.``, and
    a star ``--``, an ampersand ``-_``: ``volume_flow max storage=1`` is ``volume_flow/max/storage.1``, ``6.26*01`` is
    ``6.26--01``.

    Raises:
        SenmlError: the quantity has characters that a name cannot carry.
    """
    head, star, last = quantity.partition("*")
    if star and ":" in head:
        name = head if last == "255" else f"{head}.{last}"
    else:
        first, *rest = quantity.replace("*", _STAR).replace("&", _AND).split(" ")
        name = "/".join([first, *[part.replace("=", ".", 1) for part in rest]])
    if split_name(f"{device}:{name}") != (device, quantity):
        raise SenmlError("the quantity cannot be written as a SenML name")
    return f"{device}:", name


def device_urn(box: str, component: str = "") -> str:
    """``urn:dev:ops:box`` or, for one of several meters behind a box, ``urn:dev:ops:box_component`` (RFC 9039)."""
    return f"urn:dev:ops:{box}" + (f"_{_UNNAMED.sub('-', component)}" if component else "")


@lru_cache(maxsize=8192)
def split_device(urn: str) -> tuple[str, str]:
    """Box and component of a device URN; the component is "" for the box's own meter.

    Raises:
        SenmlError: not a name of the form ``urn:dev:ops:``.
    """
    if not urn.startswith("urn:dev:ops:") or len(urn) == len("urn:dev:ops:"):
        raise SenmlError("the device is not named urn:dev:ops:")
    box, _, component = urn.removeprefix("urn:dev:ops:").partition("_")
    return box, component
