"""Sensor Measurement Lists (RFC 8428) in JSON and CBOR, with secondary units (RFC 8798, version bits of RFC 9100).

A name is a device URN (RFC 9039), a colon and a quantity: ``urn:dev:ops:box-1:1-0:1.8.0`` is the quantity
``1-0:1.8.0*255`` of the device ``urn:dev:ops:box-1``. Names know no ``*``, blank or ``=``: an F other than 255 is a
sixth part (``1-0:1.8.0.1``), and ``energy storage=1`` is written ``energy/storage_1``.

Labels of our own carry what RFC 8428 has no place for. Four hold until they change, as base fields do, and others may
ignore them: ``bmgq``, the flags of ``Quality`` as an integer, ``bmgc``, the ``ClockSource``, ``bmgs``, the serial
number of the meter as its telegram names it, and ``bmgm``, its medium (a word of ``quantities.Medium``, or "" where the
names of its quantities tell it or nobody does). One holds for its record alone and must be understood (section 4.4),
for without it an amount would be taken for a stand: ``mgd_``, the seconds that an entry covers, which end at its time.
"""

from meter_driver.senml.read import Pack, parse
from meter_driver.senml.terms import (
    CBOR,
    JSON,
    MAX_BODY,
    MAX_RECORDS,
    MAX_SERIAL,
    MAX_TEXT,
    device_urn,
    join_name,
    split_device,
    split_name,
)
from meter_driver.senml.write import Piece, Writer, encode, join

__all__ = [
    "CBOR",
    "JSON",
    "MAX_BODY",
    "MAX_RECORDS",
    "MAX_SERIAL",
    "MAX_TEXT",
    "Pack",
    "Piece",
    "Writer",
    "device_urn",
    "encode",
    "join",
    "join_name",
    "parse",
    "split_device",
    "split_name",
]
