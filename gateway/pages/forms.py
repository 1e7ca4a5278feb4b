"""Posted forms: from our own pages, with the session's token."""

from urllib.parse import urlsplit

from aiohttp import web
from multidict import MultiDictProxy

from gateway.identity.sessions import csrf_right
from gateway.serve.callers import session_of
from gateway.serve.problems import Problem

PostedForm = MultiDictProxy[str | bytes | bytearray | web.FileField]


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
