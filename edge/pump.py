"""Bytes from a link into a decoder, events out of it. Short on purpose."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing

from edge.links import Link, Opened
from meter_driver.decoder import Decoder
from meter_driver.reading import Event


async def pump(link: Link, decoder: Decoder, accept: Callable[[list[Event]], Awaitable[None]], opened: Opened) -> None:
    """Run until the line ends. Cancel the task to stop earlier. LinkError when the line breaks.

    A link's ``b""`` (silence) ends the recording for the decoder: halves of two telegrams are never joined.

    ``accept`` gets what one piece of the stream completed, at once: it is kept in one durable step.
    ``opened`` is called when the line is open.
    """
    async with aclosing(link.bytes(opened)) as stream:
        try:
            async for data in stream:
                decoder.receive_data(data)
                if events := list(decoder.events()):
                    await accept(events)
        finally:
            decoder.receive_data(b"")
            if events := list(decoder.events()):
                await accept(events)
