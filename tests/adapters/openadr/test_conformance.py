"""Marks of tests and ``conformance.yaml`` say the same."""

import re
from pathlib import Path

import yaml

HERE = Path(__file__).parent
FILE = HERE.parents[2] / "adapters" / "openadr" / "conformance.yaml"


def test_every_rule_that_is_done_has_a_test_and_every_other_a_reason() -> None:
    rules = yaml.safe_load(FILE.read_text())
    marks = {
        mark for file in HERE.glob("test_*.py") for mark in re.findall(r'mark\.rule\("([^"]+)"\)', file.read_text())
    }
    done = {rule for rule, told in rules.items() if told["status"] == "done"}
    assert done - marks == set()
    assert marks - done == set()
    for rule, told in rules.items():
        assert told["status"] in ("done", "todo", "exempt"), rule
        assert (told["status"] == "done") is ("reason" not in told), rule
