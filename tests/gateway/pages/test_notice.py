"""What is read before a yes is what the receipt names: byte for byte, in its language, kept as long as the receipt."""

import re
from collections.abc import Mapping
from datetime import UTC, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from sqlalchemy import update

from adapters.plugin import Organisation, PermissionRequest
from gateway.consent.notice import NOTICE_ID, NOTICE_LANGUAGES, former
from gateway.errors import ConsentError
from gateway.pages.notice_sheet import NoticeSheet
from gateway.pages.words import LANGUAGES, Phrases
from gateway.settings.tables import ControllerSettings
from gateway.storage.tables.door import evidence
from policies.terms import QUARTER_HOUR, Level, Period, Purpose, Recipient, SubjectId
from tests.gateway.house import house
from tests.gateway.pages.test_pages import text
from tests.gateway.people_house import ENERGY, FEED, PROFILE, START, People, people

CONTROLLER = {"controller": {"name": "Stadtwerke <Muster>", "contact": "privacy@muster.example"}}
WISH = PermissionRequest(
    recipient=Recipient("northwind"),
    purpose=Purpose.FORECAST,
    quantities=frozenset({ENERGY, FEED}),
    resolution=QUARTER_HOUR,
    level=Level.INDIVIDUAL,
    values=Period(START, START + timedelta(days=100)),
    until=START + timedelta(days=200),
    keep=timedelta(days=30),
    reference="4711",
)
PINNED = {
    "en": "08a45283a0a01b949ee08aafbc86d35cd5b5e16bec95d0902f96b9af378d326e",
    "de": "9360b7e76bb09995171cc5168cac27b7417be10b3acc194a4072158a68a11880",
}
"""Of ``WISH``, by language. Other texts are another version: change both."""


def shown(page: str, nth: int = 0) -> str:
    """The text of the nth list of a notice as a browser has it."""
    found = html.fromstring(page).find_class("notice")[nth]
    return str(found.text_content())


