"""The utility's side in tests: the 3.1 API with a client-credentials token."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

BASE = "/openadr3/3.1.1"


class Utility:
    """Business logic, logged in."""

    def __init__(self, http: aiohttp.ClientSession, root: str) -> None:
        self.http, self.root = http, root
        self.headers: dict[str, str] = {}

    async def login(self, client: str = "bl_client", secret: str = "1001", scope: str = "") -> None:
        form = {"grant_type": "client_credentials", "scope": scope}
        async with self.http.post(f"{self.root}/auth/token", data=form, headers=basic(client, secret)) as reply:
            assert reply.status == 200, await reply.text()
            self.headers = {"Authorization": f"Bearer {(await reply.json())['access_token']}"}

    async def ask(self, verb: str, path: str, json: Any = None, **query: str) -> tuple[int, Any]:
        async with self.http.request(verb, self.root + path, json=json, params=query, headers=self.headers) as reply:
            return reply.status, await reply.json(content_type=None)

    async def made(self, path: str, json: Any) -> dict[str, Any]:
        status, answer = await self.ask("POST", path, json)
        assert status == 201, answer
        return dict(answer)

    async def ven(self, name: str, fingerprint: str = "", targets: list[str] | None = None) -> str:
        attributes = [{"type": "X_OADR20B_FINGERPRINT", "values": [fingerprint]}] if fingerprint else []
        request = {"objectType": "BL_VEN_REQUEST", "clientID": name, "venName": name, "attributes": attributes}
        return str((await self.made("/vens", request | ({"targets": targets} if targets else {})))["id"])

    async def program(self, name: str = "peak") -> str:
        request = {"programName": name, "programDescriptions": [{"URL": "http://utility.example/peak"}]}
        return str((await self.made("/programs", request))["id"])

    async def event(self, program: str, **more: Any) -> str:
        return str((await self.made("/events", event(program, **more)))["id"])


def basic(client: str, secret: str) -> dict[str, str]:
    """HTTP Basic."""
    return {"Authorization": "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()}


def event(
    program: str,
    *,
    targets: list[str] | None = None,
    start: datetime | None = None,
    duration: str = "PT15M",
    **more: Any,
) -> dict[str, Any]:
    """A SIMPLE event of two intervals, an hour ahead unless told otherwise."""
    begin = (start or datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    intervals = [{"id": n, "payloads": [{"type": "SIMPLE", "values": [n + 1]}]} for n in range(2)]
    return {
        "programID": program,
        "intervalPeriod": {"start": begin, "duration": duration},
        "intervals": intervals,
        **({"targets": targets} if targets else {}),
        **more,
    }


def ven_body(name: str, mark: str = "", targets: tuple[str, ...] = ()) -> dict[str, Any]:
    attributes = [{"type": "X_OADR20B_FINGERPRINT", "values": [mark]}] if mark else []
    body = {"objectType": "BL_VEN_REQUEST", "clientID": name, "venName": name, "attributes": attributes}
    return body | {"targets": list(targets)}


def thing_body(ven: str, name: str = "boiler") -> dict[str, Any]:
    return {"objectType": "BL_RESOURCE_REQUEST", "venID": ven, "resourceName": name, "targets": [name]}


@asynccontextmanager
async def utility(partners: str, client: str = "bl_client", secret: str = "1001") -> AsyncIterator[Utility]:
    """A logged-in utility."""
    async with aiohttp.ClientSession() as http:
        found = Utility(http, partners + BASE)
        await found.login(client, secret)
        yield found


async def told(openadr20: str, http: aiohttp.ClientSession, service: str, body: bytes) -> bytes:
    """The answer to one message of a VEN."""
    url, headers = f"{openadr20}/OpenADR2/Simple/2.0b/{service}", {"Content-Type": "application/xml"}
    async with http.post(url, data=body, headers=headers) as reply:
        assert reply.status == 200
        return await reply.read()
