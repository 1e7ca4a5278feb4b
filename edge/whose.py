"""Whose telegram is it? A line may hear meters of others: by radio the whole street, on a bus all flats. Pure.

What others' meters say is not this household's to keep. By radio only meters that are named are read; on a wire, where
no name is given, whoever speaks.
"""

from collections.abc import Mapping

from meter_driver.reading import FrameRejected, Telegram

RADIO = frozenset({"wmbus"})
"""Our protocols in which anybody is heard."""
FOREIGN = FrameRejected("foreign", "a meter that the link's meters do not name", 0)
"""How the log tells of it: without the meter's number, which is somebody's."""


def component_of(
    telegram: Telegram, meters: Mapping[str, str], otherwise: str, radio: frozenset[str] = RADIO
) -> str | None:
    """The component under which a telegram's readings go; None for a meter of somebody else.

    Args:
        meters: identification of a meter, or the number that is printed on it (eight digits of M-Bus), to component.
        otherwise: the component of a wired line that names no meter.
        radio: all protocols in which anybody is heard.
    """
    if not meters:
        return None if telegram.protocol in radio else otherwise
    if telegram.meter in meters:
        return meters[telegram.meter]
    return next((meters[part] for part in telegram.meter.split("-") if part in meters), None)
