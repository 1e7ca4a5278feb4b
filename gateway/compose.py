"""Everything that one process is made of, put together: which desk gets what. Opens nothing, loads nothing."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from adapters.plugin import Adapter
from gateway.clock import Clock
from gateway.cohorts.desk import CohortDesk
from gateway.consent.desk import ConsentDesk, Desk
from gateway.consent.evidence import Controller, Evidence
from gateway.door.egress import Egress
from gateway.door.epochs import Epochs
from gateway.door.ledger import Ledger
from gateway.door.lines import Lines
from gateway.door.release import ReleaseDesk
from gateway.grounds import GroundBook
from gateway.identity.certs import Authority
from gateway.identity.clients import Clients
from gateway.identity.codes import Codes
from gateway.identity.directory import GatewayDirectory
from gateway.identity.enrol import Enrolment
from gateway.identity.operator import OperatorToken
from gateway.identity.sessions import Sessions
from gateway.identity.signer import GatewaySigner
from gateway.identity.tokens import Tokens
from gateway.intake.desk import Intake
from gateway.keeper.keeper import Keeper
from gateway.keeper.recovery import Recovery
from gateway.registry.registry import Registry
from gateway.serve.access import AccessLog
from gateway.serve.callers import Callers
from gateway.serve.listeners import public_url
from gateway.serve.outbound import Outbound
from gateway.serve.outbox import Outbox
from gateway.services import House
from gateway.settings import Settings
from gateway.storage.sqlite import Store
from gateway.vault.retention import Retention
from gateway.vault.sealed import SealedVault
from policies.cohorts import PROFILES, Profile
from policies.roles import Listener


@dataclass(frozen=True, slots=True)
class Identities:
    """Who people, partners and devices are."""

    signer: GatewaySigner
    authority: Authority
    operator: OperatorToken
    clients: Clients
    codes: Codes
    sessions: Sessions
    tokens: Tokens
    enrolment: Enrolment


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything that routes of our own are built from."""

    settings: Settings
    clock: Clock
    log: Any
    store: Store
    vault: SealedVault
    keeper: Keeper
    retention: Retention
    registry: Registry
    identities: Identities
    consent: ConsentDesk
    cohorts: CohortDesk
    house: House
    desk: Desk
    callers_of: Callable[[Sequence[Adapter]], Callers]
    access: AccessLog


def new_id() -> str:
    """128 random bits, 32 hex digits."""
    return secrets.token_hex(16)


def composed(settings: Settings, log: Any, clock: Clock, store: Store, keeper: Keeper, http: Outbound) -> Gateway:
    zone = ZoneInfo(settings.timezone)
    days = settings.retention.by_class()
    retention = Retention(store, keeper, days, clock=clock, log=log)
    vault = SealedVault(store, keeper, days, clock=clock)
    registry = Registry(store, vault, clock, new_id)
    urls = {which: public_url(settings, which) for which in Listener}
    identities = _identities(settings, clock, store, vault, registry, urls)
    signer = identities.signer
    book, epochs, lines = GroundBook(), Epochs(), Lines()
    controller = Controller(settings.controller.name, settings.controller.contact)
    ledger = Ledger(store, vault, signer, clock, new_id)
    outbox = Outbox(store, clock, log)
    evidence = Evidence(store, vault, signer, controller, new_id)
    desk = Desk(store, vault, book, ledger, epochs, lines, outbox, evidence, clock, new_id, log)
    consent = ConsentDesk(desk)
    registry.tenancies.ending.append(consent.end_all)
    cohorts = CohortDesk(
        store,
        vault,
        book,
        registry.tenancies,
        clock,
        profile=_profile(settings),
        interval=timedelta(minutes=settings.cohorts.interval_minutes),
        grace=timedelta(minutes=settings.cohorts.grace_minutes),
    )
    house = House(
        clock=clock,
        ids=new_id,
        http=http,
        notices=outbox,
        directory=GatewayDirectory(registry.organisations, identities.clients, identities.tokens),
        signer=signer,
        public_urls=urls,
        release=ReleaseDesk(vault, book, ledger, epochs, registry.organisations, cohorts, clock, zone),
        consent=consent,
        egress=Egress(epochs, lines),
        intake=Intake(vault, store, clock=clock, zone=zone),
        vault=vault,
        store=store,
    )

    def callers_of(adapters: Sequence[Adapter]) -> Callers:
        strangers = [a.authenticate for a in adapters if a.authenticate is not None]
        i = identities
        return Callers(i.sessions, i.operator, i.tokens, registry.devices, strangers)

    return Gateway(
        settings=settings,
        clock=clock,
        log=log,
        store=store,
        vault=vault,
        keeper=keeper,
        retention=retention,
        registry=registry,
        identities=identities,
        consent=consent,
        cohorts=cohorts,
        house=house,
        desk=desk,
        callers_of=callers_of,
        access=AccessLog(store, clock, days=settings.retention.access_log, log=log),
    )


def _identities(
    settings: Settings,
    clock: Clock,
    store: Store,
    vault: SealedVault,
    registry: Registry,
    urls: Mapping[Listener, str],
) -> Identities:
    signer = GatewaySigner(settings.keys, urls[Listener.PARTNERS])
    authority = Authority(settings.keys, clock())
    clients, codes = Clients(store, clock), Codes(store, vault, clock)
    return Identities(
        signer=signer,
        authority=authority,
        operator=OperatorToken(settings.keys),
        clients=clients,
        codes=codes,
        sessions=Sessions(store, clock, days=settings.limits.session_days),
        tokens=Tokens(signer, clients, clock, minutes=settings.limits.token_minutes),
        enrolment=Enrolment(codes, authority, registry.devices, clock),
    )


def recovery_of(settings: Settings, clock: Clock) -> Recovery | None:
    """None without a key, or with a window of nothing."""
    file, hours = settings.retention.recovery_key, settings.retention.recovery_hours
    if file is None or not hours:
        return None
    key = serialization.load_pem_public_key(file.read_bytes())
    if not isinstance(key, X25519PublicKey):
        raise ValueError("retention.recovery_key: not an X25519 public key")
    return Recovery(settings.keys / "recovery", key.public_bytes_raw(), timedelta(hours=hours), clock)


def _profile(settings: Settings) -> Profile:
    return PROFILES[settings.cohorts.profile]
