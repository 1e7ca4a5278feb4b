"""All routes of the people listener, and the ones every listener's operator expects: health, pages, the API."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web

from adapters.plugin import Route
from policies.roles import Listener

if TYPE_CHECKING:
    from gateway.app import Gateway


def people_routes(gateway: "Gateway") -> list[Route]:
    """What the composition root opens on the people listener."""
    return health_routes(lambda: gateway.keeper.sound)


def health_routes(sound: Callable[[], bool]) -> list[Route]:
    """``/healthz``: the process answers. ``/readyz``: it can also read and change keys; 503 when it cannot."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_: web.Request) -> web.Response:
        ready = sound()
        return web.json_response({"status": "ready" if ready else "not ready"}, status=200 if ready else 503)

    return [
        Route(Listener.PEOPLE, "GET", "/healthz", "health", healthz),
        Route(Listener.PEOPLE, "GET", "/readyz", "health", readyz),
    ]
