"""JSON from outside: the same values as by msgspec alone, at a cost that the length bounds."""

from math import nextafter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import bodies
from adapters.bodies import decoded
from adapters.openadr.objects import ValuesMap

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_values_are_those_of_the_text(value: Any) -> None:
    assert decoded(msgspec.json.encode(value)) == value


def test_a_double_is_made_by_python_and_not_by_long_arithmetic() -> None:
    assert bodies._DECODER.float_hook is bodies._number
    assert decoded(b"[1e308,1.5,2]") == [1e308, 1.5, 2]


def test_kinds_are_checked_and_the_place_is_told() -> None:
    assert decoded(b'{"type":"a","values":[1,2.5,"x",true]}', ValuesMap).values == [1, 2.5, "x", True]
    with pytest.raises(msgspec.ValidationError, match=r"\$\.values\[1\]"):
        decoded(b'{"type":"a","values":[1,null]}', ValuesMap)


@pytest.mark.parametrize(
    "body",
    [b"", b"[" * 5000, b'{"a":' * 5000, b"\xff", b'"\xff"', b"1e400", b"-1e999999", b"9" * 5000, b"NaN", b'"\\ud800"'],
    ids=range(10),
)
def test_what_cannot_be_read_is_one_kind_of_error(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decoded(body)


def test_the_largest_double_is_read() -> None:
    assert decoded(b"1.7976931348623157e308") == nextafter(float("inf"), 0)
