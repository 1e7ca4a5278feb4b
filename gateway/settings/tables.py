"""Tables of the settings file, but for ``[vee]``."""

from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from adapters.validation import BrokenField
from policies.retention import DEFAULT_DAYS, LEAST_DAYS, MOST_RETENTION_DAYS
from policies.terms import DetailClass


class SettingsTable(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


_Days = Annotated[int, Field(ge=0, le=MOST_RETENTION_DAYS)]


def _is_loopback(host: str) -> bool:
    """``localhost`` or an address of the loopback network."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    for place, each in enumerate(networks):
        try:
            ip_network(each)
        except ValueError:
            raise BrokenField(str(place), "a network of IPv4 or IPv6 (CIDR), without bits of a host") from None
    return networks


class ListenerSettings(SettingsTable):
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
    trusted_proxies: tuple[str, ...] = Field(
        default=(), description="Networks of proxies whose word on who calls is taken (`X-Forwarded-For`, `-Proto`)."
    )
    proxy_protocol: bool = Field(
        default=False, description="They say it before TLS (PROXY protocol, version 1 or 2); nobody else gets in then."
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.clear and not _is_loopback(self.host):
            raise BrokenField("clear", "allowed on a loopback address only")
        if (self.certificate is None) != (self.key is None):
            raise BrokenField("certificate", "this and key belong together")
        if (self.rsa_certificate is None) != (self.rsa_key is None):
            raise BrokenField("rsa_certificate", "this and rsa_key belong together")
        if self.public_url and not self.public_url.startswith(("http://", "https://")):
            raise BrokenField("public_url", "begins with https:// (or http:// on loopback)")
        if urlsplit(self.public_url).query or urlsplit(self.public_url).fragment:
            raise BrokenField("public_url", "ends with its path: no ? and no #")
        if self.proxy_protocol and not self.trusted_proxies:
            raise BrokenField("proxy_protocol", "needs trusted_proxies")
        return self

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        return _networks(networks)


class RetentionSettings(SettingsTable):
    """Days for which each class of detail can be opened."""

    live: _Days = Field(default=DEFAULT_DAYS[DetailClass.LIVE], description="Readings as received, in days.")
    quarter: _Days = Field(
        default=DEFAULT_DAYS[DetailClass.QUARTER], description="Quarters of an hour, in days; at least 1."
    )
    day: _Days = Field(default=DEFAULT_DAYS[DetailClass.DAY], description="Registers and sums of a day, in days.")
    legal: _Days = Field(default=DEFAULT_DAYS[DetailClass.LEGAL], description="What a named statute demands, in days.")
    access_log: Annotated[int, Field(ge=1, le=366)] = Field(default=90, description="The access log, in days.")
    recovery_hours: Annotated[int, Field(ge=0, le=24 * 31)] = Field(
        default=24, description="How long a backup can be restored, in hours. 0: none can be."
    )
    recovery_key: Path | None = Field(
        default=None,
        description="Public half of the recovery key (PEM, X25519). Without one a pair is made at the first start.",
    )
    recovery_endings: Path | None = Field(
        default=None,
        description="Folder in which what ends is kept for the backups. Without one: the backup's own.",
    )
    second_keeper: Path | None = Field(
        default=None,
        description="Folder on another disk or machine: the keys once more, seconds behind, sealed for a bad day.",
    )

    @field_validator("quarter")
    @classmethod
    def _least(cls, days: int) -> int:
        if days < (least := LEAST_DAYS[DetailClass.QUARTER]):
            raise ValueError(f"at least {least}: a day is worked out from its quarters after its end")
        return days

    def by_class(self) -> dict[DetailClass, int]:
        """Days by class of detail."""
        return {
            DetailClass.LIVE: self.live,
            DetailClass.QUARTER: self.quarter,
            DetailClass.DAY: self.day,
            DetailClass.LEGAL: self.legal,
        }


class CohortSettings(SettingsTable):
    """Neighbourhood figures."""

    profile: Literal["de-msbg", "us-15-15", "strict"] = Field(
        default="us-15-15",
        description="How small a group may be: de-msbg (5), us-15-15 (15, no member over 15 %), strict (50).",
    )
    interval_minutes: Annotated[int, Field(ge=15, le=1440)] = Field(
        default=15, description="Length of a cell, in minutes. Days that were drawn keep theirs."
    )
    grace_minutes: Annotated[int, Field(ge=0, le=1440)] = Field(
        default=60, description="How long after the end of its day (UTC) a cell waits for late readings, in minutes."
    )

    @field_validator("interval_minutes")
    @classmethod
    def _divides(cls, minutes: int) -> int:
        if 1440 % minutes:
            raise ValueError("an interval must divide the day")
        return minutes


class OutboundSettings(SettingsTable):
    """The one outbound client."""

    allow_private: tuple[str, ...] = Field(
        default=(),
        description="Private or loopback networks (CIDR) that may be called; all others of that kind are refused.",
    )
    extra_ca: Path | None = Field(default=None, description="Further roots (PEM) for servers that are called.")

    @field_validator("allow_private")
    @classmethod
    def _private(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        return _networks(networks)


class LogSettings(SettingsTable):
    """The log on standard error."""

    json_lines: bool = Field(default=True, description="JSON, one object a line; false: for a person at a console.")
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level that is written."
    )


STORE_SCHEMES = ("sqlite",)
"""Engines that a store's URL may name; ``gateway.storage.engines`` has one for each."""


def _is_file(name: str) -> bool:
    return bool(name) and name.isprintable() and not name.endswith("/") and not name.startswith((":", "file:"))


class StoreSettings(SettingsTable):
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


class ControllerSettings(SettingsTable):
    """Who runs this gateway, as receipts and certificates name it."""

    name: str = Field(default="Metergate operator", min_length=1, max_length=200, description="Name of the controller.")
    contact: str = Field(default="", max_length=200, description="How to reach the controller.")
