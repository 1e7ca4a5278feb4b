"""The composition root: opens everything in the right order, runs it, closes it in the reverse.

Before any port opens: tables are migrated, keys opened, what is past its retention expired, registry, grounds and
adapters loaded. Unknown means no, so nothing is answered before it is known.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from adapters.plugin import Adapter, AdapterFactory, Migrations, Route
from gateway.clock import Clock, system_clock
from gateway.compose import Gateway, composed, recovery_of
from gateway.intake import http as ingest
from gateway.keeper.keeper import open_keeper
from gateway.people import people_routes
from gateway.serve.listeners import Chain, Surroundings, application, public_url, tls
from gateway.serve.outbound import Outbound
from gateway.serve.recycle import Recycler
from gateway.serve.sockets import Doors, make_room
from gateway.serve.tasks import Supervisor
from gateway.services import AdapterServices
from gateway.settings import Settings
from gateway.storage.migrate import migrate
from gateway.storage.sqlite import Store
from gateway.vault.compactor import Compactor
from policies.roles import Listener

OURS = {"openadr": "adapters.openadr", "gaiax": "adapters.gaiax", "readings": "adapters.readings"}
"""Adapters of our own tree: name, and the package that exports ``create`` and ``MIGRATIONS``."""
OUTPUTS = "metergate.outputs"
"""Entry point group of out-of-tree adapters; one is loaded when the settings have a table of its name."""
CHECKPOINT = 60.0
"""Seconds between two signed checkpoints of the ledger, while there is something new."""


async def serve(
    settings: Settings,
    log: Any,
    until: asyncio.Event,
    *,
    clock: Clock = system_clock,
    ready: Callable[[Mapping[Listener, int]], None] = lambda _: None,
) -> bool:
    """Run until the event is set. ``ready`` is told the ports when everything answers.

    True when the process shall be replaced by a fresh one, because somebody was erased (see ``gateway.serve.recycle``).
    Raises what stops a start: ``SettingsError``, ``RootMissing``, ``RootBusy``, ``OSError`` for a port.
    """
    outputs = _adapters(settings)
    await asyncio.to_thread(migrate, settings.data / "store.db", [m for _, _, m in outputs if m is not None])
    recycler = Recycler(timedelta(minutes=settings.limits.recycle_minutes), until, log)
    async with opened(settings, log, clock) as (gateway, supervisor), asyncio.TaskGroup() as group:
        stop = asyncio.Event()
        running = group.create_task(supervisor.run(stop))
        try:
            await _load(gateway)
            adapters = [_made(gateway, name, create) for name, create, _ in outputs]
            for adapter in adapters:
                gateway.desk.outbox.handle(adapter.notices)
                if adapter.start is not None:
                    await adapter.start()
            gateway.desk.outbox.handle({"household.erased": recycler.erased})
            supervisor.add("recycler", recycler.run)
            _loops(gateway, supervisor, adapters)
            async with Doors(shutdown_seconds=settings.limits.shutdown_seconds, log=log) as doors:
                await _open_doors(gateway, adapters, doors)
                log.info("gateway.ready", **{which.value: port for which, port in doors.ports.items()})
                ready(doors.ports)
                await until.wait()
        finally:
            await gateway.access.flush()
            stop.set()
            await running
    return recycler.wanted


@asynccontextmanager
async def opened(settings: Settings, log: Any, clock: Clock) -> AsyncIterator[tuple[Gateway, Supervisor]]:
    """Everything open, nothing loaded, no port. The supervisor has the store's writer and is not running yet."""
    settings.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store(settings.data / "store.db"))
        recovery = recovery_of(settings, clock)
        tree, root = settings.data / "tree", settings.keys / "root"
        keeper = await asyncio.to_thread(lambda: open_keeper(tree, root, recovery=recovery))
        stack.callback(keeper.close)
        outbound = Outbound(allow_private=settings.outbound.allow_private, extra_ca=settings.outbound.extra_ca)
        http = await stack.enter_async_context(outbound)
        supervisor = Supervisor(log)
        supervisor.add("store", store.run)
        yield composed(settings, log, clock, store, keeper, http), supervisor


