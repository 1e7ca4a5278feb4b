"""Receipts and the certificate of an erasure as people read them, beside the signed files."""

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from sqlalchemy import update

from adapters.plugin import Batch, Organisation
from gateway.app import time_ends
from gateway.cli.certificate import public_keys
from gateway.identity.signer import verified
from gateway.pages.record_views import certificate_view, recipients
from gateway.pages.render import Renderings
from gateway.pages.words import Phrases
from gateway.storage.tables.door import evidence
from meter_driver.reading import Reading
from policies.grounds import LegalBasis
from policies.holdings import HOLDINGS
from policies.terms import Recipient, SubjectId
from tests.gateway.pages.test_pages import text, token_of
from tests.gateway.people_house import ENERGY, PROFILE, START, People, people

GERMAN = {"Accept-Language": "de"}
RUN_BY = {"controller": {"name": "Stadtwerke Muster", "contact": "privacy@muster.example"}}


def said(page: str) -> dict[str, str]:
    """Of all lists of a page but the notice: what stands behind each label, the last one of each."""
    tree = html.fromstring(page)
    lists = [each for each in tree.iter("dl") if "notice" not in each.get("class", "")]
    pairs = [pair for each in lists for pair in zip(each.iter("dt"), each.iter("dd"), strict=True)]
    return {dt.text_content(): re.sub(r"\s+", " ", dd.text_content()).strip() for dt, dd in pairs}


async def agreed(house: People, made: Any, **words: Any) -> str:
    """Logged in, and a request accepted; the ground's id."""
    asked = await house.ask(made["household"], **words)
    await house.post("/login", code=made["login_code"])
    await house.answer(asked, "part", quantity=ENERGY)
    (ground,) = (await house.operator("GET", f"/api/households/{made['household']}/grounds"))["grounds"]
    return str(ground["ground"])


async def test_a_receipt_is_a_page_that_says_what_was_agreed_when_and_with_whom(tmp_path: Path) -> None:
    async with people(tmp_path, tables=RUN_BY) as house:
        made = await house.household()
        ground = await agreed(house, made, keep_days=37)
        assert f'href="/consents/{ground}"' in await text(house, "/consents")
        page, german = await text(house, f"/consents/{ground}"), await text(house, f"/consents/{ground}", **GERMAN)
        facts = said(page)
        assert facts.pop("You are named as").startswith("urn:metergate:holder:")
        assert len(facts.pop("Hash (SHA-256)")) == 64
        assert facts == {
            "Given": "4 March 2026, 13:00", "Recipient": "Northwind Forecasts", "Purpose": "Forecasting consumption",
            "Quantities": "Energy taken from the grid of each of your meters that tells it",
            "Detail": "a value for every 15 minutes", "How close": "Your own values, under a pseudonym",
            "Period": "1 March 2026 to 1 December 2026", "Valid until": "1 December 2026", "Kept for": "37 days",
            "Ground": "Consent: GDPR Art. 6(1)(a)", "Who is responsible": "Stadtwerke Muster, privacy@muster.example",
            "Number of the consent": ground, "Version": "metergate-notice-3",
        }  # fmt: skip
        assert said(german)["Gültig bis"] == "1. Dezember 2026"
        assert said(german)["Grundlage"] == Phrases("de").basis(LegalBasis.CONSENT)
        assert made["household"] not in page


