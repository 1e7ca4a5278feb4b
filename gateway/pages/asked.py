"""What the address of a page asks for: understood whole, or refused in the visitor's language by field and rule.

A parameter that was misspelt must not pass for one that was left out: the page would show something else than was
asked for. Whoever asks for JSON gets problem+json with ``fields``.
"""

from collections.abc import Collection
from functools import wraps

from aiohttp import web

from adapters.plugin import Handler
from adapters.problems import members
from adapters.queries import BadQuery, NotKnown, NotOnce, NotOneOf, NotWhole, only
from gateway.pages.forms import form_token, to
from gateway.pages.render import Renderings, language_of
from gateway.pages.words import Phrases
from gateway.serve.problems import RAISED, Problem, answer

LONGEST_NUMBER = 18
"""Digits."""


class BadAddress(Problem):
    """A parameter of a page's address is unknown or wrong. ``wrong``: which, and the rule."""

    def __init__(self, wrong: BadQuery) -> None:
        super().__init__(400, wrong.reason, str(wrong), **members([(wrong.field, wrong.rule)]))
        self.wrong = wrong


def taking(handler: Handler, *fields: str) -> Handler:
    """A page that takes these parameters and no others."""

    @wraps(handler)
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            only(request.query, fields)
        except BadQuery as wrong:
            raise BadAddress(wrong) from None
        return await handler(request)

    return handle


def chosen(request: web.Request, field: str, choices: Collection[str]) -> str:
    """Which of the choices a parameter names; "" where it is left out or empty. Raises ``BadAddress``."""
    said = request.query.getall(field, [])
    if len(said) > 1:
        raise BadAddress(NotOnce(field))
    if said and said[0] and said[0] not in choices:
        raise BadAddress(NotOneOf(field, choices))
    return said[0] if said else ""


def whole(request: web.Request, field: str) -> int | None:
    """The number that a parameter gives; None where it is left out or empty. Raises ``BadAddress``."""
    said = request.query.getall(field, [])
    if len(said) > 1:
        raise BadAddress(NotOnce(field))
    if not said or not said[0]:
        return None
    if not (said[0].isascii() and said[0].isdigit() and len(said[0]) <= LONGEST_NUMBER and int(said[0])):
        raise BadAddress(NotWhole(field))
    return int(said[0])


_WORDS = {
    "being-recorded": "stopped",
    "not-recorded": "stopped_unrecorded",
    "not-objectable": "no_objection",
    "storage-full": "no_room",
    "forbidden": "not_yours",
    "no-session": "not_yours",
}
"""By reason."""
_BY_STATUS = {401: "log_in_first", 404: "not_found", 405: "not_here", 429: "too_often"}
"""All other refusals of the caller are a form that was not done, and all other faults our own."""


def refusal(
    show: Renderings, request: web.Request, status: int, reason: str, *, entrance: str, shut: Collection[int]
) -> web.StreamResponse:
    """What every page makes of a refusal. ``entrance``: where strangers are sent, for a status of ``shut``."""
    raised = request.get(RAISED)
    if raised is not None and _json_asked(request):
        return answer(raised)
    if status in shut:
        return to(entrance)
    words, token = _WORDS.get(reason) or _by_status(status), form_token(request)
    if isinstance(raised, BadAddress):
        words, reason = "not_understood", _said(raised.wrong, Phrases(language_of(request)))
    page = show.page(request, "problem.html", status=status, words=words, reason=reason, token=token)
    page.headers.update(raised.headers if raised is not None else {})
    return page


def elsewhere(show: Renderings, request: web.Request, status: int, reason: str, detail: str) -> web.StreamResponse:
    """A refusal of what is no page of ours: one to read for a browser, problem+json for a program."""
    if not _page_asked(request):
        return answer(request.get(RAISED) or Problem(status, reason, detail))
    return refusal(show, request, status, reason, entrance="/", shut=())


def _by_status(status: int) -> str:
    return _BY_STATUS.get(status, "failed" if status >= 500 else "not_done")


def _said(wrong: BadQuery, words: Phrases) -> str:
    match wrong:
        case NotKnown(known=known) if known:
            rule = words("field_not_known").format(", ".join(known))
        case NotKnown():
            rule = words("field_none")
        case NotWhole():
            rule = words("field_whole")
        case NotOneOf(choices=choices):
            rule = words("field_one_of").format(", ".join(choices))
        case _:
            rule = words("field_once")
    return f"{wrong.field}: {rule}"


def _json_asked(request: web.Request) -> bool:
    """Where no page is asked for: by ``Accept``, or by the name of what was to come."""
    json = any(kind.endswith("json") for kind in _accepted(request)) or request.path.endswith(".json")
    return json and not _page_asked(request)


def _page_asked(request: web.Request) -> bool:
    """Browsers name it when somebody goes to an address."""
    return "text/html" in _accepted(request)


def _accepted(request: web.Request) -> list[str]:
    return [part.partition(";")[0].strip().lower() for part in request.headers.get("Accept", "").split(",")]
