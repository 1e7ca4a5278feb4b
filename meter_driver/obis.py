"""OBIS codes (IEC 62056-61): six value groups A to F that name a quantity, written ``A-B:C.D.E*F``."""

import re
from functools import lru_cache

from meter_driver.errors import ObisError

_FULL = re.compile(r"(\d{1,3})-(\d{1,3}):(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:[*&.](\d{1,3}))?")
_PRINTED = re.compile(r"(?:\d{1,3}-\d{1,3}:)?[\dA-Z]{1,3}(?:\.[\dA-Z]{1,3}){0,2}(?:[*&]\d{1,3})?")


@lru_cache(maxsize=4096)
def from_bytes(code: bytes) -> str:
    """Six octets as ``A-B:C.D.E*F``; F is always written. ObisError if it is not six octets."""
    if len(code) != 6:
        raise ObisError("an OBIS code has six octets")
    a, b, c, d, e, f = code
    return f"{a}-{b}:{c}.{d}.{e}*{f}"


def to_bytes(text: str) -> bytes:
    """The six octets of ``A-B:C.D.E*F``; F is 255 when left out. ObisError for reduced or impossible codes."""
    found = _FULL.fullmatch(text)
    groups = [int(group) for group in found.groups("255")] if found else []
    if not groups or max(groups) > 255:
        raise ObisError("not an OBIS code of the form A-B:C.D.E*F with groups up to 255")
    return bytes(groups)


def normal(text: str) -> str:
    """One spelling for one quantity: no leading zeros, F written (255 when left out). ObisError as ``to_bytes``."""
    return from_bytes(to_bytes(text))


def is_code(text: str) -> bool:
    """Is it an OBIS code in full, or a reduced one as IEC 62056-21 prints it (``6.8``, ``C.1.0``, ``6.26*01``)?"""
    return _PRINTED.fullmatch(text) is not None
