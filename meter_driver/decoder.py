"""The shape of every decoder: bytes in, events out, nothing else."""

from collections.abc import Iterator
from typing import Protocol

from meter_driver.reading import Event


class Decoder(Protocol):
    """Sans-IO. Any split of the stream gives the same events; bad input is an event, never an exception."""

    def receive_data(self, data: bytes) -> None:
        """Add bytes as they came. ``b""`` is the end of the stream. Call ``events()`` afterwards."""

    def events(self) -> Iterator[Event]:
        """Yield what the bytes so far complete; keep the rest for later. The buffer is bounded."""
