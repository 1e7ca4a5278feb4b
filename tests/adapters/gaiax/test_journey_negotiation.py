"""Negotiations between two gateways over real sockets: agreements, consent, messages that are lost."""

import asyncio
from typing import Any

import aiohttp
import pytest

from adapters.gaiax import odrl
from adapters.gaiax.dsp import negotiations, store, words
from adapters.gaiax.dsp.process import Negotiation
from adapters.gaiax.jsonld import DSPACE
from adapters.plugin import TAKEN_BACK, NotAskedNow, Notice
from policies.terms import Purpose, Reason, Refusal
from tests.adapters.gaiax.harness import ACME, ACME_DID, opening
from tests.adapters.gaiax.journey import (
    SINGLE,
    Side,
    call,
    catalog_of,
    first_asked,
    negotiate,
    negotiation,
    reaches,
    waiting,
)


@pytest.mark.rule("DSP 7: the agreement is between the two, about the dataset, under the rules of the offer")
async def test_the_agreement_is_the_offer_between_the_two_and_its_id_names_nobody(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    pid = await negotiate(provider, consumer)
    done = await reaches(consumer, pid, "FINALIZED")
    mine = words.Side.CONSUMER
    agreement = await consumer.house.look(lambda connection: store.load_agreement(connection, done.agreement, mine))
    assert agreement is not None
    assert agreement.id.startswith("urn:uuid:")
    parties = {m: agreement.policy[m] for m in ("assigner", "assignee", "target")}
    assert parties == {"assigner": provider.connector.us.did, "assignee": ACME_DID, "target": SINGLE}
    assert agreement.policy["permission"] == done.policy["permission"]
    theirs = await negotiation(provider, done.partner_pid)
    assert theirs.agreement == done.agreement


@pytest.mark.parametrize("member", ["assigner", "assignee", "target", "permission"])
@pytest.mark.rule("DSP 7: the agreement is between the two, about the dataset, under the rules of the offer")
async def test_an_agreement_that_was_not_negotiated_is_refused(sides: tuple[Side, Side], member: str) -> None:
    provider, consumer = sides
    pid = await waiting(provider, consumer)
    process = await negotiation(consumer, pid)
    other: Any = [{"action": "use"}] if member == "permission" else "did:web:other.example"
    policy = odrl.agreement(
        "urn:uuid:1", SINGLE, process.policy, assigner=provider.connector.us.did, assignee=ACME_DID, at=process.begun
    )
    for agreement, expected in (({**policy, member: other}, 400), (policy, 200)):
        body = {
            "@context": [DSPACE],
            "@type": "ContractAgreementMessage",
            "consumerPid": pid,
            "providerPid": process.partner_pid,
            "agreement": agreement,
        }
        url = f"{consumer.base}/dsp/negotiations/{pid}/agreement"
        status, _ = await call(provider, "POST", url, body, provider.header(ACME_DID))
        assert status == expected


async def test_an_offer_that_needs_consent_waits_for_the_household(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    pid = await negotiate(provider, consumer, place=1)
    asked = await first_asked(provider)
    (household, question) = asked
    assert (household.name, question.purpose, question.recipient) == ("p1", Purpose.FORECAST, ACME)
    assert (await negotiation(consumer, pid)).state == "REQUESTED"
    provider.house.door.openings[ACME].append(
        opening(purpose=Purpose.FORECAST, values=question.values, resolution=question.resolution)
    )
    payload = {"request": "r", "reference": question.reference, "recipient": "acme", "ground": "g"}
    await provider.house.tell(Notice("permission.answered", payload))
    await reaches(consumer, pid, "FINALIZED")


@pytest.mark.parametrize(("ground", "reason"), [("", "not given its consent"), ("g", "less than was asked for")])
async def test_a_no_or_a_part_ends_the_negotiation(sides: tuple[Side, Side], ground: str, reason: str) -> None:
    provider, consumer = sides
    pid = await negotiate(provider, consumer, place=1)
    (_, question) = await first_asked(provider)
    payload = {"request": "r", "reference": question.reference, "recipient": "acme", "ground": ground}
    await provider.house.tell(Notice("permission.answered", payload))
    ended = await reaches(consumer, pid, "TERMINATED")
    assert reason in ended.why


async def test_a_household_that_may_not_be_asked_now_ends_the_negotiation_with_the_reason_and_the_day(
    sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, consumer = sides
    why = "the household has said no to this recipient for this purpose; it may be asked again from 2026-04-03 on"

    async def ask(*_: object) -> str:
        raise NotAskedNow(Refusal((Reason.SAID_NO,)), why)

    monkeypatch.setattr(provider.house, "ask", ask)
    pid = await negotiate(provider, consumer, place=1)
    ended = await reaches(consumer, pid, "TERMINATED")
    assert ended.why == why
    assert "p1" not in ended.why


@pytest.mark.parametrize("ender", ["consumer", "provider"])
async def test_a_negotiation_that_ends_takes_its_question_back_but_for_one_that_was_answered(
    sides: tuple[Side, Side], ender: str
) -> None:
    provider, consumer = sides
    taken: asyncio.Queue[Notice] = asyncio.Queue()
    outbox: Any = provider.house.notices
    outbox.handle({TAKEN_BACK: taken.put})
    refused = await waiting(provider, consumer)
    payload = {"request": "r", "reference": (await negotiation(consumer, refused)).partner_pid, "recipient": "acme"}
    await provider.house.tell(Notice("permission.answered", {**payload, "ground": ""}))
    await reaches(consumer, refused, "TERMINATED")
    pid = await waiting(provider, consumer)
    theirs = (await negotiation(consumer, pid)).partner_pid
    await (end(consumer, pid) if ender == "consumer" else end(provider, theirs))
    notice = await asyncio.wait_for(taken.get(), 10)
    assert dict(notice.payload) == {"recipient": "acme", "reference": theirs}


async def test_the_same_first_request_finds_its_negotiation_again(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    _, catalog = await catalog_of(provider, consumer)
    offer = next(d for d in catalog["dataset"] if d["@id"] == SINGLE)["hasPolicy"][0]
    body = {
        "@context": [DSPACE],
        "@type": "ContractRequestMessage",
        "consumerPid": "urn:uuid:1",
        "callbackAddress": consumer.base + "/dsp",
        "offer": {**offer, "target": SINGLE},
    }
    url = provider.base + "/dsp/negotiations/request"
    answers = [await call(consumer, "POST", url, body, consumer.header(provider.connector.us.did)) for _ in range(2)]
    assert answers[0][1]["providerPid"] == answers[1][1]["providerPid"]
    assert [status for status, _ in answers] == [201, 201]


async def test_a_provider_that_is_not_there_is_asked_again_and_messages_keep_their_order(
    sides: tuple[Side, Side],
) -> None:
    provider, consumer = sides
    asked: list[str] = []
    real = consumer.house.http.request

    async def flaky(verb: str, url: str, **more: Any) -> Any:
        asked.append(url.rpartition("/")[2])
        if len(asked) in (1, 2):
            raise aiohttp_gone()
        return await real(verb, url, **more)

    consumer.house.http.request = flaky  # type: ignore[method-assign]
    pid = await negotiate(provider, consumer)
    await reaches(consumer, pid, "FINALIZED")
    assert asked == ["request", "request", "request", "verification"]


def aiohttp_gone() -> Exception:
    from adapters.plugin import OutboundError

    return OutboundError(aiohttp.ServerDisconnectedError.__name__)


async def test_a_partner_cannot_fill_the_table(sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch) -> None:
    provider, consumer = sides
    monkeypatch.setattr(store, "MOST_OPEN", 1)
    first = await waiting(provider, consumer)
    assert (await negotiation(consumer, first)).state == "REQUESTED"
    second = await negotiate(provider, consumer)
    ended = negotiation(consumer, second)
    assert (await ended).state == "REQUESTED"  # 429: asked again later
    await end(consumer, first)
    await reaches(consumer, second, "FINALIZED")


async def end(side: Side, pid: str) -> None:
    await side.connector.act(lambda c: negotiations.end(store.load(c, Negotiation, pid), "enough"))
