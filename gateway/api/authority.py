"""The operator's half of rotation: authorities that are trusted, and the certificates of boxes and VENs."""

from dataclasses import dataclass

from aiohttp import web

from adapters.formats.words import whole_second
from adapters.plugin import Handler, Route
from gateway.api.models import Json
from gateway.api.registry import telling
from gateway.identity.box_renewal import BoxRenewals, ListedCertificate
from gateway.identity.rotation import Rotation
from policies.roles import OPERATOR, Listener


@dataclass(frozen=True, slots=True)
class AuthorityApi:
    """Handlers."""

    rotation: Rotation
    renewals: BoxRenewals

    def routes(self) -> list[Route]:
        """On the people listener, for the operator."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/api/authorities", self.list_authorities),
            ("POST", "/api/authorities", self.replace_authority),
            ("DELETE", "/api/authorities/former", self.drop_authority),
            ("GET", "/api/certificates", self.list_certificates),
        ]
        return [
            Route(Listener.PEOPLE, verb, path, "api.authority", telling(handler), OPERATOR, 1024)
            for verb, path, handler in table
        ]

    async def list_authorities(self, _: web.Request) -> web.Response:
        """Those that are trusted, the oldest first; how many certificates by them are in use."""
        shown = [
            {
                "fingerprint": each.fingerprint,
                "until": whole_second(each.until),
                "issues": each.issues,
                "certificates": each.certificates,
            }
            for each in self.rotation.standing()
        ]
        return web.json_response({"authorities": shown})

    async def replace_authority(self, _: web.Request) -> web.Response:
        """Another authority issues from now on; the present one is trusted until its end, or until it is dropped."""
        return web.json_response({"fingerprint": await self.rotation.replace()}, status=201)

    async def drop_authority(self, request: web.Request) -> web.Response:
        """The former one is trusted no longer; 409 while certificates by it are in use, unless ``?anyway=yes``."""
        await self.rotation.drop(anyway=request.query.get("anyway") == "yes")
        return web.Response(status=204)

    async def list_certificates(self, _: web.Request) -> web.Response:
        """Of each box and each VEN the one that ends last, and why a box cannot renew its own (``trouble``)."""
        return web.json_response({"certificates": [_shown(each) for each in self.renewals.listed()]})


def _shown(each: ListedCertificate) -> Json:
    found = each.certificate
    named = {"kind": found.kind, "owner": found.owner, "fingerprint": found.fingerprint}
    return {**named, "until": whole_second(found.until), "soon": each.soon, "trouble": each.trouble}