async def _load(gateway: Gateway) -> None:
    """What must be known before anybody is answered. Expiry comes first."""
    await gateway.retention.load()
    await gateway.retention.run(gateway.clock())
    await gateway.vault.start()
    await gateway.registry.load()
    await gateway.desk.book.load(gateway.store)
    await gateway.consent.resume()
    for part in (gateway.identities.clients, gateway.identities.codes, gateway.identities.sessions):
        await part.load()


def _loops(gateway: Gateway, supervisor: Supervisor, adapters: Sequence[Adapter]) -> None:
    """Everything that runs beside the answers."""
    compactor = Compactor(
        gateway.store,
        gateway.keeper,
        clock=gateway.clock,
        randomness=os.urandom,
        log=gateway.log,
        settled=gateway.vault.settled,
    )

    async def checkpoints() -> None:
        while True:
            await asyncio.sleep(CHECKPOINT)
            await gateway.desk.ledger.sign_checkpoint()

    supervisor.add("notices", gateway.desk.outbox.run)
    supervisor.add("retention", gateway.retention.watch)
    supervisor.add("compactor", compactor.run)
    supervisor.add("cohorts", gateway.cohorts.run)
    supervisor.add("access", gateway.access.run)
    supervisor.add("checkpoints", checkpoints)
    for adapter in adapters:
        for name, loop in adapter.background.items():
            supervisor.add(f"{adapter.name}.{name}", loop)


async def _open_doors(gateway: Gateway, adapters: Sequence[Adapter], doors: Doors) -> None:
    settings = gateway.settings
    enabled = [which for which in Listener if settings.listener(which).enabled]
    make_room(sum(settings.listener(which).max_connections for which in enabled), gateway.log)
    around = Surroundings(gateway.callers_of(adapters), gateway.access, gateway.log, settings.limits.body_bytes)
    routes: list[Route] = [
        *people_routes(gateway),
        *ingest.routes(gateway.house.intake, gateway.registry.devices, gateway.clock),
        *[route for adapter in adapters for route in adapter.routes],
    ]
    for which in enabled:
        door = settings.listener(which)
        app = application(which, [r for r in routes if r.listener is which], around)
        context = None if door.clear else tls(which, _chains(gateway, which), _roots(gateway, which), gateway.log)
        await doors.open(which, app, door, context)


def _chains(gateway: Gateway, which: Listener) -> list[Chain]:
    """The operator's own chains, or ours; openadr20 has an RSA chain beside (conformance rule 67)."""
    door, authority = gateway.settings.listener(which), gateway.identities.authority
    names = list(dict.fromkeys([_host(public_url(gateway.settings, which)), "localhost", "127.0.0.1"]))
    now = gateway.clock()
    chains = []
    if door.certificate is not None:
        chains.append(Chain(door.certificate, door.key))
    else:
        chains.append(Chain(*authority.server(names, "ec", now)))
    if door.rsa_certificate is not None:
        chains.append(Chain(door.rsa_certificate, door.rsa_key))
    elif which is Listener.OPENADR20:
        chains.append(Chain(*authority.server(names, "rsa", now)))
    return chains


def _roots(gateway: Gateway, which: Listener) -> list[Path]:
    more = gateway.settings.listener(which).client_ca
    return [gateway.identities.authority.ca_file, *([more] if more is not None else [])]


def _host(url: str) -> str:
    host = url.partition("://")[2].partition("/")[0]
    return host.rpartition(":")[0].strip("[]") if ":" in host else host


# -- adapters


_Found = tuple[str, AdapterFactory, Migrations | None]


def _adapters(settings: Settings) -> list[_Found]:
    """Ours unless switched off (``enabled = false``), and the outputs that have a table in the settings."""
    found: list[_Found] = []
    for name, package in OURS.items():
        if settings.adapter(name).get("enabled", True):
            module = import_module(package)
            found.append((name, module.create, module.MIGRATIONS))
    for entry in entry_points(group=OUTPUTS):
        if entry.name in settings.adapters and settings.adapter(entry.name).get("enabled", True):
            create = entry.load()
            found.append((entry.name, create, getattr(import_module(entry.module), "MIGRATIONS", None)))
    return found


def _made(gateway: Gateway, name: str, create: AdapterFactory) -> Adapter:
    table = {k: v for k, v in gateway.settings.adapter(name).items() if k != "enabled"}
    return create(AdapterServices(gateway.house, settings=table, log=gateway.log.bind(adapter=name)))
