"""The map of an import: what the columns of a file are, in which zone its clock runs, what its words mean.

A map is a small YAML file; what it says nothing about is refused or has the default below.
"""

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO, TextIOWrapper
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec.structs import fields

from gateway.history.stamps import Length, Stamps
from gateway.history.wrong import MapRefused, Wrong
from meter_driver import quantities
from meter_driver.dimensions import unfit, unit_fits
from meter_driver.errors import UnitError

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


_SAYS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "mscons": {"point": "LOC", "serial": "RFF", "quantity": "PIA", "unit": "QTY", "begin": "DTM", "end": "DTM"},
        "green-button": {
            "point": "UsagePoint",
            "meter": "UsagePoint",
            "quantity": "ReadingType",
            "unit": "ReadingType",
            "begin": "timePeriod",
            "end": "timePeriod",
        },
    }
)
"""What says it in formats without columns."""


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

    def called(self, field: str) -> str:
        """What says a field of the map in the file: a column, or a part of another format; ``fixed.unit`` where the map
        says it for the whole file.
        """
        if field in self.fixed:
            return f"fixed.{field}"
        some = ("begin", "end") if field == "time" and "time" not in self.columns else (field,)
        said = {**_SAYS.get(self.format, {}), **{str(name): column for name, column in self.columns.items()}}
        return ", ".join(dict.fromkeys(said.get(each, each) for each in some))

    @property
    def clock(self) -> Stamps:
        """Of the file's stamps. Raises ``MapRefused``."""
        return Stamps(self.wall(), self.time_format)

    @property
    def length(self) -> Length | None:
        """Of an interval, where the map says it."""
        return Length(self.interval, self.wall()) if self.interval else None

    def wall(self) -> ZoneInfo | None:
        """The zone. Raises ``MapRefused``."""
        if not self.zone:
            return None
        try:
            return ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise MapRefused(Wrong(0, "zone", "no such zone")) from None


def plan_of(table: Any) -> ImportMap:
    """Of a map as YAML gives it. Raises ``MapRefused`` with every field that is wrong, and the rules."""
    if not isinstance(table if table is not None else {}, Mapping):
        raise MapRefused(Wrong(0, "map", "fields and what they are"))
    wrong = list(_shapes(table or {}, ImportMap))
    sound = set(ImportMap.__struct_fields__) - {each.field.partition(".")[0] for each in wrong}
    plan = msgspec.convert({name: said for name, said in (table or {}).items() if name in sound}, ImportMap)
    wrong += [Wrong(0, field, rule) for field, rule in _rules(plan).items()]
    wrong += _unread(plan)
    if wrong:
        raise MapRefused(*wrong)
    return plan


def _unread(plan: ImportMap) -> Sequence[Wrong]:
    """What is wrong with zone and interval."""
    try:
        plan.wall()
    except MapRefused as error:
        return [*error.all, *_unread(msgspec.structs.replace(plan, zone=""))]
    try:
        assert plan.length is not None or not plan.interval
    except MapRefused as error:
        return error.all
    return ()


def _shapes(table: Mapping[Any, Any], struct: type[msgspec.Struct], above: str = "") -> Iterator[Wrong]:
    """Fields that are none, and values that a field cannot have."""
    kinds = {each.name: each.type for each in fields(struct)}
    for name, said in table.items():
        field, kind = f"{above}{name}", kinds.get(name)
        if kind is None:
            yield Wrong(0, field, f"no such field; there are {', '.join(kinds)}")
        elif kind is Csv and isinstance(said, Mapping):
            yield from _shapes(said, Csv, f"{field}.")
        elif get_origin(kind) is dict and isinstance(said, Mapping):
            for key, word in said.items():
                for part, one in zip((key, word), get_args(kind), strict=True):
                    yield from _shape(part, one, f"{field}.{key}")
        else:
            yield from _shape(said, kind, field)


def _shape(said: Any, kind: Any, field: str) -> Iterator[Wrong]:
    try:
        msgspec.convert(said, kind)
    except msgspec.ValidationError:
        yield Wrong(0, field, _may_be(kind))


def _may_be(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(word for word in get_args(kind) if word)}"
    return {str: "a text (in quotes, where YAML takes it for something else)", int: "a whole number"}.get(
        kind, "fields and what they are"
    )


def _rules(plan: ImportMap) -> Mapping[str, str]:
    """What does not fit together."""
    columns, fixed = plan.columns, plan.fixed
    twice = sorted(set(columns) & set(fixed))
    known = quantities.parse(fixed.get("quantity", ""))
    unit = _unit_of(fixed.get("unit", ""))
    broken = {
        "fixed": (bool(twice), f"{', '.join(twice)}: a column as well"),
        "fixed.time": (bool({"time", "begin", "end", "value"} & set(fixed)), "times and values are columns"),
        "csv.delimiter": (len(plan.csv.delimiter) != 1, "one character"),
        "csv.encoding": (not _is_encoding(plan.csv.encoding), "no encoding of text has this name"),
        "csv.skip": (not 0 <= plan.csv.skip <= 1000, "0 to 1000"),
        "fixed.status": (
            fixed.get("status", "measured") not in ("measured", "estimated", "validated", "substituted"),
            "measured, estimated, validated or substituted",
        ),
        "fixed.quantity": ("quantity" in fixed and known is None, "not in the vocabulary"),
        "fixed.unit": (unit is None or (known is not None and "unit" in fixed and not unit_fits(known, unit or None)),
                       "not in the vocabulary" if unit is None else unfit(known, unit)),
        "stamps": (plan.stamps != "at" and not plan.interval and plan.format in ("csv", "parquet"), "begin or end of "
                   "an interval, and the map says no interval"),
    }  # fmt: skip
    return {field: rule for field, (is_broken, rule) in broken.items() if is_broken}


def _is_encoding(name: str) -> bool:
    try:
        TextIOWrapper(BytesIO(), encoding=name)
    except (LookupError, ValueError):
        return False
    return True


def _unit_of(text: str) -> str | None:
    """In its one spelling, "" for none; None where it is not in the vocabulary."""
    try:
        return quantities.unit(text) or ""
    except UnitError:
        return None
