"""The newest readings of the household's own meter, for those beside the box. Pure but for its memory."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from meter_driver.errors import UnitError
from meter_driver.reading import Reading
from meter_driver.senml import split_device
from meter_driver.units import convert

MEASURED: Mapping[str, tuple[str, str]] = {"1-0:1.7.0*255": ("powerReal", "W"), "1-0:1.8.0*255": ("energyReal", "Wh")}
"""What can be reported: quantity to openleadr's measurement and its unit."""


class Latest:
    """The last reading of each quantity of the household's own meter; what telemetry is made of."""

    def __init__(self, clock: Callable[[], datetime], *, stale: timedelta = timedelta(minutes=5)) -> None:
        self._clock = clock
        self._stale = stale
        self._readings: dict[str, Reading] = {}

    def see(self, readings: Sequence[Reading]) -> None:
        """Remember the newest of those that can be reported."""
        for reading in readings:
            own = not split_device(reading.meter)[1]
            if own and reading.quantity in MEASURED and reading.at is not None:
                known = self._readings.get(reading.quantity)
                if known is None or known.at is None or known.at <= reading.at:
                    self._readings[reading.quantity] = reading

    def value(self, quantity: str) -> list[tuple[datetime, float]]:
        """Instant and value in the unit of ``MEASURED``; empty when there is none, or none that is fresh."""
        reading = self._readings.get(quantity)
        if reading is None or reading.at is None or self._clock() - reading.at > self._stale:
            return []
        if not isinstance(reading.value, Decimal) or reading.unit is None:
            return []
        try:
            return [(reading.at, float(convert(reading.value, reading.unit, MEASURED[quantity][1])))]
        except UnitError:
            return []
