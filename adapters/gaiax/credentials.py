"""The self-description: credentials of the operator and of this service, in the words of Gaia-X (Danube 25.11).

W3C Verifiable Credentials 2.0, secured as JWS (VC-JOSE-COSE, section 3) under the gateway's did:web key. Signed by the
operator about itself; no clearing house has looked at it.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from adapters.gaiax.settings import Issuer
from adapters.plugin import Handler, Services
from meter_driver.instants import stamp
from policies.roles import Listener

PARTICIPANT = "/.well-known/gaiax/participant"
OFFERING = "/.well-known/gaiax/service-offering"
TERMS = "/.well-known/gaiax/terms"
VALID = timedelta(days=90)
_CONTEXT = [
    "https://www.w3.org/ns/credentials/v2",
    {
        "gx": "https://w3id.org/gaia-x/development#",
        "schema": "https://schema.org/",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    },
]


def terms_of_use(issuer: Issuer) -> str:
    """The text whose digest the offering carries."""
    return (
        f"Terms of use of the energy data service of {issuer.name}\n\n"
        "1. Data of a household is released under a ground (consent, legal task or contract), only while it stands.\n"
        "2. The recipient uses the data for the purpose that was agreed, and for no other.\n"
        "3. The recipient deletes the data when the retention that was agreed has passed.\n"
        "4. The recipient does not try to find out who a pseudonym or a cohort stands for.\n"
    )


def legal_person(issuer: Issuer, origin: str) -> dict[str, Any]:
    """gx:LegalPerson: who operates this gateway."""
    address = {"type": "gx:Address", "gx:countryCode": issuer.country}
    return {
        "id": origin + PARTICIPANT + "#subject",
        "type": "gx:LegalPerson",
        "schema:name": issuer.name,
        "gx:registrationNumber": {
            "id": origin + PARTICIPANT + "#registration",
            "type": ["gx:VatID", "gx:RegistrationNumber"],
            "gx:vatID": issuer.vat_id,
            "gx:countryCode": issuer.country,
        },
        "gx:headquartersAddress": address,
        "gx:legalAddress": address,
    }


def service_offering(issuer: Issuer, origin: str) -> dict[str, Any]:
    """gx:ServiceOffering: what this gateway offers, and under which terms."""
    digest = hashlib.sha256(terms_of_use(issuer).encode()).hexdigest()
    return {
        "id": origin + OFFERING + "#subject",
        "type": "gx:ServiceOffering",
        "schema:name": "Smart meter data, released under a ground",
        "schema:description": "Readings of households by the Dataspace Protocol 2025-1, cut off when a ground ends.",
        "gx:providedBy": {"id": origin + PARTICIPANT + "#subject"},
        "gx:keyword": ["smart meter", "energy", "Dataspace Protocol"],
        "gx:serviceOfferingTermsAndConditions": {
            "type": "gx:TermsAndConditions",
            "gx:url": {"@type": "xsd:anyURI", "@value": origin + TERMS},
            "gx:hash": digest,
        },
        "gx:dataAccountExport": {
            "type": "gx:DataAccountExport",
            "gx:requestType": "API",
            "gx:accessType": "digital",
            "gx:formatType": "text/csv",
        },
    }


def credential(subject: Mapping[str, Any], did: str, url: str, day: datetime) -> dict[str, Any]:
    """A credential about ``subject``, valid from ``day`` (UTC)."""
    return {
        "@context": _CONTEXT,
        "id": url,
        "type": ["VerifiableCredential", str(subject["type"])],
        "issuer": did,
        "validFrom": stamp(day),
        "validUntil": stamp(day + VALID),
        "credentialSubject": dict(subject),
    }


def handlers(services: Services, issuer: Issuer) -> dict[str, Handler]:
    """By path: both credentials, and the terms that they point to."""

    def signed(path: str) -> str:
        origin = services.public_urls[Listener.PARTNERS]
        build = legal_person if path == PARTICIPANT else service_offering
        day = services.clock().replace(hour=0, minute=0, second=0, microsecond=0)
        did = services.signer.did
        body = credential(build(issuer, origin), did, origin + path, day)
        return services.signer.sign(body, typ="vc+jwt", headers={"cty": "vc", "iss": did})

    async def participant(_: web.Request) -> web.Response:
        return web.Response(text=signed(PARTICIPANT), content_type="application/vc+jwt")

    async def offering(_: web.Request) -> web.Response:
        return web.Response(text=signed(OFFERING), content_type="application/vc+jwt")

    async def terms(_: web.Request) -> web.Response:
        return web.Response(text=terms_of_use(issuer))

    return {PARTICIPANT: participant, OFFERING: offering, TERMS: terms}
