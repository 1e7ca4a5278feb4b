"""The composition root: every part of one process, opened in order, put together once, loaded once.

``opened`` is what ``gateway.app`` runs and what every test of a desk stands on; a test replaces single parts by
``Overrides``, never the wiring.
"""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import Table

from adapters.gaiax.settings import AGREEMENTS_KEPT
from adapters.plugin import Adapter, Logger, Signer
from gateway.clock import Clock
from gateway.cohorts.desk import CohortDesk, Places
from gateway.consent.desk import ConsentDesk, Pause
from gateway.consent.endings import Endings
from gateway.consent.evidence import Evidence
from gateway.consent.pressed import PressedFile
from gateway.consent.remains import Remains
from gateway.door.budget import QuestionBudget
from gateway.door.egress import Egress
from gateway.door.epochs import Epochs
from gateway.door.ledger import Ledger
from gateway.door.lines import Lines
from gateway.door.profiles import Profiles, ProfileSource
from gateway.door.release import ReleaseDesk
from gateway.forgetting import Forgetting
from gateway.grounds import GroundBook
from gateway.household_end import HouseholdEnd
from gateway.identity.box_renewal import BoxRenewals
from gateway.identity.certs import Authority
from gateway.identity.clients import Clients
from gateway.identity.codes import Codes
from gateway.identity.directory import GatewayDirectory
from gateway.identity.enrol import Enrolment
from gateway.identity.operator import OperatorToken
from gateway.identity.rotation import Rotation
from gateway.identity.sessions import Sessions
from gateway.identity.signer import GatewaySigner
from gateway.identity.throttle import Throttle
from gateway.identity.tokens import Tokens
from gateway.intake.desk import Intake
from gateway.intake.labels import Labelled, Taking
from gateway.keeper.opening import open_keeper
from gateway.keeper.port import Keeper
from gateway.pages.notice_sheet import NoticeSheet
from gateway.pages.own_data import DataDesk
from gateway.pins.pins import Pins
from gateway.recovery.backups import Backups
from gateway.recovery.ending_log import EndingLog
from gateway.recovery.known import KnownBackups
from gateway.recovery.laying import refuse_unfinished
from gateway.recovery.second_keeper import compare_second, second_mirror
from gateway.registry.registry import Registry
from gateway.registry.tenancies import any_household
from gateway.serve.access import AccessLog
from gateway.serve.callers import Callers
from gateway.serve.outbound import Outbound
from gateway.serve.outbox import Outbox
from gateway.serve.outside import public_url
from gateway.serve.tasks import Supervisor
from gateway.services import AdapterServices
from gateway.settings import Settings
from gateway.storage.engines import store_at
from gateway.storage.port import Store
from gateway.vault.compactor import Compactor
from gateway.vault.days import Days
from gateway.vault.merged import MergedParts
from gateway.vault.required import RequiredParts
from gateway.vault.retention import Retention
from gateway.vault.sealed import SealedVault
from gateway.vee.clocks import ClockBook
from gateway.vee.corrections import CorrectionBook
from gateway.vee.desk import VeeDesk
from gateway.vee.looking import Looker
from gateway.vee.seals import Seals
from gateway.vee.sweep import Sweep
from gateway.vee.worklist import WorkList
from policies.cohorts import SAFETY_RULES, SafetyRule
from policies.holdings import Lasting
from policies.roles import Listener
from policies.terms import DetailClass
from policies.vault.pins import NO_RUN


