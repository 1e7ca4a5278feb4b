"""What a meter family leaves out of its telegrams: one module per family, each with one ``PROFILE``.

A DLMS list may come without OBIS codes (then ``Positions`` say what stands where) or without scalers and units (then
``scales`` do). Everything that is taken from here makes readings with the flag ``SCALER_ASSUMED``. docs/meters.md
tells how to add a family.
"""

from meter_driver.profiles import egd, kaifa_norway, kamstrup, landis_gyr, wiener_netze
from meter_driver.profiles.shape import Position, Positions, Profile, Scale

PROFILES: tuple[Profile, ...] = (
    egd.PROFILE,
    kaifa_norway.PROFILE,
    kamstrup.PROFILE,
    landis_gyr.PROFILE,
    wiener_netze.PROFILE,
)

__all__ = ["PROFILES", "Position", "Positions", "Profile", "Scale"]
