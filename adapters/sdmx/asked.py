"""What an availability query asks for: SDMX REST 2.0.0 (of SDMX 3.0) and guidelines 1.5 (of SDMX 2.1). Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from adapters.formats.sdmx_csv import AGENCY, CELLS, DSD, LOAD, SDMX_CSV_VERSION
from meter_driver.quantities import parse

SUBJECT, QUANTITY, METER, TIME_PERIOD = "SUBJECT", "QUANTITY", "METER", "TIME_PERIOD"
KEY = (SUBJECT, QUANTITY, METER)
"""The dimensions of a key, in the order of the data structure."""
_FLOWS = frozenset({LOAD, CELLS})
_ANY = frozenset({"", "*", "all"})
_LATEST = frozenset({"+", "~", "latest", SDMX_CSV_VERSION}) | _ANY
MOST_KEYS, LONGEST_KEY = 64, 4096

Chosen = Mapping[str, frozenset[str]]
"""Values by dimension; a dimension that is not in it is not narrowed."""


class NotAnswered(Exception):
    """``status`` of HTTP, ``code`` of the guidelines (100 no results, 140 syntax, 501 not implemented)."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status, self.code = status, code


@dataclass(frozen=True, slots=True)
class Availability:
    """A query.

    Attributes:
        flows: the dataflows asked for, of those there are.
        keys: slices of them, any of which may fit; none: all.
        where: what every slice must fit as well.
        dimensions: about which it asks.
        exact: what the answer to such a data query holds; else what could be added to it.
    """

    flows: frozenset[str]
    keys: tuple[Chosen, ...] = ()
    where: Chosen = field(default_factory=dict)
    dimensions: frozenset[str] = frozenset({*KEY, TIME_PERIOD})
    exact: bool = True


def of_3_0(path: Mapping[str, str], query: Iterable[tuple[str, str]]) -> Availability:
    """``path``: context, agency, id, version, key, component, as far as given. Raises ``NotAnswered``."""
    exact, where = True, {}
    for name, value in query:
        if name == "mode":
            exact = _mode(value)
        elif name.startswith("c[") and name.endswith("]"):
            where[_dimension(name[2:-1])] = _values(name[2:-1], value)
        elif name not in ("references",) or value != "none":
            raise NotAnswered(501, "501", f"{name[:40]}: not here; c, mode and references=none are")
    keys = [_key(each, "") for each in _split(path.get("key", "*"), ",") if each not in _ANY]
    return Availability(_flows_3_0(path), tuple(keys), where, _dimensions(path.get("component", "*")), exact)


def of_2_1(path: Mapping[str, str], query: Iterable[tuple[str, str]]) -> Availability:
    """``path``: flow, key, provider, component, as far as given. Raises ``NotAnswered``."""
    exact = True
    for name, value in query:
        if name == "mode":
            exact = _mode(value)
        elif name != "references":
            raise NotAnswered(501, "501", f"{name[:40]}: not here; mode and references are")
    agency, flow, version = _flow_2_1(path["flow"])
    mine = agency in {AGENCY, *_ANY} and version in _LATEST and path.get("provider", "all") in {AGENCY, *_ANY}
    flows = _FLOWS if flow in _ANY else _FLOWS & {flow}
    key = path.get("key", "all")
    keys = () if key in _ANY else (_key(key, "+"),)
    return Availability(flows if mine else frozenset(), keys, {}, _dimensions(path.get("component", "all")), exact)


def _mode(value: str) -> bool:
    if value not in ("exact", "available"):
        raise NotAnswered(400, "140", "mode: exact or available")
    return value == "exact"


def _flows_3_0(path: Mapping[str, str]) -> frozenset[str]:
    context, names = path["context"], set(_split(path.get("id", "*"), ","))
    if context not in ("*", "dataflow", "datastructure", "provisionagreement"):
        raise NotAnswered(400, "140", "context: dataflow, datastructure, provisionagreement or *")
    agencies, versions = set(_split(path.get("agency", "*"), ",")), set(_split(path.get("version", "*"), ","))
    if context == "provisionagreement" or not agencies & {AGENCY, *_ANY} or not versions & _LATEST:
        return frozenset()
    whole = bool(names & _ANY) or (context != "dataflow" and DSD in names)
    if context == "datastructure":
        return _FLOWS if whole else frozenset()
    return _FLOWS if whole else _FLOWS & names


def _flow_2_1(text: str) -> tuple[str, str, str]:
    """``AGENCY,ID,VERSION``, ``AGENCY,ID`` or ``ID``."""
    match text.split(","):
        case [flow]:
            return "all", flow, "latest"
        case [agency, flow]:
            return agency, flow, "latest"
        case [agency, flow, version]:
            return agency, flow, version
    raise NotAnswered(400, "140", "flow: agency, id and version")


def _dimensions(text: str) -> frozenset[str]:
    names = set(_split(text, ",")) if text not in _ANY else {*KEY, TIME_PERIOD}
    if unknown := names - {*KEY, TIME_PERIOD}:
        raise NotAnswered(400, "140", f"component: {', '.join((*KEY, TIME_PERIOD))}; not {min(unknown)[:40]}")
    return frozenset(names)


def _dimension(name: str) -> str:
    if name == TIME_PERIOD:
        raise NotAnswered(501, "501", "c[TIME_PERIOD]: time does not narrow here")
    if name not in KEY:
        raise NotAnswered(400, "140", f"c: {', '.join(KEY)}")
    return name


def _values(dimension: str, text: str) -> frozenset[str]:
    """``eq`` is the one operator."""
    values = [value.removeprefix("eq:") for value in _split(text, ",")]
    return frozenset(_value(dimension, value) for value in values)


def _value(dimension: str, text: str) -> str:
    if dimension != QUANTITY:
        return text
    known = parse(text)
    if known is None:
        raise NotAnswered(400, "140", "QUANTITY: an OBIS code or an EN 13757-3 quantity")
    return known.name


def _key(text: str, alternatives: str) -> Chosen:
    """``SUBJECT.QUANTITY.METER``, cut at the first dot and at the last: quantities have dots themselves.

    ``alternatives``: the sign between values of a dimension, "" where there is none.
    """
    subject, _, rest = text.partition(".")
    quantity, dot, meter = rest.rpartition(".")
    quantities = _quantities(quantity, alternatives)
    if not dot or quantities is None:
        raise NotAnswered(400, "140", "key: SUBJECT.QUANTITY.METER, with a quantity of the vocabulary")
    parts = dict(zip(KEY, (_several(subject, alternatives), quantities, {meter}), strict=True))
    return {name: frozenset(values) for name, values in parts.items() if not values & _ANY}


def _quantities(text: str, alternatives: str) -> set[str] | None:
    values = _several(text, alternatives)
    if values & _ANY:
        return values
    known = [parse(value) for value in values]
    return None if None in known else {each.name for each in known if each is not None}


def _several(text: str, alternatives: str) -> set[str]:
    return set(text.split(alternatives)) if alternatives else {text}


def _split(text: str, sign: str) -> list[str]:
    if len(text) > LONGEST_KEY or text.count(sign) >= MOST_KEYS:
        raise NotAnswered(413, "130", f"at most {MOST_KEYS} values and {LONGEST_KEY} characters")
    return text.split(sign)
