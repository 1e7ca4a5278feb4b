"""A whole gateway without adapters, its people listener on a free port; the clock is the test's."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from gateway.compose import Gateway
from gateway.people import people_problems, people_routes
from gateway.serve.listeners import application
from policies.roles import Listener
from tests.gateway.house import clear_settings, composition

START = datetime(2026, 3, 4, 12, tzinfo=UTC)
ENERGY, FEED = "1-0:1.8.0*255", "1-0:2.8.0*255"
PROFILE: Mapping[str, Any] = {
    "name": "Northwind Forecasts",
    "levels": ["individual"],
    "quantities": [ENERGY, FEED],
    "finest_seconds": 0,
    "purposes": ["forecast"],
}
"""Of the organisation that asks."""


class Time:
    """What the gateway takes for now."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class People:
    """The gateway, a browser, and the operator's program."""

    gateway: Gateway
    browser: TestClient[Any, Any]
    time: Time
    token: str

    async def operator(self, verb: str, path: str, body: Any = None) -> Any:
        """JSON of an operator's call that must work; None without a body."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.browser.request(verb, path, json=body, headers=headers) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json() if answer.content_type == "application/json" else None

    async def household(self, **words: Any) -> Any:
        """A household with box and codes."""
        return await self.operator("POST", "/api/households", {"box": True, "login_code": True, **words})

    async def ask(self, household: str, **words: Any) -> str:
        """A request of an organisation that may ask for it."""
        await self.operator("PUT", "/api/organisations/northwind", PROFILE)
        wish = {
            "recipient": "northwind",
            "purpose": "forecast",
            "quantities": [ENERGY, FEED],
            "values_from": "2026-03-01T00:00:00Z",
            "values_to": "2026-12-01T00:00:00Z",
            "until": "2026-12-01T00:00:00Z",
            **words,
        }
        made = await self.operator("POST", f"/api/households/{household}/requests", wish)
        return str(made["request"])

    async def log_in(self, code: str) -> str:
        """By the API; the session's form token."""
        async with self.browser.post("/api/session", json={"code": code}) as answer:
            assert answer.status == 201, await answer.text()
            return str((await answer.json())["csrf"])

    async def answer(self, asked: str, do: str = "all", *, language: str = "en", **fields: str) -> ClientResponse:
        """The form of a request as it stands on the page that was read, sent with one of its buttons."""
        async with self.browser.get("/consents", headers={"Accept-Language": language}) as answer:
            page = await answer.text()
        (form,) = re.findall(rf'action="/consents/{asked}/answer">(.*?)</form>', page, re.DOTALL)
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', form))
        return await self.post(f"/consents/{asked}/answer", **{**hidden, "do": do, **fields})

    async def post(self, path: str, **fields: str) -> ClientResponse:
        """A form, without following the answer."""
        return await self.browser.post(path, data=fields, allow_redirects=False)


@asynccontextmanager
async def people(folder: Path, *, tables: Mapping[str, Any] | None = None, **limits: Any) -> AsyncIterator[People]:
    """Opened on a folder; opening it again finds what was durable. ``tables``: of the settings, beside limits."""
    settings, time = clear_settings(folder, limits=limits, **(tables or {})), Time()
    async with composition(settings, time) as gateway:
        who = gateway.callers().of(Listener.PEOPLE)
        most = settings.limits.body_bytes
        around = who, gateway.access.note, gateway.log
        told = people_problems(gateway)
        app = application(Listener.PEOPLE, people_routes(gateway), *around, most=most, problems=told)
        async with TestClient(TestServer(app)) as browser:
            yield People(gateway, browser, time, (folder / "keys" / "operator.token").read_text())
