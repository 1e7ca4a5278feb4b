"""Requests, the ledger, corrections and what stays, as a household reads them."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from markupsafe import Markup
from sqlalchemy import delete, insert

from adapters.plugin import Batch
from gateway.pages import who_saw
from gateway.pages.render import last_day_in
from gateway.pages.views import CorrectionLine, correction_lines
from gateway.pages.words import Phrases
from gateway.storage.tables.cohorts import member
from gateway.storage.tables.door import ledger
from gateway.vee.records import Act, Decided, Handling
from meter_driver.reading import Reading
from policies.cohorts import CohortDay
from policies.ledger import shown
from policies.terms import (
    FAR_FUTURE,
    ONE_DAY,
    QUARTER_HOUR,
    DetailClass,
    Level,
    Period,
    Purpose,
    Recipient,
    ReleaseRequest,
    SubjectId,
    Zone,
)
from tests.gateway.pages.test_pages import text
from tests.gateway.people_house import ENERGY, FEED, PROFILE, START, People, people

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
LAW = {
    "kind": "legal-task", "law": "MsbG", "article": "60", "basis": "6(1)(c)", "recipient": "northwind",
    "purpose": "billing",
    "quantities": [ENERGY], "resolution_seconds": 900, "values_from": "2026-03-01T00:00:00Z",
    "values_to": "2027-01-01T00:00:00Z", "until": "2027-05-06T00:00:00Z",
}  # fmt: skip


def facts(page: str, nth: int = 0) -> dict[str, str]:
    """Of the nth article or entry: what stands behind each label."""
    part = re.findall(r"<(?:article|li)[^>]*>(.*?)</(?:article|li)>", page, re.DOTALL)[nth]
    pairs = re.findall(r"<dt>(.*?)(?:: )?</dt><dd>(.*?)</dd>", part, re.DOTALL)
    return {label: Markup(said).striptags() for label, said in pairs}


async def test_a_request_names_its_quantities_beside_what_can_be_ticked(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await house.ask(made["household"])
        await house.post("/login", code=made["login_code"])
        english = facts(await text(house, "/consents"))
        assert english["Quantities"] == (
            "Energy taken from the grid; Energy given to the grid of each of your meters that tells it"
        )
        german = facts(await text(house, "/consents", **{"Accept-Language": "de"}))
        assert german["Messgrößen"].startswith("Bezug aus dem Netz; Einspeisung in das Netz von jedem Ihrer Zähler")


async def test_a_request_says_what_a_yes_means_for_the_neighbours_in_both_languages(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await house.ask(made["household"])
        figures = {"recipient": "neighbourhood", "purpose": "neighbourhood-figures", "level": "cohort"}
        await house.ask(made["household"], **figures)
        await house.post("/login", code=made["login_code"])
        page, german = await text(house, "/consents"), await text(house, "/consents", **{"Accept-Language": "de"})
        single, sums = (facts(page, nth)["Sums over your neighbourhood"] for nth in range(2))
        assert "left out here where too few others" in single
        assert "everything up to the last such hour is left out" in single
        assert "when a day is over" in sums
        assert "fehlen hier" in facts(german, 0)["Summen über Ihre Nachbarschaft"]
        assert "so fehlt alles bis zur letzten solchen Stunde" in facts(german, 0)["Summen über Ihre Nachbarschaft"]
        assert "wenn ein Tag vorüber ist" in facts(german, 1)["Summen über Ihre Nachbarschaft"]


@pytest.mark.gdpr("15(1)")
async def test_a_household_reads_who_was_shown_a_figure_with_it_in_it_among_what_was_seen_of_it_alone(
    tmp_path: Path,
) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        begin = NOON.replace(hour=0)
        asked = ReleaseRequest(
            Recipient("northwind"),
            Purpose.NEIGHBOURHOOD,
            Zone("Z1"),
            frozenset({ENERGY}),
            ONE_DAY,
            Level.COHORT,
            Period(begin, begin + ONE_DAY),
        )
        row = {"subject": made["household"], "epoch": "2026-03-03", "node": "Z1#2026-03-03-0", "seen": False}
        await house.gateway.store.write(lambda connection: connection.execute(insert(member), row).rowcount)
        days = [CohortDay(f"Z1#2026-03-03-{n}", frozenset({ENERGY}), QUARTER_HOUR, asked.period) for n in (0, 1)]
        await house.gateway.ledger.write_shown(shown(asked, days, NOON))
        await house.post("/login", code=made["login_code"])
        page = await text(house, "/ledger")
        assert page.count("Only sums over a group of households") == 1, "of its own cohort only"
        entry = facts(page, 1)
        assert entry["What was seen"] == "Energy taken from the grid"
        assert entry["Ground"] == "Consent"


async def test_a_request_says_until_when_the_yes_would_be_valid_and_which_word_the_recipient_uses(
    tmp_path: Path,
) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await house.ask(made["household"], until="2028-11-30T00:00:00Z", reference="our <ref> 7")
        await house.operator("PUT", "/api/organisations/southwind", PROFILE)
        await house.ask(made["household"], recipient="southwind")
        await house.post("/login", code=made["login_code"])
        page = await text(house, "/consents")
        shown = [
            (each["Period"], each["Valid until"], each["Reference of the recipient"])
            for each in (facts(page, nth) for nth in (0, 1))
        ]
        values = "1 March 2026 to 1 December 2026"
        assert shown == [
            (values, "30 November 2028", "our <ref> 7"), (values, "1 December 2026", "none"),
        ]  # fmt: skip
        german = facts(await text(house, "/consents", **{"Accept-Language": "de"}))
        assert german["Gültig bis"] == "30. November 2028"
        assert german["Zeichen des Empfängers"] == "our <ref> 7"


@pytest.mark.gdpr("15(1)")
async def test_each_entry_of_the_ledger_says_what_how_fine_of_which_time_and_what_for(tmp_path: Path) -> None:
    async with people(tmp_path, tables={"vee": {"organisation": "northwind"}}) as house:
        made = await house.household()
        asked = await house.ask(made["household"], resolution_seconds=900)
        await house.post("/login", code=made["login_code"])
        await house.answer(asked, "part", quantity=FEED)
        await house.operator("POST", f"/api/households/{made['household']}/grounds", LAW)
        await house.operator("PUT", "/api/organisations/northwind", {**PROFILE, "purposes": ["forecast", "billing"]})
        exception = await spike(house, SubjectId(made["household"]))
        await house.operator("GET", f"/api/vee/exceptions/{exception}/values")
        page = await text(house, "/ledger")
        seen, law, consent = (facts(page, nth) for nth in range(3))
        common = {"Recipient": "Northwind Forecasts", "Purpose": "Billing"}
        common |= {"When": "4 March 2026, 13:00", "Detail": "a value for every 15 minutes"}
        common |= {"How close": "Your own values, under a pseudonym"}
        assert seen.pop("Period").startswith("3 March 2026, ")
        assert seen == {**common, "What was seen": "Energy taken from the grid", "Ground": "Legal task"}
        assert law == {
            **common, "What it is about": "Energy taken from the grid", "Legal task": "Given",
            "Valid": "4 March 2026, 13:00 to 6 May 2027",
        }  # fmt: skip
        assert consent["What it is about"] == "Energy given to the grid"
        assert (consent["Purpose"], consent["Consent"]) == ("Forecasting consumption", "Given")


async def test_the_household_reads_what_was_done_with_its_account_and_goes_on_to_older_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(who_saw, "ON_A_PAGE", 2)
    async with people(tmp_path) as house:
        made = await house.household()
        await house.post("/login", code=made["login_code"])
        await text(house, "/data/readings.csv?detail=day")
        page = await text(house, "/ledger")
        whats = [facts(page, nth)["What"] for nth in (0, 1)]
        assert whats == [
            "You downloaded your values: one value a day (1440 minutes)",
            "Somebody logged in with a login code",
        ]
        [older] = re.findall(r'rel="next" href="(/ledger\?before=\d+)"', page)
        page = await text(house, older)
        assert facts(page, 0)["What"] == "The operator had a login code made for your account"
        assert 'rel="next"' not in page
        await house.gateway.store.write(lambda c: c.execute(delete(ledger).where(ledger.c.number == 2)).rowcount)
        assert 'role="alert"' not in await text(house, "/ledger")
        done = await house.operator("POST", "/api/ledger/verify")
        assert done == {"entries": 1, "whole": False, "fault": "the ledger has a hole: entry 2 is missing"}
        assert "not complete" in await text(house, "/ledger")
        async with house.browser.get("/readyz") as answer:
            assert (answer.status, (await answer.json())["faults"]) == (200, [done["fault"]])


async def spike(house: People, who: SubjectId) -> str:
    """An exception of yesterday, ready for a decision."""
    begin = datetime(2026, 3, 2, 23, tzinfo=UTC)
    values = [Decimal("0.1") * n + (27 if n > 52 else 0) for n in range(97)]
    readings = [(who, Reading("m", ENERGY, begin + n * QUARTER_HOUR, v, "kWh")) for n, v in enumerate(values)]
    assert not (await house.gateway.intake.take(Batch("box", 1, readings))).refused
    await house.gateway.compactor.round()
    await house.gateway.sweep.round()
    (found,) = (await house.operator("GET", "/api/vee/exceptions?rule=spike"))["exceptions"]
    return str(found["id"])


# -- what is kept


@pytest.mark.gdpr("15(1)")
async def test_what_is_kept_reaches_back_to_what_is_really_there(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        who = SubjectId(made["household"])
        await house.post("/login", code=made["login_code"])
        assert kept(await text(house, "/data", **{"Accept-Language": "de"}))[0] == [
            "Werte, wie sie eintrafen", "noch nichts", "7 Tage", "11. März 2026",
        ]  # fmt: skip
        readings = [
            (who, Reading("m", ENERGY, START - timedelta(hours=14) + n * QUARTER_HOUR, Decimal(n), "kWh"))
            for n in range(9)
        ]
        assert not (await house.gateway.intake.take(Batch("box", 1, readings))).refused
        live, quarter, day = kept(await text(house, "/data"))
        assert live == ["Readings as they came in", "3 March 2026", "7 days", "11 March 2026"]
        assert quarter == ["Quarters of an hour", "3 March 2026", "400 days", "8 April 2027"]
        assert day[:2] == ["Days", "nothing yet"]
        await house.gateway.household_end.erase(who)
        assert await house.gateway.own_data.kept(who) == []


async def test_the_first_value_of_a_day_is_of_the_local_day(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        who = SubjectId((await house.household())["household"])
        at = datetime(2026, 3, 3, 23, 30, tzinfo=UTC)
        await house.gateway.intake.take(Batch("box", 1, [(who, Reading("m", ENERGY, at, Decimal(1), "kWh"))]))
        found = {each.detail: each.first for each in await house.gateway.own_data.kept(who)}
        assert found[DetailClass.LIVE] == at


def kept(page: str) -> list[list[str]]:
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [
        [Markup(cell).striptags().replace("\u00ad", "") for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in rows
    ]


# -- corrections


def decided(edit: str, hours: float, first: int, last: int, *, meter: str = "main", method: str = "") -> list[Decided]:
    """Quarters [first, last) from noon, decided so many hours after."""
    act = Act(NOON + timedelta(hours=hours), Handling.EDITED, "operator", "K. Meier", f"reason {edit}")
    status = "estimated" if method else "validated"
    return [
        Decided(edit, act, meter, ENERGY, NOON + n * QUARTER_HOUR, NOON + (n + 1) * QUARTER_HOUR, Decimal(n), "kWh",
                status, method)
        for n in range(first, last)
    ]  # fmt: skip


def lines(*acts: list[Decided]) -> list[CorrectionLine]:
    """``acts``: oldest first, as they were written."""
    return correction_lines([one for act in acts for one in act][::-1], Phrases("en"))


def test_the_newest_correction_of_a_time_counts_and_the_older_names_what_replaced_it_and_when() -> None:
    new, old = lines(decided("a", 1, 0, 1, method="average"), decided("b", 2, 0, 1))
    assert (new.reason, new.counts, new.replaced) == ("reason b", True, ())
    assert (old.reason, old.counts) == ("reason a", False)
    (by,) = old.replaced
    assert (by.how, by.at) == ("value checked and set", NOON + timedelta(hours=2))


def test_what_was_replaced_twice_names_what_counts_now() -> None:
    *_, oldest = lines(decided("a", 1, 0, 1), decided("b", 2, 0, 1), decided("c", 3, 0, 1))
    assert [by.at for by in oldest.replaced] == [NOON + timedelta(hours=3)]


def test_a_correction_that_was_replaced_for_some_of_its_time_says_for_which() -> None:
    old = lines(decided("a", 1, 0, 4), decided("b", 2, 1, 3))[1]
    assert old.counts
    assert [(by.start, by.end) for by in old.replaced] == [(NOON + QUARTER_HOUR, NOON + 3 * QUARTER_HOUR)]


@pytest.mark.parametrize("other", [decided("b", 2, 1, 2), decided("b", 2, 0, 1, meter="gas")])
def test_corrections_of_another_time_or_meter_replace_nothing(other: list[Decided]) -> None:
    assert [(line.counts, line.replaced) for line in lines(decided("a", 1, 0, 1), other)] == [(True, ())] * 2


async def test_my_data_marks_the_correction_that_counts(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        exception = await spike(house, SubjectId(made["household"]))
        for value in ("0.5", "0.1"):
            body = {"author": "a", "reason": f"it was {value}", "value": value, "unit": "kWh"}
            await house.operator("POST", f"/api/vee/exceptions/{exception}/edit", body)
            house.time.now += timedelta(minutes=5)
        await house.post("/login", code=made["login_code"])
        page = await text(house, "/data")
        new, old = facts(page), facts(page, 1)
        assert (new["Reason"], new["State"]) == ("it was 0.1", "Counts")
        replaced = "Replaced by: value checked and set, 4 March 2026, 13:05"
        assert (old["Reason"], old["State"]) == ("it was 0.5", replaced)
        german = await text(house, "/data", **{"Accept-Language": "de"})
        assert [facts(german, n)["Zustand"] for n in (0, 1)] == [
            "Gilt", "Ersetzt durch: geprüfter und gesetzter Wert, 4. März 2026, 13:05",
        ]  # fmt: skip


async def test_a_day_of_which_something_was_estimated_is_not_whole_and_has_no_gap(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        exception = await spike(house, SubjectId(made["household"]))
        hour = {"start": "2026-03-03T12:00:00Z", "end": "2026-03-03T13:00:00Z"}
        body = {"author": "a", "reason": "r", "value": "0.4", "unit": "kWh", **hour}
        await house.operator("POST", f"/api/vee/exceptions/{exception}/edit", body)
        await house.post("/login", code=made["login_code"])
        yesterday = (await text(house, "/now")).partition("kWh</span>")[2].partition("</td>")[0]
        assert Markup(yesterday).striptags() == (
            "estimated: the total in equal parts incomplete: readings for 95% of the day"
        )


# -- erasure


@pytest.mark.gdpr("17(3)")
async def test_whoever_is_about_to_erase_reads_what_stays_why_and_until_when(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        await house.ask(made["household"])
        await house.operator("POST", f"/api/households/{made['household']}/grounds", LAW)
        await house.post("/login", code=made["login_code"])
        english = await text(house, "/data/erase")
        shown = [facts(english, nth) for nth in range(7)]
        days = ["6 March 2029"] * 4 + ["2 June 2026", "3 April 2026", "5 March 2026"]
        assert [each["Kept until"] for each in shown] == days
        assert shown[0]["What"].startswith("That a household was here")
        assert shown[1]["What"] == "This certificate, under a pseudonym."
        assert shown[2]["What"].startswith("In the gateway's own records what was asked of you")
        assert "three years" in shown[2]["Why"]
        assert "receipts of your consents" not in english, "it has agreed to nothing"
        german = await text(house, "/data/erase", **{"Accept-Language": "de"})
        assert "no reading stays here for it" in english
        assert "This is about: Northwind Forecasts (MsbG 60)." in english
        assert "In none of it is a reading" in english
        assert "Das betrifft: Northwind Forecasts (MsbG 60)." in german
        assert facts(german, 2)["Warum"].endswith("drei Jahre. DSGVO Art. 5 Abs. 2 und Art. 17 Abs. 3 Buchst. e")
        claims = house.gateway.signer.verify(
            (await house.gateway.household_end.erase(made["household"])).decode(), typ="erasure+jwt"
        )
        assert claims is not None
        dates = ["2029-03-06"] * 4 + ["2026-06-02", "2026-03-05"]
        assert [each["until"] for each in claims["retained"]] == dates, "of the operator's act no session stays"


async def test_after_an_erasure_no_ground_is_told_as_active_and_the_record_of_a_law_is_as_it_was(
    tmp_path: Path,
) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        home = f"/api/households/{made['household']}"
        await house.ask(made["household"])
        await house.operator("POST", f"{home}/grounds", LAW)
        (before,) = (await house.operator("GET", f"{home}/grounds"))["grounds"]
        await house.gateway.household_end.erase(made["household"])
        (after,) = (await house.operator("GET", f"{home}/grounds"))["grounds"]
        assert before["active"]
        assert after == {**before, "active": False, "end": "erased", "until": "2026-03-04T12:00:00Z"}
        (kept,) = await house.gateway.grounds.recorded(house.gateway.store, made["household"])
        assert kept.scope.validity.end == datetime(2027, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize("language", ["en", "de"])
async def test_the_page_says_for_how_long_keys_can_be_brought_back_where_they_can(
    tmp_path: Path, language: str
) -> None:
    for name, hours in (("with", 24), ("without", 0)):
        async with people(tmp_path / name, tables={"retention": {"recovery_hours": hours}}) as house:
            await house.post("/login", code=(await house.household())["login_code"])
            page = await text(house, "/data/erase", **{"Accept-Language": language})
            said = {"en": "for 24\u00a0hours a copy", "de": "24\u00a0Stunden lang"}[language]
            assert (said in page) is (name == "with")


@pytest.mark.parametrize(
    ("end", "last"),
    [
        ("2026-12-01T22:59:59Z", "1. Dezember 2026"),
        ("2026-12-01T23:00:00Z", "1. Dezember 2026"),
        ("2026-12-01T23:00:01Z", "2. Dezember 2026"),
        ("2026-12-02T00:00:00Z", "2. Dezember 2026"),
        ("2026-10-25T00:30:00Z", "25. Oktober 2026"),
    ],
)
async def test_a_time_that_ends_at_midnight_does_not_reach_into_the_day_that_begins(
    tmp_path: Path, end: str, last: str
) -> None:
    async with people(tmp_path) as house:
        made = await house.household()
        asked = await house.ask(made["household"], values_to=end, until=end)
        await house.post("/login", code=made["login_code"])
        german = {"Accept-Language": "de"}
        before = facts(await text(house, "/consents", **german))
        sent = await house.answer(asked, language="de")
        page = await text(house, "/consents", **german)
        ground = page.partition('href="/consents/')[2].partition('"')[0]
        receipt, ledger = await text(house, f"/consents/{ground}", **german), await text(house, "/ledger", **german)
        for shown in (before, facts(page), facts(receipt)):
            assert shown["Gültig bis"] == last
            assert shown["Zeitraum"] == f"1. März 2026 bis {last}"
        assert sent.status == 303
        assert facts(ledger)["Gültig"].endswith(f"bis {last}")


def test_what_has_no_end_has_no_last_day() -> None:
    assert last_day_in(ZoneInfo("Europe/Berlin"), FAR_FUTURE, Phrases("en")) == "without an end"
