"""The household pages over HTTP: login, consents, ledger, data, erasure."""

import re
from pathlib import Path

import pytest

from tests.gateway.people_house import ENERGY, People, people

TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')


async def text(house: People, path: str, **more: str) -> str:
    async with house.browser.get(path, headers=more) as answer:
        assert answer.status == 200, answer.status
        return await answer.text()


async def token_of(house: People) -> str:
    found = TOKEN.search(await text(house, "/consents"))
    assert found
    return found[1]


@pytest.mark.gdpr("12(6)")
async def test_a_code_logs_in_once_and_the_page_names_the_household(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household(name="Anna <b>Muster</b>")
        first = await house.post("/login", code=made["login_code"].lower().replace("-", " "))
        assert (first.status, first.headers["Location"]) == (303, "/now")
        cookie = first.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Anna &lt;b&gt;Muster&lt;/b&gt;" in await text(house, "/now")
        house.browser.session.cookie_jar.clear()
        again = await house.post("/login", code=made["login_code"])
        assert again.status == 403


async def test_used_wrong_unknown_and_malformed_codes_get_one_answer(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await house.post("/login", code=made["login_code"])
        house.browser.session.cookie_jar.clear()
        answers = set()
        for code in (made["login_code"], "ABCD-EFGH-JKMN", "?", "", "x" * 500, made["box_code"]):
            answer = await house.post("/login", code=code)
            answers.add((answer.status, await answer.text()))
        assert len(answers) == 1


@pytest.mark.gdpr("12(6)")
async def test_guessing_ends_in_429_and_a_right_code_has_to_wait_too(tmp_path: Path) -> None:
    async with people(tmp_path, login_wrong_per_minute=5) as house:
        made = await house.household()
        statuses = [(await house.post("/login", code="ABCD-EFGH-JKMN")).status for _ in range(6)]
        assert statuses == [403] * 5 + [429]
        last = await house.post("/login", code=made["login_code"])
        assert last.status == 429
        assert int(last.headers["Retry-After"]) > 0


async def test_logging_out_ends_the_session_on_the_server(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        answer = await house.post("/login", code=made["login_code"])
        cookie = answer.cookies["session"].value
        out = await house.post("/logout", token=await token_of(house))
        assert out.status == 303
        later = await house.browser.get("/now", headers={"Cookie": f"session={cookie}"}, allow_redirects=False)
        assert (later.status, later.headers["Location"]) == (303, "/")


async def test_sessions_survive_a_restart_and_end_with_their_time(tmp_path: Path) -> None:
    async with people(tmp_path, session_days=2) as house:
        made = await house.household(name="Anna")
        answer = await house.post("/login", code=made["login_code"])
        cookie = {"Cookie": f"session={answer.cookies['session'].value}"}
    async with people(tmp_path, session_days=2) as house:
        assert "Anna" in await text(house, "/now", **cookie)
        house.time.now = house.time.now.replace(day=7)
        gone = await house.browser.get("/now", headers=cookie, allow_redirects=False)
        assert gone.status == 303


@pytest.mark.parametrize("wrong", ["", "0" * 64, None])
async def test_a_form_without_its_sessions_token_changes_nothing(tmp_path: Path, wrong: str | None) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        asked = await house.ask(made["household"])
        await house.post("/login", code=made["login_code"])
        fields = {"do": "all"} if wrong is None else {"do": "all", "token": wrong}
        answer = await house.post(f"/consents/{asked}/answer", **fields)
        assert answer.status == 403
        assert "Accept all" in await text(house, "/consents")


async def test_a_form_from_another_site_is_refused_whatever_it_holds(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await house.post("/login", code=made["login_code"])
        fields = {"token": await token_of(house)}
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
            answer = await house.browser.post("/logout", data=fields, headers=headers, allow_redirects=False)
            assert answer.status == 403


@pytest.mark.gdpr("7(3)")
async def test_a_request_is_taken_in_part_and_withdrawn_in_one_press(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        asked = await house.ask(made["household"], keep_days=37)
        await house.post("/login", code=made["login_code"])
        page = await text(house, "/consents")
        assert all(
            words in page for words in ("Northwind Forecasts", "15\u00a0minutes", "37\u00a0days", "If you say no")
        )
        assert "checked" not in page
        token = await token_of(house)
        nothing = await house.answer(asked, "part")
        assert nothing.headers["Location"] == "/consents?choose"
        await house.answer(asked, "part", quantity=ENERGY)
        page = await text(house, "/consents")
        assert "Energy taken from the grid" in page
        assert "Energy given to the grid" not in page
        ground = re.search("/consents/([0-9a-f]{32})/withdraw", page)
        assert ground
        for _ in range(2):
            assert (await house.post(f"/consents/{ground[1]}/withdraw", token=token)).status == 303
        page = await text(house, "/consents")
        assert "<dt>Withdrawn</dt>" in page
        assert "/withdraw" not in page
        await house.post(f"/consents/{asked}/answer", do="all", token=token)
        assert "/withdraw" not in await text(house, "/consents")
        assert "Withdrawn" in await text(house, "/ledger")


async def test_objects_of_another_household_are_not_there(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        mine, theirs = await house.household(), await house.household()
        foreign = await house.ask(theirs["household"])
        await house.post("/login", code=mine["login_code"])
        token = await token_of(house)
        for name in (foreign, "0" * 32):
            for what in ("all", "part", "refuse"):
                assert (await house.post(f"/consents/{name}/answer", do=what, token=token)).status == 404
            assert (await house.post(f"/consents/{name}/withdraw", token=token)).status == 404
            for what in ("", "/receipt", "/notice", "/withdrawal"):
                assert (await house.browser.get(f"/consents/{name}{what}")).status == 404


@pytest.mark.gdpr("12(3)")
async def test_erasing_leaves_the_certificate_and_nothing_else(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household(name="Anna Muster", points=["AT001"])
        await house.post("/login", code=made["login_code"])
        token = await token_of(house)
        assert "Yes, erase" in await text(house, "/data/erase")
        done = await house.post("/data/erase", token=token)
        assert done.headers["Location"] == "/erased"
        for path in ("/", "/now", "/consents", "/ledger", "/data"):
            page = await text(house, path)
            assert "Download certificate" in page
            assert "no reading stays here for it" in page
            assert "Anna" not in page
        certificate = await text(house, "/data/certificate")
        assert certificate.count(".") == 2
        shown = await house.operator("GET", f"/api/households/{made['household']}")
        assert (shown["erased"], shown["name"]) == (True, "")


@pytest.mark.parametrize(
    "path",
    [
        "/now",
        "/consents",
        "/consents/1",
        "/consents/1/receipt",
        "/consents/1/notice",
        "/consents/1/withdrawal",
        "/ledger",
        "/data",
        "/data/readings.csv",
        "/data/erase",
        "/erased",
    ],
)
async def test_a_stranger_is_shown_the_way_in(tmp_path: Path, path: str) -> None:
    async with people(tmp_path) as house:
        answer = await house.browser.get(path, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/")


@pytest.mark.gdpr("12(1)")
async def test_pages_speak_the_language_that_was_chosen(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        assert '<html lang="de">' in await text(house, "/", **{"Accept-Language": "de-AT,de;q=0.9"})
        assert '<html lang="en">' in await text(house, "/", **{"Accept-Language": "fr"})
        for back, where in (
            ("/data", "/data"),
            ("//evil.example", "/"),
            ("https://evil.example", "/"),
            ("/\\evil", "/"),
        ):
            answer = await house.browser.get("/language/de", params={"back": back}, allow_redirects=False)
            assert answer.headers["Location"] == where
        assert "Einmalcode" in await text(house, "/")


async def test_every_page_has_the_headers_that_keep_it_to_itself(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        for path in ("/", "/nothing", "/api/households", "/healthz"):
            answer = await house.browser.get(path)
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store"


async def test_the_fleet_is_for_the_operator(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household(name="Anna")
        assert (await house.browser.get("/fleet", allow_redirects=False)).headers["Location"] == "/operator"
        assert (await house.post("/operator", operator_token="wrong")).status == 403
        await house.post("/operator", operator_token=house.token)
        page = await text(house, "/fleet")
        assert made["box"] in page
        assert "Anna" not in page


@pytest.mark.gdpr("14")
@pytest.mark.gdpr("20")
async def test_my_data_offers_each_detail_in_each_form_and_names_the_meters(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        meter = {"box": made["box"], "component": "c", "label": "Heat <pump>", "serial": "17"}
        await house.operator("POST", f"/api/households/{made['household']}/meters", meter)
        await house.post("/login", code=made["login_code"])
        page = await text(house, "/data")
        assert "Heat &lt;pump&gt;" in page
        for detail in ("received", "quarter", "hour", "day", "month", "stands"):
            for form in ("csv", "json", "xml", "xlsx"):
                assert f"/data/readings.{form}?detail={detail}" in page
                async with house.browser.get(f"/data/readings.{form}?detail={detail}") as answer:
                    assert answer.status == 200
                    await answer.read()
        assert (
            (await text(house, "/data/readings.csv?locale=de")).lstrip("\ufeff").startswith("Zähler;Messgröße;Beginn")
        )
        assert (await text(house, "/data/readings.csv?locale=en")).lstrip("\ufeff").startswith("Meter,Quantity,Begin")
        assert (await text(house, "/data/readings.csv")).startswith("pseudonym,quantity,start")
        assert (await text(house, "/data/readings.xml")).endswith("</feed>\n")


@pytest.mark.parametrize("language", ["en", "de"])
async def test_what_stands_in_columns_stacks_on_a_narrow_screen_each_cell_with_its_column_s_name(
    tmp_path: Path, language: str
) -> None:
    async with people(tmp_path) as house:
        made = await house.household(box=True)
        meter = {"box": made["box"], "component": "c", "label": "Heat pump", "serial": "17"}
        await house.operator("POST", f"/api/households/{made['household']}/meters", meter)
        await house.post("/login", code=made["login_code"])
        page = await text(house, "/data", **{"Accept-Language": language})
        tables = re.findall(r'<table class="stacks">(.*?)</table>', page, re.DOTALL)
        assert len(tables) == 2
        for table in tables:
            columns = re.findall(r'<th scope="col">(.*?)</th>', table)
            labels = re.findall(r'<td data-label="(.*?)">', table)
            assert labels == columns[1:] * table.count('<th scope="row">')
        style = await text(house, "/static/style.css")
        narrow = style.partition("@media (max-width: 34rem)")[2]
        assert ".stacks td { display: block; }" in narrow
        assert ".stacks td::before { content: attr(data-label);" in narrow
