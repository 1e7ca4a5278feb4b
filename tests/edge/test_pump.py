"""The pump: whatever way the bytes come in pieces, the same comes out."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import LinkError
from edge.links import Opened
from edge.pump import pump
from edge.simulator import meter
from meter_driver.detect import detect
from meter_driver.reading import Event, FrameRejected, Telegram

SENDER = meter(1)
START = datetime(2026, 1, 2, 11, 4, 5, tzinfo=UTC)
STREAM = b"".join(SENDER.telegram(START + timedelta(seconds=5 * n)) for n in range(3))


class Pieces:
    """A link that gives what it is told to, and may break at the end."""

    live = True

    def __init__(self, pieces: list[bytes], *, breaks: bool = False) -> None:
        self._pieces, self._breaks = pieces, breaks

    async def bytes(self, opened: Opened) -> AsyncGenerator[bytes, None]:
        opened()
        for piece in self._pieces:
            if piece:
                yield piece
        if self._breaks:
            raise LinkError("gone")


async def pumped(link: Pieces) -> list[Event]:
    events: list[Event] = []

    async def accept(more: list[Event]) -> None:
        events.extend(more)

    await pump(link, detect(SENDER.key), accept, lambda: None)
    return events


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=20))
async def test_any_split_of_the_stream_gives_the_same_events(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in pairwise(edges)]
    events = await pumped(Pieces(pieces))
    assert [event.counter for event in events if isinstance(event, Telegram)] == [1, 2, 3]
    assert len(events) == 3


async def test_half_a_telegram_at_the_end_is_an_event() -> None:
    *good, last = await pumped(Pieces([STREAM[:-10]]))
    assert [type(event) for event in good[:2]] == [Telegram, Telegram]
    assert isinstance(last, FrameRejected)


async def test_what_came_before_a_line_broke_is_kept() -> None:
    events: list[Event] = []

    async def accept(more: list[Event]) -> None:
        events.extend(more)

    with pytest.raises(LinkError):
        await pump(Pieces([STREAM], breaks=True), detect(SENDER.key), accept, lambda: None)
    assert len(events) == 3
