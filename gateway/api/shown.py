"""Requests and grounds as the API shows them."""

from adapters.formats.words import whole_second
from adapters.plugin import PermissionRequest
from gateway.api.models import Json
from gateway.consent.desk import Asked
from gateway.grounds import kind_of
from policies.decide import ends
from policies.grounds import Ground, Scope


def scope_shown(scope: Scope | PermissionRequest) -> Json:
    """What was asked for, or agreed to."""
    return {
        "recipient": scope.recipient,
        "purpose": scope.purpose.value,
        "quantities": sorted(scope.quantities),
        "resolution_seconds": int(scope.resolution.total_seconds()),
        "level": scope.level.value,
        "values_from": whole_second(scope.values.start),
        "values_to": whole_second(scope.values.end),
        "keep_days": scope.keep.days,
    }


def request_shown(asked: Asked, state: str, **more: str) -> Json:
    """With its id, its state and its times."""
    when = {"asked": whole_second(asked.asked), "until": whole_second(asked.request.until)}
    return {"request": asked.id, "state": state, **when, **more, **scope_shown(asked.request)}


def ground_shown(ground: Ground) -> Json:
    """With its id, its kind and its end."""
    return {
        "ground": ground.id,
        "kind": kind_of(ground),
        "until": whole_second(ends(ground)),
        **scope_shown(ground.scope),
    }
