"""Kaifa MA105, MA304: the Norwegian HAN lists (NVE/NEK HAN, list version KFM_001): no OBIS codes, scalers or units."""

from meter_driver.profiles.shape import Position, Positions, Profile, Scale

_W, _VAR, _WH, _VARH = Scale(0, "W"), Scale(0, "var"), Scale(0, "Wh"), Scale(0, "varh")
_A, _V = Scale(-3, "A"), Scale(-1, "V")

_IDENTITY = (
    Position("1-1:0.2.129*255", "text"),
    Position("0-0:96.1.0*255", "text"),
    Position("0-0:96.1.7*255", "text"),
)
_POWERS = tuple(Position(f"1-0:{c}.7.0*255", scale=scale) for c, scale in ((1, _W), (2, _W), (3, _VAR), (4, _VAR)))
_ONE_PHASE = (Position("1-0:31.7.0*255", scale=_A), Position("1-0:32.7.0*255", scale=_V))
_THREE_PHASES = tuple(
    Position(f"1-0:{c}.7.0*255", scale=scale)
    for c, scale in ((31, _A), (51, _A), (71, _A), (32, _V), (52, _V), (72, _V))
)
_HOURLY = (
    Position("0-0:1.0.0*255", "clock"),
    *(Position(f"1-0:{c}.8.0*255", scale=scale) for c, scale in ((1, _WH), (2, _WH), (3, _VARH), (4, _VARH))),
)
_VERSION = b"KFM_"

PROFILE = Profile(
    name="Kaifa, Norway",
    makers=frozenset(),
    positions=(
        Positions((Position("1-0:1.7.0*255", scale=_W),)),
        Positions(_IDENTITY + _POWERS + _ONE_PHASE, _VERSION),
        Positions(_IDENTITY + _POWERS + _THREE_PHASES, _VERSION),
        Positions(_IDENTITY + _POWERS + _ONE_PHASE + _HOURLY, _VERSION),
        Positions(_IDENTITY + _POWERS + _THREE_PHASES + _HOURLY, _VERSION),
    ),
)
