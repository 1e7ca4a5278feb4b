"""JSON from outside, read at a cost that its length bounds. Pure.

msgspec works out a number near the ends of what a double can hold by long arithmetic: some 20 us for five bytes.
Python's own ``float`` does not, so numbers with a point or an exponent go through it.
"""

from math import isfinite
from typing import Any, TypeVar, overload

import msgspec

_T = TypeVar("_T")


def _number(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise msgspec.DecodeError("a number is out of range")
    return number


_DECODER = msgspec.json.Decoder(float_hook=_number)
_decode = _DECODER.decode


@overload
def decoded(body: bytes) -> Any: ...
@overload
def decoded(body: bytes, kind: type[_T]) -> _T: ...
def decoded(body: bytes, kind: Any = Any) -> Any:
    """What stands in it, as ``kind``. Raises ``msgspec.DecodeError`` for all that is no JSON, or nested too deep, and
    its ``msgspec.ValidationError`` for another kind: the only one that says where.
    """
    try:
        document = _decode(body)
    except RecursionError:
        raise msgspec.DecodeError("nested too deep") from None
    except msgspec.DecodeError:
        raise
    except ValueError as error:  # UTF-8 that is none, an integer of thousands of digits
        raise msgspec.DecodeError(type(error).__name__) from None
    return document if kind is Any else msgspec.convert(document, kind)
