"""A ``[[link]]`` table of the settings: which kind of link it is, and what that kind is told."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from edge.errors import SettingsError
from edge.extensions import found, loaded
from edge.links import API_VERSION, Link, LinkKind
from meter_driver.malformed import field_and_rule

LINKS_GROUP = "metergate.links"
OWN_LINKS = tuple(EntryPoint(name, f"edge.links.{name}", LINKS_GROUP) for name in ("replay", "serial", "tcp", "udp"))
"""As pyproject.toml has them, for a checkout that is not installed."""

_Component = Annotated[str, Meta(pattern="^[A-Za-z0-9.-]*$")]


class Common(Struct, frozen=True, forbid_unknown_fields=True):
    """What is told of a line to one meter, or to several that are named, whatever its kind."""

    component: _Component = ""
    """Name of this meter, where a box reads several; empty for the one that the household's metering point is."""
    meters: dict[Annotated[str, Meta(pattern="^[A-Za-z0-9.-]+$")], _Component] = {}
    """Meters that may speak here, each with its component; by radio nobody else is read. See ``edge.whose``."""


class LinkSettings:
    """One table: a key with the name of a kind, whose value is the address; fields of that kind; ``Common``."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        """SettingsError names the field, and the kinds or fields that there are."""
        kinds = found(LINKS_GROUP, OWN_LINKS)
        name = _kind_of(table, kinds)
        self._kind: LinkKind = loaded(kinds[name], API_VERSION)
        self.name = table[name]
        """The address, for the log too."""
        common = {field: value for field, value in table.items() if field in Common.__struct_fields__}
        own = {field: value for field, value in table.items() if field not in {*kinds, *common}}
        if strange := own.keys() - set(self._kind.Settings.__struct_fields__):
            raise SettingsError(f"link.{min(strange)}: a {name} link has no such field")
        try:
            self._common = msgspec.convert(common, Common)
            self._settings = msgspec.convert(own, self._kind.Settings)
        except msgspec.ValidationError as error:
            raise SettingsError("link.{}: {}".format(*field_and_rule(error))) from None
        if self.component and self.meters:
            raise SettingsError("link: component, or meters with a component each")

    @property
    def component(self) -> str:
        """See ``Common``."""
        return self._common.component

    @property
    def meters(self) -> Mapping[str, str]:
        """See ``Common``."""
        return self._common.meters

    def open(self) -> Link:
        """The link; its line is opened when it is read. SettingsError for an address that is none."""
        return self._kind.link(self.name, self._settings)


def _kind_of(table: Mapping[str, Any], kinds: Mapping[str, EntryPoint]) -> str:
    """The one kind that the table names."""
    given = [name for name in kinds if table.get(name, "") != ""]
    if len(given) == 1 and isinstance(table[given[0]], str):
        return given[0]
    if len(given) == 1:
        raise SettingsError(f"link.{given[0]}: a text")
    there = ", ".join(sorted(kinds))
    strange = sorted(table.keys() - kinds.keys() - set(Common.__struct_fields__))
    if not given and strange:
        raise SettingsError(f"link.{strange[0]}: no kind of link; there must be exactly one of {there}")
    raise SettingsError(f"link: exactly one of {there}")
