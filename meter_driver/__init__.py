"""From the bytes of a meter to readings. Pure: no I/O, no clock, no randomness.

``detect`` finds the protocol in the bytes; ``decode`` reads one whole recording.
"""

from meter_driver.detect import decode, detect

__all__ = ["decode", "detect"]
