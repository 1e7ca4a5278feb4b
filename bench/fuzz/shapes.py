"""Shapes that are known to hurt parsers, each at any size, by the syntax that they abuse."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, ParamSpec

P = ParamSpec("P")
_HERE = "@@HERE@@"


class Shape(NamedTuple):
    """``make``: about so many bytes of it."""

    name: str
    make: Callable[[int], bytes]


class _Lazy(Sequence[Shape]):
    """Made when somebody looks: there are thousands."""

    def __init__(self, make: Callable[[], Sequence[Shape]]) -> None:
        self._make = make
        self._made: Sequence[Shape] | None = None

    def _all(self) -> Sequence[Shape]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __getitem__(self, index: Any) -> Any:
        return self._all()[index]

    def __len__(self) -> int:
        return len(self._all())


def lazily(make: Callable[P, Sequence[Shape]]) -> Callable[P, Sequence[Shape]]:
    """Nothing is made before it is asked for."""
    return lambda *args, **more: _Lazy(lambda: make(*args, **more))


def filled(unit: bytes, begin: bytes = b"", end: bytes = b"") -> Callable[[int], bytes]:
    """The unit again and again between begin and end."""

    def make(size: int) -> bytes:
        return begin + unit * max(1, (size - len(begin) - len(end)) // len(unit)) + end

    return make


def numbered(unit: str, begin: str = "", end: str = "", between: str = "") -> Callable[[int], bytes]:
    """The unit with a number at its ``%d``, each another one."""

    def make(size: int) -> bytes:
        many = max(1, (size - len(begin) - len(end)) // (len(unit) + len(between) + 2))
        return (begin + between.join(unit.replace("%d", str(n)) for n in range(many)) + end).encode()

    return make


def nested(opening: bytes, closing: bytes, inside: bytes = b"0") -> Callable[[int], bytes]:
    """As deep as the size allows."""

    def make(size: int) -> bytes:
        deep = max(1, size // (len(opening) + len(closing)))
        return opening * deep + inside + closing * deep

    return make


# -- JSON

_VALUES: Sequence[Shape] = (
    Shape("deep arrays", nested(b"[", b"]")),
    Shape("deep objects", nested(b'{"a":', b"}")),
    Shape("arrays without end", filled(b"[")),
    Shape("many keys", numbered('"k%d":0', "{", "}", ",")),
    Shape("same key", filled(b'"a":0,', b"{", b'"a":0}')),
    Shape("zeros", filled(b"0,", b"[", b"0]")),
    Shape("nulls", filled(b"null,", b"[", b"null]")),
    Shape("empty objects", filled(b"{},", b"[", b"{}]")),
    Shape("empty arrays", filled(b"[],", b"[", b"[]]")),
    Shape("empty texts", filled(b'"",', b"[", b'""]')),
    Shape("texts", numbered('"t%d"', "[", "]", ",")),
    Shape("digits", filled(b"9")),
    Shape("digits behind a point", filled(b"3", b"0.")),
    Shape("exponent", filled(b"9", b"1e")),
    Shape("huge numbers", filled(b"1e999999,", b"[", b"0]")),
    Shape("floats", filled(b"1.7976931348623157e308,", b"[", b"0]")),
    Shape("long text", filled(b"a", b'"', b'"')),
    Shape("text without end", filled(b"a", b'"')),
    Shape("escapes", filled(b"\\u00e9", b'"', b'"')),
    Shape("half surrogates", filled(b"\\ud800", b'"', b'"')),
    Shape("colons", filled(b":", b'"', b'"')),
    Shape("digits in a text", filled(b"1", b'"', b'"')),
    Shape("digits and points", filled(b"1.", b'"', b'0"')),
    Shape("a duration", filled(b"1D", b'"P', b'T"')),
    Shape("a name with dots", filled(b"1.8.", b'"1-0:', b'0"')),
    Shape("blanks", filled(b" ", b'"', b'"')),
    Shape("four-byte characters", filled("\U0001f512".encode(), b'"', b'"')),
    Shape("contexts", filled(b'{"a":"urn:a"},', b"[", b"{}]")),
    Shape("objects with a context", filled(b'{"@context":{"a":"urn:a"},"a":1},', b"[", b"{}]")),
    Shape("types with a context", filled(b'"Catalog","TransferRequestMessage",', b"[", b'"Dataset"]')),
    Shape("objects of types with a context", filled(b'{"@type":["Catalog","Dataset"],"urn:b":1},', b"[", b"{}]")),
    Shape("full names", filled(b'{"urn:a:b":1},', b"[", b"{}]")),
)


@lazily
def json_shapes(*seeds: Any) -> Sequence[Shape]:
    """Of JSON: alone, in the place of each member of good documents, beside them, and items of lists many times."""
    found = [*_VALUES, Shape("white space", filled(b"\n", b"{", b"}")), Shape("no JSON", filled(b"\xff"))]
    for number, seed in enumerate(seeds):
        for at, path in enumerate(_paths(seed)):
            found += _planted(seed, path, f"{number}.{at}")
    return found


def _planted(seed: Any, path: tuple[Any, ...], name: str) -> Iterator[Shape]:
    where = ".".join(map(str, path)) or "all"
    for value in _VALUES:
        yield Shape(f"{value.name} at {where} of {name}", _at(seed, path, value.make))
    inner = _get(seed, path)
    if isinstance(inner, list) and inner:
        one = json.dumps(inner[0]).encode() + b","
        yield Shape(f"many of {where} of {name}", _at(seed, path, filled(one, b"[", one[:-1] + b"]")))
    if isinstance(inner, dict):
        text = json.dumps(inner)[:-1] + ("," if inner else "")
        more = numbered('"k%d":0', text, "}", ",")
        yield Shape(f"keys more in {where} of {name}", _at(seed, path, more))
        yield Shape(
            f"objects in {where} of {name}", _at(seed, path, filled(b'{"a:b":{}},', text.encode() + b'"x":[', b"{}]}"))
        )


def _at(seed: Any, path: tuple[Any, ...], make: Callable[[int], bytes]) -> Callable[[int], bytes]:
    head, _, tail = json.dumps(_with(seed, path, _HERE)).encode().partition(f'"{_HERE}"'.encode())
    return lambda size: head + make(max(1, size - len(head) - len(tail))) + tail


def _paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield above
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _paths(inner, (*above, name))
    elif isinstance(value, list) and value:
        yield from _paths(value[0], (*above, 0))


def _get(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def _with(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(value, dict):
        return {name: _with(inner, rest, new) if name == step else inner for name, inner in value.items()}
    return [_with(inner, rest, new) if place == step else inner for place, inner in enumerate(value)]
