"""Messages of ours: each goes out, once as far as we can know, and in its turn, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection

from adapters.gaiax import endings, odrl
from adapters.gaiax.adapter import make_connector
from adapters.gaiax.dsp import inbound, outbound, store
from adapters.gaiax.dsp import negotiation as n
from adapters.gaiax.dsp import transfer as t
from adapters.gaiax.dsp.connector import Connector
from adapters.gaiax.dsp.messages import DspMessage
from adapters.gaiax.dsp.process import Agreement, Negotiation
from adapters.plugin import Adapter, Caller, Later, Notice, OutboundError, Reply
from metergate.testing.parties import FakeSigner
from policies.roles import Role
from tests.adapters.gaiax.harness import ACME, ACME_DID, House, gateway, member, opening
from tests.adapters.gaiax.test_messages import OFFER, negotiation, transfer


class Partner:
    """Answers with what it is told to; ``heard`` are the last words of the paths it was called at."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.answers: list[int] = []

    async def request(self, verb: str, url: str, **_: Any) -> Reply:
        self.heard.append(url.rpartition("/")[2])
        status = self.answers.pop(0) if self.answers else 200
        if status == 0:
            raise OutboundError("gone")
        return Reply(status, {}, b"")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with gateway(tmp_path, make=lambda _: Adapter("nothing")) as house:
        yield house


@pytest.fixture
async def connector(house: House, partner: Partner, monkeypatch: pytest.MonkeyPatch) -> Connector:
    monkeypatch.setattr(house.http, "request", partner.request)
    return make_connector(house)


@pytest.fixture
def partner() -> Partner:
    return Partner()


async def begun(connector: Connector, **changes: Any) -> Negotiation:
    process = negotiation(**changes)
    await connector.services.write(lambda c: store.save(c, process))
    return process


async def now(connector: Connector, process: Negotiation) -> Negotiation:
    found = await connector.find(Negotiation, process.pid)
    assert found is not None
    return found


def notice(say: str, number: str = "1", tries: int = 0) -> Notice:
    payload = {"kind": "negotiation", "pid": "urn:uuid:a", "say": say, "number": number, "why": ""}
    return Notice("dsp.message", payload, key="dsp:urn:uuid:a", tries=tries)


async def test_a_notice_that_comes_twice_is_one_message(connector: Connector, partner: Partner) -> None:
    process = await begun(connector)
    await outbound.deliver(connector, notice("offer"))
    await outbound.deliver(connector, notice("offer"))
    assert partner.heard == ["offers"]
    assert (await now(connector, process)).state == "OFFERED"


async def test_a_message_whose_move_was_stored_before_a_crash_is_sent_all_the_same(
    connector: Connector, partner: Partner
) -> None:
    process = await begun(connector)
    partner.answers = [0]
    with pytest.raises(Later):
        await outbound.deliver(connector, notice("offer"))
    assert (await now(connector, process)).state == "OFFERED"
    await outbound.deliver(connector, notice("offer", tries=1))
    assert partner.heard == ["offers", "offers"]


async def test_a_message_that_the_partner_has_answered_to_is_not_sent_again(
    connector: Connector, partner: Partner
) -> None:
    process = await begun(connector)
    partner.answers = [0]
    with pytest.raises(Later):
        await outbound.deliver(connector, notice("offer"))
    moved = replace(await now(connector, process), state=n.State.ACCEPTED, saying="", said="1", heard="x")
    await connector.services.write(lambda c: store.save(c, moved))
    await outbound.deliver(connector, notice("offer", tries=1))
    assert partner.heard == ["offers"]
    assert (await now(connector, process)).state == "ACCEPTED"


async def test_a_message_that_is_no_longer_due_is_dropped(connector: Connector, partner: Partner) -> None:
    await begun(connector, state=n.State.TERMINATED)
    await outbound.deliver(connector, notice("offer"))
    assert partner.heard == []


@pytest.mark.parametrize("status", [0, 404, 409, 429, 503])
async def test_a_partner_that_is_not_ready_is_asked_again(connector: Connector, partner: Partner, status: int) -> None:
    await begun(connector)
    partner.answers = [status]
    with pytest.raises(Later) as later:
        await outbound.deliver(connector, notice("offer", tries=2))
    assert later.value.seconds == pytest.approx(1.2)


@pytest.mark.parametrize(("status", "tries"), [(400, 0), (403, 0), (404, 6), (0, 49)])
async def test_a_message_is_given_up_and_the_process_stays(
    connector: Connector, partner: Partner, status: int, tries: int
) -> None:
    process = await begun(connector)
    partner.answers = [status]
    await outbound.deliver(connector, notice("offer", tries=tries))
    assert (await now(connector, process)).state == "OFFERED"


@pytest.mark.parametrize("status", [400, 403])
async def test_a_first_request_that_is_refused_ends_the_negotiation_here(
    connector: Connector, partner: Partner, status: int
) -> None:
    process = await begun(connector, side=negotiation().side.other, partner_pid="")
    partner.answers = [status]
    await outbound.deliver(connector, notice("request"))
    assert (await now(connector, process)).state == "TERMINATED"


async def test_no_message_overtakes_an_answer(connector: Connector, partner: Partner) -> None:
    await begun(connector)
    async with asyncio.TaskGroup() as group, connector.answer_leaving("urn:uuid:a"):
        group.create_task(outbound.deliver(connector, notice("offer")))
        while not len(connector.bells):  # noqa: ASYNC110 - until it waits
            await asyncio.sleep(0)
        assert partner.heard == []
    assert partner.heard == ["offers"]


