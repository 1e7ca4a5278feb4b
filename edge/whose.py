"""Whose telegram is it? A line may hear meters of others: by radio the whole street, on a bus all flats. Pure.

What others' meters say is not this household's to keep. By radio only meters that are named are read; on a wire, where
no name is given, whoever speaks. Several may speak on a bus: there each one that says its number goes out under it.
"""

from collections.abc import Mapping
from typing import NamedTuple

from meter_driver import media
from meter_driver.quantities import Medium
from meter_driver.reading import FrameRejected, Telegram

RADIO = frozenset({"wmbus"})
"""Our protocols in which anybody is heard."""
BUS = frozenset({"mbus"})
"""Our protocols of a wire with many meters."""
FOREIGN = FrameRejected("foreign", "a meter that the link's meters do not name", 0)
"""How the log tells of it: without the meter's number, which is somebody's."""


class Component(NamedTuple):
    """The component under which a telegram's readings go; ``named``: the settings give it to this very meter."""

    name: str
    named: bool = False


def component_of(
    telegram: Telegram, meters: Mapping[str, str], otherwise: str, radio: frozenset[str] = RADIO
) -> Component | None:
    """None for a meter of somebody else.

    Args:
        meters: identification of a meter, or the number that is printed on it (eight digits of M-Bus), to component.
        otherwise: the component of a wired line that names no meter; with one, whoever speaks is that meter.
        radio: all protocols in which anybody is heard.
    """
    if not meters:
        return None if telegram.protocol in radio else Component(otherwise or _on_a_bus(telegram))
    if telegram.meter in meters:
        return Component(meters[telegram.meter], named=True)
    found = next((meters[part] for part in telegram.meter.split("-") if part in meters), None)
    return None if found is None else Component(found, named=True)


def _on_a_bus(telegram: Telegram) -> str:
    """``heat-12345678``; "" on a wire with one meter, and for a meter that does not say its number."""
    if telegram.protocol not in BUS or not telegram.meter:
        return ""
    medium = media.of_address(telegram.meter)
    if medium is Medium.UNKNOWN:
        return telegram.meter
    return f"{medium}-{telegram.meter.split('-')[1]}"
