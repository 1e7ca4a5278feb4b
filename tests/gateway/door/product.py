"""The whole product in this process, in clear on free ports, with a clock of the test's and one organisation."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import structlog
from sqlalchemy import Connection

import gateway.app
from adapters.gaiax.dsp import store
from adapters.gaiax.dsp.process import Agreement, Token, Transfer
from adapters.gaiax.dsp.transfer import State
from adapters.gaiax.dsp.words import Side, urn
from adapters.gaiax.odrl import Terms
from adapters.plugin import Organisation
from gateway import compose
from gateway.compose import Gateway
from gateway.door import following, lines
from gateway.registry.organisations import ListedOrganisation
from policies.roles import Listener
from policies.terms import AS_RECEIVED, FAR_FUTURE, Level, Purpose, SubjectId
from tests.gateway.door.readers import Reader
from tests.gateway.house import ACME, ENERGY, FEED, NOON, House, Registry, clear_settings

DID = "did:web:acme.example"
CLIENT = "acme-client"
STEP = timedelta(seconds=10)
MANY = 6000
"""Readings of one household, from yesterday on: far more bytes than all buffers hold."""
PULL = "HttpData-PULL"


@dataclass
class Product:
    """What a test does with it."""

    now: datetime = NOON
    gateway: Gateway = field(init=False)
    home: House = field(init=False)
    ports: dict[Listener, int] = field(default_factory=dict)
    token: str = ""
    cookie: str = ""

    @property
    def port(self) -> int:
        return self.ports[Listener.PARTNERS]

    async def settle(self) -> None:
        """One organisation with a client; a token of it."""
        self.home = House(self.gateway, Registry(), self.now)
        await self.profile()
        await self.gateway.clients.put(CLIENT, ACME, [], "a secret of some length")
        client = self.gateway.clients.get(CLIENT)
        assert client is not None
        self.token = self.gateway.tokens.issue(client, frozenset())

    async def profile(self, *, did: str = DID, zones: tuple[str, ...] = (), **other: Any) -> None:
        words: dict[str, Any] = {
            "levels": frozenset(Level),
            "quantities": frozenset({ENERGY, FEED}),
            "finest": AS_RECEIVED,
            "purposes": frozenset(Purpose),
        }
        acme = Organisation(ACME, "Acme", did=did, **{**words, **other})
        await self.gateway.registry.organisations.put(ListedOrganisation(acme, zones))

    async def household(self, count: int = MANY, step: timedelta = STEP, **consent: Any) -> SubjectId:
        """One that agreed, with readings from yesterday afternoon on."""
        who = await self.home.household()
        await self.home.feed(who, list(range(count)), step=step, start=NOON - timedelta(hours=20))
        await self.home.agree(who, **consent)
        return who

    def ask(self, reader: Reader, who: SubjectId, headers: Mapping[str, str] = {}) -> None:
        """The household's readings as CSV, with the client's token."""
        period = {"start": "2026-03-03T00:00:00Z", "end": "2026-03-05T00:00Z"}
        words = {"purpose": "forecast", "quantity": ENERGY, "minutes": "0", **period}
        name = self.gateway.release.pseudonym(ACME, who)
        path = f"/readings/households/{name}.csv?{urlencode(words)}"
        reader.ask(path, {"Authorization": f"Bearer {self.token}", **headers})

    async def transfer(self, level: Level, about: str = "", form: str = PULL) -> "Pulled":
        """A transfer of the data space that is served now, as a negotiation would have left it."""
        pid, agreement = urn(self.gateway.ids()), urn(self.gateway.ids())
        resolution = AS_RECEIVED if level is Level.INDIVIDUAL else timedelta(minutes=15)
        start, end = NOON - timedelta(days=1), NOON + timedelta(days=1)
        terms = Terms(
            "d", about, Purpose.FORECAST, (ENERGY,), resolution, level, start, end, FAR_FUTURE, timedelta(days=30)
        )
        token = f"mgd-{pid}"
        digest = hashlib.sha256(token.encode()).hexdigest()

        def write(connection: Connection) -> None:
            agreed = Agreement(
                id=agreement, side=Side.PROVIDER, partner=DID, recipient=ACME, dataset="d", policy={}, terms=terms
            )
            store.save_agreement(connection, agreed)
            served = Transfer(
                pid=pid,
                side=Side.PROVIDER,
                partner=DID,
                recipient=ACME,
                callback="http://localhost:1/dsp",
                begun=NOON,
                changed=NOON,
                state=State.STARTED,
                agreement=agreement,
                format=form,
                round=1,
            )
            store.save(connection, served)
            store.save_token(connection, Token(hash=digest, transfer=pid, round=1))

        await self.gateway.services("gaiax").write(write)
        return Pulled(pid, agreement, token)


@dataclass(frozen=True)
class Pulled:
    """A transfer, and the header that opens it."""

    pid: str
    agreement: str
    token: str

    def ask(self, reader: Reader) -> None:
        reader.ask(f"/dsp-data/{self.pid}", {"Authorization": f"Bearer {self.token}", "Accept": "text/csv"})


@asynccontextmanager
async def product(folder: Path, patch: pytest.MonkeyPatch, prepare: Any = None) -> AsyncIterator[Product]:
    """``prepare`` is awaited when everything is loaded and before any adapter starts or any port opens."""
    made, ready, until = Product(), asyncio.Event(), asyncio.Event()
    load = compose.load

    async def loaded(gateway_: Gateway) -> None:
        await load(gateway_)
        made.gateway = gateway_
        await made.settle()
        if prepare is not None:
            await prepare(made)

    def opened(ports: Any) -> None:
        made.ports.update(ports)
        ready.set()

    patch.setattr(gateway.app, "load", loaded)
    patch.setattr(lines, "CLOCK_LOOK", 0.02)
    patch.setattr(following, "LOOK_AGAIN", 0.05)
    settings = clear_settings(
        folder, timezone="UTC", adapters={"openadr": {"enabled": False}, "gaiax": {}}, limits={"shutdown_seconds": 0}
    )
    log = structlog.get_logger()
    async with asyncio.TaskGroup() as group:
        group.create_task(gateway.app.serve(settings, log, until, clock=lambda: made.now, ready=opened))
        await asyncio.wait_for(ready.wait(), 20)
        try:
            yield made
        finally:
            until.set()
