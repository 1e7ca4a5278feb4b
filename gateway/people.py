"""All routes of the people listener, and the ones every listener's operator expects: health, pages, the API."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from adapters.plugin import Route
from gateway.api.authority import AuthorityApi
from gateway.api.backup import BackupApi
from gateway.api.evidence import EvidenceApi
from gateway.api.history import HistoryApi
from gateway.api.household import HouseholdApi
from gateway.api.ledger import LedgerApi
from gateway.api.meters import MetersApi
from gateway.api.openapi import bounded, openapi_routes
from gateway.api.processing import ProcessingApi
from gateway.api.registry import RegistryApi
from gateway.api.town import TownApi
from gateway.api.vee import VeeApi
from gateway.compose import Gateway
from gateway.identity.throttle import Throttle
from gateway.pages.asked import elsewhere
from gateway.pages.downloads import Downloads
from gateway.pages.entrance import EntrancePages
from gateway.pages.erasure import ErasurePages
from gateway.pages.exceptions import ExceptionPages
from gateway.pages.household import HouseholdPages
from gateway.pages.meters import MeterPages
from gateway.pages.notice_sheet import NoticeSheet
from gateway.pages.operator import OperatorPages
from gateway.pages.proofs import ProofPages
from gateway.pages.receipts import ReceiptPages
from gateway.pages.render import Renderings
from gateway.serve.listeners import Refusing
from gateway.serve.login import Login
from gateway.serve.outside import Outside
from policies.roles import EVERYBODY, Listener


def people_routes(gateway: Gateway) -> list[Route]:
    """What the composition root opens on the people listener."""
    limits = gateway.settings.limits
    throttle = Throttle(limits.login_wrong_per_minute, time.monotonic)
    login = Login(
        gateway.codes,
        gateway.sessions,
        gateway.operator,
        throttle,
        gateway.registry,
        days=limits.session_days,
        noted=lambda subject: gateway.ledger.note(subject, "login"),
    )
    registry = RegistryApi(
        registry=gateway.registry,
        household_end=gateway.household_end,
        codes=gateway.codes,
        clients=gateway.clients,
        enrolment=gateway.enrolment,
        throttle=throttle,
        disclosures=gateway.ledger,
        login_code_days=limits.login_code_days,
    )
    household = HouseholdApi(
        registry=gateway.registry,
        consent=gateway.consent,
        household_end=gateway.household_end,
        login=login,
        clock=gateway.clock,
        ids=gateway.ids,
        shorten=gateway.retention.shorten,
        profiles=gateway.profiles,
    )
    vee = VeeApi(
        vee=gateway.vee,
        registry=gateway.registry,
        settings=gateway.settings.vee,
        release=gateway.release,
        profiles=gateway.profiles,
        egress=gateway.egress,
        clock=gateway.clock,
        zone=ZoneInfo(gateway.settings.timezone),
    )
    town = TownApi(gateway.registry, gateway.clients, registry.take_in)
    history = HistoryApi(gateway.registry, gateway.intake.take, gateway.vault.oldest, gateway.clock)
    desks = (
        registry,
        AuthorityApi(gateway.rotation, gateway.renewals),
        town,
        MetersApi(gateway.registry),
        history,
        vee,
        household,
        EvidenceApi(gateway.registry, gateway.evidence, gateway.signer),
        LedgerApi(gateway.ledger, gateway.cohorts.told_with),
        BackupApi(gateway.backups, gateway.settings),
        ProcessingApi(
            gateway.settings, gateway.retention.days, gateway.registry.organisations, gateway.evidence.lasting
        ),
    )
    api = [bounded(route) for desk in desks for route in desk.routes()]
    health = health_routes(lambda: gateway.keeper.sound, lambda: _faults(gateway))
    return [*health, *api, *openapi_routes(api), *_pages(gateway, login)]


def people_problems(gateway: Gateway) -> Refusing:
    """What a refusal looks like on the people listener where no route says it: a browser is given a page."""
    return partial(elsewhere, _renderings(gateway))


def _renderings(gateway: Gateway) -> Renderings:
    return Renderings(ZoneInfo(gateway.settings.timezone), Outside(gateway.settings.people).prefix)


def _faults(gateway: Gateway) -> list[str]:
    walked = gateway.ledger.verified
    broken = [walked.fault] if walked is not None and walked.fault else []
    parts = gateway.pins, gateway.required, gateway.compactor, gateway.ending_log
    return [fault for part in parts for fault in part.faults] + broken


def _pages(gateway: Gateway, login: Login) -> list[Route]:
    zone, organisation = ZoneInfo(gateway.settings.timezone), gateway.registry.organisations.organisation_now
    show = _renderings(gateway)
    household = HouseholdPages(
        consent=gateway.consent,
        disclosures=gateway.ledger,
        cohorts_of=gateway.cohorts.told_with,
        own_data=gateway.own_data,
        sheet=NoticeSheet(gateway.settings.controller, organisation, zone),
        egress=gateway.egress,
        registry=gateway.registry,
        vee=gateway.vee,
        organisation=organisation,
        clock=gateway.clock,
        show=show,
        recovery=gateway.backups.window,
    )
    receipts = ReceiptPages(gateway.evidence, gateway.registry, organisation, show, household.frame, household.problem)
    erasure = ErasurePages(
        household_end=gateway.household_end,
        evidence=gateway.evidence,
        remains=gateway.remains,
        registry=gateway.registry,
        login=login,
        clock=gateway.clock,
        show=show,
        frame=household.frame,
        problem=household.problem,
        recovery=gateway.backups.window,
        grounds_of=gateway.consent.all_grounds,
        organisation=organisation,
    )
    downloads = Downloads(
        own_data=gateway.own_data,
        disclosures=gateway.ledger,
        egress=gateway.egress,
        registry=gateway.registry,
        clock=gateway.clock,
        show=show,
        problem=household.problem,
    )
    entrance = EntrancePages(login, show, household.problem)
    operator = OperatorPages(gateway.registry, gateway.renewals, login, show)
    exceptions = ExceptionPages(gateway.vee, show, operator.problem)
    meters = MeterPages(gateway.registry, show, operator.problem, zone)
    proofs = ProofPages(gateway.registry, household.frame, household.problem)
    desks = (entrance, household, proofs, receipts, erasure, downloads, operator, exceptions, meters)
    return [route for desk in desks for route in desk.routes()]


def health_routes(sound: Callable[[], bool], faults: Callable[[], Sequence[str]]) -> list[Route]:
    """``/healthz``: the process answers. ``/readyz``: it can also read and change keys; 503 when it cannot.

    ``faults``: sentences about what is wrong and keeps nobody from being served.
    """

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_: web.Request) -> web.Response:
        ready = sound()
        body: dict[str, Any] = {"status": "ready" if ready else "not ready"}
        if found := faults():
            body["faults"] = list(found)
        return web.json_response(body, status=200 if ready else 503)

    return [
        Route(Listener.PEOPLE, "GET", "/healthz", "health", healthz, EVERYBODY),
        Route(Listener.PEOPLE, "GET", "/readyz", "health", readyz, EVERYBODY),
    ]
