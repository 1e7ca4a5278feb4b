"""Shapes that are known to hurt parsers, each at any size, by the syntax that they abuse."""

import json
import struct
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


def _lazily(make: Callable[P, Sequence[Shape]]) -> Callable[P, Sequence[Shape]]:
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


def _nested(opening: bytes, closing: bytes, inside: bytes = b"0") -> Callable[[int], bytes]:
    def make(size: int) -> bytes:
        deep = max(1, size // (len(opening) + len(closing)))
        return opening * deep + inside + closing * deep

    return make


# -- JSON

_VALUES: Sequence[Shape] = (
    Shape("deep arrays", _nested(b"[", b"]")),
    Shape("deep objects", _nested(b'{"a":', b"}")),
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
    Shape("full names", filled(b'{"urn:a:b":1},', b"[", b"{}]")),
)


@_lazily
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


# -- XML

_INSIDE: Sequence[Shape] = (
    Shape("deep elements", _nested(b"<a>", b"</a>", b"")),
    Shape("elements without end", filled(b"<a>")),
    Shape("empty elements", filled(b"<a/>")),
    Shape("attributes", numbered('a%d=""', "<a ", "/>", " ")),
    Shape("same attribute", filled(b'a="" ', b"<a ", b"/>")),
    Shape("name spaces", numbered('xmlns:n%d="urn:%d"', "<a ", "/>", " ")),
    Shape("name spaces that are used", numbered('<n:a xmlns:n="u%d"/>')),
    Shape("deep name spaces", filled(b'<n:a xmlns:n="u">', b"", b"")),
    Shape("attributes in name spaces", numbered('n%d:a="" xmlns:n%d="u"', "<a ", "/>", " ")),
    Shape("characters by number", filled(b"&#x41;")),
    Shape("ampersands", filled(b"&amp;")),
    Shape("entities that are none", filled(b"&a;")),
    Shape("comments", filled(b"<!---->")),
    Shape("a long comment", filled(b"-a", b"<!--", b"-->")),
    Shape("instructions", filled(b"<?a?>")),
    Shape("CDATA", filled(b"<![CDATA[]]>")),
    Shape("long text", filled(b"a")),
    Shape("digits", filled(b"9")),
    Shape("a duration", filled(b"1D", b"P", b"T")),
    Shape("white space", filled(b"\n")),
    Shape("long name", filled(b"a", b"<a", b"/>")),
    Shape("long attribute", filled(b"a", b'<a a="', b'"/>')),
    Shape("hints", filled(b'<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="1"/>')),
)


@_lazily
def xml_shapes(*seeds: bytes) -> Sequence[Shape]:
    """Of XML: alone, in each place of good messages, and each of their elements many times."""
    found = [*_INSIDE, Shape("DOCTYPE", filled(b'<!ENTITY a "a">', b"<!DOCTYPE a [", b"]><a/>"))]
    for number, seed in enumerate(seeds):
        for name, begin, end in _elements(seed):
            one, where = seed[begin:end], f"{name} of {number}"
            found.append(Shape(f"many {where}", filled(one, seed[:begin], seed[end:])))
            found += [Shape(f"{s.name} beside {where}", _between(seed[:begin], s.make, seed[begin:])) for s in _INSIDE]
            inner = seed.find(b">", begin) + 1
            if inner < end and seed[inner - 2 : inner] != b"/>":
                close = seed.rfind(b"</", inner, end)
                found += [Shape(f"{s.name} in {where}", _between(seed[:inner], s.make, seed[close:])) for s in _INSIDE]
    return found


def _between(head: bytes, make: Callable[[int], bytes], tail: bytes) -> Callable[[int], bytes]:
    return lambda size: head + make(max(1, size - len(head) - len(tail))) + tail


def _elements(seed: bytes) -> Iterator[tuple[str, int, int]]:
    """Name, begin and end of each element, the first of each name."""
    import re

    seen: set[str] = set()
    for found in re.finditer(rb"<([A-Za-z:0-9]+)[^>]*?(/?)>", seed):
        name = found[1].decode()
        end = found.end() if found[2] else seed.find(b"</%s>" % found[1], found.end()) + len(name) + 3
        if name not in seen and end > found.end() - 1:
            seen.add(name)
            yield name, found.start(), end


# -- CBOR

_CBOR: Sequence[Shape] = (
    Shape("deep arrays", filled(b"\x81")),
    Shape("deep arrays without a length", filled(b"\x9f")),
    Shape("zeros", filled(b"\x00", b"\x9f", b"\xff")),
    Shape("empty maps", filled(b"\xa0", b"\x9f", b"\xff")),
    Shape("a huge array announced", filled(b"\x00", b"\x9b\x00\x00\x00\x7f\xff\xff\xff\xff")),
    Shape("a huge text announced", filled(b"a", b"\x7b\x00\x00\x00\x7f\xff\xff\xff\xff")),
    Shape("huge arrays announced", filled(b"\x9a\x7f\xff\xff\xff")),
    Shape("pieces of a text", filled(b"\x60", b"\x7f", b"\xff")),
    Shape("tags", filled(b"\xc1")),
    Shape("big number", lambda n: b"\xc2\x5a" + struct.pack(">I", n) + b"\xff" * n),
    Shape("big numbers", filled(b"\xc2\x49" + b"\xff" * 9, b"\x9f", b"\xff")),
    Shape(
        "decimal of a big number",
        lambda n: b"\xc4\x82\x1b\x00\x00\x00\x01\x00\x00\x00\x00\xc2\x5a" + struct.pack(">I", n) + b"\xff" * n,
    ),
    Shape("decimals", filled(b"\xc4\x82\x1b\x0d\xe0\xb6\xb3\xa7\x63\xff\xff\x01", b"\x9f", b"\xff")),
    Shape("binary fractions", filled(b"\xc5\x82\x1a\x00\x01\x00\x00\x01", b"\x9f", b"\xff")),
    Shape("huge binary fractions", filled(b"\xc5\x82\x1b\x0d\xe0\xb6\xb3\xa7\x63\xff\xff\x01", b"\x9f", b"\xff")),
    Shape("rationals", filled(b"\xd8\x1e\x82\x1a\xff\xff\xff\xff\x1a\xff\xff\xff\xfe", b"\x9f", b"\xff")),
    Shape(
        "rational of big numbers",
        lambda n: b"\xd8\x1e\x82" + 2 * (b"\xc2\x5a" + struct.pack(">I", n // 2) + b"\xfd" * (n // 2)),
    ),
    Shape("expression", lambda n: b"\xd8\x23\x7a" + struct.pack(">I", n // 4 * 4) + b"(a*)" * (n // 4)),
    Shape(
        "deep expression", lambda n: b"\xd8\x23\x7a" + struct.pack(">I", n // 2 * 2) + b"(" * (n // 2) + b")" * (n // 2)
    ),
    Shape("expressions", filled(b"\xd8\x23\x68(a{1,9})", b"\x9f", b"\xff")),
    Shape("mails", filled(b"\xd8\x24\x64a:b\n", b"\x9f", b"\xff")),
    Shape("instants", filled(b"\xc0\x74" + b"2013-03-21T20:04:00Z", b"\x9f", b"\xff")),
    Shape("epochs", filled(b"\xc1\x1a\x51\x4b\x67\xb0", b"\x9f", b"\xff")),
    Shape("networks", filled(b"\xd9\x01\x05\xa1\x44\xc0\xa8\x00\x00\x18\x18", b"\x9f", b"\xff")),
    Shape("sets", filled(b"\xd9\x01\x02\x80", b"\x9f", b"\xff")),
    Shape("shared values", filled(b"\xd8\x1c\x80", b"\x9f", b"\xff")),
    Shape("references to one", filled(b"\xd8\x1d\x00", b"\x9f\xd8\x1c\x80", b"\xff")),
    Shape("packed texts", filled(b"\xd9\x01\x00\x80", b"\x9f", b"\xff")),
    Shape("halves", filled(b"\xf9\x7b\xff", b"\x9f", b"\xff")),
    Shape("not numbers", filled(b"\xf9\x7e\x00", b"\x9f", b"\xff")),
)


@_lazily
def cbor_shapes(*heads: bytes) -> Sequence[Shape]:
    """Of CBOR: alone, and behind heads: what stands before a value."""
    found = list(_CBOR)
    for number, head in enumerate(heads):
        found += [Shape(f"{s.name} behind head {number}", _between(head, s.make, b"")) for s in _CBOR]
    return found


# -- bytes and texts


@_lazily
def repeated(*seeds: bytes) -> Sequence[Shape]:
    """Good ones again and again; their begins again and again, which announce what never comes; a begin and fill."""
    found = []
    for number, seed in enumerate(seeds):
        found.append(Shape(f"seed {number} again and again", filled(seed)))
        for size in sorted({2, 4, 8, 16, 32, len(seed) - 1}):
            if 0 < size < len(seed):
                begin = seed[:size]
                found.append(Shape(f"{size} B of seed {number} again and again", filled(begin)))
                found += [Shape(f"{size} B of seed {number}, then {b:02X}", filled(bytes([b]), begin)) for b in _FILL]
    return found


_FILL = (0x00, 0x01, 0x1B, 0x68, 0x76, 0x7E, 0xFF)


@_lazily
def byte_shapes(*seeds: bytes) -> Sequence[Shape]:
    """Of binary frames: each byte alone again and again, all values in turn, and what is made of good ones."""
    alone = [Shape(f"{byte:02X} again and again", filled(bytes([byte]))) for byte in range(256)]
    pairs = [Shape(f"{a:02X}{b:02X} again and again", filled(bytes([a, b]))) for a in _FILL for b in _FILL if a != b]
    return [*alone, *pairs, Shape("all bytes", filled(bytes(range(256)))), *repeated(*seeds)]


_WORDS = (
    "a",
    " ",
    ",",
    ";",
    ".",
    ":",
    "/",
    "=",
    "&",
    "%",
    "+",
    "-",
    "_",
    "(",
    "[",
    '"',
    "\\",
    "'",
    "?",
    "*",
    "0",
    "9",
    "%20",
    "a=1;",
    "a=1&",
    "a,",
    "a;q=0.1,",
    "Bearer ",
    "Basic ",
    "eyJ",
    "eyJa.",
    "1.2.3.4, ",
    "::1,",
    "[::1]:1,",
    "a b",
    "\u00e9",
    "P1D",
    "T00:00:00",
    "24",
    "1-0:1.8.0",
    "2026-01-01T00:00:00Z,",
    "1e999999",
    "a+",
    "a.b.c,",
    "[]",
    "%5B",
    "../",
    "\t",
)


@_lazily
def text_shapes(*around: tuple[str, str]) -> Sequence[Shape]:
    """Of a line of text: words again and again, alone and between what stands around them."""
    found = []
    for begin, end in (("", ""), *around):
        where = f" in {begin}...{end}" if begin or end else ""
        found += [Shape(f"{w!r}{where}", filled(w.encode(), begin.encode(), end.encode())) for w in _WORDS]
        found += [
            Shape(f"{w!r} numbered{where}", numbered(w + "%d", begin, end, s))
            for w in ("a", "c[", "x=")
            for s in "&;,+"
        ]
    return found
