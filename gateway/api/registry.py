"""Operator's half of the API: households, boxes, certificates, codes, organisations, clients."""

import asyncio
from dataclasses import dataclass
from functools import wraps

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.formats.words import whole_second
from adapters.plugin import Handler, Route
from adapters.queries import BadQuery
from gateway.api import models
from gateway.api.models import Json, body
from gateway.api.organisations import OrganisationIn, organisation_shown
from gateway.api.town_checks import outside
from gateway.door.ledger import Ledger
from gateway.errors import CodeRefused, CsrRefused, InUse, NotAllowed, RegistryError, SubjectGone, Unknown
from gateway.household_end import HouseholdEnd
from gateway.identity.certs import fingerprint
from gateway.identity.clients import Clients
from gateway.identity.codes import Codes
from gateway.identity.enrol import Enrolment
from gateway.identity.throttle import Throttle
from gateway.registry.boxes import ANY_METER, Certificate
from gateway.registry.registry import Registry
from gateway.registry.tenancy_records import Tenancy
from gateway.serve.callers import guard
from gateway.serve.problems import Problem, about, gone
from policies.roles import EVERYBODY, OPERATOR, Listener, Role
from policies.terms import Recipient, SubjectId

ENROL_DAYS = 14
STATUS_OF_ERROR = {Unknown: 404, InUse: 409, NotAllowed: 422}


def as_problem(error: RegistryError) -> Problem:
    """The answer to an error of the registry."""
    return about(STATUS_OF_ERROR.get(type(error), 400), error.reason, error.rules, "" if error.rules else str(error))


def telling(handler: Handler) -> Handler:
    """Errors of the registry, and those of a query, become problems."""

    @wraps(handler)
    async def handle(request: web.Request) -> web.StreamResponse:
        guard(request)
        try:
            return await handler(request)
        except RegistryError as error:
            raise as_problem(error) from None
        except SubjectGone:
            raise gone() from None
        except BadQuery as wrong:
            raise about(400, wrong.reason, [(wrong.field, wrong.rule)]) from None

    return handle


