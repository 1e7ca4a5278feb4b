"""What an out-of-tree extension may bring: bounded by its kind, checked before any port opens.

It runs in this process, so the bounds do not hold against malice; they hold against mistakes, and they keep the table
of routes readable: no route of a stranger is ever for an operator, a box or a VEN that is not his.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from aiohttp import web

from adapters.plugin import Adapter, Caller, Handler, Route
from gateway.errors import SettingsError
from gateway.extending.found import ExtensionKind, Found
from gateway.serve.callers import Stranger, guard
from policies.roles import Listener, Role

MAY_NAME: Mapping[ExtensionKind, Mapping[Listener, frozenset[Role]]] = {
    ExtensionKind.OUTPUT: {
        Listener.PARTNERS: frozenset({Role.PARTNER, Role.PARTICIPANT}),
        Listener.PEOPLE: frozenset({Role.HOUSEHOLD}),
    },
    ExtensionKind.INPUT: {Listener.DEVICES: frozenset({Role.BOX})},
    ExtensionKind.PROCESSOR: {},
}
"""Kind -> listener -> roles. What is not in it is refused."""
VERBS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
FOR_ALL = frozenset({"household.erased", "ground.ended", "ground.ending", "permission.answered"})
"""Notices that go to every extension."""
_WORDS = frozenset(kind.partition(".")[0] for kind in FOR_ALL)
"""``household.ending`` is the gateway's own."""


def bounded(made: Adapter, it: Found, taken: Iterable[str], words: Iterable[str] = ()) -> Adapter:
    """The same, if it keeps to its bounds; ours as it is.

    ``taken``: first parts of paths that others have; ``words``: of notices.

    Raises ``SettingsError`` with package, route and role.
    """
    if made.name != it.name:
        raise SettingsError(f"{it.said}: its adapter calls itself {made.name}")
    if it.ours:
        return made
    for route in made.routes:
        _check(route, it, frozenset(taken))
    for kind in made.notices:
        if kind not in FOR_ALL and (not kind.startswith(f"{it.name}.") or it.name in {*words, *_WORDS}):
            raise SettingsError(f"{it.said}: the notice {kind} is not its own: those begin with {it.name} and a dot")
    if made.authenticate is not None and it.kind is not ExtensionKind.OUTPUT:
        raise SettingsError(f"{it.said}: only an output authenticates")
    return replace(
        made,
        routes=[_guarded(route) for route in made.routes],
        authenticate=_narrowed(made.authenticate) if made.authenticate is not None else None,
    )


def _check(route: Route, it: Found, taken: frozenset[str]) -> None:
    where = f"{it.said}: route {route.verb} {route.path} on {route.listener}"
    said: list[object] = [route.listener, *route.roles]  # a stranger's types are not checked by mypy
    if not isinstance(said[0], Listener) or not all(isinstance(role, Role) for role in said[1:]):
        raise SettingsError(f"{where}: listener and roles are those of policies.roles, not their words")
    if route.verb not in VERBS:
        raise SettingsError(f"{where}: the verb is one of {', '.join(sorted(VERBS))}")
    allowed = MAY_NAME[it.kind].get(route.listener)
    if allowed is None:
        raise SettingsError(f"{where}: {_article(it.kind)} has no routes there")
    if not route.roles or not route.roles <= allowed:
        named = ", ".join(sorted(route.roles - allowed)) or "nobody"
        raise SettingsError(f"{where} is for the role {named}; it may name {', '.join(sorted(allowed))}")
    if first_part(route.path) != it.name or it.name in taken:
        raise SettingsError(f"{where}: its paths begin with /{it.name}/, which nobody else may have")
    if route.name.partition(".")[0] != it.name:
        raise SettingsError(f"{where}: its name {route.name} begins with {it.name}")


def first_part(path: str) -> str:
    return path.split("/", 2)[1] if path.startswith("/") else ""


def _article(kind: ExtensionKind) -> str:
    return f"a {kind.word}" if kind is ExtensionKind.PROCESSOR else f"an {kind.word}"


def _guarded(route: Route) -> Route:
    """On the people listener a change needs the session's token, as on ours: browsers send cookies unasked."""
    if route.listener is not Listener.PEOPLE:
        return route
    inner: Handler = route.handler

    async def handle(request: web.Request) -> web.StreamResponse:
        guard(request)
        return await inner(request)

    return replace(route, handler=handle)


def _narrowed(authenticate: Stranger) -> Stranger:
    """Whoever it names is a partner or a participant, or nobody; and has no scope on routes of ours."""

    async def narrowed(header: str) -> Caller | None:
        caller = await authenticate(header)
        known = MAY_NAME[ExtensionKind.OUTPUT][Listener.PARTNERS]
        return replace(caller, scopes=frozenset()) if caller is not None and caller.role in known else None

    return narrowed
