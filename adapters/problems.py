"""problem+json (RFC 9457) where no other standard has an error of its own: one shape for adapters and the gateway."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web

PROBLEM_TYPE = "https://metergate.invalid/problems/"
"""Problem types are names, not addresses; ``.invalid`` says so (RFC 2606)."""
BrokenRule = tuple[str, str]
"""A field of what was asked, and the rule that it breaks; no value of it."""


def problem(
    status: int, reason: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> web.Response:
    """``reason`` is a stable word, kebab-case; ``detail`` one sentence without any value; ``more`` its own members."""
    body = {
        "type": PROBLEM_TYPE + reason,
        "title": reason.replace("-", " "),
        "status": status,
        "reason": reason,
        "detail": detail,
        **more,
    }
    return web.Response(
        status=status, body=msgspec.json.encode(body), headers=headers, content_type="application/problem+json"
    )


def broken(status: int, reason: str, why: str, rules: Sequence[BrokenRule], **more: Any) -> web.Response:
    """A problem that names fields: ``fields`` has them all, ``field`` and ``rule`` are the first.

    ``why`` is said before them; without fields it stands alone.
    """
    return problem(status, reason, worded(why, rules), **members(rules), **more)


def rules_of(text: str) -> Sequence[BrokenRule]:
    """Of a text ``field, field: rule`` each field with the rule; empty for a sentence that names no field."""
    fields, colon, rule = text.partition(": ")
    return [(field, rule) for field in fields.split(", ")] if colon else []


def worded(why: str, rules: Sequence[BrokenRule]) -> str:
    """The sentence of a problem that names fields; one that is the rule itself is said once."""
    why = "" if any(rule == why for _, rule in rules) else why
    return ": ".join(part for part in (why, "; ".join(f"{field}: {rule}" for field, rule in rules)) if part)


def members(rules: Sequence[BrokenRule]) -> dict[str, Any]:
    """What a problem has of the fields that it names, beside its sentence; nothing without any."""
    if not rules:
        return {}
    field, rule = rules[0]
    return {"field": field, "rule": rule, "fields": [{"field": field, "rule": rule} for field, rule in rules]}
