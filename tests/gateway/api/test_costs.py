"""What a refused body costs is bounded: by the route's size, by how many faults are worded, by the first of a list."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from adapters import validation
from adapters.validation import rules
from gateway.api import town_file
from gateway.api.history import HistoryIn
from gateway.api.models import MOST_WRONG, EnrolIn
from tests.gateway.people_house import people


def refused(model: Any, body: object) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        model.model_validate_json(json.dumps(body))
    return caught.value


async def test_who_enrols_sends_a_code_and_a_request_and_no_more(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        body = json.dumps({"code": "a", "csr": "b" * (1 << 15)})
        async with house.browser.post("/api/enrol", data=body, headers={"Content-Type": "application/json"}) as answer:
            assert answer.status == 413


def test_only_as_many_faults_are_worded_as_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused(EnrolIn, {f"k{n}": 0 for n in range(3 * MOST_WRONG)})
    worded: list[str] = []
    kept = validation._worded

    def noted(kind: str, bounds: Any) -> str:
        worded.append(kind)
        return kept(kind, bounds)

    monkeypatch.setattr(validation, "_worded", noted)
    assert len(rules(error, MOST_WRONG)) == len(worded) == MOST_WRONG


async def test_a_refusal_names_a_hundred_fields_and_the_file_of_a_town_a_thousand(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        headers = {"Authorization": f"Bearer {house.token}"}
        for path, most in (("/api/enrol", 100), ("/api/households/import", 100), ("/api/registry/check", 1000)):
            body = {f"k{n}": 0 for n in range(1500)}
            async with house.browser.post(path, json=body, headers=headers) as answer:
                assert (answer.status, len((await answer.json())["fields"])) == (422, most)


def test_of_a_list_of_values_the_first_fault_is_told() -> None:
    series = {"household": "h", "quantity": "q", "ends": [1, "x", "y"], "values": [{}, {}, {}]}
    error = refused(HistoryIn, {"source": "s", "sequence": 1, "series": [series]})
    assert [field for field, _ in rules(error)] == ["series.0.ends.1", "series.0.values.0"]


def test_faults_below_a_place_are_found_without_a_look_at_the_others() -> None:
    class Counted(list[str]):
        looks = 0

        def __getitem__(self, index: Any) -> Any:
            Counted.looks += 1
            return super().__getitem__(index)

    fields = Counted(sorted(f"households.{n}.points.{part}" for n in range(1000) for part in range(2)))
    assert town_file._below(fields, "households.10") == ["points.0", "points.1"]
    assert Counted.looks < 100
    assert town_file._below(["a.b", "a.b.c", "a.b.c.d", "a.b/", "a.bc"], "a.b") == ["", "c", "c.d"]