@dataclass(frozen=True, slots=True)
class Gateway:
    """Every part of one process. Whoever needs two or three of them is given those, not this."""

    settings: Settings
    clock: Clock
    ids: Callable[[], str]
    log: Logger
    urls: Mapping[Listener, str]
    store: Store
    keeper: Keeper
    pins: Pins
    required: RequiredParts
    ending_log: EndingLog
    backups: Backups
    http: Outbound
    vault: SealedVault
    retention: Retention
    compactor: Compactor
    registry: Registry
    signer: Signer
    authority: Authority
    operator: OperatorToken
    clients: Clients
    codes: Codes
    sessions: Sessions
    tokens: Tokens
    enrolment: Enrolment
    rotation: Rotation
    renewals: BoxRenewals
    access: AccessLog
    outbox: Outbox
    grounds: GroundBook
    epochs: Epochs
    lines: Lines
    ledger: Ledger
    evidence: Evidence
    remains: Remains
    consent: ConsentDesk
    household_end: HouseholdEnd
    forgetting: Forgetting
    cohorts: CohortDesk
    release: ReleaseDesk
    budget: QuestionBudget
    egress: Egress
    profiles: Profiles
    intake: Intake
    own_data: DataDesk
    vee: VeeDesk
    sweep: Sweep

    def callers(self, adapters: Sequence[Adapter] = ()) -> Callers:
        """Who is calling, also by what adapters recognise."""
        strangers = [a.authenticate for a in adapters if a.authenticate is not None]
        return Callers(self.sessions, self.operator, self.tokens, self.registry.boxes, strangers)

    def services(self, name: str, taking: Taking | None = None) -> AdapterServices:
        """What the output of this name is given; its settings are its own table, without ``enabled``.

        ``taking``: instead of the intake desk.
        """
        return AdapterServices(
            clock=self.clock,
            ids=self.ids,
            http=self.http,
            notices=self.outbox,
            directory=GatewayDirectory(self.registry.organisations, self.clients, self.tokens),
            signer=self.signer,
            public_urls=self.urls,
            release=self.release,
            budget=self.budget,
            ending_log=self.ending_log,
            profiles=self.profiles,
            consent=self.consent,
            egress=self.egress,
            intake=Labelled(taking or self.intake, self.registry.meters),
            vault=self.vault,
            pins=self.pins,
            settings={k: v for k, v in self.settings.adapter(name).items() if k != "enabled"},
            log=self.log.bind(adapter=name),
            zone=ZoneInfo(self.settings.timezone),
            ended=self.lines.ended,
        )


@dataclass(frozen=True, slots=True)
class Overrides:
    """Parts that a test brings instead of ours; None is ours."""

    ids: Callable[[], str] | None = None
    signer: Signer | None = None
    organisations: ProfileSource | None = None
    places: Places | None = None
    profile: SafetyRule | None = None


NO_OVERRIDES = Overrides()


@asynccontextmanager
async def opened(
    settings: Settings,
    log: Logger,
    clock: Clock,
    overrides: Overrides = NO_OVERRIDES,
    *,
    restoring: bool = False,
    guarded: Sequence[Table] = (),
) -> AsyncIterator[tuple[Gateway, Supervisor]]:
    """Everything open, nothing loaded, no port. The supervisor has the store's writer and is not running yet.

    The tables are there already (``storage.migrate``). ``guarded``: those of extensions that say who may.
    Raises ``RootMissing``, ``RootBusy``, ``TreeBroken``; and
    ``RestoreRefused`` where a restore did not end, unless it is the restore itself that opens.
    """
    if not restoring:
        refuse_unfinished(settings)
    settings.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(store_at(settings.store_url))
        root = settings.keys / "root"
        empty = not await any_household(store)
        mirror = None if restoring else second_mirror(settings)
        keeper = await asyncio.to_thread(lambda: open_keeper(settings.tree, root, mirror, make=empty))
        stack.callback(keeper.close)
        await compare_second(keeper, settings, log)
        outbound = Outbound(allow_private=settings.outbound.allow_private, extra_ca=settings.outbound.extra_ca)
        http = await stack.enter_async_context(outbound)
        supervisor = Supervisor(log)
        supervisor.add("store", store.run)
        gateway = composed(settings, log, clock, store, keeper, http, overrides, guarded)
        stack.push_async_callback(gateway.ending_log.close)
        stack.push_async_callback(gateway.pins.close)
        yield gateway, supervisor


async def load(gateway: Gateway) -> None:
    """What must be known before anybody is answered; the store's writer runs. Expiry comes first.

    Nothing is read before it was compared with the keys. Raises ``StoreDoubted``.
    Households whose end was begun are ended when this returns: nobody is shown the registry before.
    """
    if await gateway.keeper.run() == NO_RUN:
        await gateway.ledger.adopt()
    await gateway.pins.load()
    if missing := await gateway.required.load():
        gateway.log.error("days.not_believed", days=missing)
    await gateway.retention.load()
    await gateway.vault.start()
    await gateway.vee.corrections.load()
    await gateway.retention.run(gateway.clock())
    await gateway.registry.load()
    await gateway.ledger.checkpoints.load()
    await gateway.grounds.load(gateway.store)
    await gateway.consent.load()
    for part in (gateway.clients, gateway.codes, gateway.sessions):
        await part.load()
    await gateway.household_end.resume()
    await gateway.forgetting.run(gateway.clock())


