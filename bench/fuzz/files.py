"""Files of history that an operator was given, and the map that he wrote for them."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import gettempdir

from bench.fuzz.parser import KB, Parser
from bench.fuzz.shapes import Shape, filled, json_shapes, numbered
from bench.fuzz.syntaxes import repeated, text_shapes, xml_shapes
from gateway.cli.history_file import map_of
from gateway.history import green_button, mscons, parquet, table
from gateway.history.plan import plan_of
from gateway.history.values import Values
from gateway.history.wrong import FileRefused, MapRefused


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


# -- files

_MAP = {"format": "csv", "columns": {"point": "p", "quantity": "q", "time": "t", "value": "v"}, "fixed": {"unit": "Wh"}}
_CSV = b"p,q,t,v\n" + b"".join(b"a,1-0:1.8.0,2026-01-01T0%d:00:00Z,%d\n" % (n, n) for n in range(9))
_EDIFACT = (
    b"UNA:+.? 'UNH+1+MSCONS:D:04B'NAD+DP'LOC+172+a'RFF+MG:1'LIN+1'PIA+5+1-0?:1.29.0'"
    b"QTY+220:1.5:KWH'DTM+163:202601010000?+00:303'DTM+164:202601010015?+00:303'UNT+10+1'"
)
_ESPI = (
    b'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:e="http://naesb.org/espi"><entry><link rel="self" href="u/1"/>'
    b'<title>a</title><content><e:UsagePoint/></content></entry><entry><link rel="self" href="u/1/MeterReading/1"/>'
    b'<link rel="related" href="t/1"/><content><e:MeterReading/></content></entry><entry><link rel="self" href="t/1"/>'
    b"<content><e:ReadingType><e:commodity>1</e:commodity><e:uom>72</e:uom></e:ReadingType></content></entry><entry>"
    b'<link rel="up" href="u/1/MeterReading/1/IntervalBlock"/><content><e:IntervalBlock><e:IntervalReading>'
    b"<e:timePeriod><e:duration>900</e:duration><e:start>0</e:start></e:timePeriod><e:value>5</e:value>"
    b"</e:IntervalReading></e:IntervalBlock></content></entry></feed>"
)
_IMPORT = "metergate import, a process of the operator's; at most 10 million values, 2 GiB"
_FILE = 100 * KB


def _file(read: Callable[[bytes, Values], object]) -> Callable[[bytes], object]:
    def reading(data: bytes) -> object:
        values = Values()
        try:
            read(data, values)
            return values.finish()
        except FileRefused:
            return None

    return reading


def _mapped(data: bytes) -> object:
    file = Path(gettempdir()) / "metergate-fuzz-map.yaml"
    file.write_bytes(data)
    try:
        return plan_of(map_of(file))
    except MapRefused:
        return None
    finally:
        file.unlink()


def _parquet_file() -> bytes:
    from pyarrow import parquet as pq
    from pyarrow import table as made

    out = io.BytesIO()
    columns = {
        "p": ["a"] * 9,
        "q": ["1-0:1.8.0"] * 9,
        "t": [f"2026-01-01T0{n}:00:00Z" for n in range(9)],
        "v": [1.5] * 9,
    }
    pq.write_table(made(columns), out)
    return out.getvalue()


_PLAN = plan_of(_MAP)
_LINES = [
    *(
        Shape(f"many {w!r}", filled(w, b"p,q,t,v\n"))
        for w in (b"\n", b'"', b",", b"a,", b'"a"', b"a,b,c,d\n", b"24:24:24")
    ),
    Shape("many series", numbered("p%d,1-0:1.8.0,2026-01-01T00:00:00Z,1\n", "p,q,t,v\n")),
    Shape("many columns", numbered("c%d,", "", "\n")),
    Shape("many 24 in a time", filled(b"a,1-0:1.8.0," + b"24" * 40 + b",1\n", b"p,q,t,v\n")),
    Shape("same instant", filled(b"a,1-0:1.8.0,2026-01-01T00:00:00Z,1\n", b"p,q,t,v\n")),
    Shape("digits", filled(b"9", b"p,q,t,v\na,1-0:1.8.0,2026-01-01T00:00:00Z,")),
]
_SEGMENTS = [
    *(
        Shape(f"many {w!r}", filled(w, b"UNA:+.? '"))
        for w in (b"'", b"?", b"??", b"+", b":", b"a'", b"?+", b"a+b:c'", b"UNH+1+MSCONS'")
    ),
    *(
        Shape(f"many {s!r}", filled(s, _EDIFACT[:100]))
        for s in (b"LOC+172+a'", b"QTY+220:1:KWH'", b"DTM+163:24:203'", b"PIA+5+a'")
    ),
    *repeated(_EDIFACT),
]


FILES: Sequence[Parser] = (
    Parser(
        "history, CSV",
        ("gateway.history.table",),
        _file(lambda d, v: table.read(io.StringIO(_text(d), newline=""), _PLAN, v)),
        lambda: [_CSV],
        [*_LINES, *repeated(_CSV)],
        _FILE,
        _IMPORT,
    ),
    Parser(
        "history, MSCONS",
        ("gateway.history.mscons",),
        _file(lambda d, v: mscons.read([d.decode("latin-1")], plan_of({"format": "mscons"}), v)),
        lambda: [_EDIFACT],
        _SEGMENTS,
        _FILE,
        _IMPORT,
    ),
    Parser(
        "history, Green Button",
        ("gateway.history.green_button",),
        _file(lambda d, v: green_button.read(lambda: io.BytesIO(d), plan_of({"format": "green-button"}), v)),
        lambda: [_ESPI],
        xml_shapes(_ESPI),
        _FILE,
        _IMPORT,
    ),
    Parser(
        "history, Parquet",
        ("gateway.history.parquet",),
        _file(lambda d, v: parquet.read(io.BytesIO(d), plan_of({**_MAP, "format": "parquet"}), v, lambda *_: None)),
        lambda: [_parquet_file()],
        repeated(_parquet_file()),
        _FILE,
        _IMPORT,
    ),
    Parser(
        "map of an import",
        ("gateway.cli.history_file",),
        _mapped,
        lambda: [b"format: csv\ncolumns: {time: t}\n"],
        [*json_shapes(), *text_shapes(("a: ", ""))],
        _FILE,
        "metergate import, written by the operator",
    ),
)
