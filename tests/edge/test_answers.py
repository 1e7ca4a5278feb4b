"""An answer that cannot be read is one that is sent for again, whatever it is."""

import msgspec
import pytest

from edge.answers import decoded
from edge.errors import UplinkError


class _Told(msgspec.Struct):
    reason: str = ""


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"reason": 1}', b'{"reason": "\xff"}', b'{"a":' * 5000, b"[" * 5000 + b"]" * 5000]
)
def test_what_is_no_answer_is_not_understood(text: bytes) -> None:
    with pytest.raises(UplinkError) as caught:
        decoded(text, _Told)
    assert caught.value.reason == "an answer that is not understood"


def test_fields_that_are_not_known_are_passed_over() -> None:
    assert decoded(b'{"reason": "full", "more": [1]}', _Told).reason == "full"
