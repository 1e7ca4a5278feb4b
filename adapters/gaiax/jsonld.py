"""JSON-LD 1.1 without a network: only the contexts bundled with this package exist. Pure."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

DSPACE = "https://w3id.org/dspace/2025/1/context.jsonld"
_PLAIN = frozenset({DSPACE, "https://w3id.org/edc/dspace/v0.0.1"})
"""Messages that name only these are read as they are when their members have the plain names."""
_BUNDLED = {
    DSPACE: "dspace.jsonld",
    "https://w3id.org/dspace/2025/1/odrl-profile.jsonld": "odrl.jsonld",
    "https://w3id.org/edc/dspace/v0.0.1": "edc.jsonld",
}
_BASE = "https://relative.invalid/"
"""Stands before relative names while a document is expanded: the library knows no empty base."""
DEEPEST = 32
"""Nesting of a message; expansion is recursive."""
LONGEST_CONTEXT = 200
"""Characters of a context's name that an error repeats."""
MOST_CONTEXTS = 16
"""In one document, nested ones too; each costs a millisecond and more."""
MOST_TERMS = 256
"""That a document's own contexts define."""
MOST_NODES = 400
"""Objects of a message that has to be expanded: each costs its share of every context that reaches it, some tenth of a
millisecond. A message in the short names of the standard is not expanded and has no such bound."""
VALUES_A_NODE = 5
"""So many values for each object that there may be: a value costs nearly as much as an object."""


OBJECTS_A_TYPE = 2
"""As many objects a type costs that has a context of its own in a bundled one: it is worked out for each that is named,
however many an object names."""


class NotLinkedData(ValueError):
    """The document cannot be expanded: malformed, too deep, or it names a context that is not bundled."""


def compacted(document: Mapping[str, Any], *, most_nodes: int = MOST_NODES) -> Mapping[str, Any]:
    """The message in the short names of the DSP context, whatever context it came with.

    A message that is in that form already is handed back as it is. Raises ``NotLinkedData``, also for what is too
    costly.
    """
    if deeper_than(document, DEEPEST):
        raise NotLinkedData(f"nested deeper than {DEEPEST} levels")
    if is_plain(document):
        return document
    from pyld import jsonld

    full = expanded(document, most_nodes=most_nodes)
    _bounded(_sized({"@graph": full}), most_nodes)  # names that were prefixed are those of types only now
    try:
        result = jsonld.compact(full, {"@context": [DSPACE]}, _options())
    except _faults() as error:
        raise NotLinkedData(_why(error)) from None
    if not isinstance(result, Mapping):
        raise NotLinkedData("the document is not one object")
    relative: Mapping[str, Any] = _relative(result)
    return relative


def _relative(value: Any) -> Any:
    """Names that were relative (ids of partners often are) as they came."""
    if isinstance(value, str):
        return value.removeprefix(_BASE)
    if isinstance(value, list):
        return [_relative(each) for each in value]
    return {name: _relative(inner) for name, inner in value.items()} if isinstance(value, Mapping) else value


def is_plain(document: Mapping[str, Any]) -> bool:
    """Whether only known contexts are named, DSP's among them, and no member is prefixed or a full IRI."""
    context = document.get("@context")
    named = [context] if isinstance(context, str) else context
    if not isinstance(named, list) or DSPACE not in named or not all(isinstance(c, str) for c in named):
        return False
    return _PLAIN.issuperset(named) and not _prefixed(document)


def _prefixed(value: Any) -> bool:
    """Layer by layer: a generator for each object costs more than reading it did."""
    layer = _inside([value])
    while layer:
        if any(":" in name for each in layer if isinstance(each, dict) for name in each):
            return True
        layer = _inside(inner for each in layer for inner in (each.values() if isinstance(each, dict) else each))
    return False


def _inside(values: Iterable[Any]) -> list[Any]:
    """Of values those that hold others."""
    return [each for each in values if isinstance(each, (dict, list))]


