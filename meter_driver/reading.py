"""What a meter says, in one form for all protocols."""

from datetime import datetime
from decimal import Decimal
from enum import Flag, StrEnum, auto

from msgspec import Struct

from meter_driver.errors import MeterError

SUBSTITUTED = "substituted"
"""The status of a value that stands in the place of a reading (MSCONS: qualifier 67)."""


class ClockSource(StrEnum):
    """Where the instant of a reading comes from."""

    METER = "meter"
    """The meter's own clock, with a known offset to UTC."""
    RECEIVED = "received"
    """The telegram has no usable clock: the instant of arrival, added by the edge."""
    NONE = "none"
    """No instant at all (yet)."""


class Quality(Flag):
    """How far a reading can be trusted; flags add up."""

    NONE = 0
    AUTHENTICATED = auto()
    """The telegram carried a cryptographic tag that was checked."""
    ENCRYPTED_ONLY = auto()
    """Deciphered without a tag: plausible, not proven."""
    CHECKSUM_ONLY = auto()
    """Plain text behind a checksum of the link."""
    UNCHECKED = auto()
    """Neither tag nor checksum."""
    REPLAY = auto()
    """Its frame counter is not above the last one seen."""
    SCALER_ASSUMED = auto()
    """Unit and power of ten come from a profile, not from the telegram."""
    CLOCK_DOUBTFUL = auto()
    """The meter marks its clock as doubtful or invalid, or the offset to UTC was assumed."""
    NO_VALUE = auto()
    """The meter sends the pattern that its standard reserves for "not valid" (EN 13757-3, Annex A)."""
    LAYOUT_INFERRED = auto()
    """Where the value stands was worked out from telegrams by others; neither a standard nor the maker says it."""
    ESTIMATED = auto()
    """Whoever sends it says that it was not read: proposed, preliminary or worked out."""
    VALIDATED = auto()
    """Read, and checked by whoever is answerable for metering."""
    SUBSTITUTED = auto()
    """Not read: whoever is answerable for metering put it in the place of a reading, for good."""

    @property
    def status(self) -> str:
        """What the value is worth, in the words in which it is kept: measured, estimated, validated, substituted."""
        if Quality.ESTIMATED in self:
            return "estimated"
        if Quality.SUBSTITUTED in self:
            return SUBSTITUTED
        return "validated" if Quality.VALIDATED in self else "measured"


class Reading(Struct, frozen=True, gc=False):
    """One value at one instant, or over one interval.

    Attributes:
        meter: identification as sent in the telegram ("" when it names none), never a person's name.
        quantity: OBIS code ``A-B:C.D.E*F``, or an EN 13757-3 quantity with its qualifiers
            (``energy storage=1 tariff=2``).
        at: instant of capture, UTC, aware; for intervals its end. None when the telegram has no usable clock.
        value: Decimal in ``unit`` (registers are decimal on the wire), or text.
        unit: ``kWh``, ``W``, ``V``, ``m3`` ... as in ``units``; None when the telegram sends none.
        start: begin of the interval, UTC; None for a register or an instantaneous value.
        quality: see ``Quality``.
        clock: where ``at`` comes from.
        serial: where ``meter`` is a name that others gave (on the wire to the gateway), the meter's own as its telegram
            says it; "" when it says none.
        medium: a word of ``quantities.Medium``, where the telegram says it and the quantity's name does not; else "".
    """

    meter: str
    quantity: str
    at: datetime | None
    value: Decimal | str
    unit: str | None
    start: datetime | None = None
    quality: Quality = Quality.NONE
    clock: ClockSource = ClockSource.NONE
    serial: str = ""
    medium: str = ""


class Telegram(Struct, frozen=True):
    """One telegram that was whole, trusted and understood to its last byte.

    Attributes:
        meter: identification as sent ("" when it names none).
        at: instant of the telegram, UTC; None without a usable clock.
        readings: in the order of the telegram.
        counter: invocation or frame counter of the security layer; None without one.
            The caller keeps the highest per ``system_title`` and refuses what is not above it.
        system_title: who counts (DLMS system title as hex, or the link address); "" when there is none.
        protocol: short name: ``dlms``, ``p1``, ``sml``, ``mbus``, ``wmbus``, ``iec62056-21``.
    """

    meter: str
    at: datetime | None
    readings: tuple[Reading, ...]
    counter: int | None = None
    system_title: str = ""
    protocol: str = ""


class FrameRejected(Struct, frozen=True):
    """Bytes that gave no reading, and why. Never carries the bytes: they are personal data, and events get logged.

    Attributes:
        kind: stable word, see ``errors``.
        detail: one sentence without readings, keys or names.
        dropped: how many bytes were given up.
    """

    kind: str
    detail: str
    dropped: int

    @classmethod
    def because(cls, error: MeterError, dropped: int) -> "FrameRejected":
        """The event for an error of this package."""
        return cls(error.kind, str(error), dropped)


Event = Telegram | FrameRejected
