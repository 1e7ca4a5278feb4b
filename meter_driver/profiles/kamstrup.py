"""Kamstrup Omnipower: lists with OBIS codes, without scalers and units (list version Kamstrup_V0001)."""

from meter_driver.profiles.shape import Profile, Scale

_W, _VAR, _A, _V = Scale(0, "W"), Scale(0, "var"), Scale(-2, "A"), Scale(0, "V")
_WH, _VARH, _FACTOR = Scale(1, "Wh"), Scale(1, "varh"), Scale(-2, None)

PROFILE = Profile(
    name="Kamstrup Omnipower",
    list_ids=("Kamstrup_V",),
    scales={
        **dict.fromkeys([(c, 7) for c in (1, 2, 21, 22, 41, 42, 61, 62)], _W),
        **dict.fromkeys([(c, 8) for c in (1, 2, 21, 22, 41, 42, 61, 62)], _WH),
        **dict.fromkeys([(c, 7) for c in (3, 4, 23, 24, 43, 44, 63, 64)], _VAR),
        **dict.fromkeys([(c, 8) for c in (3, 4, 23, 24, 43, 44, 63, 64)], _VARH),
        **dict.fromkeys([(c, 7) for c in (31, 51, 71)], _A),
        **dict.fromkeys([(c, 7) for c in (32, 52, 72)], _V),
        **dict.fromkeys([(c, 7) for c in (13, 33, 53, 73)], _FACTOR),
    },
)
