"""Protocols and meter families of other packages, found by the entry points of the group ``metergate.meters``.

An entry point names a module (``MeterModules``). Nobody chooses a protocol, so what is installed is used, behind ours:
``meter_driver`` itself looks for nothing and gets them as arguments.
"""

from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any, NamedTuple

from edge.errors import SettingsError
from edge.extensions import found, loaded, package_of
from meter_driver.framing import API_VERSION, Framer
from meter_driver.profiles import Family, Profile

METERS_GROUP = "metergate.meters"
_OFFERS = ("FRAMERS", "FAMILIES", "RADIO")
_FRAMER = ("starts", "longest", "guarded", "take", "finish")


class MeterModules(NamedTuple):
    """What the modules offer together.

    Attributes:
        framers: their ``FRAMERS``, see ``meter_driver.framing``.
        families: their ``FAMILIES``, see ``meter_driver.profiles``.
        radio: their ``RADIO``: those of their protocols (``Telegram.protocol``) in which anybody is heard.
    """

    framers: tuple[type[Framer], ...] = ()
    families: tuple[Family | Profile, ...] = ()
    radio: frozenset[str] = frozenset()


def installed() -> MeterModules:
    """All of them, in the order of their names. SettingsError names the package of one that cannot be used."""
    framers: list[type[Framer]] = []
    families: list[Family | Profile] = []
    radio: set[str] = set()
    for _, entry in sorted(found(METERS_GROUP).items()):
        module = loaded(entry, API_VERSION)
        if not any(hasattr(module, name) for name in _OFFERS):
            raise SettingsError(f"{package_of(entry)}: {METERS_GROUP} {entry.name!r} has none of {', '.join(_OFFERS)}")
        framers += _each(entry, module, "FRAMERS", _is_framer)
        families += _each(entry, module, "FAMILIES", lambda family: isinstance(family, Family | Profile))
        radio.update(_each(entry, module, "RADIO", lambda protocol: isinstance(protocol, str)))
    return MeterModules(tuple(framers), tuple(families), frozenset(radio))


def _each(entry: EntryPoint, module: Any, name: str, fits: Callable[[Any], bool]) -> tuple[Any, ...]:
    offered = tuple(getattr(module, name, ()))
    if not all(map(fits, offered)):
        raise SettingsError(f"{package_of(entry)}: {METERS_GROUP} {entry.name!r}: {name} holds something else")
    return offered


def _is_framer(offered: Any) -> bool:
    return isinstance(offered, type) and all(hasattr(offered, name) for name in _FRAMER)
