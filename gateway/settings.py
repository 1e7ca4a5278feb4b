"""One TOML file, read once, frozen afterwards. ``docs/settings.md`` names every field; a test compares the two."""

import os
import tomllib
from datetime import timedelta
from decimal import Decimal
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from gateway.errors import SettingsError
from meter_driver.quantities import Medium
from policies.retention import DEFAULT_DAYS, MOST_RETENTION_DAYS
from policies.roles import Listener
from policies.terms import DetailClass
from policies.vee.rules import VEE_RULES
from policies.vee.terms import Limits


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


_Days = Annotated[int, Field(ge=0, le=MOST_RETENTION_DAYS)]


class ListenerSettings(_Part):
    """One of the four listeners."""

    host: str = Field(default="127.0.0.1", description="Address to bind.")
    port: int = Field(ge=0, le=65535, description="Port to bind; 0 takes a free one.")
    enabled: bool = Field(default=True, description="Whether this listener is opened at all.")
    clear: bool = Field(default=False, description="Without TLS. Only on a loopback address.")
    certificate: Path | None = Field(
        default=None, description="Certificate chain (PEM). Without one the gateway issues one from its own CA."
    )
    key: Path | None = Field(default=None, description="Private key of the chain (PEM).")
    rsa_certificate: Path | None = Field(
        default=None, description="A second chain with an RSA key, for clients that cannot do ECC (openadr20, rule 67)."
    )
    rsa_key: Path | None = Field(default=None, description="Private key of the RSA chain (PEM).")
    client_ca: Path | None = Field(
        default=None, description="Further roots (PEM) for client certificates, beside the gateway's own CA."
    )
    public_url: str = Field(
        default="", description="How it is reached from outside; empty: derived from host and port."
    )
    max_connections: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=4096, description="Connections at a time; one more is closed at once."
    )
    max_per_address: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=2048, description="Of these from one address (IPv6: one /64). 0: no bound, for a balancer in front."
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.clear and not is_loopback(self.host):
            raise ValueError("clear is allowed on loopback only")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together")
        if (self.rsa_certificate is None) != (self.rsa_key is None):
            raise ValueError("rsa_certificate and rsa_key belong together")
        if self.public_url and not self.public_url.startswith(("http://", "https://")):
            raise ValueError("public_url begins with https:// (or http:// on loopback)")
        return self


class RetentionSettings(_Part):
    """Days for which each class of detail can be opened."""

    live: _Days = Field(default=DEFAULT_DAYS[DetailClass.LIVE], description="Readings as received, in days.")
    quarter: _Days = Field(default=DEFAULT_DAYS[DetailClass.QUARTER], description="Quarters of an hour, in days.")
    day: _Days = Field(default=DEFAULT_DAYS[DetailClass.DAY], description="Registers and sums of a day, in days.")
    legal: _Days = Field(default=DEFAULT_DAYS[DetailClass.LEGAL], description="What a named statute demands, in days.")
    access_log: Annotated[int, Field(ge=1, le=366)] = Field(default=90, description="The access log, in days.")
    recovery_hours: Annotated[int, Field(ge=0, le=24 * 31)] = Field(
        default=0, description="How long a root sealed to the offline recovery key is kept, in hours. 0: none is kept."
    )

    recovery_key: Path | None = Field(
        default=None, description="Public half of the offline recovery key (PEM, X25519)."
    )

    def by_class(self) -> dict[DetailClass, int]:
        """Days by class of detail."""
        return {
            DetailClass.LIVE: self.live,
            DetailClass.QUARTER: self.quarter,
            DetailClass.DAY: self.day,
            DetailClass.LEGAL: self.legal,
        }


class CohortSettings(_Part):
    """Neighbourhood figures."""

    profile: Literal["de-msbg", "us-15-15", "strict"] = Field(
        default="us-15-15",
        description="How small a group may be: de-msbg (5), us-15-15 (15, no member over 15 %), strict (50).",
    )
    interval_minutes: Annotated[int, Field(ge=15, le=1440)] = Field(
        default=15, description="Length of a cell, in minutes."
    )
    grace_minutes: Annotated[int, Field(ge=0, le=1440)] = Field(
        default=5, description="How long after its end a cell waits for late readings, in minutes."
    )

    @field_validator("interval_minutes")
    @classmethod
    def _divides(cls, minutes: int) -> int:
        if 1440 % minutes:
            raise ValueError("an interval divides the day")
        return minutes


