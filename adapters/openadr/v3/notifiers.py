"""/notifiers and /subscriptions: this VTN notifies nobody yet, and says so."""

from aiohttp import web

from adapters.openadr.v3.asking import caller, identity, json, page, word, words
from adapters.openadr.v3.problems import VtnProblem

READ, WRITE = "read_all", "write_subscriptions"


async def notifiers(request: web.Request) -> web.StreamResponse:
    """Which ways of notification there are: none."""
    caller(request, READ)
    return json({"WEBHOOK": False})


async def search(request: web.Request) -> web.StreamResponse:
    """No subscription can have been made."""
    caller(request, READ)
    page(request)
    identity(request, "programID")
    word(request, "clientName")
    words(request, "targets")
    return json([])


async def create(request: web.Request) -> web.StreamResponse:
    """Refused: a subscription that is accepted and never served would be a lie."""
    caller(request, WRITE)
    raise VtnProblem(400, "this VTN offers no notifier; ask again instead")
