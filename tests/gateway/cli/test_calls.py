"""What a command says of a problem."""

import json

from gateway.cli.calls import said

PROBLEM = {"reason": "invalid", "detail": "days: Input should be greater than 0"}
RULE = {"field": "days", "rule": "Input should be greater than 0"}
OTHER = {"field": "name", "rule": "Field required"}


def test_a_rule_that_the_sentence_has_already_is_not_said_again() -> None:
    text = said(json.dumps(PROBLEM | {"fields": [RULE, OTHER]}).encode(), 422)
    assert text.splitlines() == ["invalid: days: Input should be greater than 0", "name: Field required"]


def test_what_is_no_problem_is_told_by_its_status() -> None:
    assert said(b"<html>", 502) == "HTTP 502"
