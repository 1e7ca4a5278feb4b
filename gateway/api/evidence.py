"""A household's evidence by the API: receipts with their notices, the certificate of an erasure; the public keys."""

from dataclasses import dataclass

from aiohttp import web

from adapters.plugin import Handler, Route, Signer
from gateway.api.whose import household_named, telling
from gateway.consent.evidence import Evidence
from gateway.registry.registry import Registry
from gateway.serve.problems import about
from policies.roles import EVERYBODY, HOUSEHOLD_OR_OPERATOR, Listener, Role


@dataclass(frozen=True, slots=True)
class EvidenceApi:
    """Handlers."""

    registry: Registry
    evidence: Evidence
    signer: Signer

    def routes(self) -> list[Route]:
        """All on the people listener."""
        home = "/api/households/{household}"
        table: list[tuple[str, str, frozenset[Role], Handler]] = [
            (f"{home}/certificate", "api.household", HOUSEHOLD_OR_OPERATOR, self.certificate),
            (f"{home}/receipts/{{ground}}", "api.household", HOUSEHOLD_OR_OPERATOR, self.receipt),
            (f"{home}/receipts/{{ground}}/notice", "api.household", HOUSEHOLD_OR_OPERATOR, self.notice),
            ("/api/keys", "api.public", EVERYBODY, self.keys),
        ]
        return [Route(Listener.PEOPLE, "GET", path, name, telling(h), roles) for path, name, roles, h in table]

    async def certificate(self, request: web.Request) -> web.Response:
        """The certificate of the erasure, once there was one."""
        subject = household_named(request, self.registry)
        return _record(await self.evidence.find(subject, "erasure"), "household")

    async def receipt(self, request: web.Request) -> web.Response:
        """The receipt of one consent."""
        subject, ground = household_named(request, self.registry), request.match_info["ground"]
        return _record(await self.evidence.find(subject, "receipt", ground), "ground")

    async def notice(self, request: web.Request) -> web.Response:
        """What was read before that consent: the text whose SHA-256 the receipt names, byte for byte."""
        subject, ground = household_named(request, self.registry), request.match_info["ground"]
        found = await self.evidence.notice(subject, ground)
        if found is None:
            raise about(404, "unknown", [("ground", "there is no such record")])
        headers = {"Content-Language": found.language}
        return web.Response(body=found.text.encode(), content_type="text/plain", charset="utf-8", headers=headers)

    async def keys(self, _: web.Request) -> web.Response:
        """Public keys (JWK) by which a stranger checks receipts and certificates."""
        return web.json_response({"keys": [dict(jwk) for jwk in (self.signer.jwk(), *self.signer.former())]})


def _record(token: bytes | None, field: str) -> web.Response:
    if token is None:
        raise about(404, "unknown", [(field, "there is no such record")])
    return web.Response(body=token, content_type="application/jose")
