"""Two gateways over real sockets: one has households, the other wants their data."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import Connection

from adapters.gaiax import odrl
from adapters.gaiax.adapter import assemble, make_desk
from adapters.gaiax.dsp import negotiations, store, transfers, words
from adapters.gaiax.dsp import transfer as t
from adapters.gaiax.dsp.desk import Desk
from adapters.gaiax.dsp.messages import read_data_address
from adapters.gaiax.dsp.process import Negotiation, Transfer
from adapters.gaiax.jsonld import DSPACE
from adapters.plugin import Adapter, Notice, Services
from policies.roles import Listener
from policies.terms import Portfolio, Purpose, Zone
from tests.adapters.gaiax.harness import ACME, ACME_DID, FROM, TO, House, Key, gateway, member, opening

SINGLE = "urn:metergate:load/single/p1"


@dataclass
class Side:
    house: House
    desk: Desk

    @property
    def base(self) -> str:
        return self.house.public_urls[Listener.PARTNERS]

    def header(self, to: str) -> dict[str, str]:
        return {"Authorization": self.desk.participants.header(to)}


def maker(found: list[Desk]) -> Callable[[Services], Adapter]:
    def make(services: Services) -> Adapter:
        found.append(make_desk(services))
        return assemble(services, found[-1])

    return make


@pytest.fixture
async def sides(tmp_path: Path) -> AsyncIterator[tuple[Side, Side]]:
    """The utility's gateway that provides, and Acme's that consumes; each trusts the other's key."""
    found: list[Desk] = []
    (tmp_path / "p").mkdir()
    (tmp_path / "c").mkdir()
    async with (
        gateway(tmp_path / "p", did="did:web:utility.example", make=maker(found)) as provider,
        gateway(tmp_path / "c", did=ACME_DID, make=maker(found)) as consumer,
    ):
        for one, other in ((provider, consumer), (consumer, provider)):
            member(one, other.signer)
            await one.write(partial(pin, other.signer))
        provider.door.open[ACME] = [opening()]
        yield Side(provider, found[0]), Side(consumer, found[1])


def pin(key: Key, connection: Connection) -> None:
    store.pin_keys(connection, key.did, {key.kid: dict(key.jwk())})


async def until(what: Callable[[], Awaitable[Any]]) -> Any:
    """What it gives as soon as it gives something; fails after ten seconds."""
    async with asyncio.timeout(10):
        while not (found := await what()):  # noqa: ASYNC110 - what is looked at is a row of a database
            await asyncio.sleep(0.02)
    return found


