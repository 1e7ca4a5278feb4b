"""``meter_driver/conformance.yaml`` says what the tests of this folder show."""

import ast
from pathlib import Path

import yaml

import meter_driver

RULES = yaml.safe_load((Path(meter_driver.__file__).parent / "conformance.yaml").read_text("utf-8"))["rules"]


def marked() -> set[str]:
    """Rules that a test of this folder carries."""
    found = set()
    for file in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.rule":
                found.add(ast.literal_eval(node.args[0]))
    return found


def test_what_is_done_is_shown_by_a_test_and_the_other_way_round() -> None:
    assert {name for name, rule in RULES.items() if rule["state"] == "done"} == marked()


def test_what_is_done_names_its_vectors_and_what_is_not_has_a_reason() -> None:
    for rule in RULES.values():
        if rule["state"] == "done":
            assert rule["vectors"] in ("captures", "own")
        else:
            assert rule["state"] in ("todo", "exempt")
            assert rule["reason"]
