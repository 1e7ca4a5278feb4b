"""What the first boxes kept: a whole pack of CBOR for each telegram. It says only the base fields that differ from what
holds at the head of a pack, so behind another one it would mean something else: it is read, and written anew. Pure.

Their rows have no form. They go out in batches of their own, and with the last of them this is no longer needed.
"""

from meter_driver import senml

FORM = ""


def bound(box: str, number: int) -> bytes:
    """What their seals are bound to."""
    return f"metergate-edge outbox 1 {box} {number}".encode()


def piece(pack: bytes) -> senml.Piece:
    """A pack of theirs, opened, in the form that can be put together; the same records in the same order."""
    writer = senml.Writer(senml.CBOR)
    for reading in senml.parse(pack, senml.CBOR).readings:
        writer.add(reading)
    return writer.piece()
