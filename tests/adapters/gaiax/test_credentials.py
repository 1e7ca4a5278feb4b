"""The self-description: signed by our key, and valid against the shapes of Gaia-X (Danube), offline."""

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from adapters.gaiax import credentials
from adapters.gaiax.settings import Issuer
from policies.roles import Listener
from tests.adapters.gaiax.harness import House, gateway
from tests.shared import SHARED, needs_corpus

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # rdflib, inside

SHAPES = SHARED / "corpus/gaiax/shapes/gx.shacl.ttl"
ORIGIN = "https://utility.example"
ISSUER = Issuer(name="Utility", vat_id="BE0762747721")
GX = "https://w3id.org/gaia-x/development#"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with gateway(tmp_path) as house:
        yield house


async def fetched(house: House, path: str) -> tuple[str, str]:
    async with house.client.get(house.public_urls[Listener.PARTNERS] + path) as answer:
        return answer.content_type, await answer.text()


@pytest.mark.rule("VC-JOSE-COSE 3.1: typ vc+jwt, cty vc")
@pytest.mark.parametrize("path", [credentials.PARTICIPANT, credentials.OFFERING])
async def test_each_credential_is_signed_by_our_key_and_issued_by_our_did(house: House, path: str) -> None:
    kind, token = await fetched(house, path)
    registry = jws.JWSRegistry(strict_check_header=False)
    key = ECKey.import_key(dict(house.signer.jwk()))
    signed = jws.deserialize_compact(token, key, algorithms=["ES256"], registry=registry)
    header, body = signed.headers(), json.loads(signed.payload)
    assert (kind, header["typ"], header["cty"], header["kid"]) == (
        "application/vc+jwt",
        "vc+jwt",
        "vc",
        house.signer.kid,
    )
    assert body["issuer"] == house.signer.did
    assert body["validFrom"] < body["validUntil"]


async def test_the_did_document_links_both_credentials_and_the_terms_match_their_digest(house: House) -> None:
    _, text = await fetched(house, "/.well-known/did.json")
    linked = [s["serviceEndpoint"] for s in json.loads(text)["service"] if s["type"] == "LinkedVerifiableCredential"]
    origin = house.public_urls[Listener.PARTNERS]
    assert linked == [origin + credentials.PARTICIPANT, origin + credentials.OFFERING]
    _, terms = await fetched(house, credentials.TERMS)
    offering = credentials.service_offering(Issuer(), origin)
    assert offering["gx:serviceOfferingTermsAndConditions"]["gx:hash"] == hashlib.sha256(terms.encode()).hexdigest()


@cache
def shapes() -> Any:
    from rdflib import Graph

    return Graph().parse(SHAPES)


def conforms(subjects: list[dict[str, Any]]) -> tuple[bool, str]:
    """Both subjects in one graph, because the offering names its provider."""
    from pyshacl import validate
    from rdflib import Graph

    aliases = {"id": "@id", "type": "@type"}
    context = {**credentials._CONTEXT[1], **aliases}  # type: ignore[dict-item]
    data = Graph()
    for subject in subjects:
        data.parse(data=json.dumps({"@context": context, **subject}), format="json-ld")
    holds, _, text = validate(data, shacl_graph=shapes(), advanced=True)
    return holds, text


@needs_corpus
@pytest.mark.rule("Gaia-X Danube 25.11: LegalPerson and ServiceOffering shapes")
def test_both_subjects_hold_against_the_shapes() -> None:
    holds, text = conforms([credentials.legal_person(ISSUER, ORIGIN), credentials.service_offering(ISSUER, ORIGIN)])
    assert holds, text


@needs_corpus
@pytest.mark.parametrize(
    ("which", "member"),
    [
        (0, "gx:registrationNumber"),
        (0, "gx:legalAddress"),
        (1, "gx:providedBy"),
        (1, "gx:serviceOfferingTermsAndConditions"),
    ],
)
def test_without_a_member_that_the_shapes_demand_they_do_not_hold(which: int, member: str) -> None:
    subjects = [credentials.legal_person(ISSUER, ORIGIN), credentials.service_offering(ISSUER, ORIGIN)]
    del subjects[which][member]
    assert not conforms(subjects)[0]


def test_a_credential_is_valid_for_ninety_days() -> None:
    day = datetime(2026, 3, 1, tzinfo=UTC)
    body = credentials.credential(credentials.legal_person(ISSUER, ORIGIN), "did:web:x", ORIGIN, day)
    assert (body["validFrom"], body["validUntil"]) == ("2026-03-01T00:00:00Z", "2026-05-30T00:00:00Z")
    assert body["type"] == ["VerifiableCredential", "gx:LegalPerson"]
