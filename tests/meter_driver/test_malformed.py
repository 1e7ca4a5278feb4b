"""What msgspec finds wrong is told by field and rule, in words that are ours alone."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from meter_driver.malformed import field_and_rule


class Left(Struct, tag="left", tag_field="side"):
    x: int


class Right(Struct, tag="right", tag_field="side"):
    x: int


class Day(Struct):
    day: str

    def __post_init__(self) -> None:
        if self.day == "30 February":
            raise ValueError("a day that there is")


class Body(Struct, forbid_unknown_fields=True):
    need: int
    text: Annotated[str, Meta(min_length=2, max_length=3)] = ""
    form: Annotated[str, Meta(pattern="^[a-z]+$")] = ""
    some: Annotated[list[Annotated[int, Meta(ge=0, le=5)]], Meta(max_length=2)] = []
    named: dict[Annotated[str, Meta(pattern="^a")], Annotated[float, Meta(gt=1, lt=9)]] = {}
    one: Literal["x", "y"] = "x"
    when: datetime | None = None
    zoned: Annotated[datetime, Meta(tz=True)] | None = None
    side: Left | Right | None = None
    day: Day | None = None
    yes: bool = False
    either: int | str = 0
    exact: Decimal = Decimal(0)


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ('"text": 1', ("text", "a text")),
        ('"text": "a"', ("text", "2 characters at least")),
        ('"text": "abcd"', ("text", "3 characters at most")),
        ('"form": "A"', ("form", "of the form ^[a-z]+$")),
        ('"some": {}', ("some", "a list")),
        ('"some": [1, 2, 3]', ("some", "2 of them at most")),
        ('"some": [1, -1]', ("some.1", "0 at least")),
        ('"some": [7]', ("some.0", "5 at most")),
        ('"named": {"b": 2}', ("named", "names: of the form ^a")),
        ('"named": {"a": 1}', ("named", "more than 1")),
        ('"named": {"a": 9}', ("named", "less than 9")),
        ('"named": {"a": "secret"}', ("named", "a number")),
        ('"one": "secret"', ("one", "not what may stand here")),
        ('"when": "secret"', ("when", "an instant, ISO 8601")),
        ('"when": 5', ("when", "an instant, ISO 8601 or nothing")),
        ('"zoned": "2026-01-01T00:00:00"', ("zoned", "an instant with its offset, ISO 8601")),
        ('"side": {"side": "secret"}', ("side.side", "not what may stand here")),
        ('"side": {"side": "left"}', ("side.x", "is missing")),
        ('"day": []', ("day", "fields with their values or nothing")),
        ('"day": {"day": "30 February"}', ("day", "a day that there is")),
        ('"yes": 1', ("yes", "true or false")),
        ('"either": []', ("either", "a whole number or a text")),
        ('"exact": "secret"', ("exact", "not what may stand here")),
        ('"strange": 1', ("strange", "there is no such field")),
    ],
)
def test_a_fault_is_told_by_field_and_rule_without_any_value(members: str, told: tuple[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError) as fault:
        msgspec.json.decode(f'{{"need": 1, {members}}}', type=Body)
    assert field_and_rule(fault.value) == told


@pytest.mark.parametrize(("text", "told"), [("[]", ("", "fields with their values")), ("{}", ("need", "is missing"))])
def test_of_the_whole_there_is_no_field(text: str, told: tuple[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError) as fault:
        msgspec.json.decode(text, type=Body)
    assert field_and_rule(fault.value) == told


def test_a_field_inside_of_an_item_is_named_with_its_place() -> None:
    with pytest.raises(msgspec.ValidationError) as fault:
        msgspec.json.decode('[{"day": "d"}, {}]', type=list[Day])
    assert field_and_rule(fault.value) == ("1.day", "is missing")
