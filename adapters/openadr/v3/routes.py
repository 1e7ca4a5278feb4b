"""The paths of the REST API on the partners listener."""

from collections.abc import Sequence

from adapters.openadr.desk import Desk
from adapters.openadr.v3 import notifiers
from adapters.openadr.v3.asking import guarded, refused_outside
from adapters.openadr.v3.auth import Auth
from adapters.openadr.v3.parties import Resources, Vens
from adapters.openadr.v3.reports import Reports
from adapters.openadr.v3.signals import Events, Programs
from adapters.plugin import Handler, Route
from policies.roles import EVERYBODY, Listener, Role

BASE = "/openadr3/3.1.1"
PARTNERS_ONLY = frozenset({Role.PARTNER})


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
    return [
        Route(Listener.PARTNERS, verb, BASE + path, name, guarded(desk.services, handler), roles, problems=problems)
        for verb, path, name, roles, handler in table
    ]
