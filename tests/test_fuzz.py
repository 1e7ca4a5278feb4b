"""The fuzz of costs knows every module that reads bytes from outside, and finds what it looks for."""

import ast
from pathlib import Path

import pytest

from bench.fuzz.climb import climbed, mutated
from bench.fuzz.costs import searched
from bench.fuzz.parser import Parser
from bench.fuzz.parsers import PARSERS
from bench.fuzz.readers import OURS, readers
from bench.fuzz.shapes import Shape, filled, json_shapes
from bench.fuzz.syntaxes import xml_shapes

ROOT = Path(__file__).resolve().parents[1]
NAMED = {module for parser in PARSERS for module in parser.modules}


@pytest.mark.gdpr("32(1)(b)")
def test_every_module_that_reads_bytes_has_a_parser_in_the_fuzz_or_reads_only_ours() -> None:
    found = set(readers(ROOT))
    assert found - NAMED - OURS.keys() == set(), "give bench.fuzz a parser for it"
    assert OURS.keys() <= found - NAMED, "OURS names a module that reads nothing, or that has a parser"


def test_every_module_that_the_fuzz_names_is_there() -> None:
    assert [name for name in sorted(NAMED) if not (ROOT / (name.replace(".", "/") + ".py")).exists()] == []


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_every_parser_reads_its_good_ones(parser: Parser) -> None:
    assert parser.seeds()
    for seed in parser.seeds():
        parser.read(seed)


def test_bodies_from_partners_are_decoded_in_one_way() -> None:
    direct = [
        str(file)
        for file in (ROOT / "adapters").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "msgspec.json.decode"
        if any(isinstance(argument, ast.Await) for argument in node.args)
    ]
    assert direct == [], "adapters.bodies.decoded bounds what a number and nesting cost"


def test_what_nobody_expects_is_told() -> None:
    def read(data: bytes) -> object:
        return {b"": 0}[data] if b"[[" in data else None

    parser = Parser("p", (), read, lambda: [b"{}"], [Shape("brackets", filled(b"["))])
    assert searched(parser, 0, 1).raised.keys() == {"KeyError"}
    assert searched(parser, 0, 1).bad


def test_the_climb_finds_the_dearest_and_is_the_same_for_the_same_seed() -> None:
    from random import Random

    def found(seed: int) -> list[bytes]:
        turns = iter(range(300))
        return list(
            climbed([b"{}"], lambda data: data.count(b"["), 1000, Random(seed), lambda: next(turns, None) is not None)
        )

    assert found(1) == found(1)
    assert found(1)[-1].count(b"[") > 100
    assert all(len(mutated(b"abc" * 100, [b"d"], 400, Random(n))) <= 400 for n in range(100))


def test_shapes_stand_in_every_place_of_a_good_one() -> None:
    names = {shape.name for shape in json_shapes({"a": [{"b": 1}]})}
    assert {"zeros at a.0.b of 0.3", "many of a of 0.1", "keys more in a.0 of 0.2"} <= names
    made = {shape.name: shape.make(200) for shape in xml_shapes(b"<x><y>1</y></x>")}
    assert made["many y of 0"].startswith(b"<x><y>1</y><y>1</y>")
    assert made["many y of 0"].endswith(b"</y></x>")
    assert b"<y><a>" in made["deep elements in y of 0"]
