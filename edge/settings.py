"""The settings of a box: one TOML file. ``docs/edge.md`` explains every field; secrets are never in it."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from edge.errors import SettingsError
from edge.links import Link, ReplayLink, SerialLink, TcpLink
from edge.select import EVERY_QUANTITY, Rule
from meter_driver import senml

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Component = Annotated[str, Meta(pattern="^[A-Za-z0-9.-]*$")]


class GatewaySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where readings go: ``url`` ends in ``/ingest/senml``; ``format`` is ``cbor`` or ``json``."""

    url: str
    format: Annotated[str, Meta(pattern="^(cbor|json)$")] = "json"
    """JSON costs the gateway a fifth of the work of CBOR's exact decimals, and deflated hardly more bytes."""
    batch: Annotated[int, Meta(ge=1, le=senml.MAX_RECORDS // 2)] = 2000
    """Readings in a batch at most (a telegram is never cut)."""
    every: Positive = 5.0
    """Seconds from the first new reading to its batch."""

    @property
    def content_type(self) -> str:
        return senml.CBOR if self.format == "cbor" else senml.JSON


class LinkSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """One line to one meter, or to several that are named.

    Exactly one of ``serial`` (a device), ``tcp`` (``HOST:PORT``), ``replay`` (a file).
    """

    serial: str = ""
    tcp: str = ""
    replay: str = ""
    baud: Annotated[int, Meta(gt=0)] = 115200
    parity: Annotated[str, Meta(pattern="^[NEO]$")] = "N"
    data: Annotated[int, Meta(ge=7, le=8)] = 8
    stop: Annotated[int, Meta(ge=1, le=2)] = 1
    component: Component = ""
    """Name of this meter, where a box reads several; empty for the one that the household's metering point is."""
    meters: dict[
        Annotated[str, Meta(pattern="^[A-Za-z0-9.-]+$")], Annotated[str, Meta(pattern="^[A-Za-z0-9.-]*$")]
    ] = {}
    """Meters that may speak here, each with its component; by radio nobody else is read. See ``edge.whose``."""

    def open(self) -> Link:
        """The link. SettingsError when it says none, or more than one way, or two kinds of components."""
        if self.component and self.meters:
            raise SettingsError("link: component, or meters with a component each")
        if [bool(self.serial), bool(self.tcp), bool(self.replay)].count(True) != 1:
            raise SettingsError("link: exactly one of serial, tcp, replay")
        if self.serial:
            return SerialLink(self.serial, baud=self.baud, parity=self.parity, data=self.data, stop=self.stop)
        if self.replay:
            return ReplayLink(Path(self.replay))
        host, _, port = self.tcp.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            raise SettingsError("link.tcp: HOST:PORT")
        return TcpLink(host.strip("[]"), int(port))

    @property
    def name(self) -> str:
        """For the log."""
        return self.serial or self.tcp or self.replay


class RuleSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """See ``edge.select.Rule``; lengths in seconds, ``band`` as a decimal in quotes."""

    quantity: str = EVERY_QUANTITY
    every: NotNegative = 0.0
    band: Decimal = Decimal(0)
    at_least: NotNegative = 0.0

    def rule(self) -> Rule:
        """As the selection wants it."""
        return Rule(self.quantity, timedelta(seconds=self.every), self.band, timedelta(seconds=self.at_least))


class VenSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """An OpenADR 2.0b VEN beside the meter. ``url`` ends in ``/OpenADR2/Simple/2.0b``."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    url: str
    folder: str = ""
    """Folder with a certificate of the VEN's own (``metergate-edge enrol --state FOLDER``); empty: the box's."""
    longest: Positive = 14_400.0
    """Seconds; longer events are opted out of."""
    sampling: Annotated[float, Meta(ge=1)] = 10.0
    """Seconds between two values of a report at least."""


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a box is told."""

    state: str
    """Folder of the box: certificate, keys of its own, outbox. Made by ``enrol`` with mode 0700."""
    gateway: GatewaySettings
    link: list[LinkSettings] = []
    select: list[RuleSettings] = msgspec.field(default_factory=lambda: [RuleSettings()])
    ven: VenSettings | None = None
    keys: str = ""
    """File with the meters' keys (mode 0600), ``-`` for standard input; empty when no meter encrypts."""
    far_off: Positive = 300.0
    """Seconds by which a meter's clock may differ before its readings are flagged."""
    max_readings: Annotated[int, Meta(ge=1000)] = 2_000_000
    """The outbox holds so many; then the oldest are dropped, and counted."""


def load(path: Path) -> Settings:
    """Read the file. SettingsError names the field and the rule that is broken."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Settings)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise SettingsError(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8") from error
