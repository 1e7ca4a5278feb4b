"""Every ``@pytest.mark.rule`` of the tests, against the ``conformance.yaml`` of the areas: they say the same."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance.marks import ROOT, marked

AREAS = ("meter_driver", "policies", "edge", "adapters", "gateway")
PAGES = sorted(page for area in AREAS for page in (ROOT / area).rglob("conformance.yaml"))


def rules(page: Path) -> dict[str, dict[str, Any]]:
    """Rule to what is said of it. A page is a table of rules, or has one under ``rules`` beside other things."""
    read = yaml.safe_load(page.read_text(encoding="utf-8"))
    table: dict[str, dict[str, Any]] = read.get("rules", read)
    return table


def state(rule: dict[str, Any]) -> str:
    """done, todo or exempt."""
    return str(rule.get("state", rule.get("status")))


def test_no_rule_is_on_two_pages() -> None:
    assert len(PAGES) >= 3
    assert [rule for rule, times in Counter(rule for page in PAGES for rule in rules(page)).items() if times > 1] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.parent.relative_to(ROOT)))
def test_what_a_page_calls_done_is_shown_by_a_test(page: Path) -> None:
    assert (
        sorted(name for name, rule in rules(page).items() if state(rule) == "done" and name not in marked("rule")) == []
    )


def test_what_a_test_shows_is_called_done() -> None:
    done = {name for page in PAGES for name, rule in rules(page).items() if state(rule) == "done"}
    assert {name: files for name, files in marked("rule").items() if name not in done} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.parent.relative_to(ROOT)))
def test_what_is_not_done_has_a_reason(page: Path) -> None:
    for name, rule in rules(page).items():
        assert state(rule) in ("done", "todo", "exempt"), name
        assert (state(rule) == "done") is ("reason" not in rule), name


def test_what_the_meter_driver_reads_names_its_vectors() -> None:
    for name, rule in rules(ROOT / "meter_driver" / "conformance.yaml").items():
        assert rule.get("vectors") in (("captures", "own") if state(rule) == "done" else (None,)), name
