"""Feed bytes to the detector and see what comes out."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import pairwise

from meter_driver.detect import detect
from meter_driver.reading import Event, FrameRejected, Telegram


def events(pieces: Iterable[bytes]) -> list[Event]:
    """All events of a recording that arrived in these pieces."""
    decoder = detect()
    seen: list[Event] = []
    for piece in (*filter(None, pieces), b""):
        decoder.receive_data(piece)
        seen += decoder.events()
    return seen


def telegrams(*pieces: bytes) -> list[Telegram]:
    """Only the telegrams."""
    return [event for event in events(pieces) if isinstance(event, Telegram)]


def rejections(data: bytes) -> list[str]:
    """The kinds of what was rejected."""
    return [event.kind for event in events([data]) if isinstance(event, FrameRejected)]


def cut(data: bytes, cuts: Iterable[int]) -> Iterator[bytes]:
    """The data in pieces."""
    edges = [0, *sorted(min(at, len(data)) for at in cuts), len(data)]
    return (data[a:b] for a, b in pairwise(edges))


def values(seen: Iterable[Telegram]) -> dict[str, tuple[Decimal | str, str | None]]:
    """Quantity to value and unit."""
    return {reading.quantity: (reading.value, reading.unit) for telegram in seen for reading in telegram.readings}
