"""What the operator and the household are shown of exceptions and of what was decided: never a number."""

from collections.abc import Sequence
from typing import Any

from adapters.formats.words import whole_second
from gateway.api.models import Json
from gateway.vee.editing import Edited
from gateway.vee.records import Act, Decided, Listed


def shown(one: Listed) -> Json:
    found = one.item.found
    return {
        "id": one.id,
        "household": one.household,
        "state": one.state.value,
        "rule": found.rule,
        "meter": found.meter,
        "quantity": found.quantity,
        "start": whole_second(found.start),
        "end": whole_second(found.end),
        "severity": found.severity.value,
        "found": whole_second(one.at),
        "acts": [{**_act(act, names_author=True), "state": act.state.value} for act in one.item.acts],
    }


def said(done: Edited) -> Json:
    """Of a method no number: what it estimates is told by the door."""
    when = {"start": whole_second(done.period.start), "end": whole_second(done.period.end)}
    if done.value is None:
        return {**when, "method": done.method}
    warnings = [{"field": field, "rule": rule} for field, rule in done.doubts]
    return {**when, "value": str(done.value), "unit": done.unit, "warnings": warnings}


def taken_back(some: Sequence[Decided]) -> Json:
    """No number: the door tells what counts now."""
    first, last = some[0], some[-1]
    when = {"start": whole_second(first.start), "end": whole_second(last.end)}
    return {**when, "unit": first.unit, "status": first.status, "method": first.method}


def _act(act: Act, *, names_author: bool) -> dict[str, Any]:
    told = {"at": whole_second(act.at), "role": act.role, "reason": act.reason}
    return {**told, "author": act.author} if names_author else told


def decided(some: Sequence[Decided], *, names_author: bool) -> Json:
    first, last = some[0], some[-1]
    what = {"meter": first.meter, "quantity": first.quantity, "status": first.status, "method": first.method}
    when = {"start": whole_second(first.start), "end": whole_second(last.end)}
    return {**what, **when, **_act(first.act, names_author=names_author)}
