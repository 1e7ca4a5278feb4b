"""What a time that is over does to the data space: from the desk to the message that the partner gets."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from adapters.gaiax import MIGRATIONS as GAIAX
from adapters.gaiax.adapter import assemble, make_connector
from adapters.gaiax.dsp import store
from adapters.gaiax.dsp.connector import Connector
from adapters.gaiax.dsp.process import Agreement, Transfer
from adapters.gaiax.dsp.transfer import State
from adapters.gaiax.dsp.words import Side
from adapters.gaiax.endings import ENDED_BY_TIME
from adapters.gaiax.odrl import Terms
from adapters.plugin import Notice
from gateway.app import time_ends
from gateway.storage.migrate import migrate
from gateway.storage.sqlite import url_of
from policies.grounds import Consent
from tests.gateway.house import ACME, NOON, House, clear_settings, house, tables

DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the adapter's tables."""
    tables(tmp_path / "without" / "store.db")
    data = clear_settings(tmp_path / "home").data
    data.mkdir(parents=True)
    migrate(url_of(data / "store.db"), [GAIAX])
    return tmp_path / "home"


def terms(home: House, consent: Consent) -> Terms:
    scope, name = consent.scope, home.release.pseudonym(ACME, consent.subject)
    words: dict[str, Any] = {"purpose": scope.purpose, "quantities": tuple(sorted(scope.quantities))}
    words |= {"resolution": scope.resolution, "level": scope.level, "keep": scope.keep}
    span: dict[str, Any] = {"start": scope.values.start, "end": scope.values.end, "until": scope.validity.end}
    return Terms(dataset=f"urn:metergate:load/single/{name}", about=name, **words, **span)


async def served(home: House, connector: Connector, consent: Consent) -> None:
    """A transfer that the partner is served by, under an agreement about the consent."""
    pid = f"transfer {consent.id}"
    partner: dict[str, Any] = {"partner": "did:web:acme.example", "recipient": ACME, "side": Side.PROVIDER}
    given: dict[str, Any] = {"callback": "https://acme.example", "begun": NOON, "changed": NOON, "round": 1}
    one = Transfer(pid=pid, state=State.STARTED, agreement=consent.id, format="x", **partner, **given)
    agreed = Agreement(id=consent.id, dataset="d", policy={}, terms=terms(home, consent), **partner)

    def work(connection: Connection) -> None:
        store.save(connection, one)
        store.save_agreement(connection, agreed)

    await home.store.write(work)
    connector.live[pid] = 1


async def put_out(home: House, kind: str) -> list[Notice]:
    """Notices of a kind that wait."""
    asked = text("SELECT kind, payload FROM notice WHERE kind = :kind ORDER BY number")
    rows = await home.store.look(lambda connection: connection.execute(asked, {"kind": kind}).fetchall())
    return [Notice(row.kind, json.loads(row.payload)) for row in rows]


@pytest.mark.gdpr("19")
async def test_when_its_time_is_over_agreement_and_transfer_end_and_the_partner_is_told_why(folder: Path) -> None:
    async with house(folder) as home:
        connector = make_connector(home.gateway.services("gaiax"))
        heard = assemble(home.gateway.services("gaiax"), connector).notices["ground.ended"]
        short = await home.agree(await home.household(), until=home.now + DAY)
        stays = await home.agree(await home.household(), until=home.now + 9 * DAY)
        for consent in (short, stays):
            await served(home, connector, consent)
        home.now += DAY
        await time_ends(home.gateway).look()
        (ended,) = await put_out(home, "ground.ended")
        await heard(ended)
        await heard(ended)  # delivered at least once
        assert set(connector.live) == {f"transfer {stays.id}"}
        (standing,) = await home.store.look(lambda c: store.live_agreements(c, ACME))
        assert standing.id == stays.id
        (message,) = await put_out(home, "dsp.message")
        said = {name: message.payload[name] for name in ("kind", "pid", "say", "why")}
        assert said == {
            "kind": "transfer", "pid": f"transfer {short.id}", "say": "termination", "why": ENDED_BY_TIME,
        }  # fmt: skip


async def test_an_agreement_that_a_newer_consent_carries_goes_on(folder: Path) -> None:
    async with house(folder) as home:
        connector = make_connector(home.gateway.services("gaiax"))
        heard = assemble(home.gateway.services("gaiax"), connector).notices["ground.ended"]
        who = await home.household()
        short = await home.agree(who, until=home.now + DAY)
        await served(home, connector, short)
        await home.agree(who)  # said yes again
        home.now += DAY
        await time_ends(home.gateway).look()
        (ended,) = await put_out(home, "ground.ended")
        await heard(ended)
        assert set(connector.live) == {f"transfer {short.id}"}
        assert await put_out(home, "dsp.message") == []
