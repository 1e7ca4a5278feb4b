"""The paths of the REST API on the partners listener."""

from collections.abc import Mapping, Sequence

from adapters.openadr.desk import Desk
from adapters.openadr.v3 import notifiers
from adapters.openadr.v3.asking import asking_only, guarded, refused_outside
from adapters.openadr.v3.auth import Auth
from adapters.openadr.v3.parties import Resources, Vens
from adapters.openadr.v3.reports import Reports
from adapters.openadr.v3.signals import Events, Programs
from adapters.plugin import Handler, Route
from policies.roles import EVERYBODY, Listener, Role

BASE = "/openadr3/3.1.1"
PARTNERS_ONLY = frozenset({Role.PARTNER})
_PAGE = ("targets", "skip", "limit")
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "/programs": ("programName", *_PAGE),
    "/events": ("programID", "active", *_PAGE),
    "/vens": ("venName", *_PAGE),
    "/resources": ("resourceName", "venID", *_PAGE),
    "/reports": ("programID", "eventID", "clientName", "skip", "limit", "x-purpose", "x-quantity", "x-minutes"),
    "/subscriptions": ("programID", "clientName", "objects", *_PAGE),
}
"""Of each search, as openadr3.yaml lists them, and ours. The standard says nothing of others: they are 400, since a
filter that was misspelt must not widen an answer. All other requests have none."""


def routes(desk: Desk) -> Sequence[Route]:
    """Collections, and single objects below them."""
    auth, programs, events = Auth(desk.services, BASE), Programs(desk), Events(desk)
    vens, resources, reports = Vens(desk), Resources(desk), Reports(desk)
    table: list[tuple[str, str, str, frozenset[Role], Handler]] = [
        ("GET", "/auth/server", "openadr3.auth", EVERYBODY, auth.server),
        ("POST", "/auth/token", "openadr3.auth", EVERYBODY, auth.token),
        ("GET", "/reports", "openadr3.reports", PARTNERS_ONLY, reports.search),
        ("GET", "/notifiers", "openadr3.notifiers", PARTNERS_ONLY, notifiers.notifiers),
        ("GET", "/subscriptions", "openadr3.subscriptions", PARTNERS_ONLY, notifiers.search),
        ("POST", "/subscriptions", "openadr3.subscriptions", PARTNERS_ONLY, notifiers.create),
    ]
    for name, identity, service in (
        ("programs", "programID", programs),
        ("events", "eventID", events),
        ("vens", "venID", vens),
        ("resources", "resourceID", resources),
    ):
        route = f"openadr3.{name}"
        one = f"/{name}/{{{identity}}}"
        table += [
            ("GET", f"/{name}", route, PARTNERS_ONLY, service.search),
            ("POST", f"/{name}", route, PARTNERS_ONLY, service.create),
            ("GET", one, route, PARTNERS_ONLY, service.read),
            ("PUT", one, route, PARTNERS_ONLY, service.update),
            ("DELETE", one, route, PARTNERS_ONLY, service.delete),
        ]
    problems = refused_outside(desk.services)

    def guard(verb: str, path: str, handler: Handler) -> Handler:
        if path.startswith("/auth/"):  # RFC 6749 3.2: a token endpoint ignores parameters that it does not know
            return guarded(desk.services, handler)
        return guarded(desk.services, asking_only(PARAMETERS.get(path, ()) if verb == "GET" else (), handler))

    return [
        Route(Listener.PARTNERS, verb, BASE + path, name, guard(verb, path, handler), roles, problems=problems)
        for verb, path, name, roles, handler in table
    ]