@dataclass(frozen=True, slots=True)
class RegistryApi:
    """Handlers; each is thin over the registry."""

    registry: Registry
    household_end: HouseholdEnd
    codes: Codes
    clients: Clients
    enrolment: Enrolment
    throttle: Throttle
    disclosures: Ledger
    login_code_days: int

    def routes(self) -> list[Route]:
        """All on the people listener."""
        table: list[tuple[str, str, str, frozenset[Role], Handler]] = [
            ("POST", "/api/households", "api.registry", OPERATOR, self.create_household),
            ("GET", "/api/households", "api.registry", OPERATOR, self.list_households),
            ("GET", "/api/households/{household}", "api.registry", OPERATOR, self.show_household),
            ("POST", "/api/households/{household}/login-codes", "api.registry", OPERATOR, self.create_login_code),
            ("POST", "/api/households/{household}/move-out", "api.registry", OPERATOR, self.move_out),
            ("POST", "/api/boxes", "api.registry", OPERATOR, self.create_box),
            ("GET", "/api/boxes", "api.registry", OPERATOR, self.list_boxes),
            ("POST", "/api/boxes/{box}/codes", "api.registry", OPERATOR, self.create_box_code),
            ("DELETE", "/api/boxes/{box}", "api.registry", OPERATOR, self.revoke_box),
            ("POST", "/api/vens/codes", "api.registry", OPERATOR, self.create_ven_code),
            ("POST", "/api/certificates", "api.registry", OPERATOR, self.register_certificate),
            ("DELETE", "/api/certificates/{fingerprint}", "api.registry", OPERATOR, self.revoke_certificate),
            ("PUT", "/api/organisations/{organisation}", "api.registry", OPERATOR, self.put_organisation),
            ("GET", "/api/organisations", "api.registry", OPERATOR, self.list_organisations),
            ("PUT", "/api/clients/{client}", "api.registry", OPERATOR, self.put_client),
            ("POST", "/api/clients/{client}/secret", "api.registry", OPERATOR, self.renew_secret),
            ("POST", "/api/clients/{client}/revoke-tokens", "api.registry", OPERATOR, self.revoke_tokens),
            ("DELETE", "/api/clients/{client}", "api.registry", OPERATOR, self.remove_client),
            ("GET", "/api/enrol", "api.enrol", EVERYBODY, self.authority),
            ("POST", "/api/enrol", "api.enrol", EVERYBODY, self.enrol),
        ]
        return [
            Route(
                Listener.PEOPLE, verb, path, name, telling(h), roles, max_body=1 << (15 if name == "api.enrol" else 18)
            )
            for verb, path, name, roles, h in table
        ]

    # -- households

    async def create_household(self, request: web.Request) -> web.Response:
        """Take a household in."""
        return web.json_response(await self.take_in(await body(request, models.HouseholdIn)), status=201)

    async def take_in(self, wanted: models.HouseholdIn) -> Json:
        """One household, and the box and codes that it is to have."""
        made = await self.registry.tenancies.create(wanted.tenancy())
        answer: Json = {"household": made.id}
        if wanted.box:
            box = await self.registry.boxes.add_box({ANY_METER: made.id})
            given = await self._enrol_code("box", box)
            answer |= {"box": box, "box_code": given["code"], "box_enrol": given["enrol"]}
        if wanted.login_code:
            answer["login_code"] = await self._login_code(made.id)
        return answer

    async def list_households(self, _: web.Request) -> web.Response:
        """Ids and places; no names."""
        return web.json_response({"households": [_shown(t) for t in self.registry.tenancies.all()]})

    async def show_household(self, request: web.Request) -> web.Response:
        """One, with its holder."""
        found = self.registry.tenancies.get(SubjectId(request.match_info["household"]))
        if found is None:
            raise Unknown("household: there is no such household")
        who = await self.registry.tenancies.who(found.id)
        return web.json_response({**_shown(found), "name": who.name, "address": who.address, "remarks": who.remarks})

    async def create_login_code(self, request: web.Request) -> web.Response:
        """A fresh one-time code for the household's pages: who moved out fetches and erases his own time with one."""
        subject = SubjectId(request.match_info["household"])
        async with self.registry.turns.of(subject):
            found = self.registry.tenancies.get(subject)
            if found is None or found.erased is not None:
                raise Unknown("household: there is no such household")
            code = await self._login_code(found.id)
        return web.json_response({"code": code}, status=201)

    async def _login_code(self, household: SubjectId) -> str:
        """The household reads that there is one before anybody has it."""
        await self.disclosures.note(household, "code")
        return await self.codes.issue("login", household, days=self.login_code_days)

    async def move_out(self, request: web.Request) -> web.Response:
        """The tenancy ends now: its consents and contracts, its range, its boxes, its codes. 409 when it has ended."""
        subject = SubjectId(request.match_info["household"])
        try:
            await self.household_end.move_out(subject)
        except Unknown:
            found = self.registry.tenancies.get(subject)
            if found is None or found.erased is not None or found.end is None:
                raise
            raise about(409, "moved-out", [("household", f"moved out at {whole_second(found.end)}")]) from None
        return web.json_response({"household": subject, "live": False})

    # -- boxes and certificates

    async def create_box(self, request: web.Request) -> web.Response:
        """A box and its enrolment code."""
        wanted = await body(request, models.BoxIn)
        named = {ANY_METER: wanted.household} if wanted.household else wanted.meters
        meters = {meter: SubjectId(who) for meter, who in named.items()}
        box = await self.registry.add_box(meters, box_id=wanted.box)
        return web.json_response({"box": box, **await self._enrol_code("box", box)}, status=201)

    async def list_boxes(self, _: web.Request) -> web.Response:
        """Ids and states."""
        boxes = [{"box": b, "revoked": r, "households": n} for b, r, n in self.registry.boxes.boxes()]
        return web.json_response({"boxes": boxes})

    async def create_box_code(self, request: web.Request) -> web.Response:
        """A fresh enrolment code."""
        box = request.match_info["box"]
        if not self.registry.boxes.has(box):
            raise Unknown("box: there is no such box")
        return web.json_response(await self._enrol_code("box", box), status=201)

    async def revoke_box(self, request: web.Request) -> web.Response:
        """Nothing of it is taken any more."""
        await self.registry.boxes.revoke_box(request.match_info["box"])
        await self.codes.drop(request.match_info["box"])
        return web.Response(status=204)

    async def create_ven_code(self, request: web.Request) -> web.Response:
        """An enrolment code for a VEN's certificate."""
        ven = (await body(request, models.VenIn)).ven
        if not ven.replace("-", "").replace("_", "").replace(".", "").isalnum() or not ven.isascii() or len(ven) > 64:
            raise NotAllowed("ven: letters, digits, dot, dash and underscore, at most 64")
        return web.json_response(await self._enrol_code("ven", ven), status=201)

    async def _enrol_code(self, kind: str, owner: str) -> Json:
        """The code, and as ``metergate-edge enrol`` asks for it: with the pin of our authority."""
        code = await self.codes.issue(kind, owner, days=ENROL_DAYS)
        return {"code": code, "enrol": self.enrolment.with_pin(code)}

    async def register_certificate(self, request: web.Request) -> web.Response:
        """Let a certificate in that was issued elsewhere."""
        wanted = await body(request, models.CertificateIn)
        try:
            parsed = x509.load_pem_x509_certificate(wanted.certificate.encode())
        except ValueError:
            raise NotAllowed("certificate: not an X.509 certificate in PEM") from None
        mark = fingerprint(parsed.public_bytes(Encoding.DER))
        new = Certificate(mark, wanted.kind, wanted.owner, parsed.not_valid_after_utc)
        await self.registry.boxes.keep_certificate(new)
        return web.json_response({"fingerprint": mark, "owner": wanted.owner}, status=201)

    async def revoke_certificate(self, request: web.Request) -> web.Response:
        """Refused from now on, also on connections that are open."""
        mark = request.match_info["fingerprint"].lower()
        if len(mark) != 64 or not set(mark) <= set("0123456789abcdef"):
            raise NotAllowed("fingerprint: SHA-256 in hex")
        await self.registry.boxes.revoke(mark)
        return web.Response(status=204)

    async def authority(self, _: web.Request) -> web.Response:
        """The gateway's own authority, for who knows its fingerprint and nothing else yet."""
        return web.json_response({"ca": self.enrolment.ca})

    async def enrol(self, request: web.Request) -> web.Response:
        """A code and a signing request for a certificate. Anyone may try, wrong codes are counted."""
        wanted = await body(request, models.EnrolIn)
        address = request.remote or ""
        if (wait := self.throttle.wait(address)) > 0:
            raise Problem(429, "too-many-tries", "try again later", headers={"Retry-After": str(wait)})
        try:
            done = await self.enrolment.enrol(wanted.code, wanted.csr)
        except CsrRefused as refused:
            raise about(422, "csr-refused", [("csr", str(refused))]) from None
        except CodeRefused as refused:
            self.throttle.wrong(address)
            raise about(403, "code-refused", [("code", str(refused))]) from None
        answer = {"certificate": done.certificate, "ca": done.ca, "box": done.owner, "kind": done.kind}
        return web.json_response({**answer, "fingerprint": done.fingerprint}, status=201)

    # -- organisations and clients

    async def put_organisation(self, request: web.Request) -> web.Response:
        """Add or replace."""
        wanted = await body(request, OrganisationIn)
        if wrong := list(outside("quantities", wanted.quantities)):
            raise about(422, "invalid", wrong)
        await self.registry.organisations.put(wanted.entry(request.match_info["organisation"]))
        return web.json_response({"organisation": request.match_info["organisation"]})

    async def list_organisations(self, _: web.Request) -> web.Response:
        """All, with their profiles."""
        shown = [organisation_shown(each) for each in self.registry.organisations.all()]
        return web.json_response({"organisations": shown})

    async def put_client(self, request: web.Request) -> web.Response:
        """Add or replace; the answer holds the secret, this once. One that is kept is not told."""
        wanted = await body(request, models.ClientIn)
        name = request.match_info["client"]
        recipient = Recipient(wanted.organisation) if wanted.organisation is not None else None
        if recipient is not None and self.registry.organisations.organisation_now(recipient) is None:
            raise Unknown("organisation: there is no such organisation")
        if wanted.keep_secret and self.clients.get(name) is not None:
            await self.clients.change(name, recipient, wanted.scopes)
            return web.json_response({"client_id": name, "client_secret": None, "kept": True})
        secret = await self.clients.put(name, recipient, wanted.scopes, wanted.secret)
        return web.json_response({"client_id": name, "client_secret": secret})

    async def renew_secret(self, request: web.Request) -> web.Response:
        """Another secret for a client that is there, told this once; the old one opens nothing any more."""
        name = request.match_info["client"]
        found = self.clients.get(name)
        if found is None:
            raise Unknown("client: there is no such client")
        secret = await self.clients.put(name, found.recipient, found.scopes)
        return web.json_response({"client_id": name, "client_secret": secret}, status=201)

    async def revoke_tokens(self, request: web.Request) -> web.Response:
        """All tokens of a client are refused from now on, also in answers that are open; it may fetch new ones."""
        await asyncio.shield(self.clients.revoke(request.match_info["client"]))
        return web.Response(status=204)

    async def remove_client(self, request: web.Request) -> web.Response:
        """Its tokens die with it."""
        await asyncio.shield(self.clients.remove(request.match_info["client"]))
        return web.Response(status=204)


def _shown(each: Tenancy) -> Json:
    return {
        "household": each.id,
        "zone": each.zone,
        "community": each.community,
        "kind": each.kind,
        "start": whole_second(each.start),
        "end": whole_second(each.end) if each.end else None,
        "live": each.live,
        "erased": each.erased is not None,
    }
