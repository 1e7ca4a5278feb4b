"""What a meter family leaves out of its telegrams: one module per family, each with one ``PROFILE`` or ``FAMILIES``.

A DLMS list may come without OBIS codes (then ``Positions`` say what stands where) or without scalers and units (then
``scales`` do). Wireless M-Bus meters may not speak in records at all (``radio.Family``). Everything that is taken from
here makes readings with the flag ``SCALER_ASSUMED``. docs/meters.md tells how to add a family.
"""

from meter_driver.profiles import (
    apator_08,
    apator_162,
    apator_eitn,
    apator_na1,
    bfw_240,
    bmeters,
    diehl_prios,
    egd,
    kaifa_norway,
    kamstrup,
    landis_gyr,
    qundis,
    techem,
    wiener_netze,
)
from meter_driver.profiles.radio import Family, Model, Said, Sent
from meter_driver.profiles.shape import Position, Positions, Profile, Scale

PROFILES: tuple[Profile, ...] = (
    egd.PROFILE,
    kaifa_norway.PROFILE,
    kamstrup.PROFILE,
    landis_gyr.PROFILE,
    wiener_netze.PROFILE,
)
"""DLMS lists."""

RADIO_FAMILIES: tuple[Family, ...] = (
    *techem.FAMILIES,
    *diehl_prios.FAMILIES,
    *apator_162.FAMILIES,
    *apator_08.FAMILIES,
    *apator_eitn.FAMILIES,
    *apator_na1.FAMILIES,
    *bfw_240.FAMILIES,
    *bmeters.FAMILIES,
    *qundis.FAMILIES,
)
"""Wireless M-Bus; of several that fit a meter the first is asked."""

__all__ = ["PROFILES", "RADIO_FAMILIES", "Family", "Model", "Position", "Positions", "Profile", "Said", "Scale", "Sent"]
