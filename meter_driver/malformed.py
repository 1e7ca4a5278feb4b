"""What msgspec found wrong with a text, as a field and a rule in words of our own; no value is repeated. Pure.

msgspec's own sentences speak of types of its language; who wrote a body or a settings file reads what may stand there.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

A_TEXT, A_NUMBER, WHOLE_NUMBER, TRUE_OR_FALSE = "a text", "a number", "a whole number", "true or false"
AN_INSTANT, A_LIST, A_TABLE = "an instant, ISO 8601", "a list", "fields with their values"
IS_MISSING, NO_SUCH_FIELD = "is missing", "there is no such field"
OTHERWISE = "not what may stand here"
_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "str": A_TEXT,
        "int": WHOLE_NUMBER,
        "float": A_NUMBER,
        "decimal": A_NUMBER,
        "bool": TRUE_OR_FALSE,
        "array": A_LIST,
        "object": A_TABLE,
        "table": A_TABLE,
        "datetime": AN_INSTANT,
        "null": "nothing",
    }
)
_BOUNDS: Mapping[str, str] = MappingProxyType(
    {">=": "{} at least", "<=": "{} at most", ">": "more than {}", "<": "less than {}"}
)
_PLACE = re.compile(r" - at (`key` in )?`\$(.*)`$")
_MEMBER = re.compile(r"Object (missing required|contains unknown) field `(.*)`$")
_TYPE = re.compile(r"Expected `([^`]*)`")
_LENGTH = re.compile(r"`(str|array|object)` of length (>=|<=) (\d+)$")
_BOUND = re.compile(r"` (>=|<=|>|<) (-?[\d.]+)$")
_FORM = re.compile(r"matching regex '(.*)'$")


def field_and_rule(error: msgspec.ValidationError) -> tuple[str, str]:
    """The field by its dotted name, items of a list by their place from 0, "" for the whole; and the rule it breaks.

    What a type of ours raised is told in its words.
    """
    text = str(error)
    if (place := _PLACE.search(text)) is not None:
        text = text[: place.start()]
    field = "" if place is None else _dotted(place[2])
    if isinstance(error.__cause__, ValueError):
        return field, str(error.__cause__)
    if (member := _MEMBER.match(text)) is not None:
        return f"{field}.{member[2]}".strip("."), IS_MISSING if member[1].startswith("missing") else NO_SUCH_FIELD
    return field, f"names: {_rule(text)}" if place is not None and place[1] else _rule(text)


def _dotted(path: str) -> str:
    return path.replace("[...]", "").replace("[", ".").replace("]", "").strip(".")


def _rule(text: str) -> str:
    if (length := _LENGTH.search(text)) is not None:
        return _BOUNDS[length[2]].format(f"{length[3]} {'characters' if length[1] == 'str' else 'of them'}")
    if (bound := _BOUND.search(text)) is not None:
        return _BOUNDS[bound[1]].format(bound[2].removesuffix(".0"))
    if (form := _FORM.search(text)) is not None:
        return f"of the form {form[1]}"
    if text.endswith("with a timezone component"):
        return "an instant with its offset, ISO 8601"
    if (kinds := _TYPE.match(text)) is not None:
        known = [_KINDS.get(kind, "") for kind in kinds[1].split(" | ")]
        return " or ".join(known) if all(known) else OTHERWISE
    return AN_INSTANT if text.startswith("Invalid RFC3339") else OTHERWISE
