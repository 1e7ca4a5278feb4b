"""The catalog, the well-known documents, and the standard's errors, between two gateways over real sockets."""

from datetime import timedelta
from functools import partial

import pytest

from adapters.gaiax.jsonld import DSPACE
from metergate.testing.parties import FakeSigner
from tests.adapters.gaiax.harness import ACME, ACME_DID, member, opening
from tests.adapters.gaiax.journey import SINGLE, Side, call, catalog_of, pin, started, transfer


@pytest.mark.rule("DSP 4.3: version document")
async def test_the_well_known_documents_point_at_each_other(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    _, versions = await call(consumer, "GET", provider.base + "/.well-known/dspace-version")
    assert [(v["version"], v["path"]) for v in versions["protocolVersions"]] == [("2025-1", "/dsp")]
    _, document = await call(consumer, "GET", provider.base + "/.well-known/did.json")
    assert document["id"] == provider.connector.us.did
    services = {s["type"]: s["serviceEndpoint"] for s in document["service"]}
    assert services["CatalogService"] == provider.base + "/dsp/catalog"
    assert document["verificationMethod"][0]["publicKeyJwk"]["x"] == provider.house.signer.jwk()["x"]
    assert "d" not in document["verificationMethod"][0]["publicKeyJwk"]


@pytest.mark.rule("DSP 5: catalog of the caller, offers with purpose, recipient and retention")
async def test_retention_and_recipient_are_in_the_offer(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    provider.house.door.openings[ACME] = [opening(keep=timedelta(days=7))]
    _, catalog = await catalog_of(provider, consumer)
    rule = next(d for d in catalog["dataset"] if d["@id"] == SINGLE)["hasPolicy"][0]["permission"][0]
    limits = {c["leftOperand"].rpartition("/")[2]: c["rightOperand"] for c in rule["constraint"]}
    assert limits["recipient"] == ACME_DID
    assert rule["duty"][0]["constraint"][0]["rightOperand"] == "P7D"


async def test_an_offer_that_was_withdrawn_is_refused_in_the_words_of_the_standard(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    _, catalog = await catalog_of(provider, consumer)
    offer = next(d for d in catalog["dataset"] if d["@id"] == SINGLE)["hasPolicy"][0]
    provider.house.door.openings[ACME] = []
    body = {
        "@context": [DSPACE],
        "@type": "ContractRequestMessage",
        "consumerPid": "urn:uuid:1",
        "callbackAddress": consumer.base + "/dsp",
        "offer": offer,
    }
    url = provider.base + "/dsp/negotiations/request"
    status, error = await call(consumer, "POST", url, body, consumer.header(provider.connector.us.did))
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
    status, error = await call(consumer, "POST", url, body, consumer.header(provider.connector.us.did))
    assert (status, error["code"]) == (400, "offer-changed")


@pytest.mark.rule("DSP 6, 8, 10: the standard's error for every refusal")
async def test_a_stranger_gets_the_error_of_the_standard_everywhere(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    stranger = FakeSigner("did:web:stranger.example").sign({"iss": "did:web:stranger.example"}, typ="JWT")
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
    other = FakeSigner("did:web:other.example")
    member(provider.house, other, recipient=type(ACME)("other"))
    await provider.house.write(partial(pin, other))
    consumer.house.signer = other
    url = f"{provider.base}/dsp/transfers/{running.partner_pid}"
    assert (await call(consumer, "GET", url, headers=consumer.header(provider.connector.us.did)))[0] == 404
    body = {
        "@context": [DSPACE],
        "@type": "TransferTerminationMessage",
        "providerPid": running.partner_pid,
        "consumerPid": running.pid,
    }
    status, _ = await call(consumer, "POST", url + "/termination", body, consumer.header(provider.connector.us.did))
    assert status == 404
    assert (await transfer(provider, running.partner_pid)).state == "STARTED"
