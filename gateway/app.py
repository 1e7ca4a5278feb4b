"""One process from its start to its end: what ``gateway.compose`` put together, run and closed in the reverse order.

Before any port opens: tables are migrated, keys opened, what is past its retention expired, registry, grounds and
adapters loaded, households whose end was begun ended. Unknown means no, so nothing is answered before it is known.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from adapters.plugin import Adapter, Logger, Route
from gateway.api.box_certificate import BoxCertificateApi
from gateway.clock import Clock, system_clock
from gateway.compose import Gateway, load, opened
from gateway.consent.time_ends import TimeEnds
from gateway.errors import BooksBroken
from gateway.extending.found import found, guarded_tables
from gateway.extending.making import made
from gateway.intake import http as ingest
from gateway.keeper.opening import refuse_lost
from gateway.people import people_problems, people_routes
from gateway.recovery.first_key import first_key
from gateway.serve.listeners import application
from gateway.serve.outside import Outside, public_url
from gateway.serve.recycle import Recycler
from gateway.serve.renewal import Renewal
from gateway.serve.sockets import Sockets, make_room
from gateway.serve.tasks import Supervisor
from gateway.serve.tls_context import CertificateFiles, ListenerContext, TlsFiles
from gateway.settings import Settings
from gateway.storage.migrate import migrate
from policies.roles import Listener
from policies.terms import ONE_DAY

CHECKPOINT = 60.0
"""Seconds between two signed checkpoints of the ledger, while there is something new."""


async def serve(
    settings: Settings,
    log: Logger,
    until: asyncio.Event,
    *,
    clock: Clock = system_clock,
    ready: Callable[[Mapping[Listener, int]], None] = lambda _: None,
    show_once: Callable[[str], None] = lambda _: None,
    renew: asyncio.Event | None = None,
) -> bool:
    """Run until the event is set. ``ready`` is told the ports when everything answers; ``show_once`` a recovery key
    that was made: nobody is told it again. ``renew``: set when certificates on the disk are to be looked at now.

    True when the process shall be replaced by a fresh one, because somebody was erased (see ``gateway.serve.recycle``).
    Raises what stops a start: ``SettingsError``, ``RootMissing``, ``RootBusy``, ``OSError`` for a port.
    """
    extensions = found(settings)
    branches = [each.migrations for each in extensions if each.migrations is not None]
    await asyncio.to_thread(refuse_lost, settings.tree, settings.keys / "root")
    await asyncio.to_thread(migrate, settings.store_url, branches)
    recycler = Recycler(timedelta(minutes=settings.limits.recycle_minutes), until, log)
    guarded = guarded_tables(extensions)
    async with opened(settings, log, clock, guarded=guarded) as (gateway, supervisor), asyncio.TaskGroup() as group:
        stop = asyncio.Event()
        running = group.create_task(supervisor.run(stop))
        try:
            await load(gateway)
            if (made_now := first_key(settings)) is not None:
                show_once(made_now)
            gateway.outbox.handle({"household.erased": recycler.erased})  # first: an adapter that fails delays nothing
            ours = own_routes(gateway)
            adapters = made(gateway, extensions, ours)
            for adapter in adapters:
                gateway.outbox.handle(adapter.notices)
                if adapter.start is not None:
                    await adapter.start()
            supervisor.add("recycler", recycler.run)
            _loops(gateway, supervisor, adapters)
            async with Sockets(shutdown_seconds=settings.limits.shutdown_seconds, log=log) as sockets:
                renewal = Renewal(renew or asyncio.Event(), log)
                await _open_listeners(gateway, ours, adapters, sockets, renewal)
                supervisor.add("renewal", renewal.run)
                gateway.rotation.tell(renewal.look)
                log.info("gateway.ready", **{which.value: port for which, port in sockets.ports.items()})
                ready(sockets.ports)
                await until.wait()
        finally:
            await gateway.access.flush()
            stop.set()
            await running
    return recycler.wanted


def _loops(gateway: Gateway, supervisor: Supervisor, adapters: Sequence[Adapter]) -> None:
    """Everything that runs beside the answers."""

    async def checkpoints() -> None:
        while True:
            await asyncio.sleep(CHECKPOINT)
            try:
                await gateway.ledger.sign_checkpoint()
            except BooksBroken as broken:
                gateway.log.error("ledger.not_signed", why=str(broken))

    supervisor.add("lines", gateway.lines.watch)
    supervisor.add("pins", gateway.pins.run)
    supervisor.add("endings", gateway.consent.ends.run)
    supervisor.add("time ends", time_ends(gateway).run)
    supervisor.add("ending log", gateway.ending_log.run)
    if gateway.keeper.second:
        supervisor.add("second keeper", gateway.ending_log.follow)
    supervisor.add("notices", gateway.outbox.run)
    supervisor.add("retention", gateway.retention.watch)
    supervisor.add("forgetting", gateway.forgetting.watch)
    supervisor.add("compactor", gateway.compactor.run)
    supervisor.add("cohorts", gateway.cohorts.run)
    supervisor.add("vee", gateway.sweep.run)
    supervisor.add("access", gateway.access.run)
    supervisor.add("rotation", gateway.rotation.watch)
    supervisor.add("checkpoints", checkpoints)
    supervisor.add("ledger", partial(_walk_ledger, gateway))
    for adapter in adapters:
        for name, loop in adapter.background.items():
            supervisor.add(f"{adapter.name}.{name}", loop)


def time_ends(gateway: Gateway) -> TimeEnds:
    """What ends grounds when their time is over."""
    g = gateway
    return TimeEnds(g.store, g.grounds, g.consent.ends, g.outbox, g.clock, g.log)


async def _walk_ledger(gateway: Gateway) -> None:
    """Whether the books are whole: at the start, then once a day."""
    while True:
        found = await gateway.ledger.verify()
        if found.fault:
            gateway.log.error("ledger.broken", fault=found.fault, entries=found.entries)
        await asyncio.sleep(ONE_DAY.total_seconds())


async def _open_listeners(
    gateway: Gateway, ours: Sequence[Route], adapters: Sequence[Adapter], sockets: Sockets, renewal: Renewal
) -> None:
    settings = gateway.settings
    enabled = [which for which in Listener if settings.listener(which).enabled]
    make_room(sum(settings.listener(which).max_connections for which in enabled), gateway.log)
    callers, routes = gateway.callers(adapters), [*ours, *[route for each in adapters for route in each.routes]]
    for which in enabled:
        door = settings.listener(which)
        mine = [route for route in routes if route.listener is which]
        app = application(
            which,
            mine,
            callers.of(which),
            gateway.access.note,
            gateway.log,
            most=settings.limits.body_bytes,
            outside=Outside(door),
            problems=people_problems(gateway) if which is Listener.PEOPLE else None,
        )
        shown = None
        if not door.clear:
            files = partial(_files, gateway, which)
            shown = ListenerContext(which, files(), gateway.log)
            renewal.watch(shown, files)
        await sockets.open(which, app, door, shown)


def own_routes(gateway: Gateway) -> list[Route]:
    """Of people and boxes; those of extensions come from themselves."""
    registry = gateway.registry
    ingesting = ingest.routes(gateway.intake, registry.boxes, registry.meters, registry.tenancies, gateway.clock)
    return [*people_routes(gateway), *ingesting, *BoxCertificateApi(gateway.renewals).routes()]


def _files(gateway: Gateway, which: Listener) -> TlsFiles:
    return TlsFiles(_chains(gateway, which), _roots(gateway, which))


def _chains(gateway: Gateway, which: Listener) -> list[CertificateFiles]:
    """The operator's own chains, or ours; openadr20 has an RSA chain beside (conformance rule 67)."""
    door, authority = gateway.settings.listener(which), gateway.authority
    names = list(dict.fromkeys([_host(public_url(gateway.settings, which)), "localhost", "127.0.0.1"]))
    now = gateway.clock()
    chains = []
    if door.certificate is not None:
        chains.append(CertificateFiles(door.certificate, door.key))
    else:
        chains.append(CertificateFiles(*authority.server(names, "ec", now)))
    if door.rsa_certificate is not None:
        chains.append(CertificateFiles(door.rsa_certificate, door.rsa_key))
    elif which is Listener.OPENADR20:
        chains.append(CertificateFiles(*authority.server(names, "rsa", now)))
    return chains


def _roots(gateway: Gateway, which: Listener) -> list[Path]:
    more = gateway.settings.listener(which).client_ca
    return [gateway.authority.ca_file, *([more] if more is not None else [])]


def _host(url: str) -> str:
    return urlsplit(url).hostname or "localhost"
