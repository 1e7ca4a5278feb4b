"""Which extensions there are: entry points of three groups, ours and those that the settings name.

Ours come from the metadata of our own distribution, like anybody's: an installation whose metadata are older than its
code finds nothing, and a start without outputs of our own is refused with a sentence that says what to do.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sqlalchemy import Table

from adapters.plugin import API_VERSION, Migrations
from gateway.errors import SettingsError
from gateway.settings import Settings

OWN_DISTRIBUTION = "metergate"
"""Our own distribution."""
LONGEST_REASON = 200
"""Characters of an error of a package's own that a message repeats."""
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


class ExtensionKind(Enum):
    """The value is the group of its entry points."""

    OUTPUT = "metergate.outputs"
    INPUT = "metergate.inputs"
    PROCESSOR = "metergate.processors"

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Found:
    """An extension that will be made. ``package``: its distribution with its version, for messages.

    ``create`` is the factory of its kind, see ``adapters.plugin``.
    """

    kind: ExtensionKind
    name: str
    package: str
    ours: bool
    create: Any
    migrations: Migrations | None

    @property
    def said(self) -> str:
        """How a message calls it."""
        return f"{self.kind.word} {self.name} of package {self.package}"


def found(settings: Settings) -> list[Found]:
    """Ours unless switched off (``enabled = false``), and others that have a table ``[adapters.NAME]``.

    Raises ``SettingsError`` for a table that is nobody's, a name that two have, and whatever was written for another
    version of ``adapters.plugin``.
    """
    there = sorted(
        ((kind, entry) for kind in ExtensionKind for entry in entry_points(group=kind.value)),
        key=lambda one: (not _ours(one[1]), one[1].name),
    )
    if not any(_ours(entry) for _, entry in there):
        raise SettingsError(f"the metadata of {OWN_DISTRIBUTION} name no outputs: install it again (pip install -e .)")
    _named_once(there, settings)
    return [_loaded(kind, entry) for kind, entry in there if _wanted(entry, settings)]


def guarded_tables(all_: Sequence[Found]) -> list[Table]:
    """Of these extensions: whose rows say who may."""
    return [table for it in all_ if it.migrations is not None for table in it.migrations.guarded()]


def _named_once(there: Sequence[tuple[ExtensionKind, EntryPoint]], settings: Settings) -> None:
    names = [entry.name for _, entry in there]
    for name in settings.adapters:
        if names.count(name) == 0 and settings.adapter(name).get("enabled", True):
            raise SettingsError(f"adapters.{name}: no installed package has an extension of this name")
    for kind, entry in there:
        if names.count(entry.name) > 1 and _wanted(entry, settings):
            raise SettingsError(f"adapters.{entry.name}: two packages have it, one is {_package(entry)} ({kind.word})")


def _wanted(entry: EntryPoint, settings: Settings) -> bool:
    there = _ours(entry) or entry.name in settings.adapters
    return there and bool(settings.adapter(entry.name).get("enabled", True))


def _loaded(kind: ExtensionKind, entry: EntryPoint) -> Found:
    """A foreign package is imported here for the first time."""
    where = f"adapters.{entry.name}: {kind.word} {entry.name} of package {_package(entry)}"
    if not _NAME.fullmatch(entry.name):
        raise SettingsError(f"{where}: a name is lower case letters, digits and dashes, at most 31")
    try:
        create, module = entry.load(), import_module(entry.module)
    except Exception as error:
        raise SettingsError(f"{where}: {entry.value} cannot be loaded ({_why(error)})") from error
    version = API_VERSION if _ours(entry) else getattr(module, "API_VERSION", None)
    if version != API_VERSION:
        said = "names no API_VERSION" if version is None else f"was written for version {version}"
        raise SettingsError(
            f"{where}: {entry.module} {said}, this gateway has version {API_VERSION} of adapters.plugin"
        )
    return Found(kind, entry.name, _package(entry), _ours(entry), create, getattr(module, "MIGRATIONS", None))


def _why(error: Exception) -> str:
    """What went wrong while a module was imported; which module is missing, where one is."""
    told = str(error).partition("\n")[0][:LONGEST_REASON]
    return f"{type(error).__name__}: {told}" if told else type(error).__name__


def _ours(entry: EntryPoint) -> bool:
    return entry.dist is not None and entry.dist.name == OWN_DISTRIBUTION


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "(unknown)"