def new_id() -> str:
    """128 random bits, 32 hex digits."""
    return secrets.token_hex(16)


def composed(
    settings: Settings,
    log: Logger,
    clock: Clock,
    store: Store,
    keeper: Keeper,
    http: Outbound,
    overrides: Overrides = NO_OVERRIDES,
    guarded: Sequence[Table] = (),
) -> Gateway:
    """Which part gets what. Opens nothing, loads nothing."""
    ids = overrides.ids or new_id
    urls = {which: public_url(settings, which) for which in Listener}
    days = settings.retention.by_class()
    known, window = KnownBackups(settings.keys), timedelta(hours=settings.retention.recovery_hours)
    ending_log = EndingLog(store, keeper, known, window, clock, log)
    pins, zone = Pins(store, keeper, ending_log, log, guarded), ZoneInfo(settings.timezone)
    required = RequiredParts(store, pins, MergedParts(store, pins, log))
    vault = SealedVault(store, keeper, days, clock=clock, required=required, recoverable=lambda: ending_log.until)
    lines = Lines(clock)
    registry = Registry(store, pins, vault, clock, ids, lines.ended, zone)
    organisations, places = overrides.organisations or registry.organisations, overrides.places or registry.tenancies
    throttle = Throttle(settings.limits.login_wrong_per_minute, time.monotonic)
    clients, codes = Clients(store, pins, clock, lines.ended, throttle), Codes(store, pins, vault, clock)
    signer = overrides.signer or GatewaySigner(settings.keys, urls[Listener.PARTNERS])
    authority, vouches = Authority(settings.keys, clock()), settings.people.certificate is None
    enrolment = Enrolment(codes, authority, registry.boxes, clock, vouches=vouches)
    grounds, epochs, outbox = GroundBook(pins), Epochs(), Outbox(store, clock, log)
    ledger, endings = Ledger(store, vault, signer, clock, ids), Endings(store, vault)
    lasting = _lasting(settings, days, window)
    remains = Remains(store, vault, ending_log, lasting)
    named = organisations.organisation_now
    evidence = Evidence(store, vault, signer, settings.controller, lasting, ids, ledger.checkpoints, named)
    consent = ConsentDesk(
        store=store,
        pins=pins,
        vault=vault,
        grounds=grounds,
        ledger=ledger,
        epochs=epochs,
        lines=lines,
        outbox=outbox,
        evidence=evidence,
        notice_of=NoticeSheet(settings.controller, named, zone).notice,
        endings=endings,
        ending_log=ending_log,
        pressed=PressedFile(settings.data / "pressed", vault),
        registry=registry,
        pause=Pause(settings.limits.ask_again_days, zone),
        clock=clock,
        ids=ids,
        log=log,
    )
    sessions = Sessions(store, pins, clock, lines.ended, days=settings.limits.session_days)
    vee = _vee(settings, store, vault, registry, clock, ids, log)
    household_end = HouseholdEnd(
        store=store,
        vault=vault,
        consent=consent,
        grounds=grounds,
        evidence=evidence,
        remains=remains,
        endings=endings,
        registry=registry,
        codes=codes,
        sessions=sessions,
        vee=vee,
        outbox=outbox,
        clock=clock,
        log=log,
    )
    outbox.handle({**household_end.notices, **consent.notices})
    forgetting = Forgetting(
        store=store,
        pins=pins,
        vault=vault,
        ledger=ledger,
        tenancies=registry.tenancies,
        grounds=grounds,
        lasting=lasting,
        clock=clock,
        log=log,
    )
    cohorts = CohortDesk(
        store,
        vault,
        grounds,
        places,
        clock,
        profile=overrides.profile or SAFETY_RULES[settings.cohorts.profile],
        interval=timedelta(minutes=settings.cohorts.interval_minutes),
        grace=timedelta(minutes=settings.cohorts.grace_minutes),
        zone=zone,
        installed=registry.meters.installed,
    )
    profiles = Profiles(organisations, clock, zone)
    worked_out = Days(store, keeper, os.urandom, zone, log, registry.meters.installed, required)
    compactor = Compactor(
        store,
        keeper,
        clock=clock,
        randomness=os.urandom,
        log=log,
        settled=vault.settled,
        days=worked_out,
        required=required,
    )
    return Gateway(
        settings=settings,
        clock=clock,
        ids=ids,
        log=log,
        urls=urls,
        store=store,
        keeper=keeper,
        pins=pins,
        required=required,
        http=http,
        vault=vault,
        ending_log=ending_log,
        backups=Backups(settings, keeper, ending_log, clock),
        retention=Retention(
            store,
            keeper,
            ending_log,
            days,
            clock=clock,
            log=log,
            leaving=partial(_leaving, compactor, worked_out, vee, log),
            erased=worked_out.derive_erased,
            expired=lines.expired,
            required=required,
        ),
        compactor=compactor,
        registry=registry,
        signer=signer,
        authority=authority,
        operator=OperatorToken(settings.keys),
        clients=clients,
        codes=codes,
        sessions=sessions,
        tokens=Tokens(signer, clients, clock, minutes=settings.limits.token_minutes),
        enrolment=enrolment,
        rotation=Rotation(settings.keys, authority, enrolment, registry.boxes, clock, log),
        renewals=BoxRenewals(authority, enrolment, registry.boxes, clock),
        access=AccessLog(store, clock, days=settings.retention.access_log, log=log),
        outbox=outbox,
        grounds=grounds,
        epochs=epochs,
        lines=lines,
        ledger=ledger,
        evidence=evidence,
        remains=remains,
        consent=consent,
        household_end=household_end,
        forgetting=forgetting,
        cohorts=cohorts,
        release=ReleaseDesk(
            vault, grounds, ledger, epochs, profiles, cohorts, registry.meters, clock, zone, vee.corrections, worked_out
        ),
        budget=QuestionBudget(store, vault, clock, settings.limits.questions_per_day),
        egress=Egress(lines),
        profiles=profiles,
        intake=Intake(vault, store, vee.clocks, clock=clock),
        own_data=DataDesk(vault, registry.meters, epochs, days, clock, zone, vee.corrections, worked_out),
        vee=vee,
        sweep=Sweep(store, vault, vee, registry.tenancies, clock, zone, log, looks=settings.vee.enabled),
    )


