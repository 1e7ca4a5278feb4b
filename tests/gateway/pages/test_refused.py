"""Whoever comes with a browser reads a refusal as a page with a way back, wherever he went; a program gets JSON."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from adapters.plugin import Caller, Route
from gateway.people import people_problems
from gateway.serve.listeners import application
from gateway.serve.problems import Problem
from policies.roles import EVERYBODY, Listener, Role
from tests.gateway.people_house import People, people

BROWSER: Mapping[str, str] = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[People]:
    async with people(tmp_path) as found:
        yield found


@pytest.mark.parametrize(
    ("verb", "path", "status", "english", "german"),
    [
        ("GET", "/nothing", 404, "Not found", "Nicht gefunden"),
        ("GET", "/consents/", 404, "Not found", "Nicht gefunden"),
        ("GET", "/login", 405, "Nothing to do here", "Hier geht das nicht"),
        ("GET", "/api/households", 401, "Please log in first", "Bitte melden Sie sich zuerst an"),
        ("GET", "/api/nothing", 404, "Not found", "Nicht gefunden"),
    ],
)
async def test_a_browser_is_given_a_page_with_a_way_back(
    house: People, verb: str, path: str, status: int, english: str, german: str
) -> None:
    for language, said, way in (("en", english, "To the start"), ("de", german, "Zum Anfang")):
        headers = {**BROWSER, "Accept-Language": language}
        async with house.browser.request(verb, path, headers=headers, allow_redirects=False) as answer:
            page = await answer.text()
            assert (answer.status, answer.content_type) == (status, "text/html")
        assert f"<h1>{said}</h1>" in page
        assert f'<a class="button" href="/">{way}</a>' in page
    async with house.browser.request(verb, path, allow_redirects=False) as answer:
        assert (answer.status, answer.content_type) == (status, "application/problem+json")


async def test_who_is_logged_in_as_somebody_else_is_told_that_and_not_of_an_old_form(house: People) -> None:
    await house.post("/login", code=(await house.household())["login_code"])
    async with house.browser.get("/api/households", headers=BROWSER) as answer:
        assert (answer.status, "Not for you" in await answer.text()) == (403, True)


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (Problem(429, "too-many", "wait", headers={"Retry-After": "7"}), "Too often"),
        (Problem(500, "internal", "it has been logged"), "Something went wrong here"),
        (Problem(507, "storage-full", "nothing can be stored"), "could not be written down"),
        (Problem(403, "csrf", "no token"), "the page was too old"),
        (Problem(413, "too-large", "at most"), "Not done"),
    ],
)
async def test_a_refusal_says_what_it_is_and_keeps_its_headers(house: People, problem: Problem, said: str) -> None:
    async def raising(_: web.Request) -> web.Response:
        raise problem

    async def anybody(_: web.Request) -> Caller:
        return Caller(Role.ANYONE)

    def note(*_: Any) -> None:
        pass

    routes, log = [Route(Listener.PEOPLE, "GET", "/x", "x", raising, EVERYBODY)], structlog.get_logger()
    told = people_problems(house.gateway)
    app = application(Listener.PEOPLE, routes, anybody, note, log, most=1, problems=told)
    async with TestClient(TestServer(app)) as browser, browser.get("/x", headers=BROWSER) as answer:
        assert said in await answer.text()
        assert answer.status == problem.status
        assert answer.headers.get("Retry-After") == problem.headers.get("Retry-After")
