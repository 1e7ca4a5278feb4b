"""The list of what is read names tests that are there, and reasons for what is not."""

from pathlib import Path

import pytest
import yaml

import meter_driver
from tests.meter_driver import test_mbus_frames, test_mbus_records, test_mbus_security, test_wmbus_frames

RULES = yaml.safe_load((Path(meter_driver.__file__).parent / "mbus_conformance.yaml").read_text(encoding="utf-8"))
TESTS = {
    name
    for module in (test_mbus_frames, test_mbus_records, test_mbus_security, test_wmbus_frames)
    for name in vars(module)
    if name.startswith("test_")
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["rule"])
def test_each_rule_is_shown_by_a_test_or_says_why_not(rule: dict[str, str]) -> None:
    assert rule["state"] in {"done", "todo", "exempt"}
    if rule["state"] == "done":
        assert rule["shown_by"] in TESTS
        assert rule["vectors"] in {"own vectors", "captures"}
    else:
        assert rule["note"]
        assert rule.get("shown_by") is None or rule["shown_by"] in TESTS
