"""Siemens IM350, Iskraemeco AM550 as Wiener Netze and neighbours set them up: a list without OBIS codes.

Logical name of the push setup, meter number, time, date, four energies, two powers; some end with two empty texts.
"""

from meter_driver.profiles.shape import Position, Positions, Profile, Scale

_BEGINS = bytes.fromhex("0006190900FF")
_PLACES = (
    Position("", "text"),
    Position("0-0:96.1.0*255", "text"),
    Position("", "text"),
    Position("", "text"),
    Position("1-0:1.8.0*255", scale=Scale(0, "Wh")),
    Position("1-0:2.8.0*255", scale=Scale(0, "Wh")),
    Position("1-0:3.8.0*255", scale=Scale(0, "varh")),
    Position("1-0:4.8.0*255", scale=Scale(0, "varh")),
    Position("1-0:1.7.0*255", scale=Scale(0, "W")),
    Position("1-0:2.7.0*255", scale=Scale(0, "W")),
)

PROFILE = Profile(
    name="Wiener Netze",
    positions=(
        Positions(_PLACES, _BEGINS),
        Positions((*_PLACES, Position("", "text"), Position("", "text")), _BEGINS),
    ),
)