async def _leaving(
    compactor: Compactor, days: Days, vee: VeeDesk, log: Logger, first: Mapping[DetailClass, date]
) -> None:
    """What coarser classes still need of what expires now. Nothing that is wrong with it holds an expiry up."""
    for step in (compactor.merge_leaving, days.derive_leaving, vee.keep_leaving):
        try:
            await step(first)
        except Exception as fault:  # noqa: BLE001 - a full disk, or a store that somebody damaged: days end on time
            log.error("retention.leaving_failed", step=step.__name__, error=type(fault).__name__)


def _lasting(settings: Settings, days: Mapping[DetailClass, int], window: timedelta) -> Lasting:
    kept = settings.adapter("gaiax").get("agreements_kept_days", AGREEMENTS_KEPT)
    access, session = settings.retention.access_log, settings.limits.session_days
    return Lasting.of(days, window, access=access, session=session, dataspace=int(kept))


def _vee(
    settings: Settings,
    store: Store,
    vault: SealedVault,
    registry: Registry,
    clock: Clock,
    ids: Callable[[], str],
    log: Logger,
) -> VeeDesk:
    seals, zone = Seals(vault, os.urandom), ZoneInfo(settings.timezone)
    corrections, clocks = CorrectionBook(store, seals), ClockBook(store, vault, seals, zone)
    return VeeDesk(
        vault=vault,
        looker=Looker(vault, registry.meters, corrections, clocks, settings.vee, clock, zone),
        work=WorkList(store, vault, seals),
        corrections=corrections,
        clocks=clocks,
        settings=settings.vee,
        clock=clock,
        ids=ids,
        log=log,
    )