async def call(
    side: Side, verb: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    assert side.house.client is not None
    data = None if body is None else json.dumps(body).encode()
    async with side.house.client.request(verb, url, data=data, headers=headers) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text.startswith("{") else text


async def catalog_of(provider: Side, consumer: Side, **headers: str) -> tuple[int, Any]:
    body = {"@context": [DSPACE], "@type": "CatalogRequestMessage"}
    given = headers or consumer.header(provider.desk.did)
    return await call(consumer, "POST", provider.base + "/dsp/catalog/request", body, given)


async def negotiate(provider: Side, consumer: Side, dataset: str = SINGLE, place: int = 0) -> str:
    """Take an offer from the catalog; our pid of the negotiation."""
    _, catalog = await catalog_of(provider, consumer)
    (chosen,) = [d for d in catalog["dataset"] if d["@id"] == dataset]
    offer = chosen["hasPolicy"][place]
    rules = {k: v for k, v in offer.items() if k in ("permission", "prohibition", "obligation")}
    return await negotiations.begin(
        consumer.desk,
        partner=provider.desk.did,
        address=provider.base + "/dsp",
        dataset=dataset,
        offer_id=offer["@id"],
        policy=rules,
    )


async def negotiation(side: Side, pid: str) -> Negotiation:
    async with side.house.session() as session:
        found = await store.fetch(session, Negotiation, pid)
    assert found is not None
    return found


async def transfer(side: Side, pid: str) -> Transfer:
    async with side.house.session() as session:
        found = await store.fetch(session, Transfer, pid)
    assert found is not None
    return found


async def reaches(side: Side, pid: str, *states: str) -> Negotiation:
    async def look() -> Negotiation | None:
        found = await negotiation(side, pid)
        return found if found.state in states else None

    result: Negotiation = await until(look)
    return result


async def transfer_reaches(side: Side, pid: str, *states: str) -> Transfer:
    async def look() -> Transfer | None:
        found = await transfer(side, pid)
        return found if found.state in states else None

    result: Transfer = await until(look)
    return result


async def agreed(provider: Side, consumer: Side, dataset: str = SINGLE) -> str:
    pid = await negotiate(provider, consumer, dataset)
    return (await reaches(consumer, pid, "FINALIZED")).agreement


async def started(
    provider: Side, consumer: Side, dataset: str = SINGLE, form: str = "HttpData-PULL"
) -> tuple[Transfer, str, dict[str, str]]:
    """A running transfer on the consumer's side; where its data is, with which header."""
    agreement = await agreed(provider, consumer, dataset)
    address = provider.base + "/dsp"
    pid = await transfers.begin(consumer.desk, address=address, agreement_id=agreement, data_format=form)
    running = await transfer_reaches(consumer, pid, "STARTED")
    assert running.address is not None
    endpoint, token = read_data_address(running.address)
    return running, endpoint, {"Authorization": f"Bearer {token}"}


async def test_from_catalog_to_data_in_every_form(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    _, endpoint, header = await started(provider, consumer)
    status, table = await call(consumer, "GET", endpoint, headers=header)
    assert status == 200
    (row,) = csv.DictReader(io.StringIO(table))
    assert row["value"] == "12345678.901"
    _, line = await call(consumer, "GET", endpoint, headers={**header, "Accept": "application/x-ndjson"})
    assert line["pseudonym"] == "p1"
    _, sdmx = await call(consumer, "GET", endpoint, headers={**header, "Accept": "application/vnd.sdmx.data+csv"})
    assert sdmx.startswith("STRUCTURE,STRUCTURE_ID,ACTION")
    status, _ = await call(consumer, "GET", endpoint, headers={**header, "Accept": "image/png"})
    assert status == 406
    (question, *_) = provider.house.door.questions
    assert (question.recipient, question.purpose, question.period.start) == (ACME, Purpose.ENERGY_ADVICE, FROM)
    assert question.reference.startswith("urn:uuid:")


@pytest.mark.rule("DSP 7: the agreement is between the two, about the dataset, under the rules of the offer")
async def test_the_agreement_is_the_offer_between_the_two_and_its_id_names_nobody(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    pid = await negotiate(provider, consumer)
    done = await reaches(consumer, pid, "FINALIZED")
    async with consumer.house.session() as session:
        agreement = await store.fetch_agreement(session, done.agreement, words.Side.CONSUMER)
    assert agreement is not None
    assert agreement.id.startswith("urn:uuid:")
    parties = {m: agreement.policy[m] for m in ("assigner", "assignee", "target")}
    assert parties == {"assigner": provider.desk.did, "assignee": ACME_DID, "target": SINGLE}
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
        "urn:uuid:1", SINGLE, process.policy, assigner=provider.desk.did, assignee=ACME_DID, at=process.begun
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


async def waiting(provider: Side, consumer: Side) -> str:
    """A negotiation that the provider leaves in REQUESTED: the household has not answered."""
    pid = await negotiate(provider, consumer, place=1)
    await until(lambda: _asked(provider))
    await until(lambda: _known(consumer, pid))
    return pid


async def _known(side: Side, pid: str) -> str:
    return (await negotiation(side, pid)).partner_pid


async def test_a_portfolio_and_a_community_ask_for_whoever_allows_it(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    for dataset, subject in (("load/portfolio/energy-advice", Portfolio()), ("community/riverside", Zone("riverside"))):
        _, endpoint, header = await started(provider, consumer, "urn:metergate:" + dataset)
        await call(consumer, "GET", endpoint, headers=header)
        assert provider.house.door.questions[-1].subject == subject


async def test_a_recipient_may_ask_for_less_and_never_for_more(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    _, endpoint, header = await started(provider, consumer)
    await call(consumer, "GET", endpoint + "?from=2026-02-01T00:00:00Z&to=2036-01-01T00:00:00Z", headers=header)
    period = provider.house.door.questions[-1].period
    assert (period.start.isoformat(), period.end) == ("2026-02-01T00:00:00+00:00", TO)
    for query, reason in (("from=yesterday", "instant-malformed"), ("quantity=1-0:2.8.0*255", "quantity-unknown")):
        status, problem = await call(consumer, "GET", f"{endpoint}?{query}", headers=header)
        assert (status, problem["reason"]) == (400, reason)


async def test_when_the_ground_ends_everything_that_needs_it_ends(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    running, endpoint, header = await started(provider, consumer)
    provider.house.door.open[ACME] = []
    status, problem = await call(consumer, "GET", endpoint, headers=header)
    assert (status, "consent" in problem["detail"]) == (403, True)
    payload = {"ground": "g", "subject": "s", "recipient": "acme", "purpose": "energy-advice"}
    await provider.house.tell(Notice("ground.ended", payload))
    ended = await transfer_reaches(consumer, running.pid, "TERMINATED")
    assert "consent" in ended.why
    assert ended.address is None
    status, problem = await call(consumer, "GET", endpoint, headers=header)
    assert (status, problem["reason"]) == (403, "transfer-ended")
    assert "consent" in problem["detail"]
    again = await transfers.begin(
        consumer.desk, address=provider.base + "/dsp", agreement_id=running.agreement, data_format="HttpData-PULL"
    )
    refused = await transfer_reaches(consumer, again, "TERMINATED")
    assert refused.partner_pid == ""


async def test_a_ground_for_another_purpose_ends_nothing_here(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    _, endpoint, header = await started(provider, consumer)
    payload = {"ground": "g", "subject": "s", "recipient": "acme", "purpose": "forecast"}
    await provider.house.tell(Notice("ground.ended", payload, key="x"))
    await asyncio.sleep(0.3)
    assert (await call(consumer, "GET", endpoint, headers=header))[0] == 200


async def test_a_stream_goes_on_until_the_transfer_ends(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    running, endpoint, header = await started(provider, consumer, form="HttpData-STREAM")
    assert consumer.house.client is not None
    async with consumer.house.client.get(endpoint, headers=header) as answer:
        assert answer.content_type == "application/x-ndjson"
        assert json.loads(await answer.content.readline())["pseudonym"] == "p1"
        await transfers.end(consumer.desk, running.pid, "enough", what=t.Say.COMPLETION)
        async with asyncio.timeout(5):
            await answer.content.read()
    assert (await transfer(provider, running.partner_pid)).state == "COMPLETED"
    assert (await call(consumer, "GET", endpoint, headers=header))[0] == 403


@pytest.mark.rule("DSP 9: data address with a token that dies with the transfer")
async def test_a_suspended_transfer_serves_nothing_and_goes_on_with_another_token(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    running, endpoint, header = await started(provider, consumer)
    await transfers.end(provider.desk, running.partner_pid, "a pause", what=t.Say.SUSPENSION)
    await transfer_reaches(consumer, running.pid, "SUSPENDED")
    status, problem = await call(consumer, "GET", endpoint, headers=header)
    assert (status, problem["reason"]) == (403, "transfer-suspended")
    await transfers.end(provider.desk, running.partner_pid, "", what=t.Say.START)
    again = await transfer_reaches(consumer, running.pid, "STARTED")
    assert again.address is not None
    _, token = read_data_address(again.address)
    assert (await call(consumer, "GET", endpoint, headers=header))[0] == 403
    assert (await call(consumer, "GET", endpoint, headers={"Authorization": token}))[0] == 200


@pytest.mark.rule("DSP 9: data address with a token that dies with the transfer")
async def test_a_token_opens_one_address_only(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    _, one, header = await started(provider, consumer)
    _, other, _ = await started(provider, consumer)
    assert (await call(consumer, "GET", one, headers=header))[0] == 200
    for url, given in (
        (other, header),
        (one, {}),
        (one, {"Authorization": "Bearer mgd-" + "0" * 64}),
        (one, consumer.header(provider.desk.did)),
    ):
        assert (await call(consumer, "GET", url, headers=given))[0] == 401
    status, error = await catalog_of(provider, consumer, **header)
    assert (status, error["@type"]) == (401, "CatalogError")


async def test_an_offer_that_needs_consent_waits_for_the_household(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    pid = await negotiate(provider, consumer, place=1)
    asked = await until(lambda: _asked(provider))
    (household, question) = asked
    assert (household.name, question.purpose, question.recipient) == ("p1", Purpose.FORECAST, ACME)
    assert (await negotiation(consumer, pid)).state == "REQUESTED"
    provider.house.door.open[ACME].append(
        opening(purpose=Purpose.FORECAST, values=question.values, resolution=question.resolution)
    )
    payload = {"request": "r", "reference": question.reference, "recipient": "acme", "ground": "g"}
    await provider.house.tell(Notice("permission.answered", payload))
    await reaches(consumer, pid, "FINALIZED")


@pytest.mark.parametrize(("ground", "reason"), [("", "not given its consent"), ("g", "less than was asked for")])
async def test_a_no_or_a_part_ends_the_negotiation(sides: tuple[Side, Side], ground: str, reason: str) -> None:
    provider, consumer = sides
    pid = await negotiate(provider, consumer, place=1)
    (_, question) = await until(lambda: _asked(provider))
    payload = {"request": "r", "reference": question.reference, "recipient": "acme", "ground": ground}
    await provider.house.tell(Notice("permission.answered", payload))
    ended = await reaches(consumer, pid, "TERMINATED")
    assert reason in ended.why


async def _asked(side: Side) -> Any:
    return side.house.door.asked[0] if side.house.door.asked else None


async def test_an_offer_that_was_withdrawn_is_refused_in_the_words_of_the_standard(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    _, catalog = await catalog_of(provider, consumer)
    offer = next(d for d in catalog["dataset"] if d["@id"] == SINGLE)["hasPolicy"][0]
    provider.house.door.open[ACME] = []
    body = {
        "@context": [DSPACE],
        "@type": "ContractRequestMessage",
        "consumerPid": "urn:uuid:1",
        "callbackAddress": consumer.base + "/dsp",
        "offer": offer,
    }
    url = provider.base + "/dsp/negotiations/request"
    status, error = await call(consumer, "POST", url, body, consumer.header(provider.desk.did))
    assert (status, error["@type"], error["code"]) == (400, "ContractNegotiationError", "offer-unknown")
    assert "consent" in error["reason"][0]


async def test_changed_rules_are_refused(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    _, catalog = await catalog_of(provider, consumer)
    offer = next(d for d in catalog["dataset"] if d["@id"] == SINGLE)["hasPolicy"][0]
    offer["permission"][0]["constraint"].pop()
    body = {
        "@context": [DSPACE],
        "@type": "ContractRequestMessage",
        "consumerPid": "urn:uuid:1",
        "callbackAddress": consumer.base + "/dsp",
        "offer": offer,
    }
    url = provider.base + "/dsp//negotiations/request"
    status, error = await call(consumer, "POST", url, body, consumer.header(provider.desk.did))
    assert (status, error["code"]) == (400, "offer-changed")


@pytest.mark.rule("DSP 6, 8, 10: the standard's error for every refusal")
async def test_a_stranger_gets_the_error_of_the_standard_everywhere(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    stranger = Key("did:web:stranger.example").sign({"iss": "did:web:stranger.example"}, typ="JWT")
    for headers in ({}, {"Authorization": f"Bearer {stranger}"}):
        for path, kind in (
            ("/dsp/catalog/request", "CatalogError"),
            ("/dsp/negotiations/request", "ContractNegotiationError"),
            ("/dsp/transfers/request", "TransferError"),
        ):
            status, error = await call(consumer, "POST", provider.base + path, {}, headers)
            assert (status, error["@type"], error["@context"]) == (401, kind, [DSPACE])


async def test_another_participants_processes_are_not_there(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    running, _, _ = await started(provider, consumer)
    other = Key("did:web:other.example")
    member(provider.house, other, recipient=type(ACME)("other"))
    await provider.house.write(partial(pin, other))
    consumer.house.signer = other
    url = f"{provider.base}/dsp/transfers/{running.partner_pid}"
    assert (await call(consumer, "GET", url, headers=consumer.header(provider.desk.did)))[0] == 404
    body = {
        "@context": [DSPACE],
        "@type": "TransferTerminationMessage",
        "providerPid": running.partner_pid,
        "consumerPid": running.pid,
    }
    status, _ = await call(consumer, "POST", url + "/termination", body, consumer.header(provider.desk.did))
    assert status == 404
    assert (await transfer(provider, running.partner_pid)).state == "STARTED"


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
    answers = [await call(consumer, "POST", url, body, consumer.header(provider.desk.did)) for _ in range(2)]
    assert answers[0][1]["providerPid"] == answers[1][1]["providerPid"]
    assert [status for status, _ in answers] == [201, 201]


async def test_a_provider_that_is_not_there_is_asked_again_and_messages_keep_their_order(
    sides: tuple[Side, Side],
) -> None:
    provider, consumer = sides
    asked: list[str] = []
    real = consumer.house.request

    async def flaky(verb: str, url: str, **more: Any) -> Any:
        asked.append(url.rpartition("/")[2])
        if len(asked) in (1, 2):
            raise aiohttp_gone()
        return await real(verb, url, **more)

    consumer.house.request = flaky  # type: ignore[method-assign]
    pid = await negotiate(provider, consumer)
    await reaches(consumer, pid, "FINALIZED")
    assert asked == ["request", "request", "request", "verification"]


def aiohttp_gone() -> Exception:
    from adapters.plugin import OutboundError

    return OutboundError(aiohttp.ServerDisconnectedError.__name__)


@pytest.mark.rule("DSP 4.3: version document")
async def test_the_well_known_documents_point_at_each_other(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    _, versions = await call(consumer, "GET", provider.base + "/.well-known/dspace-version")
    assert [(v["version"], v["path"]) for v in versions["protocolVersions"]] == [("2025-1", "/dsp")]
    _, document = await call(consumer, "GET", provider.base + "/.well-known/did.json")
    assert document["id"] == provider.desk.did
    services = {s["type"]: s["serviceEndpoint"] for s in document["service"]}
    assert services["CatalogService"] == provider.base + "/dsp/catalog"
    assert document["verificationMethod"][0]["publicKeyJwk"]["x"] == provider.house.signer.jwk()["x"]
    assert "d" not in document["verificationMethod"][0]["publicKeyJwk"]


@pytest.mark.rule("DSP 5: catalog of the caller, offers with purpose, recipient and retention")
async def test_retention_and_recipient_are_in_the_offer(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    provider.house.door.open[ACME] = [opening(keep=timedelta(days=7))]
    _, catalog = await catalog_of(provider, consumer)
    rule = next(d for d in catalog["dataset"] if d["@id"] == SINGLE)["hasPolicy"][0]["permission"][0]
    limits = {c["leftOperand"].rpartition("/")[2]: c["rightOperand"] for c in rule["constraint"]}
    assert limits["recipient"] == ACME_DID
    assert rule["duty"][0]["constraint"][0]["rightOperand"] == "P7D"


async def test_the_operator_walks_the_consumer_role_by_its_api(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    consumer.house.operator = "operator-token"
    header = {"Authorization": "Bearer operator-token", "Content-Type": "application/json"}

    async def ask(verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        return await call(consumer, verb, f"{consumer.base}/api/dsp{path}", body, header)

    at = {"partner": provider.desk.did, "address": provider.base + "/dsp/"}
    _, catalog = await ask("POST", "/catalog", at)
    dataset = next(d for d in catalog["dataset"] if d["@id"] == SINGLE)
    wish = {**at, "dataset": SINGLE, "offer": dataset["hasPolicy"][0]}
    status, begun = await ask("POST", "/negotiations", wish)
    assert status == 202
    done = await until(lambda: _agreement(ask, begun["pid"]))
    _, asked = await ask("POST", "/transfers", {"agreement": done, "address": at["address"], "format": "HttpData-PULL"})
    running = await until(lambda: _running(ask, asked["pid"]))
    token = {"Authorization": f"Bearer {running['token']}"}
    assert (await call(consumer, "GET", running["endpoint"], headers=token))[0] == 200
    assert (await ask("POST", f"/transfers/{asked['pid']}/completion", {}))[0] == 202
    await transfer_reaches(consumer, asked["pid"], "COMPLETED")
    assert (await ask("GET", f"/transfers/{asked['pid']}"))[1]["token"] == ""
    assert (await ask("POST", f"/transfers/{asked['pid']}/completion", {}))[0] == 409


async def _agreement(ask: Callable[..., Awaitable[tuple[int, Any]]], pid: str) -> Any:
    _, found = await ask("GET", f"/negotiations/{pid}")
    return found["agreement"] if found["state"] == "FINALIZED" else None


async def _running(ask: Callable[..., Awaitable[tuple[int, Any]]], pid: str) -> Any:
    _, found = await ask("GET", f"/transfers/{pid}")
    return found if found["endpoint"] else None


async def test_the_operator_breaks_a_negotiation_off(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    consumer.house.operator = "operator-token"
    pid = await waiting(provider, consumer)
    header = {"Authorization": "Bearer operator-token", "Content-Type": "application/json"}
    url = f"{consumer.base}/api/dsp/negotiations/{pid}/termination"
    form = {**header, "Content-Type": "application/x-www-form-urlencoded"}
    assert (await call(consumer, "POST", url, {}, form))[0] == 415
    assert (await call(consumer, "POST", url, {}, header))[0] == 202
    done = await reaches(consumer, pid, "TERMINATED")
    assert "operator" in (await reaches(provider, done.partner_pid, "TERMINATED")).why
    assert (await call(consumer, "POST", url, {}, header))[0] == 409
    assert (await call(consumer, "POST", url.replace(pid, "x"), {}, header))[0] == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/catalog", {"partner": "did:web:utility.example"}, 400),
        ("/catalog", {"partner": "did:web:utility.example", "address": "http://127.0.0.1:9/dsp"}, 502),
        ("/negotiations", {"partner": "did:web:nobody", "address": "http://x/dsp", "dataset": "d", "offer": {}}, 400),
        ("/transfers", {"agreement": "none", "address": "http://x/dsp", "format": "HttpData-PULL"}, 404),
    ],
)
async def test_the_operator_is_told_what_is_wrong(
    sides: tuple[Side, Side], path: str, body: dict[str, Any], status: int
) -> None:
    _, consumer = sides
    consumer.house.operator = "operator-token"
    header = {"Authorization": "Bearer operator-token", "Content-Type": "application/json"}
    answered, said = await call(consumer, "POST", f"{consumer.base}/api/dsp{path}", body, header)
    assert (answered, said["status"]) == (status, status)
    header["Content-Type"] = "text/plain"
    assert (await call(consumer, "POST", f"{consumer.base}/api/dsp{path}", body, header))[0] == 415
    assert (await call(consumer, "POST", f"{consumer.base}/api/dsp{path}", body, {}))[0] == 401


async def test_a_partner_cannot_fill_the_table(sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch) -> None:
    provider, consumer = sides
    monkeypatch.setattr(store, "MOST_OPEN", 1)
    first = await waiting(provider, consumer)
    assert (await negotiation(consumer, first)).state == "REQUESTED"
    second = await negotiate(provider, consumer)
    ended = negotiation(consumer, second)
    assert (await ended).state == "REQUESTED"  # 429: asked again later
    await negotiations.end(consumer.desk, first, "enough")
    await reaches(consumer, second, "FINALIZED")


async def test_who_left_the_trust_list_gets_no_more_data(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    _, endpoint, header = await started(provider, consumer)
    provider.house.organisations.clear()
    status, problem = await call(consumer, "GET", endpoint, headers=header)
    assert (status, problem["reason"]) == (403, "participant-unknown")


async def test_a_format_that_the_dataset_does_not_have_is_refused(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    agreement = await agreed(provider, consumer, "urn:metergate:community/riverside")
    for form in ("HttpData-STREAM", "HttpData-PUSH"):
        body = {
            "@context": [DSPACE],
            "@type": "TransferRequestMessage",
            "consumerPid": "urn:uuid:1",
            "agreementId": agreement,
            "format": form,
            "callbackAddress": consumer.base + "/dsp",
        }
        url = provider.base + "/dsp/transfers/request"
        status, error = await call(consumer, "POST", url, body, consumer.header(provider.desk.did))
        assert (status, error["@type"], error["code"]) == (400, "TransferError", "format-unknown")