async def receipt_of(house: People, made: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The id of the one consent, and what its receipt claims."""
    (ground,) = (await house.operator("GET", f"/api/households/{made['household']}/grounds"))["grounds"]
    claims = house.gateway.signer.verify(await text(house, f"/consents/{ground['ground']}/receipt"), typ="receipt+jwt")
    assert claims is not None
    return ground["ground"], claims


@pytest.mark.gdpr("7(1)")
@pytest.mark.parametrize("language", ["en", "de"])
async def test_the_notice_that_a_receipt_names_is_what_stood_on_the_page_byte_for_byte(
    tmp_path: Path, language: str
) -> None:
    async with people(tmp_path, tables=CONTROLLER) as house:
        made = await house.household()
        asked = await house.ask(made["household"], reference="our <ref> & more", keep_days=37)
        await house.post("/login", code=made["login_code"])
        read = shown(await text(house, "/consents", **{"Accept-Language": language}))
        await house.answer(asked, language=language)
        ground, claims = await receipt_of(house, made)
        named = claims["notice"]
        assert (named["id"], named["language"]) == (NOTICE_ID, language)
        async with house.browser.get(named["path"]) as answer:
            kept = await answer.read()
            assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert answer.headers["Content-Language"] == language
        assert sha256(kept).hexdigest() == named["sha256"]
        assert kept == read.encode()
        async with house.browser.get(f"/api/households/{made['household']}/receipts/{ground}/notice") as answer:
            assert await answer.read() == kept
        assert shown(await text(house, f"/consents/{ground}")) == read
        assert made["household"] not in read


@pytest.mark.gdpr("7(2)")
@pytest.mark.gdpr("13")
async def test_before_the_yes_a_household_reads_all_that_a_consent_needs(tmp_path: Path) -> None:
    async with people(tmp_path, tables=CONTROLLER) as house:
        made = await house.household()
        await house.ask(made["household"], reference="4711", keep_days=37, until="2026-11-30T23:00:00Z")
        await house.post("/login", code=made["login_code"])
        english = dict(line.split(": ", 1) for line in shown(await text(house, "/consents")).splitlines())
        german = shown(await text(house, "/consents", **{"Accept-Language": "de"}))
    said = {
        "Recipient": "Northwind Forecasts", "Purpose": "Forecasting consumption",
        "Quantities": "Energy taken from the grid; Energy given to the grid of each of your meters that tells it",
        "Detail": "a value for every 15 minutes", "How close": "Your own values, under a pseudonym",
        "Period": "1 March 2026 to 1 December 2026", "Valid until": "30 November 2026", "Kept for": "37 days",
        "Reference of the recipient": "4711",
    }  # fmt: skip
    assert {label: what.replace("\u00a0", " ") for label, what in english.items() if label in said} == said
    assert english["If you say no"].startswith("Nothing changes")
    assert "Art. 6(1)(a)" in english["If you say yes"]
    assert "stays lawful" in english["Taking it back"]
    assert english["Who is responsible"].startswith("Stadtwerke <Muster> runs this gateway")
    assert "privacy@muster.example" in english["Who is responsible"]
    assert "data protection authority" in english["Your other rights"]
    for word in ("Stadtwerke <Muster> betreibt", "bleibt rechtmäßig", "Wenn Sie nein sagen: ", "Gültig bis: 30."):
        assert word in german


def test_an_operator_that_names_no_contact_is_reached_by_its_letter() -> None:
    said = NoticeSheet(ControllerSettings(name="Werk"), lambda _: None, UTC).notice(WISH, "en").text
    assert "Who is responsible: Werk runs this gateway" in said
    assert "How to reach the operator is in the letter with your login code." in said


def test_words_of_somebody_else_cannot_pass_for_a_line_of_ours() -> None:
    name = "N\r\nIf you say no: you pay\u202e\x00"
    named = Organisation(Recipient("northwind"), name, levels=frozenset(), quantities=frozenset(), purposes=frozenset())
    said = NoticeSheet(ControllerSettings(name=name), lambda _: named, UTC).notice(WISH, "en")
    assert [label for label, _ in said.lines].count("If you say no") == 1
    assert said.text.count("\n") == len(said.lines) == 15
    assert said.text.replace("\u00a0", " ").replace("\n", "").isprintable()


@pytest.mark.parametrize("language", LANGUAGES)
def test_other_texts_are_another_version(language: str) -> None:
    sheet = NoticeSheet(ControllerSettings(name="Werk", contact="a@b"), lambda _: None, UTC)
    assert (NOTICE_ID, sheet.notice(WISH, language).sha256) == ("metergate-notice-3", PINNED[language])


@pytest.mark.gdpr("12(1)")
def test_there_is_a_notice_in_each_language_of_the_pages() -> None:
    assert NOTICE_LANGUAGES == LANGUAGES


async def test_a_page_that_was_opened_before_the_text_changed_gives_nothing(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        asked = await house.ask(made["household"])
        await house.post("/login", code=made["login_code"])
        page = await text(house, "/consents")
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', page))
        await house.operator("PUT", "/api/organisations/northwind", {**PROFILE, "name": "Somebody else"})
        for wrong in (hidden, {**hidden, "notice": ""}, {**hidden, "notice": "0" * 64}):
            answer = await house.post(f"/consents/{asked}/answer", **{**wrong, "do": "all"})
            assert answer.headers["Location"] == "/consents?changed"
        assert (await house.operator("GET", f"/api/households/{made['household']}/grounds"))["grounds"] == []
        again = await text(house, "/consents?changed")
        assert "has changed since you opened the page" in again
        assert "Somebody else" in shown(again)
        assert (await house.answer(asked)).headers["Location"] == f"/consents?done={asked}"
        assert "Read receipt" in await text(house, "/consents")


async def test_a_program_is_given_the_notice_and_may_say_which_one_it_showed(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        home = f"/api/households/{made['household']}"
        asked = await house.ask(made["household"])
        csrf = {"X-CSRF-Token": await house.log_in(made["login_code"])}
        (waiting,) = (await house.operator("GET", f"{home}/requests"))["requests"]
        notice = waiting["notices"]["de"]
        assert sha256(notice["text"].encode()).hexdigest() == notice["sha256"]
        said = [({"language": "fr"}, 422), ({"language": "en", "notice_sha256": notice["sha256"]}, 409)]
        for body, status in [*said, ({"language": "de", "notice_sha256": notice["sha256"]}, 201)]:
            async with house.browser.post(f"{home}/requests/{asked}/accept", json=body, headers=csrf) as answer:
                assert answer.status == status
                given = await answer.json()
                assert status != 409 or given["reason"] == "notice-changed"
        claims = house.gateway.signer.verify(await text(house, f"{home}/receipts/{given['ground']}"), typ="receipt+jwt")
        assert claims is not None
        assert {key: claims["notice"][key] for key in ("language", "sha256")} == {
            "language": "de", "sha256": notice["sha256"],
        }  # fmt: skip


async def test_a_receipt_of_the_first_version_still_has_its_text(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        old = former("metergate-notice-1", "de")
        assert old is not None
        consent = await home.agree(who)
        token = home.evidence.receipt(consent, old)
        rows = evidence.c.ground == consent.id
        await home.store.write(
            lambda c: [
                c.execute(evidence.delete().where(rows, evidence.c.kind == "notice")),
                c.execute(update(evidence).where(rows, evidence.c.kind == "receipt").values(token=token)),
            ]
        )
        assert await home.evidence.notice(who, consent.id) == old
        assert old.sha256 == "bb04e5a1fe7e9be13dff9e973e603053e2f0ab59c954591953edbbaf884ab964"
        assert old.lines == []
        assert former("metergate-notice-0", "de") is None


async def test_a_text_that_is_not_the_one_the_receipt_names_is_not_shown_as_if_it_were(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        asked = await house.ask(made["household"])
        await house.post("/login", code=made["login_code"])
        await house.answer(asked)
        ground, _ = await receipt_of(house, made)
        rows = (evidence.c.ground == ground) & (evidence.c.kind == "notice")
        other = update(evidence).where(rows).values(token="Kept for: centuries\n")
        await house.gateway.store.write(lambda c: c.execute(other).rowcount)
        for path in (f"/consents/{ground}/notice", f"/api/households/{made['household']}/receipts/{ground}/notice"):
            assert (await house.browser.get(path)).status == 404
        page = await text(house, f"/consents/{ground}")
        assert "not the same any more" in page
        assert "centuries" not in page


async def test_the_text_goes_with_its_receipt(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        consent = await home.agree(who)
        await home.consent.withdraw(who, consent.id)
        assert await home.evidence.notice(who, consent.id) is not None
        home.now += home.evidence.lasting.evidence + timedelta(days=1)
        await home.gateway.forgetting.run(home.now)
        assert [await home.evidence.find(who, kind, consent.id) for kind in ("receipt", "notice")] == [None, None]
        assert await home.evidence.notice(who, consent.id) is None


async def test_a_yes_to_nothing_is_refused_before_any_text_is_compared(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who: SubjectId = await home.household()
        asked = await home.consent.ask(who, home.wish())
        with pytest.raises(ConsentError, match="at least one"):
            await home.consent.accept(who, asked, frozenset(), read="")
        with pytest.raises(ConsentError, match="told now"):
            await home.consent.accept(who, asked, home.wish().quantities, read="")
        assert home.grounds.of(who) == ()
        read = home.consent.notice_of(home.wish(), "de").sha256
        await home.consent.accept(who, asked, home.wish().quantities, language="de", read=read)
        assert Phrases("de")("if_no") in home.consent.notice_of(home.wish(), "de").text
