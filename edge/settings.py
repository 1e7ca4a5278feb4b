"""The settings of a box: one TOML file. ``docs/edge.md`` explains every field; secrets are never in it."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from edge.errors import SettingsError
from edge.links.table import LinkSettings
from edge.select import EVERY_QUANTITY, SelectionRule
from meter_driver import senml
from meter_driver.malformed import field_and_rule

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]


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


class RuleSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """See ``edge.select.SelectionRule``; lengths in seconds, ``band`` as a decimal in quotes."""

    quantity: str = EVERY_QUANTITY
    every: NotNegative = 0.0
    band: Decimal = Decimal(0)
    at_least: NotNegative = 0.0

    def rule(self) -> SelectionRule:
        """As the selection wants it."""
        return SelectionRule(self.quantity, timedelta(seconds=self.every), self.band, timedelta(seconds=self.at_least))


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
        return msgspec.toml.decode(path.read_bytes(), type=Settings, dec_hook=_table)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except msgspec.ValidationError as error:
        field, rule = field_and_rule(error)
        own = isinstance(error.__cause__, ValueError)  # of a link, and names its field
        raise SettingsError(f"{path}: {rule if own else f'{field}: {rule}'}") from error
    except msgspec.MsgspecError as error:
        raise SettingsError(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8") from error


def _table(kind: type, told: Any) -> Any:
    """What msgspec does not know: a ``[[link]]`` table."""
    if kind is not LinkSettings or not isinstance(told, dict):
        raise ValueError("link: tables")
    try:
        return LinkSettings(told)
    except SettingsError as error:
        raise ValueError(str(error)) from error
