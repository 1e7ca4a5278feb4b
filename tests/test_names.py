"""One meaning for each public name: a class or constant of a module is defined in one place."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("gateway", "adapters", "edge", "policies", "meter_driver", "metergate")
AS_ASKED = frozenset({"app", "PROFILE", "FAMILIES", "MIGRATIONS", "METADATA", "API_VERSION", "Settings", "T"})
"""What a library or one of our extension points looks for under this name: typer, families, Alembic, parts, links."""
TWICE: Mapping[str, str] = MappingProxyType(
    {
        "FINAL": "of a state machine of the Dataspace Protocol: negotiation and transfer",
        "MOVES": "as FINAL",
        "Say": "as FINAL",
        "State": "as FINAL; the protocol's word in both",
        "Event": "OpenADR's object; what a decoder of bytes yields",
        "Logger": "one port; edge and adapters do not know each other",
        "Outcome": "what a pure machine makes of a message: data space and OpenADR",
        "SettingsError": "two programs",
        "STATUSES": "two versions of the form at rest",
    }
)


def defined(tree: ast.Module) -> Iterator[str]:
    """Public classes and variables at the top of a module."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)]
        else:
            continue
        yield from (name for name in names if not name.startswith("_"))


def places() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            if "migrations" not in file.parts:
                for name in set(defined(ast.parse(file.read_text()))) - AS_ASKED:
                    found[name].add(file.relative_to(ROOT).as_posix())
    return {name: where for name, where in found.items() if len(where) > 1}


def test_no_public_name_has_two_meanings() -> None:
    assert {name: sorted(where) for name, where in places().items() if name not in TWICE} == {}


def test_the_list_of_names_that_stand_twice_has_none_that_does_not() -> None:
    assert set(TWICE) - set(places()) == set()
