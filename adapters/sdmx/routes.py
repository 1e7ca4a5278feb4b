"""SDMX REST 2.1 (guidelines 1.5), structural metadata: data leaves by transfers of the data space."""

from aiohttp import web

from adapters.formats.sdmx_csv import AGENCY, SDMX_CSV_VERSION
from adapters.plugin import Route, Services
from adapters.queries import BadQuery, gathered, once, only
from adapters.sdmx.asked import NotAnswered
from policies.roles import Listener, Role

STRUCTURE_TYPE = "application/vnd.sdmx.structure+xml; version=2.1"
STRUCTURE_ROLES = frozenset({Role.PARTICIPANT, Role.PARTNER})
_ALL = frozenset({"", "all"})
ERROR_CODES = {401: "110", 403: "110", 413: "130"}
"""Of the standard by status, before a handler: unauthorised, too large; 500 otherwise."""
_PARAMETERS = ("detail", "references")
"""Of structure queries; one that is none of them is a syntax error (guidelines 1.5, 4.7)."""
_FULL = "full"
_STUBS = frozenset({"allstubs", "referencestubs", "allcompletestubs", "referencecompletestubs", "referencepartial"})
_REFERENCES = frozenset({"none", "parents", "parentsandsiblings", "children", "descendants", "all"})


class Structures:
    """``/sdmx/2.1/{resource}/{agency}/{id}/{version}``; what is left out of the path means all, or the latest."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        name, roles = "sdmx.structure", STRUCTURE_ROLES
        paths = growing("/sdmx/2.1/{resource}", "agency", "id", "version")
        return [Route(Listener.PARTNERS, "GET", path, name, self._get, roles, 1024, refused) for path in paths]

    async def _get(self, request: web.Request) -> web.Response:
        from adapters.sdmx.structure import artefacts, message

        asked = request.match_info
        try:
            referenced = wants_references(request)
        except NotAnswered as error:
            return sdmx_error(error.status, error.code, str(error))
        everything = artefacts()
        chosen = [
            a
            for a in everything
            if asked["resource"] in (a.resource, "structure")
            and asked.get("agency", "all") in (AGENCY, "all")
            and (asked.get("id", "all") in _ALL or a.id in asked["id"].split("+"))
            and asked.get("version", "latest") in (SDMX_CSV_VERSION, "latest", "all")
        ]
        if not chosen:
            return sdmx_error(404, "100", "no structure of this name here")
        if referenced:
            chosen = everything
        body = message(chosen, number=self._services.ids(), prepared=self._services.clock())
        return web.Response(body=body, headers={"Content-Type": STRUCTURE_TYPE})


def growing(path: str, *parts: str) -> list[str]:
    """A path, and what it becomes with one part more each time."""
    paths = [path]
    for part in parts:
        paths.append(paths[-1] + "/{" + part + "}")
    return paths


def wants_references(request: web.Request) -> bool:
    """Whether the structures around come too: all of them, for any word but ``none``. Raises ``NotAnswered``."""
    try:
        references, detail = _parameters(request)
    except BadQuery as error:
        raise NotAnswered(400, "140", str(error)) from None
    if detail != _FULL:
        raise NotAnswered(501, "501", f"detail: only {_FULL} is given here")
    return references != "none"


def _parameters(request: web.Request) -> tuple[str, str]:
    """References and detail. Raises ``BadQuery``."""
    from adapters.sdmx.structure import artefacts

    query = gathered(request.query.items())
    only(query, _PARAMETERS)
    references, detail = once(query, "references") or "none", once(query, "detail") or _FULL
    if references not in _REFERENCES and references not in {a.resource for a in artefacts()}:
        raise BadQuery("references", "not one of the SDMX REST guidelines")
    if detail != _FULL and detail not in _STUBS:
        raise BadQuery("detail", "not one of the SDMX REST guidelines")
    return references, detail


def sdmx_error(status: int, code: str, text: str) -> web.Response:
    """The standard's error message."""
    from adapters.sdmx.structure import error

    return web.Response(status=status, body=error(code, text), headers={"Content-Type": "application/xml"})


def refused(_: web.Request, status: int, __: str, detail: str) -> web.Response:
    """The standard's error before the handler."""
    return sdmx_error(status, ERROR_CODES.get(status, "500"), detail)
