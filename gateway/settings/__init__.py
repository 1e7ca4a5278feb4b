"""One TOML file, read once, frozen afterwards. ``docs/settings.md`` names every field; a test compares the two."""

import os
import tomllib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator, model_validator
from sqlalchemy import URL

from adapters.validation import in_words
from gateway.errors import SettingsError
from gateway.settings.limits import LimitSettings
from gateway.settings.tables import (
    CohortSettings,
    ControllerSettings,
    ListenerSettings,
    LogSettings,
    OutboundSettings,
    RetentionSettings,
    SettingsTable,
    StoreSettings,
)
from gateway.settings.vee import VeeSettings
from policies.roles import Listener

PORTS = {Listener.PEOPLE: 8443, Listener.DEVICES: 8444, Listener.PARTNERS: 8445, Listener.OPENADR20: 8446}


def _door(which: Listener) -> Any:
    port = PORTS[which]
    return Field(default_factory=lambda: ListenerSettings(port=port), description=f"Listener; port {port} by default.")


class Settings(SettingsTable):
    """The whole file. Relative paths are relative to it."""

    data: Path = Field(
        default=Path("data"), description="Folder of the store. Sealed, but made with mode 0700 all the same."
    )
    keys: Path = Field(
        default=Path("keys"), description="Folder of root, CA and signing key; apart from the data, mode 0700."
    )
    store: StoreSettings = Field(default=StoreSettings(), description="Where tables are kept.")
    timezone: str = Field(default="Europe/Berlin", description="Where local days begin (IANA name).")
    people: ListenerSettings = _door(Listener.PEOPLE)
    partners: ListenerSettings = _door(Listener.PARTNERS)
    devices: ListenerSettings = _door(Listener.DEVICES)
    openadr20: ListenerSettings = _door(Listener.OPENADR20)
    retention: RetentionSettings = Field(default=RetentionSettings(), description="How long what can be opened.")
    cohorts: CohortSettings = Field(default=CohortSettings(), description="Neighbourhood figures.")
    limits: LimitSettings = Field(default=LimitSettings(), description="Bounds.")
    vee: VeeSettings = Field(default=VeeSettings(), description="Validation, estimation and editing.")
    outbound: OutboundSettings = Field(default=OutboundSettings(), description="Calls to others.")
    log: LogSettings = Field(default=LogSettings(), description="The log.")
    controller: ControllerSettings = Field(default=ControllerSettings(), description="Who runs this gateway.")
    adapters: dict[str, dict[str, Any]] = Field(
        default={}, repr=False, description="One table for each adapter; see the adapter's own page. Never shown."
    )

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("an IANA time zone") from None
        return name

    @model_validator(mode="before")
    @classmethod
    def _ports(cls, table: Any) -> Any:
        """A listener's table that names no port keeps the usual one."""
        if not isinstance(table, dict):
            return table
        usual = {
            w.value: {"port": p, **table[w.value]} for w, p in PORTS.items() if isinstance(table.get(w.value), dict)
        }
        return {**table, **usual}

    @property
    def store_url(self) -> URL:
        """Where the store is."""
        return self.store.at(self.data)

    @property
    def tree(self) -> Path:
        """The key tree, beside the store."""
        return self.data / "tree"

    def listener(self, which: Listener) -> ListenerSettings:
        """The settings of one listener."""
        found: ListenerSettings = getattr(self, which.value)
        return found

    def adapter(self, name: str) -> dict[str, Any]:
        """The adapter's own table; empty without one."""
        return self.adapters.get(name, {})


def load(file: Path) -> Settings:
    """Read and check a file. Raises ``SettingsError``, which names each field and the rule that it breaks."""
    try:
        table = tomllib.loads(file.read_text())
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: not TOML (not UTF-8)") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not TOML ({error})") from None
    return parse(table, file.parent)


def parse(table: dict[str, Any], home: Path) -> Settings:
    """Check a table; relative paths are taken from ``home``. Raises ``SettingsError``."""
    try:
        settings = Settings.model_validate(table)
    except ValidationError as error:
        raise SettingsError(in_words(error, "settings")) from None
    anchored = _anchored(settings, home)
    if (why := _together(anchored)) is not None:
        raise SettingsError(why)
    return anchored


def _anchored(settings: Settings, home: Path) -> Settings:
    doors = {each.value: _door_at(settings.listener(each), home) for each in Listener}
    extra = settings.outbound.extra_ca
    table = settings.retention
    names = ("recovery_key", "recovery_endings", "second_keeper")
    named = {name: path for name in names if (path := getattr(table, name)) is not None}
    retention = table.model_copy(update={name: home / path for name, path in named.items()})
    outbound = settings.outbound.model_copy(update={"extra_ca": home / extra if extra else None})
    return settings.model_copy(
        update={
            "data": home / settings.data,
            "keys": home / settings.keys,
            "outbound": outbound,
            "retention": retention,
            **doors,
        }
    )


def _door_at(door: ListenerSettings, home: Path) -> ListenerSettings:
    names = ("certificate", "key", "rsa_certificate", "rsa_key", "client_ca")
    return door.model_copy(update={n: home / p for n in names if (p := getattr(door, n)) is not None})


def _together(settings: Settings) -> str | None:
    """What shall be apart and is not, when all paths are known; None where all is well."""
    data, keys, store = settings.data, settings.keys, Path(settings.store_url.database or "")
    if _inside(keys, data) or _inside(data, keys):
        return "settings: keys and data are two folders, neither inside the other"
    if _inside(store, keys) or _inside(store, settings.tree) or _inside(data, store):
        return "store.url: a file of its own, not inside the folder of the keys, and not the key tree"
    for name in ("recovery_endings", "second_keeper"):
        apart = getattr(settings.retention, name)
        if apart is not None and (_inside(apart, data) or _inside(apart, keys)):
            return f"retention.{name}: a folder on another disk, not inside that of the data or the keys"
    return None


def _inside(inner: Path, outer: Path) -> bool:
    return Path(os.path.abspath(inner)).is_relative_to(os.path.abspath(outer))
