"""The conformance page and the marks of the tests say the same."""

import re
from pathlib import Path

import yaml

HERE = Path(__file__).parent
PAGE = yaml.safe_load((HERE.parents[1] / "meter_driver" / "p1_sml_conformance.yaml").read_text(encoding="utf-8"))
MARK = re.compile(r"^@pytest\.mark\.rule\(\"(.+?)\"\)", re.MULTILINE)


def marked() -> set[str]:
    """All rules that tests of this folder name, of the standards on the page."""
    texts = [path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py")]
    return {rule for text in texts for rule in MARK.findall(text) if rule.startswith(tuple(PAGE))}


def test_every_rule_that_is_done_has_a_test_and_every_test_names_a_rule() -> None:
    done = {f"{name} {rule}" for name, rules in PAGE.items() for rule, row in rules.items() if row["status"] == "done"}
    assert marked() == done


def test_what_is_not_done_says_why() -> None:
    rows = [row for rules in PAGE.values() for row in rules.values()]
    assert all(row["status"] in ("done", "todo", "exempt") for row in rows)
    assert all("reason" in row for row in rows if row["status"] != "done")
    assert all("shown_by" in row for row in rows if row["status"] == "done")