async def test_the_page_offers_all_that_somebody_needs_to_check_it_and_that_checks_out(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        ground = await agreed(house, made)
        page = await text(house, f"/consents/{ground}")
        assert "has just checked the signature: it is right" in page
        assert "metergate certificate verify receipt.jws --keys keys.json" in page
        files = dict(re.findall(r'href="(/[^"]+)"(?: download="([\w.]+)")?>', page))
        assert files["/api/keys"] == "keys.json"
        keys = public_keys(await text(house, "/api/keys"))
        for path in (f"/consents/{ground}/receipt", f"/consents/{ground}/notice"):
            assert path in files
        claims = verified(await text(house, f"/consents/{ground}/receipt"), keys[0])
        assert claims is not None
        assert claims["record_id"] == ground


async def test_a_receipt_of_a_consent_that_was_withdrawn_says_when_and_gives_the_proof(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        ground = await agreed(house, made)
        assert "withdrawal" not in await text(house, f"/consents/{ground}")
        assert (await house.browser.get(f"/consents/{ground}/withdrawal")).status == 404
        await house.post(f"/consents/{ground}/withdraw", token=await token_of(house))
        page = await text(house, f"/consents/{ground}")
        assert said(page)["Withdrawn"] == "4 March 2026, 13:00"
        async with house.browser.get(f"/consents/{ground}/withdrawal") as answer:
            assert 'filename="withdrawal.jws"' in answer.headers["Content-Disposition"]
            claims = house.gateway.signer.verify(await answer.text(), typ="receipt+jwt")
        assert claims is not None
        assert (claims["event"], claims["record_id"]) == ("withdrawn", ground)


@pytest.mark.parametrize(
    ("headers", "label", "means", "file"),
    [
        ({}, "Ended by its time", "Nobody took this consent back: your yes was for", "Download proof of the end"),
        (GERMAN, "Durch Zeitablauf beendet", "Niemand hat diese Einwilligung widerrufen: Ihr Ja galt bis", "Nachweis"),
    ],
)
async def test_a_receipt_of_a_consent_that_ended_by_its_time_says_how_and_gives_the_proof(
    tmp_path: Path, headers: dict[str, str], label: str, means: str, file: str
) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        ground = await agreed(house, made, until="2026-03-04T20:00:00Z")
        house.time.now += timedelta(hours=7, minutes=59)
        await looked(house)
        before = await text(house, f"/consents/{ground}", **headers)
        assert label not in before
        assert (await house.browser.get(f"/consents/{ground}/expiry")).status == 404
        house.time.now += timedelta(minutes=1)
        await looked(house)
        page = await text(house, f"/consents/{ground}", **headers)
        assert said(page)[label] == ("4. März 2026, 21:00" if headers else "4 March 2026, 21:00")
        assert said(page).keys() - said(before).keys() == {label}
        for words in (means, file, f'href="/consents/{ground}/expiry"', "certificate verify expiry.jws"):
            assert words in page
        assert f"/consents/{ground}/withdrawal" not in page
        async with house.browser.get(f"/consents/{ground}/expiry") as answer:
            assert 'filename="expiry.jws"' in answer.headers["Content-Disposition"]
            claims = house.gateway.signer.verify(await answer.text(), typ="receipt+jwt")
        assert claims is not None
        assert (claims["event"], claims["record_id"]) == ("expired", ground)


async def looked(house: People) -> None:
    while await time_ends(house.gateway).look():
        pass


@pytest.mark.parametrize("kind", ["withdrawal", "expiry"])
async def test_a_record_of_an_end_that_was_changed_tells_nothing_but_that(tmp_path: Path, kind: str) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        ground = await agreed(house, made, until="2026-03-04T20:00:00Z")
        if kind == "withdrawal":
            await house.post(f"/consents/{ground}/withdraw", token=await token_of(house))
        house.time.now += timedelta(hours=8)
        await looked(house)
        token = await text(house, f"/consents/{ground}/{kind}")
        rows = (evidence.c.ground == ground) & (evidence.c.kind == kind)
        other = update(evidence).where(rows).values(token=token[:-8] + "AAAAAAAA")
        await house.gateway.store.write(lambda c: c.execute(other).rowcount)
        page = await text(house, f"/consents/{ground}")
        assert "The signature is wrong" in page
        assert "Given" in said(page)
        assert said(page).keys().isdisjoint({"Withdrawn", "Ended by its time"})


@pytest.mark.parametrize(("headers", "alarm"), [({}, "The signature is wrong"), (GERMAN, "Die Unterschrift stimmt")])
async def test_a_receipt_that_was_changed_is_not_told_as_one(
    tmp_path: Path, headers: dict[str, str], alarm: str
) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        ground = await agreed(house, made)
        token = await text(house, f"/consents/{ground}/receipt")
        head, body, signature = token.split(".")
        rows = (evidence.c.ground == ground) & (evidence.c.kind == "receipt")
        other = update(evidence).where(rows).values(token=f"{head}.{body[:-8]}AAAAAAAA.{signature}")
        await house.gateway.store.write(lambda c: c.execute(other).rowcount)
        page = await text(house, f"/consents/{ground}", **headers)
        assert alarm in page
        assert said(page) == {}
        assert (await house.browser.get(f"/consents/{ground}/notice")).status == 404


async def test_the_certificate_is_read_on_the_page_in_words_of_its_language_and_says_what_the_file_says(
    tmp_path: Path,
) -> None:
    async with people(tmp_path, tables={**RUN_BY, "retention": {"recovery_hours": 0}}) as house:
        made = await house.household(name="Anna Muster")
        who = SubjectId(made["household"])
        await house.gateway.intake.take(batch(who))
        await house.post("/login", code=made["login_code"])
        await house.post("/data/erase", token=await token_of(house))
        page, german = await text(house, "/erased"), await text(house, "/erased", **GERMAN)
        claims = house.gateway.signer.verify(await text(house, "/data/certificate"), typ="erasure+jwt")
        assert claims is not None
        facts = said(page)
        assert facts["Erased"] == "4 March 2026, 13:00"
        assert facts["Who is responsible"] == "Stadtwerke Muster, privacy@muster.example"
        assert facts["Can be brought back"] == "no: no backup holds the keys"
        assert claims["sub"] in facts["You are named as"]
        days = {each["what"]: each["days"] for each in claims["destroyed"] if "days" in each}
        assert (facts["Keys: Readings as they came in"], days["keys of readings, class live"]) == ("1 day", 1)
        assert facts["Key of your name, your address and the numbers of your meters"] == "1"
        told = {each.what: each.key for each in HOLDINGS}
        stays = ["tenancy", "certificate", "ledger", "access", "session", "notices"]
        assert [told[each["what"]] for each in claims["retained"]] == stays
        assert page.count("<dt>Kept until</dt>") == len(stays)
        assert 'datetime="2029-03-06"' in page
        assert said(german)["Lässt sich zurückholen"] == "nein: keine Sicherung enthält die Schlüssel"
        assert german.count("<dt>Aufbewahrt bis</dt>") == len(stays)
        assert "certificate.jws --keys" in page
        assert "Anna" not in page


def test_a_certificate_says_until_when_it_can_be_brought_back_and_what_the_words_do_not_know_as_it_stands() -> None:
    claims = {
        "iat": int(START.timestamp()),
        "sub": "urn:x",
        "controllers": ["A", "B"],
        "destroyed": [{"what": "a <thing>", "count": 3}],
        "retained": [{"what": "readings of class legal", "ground": "MsbG 60", "until": "2027-01-02"}],
        "recovery_until": "2026-03-05T12:00:00Z",
        "again_after_restore": "2026-03-04T15:00:00Z",
    }
    show, german = Renderings(START.tzinfo), Phrases("de")  # type: ignore[arg-type]
    view = certificate_view(claims, german, lambda at: show.when(at, german))
    assert "Bis <time" in dict(view.facts)["Lässt sich zurückholen"]
    assert dict(view.facts)["Wer verantwortlich ist"] == "A; B"
    assert "4. März 2026, 15:00" in dict(view.facts)["Noch einmal gelöscht, nach einer Wiederherstellung"].replace(
        "\u00a0", " "
    )
    assert view.destroyed == [('<span lang="en">a &lt;thing&gt;</span>', "3")]
    assert (view.stays[0].what, view.stays[0].law) == ('<span lang="en">readings of class legal</span>', "MsbG 60")


def batch(who: SubjectId) -> Batch:
    return Batch("box", 1, [(who, Reading("m", ENERGY, START, Decimal(1), "kWh"))])


@pytest.mark.gdpr("7(1)")
async def test_a_receipt_names_the_recipient_as_it_was_called_at_the_yes_and_says_what_it_is_called_today(
    tmp_path: Path,
) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        ground = await agreed(house, made)
        await house.operator("PUT", "/api/organisations/northwind", {**PROFILE, "name": "Somebody <b>else</b>"})
        page, german = await text(house, f"/consents/{ground}"), await text(house, f"/consents/{ground}", **GERMAN)
        assert said(page)["Recipient"] == "Northwind Forecasts (today known as Somebody <b>else</b>)"
        assert said(german)["Empfänger"] == "Northwind Forecasts (heißt heute Somebody <b>else</b>)"
        assert "<b>else" not in page
        claims = house.gateway.signer.verify(await text(house, f"/consents/{ground}/receipt"), typ="receipt+jwt")
        assert claims is not None
        assert claims["recipient_names"] == ["Northwind Forecasts"]
        await house.post(f"/consents/{ground}/withdraw", token=await token_of(house))
        ended = house.gateway.signer.verify(await text(house, f"/consents/{ground}/withdrawal"), typ="receipt+jwt")
        assert ended is not None
        assert ended["recipient_names"] == ["Somebody <b>else</b>"]


@pytest.mark.parametrize(
    ("claims", "today", "shown"),
    [
        ({"recipients": ["n"], "recipient_names": ["North"]}, {"n": "North"}, "North"),
        ({"recipients": ["n"], "recipient_names": ["North"]}, {}, "North"),
        ({"recipients": ["n"], "recipient_names": ["North"]}, {"n": "South"}, "North (today known as South)"),
        ({"recipients": ["n"]}, {"n": "South"}, "n (today known as South)"),
        ({"recipients": ["n"]}, {}, "n"),
        (
            {"recipients": ["neighbourhood"], "recipient_names": ["neighbourhood"]},
            {},
            "The neighbourhood's common figures",
        ),
    ],
)
def test_a_record_names_its_recipients_as_of_then_and_an_old_one_by_id(
    claims: Mapping[str, Any], today: Mapping[str, str], shown: str
) -> None:
    def named(who: Recipient) -> Organisation | None:
        return Organisation(Recipient(who), today[who]) if who in today else None

    assert recipients(claims, named, Phrases("en")) == shown
