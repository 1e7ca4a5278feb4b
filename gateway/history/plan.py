"""The map of an import: what the columns of a file are, in which zone its clock runs, what its words mean.

A map is a small YAML file; what it says nothing about is refused or has the default below.
"""

from collections.abc import Mapping
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from gateway.history.stamps import Length, Stamps
from gateway.history.wrong import FileRefused, Wrong

Field = Literal["household", "point", "meter", "serial", "quantity", "unit", "status", "time", "begin", "end", "value"]
_Status = Literal["measured", "estimated", "validated", "substituted", "refused"]
OF_SERIES = ("household", "point", "meter", "serial", "quantity", "unit")


class Csv(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a table is written."""

    delimiter: str = ","
    decimal: Literal[".", ","] = "."
    encoding: str = "utf-8-sig"
    skip: int = 0
    """Lines above the one that names the columns."""


class ImportMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole map.

    Attributes:
        format: ``csv``, ``parquet``, ``mscons`` or ``green-button``; "" is told by the name of the file.
        columns: of a table, by what they are.
        fixed: what is the same in the whole file: household or point, meter, serial, quantity, unit, status.
        zone: of stamps without an offset, an IANA name; "" where each has one.
        stamps: what a single ``time`` is: the ``begin`` or the ``end`` of an ``interval``, or ``at`` an instant.
        interval: how long it is: ``15min``, ``1h``, ``1d`` (a day of the zone).
        time_format: of ``strptime``; "" is ISO 8601.
        statuses: what words of the status column mean; ``refused`` counts and leaves out.
        points: metering point by what the file calls it (MSCONS: LOC; Green Button: UsagePoint); else as it is.
        meters: of a Green Button file, the meter's name by the number or the title of the UsagePoint.
    """

    format: Literal["", "csv", "parquet", "mscons", "green-button"] = ""
    columns: dict[Field, str] = {}
    fixed: dict[Field, str] = {}
    zone: str = ""
    stamps: Literal["begin", "end", "at"] = "at"
    interval: str = ""
    time_format: str = ""
    statuses: dict[str, _Status] = {}
    points: dict[str, str] = {}
    meters: dict[str, str] = {}
    csv: Csv = Csv()

    @property
    def clock(self) -> Stamps:
        """Of the file's stamps. Raises ``FileRefused``."""
        return Stamps(self.wall(), self.time_format)

    @property
    def length(self) -> Length | None:
        """Of an interval, where the map says it."""
        return Length(self.interval, self.wall()) if self.interval else None

    def wall(self) -> ZoneInfo | None:
        """The zone. Raises ``FileRefused``."""
        if not self.zone:
            return None
        try:
            return ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise FileRefused(Wrong(0, "zone", "no such zone")) from None


def plan_of(table: Any) -> ImportMap:
    """Of a map as YAML gives it. Raises ``FileRefused`` with the field and the rule."""
    try:
        plan = msgspec.convert(table if table is not None else {}, ImportMap)
    except msgspec.ValidationError as error:
        rule, _, where = str(error).partition(" - at `$")
        raise FileRefused(Wrong(0, where.strip(".`") or "map", rule)) from None
    for field, rule in _rules(plan).items():
        raise FileRefused(Wrong(0, field, rule))
    plan.wall()
    if plan.interval:
        assert plan.length is not None
    return plan


def _rules(plan: ImportMap) -> Mapping[str, str]:
    """What does not fit together."""
    columns, fixed = plan.columns, plan.fixed
    twice = sorted(set(columns) & set(fixed))
    broken = {
        "fixed": (bool(twice), f"{', '.join(twice)}: a column as well"),
        "fixed.time": (bool({"time", "begin", "end", "value"} & set(fixed)), "times and values are columns"),
        "csv.delimiter": (len(plan.csv.delimiter) != 1, "one character"),
        "csv.skip": (not 0 <= plan.csv.skip <= 1000, "0 to 1000"),
        "fixed.status": (
            fixed.get("status", "measured") not in ("measured", "estimated", "validated", "substituted"),
            "measured, estimated, validated or substituted",
        ),
        "stamps": (plan.stamps != "at" and not plan.interval and plan.format in ("csv", "parquet"), "begin or end of "
                   "an interval, and the map says no interval"),
    }  # fmt: skip
    return {field: rule for field, (is_broken, rule) in broken.items() if is_broken}
