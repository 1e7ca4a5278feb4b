"""Landis+Gyr E360, E450, E570: push lists with OBIS codes or a column table, without scalers and units.

Powers and energies are in W and Wh throughout; voltages and currents differ between the models (E450 in V, E360 in
tenths), and the telegram does not name the model: they stay bare numbers.
"""

from meter_driver.profiles.shape import Profile, Scale

_W, _VAR, _WH, _VARH = Scale(0, "W"), Scale(0, "var"), Scale(0, "Wh"), Scale(0, "varh")

PROFILE = Profile(
    name="Landis+Gyr",
    makers=frozenset({"LGZ"}),
    scales={
        **dict.fromkeys([(c, 7) for c in (1, 2)], _W),
        **dict.fromkeys([(c, 8) for c in (1, 2)], _WH),
        **dict.fromkeys([(c, 7) for c in (3, 4)], _VAR),
        **dict.fromkeys([(c, 8) for c in (3, 4, 5, 6, 7, 8)], _VARH),
    },
)
