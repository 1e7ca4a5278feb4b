"""What pydantic found wrong, as fields and rules in words of our own; no value is repeated.

Pydantic's own sentences speak of inputs and types of its language; who wrote a settings file, a body or a row of a town
reads what may stand there.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from adapters.problems import BrokenRule
from meter_driver.malformed import (
    A_LIST,
    A_NUMBER,
    A_TABLE,
    A_TEXT,
    AN_INSTANT,
    IS_MISSING,
    NO_SUCH_FIELD,
    OTHERWISE,
    TRUE_OR_FALSE,
    WHOLE_NUMBER,
)


class BrokenField(ValueError):
    """Raise in a validator of a whole table: which of its fields breaks which rule. ``field`` is below the table's."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(rule)
        self.field = field


_DAY = "a day, YYYY-MM-DD"
WORDED_ERRORS: Mapping[str, str] = MappingProxyType(
    {
        "missing": IS_MISSING,
        "extra_forbidden": NO_SUCH_FIELD,
        "json_invalid": "not JSON in UTF-8",
        "json_type": "not JSON in UTF-8",
        "string_type": A_TEXT,
        "string_unicode": "a text in UTF-8",
        "string_too_short": "at least {min_length} characters",
        "string_too_long": "at most {max_length} characters",
        "string_pattern_mismatch": "of the form {pattern}",
        "int_type": WHOLE_NUMBER,
        "int_parsing": WHOLE_NUMBER,
        "int_from_float": WHOLE_NUMBER,
        "int_parsing_size": "a whole number, and a smaller one",
        "float_type": A_NUMBER,
        "float_parsing": A_NUMBER,
        "decimal_type": A_NUMBER,
        "decimal_parsing": A_NUMBER,
        "finite_number": A_NUMBER,
        "decimal_max_digits": "at most {max_digits} digits",
        "decimal_max_places": "at most {decimal_places} digits behind the point",
        "decimal_whole_digits": "at most {whole_digits} digits before the point",
        "greater_than": "more than {gt}",
        "greater_than_equal": "{ge} at least",
        "less_than": "less than {lt}",
        "less_than_equal": "{le} at most",
        "bool_type": TRUE_OR_FALSE,
        "bool_parsing": TRUE_OR_FALSE,
        "literal_error": "one of {expected}",
        "enum": "one of {expected}",
        "list_type": A_LIST,
        "tuple_type": A_LIST,
        "too_long": "at most {max_length} of them",
        "too_short": "at least {min_length} of them",
        "dict_type": A_TABLE,
        "model_type": A_TABLE,
        "model_attributes_type": A_TABLE,
        "date_type": _DAY,
        "date_parsing": _DAY,
        "date_from_datetime_parsing": _DAY,
        "date_from_datetime_inexact": _DAY,
        "datetime_type": AN_INSTANT,
        "datetime_parsing": AN_INSTANT,
        "datetime_from_date_parsing": AN_INSTANT,
        "datetime_object_invalid": AN_INSTANT,
        "timezone_aware": "an instant with its offset, ISO 8601",
        "path_type": "the path of a file",
        "none_required": "nothing may stand here",
    }
)
"""By the kind of error; braces hold what pydantic says of the bound."""
_QUOTED = re.compile(r"'([^']*)'")


def rules(error: ValidationError, most: int | None = None) -> list[BrokenRule]:
    """Each field by its dotted name, "" for the whole, and its rule; where one of ours was broken, in its words.

    ``most``: so many of them.
    """
    found = error.errors(include_url=False, include_input=False)
    return [_rule(each["loc"], each["type"], each.get("ctx", {})) for each in found[:most]]


def _rule(loc: tuple[int | str, ...], kind: str, bounds: Mapping[str, Any]) -> BrokenRule:
    raised = bounds.get("error")
    below = (raised.field,) if isinstance(raised, BrokenField) else ()
    rule = str(raised) if isinstance(raised, ValueError) else _worded(kind, bounds)
    return ".".join(str(part) for part in (*loc, *below) if part != "[key]"), rule


def _worded(kind: str, bounds: Mapping[str, Any]) -> str:
    """Words that may stand there are told without quotes; an empty one is not told."""
    rule = WORDED_ERRORS.get(kind, OTHERWISE)
    if "{" not in rule:
        return rule
    words = [word for word in _QUOTED.findall(str(bounds.get("expected", ""))) if word]
    return rule.format_map({**bounds, "expected": ", ".join(words)})


def in_words(error: ValidationError, whole: str) -> str:
    """All in one line; ``whole`` stands for the whole table."""
    return "; ".join(f"{field or whole}: {rule}" for field, rule in rules(error))
