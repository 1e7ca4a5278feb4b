"""What a command says of a problem."""

import json

import pytest

from gateway.cli.calls import said

DAYS = {"field": "days", "rule": "Input should be greater than 0"}
NAME = {"field": "name", "rule": "Field required"}
LINES = ["days: Input should be greater than 0", "name: Field required"]


def told(detail: str, *fields: dict[str, str]) -> list[str]:
    return said(json.dumps({"reason": "invalid", "detail": detail, "fields": fields}).encode(), 422).splitlines()


@pytest.mark.parametrize(
    ("detail", "head"),
    [
        ("; ".join(LINES), "invalid"),
        (f"2 wrong, nothing was done; the first is {LINES[0]}", "invalid: 2 wrong, nothing was done"),
        (f"the profile does not allow this: {LINES[0]}; {LINES[1]}", "invalid: the profile does not allow this"),
    ],
)
def test_each_rule_is_said_once_in_a_line_of_its_own(detail: str, head: str) -> None:
    assert told(detail, DAYS, NAME) == [head, *LINES]


def test_a_problem_without_fields_is_its_sentence() -> None:
    assert told("there is no such household") == ["invalid: there is no such household"]


def test_what_is_no_problem_is_told_by_its_status() -> None:
    assert said(b"<html>", 502) == "HTTP 502"
