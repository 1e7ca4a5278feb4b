"""What people and the operator send: bodies of the API."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from bench.fuzz.calls import posted, run
from bench.fuzz.parser import Parser
from bench.fuzz.shapes import json_shapes
from gateway.api import models
from gateway.api.history import HistoryIn
from gateway.api.meters import ExchangeIn
from gateway.api.organisations import OrganisationIn
from gateway.api.town import ImportIn
from gateway.api.town_file import sound_of
from gateway.api.vee import EditIn
from gateway.serve.problems import Problem

# -- bodies of the API

_HOME = {"name": "a", "points": ["p"], "start": "2026-01-01T00:00:00Z", "box": True}
_SCOPE = {
    "recipient": "r",
    "purpose": "billing",
    "quantities": ["1-0:1.8.0"],
    "values_from": "2026-01-01T00:00:00Z",
    "values_to": "2027-01-01T00:00:00Z",
    "until": "2027-01-01T00:00:00Z",
}
_SERIES = {"household": "h", "quantity": "1-0:1.8.0", "starts": [0], "ends": [900], "values": ["1.5"]}
_ORGANISATION = {"name": "o", "did": "did:web:a", "levels": ["individual"], "zones": ["z"]}
_SMALL = 1 << 16
_OF_API: Sequence[tuple[type[BaseModel], Any, int]] = (
    (models.EnrolIn, {"code": "a", "csr": "b"}, 1 << 15),
    (models.CodeIn, {"code": "a"}, _SMALL),
    (models.ScopeIn, _SCOPE, _SMALL),
    (models.AnswerIn, {"quantities": ["a"], "language": "de"}, _SMALL),
    (OrganisationIn, _ORGANISATION, _SMALL),
    (models.BoxIn, {"household": "h", "meters": {"m": "h"}}, _SMALL),
    (ExchangeIn, {"at": "2026-01-01T00:00:00Z", "stands": [{"quantity": "a", "last": "1", "first": "0"}]}, _SMALL),
    (EditIn, {"author": "a", "reason": "b", "value": "1.5", "unit": "kWh", "start": "2026-01-01T00:00:00Z"}, _SMALL),
    (HistoryIn, {"source": "s", "sequence": 1, "series": [_SERIES]}, 4 << 20),
)


def _api(model: type[BaseModel], good: Any, most: int) -> Parser:
    def read(data: bytes) -> object:
        try:
            return run(models.body(posted(data), model))
        except Problem:
            return None

    name, modules = f"API, {model.__name__}", ("gateway.api.models",)
    return Parser(name, modules, read, lambda: [json.dumps(good).encode()], json_shapes(good), most)


_TOWN = {"organisations": {"o": _ORGANISATION}, "clients": {"c": {"scopes": ["s"]}}, "households": [_HOME]}


def _town(data: bytes) -> object:
    try:
        return sound_of(data)
    except Problem:
        return None


PEOPLE: Sequence[Parser] = (
    *(_api(*each) for each in _OF_API),
    replace(_api(ImportIn, {"households": [_HOME]}, 8 << 20), elsewhere="a thread, for the operator"),
    Parser(
        "API, a town",
        ("gateway.api.town_file",),
        _town,
        lambda: [json.dumps(_TOWN).encode()],
        json_shapes(_TOWN),
        64 << 20,
        "a thread, for the operator; what it refers to is looked up by ten households a turn",
    ),
)
