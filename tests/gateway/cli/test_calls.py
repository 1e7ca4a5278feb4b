"""What a command says of a problem."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from gateway.api import models
from gateway.api.meters import ExchangeIn, MeterIn, MeterNameIn
from gateway.api.town import FindIn
from gateway.api.vee import AcceptIn, EditIn, RunIn, UndoIn
from gateway.cli import consent, meters, openadr, registry, trust, vee
from gateway.cli.calls import as_said, by, said

DAYS = {"field": "days", "rule": "more than 0"}
NAME = {"field": "name", "rule": "is missing"}
LINES = ["days: more than 0", "name: is missing"]


def told(detail: str, *fields: dict[str, str]) -> list[str]:
    return said(
        json.dumps({"reason": "invalid", "detail": detail, "fields": fields}).encode(), 422, as_said
    ).splitlines()


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
    assert said(b"<html>", 502, as_said) == "HTTP 502"


def test_fields_are_called_as_the_command_calls_them() -> None:
    ask = by(consent.ask, {"values_from": "start", "quantities": "quantity"})
    assert [ask(field) for field in ("values_from", "quantities.1", "keep_days", "recipient", "household", "body")] == [
        "--start", "--quantity 2", "--keep-days", "--recipient", "HOUSEHOLD", "body",
    ]  # fmt: skip
    exchanged = by(meters.exchange, {"stands": "stand"})
    assert (exchanged("stands.0.last"), exchanged("meter")) == ("--stand 1, last", "METER")


def test_every_call_with_something_that_was_said_in_it_says_what_its_fields_are_called() -> None:
    for module in (consent, meters, registry, vee, trust, openadr):
        calls = [
            node
            for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text()))
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "call"
        ]
        said = [node for node in calls if any(isinstance(each, ast.JoinedStr) for each in node.args)]
        said += [node for node in calls if len(node.args) == 4]
        assert [node.lineno for node in said if len(node.args) + len(node.keywords) < 4] == [], module.__name__


SAYS: list[tuple[Any, Any, dict[str, str], type[BaseModel], set[str]]] = [
    (consent.app, consent.ask, consent.OTHERS, models.ScopeIn, set()),
    (meters.meter_commands, meters.assign, {}, MeterIn, set()),
    (meters.meter_commands, meters.rename, {}, MeterNameIn, set()),
    (registry.app, meters.exchange, {"stands": "stand"}, ExchangeIn, set()),
    (registry.app, registry.find, {"point": "wanted", "name": "wanted"}, FindIn, {"page"}),
    (registry.app, registry.box, {}, models.BoxIn, {"box", "meters"}),
    (registry.app, registry.ven, {"ven": "name"}, models.VenIn, set()),
    (vee.app, vee.accept, {}, AcceptIn, set()),
    (vee.app, vee.undo, {}, UndoIn, set()),
    (vee.app, vee.edit, {}, EditIn, set()),
    (vee.app, vee.run, {}, RunIn, set()),
]
"""Application, command, its word for fields, what it sends, and fields that nobody can say by it."""


@pytest.mark.parametrize(("app", "command", "others", "model", "never"), SAYS)
def test_each_field_that_a_command_sends_is_an_option_or_an_argument_of_it(
    app: Any, command: Any, others: dict[str, str], model: type[BaseModel], never: set[str]
) -> None:
    known = typer.main.get_command(app)
    mine = next(each for each in known.commands.values() if each.callback.__wrapped__ is command)  # type: ignore[attr-defined]
    words = {word for each in mine.params for word in (*each.opts, each.name.upper())}
    for field in set(model.model_fields) - never:
        shown = by(command, others)(field)
        assert shown.partition(",")[0] in words, (field, shown)
        assert shown != field
