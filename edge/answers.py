"""What the gateway answers a box, decoded."""

from typing import TypeVar

import msgspec

from edge.errors import UplinkError

T = TypeVar("T")


def decoded(text: bytes, kind: type[T]) -> T:
    """Raises ``UplinkError`` for all that is another kind, no JSON, or nested too deep."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UplinkError("an answer that is not understood") from error
