"""What is documented is there: arguments in signatures, attributes in classes, words of the glossary in the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("gateway", "adapters", "edge", "policies", "meter_driver", "metergate")
FILES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
SECTION = re.compile(r"^(?:Args|Attributes):\n((?: {4}.*\n?|\n)+)", re.MULTILINE)
ENTRY = re.compile(r"^ {4}([A-Za-z_]\w*(?:, [A-Za-z_]\w*)*): ", re.MULTILINE)
INLINE = re.compile(r"(?:^|[.;]\s+)((?:``\w+``(?:, | and )?)+): ")
Documented = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def named(doc: str) -> set[str]:
    """Of an ``Args`` or ``Attributes`` section, and of sentences of the form "``name``: what it is"."""
    listed = (entry for section in SECTION.findall(doc) for entry in ENTRY.findall(section))
    inline = (name for group in INLINE.findall(doc) for name in re.findall(r"\w+", group.replace(" and ", " ")))
    return {name for entry in listed for name in entry.split(", ")} | set(inline)


def there(node: Documented) -> Iterator[str]:
    """Parameters of a function; of a class its members, what it sets on ``self``, and what it is made with."""
    if not isinstance(node, ast.ClassDef):
        arguments = node.args
        optional = (each for each in (arguments.vararg, arguments.kwarg) if each is not None)
        yield from (each.arg for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *optional])
        return
    for child in ast.walk(node):
        match child:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield child.name
                if child.name in {"__init__", "__call__"}:
                    yield from there(child)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(value=ast.Name(id="self"), attr=name):
                yield name


def strays(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Documented) and (doc := ast.get_docstring(node)):
            yield from (f"{node.name}: {name}" for name in sorted(named(doc) - set(there(node))))


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_docstring_says_of_an_argument_is_said_of_one_that_is_there(package: str) -> None:
    found = {
        file.relative_to(ROOT).as_posix(): list(strays(file.read_text())) for file in FILES if package in file.parts
    }
    assert found
    assert {file: names for file, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("doc", "stray"),
    [
        ("Do it.\n\n    Args:\n        gone: of before.\n        here: is there.", "gone"),
        ("Do it. ``gone``: of before. ``here``: is there.", "gone"),
        ("``here``, ``gone``: both of before.", "gone"),
    ],
)
def test_an_argument_that_went_is_found_in_a_docstring(doc: str, stray: str) -> None:
    assert list(strays(f'def act(here: int) -> None:\n    """{doc}\n    """\n')) == [f"act: {stray}"]


def glossary() -> list[str]:
    page = (ROOT / "docs" / "architecture.md").read_text()
    table = page.partition("## Words")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:-1] for line in table.splitlines() if line.startswith("|")][2:]
    assert all(len(row) == 3 and all(cell.strip() for cell in row) for row in rows)
    return [word for row in rows for word in re.sub(r"\(.*?\)", "", row[0]).strip().split(", ")]


def test_each_word_of_the_glossary_is_one_that_the_code_uses() -> None:
    code = "\n".join(file.read_text() for file in FILES).lower()
    words = glossary()
    assert len(words) > 40
    assert [word for word in words if not re.search(rf"(?<![a-z]){word.lower().replace(' ', '[ _-]?')}", code)] == []