async def test_a_message_that_cannot_wait_longer_for_an_answer_is_tried_later(
    connector: Connector, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.gaiax.dsp.connector.LEAVES_WITHIN", 0.01)
    await begun(connector)
    async with connector.answer_leaving("urn:uuid:a"):
        with pytest.raises(Later):
            await outbound.deliver(connector, notice("offer"))
    assert partner.heard == []


async def test_nothing_is_sent_served_or_told_before_it_is_durable(
    connector: Connector, house: House, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = transfer()
    await connector.services.write(lambda c: store.save(c, process))
    rung: list[str] = []
    monkeypatch.setattr(connector.bells, "ring", rung.append)

    write = house.write

    async def full(work: Any) -> Any:
        def spoiled(connection: Connection) -> None:
            work(connection)
            raise OSError("disk full")

        return await write(spoiled)

    start = Notice("dsp.message", {**notice("start").payload, "kind": "transfer"})
    with monkeypatch.context() as broken:
        broken.setattr(house, "write", full)
        with pytest.raises(OSError, match="disk full"):
            await outbound.deliver(connector, start)
        assert (partner.heard, connector.live, rung) == ([], {}, [])
    await outbound.deliver(connector, start)
    assert (partner.heard, connector.live) == (["start"], {process.pid: process.round + 1})
    assert rung[0] == process.pid


async def test_when_a_ground_ends_streams_are_cut_at_once_and_the_partner_is_told_later(
    connector: Connector, house: House, partner: Partner
) -> None:
    process = transfer(state=t.State.STARTED)
    kept: dict[str, Any] = {
        "id": process.agreement,
        "partner": process.partner,
        "recipient": ACME,
        "dataset": "d",
        "policy": {},
    }
    agreement = Agreement(side=process.side, terms=OFFER.terms, **kept)

    def work(connection: Connection) -> None:
        store.save(connection, process)
        store.save_agreement(connection, agreement)

    await house.write(work)
    connector.live[process.pid] = process.round
    ended = {"ground": "g", "subject": "s", "recipient": ACME, "purpose": "energy-advice"}
    await endings.ground_ended(connector, Notice("ground.ended", ended))
    found = await house.look(lambda c: store.load_agreement(c, agreement.id, agreement.side))
    assert (found and found.why, connector.live, partner.heard) == (endings.ENDED, {}, [])


async def test_when_its_time_is_over_the_partner_is_told_that_it_was_time(
    connector: Connector, house: House, partner: Partner
) -> None:
    """As the gateway puts it; the provider's clock is past the offer's end."""
    assert OFFER.terms is not None
    process = transfer(state=t.State.STARTED)
    kept: dict[str, Any] = {"id": process.agreement, "partner": process.partner, "dataset": "d", "policy": {}}
    agreement = Agreement(side=process.side, terms=OFFER.terms, recipient=ACME, **kept)

    def work(connection: Connection) -> None:
        store.save(connection, process)
        store.save_agreement(connection, agreement)

    await house.write(work)
    house.now = OFFER.terms.until
    ended = {"ground": "g", "subject": "s", "recipient": ACME, "purpose": "energy-advice", "by_time": True}
    await endings.ground_ended(connector, Notice("ground.ended", ended))
    found = await house.look(lambda c: store.load_agreement(c, agreement.id, agreement.side))
    assert (found and found.why, found and found.ended) == (endings.ENDED_BY_TIME, house.now)


async def test_what_is_due_next_is_stored_with_what_was_heard(connector: Connector, house: House) -> None:
    """One transaction: a crash after it loses nothing, and before it nothing was acknowledged."""
    put: list[str] = []

    class Full:
        def put(self, connection: Connection, notice: Notice, **_: Any) -> None:
            assert connection.in_transaction()
            put.append(notice.payload["say"])
            if len(put) == 1:
                raise OSError("disk full")

    house.notices = Full()
    process = await begun(connector, state=n.State.AGREED)
    caller = Caller(Role.PARTICIPANT, client=process.partner, recipient=process.recipient)
    message = DspMessage("x", provider_pid=process.pid, consumer_pid=process.partner_pid)
    with pytest.raises(OSError, match="disk full"):
        await inbound.negotiation_message(connector, caller, process.pid, n.Say.VERIFICATION, message, "digest")
    assert (await now(connector, process)).state == "AGREED"
    for _ in range(2):  # the second is the same message again: acknowledged, without effect
        await inbound.negotiation_message(connector, caller, process.pid, n.Say.VERIFICATION, message, "digest")
    assert (await now(connector, process)).state == "VERIFIED"
    assert put == ["finalized", "finalized"]


async def test_a_counter_offer_is_agreed_about_its_own_dataset(
    connector: Connector, house: House, partner: Partner
) -> None:
    member(house, FakeSigner(ACME_DID))
    house.door.openings[ACME] = [opening("p1"), opening("p2")]
    process = await begun(connector, state=n.State.OFFERED)
    caller = Caller(Role.PARTICIPANT, client=process.partner, recipient=process.recipient)
    datasets = await connector.datasets(caller)
    other = next(d for d in datasets if d.id.endswith("p2"))
    offer = odrl.in_message(other.offers[0].id, other.id, other.offers[0].policy)
    message = DspMessage("x", provider_pid=process.pid, consumer_pid=process.partner_pid, offer=offer)
    await inbound.negotiation_message(connector, caller, process.pid, n.Say.REQUEST, message, "digest")
    await outbound.deliver(connector, notice("agreement"))
    agreed = (await now(connector, process)).agreement
    agreement = await connector.services.look(lambda connection: store.load_agreement(connection, agreed, process.side))
    assert agreement is not None
    assert agreement.terms is not None
    assert (agreement.policy["target"], agreement.terms.dataset) == (other.id, other.id)
