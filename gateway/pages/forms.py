"""Who asks for a page, and what is posted from one: from our own pages, with the session's token."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from urllib.parse import urlsplit

from aiohttp import web
from multidict import MultiDictProxy

from gateway.errors import NotAllowed, SubjectGone
from gateway.identity.sessions import Session, csrf_right
from gateway.registry.registry import Registry
from gateway.serve.callers import SESSION, session_of
from gateway.serve.problems import Problem
from policies.terms import SubjectId

FORM_BYTES = 16_384

PostedForm = MultiDictProxy[str | bytes | bytearray | web.FileField]


def household_of(request: web.Request, registry: Registry) -> tuple[Session, SubjectId]:
    """The household behind the session; an erased one sees its certificate only."""
    session = session_of(request)
    found = registry.tenancies.get(SubjectId(session.subject))
    if found is None or found.erased is not None:
        raise web.HTTPSeeOther("/erased")
    return session, found.id


async def names_of(registry: Registry, household: SubjectId) -> Mapping[str, str]:
    """What people call its meters, by label, where that is not the label; none of a household that is gone."""
    try:
        return {meter.label: meter.name for meter in await registry.meters.of(household) if meter.name}
    except SubjectGone:
        return {}


def form_token(request: web.Request) -> str:
    """What forms of this session hold; "" without one."""
    return request[SESSION].csrf if SESSION in request else ""


def decimal_of(said: str, field: str) -> Decimal:
    """A number with a point or a comma. Raises ``NotAllowed``."""
    try:
        number = Decimal(said.replace(",", "."))
    except InvalidOperation:
        raise NotAllowed(f"{field}: a number") from None
    if not number.is_finite():
        raise NotAllowed(f"{field}: a number")
    return number


async def posted(request: web.Request) -> PostedForm:
    """A posted form with its session's token. Raises ``Problem`` 403 for one from elsewhere."""
    same_site(request)
    form = await request.post()
    if not csrf_right(session_of(request), str(form.get("token", ""))):
        raise Problem(403, "csrf", "the form does not hold the session's token")
    return form


def same_site(request: web.Request) -> None:
    """Browsers say where a form comes from; what comes from another site is refused before anything is read."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "cross-site", "the form comes from another site")
    origin = request.headers.get("Origin")
    if origin is not None and origin != "null" and urlsplit(origin).netloc != request.host:
        raise Problem(403, "cross-site", "the form comes from another site")


def to(path: str) -> web.Response:
    """See other."""
    return web.Response(status=303, headers={"Location": path})


def signed_record(token: bytes | None, name: str) -> web.Response:
    """A receipt or certificate to take along. Raises 404 without one."""
    if token is None:
        raise web.HTTPNotFound
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=token, content_type="application/jose", headers=headers)
