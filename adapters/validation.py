"""What pydantic found wrong in settings, as fields and rules; no value is repeated."""

from pydantic import ValidationError

from adapters.problems import BrokenRule


class BrokenField(ValueError):
    """Raise in a validator of a whole table: which of its fields breaks which rule. ``field`` is below the table's."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(rule)
        self.field = field


def rules(error: ValidationError) -> list[BrokenRule]:
    """Each field by its dotted name, "" for the whole, and its rule in the words of the validator."""
    return [_rule(each["loc"], each["msg"], each.get("ctx", {}).get("error")) for each in error.errors()]


def _rule(loc: tuple[int | str, ...], message: str, raised: object) -> BrokenRule:
    below = (raised.field,) if isinstance(raised, BrokenField) else ()
    return ".".join(map(str, (*loc, *below))), str(raised) if isinstance(raised, ValueError) else message


def in_words(error: ValidationError, whole: str) -> str:
    """All in one line; ``whole`` stands for the whole table."""
    return "; ".join(f"{field or whole}: {rule}" for field, rule in rules(error))
