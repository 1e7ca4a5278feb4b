"""An unknown or wrong parameter of a page is named with what there is, in the visitor's language or as JSON."""

import html
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.gateway.people_house import People, people

DETAILS = "received, quarter, hour, day, month, stands"
PAGE: Mapping[str, str] = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
WRONG = [
    ("/data/readings.csv?detial=day", "detial", "is not known; there are: detail, locale"),
    ("/data/readings.json?locale=de", "locale", "is not known; there are: detail"),
    ("/data/readings.xml?detail=week", "detail", f"one of {DETAILS}"),
    ("/data/readings.csv?detail=day&detail=hour", "detail", "must be given once"),
    ("/data/readings.csv?locale=fr", "locale", "one of en, de"),
    ("/data/readings.xlsx?locale=fr", "locale", "one of en, de"),
    ("/now?day=2026-03-01", "day", "is not known; none is taken here"),
    ("/consents?chose", "chose", "is not known; there are: choose, changed, over, done"),
    ("/ledger?from=2026-03-01", "from", "is not known; there are: before, recipient"),
    ("/ledger?before=yesterday", "before", "a whole number above nought"),
    ("/ledger?before=0", "before", "a whole number above nought"),
    ("/ledger?before=1&before=2", "before", "must be given once"),
    ("/data?detail=day", "detail", "is not known; none is taken here"),
    ("/data/erase?now", "now", "is not known; none is taken here"),
    ("/language/de?bakc=/data", "bakc", "is not known; there are: back"),
]
GERMAN = [
    ("/data/readings.csv?detial=day", "detial: ist nicht bekannt; es gibt: detail, locale"),
    ("/data/readings.csv?detail=week", f"detail: eines von {DETAILS}"),
    ("/data/readings.csv?detail=day&detail=hour", "detail: darf nur einmal stehen"),
    ("/now?day=2026-03-01", "day: ist nicht bekannt; hier gibt es keine Angaben"),
    ("/ledger?before=-1", "before: eine ganze Zahl über null"),
]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[People]:
    """Somebody is logged in."""
    async with people(tmp_path) as found:
        await found.post("/login", code=(await found.household())["login_code"])
        yield found


async def told(house: People, path: str, headers: Mapping[str, str]) -> tuple[int, str]:
    async with house.browser.get(path, headers=headers, allow_redirects=False) as answer:
        assert answer.content_type == "text/html"
        return answer.status, html.unescape(await answer.text())


@pytest.mark.parametrize(("path", "field", "rule"), WRONG)
async def test_a_wrong_parameter_of_a_page_is_named_with_what_there_is(
    house: People, path: str, field: str, rule: str
) -> None:
    status, page = await told(house, path, {**PAGE, "Accept-Language": "en"})
    assert status == 400
    assert "Not understood" in page
    assert f"{field}: {rule}" in page
    async with house.browser.get(path, headers={"Accept": "application/json"}, allow_redirects=False) as answer:
        problem = await answer.json()
        assert (answer.status, answer.content_type) == (400, "application/problem+json")
    assert (problem["reason"], problem["fields"]) == ("bad-query", [{"field": field, "rule": rule}])


@pytest.mark.parametrize(("path", "said"), GERMAN)
async def test_it_is_told_in_german_to_whoever_reads_german(house: People, path: str, said: str) -> None:
    status, page = await told(house, path, {**PAGE, "Accept-Language": "de"})
    assert status == 400
    assert "Nicht verstanden" in page
    assert said in page


async def test_where_json_was_to_come_and_no_page_is_asked_for_it_is_json(house: People) -> None:
    async with house.browser.get("/data/readings.json?detial=day", headers={"Accept": "*/*"}) as answer:
        assert (answer.status, answer.content_type) == (400, "application/problem+json")
    assert (await told(house, "/data/readings.json?detial=day", PAGE))[0] == 400
    assert (await told(house, "/data/readings.csv?detial=day", {"Accept": "*/*"}))[0] == 400


@pytest.mark.parametrize("path", ["/data/readings.csv?detail=", "/consents?choose", "/language/de?back=/data", "/now"])
async def test_what_there_is_is_taken_and_what_is_empty_is_left_out(house: People, path: str) -> None:
    async with house.browser.get(path, allow_redirects=False) as answer:
        assert answer.status in (200, 303)


@pytest.mark.parametrize(("query", "said"), [
    ("state=gone", "state: one of open, accepted, edited"),
    ("rule=spikes", "rule: one of "),
    ("page=2", "page: is not known; there are: state, rule"),
])  # fmt: skip
async def test_the_operator_s_filters_are_understood_whole(house: People, query: str, said: str) -> None:
    house.browser.session.cookie_jar.clear()
    await house.post("/operator", operator_token=house.token)
    status, page = await told(house, f"/fleet/exceptions?{query}", PAGE)
    assert status == 400
    assert said in page
    assert (await told(house, "/fleet/exceptions?state=open&rule=", PAGE))[0] == 200
