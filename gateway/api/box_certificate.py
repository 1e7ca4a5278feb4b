"""A box's own half of rotation, on the devices listener: what of its certificate, another one, the former ones back.

``GET /ingest/certificate`` is asked once a day: ``{"until", "renew", "older", "ca", "dropped"}``. ``POST`` with
``{"csr"}`` answers as ``POST /api/enrol`` does. ``DELETE /ingest/certificate/former`` comes by the new one, once it is
kept.
"""

from dataclasses import dataclass

from aiohttp import web

from adapters.formats.words import whole_second
from adapters.plugin import CALLER, Caller, Handler, Route
from gateway.api import models
from gateway.api.models import body
from gateway.api.registry import telling
from gateway.errors import CsrRefused
from gateway.identity.box_renewal import BoxRenewals
from gateway.serve.callers import peer_certificate
from gateway.serve.problems import about
from policies.roles import Listener, Role

BOX_CERTIFICATE = "/ingest/certificate"
MOST_BODY = 32 * 1024


@dataclass(frozen=True, slots=True)
class BoxCertificateApi:
    """Handlers. Who asks was let in by the certificate that it is about: one that ended or was revoked was not."""

    renewals: BoxRenewals

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Handler]] = [
            ("GET", BOX_CERTIFICATE, self.look),
            ("POST", BOX_CERTIFICATE, self.renew),
            ("DELETE", BOX_CERTIFICATE + "/former", self.settle),
        ]
        return [
            Route(Listener.DEVICES, verb, path, "box.certificate", telling(handler), frozenset({Role.BOX}), MOST_BODY)
            for verb, path, handler in table
        ]

    async def look(self, request: web.Request) -> web.Response:
        """Whether it is to be renewed, and which roots are trusted. ``?trouble=``: why the box could not."""
        caller: Caller = request[CALLER]
        trouble = request.query.get("trouble", "")
        found = self.renewals.look(caller.id, _shown(request), caller.client, trouble)
        roots = {"ca": found.ca, "dropped": list(found.dropped)}
        shown = {"until": whole_second(found.until), "renew": found.renew, "older": found.older}
        return web.json_response({**shown, **roots})

    async def renew(self, request: web.Request) -> web.Response:
        """A signing request for another certificate, beside the one that is shown."""
        caller: Caller = request[CALLER]
        wanted = await body(request, models.RenewIn)
        try:
            done = await self.renewals.renew(caller.id, _shown(request), wanted.csr)
        except CsrRefused as refused:
            raise about(422, "csr-refused", [("csr", str(refused))]) from None
        answer = {"certificate": done.certificate, "ca": done.ca, "box": done.owner, "kind": done.kind}
        return web.json_response({**answer, "fingerprint": done.fingerprint}, status=201)

    async def settle(self, request: web.Request) -> web.Response:
        """The box keeps the one that it shows: those that end before it are taken back."""
        caller: Caller = request[CALLER]
        _shown(request)
        await self.renewals.settle(caller.id, caller.client)
        return web.Response(status=204)


def _shown(request: web.Request) -> bytes:
    """The certificate (DER) by which the box was let in."""
    if not (der := peer_certificate(request)):
        raise about(403, "unknown-certificate", [("certificate", "a box shows one that is registered")])
    return der
