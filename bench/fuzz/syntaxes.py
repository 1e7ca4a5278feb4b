"""Shapes of XML, CBOR, binary frames and lines of text."""

import re
import struct
from collections.abc import Callable, Iterator, Sequence

from bench.fuzz.shapes import Shape, filled, lazily, nested, numbered

# -- XML

_INSIDE: Sequence[Shape] = (
    Shape("deep elements", nested(b"<a>", b"</a>", b"")),
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


@lazily
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


@lazily
def cbor_shapes(*heads: bytes) -> Sequence[Shape]:
    """Of CBOR: alone, and behind heads: what stands before a value."""
    found = list(_CBOR)
    for number, head in enumerate(heads):
        found += [Shape(f"{s.name} behind head {number}", _between(head, s.make, b"")) for s in _CBOR]
    return found


# -- bytes and texts


@lazily
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


@lazily
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


@lazily
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
