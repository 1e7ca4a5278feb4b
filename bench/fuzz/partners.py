"""What partners ask: readings and SDMX, in paths, queries and heads."""

from collections.abc import Sequence
from typing import Any

from adapters.gaiax.data_plane import _renderer
from adapters.queries import BadQuery, gathered
from adapters.readings.questions import question
from adapters.sdmx import asked
from bench.fuzz.calls import request_of
from bench.fuzz.parser import Parser, refusing
from bench.fuzz.syntaxes import text_shapes
from policies.terms import Portfolio, Pseudonym, Recipient

_LINE = 8190
"""Bytes of a line of a head."""
_HEX = "0123456789abcdef" * 2


# -- questions


def _query(data: bytes) -> Any:
    return gathered(request_of(b"", query=data.decode("utf-8", "replace")).query.items())


def _sdmx_3_0(data: bytes) -> object:
    text = data.decode("utf-8", "replace")
    path = {"context": "dataflow", "agency": "*", "id": "*", "version": "*", "key": text, "component": "*"}
    return asked.of_3_0(path, [(f"c[{name}]", text) for name in asked.KEY])


def _sdmx_2_1(data: bytes) -> object:
    text = data.decode("utf-8", "replace")
    return asked.of_2_1({"flow": "all", "key": text, "provider": "all", "component": "all"}, [("mode", "exact")])


_ASKED = b"purpose=energy-advice&quantity=1-0:1.8.0&start=2026-01-01T00:00:00Z&end=2026-02-01T00:00:00Z&minutes=15"


def _accepted(data: bytes) -> object:
    return _renderer(data.decode("utf-8", "replace"), streaming=False)


PARTNERS: Sequence[Parser] = (
    Parser(
        "data plane, Accept",
        ("adapters.gaiax.data_plane",),
        refusing(_accepted, Exception),
        lambda: [b"text/csv"],
        text_shapes(("text/csv;q=0.1,", "")),
        _LINE,
    ),
    Parser(
        "question about readings",
        ("adapters.readings.routes",),
        refusing(lambda d: question(Pseudonym(_HEX), Recipient("r"), _query(d)), BadQuery),
        lambda: [_ASKED],
        text_shapes(("quantity=", ""), (_ASKED.decode() + "&quantity=", "")),
        _LINE,
    ),
    Parser(
        "question about a portfolio",
        ("adapters.readings.routes",),
        refusing(lambda d: question(Portfolio(), Recipient("r"), _query(d)), BadQuery),
        lambda: [_ASKED],
        text_shapes(("start=", ""), ("minutes=", "")),
        _LINE,
    ),
    Parser(
        "SDMX 3.0 availability",
        ("adapters.sdmx.available_routes", "adapters.sdmx.routes"),
        refusing(_sdmx_3_0, asked.NotAnswered),
        lambda: [b"s.1-0:1.8.0.m"],
        text_shapes(("*.", ".*"), ("", ".*.*,")),
        _LINE,
    ),
    Parser(
        "SDMX 2.1 availability",
        ("adapters.sdmx.available_routes",),
        refusing(_sdmx_2_1, asked.NotAnswered),
        lambda: [b"s.1-0:1.8.0.m"],
        text_shapes(("*.", ".*"), ("a+", ".*.*")),
        _LINE,
    ),
)
