"""Parts that packages offer by entry points (``metergate.links``, ``metergate.meters``): which there are, and whether
one is written for this version of what it builds on."""

from collections.abc import Iterable
from importlib import metadata
from importlib.metadata import EntryPoint
from typing import Any

from edge.errors import SettingsError


def found(group: str, own: Iterable[EntryPoint] = ()) -> dict[str, EntryPoint]:
    """By name; nothing of it is imported yet. ``own`` is there without any installation.

    Raises:
        SettingsError: two packages offer different things under one name.
    """
    there: dict[str, EntryPoint] = {entry.name: entry for entry in own}
    for entry in metadata.entry_points(group=group):
        other = there.setdefault(entry.name, entry)
        if other.value != entry.value:
            raise SettingsError(f"{group}: {entry.name!r} is offered by {package_of(other)} and by {package_of(entry)}")
    return there


def loaded(entry: EntryPoint, version: int) -> Any:
    """What the entry point names. SettingsError, with the package, when it cannot be had or is of another version."""
    what = f"{package_of(entry)}: {entry.group} {entry.name!r}"
    try:
        part = entry.load()
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"{what} cannot be imported: {error}") from error
    written_for = getattr(part, "API_VERSION", None)
    if written_for != version:
        raise SettingsError(f"{what} is written for API_VERSION {written_for}, here it is {version}")
    return part


def package_of(entry: EntryPoint) -> str:
    """The distribution that an entry point belongs to, or its module where no distribution is known."""
    return entry.dist.name if entry.dist is not None else entry.module