class LimitSettings(_Part):
    """Bounds on what comes in."""

    body_bytes: Annotated[int, Field(ge=1024, le=64 << 20)] = Field(
        default=4 << 20, description="Largest request body on any route, in bytes; routes may set less."
    )
    login_wrong_per_minute: Annotated[int, Field(ge=5, le=10_000)] = Field(
        default=60, description="Wrong one-time codes from one address in a minute before the answer is 429."
    )
    token_minutes: Annotated[int, Field(ge=1, le=60)] = Field(
        default=15, description="Life of a partner's token, in minutes."
    )
    session_days: Annotated[int, Field(ge=1, le=366)] = Field(
        default=30, description="Life of a household's session, in days."
    )
    login_code_days: Annotated[int, Field(ge=1, le=366)] = Field(
        default=30, description="Life of an unused login code, in days."
    )
    recycle_minutes: Annotated[float, Field(ge=0, le=1440)] = Field(
        default=60.0,
        description="How long after an erasure the process is replaced by a fresh one, in minutes. 0: never.",
    )
    shutdown_seconds: Annotated[int, Field(ge=0, le=300)] = Field(
        default=5, description="How long open answers may go on after the order to stop, in seconds."
    )


class OutboundSettings(_Part):
    """The one outbound client."""

    allow_private: tuple[str, ...] = Field(
        default=(),
        description="Private or loopback networks (CIDR) that may be called; all others of that kind are refused.",
    )
    extra_ca: Path | None = Field(default=None, description="Further roots (PEM) for servers that are called.")

    @field_validator("allow_private")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for each in networks:
            ip_network(each)
        return networks


class LogSettings(_Part):
    """The log on standard error."""

    json_lines: bool = Field(default=True, description="JSON, one object a line; false: for a person at a console.")
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level that is written."
    )


STORE_SCHEMES = ("sqlite",)
"""Engines that a store's URL may name; ``gateway.storage.engines`` has one for each."""


def _is_file(name: str) -> bool:
    return bool(name) and name.isprintable() and not name.endswith("/") and not name.startswith((":", "file:"))


class StoreSettings(_Part):
    """Where tables are kept."""

    url: str = Field(
        default="sqlite:///store.db",
        description="The store: `sqlite:///` and a file, relative to the data folder (four slashes: absolute).",
    )

    @field_validator("url")
    @classmethod
    def _engine(cls, text: str) -> str:
        try:
            url = make_url(text)
        except (ArgumentError, ValueError):
            raise ValueError("a URL such as sqlite:///store.db") from None
        if url.drivername not in STORE_SCHEMES:
            raise ValueError(f"the scheme is one of: {', '.join(STORE_SCHEMES)}")
        if url.host or url.username or "?" in text or not _is_file(url.database or ""):
            raise ValueError("of sqlite it is sqlite:/// and a file, without host, user or query")
        return text

    def at(self, data: Path) -> URL:
        """The whole URL, for a data folder."""
        url = make_url(self.url)
        return url.set(database=str(data / (url.database or "")))


class ControllerSettings(_Part):
    """Who runs this gateway, as receipts and certificates name it."""

    name: str = Field(default="Metergate operator", min_length=1, max_length=200, description="Name of the controller.")
    contact: str = Field(default="", max_length=200, description="How to reach the controller.")


_USUAL = Limits()
_Share = Annotated[Decimal, Field(ge=0, le=1000)]
_Amount = Annotated[Decimal, Field(max_digits=14)]


