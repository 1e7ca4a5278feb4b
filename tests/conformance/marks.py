"""Which tests there are, and which carry the mark of a clause: read from the sources, nothing is imported."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_Test = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def marked(mark: str) -> Mapping[str, set[str]]:
    """A mark's argument to the tests that carry it, as ``tests/path.py::name``; to the file where it is for several."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in (ROOT / "tests").rglob("test_*.py"):
        text = file.read_text(encoding="utf-8")
        if f"pytest.mark.{mark}" in text:
            for argument, owner in _calls(ast.parse(text), f"pytest.mark.{mark}"):
                found[argument].add("::".join([file.relative_to(ROOT).as_posix(), *owner]))
    return found


def _calls(tree: ast.Module, mark: str) -> Iterator[tuple[str, list[str]]]:
    """Each argument, and the name of the test if it is on one alone."""
    owners = {
        id(node): [test.name]
        for test in ast.walk(tree)
        if isinstance(test, _Test)
        for decorator in test.decorator_list
        for node in ast.walk(decorator)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == mark:
            yield ast.literal_eval(node.args[0]), owners.get(id(node), [])


@cache
def collected(path: str) -> frozenset[str]:
    """What pytest collects of a file of functions; nothing of one that is not there or not named as a test is."""
    file = ROOT / path
    if not (path.startswith("tests/") and file.name.startswith("test_") and file.suffix == ".py" and file.is_file()):
        return frozenset()
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return frozenset(node.name for node in body if isinstance(node, _Test) and node.name.startswith("test"))
