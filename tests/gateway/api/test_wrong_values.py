"""A wrong value in any field of any body, and in any setting, is refused in words of our own that name the field."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError
from pydantic_core import core_schema

from adapters.gaiax.settings import Settings as GaiaxSettings
from adapters.openadr.settings import Settings as OpenadrSettings
from adapters.validation import WORDED_ERRORS, rules
from gateway.api.openapi import BODIES
from gateway.settings import Settings
from tests.gateway.people_house import people

FOREIGN = re.compile(
    r"[Ii]nput|[Ff]ield required|[Ss]tring should|[Ll]ist should|[Vv]alue error|value_error|[Vv]alid |permitted"
    r"|pydantic|dictionary|boolean|integer|datetime|Decimal|tuple|NoneType|should "
)
WRONG: tuple[Any, ...] = (
    None, True, -1, 10**40, 1.5, float("nan"), "", "x", "\ud800", "x" * 70_000, "2026-13-45", "2026-03-01T00:00:00", [],
    [[]], [{}], ["x" * 200] * 2000, {}, {"x": {}}, {"x": "y"}, {"": []},
)  # fmt: skip
"""Of every kind; none fits everywhere."""


def told(model: type[BaseModel], said: Any) -> list[tuple[str, str]]:
    try:
        model.model_validate_json(json.dumps(said))
    except ValidationError as error:
        return rules(error)
    except UnicodeEncodeError:
        return []
    return []


def models(model: type[BaseModel], way: tuple[str, ...] = ()) -> Iterator[tuple[type[BaseModel], tuple[str, ...]]]:
    """It and those inside of it, with the way there."""
    yield model, way
    for name, field in model.model_fields.items():
        for inner in inside(field.annotation):
            yield from models(inner, (*way, name))


def inside(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from inside(each)


ALL: list[type[BaseModel]] = sorted({*BODIES.values(), Settings, GaiaxSettings, OpenadrSettings}, key=str)


@pytest.mark.parametrize("model", ALL, ids=str)
def test_whatever_is_wrong_with_a_field_is_said_in_our_words(model: type[BaseModel]) -> None:
    heard = 0
    for one, _ in models(model):
        for name in one.model_fields:
            for wrong in WRONG:
                for field, rule in told(one, {name: wrong}):
                    heard += field.partition(".")[0] == name
                    assert FOREIGN.search(rule) is None, (field, rule)
                    assert rule != "not what may stand here", (field, wrong if len(str(wrong)) < 80 else "...")
        wholes: tuple[Any, ...] = ([], "x", 1, None, {"no_such": 1})
        for whole in wholes:
            assert all(FOREIGN.search(rule) is None for _, rule in told(one, whole))
    assert heard > len(model.model_fields)


@pytest.mark.parametrize(("route", "model"), BODIES.items())
async def test_every_route_with_a_body_refuses_by_field_in_our_words(
    tmp_path: Path, route: str, model: type[BaseModel]
) -> None:
    verb, path = route.split(" ")
    async with people(tmp_path) as house:
        made = await house.household()
        csrf = await house.log_in(made["login_code"])
        path = re.sub(r"{\w+}", "none", path.replace("{household}", made["household"]).replace("{detail}", "quarter"))
        own = "/requests/none/" in path
        headers = {"X-CSRF-Token": csrf} if own else {"Authorization": f"Bearer {house.token}"}
        for name in model.model_fields:
            body = {name: ["x", {"x": 1}] if name != "households" else [{"points": 1}]}
            async with house.browser.request(verb, path, json=body, headers=headers) as answer:
                problem = await answer.json()
            assert (answer.status, problem["reason"]) == (422, "invalid"), problem
            named = [each["field"].partition(".")[0] for each in problem["fields"]]
            assert name in named
            assert FOREIGN.search(problem["detail"]) is None, problem["detail"]


def test_each_rule_is_of_an_error_that_there_is() -> None:
    assert set(WORDED_ERRORS) - {"path_type"} <= set(get_args(core_schema.ErrorType))