class VeeLimits(_Part):
    """What is plausible for a medium, or a family of meters of it. What is left out is that of the wider table."""

    high: _Amount | None = Field(
        default=None,
        description="Most of an amount an hour, in kWh, MJ or m3. Left out: what a home can draw.",
    )
    low: _Amount | None = Field(default=None, description="Least of an amount an hour. Left out: no bound.")
    spike: _Share = Field(
        default=_USUAL.spike,
        description="How far a day's highest amount may be above the third, as a share of that.",
    )
    spike_least: _Amount = Field(default=_USUAL.spike_least, description="Amounts an hour below it are never a spike.")
    zero_days: Annotated[int, Field(ge=1, le=62)] = Field(
        default=_USUAL.zero_days, description="Days in a row without consumption that are an exception."
    )
    tolerance: _Share = Field(default=_USUAL.tolerance, description="Share by which parts may be off their total.")
    multiplier: _Share = Field(
        default=_USUAL.multiplier, description="Share by which a register may be off the mean power of the same time."
    )
    drift_seconds: Annotated[int, Field(ge=0, le=86_400)] = Field(
        default=120, description="How far a meter's clock may be off, in seconds."
    )
    off: tuple[str, ...] = Field(default=(), description="Rules that are not asked, by their names.")

    @field_validator("off")
    @classmethod
    def _rules(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := set(names) - set(VEE_RULES):
            raise ValueError(f"no rule is named {min(unknown)[:32]!r}; there are: {', '.join(VEE_RULES)}")
        return names


ALL_MEDIA = "all"


class VeeSettings(_Part):
    """Validation, estimation and editing."""

    enabled: bool = Field(default=True, description="Whether days are looked at by themselves when they were merged.")
    organisation: str = Field(
        default="",
        max_length=64,
        description="Organisation as which the operator looks at values; it needs grounds like any other.",
    )
    media: dict[str, VeeLimits] = Field(
        default={},
        description="Limits: `all`, by medium (`gas`), or by medium and family (`electricity/heat-pump`).",
    )
    profiles: dict[str, tuple[_Share, ...]] = Field(
        default={},
        description="Standard load profiles by the same names: weights of a day's equal parts from midnight on.",
    )

    @field_validator("media", "profiles")
    @classmethod
    def _media(cls, table: dict[str, Any]) -> dict[str, Any]:
        for name in table:
            medium, _, family = name.partition("/")
            if name != ALL_MEDIA and (medium not in set(Medium) or ("/" in name and not family)):
                raise ValueError("a name is: all, a medium, or a medium, a slash and a family")
        return table

    @field_validator("profiles")
    @classmethod
    def _parts(cls, table: dict[str, tuple[Decimal, ...]]) -> dict[str, tuple[Decimal, ...]]:
        if any(len(weights) not in (24, 48, 96) for weights in table.values()):
            raise ValueError("a profile has 24, 48 or 96 weights")
        return table

    def limits(self, medium: str, family: str, own: Decimal | None = None) -> Limits:
        """``own``: the connection limit of the meter itself, an hour."""
        merged: dict[str, Any] = {}
        for name in _wide_to_narrow(medium, family):
            if (table := self.media.get(name)) is not None:
                merged |= {field: getattr(table, field) for field in table.model_fields_set}
        if own is not None:
            merged["high"] = own
        whole = VeeLimits.model_construct(**merged)
        told = {
            field: getattr(whole, field) for field in VeeLimits.model_fields if field not in ("drift_seconds", "off")
        }
        return Limits(**told, drift=timedelta(seconds=whole.drift_seconds), off=frozenset(whole.off))

    def profile(self, medium: str, family: str) -> tuple[Decimal, ...]:
        """Empty without one."""
        found = [self.profiles[name] for name in _wide_to_narrow(medium, family) if name in self.profiles]
        return found[-1] if found else ()


def _wide_to_narrow(medium: str, family: str) -> list[str]:
    return [ALL_MEDIA, medium, *([f"{medium}/{family}"] if family else [])]


PORTS = {Listener.PEOPLE: 8443, Listener.DEVICES: 8444, Listener.PARTNERS: 8445, Listener.OPENADR20: 8446}


def _door(which: Listener) -> Any:
    port = PORTS[which]
    return Field(default_factory=lambda: ListenerSettings(port=port), description=f"Listener; port {port} by default.")


class Settings(_Part):
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
        except (ZoneInfoNotFoundError, ValueError):
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
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not TOML ({error})") from None
    return parse(table, file.parent)


def parse(table: dict[str, Any], home: Path) -> Settings:
    """Check a table; relative paths are taken from ``home``. Raises ``SettingsError``."""
    try:
        settings = Settings.model_validate(table)
    except ValidationError as error:
        rules = [f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors()]
        raise SettingsError("; ".join(rules)) from None
    anchored = _anchored(settings, home)
    if (why := _together(anchored)) is not None:
        raise SettingsError(why)
    return anchored


def _anchored(settings: Settings, home: Path) -> Settings:
    doors = {each.value: _door_at(settings.listener(each), home) for each in Listener}
    extra = settings.outbound.extra_ca
    recovery = settings.retention.recovery_key
    retention = settings.retention.model_copy(update={"recovery_key": home / recovery if recovery else None})
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


def is_loopback(host: str) -> bool:
    """``localhost`` or an address of the loopback network."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _together(settings: Settings) -> str | None:
    """What shall be apart and is not, when all paths are known; None where all is well."""
    data, keys, store = settings.data, settings.keys, Path(settings.store_url.database or "")
    if _inside(keys, data) or _inside(data, keys):
        return "settings: keys and data are two folders, neither inside the other"
    if _inside(store, keys) or _inside(store, settings.tree) or _inside(data, store):
        return "store.url: a file of its own, not inside the folder of the keys, and not the key tree"
    return None


def _inside(inner: Path, outer: Path) -> bool:
    return Path(os.path.abspath(inner)).is_relative_to(os.path.abspath(outer))