def expanded(document: Mapping[str, Any], *, most_nodes: int = MOST_NODES) -> list[Any]:
    """Expanded form (JSON-LD 1.1 API, 5.1). Raises ``NotLinkedData``."""
    from pyld import jsonld

    if deeper_than(document, DEEPEST):
        raise NotLinkedData(f"nested deeper than {DEEPEST} levels")
    size = _sized(document)
    if size.contexts > MOST_CONTEXTS:
        raise NotLinkedData(f"more than {MOST_CONTEXTS} contexts")
    if size.scoped:
        raise NotLinkedData("a context inside the definition of a term is not read: its cost is a product")
    if size.terms > MOST_TERMS:
        raise NotLinkedData(f"more than {MOST_TERMS} terms in contexts of its own")
    _bounded(size, most_nodes)
    if size.values > (most := VALUES_A_NODE * most_nodes):
        raise NotLinkedData(f"more than {most} values; in the short names of {DSPACE} there may be more")
    try:
        result: list[Any] = jsonld.expand(document, _options())
    except _faults() as error:
        raise NotLinkedData(_why(error)) from None
    return result


def _bounded(size: "_Size", most_nodes: int) -> None:
    """Raises ``NotLinkedData`` for more objects than there may be, or types in their stead."""
    elsewhere = f"in the short names of {DSPACE} there may be more"
    if size.nodes > most_nodes:
        raise NotLinkedData(f"more than {most_nodes} objects; {elsewhere}")
    if size.nodes + OBJECTS_A_TYPE * size.types > most_nodes:
        raise NotLinkedData(f"more than {most_nodes} objects, with {OBJECTS_A_TYPE} for each @type; {elsewhere}")


def _options() -> dict[str, Any]:
    return {"documentLoader": _load, "base": _BASE, "processingMode": "json-ld-1.1"}


def _load(url: str, _: Any = None) -> dict[str, Any]:
    if url not in _BUNDLED:
        from pyld import jsonld

        raise jsonld.JsonLdError("context is not bundled", "jsonld.LoadDocumentError", code="loading document failed")
    return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": _document(url)}


@cache
def _types() -> frozenset[str]:
    """Types that have a context of their own, by term and by IRI."""
    named: set[str] = set()
    for url in _BUNDLED:
        terms = _document(url)["@context"]
        scoped = {t: d["@id"] for t, d in terms.items() if isinstance(d, Mapping) and "@context" in d}
        for term, name in scoped.items():
            prefix, _, rest = name.partition(":")
            named |= {term, terms.get(prefix, prefix + ":") + rest}
    return frozenset(named)


@cache
def _document(url: str) -> Any:
    return json.loads(files("adapters.gaiax").joinpath("contexts", _BUNDLED[url]).read_text(encoding="utf-8"))


def _faults() -> tuple[type[Exception], ...]:
    """What pyld raises for malformed documents: its own error, and others where it does not look twice."""
    from pyld import jsonld

    return (jsonld.JsonLdError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError)


def _why(error: Exception) -> str:
    told = f"JSON-LD: {getattr(error, 'code', None) or 'the document cannot be processed'}"
    url = (getattr(error, "details", None) or {}).get("url")
    return f"{told}: {_printable(url)} is none of the bundled ones" if isinstance(url, str) else told


def _printable(url: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in url[:LONGEST_CONTEXT])


class _Size(NamedTuple):
    """Objects and other values outside of contexts, contexts, terms that these define, whether one has a context of
    its own, and values that may be a type with one."""

    nodes: int
    values: int
    contexts: int
    terms: int
    scoped: bool
    types: int


def _sized(document: Mapping[str, Any]) -> _Size:
    nodes, values, contexts, terms, scoped, types, known = 0, 0, 0, 0, False, 0, _types()
    left: list[Any] = [document]
    while left:
        value = left.pop()
        if isinstance(value, list):
            left += value
        elif isinstance(value, Mapping):
            nodes += 1
            left += [inner for name, inner in value.items() if name != "@context"]
            here = value.get("@context", [])
            named = here if isinstance(here, list) else [here]
            contexts += len(named)
            for context in named:
                if isinstance(context, Mapping):
                    terms += len(context)
                    scoped = scoped or any(isinstance(t, Mapping) and "@context" in t for t in context.values())
        else:
            values += 1
            types += isinstance(value, str) and value in known
    return _Size(nodes, values, contexts, terms, scoped, types)


def deeper_than(value: Any, levels: int) -> bool:
    """Whether objects and lists lie in each other to more than so many levels."""
    layer = _inside([value])
    for _ in range(levels):
        layer = _inside(inner for each in layer for inner in (each.values() if isinstance(each, dict) else each))
    return bool(layer)
