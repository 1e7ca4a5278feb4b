"""GET /auth/server and POST /auth/token: client credentials by HTTP Basic or in the form (RFC 6749)."""

import base64
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import unquote_plus

from aiohttp import web

from adapters.openadr.v3.asking import json
from adapters.plugin import Services, TooManyTries
from policies.roles import SCOPES, Listener

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class Auth:
    """The token endpoint.

    Args:
        base: the path of the API, ``/openadr3/3.1.1``.
    """

    def __init__(self, services: Services, base: str) -> None:
        self._services = services
        self._base = base

    async def server(self, _: web.Request) -> web.StreamResponse:
        """Where tokens are; needs no token."""
        return json({"tokenURL": f"{self._services.public_urls[Listener.PARTNERS]}{self._base}/auth/token"})

    async def token(self, request: web.Request) -> web.StreamResponse:
        """Errors as RFC 6749 5.2 wants them: JSON with ``error``, never stored."""
        if request.content_type != "application/x-www-form-urlencoded" and request.can_read_body:
            return _error(400, "invalid_request", "the body must be application/x-www-form-urlencoded")
        try:
            form = await request.post()
        except (ValueError, UnicodeDecodeError):
            return _error(400, "invalid_request", "the form cannot be read")
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        if fields.get("grant_type") != "client_credentials":
            return _error(
                400, "unsupported_grant_type" if fields.get("grant_type") else "invalid_request", "grant_type"
            )
        basic = _basic(request.headers.get("Authorization", ""))
        name, secret = basic or (fields.get("client_id", ""), fields.get("client_secret", ""))
        if not name or not secret or max(len(name), len(secret)) > 4096:
            return _error(400, "invalid_request", "client_id and client_secret are missing, or too long")
        try:
            client = await self._services.directory.check_client(name, secret, request.remote or "")
        except TooManyTries as wait:
            status, later = 503 if wait.busy else 429, {"Retry-After": str(wait.seconds)}
            return _error(status, "temporarily_unavailable", str(wait), later)
        if client is None:
            return _error(401, "invalid_client", "the client is unknown or the secret is wrong")
        wanted = frozenset(fields.get("scope", "").split())
        granted = (client.scopes & wanted) if wanted else client.scopes & SCOPES
        if wanted and not granted:
            return _error(400, "invalid_scope", "the client has none of these scopes")
        return web.json_response(
            {
                "access_token": self._services.directory.token(client, granted),
                "token_type": "Bearer",
                "expires_in": int(self._services.directory.token_life.total_seconds()),
                "scope": " ".join(sorted(granted)),
            },
            headers=_NO_STORE,
        )


def _basic(header: str) -> tuple[str, str] | None:
    """User and password of HTTP Basic, form-decoded as RFC 6749 2.3.1 wants; None for any other scheme."""
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(credentials.strip(), validate=True).decode().partition(":")
    except ValueError:  # no base64, not even ASCII, or no UTF-8 in it
        return ("", "")
    return unquote_plus(name), unquote_plus(secret)


def _error(status: int, error: str, description: str, more: Mapping[str, str] = MappingProxyType({})) -> web.Response:
    headers = {**_NO_STORE, **more}
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="openadr3"'
    body = {"error": error, "error_description": description, "status": status, "title": error.replace("_", " ")}
    return web.json_response(body, status=status, headers=headers)
