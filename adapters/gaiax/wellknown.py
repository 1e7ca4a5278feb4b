"""``/.well-known/dspace-version`` (DSP 2025-1, section 4.3) and ``/.well-known/did.json`` (did:web)."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web

from adapters.gaiax.credentials import OFFERING, PARTICIPANT
from adapters.gaiax.dsp.connector import Connector
from adapters.plugin import Handler, Route
from policies.roles import EVERYBODY, Listener

VERSIONS = {
    "protocolVersions": [
        {
            "version": "2025-1",
            "path": "/dsp",
            "binding": "HTTPS",
            "identifierType": "did:web",
            "auth": {"protocol": "JWT", "version": "RFC 7519", "profile": ["did:web"]},
        }
    ]
}


_PUBLIC = ("kty", "crv", "x", "y")


def did_document(
    did: str, keys: Sequence[Mapping[str, str]], origin: str, credentials: Sequence[str]
) -> dict[str, Any]:
    """DID Core 1.0; the services point at the catalog, the version document and the self-description.

    ``keys``: JWKs with ``kid``; the present one first, which alone speaks for us. What former ones signed stays valid.
    """
    names = [absolute(did, jwk["kid"]) for jwk in keys]
    methods = [
        {
            "id": name,
            "type": "JsonWebKey",
            "controller": did,
            "publicKeyJwk": {**{n: v for n, v in jwk.items() if n in _PUBLIC}, "kid": name, "alg": "ES256"},
        }
        for name, jwk in zip(names, keys, strict=True)
    ]
    return {
        "@context": [
            "https://www.w3.org/ns/did/v1",
            "https://w3id.org/security/jwk/v1",
            "https://w3id.org/dspace/2025/1/context.jsonld",
        ],
        "id": did,
        "verificationMethod": methods,
        "authentication": names[:1],
        "assertionMethod": names,
        "service": [
            {"id": did + "#catalog", "type": "CatalogService", "serviceEndpoint": origin + "/dsp/catalog"},
            {
                "id": did + "#dsp",
                "type": "DataService",
                "serviceEndpoint": origin + "/.well-known/dspace-version",
            },
            *(
                {"id": f"{did}#credential-{place}", "type": "LinkedVerifiableCredential", "serviceEndpoint": url}
                for place, url in enumerate(credentials)
            ),
        ],
    }


def absolute(did: str, kid: str) -> str:
    """A key id as DID URL."""
    return kid if kid.startswith("did:") else f"{did}#{kid.removeprefix('#')}"


def routes(connector: Connector, self_description: Mapping[str, Handler]) -> list[Route]:
    """Both documents, and the self-description at its paths."""

    async def versions(_: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(VERSIONS), content_type="application/json")

    async def document(_: web.Request) -> web.Response:
        signer = connector.services.signer
        urls = [connector.us.origin + path for path in (PARTICIPANT, OFFERING)]
        body = did_document(signer.did, [signer.jwk(), *signer.former()], connector.us.origin, urls)
        return web.Response(body=msgspec.json.encode(body), content_type="application/did+json")

    handlers = {"/.well-known/dspace-version": versions, "/.well-known/did.json": document, **self_description}
    return [
        Route(Listener.PARTNERS, "GET", path, "wellknown", handler, EVERYBODY) for path, handler in handlers.items()
    ]
