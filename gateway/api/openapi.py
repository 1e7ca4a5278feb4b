"""``/api/openapi.json`` (OpenAPI 3.1): paths, roles and parameters are drawn from the routes
themselves; which model a body follows stands in ``BODIES``."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, wraps
from types import MappingProxyType
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from adapters.plugin import Handler, Route
from gateway.api import models, vee
from gateway.api.history import CheckIn, HistoryIn
from gateway.api.meters import ExchangeIn, MeterIn, MeterNameIn
from gateway.api.organisations import OrganisationIn
from gateway.api.town import FindIn, ImportIn
from gateway.api.town_file import TownIn
from policies.roles import EVERYBODY, Listener, Role

BODIES: Mapping[str, type[BaseModel]] = MappingProxyType(
    {
        "POST /api/households": models.HouseholdIn,
        "POST /api/households/import": ImportIn,
        "POST /api/households/{household}/meters": MeterIn,
        "POST /api/households/{household}/meters/{label}/exchange": ExchangeIn,
        "POST /api/history": HistoryIn,
        "POST /api/history/check": CheckIn,
        "POST /api/households/find": FindIn,
        "POST /api/registry/check": TownIn,
        "POST /api/boxes": models.BoxIn,
        "POST /api/backups": models.BackupFolder,
        "POST /api/vens/codes": models.VenIn,
        "POST /api/certificates": models.CertificateIn,
        "PUT /api/organisations/{organisation}": OrganisationIn,
        "PUT /api/clients/{client}": models.ClientIn,
        "POST /api/enrol": models.EnrolIn,
        "POST /api/session": models.CodeIn,
        "POST /api/households/{household}/requests": models.ScopeIn,
        "POST /api/households/{household}/grounds": models.GroundIn,
        "POST /api/households/{household}/requests/{request}/accept": models.AnswerIn,
        "PUT /api/retention/{detail}": models.RetentionIn,
        "POST /api/vee/exceptions/{exception}/accept": vee.AcceptIn,
        "POST /api/vee/exceptions/{exception}/edit": vee.EditIn,
        "POST /api/households/{household}/meters/{label}/name": MeterNameIn,
        "POST /api/vee/exceptions/{exception}/undo": vee.UndoIn,
        "POST /api/vee/run": vee.RunIn,
    }
)
"""Which model a route's body follows."""
_PROBLEM = {"description": "problem+json (RFC 9457) with a stable reason"}


def bounded(route: Route) -> Route:
    """A route that takes no body, so that it refuses what it would not read: 422 names each field that came."""
    return route if f"{route.verb} {route.path}" in BODIES else replace(route, handler=_without_body(route.handler))


def _without_body(handler: Handler) -> Handler:
    @wraps(handler)
    async def handle(request: web.Request) -> web.StreamResponse:
        await models.body(request, models.Nothing)
        return await handler(request)

    return handle


def openapi_routes(routes: Sequence[Route]) -> list[Route]:
    """The one route that serves the document."""

    @lru_cache(maxsize=1)
    def document() -> dict[str, Any]:
        return describe([r for r in routes if r.path.startswith("/api/")])

    async def show(_: web.Request) -> web.Response:
        return web.json_response(document())

    return [bounded(Route(Listener.PEOPLE, "GET", "/api/openapi.json", "api.public", show, EVERYBODY))]


def describe(routes: Sequence[Route]) -> dict[str, Any]:
    """The document."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.verb.lower()] = _operation(route, schemas)
    ways = {
        "operator": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "__Host-session"},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Metergate people API", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": ways},
    }


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    names = re.findall(r"\{(\w+)\}", route.path)
    made: dict[str, Any] = {
        "operationId": _name(route.handler),
        "summary": (_inner(route.handler).__doc__ or "").strip().split("\n")[0],
        "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names],
        "responses": {"2XX": {"description": "done"}, "4XX": _PROBLEM},
        "security": _security(route),
    }
    if (model := BODIES.get(f"{route.verb} {route.path}")) is not None:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
        reference = {"$ref": f"#/components/schemas/{model.__name__}"}
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": reference}}}
    return made


def _security(route: Route) -> list[dict[str, list[str]]]:
    if Role.ANYONE in route.roles:
        return []
    ways = {Role.OPERATOR: "operator", Role.HOUSEHOLD: "session"}
    return [{way: []} for role, way in ways.items() if role in route.roles]


def _inner(handler: Callable[..., Any]) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(handler, "__wrapped__", handler)
    return found


def _name(handler: Callable[..., Any]) -> str:
    return _inner(handler).__name__
