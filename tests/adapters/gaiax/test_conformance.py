"""``conformance.yaml`` says what the tests show, and lists what the kit tests."""

import ast
from pathlib import Path
from typing import Any

import yaml

from adapters import gaiax
from tests.shared import SHARED, needs_corpus

PAGE = yaml.safe_load((Path(gaiax.__file__).parent / "conformance.yaml").read_text(encoding="utf-8"))
KIT = SHARED / "corpus/gaiax/tck/dsp-tck-test-ids.tsv"


def marked() -> set[str]:
    """Rules that a test of this folder carries."""
    found = set()
    for file in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.rule":
                found.add(ast.literal_eval(node.args[0]))
    return found


def test_what_is_done_is_shown_by_a_test_and_the_other_way_round() -> None:
    assert {name for name, rule in PAGE["rules"].items() if rule["state"] == "done"} == marked()


def test_what_is_not_done_has_a_reason() -> None:
    entries: list[Any] = [*PAGE["rules"].values(), *PAGE["kit"].values()]
    assert all(e["state"] in ("done", "todo", "exempt") for e in entries)
    assert all(e.get("reason") for e in entries if e["state"] != "done")


@needs_corpus
def test_every_test_of_the_kit_is_listed() -> None:
    listed = {line.split("\t")[0] for line in KIT.read_text(encoding="utf-8").splitlines() if line}
    assert set(PAGE["kit"]) == listed
