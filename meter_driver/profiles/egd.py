"""Meters of EG.D (Czechia, Sagemcom XT211 among them): a list of attributes with OBIS codes, without scalers and units.

The device name (0-0:42.0.0) begins with EGD. Powers are in W and energies in Wh: so the published readout of the XT211
takes them (github.com/Tomer27cz/xt211, README and configuration). It says no unit of the limiter (0-0:17.0.0), which
stays a bare number. CEZ Distribuce sends the same list without a device name: nothing in it tells whose it is.
"""

from meter_driver.profiles.shape import Profile, Scale

_W, _WH = Scale(0, "W"), Scale(0, "Wh")

PROFILE = Profile(
    name="EG.D",
    makers=frozenset({"EGD"}),
    scales={
        **dict.fromkeys([(c, 7) for c in (1, 2, 21, 22, 41, 42, 61, 62)], _W),
        **dict.fromkeys([(c, 8) for c in (1, 2)], _WH),
    },
)
