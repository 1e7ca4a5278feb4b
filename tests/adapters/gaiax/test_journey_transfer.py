"""Transfers between two gateways over real sockets: data in every form, streams, and what ends them."""

import asyncio
import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from adapters.gaiax import endings
from adapters.gaiax.dsp import consumer as consuming
from adapters.gaiax.dsp import store, transfers
from adapters.gaiax.dsp import transfer as t
from adapters.gaiax.dsp.messages import read_data_address
from adapters.gaiax.dsp.process import Transfer
from adapters.gaiax.jsonld import DSPACE
from adapters.plugin import Notice
from policies.terms import ONE_MONTH, Period, Portfolio, Purpose, Reason, Refusal, Zone
from tests.adapters.gaiax.harness import ACME, FROM, TO, opening
from tests.adapters.gaiax.journey import (
    Side,
    agreed,
    call,
    catalog_of,
    started,
    transfer,
    transfer_reaches,
)


async def test_from_catalog_to_data_in_every_form(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    _, endpoint, header = await started(provider, consumer)
    status, table = await call(consumer, "GET", endpoint, headers=header)
    assert status == 200
    (row,) = csv.DictReader(io.StringIO(table))
    assert row["value"] == "12345678.901"
    _, line = await call(consumer, "GET", endpoint, headers={**header, "Accept": "application/x-ndjson"})
    assert line["pseudonym"] == "p1"
    _, sdmx = await call(consumer, "GET", endpoint, headers={**header, "Accept": "application/vnd.sdmx.data+csv"})
    assert sdmx.startswith("STRUCTURE,STRUCTURE_ID,ACTION")
    status, _ = await call(consumer, "GET", endpoint, headers={**header, "Accept": "image/png"})
    assert status == 406
    (question, *_) = provider.house.door.questions
    assert (question.recipient, question.purpose, question.period.start) == (ACME, Purpose.ENERGY_ADVICE, FROM)
    assert question.reference.startswith("urn:uuid:")


async def test_a_portfolio_and_a_community_ask_for_whoever_allows_it(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    for dataset, subject in (("load/portfolio/energy-advice", Portfolio()), ("community/riverside", Zone("riverside"))):
        _, endpoint, header = await started(provider, consumer, "urn:metergate:" + dataset)
        await call(consumer, "GET", endpoint, headers=header)
        assert provider.house.door.questions[-1].subject == subject


async def test_a_recipient_may_ask_for_less_and_never_for_more(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    _, endpoint, header = await started(provider, consumer)
    await call(consumer, "GET", endpoint + "?from=2026-02-01T00:00:00Z&to=2036-01-01T00:00:00Z", headers=header)
    period = provider.house.door.questions[-1].period
    assert (period.start.isoformat(), period.end) == ("2026-02-01T00:00:00+00:00", TO)
    for query, reason in (
        ("from=yesterday", "instant-malformed"),
        ("quantity=1-0:2.8.0*255", "quantity-unknown"),
        ("quantity=1-0:1.8.0*255&quantity=1-0:2.8.0*255", "quantity-unknown"),
        ("foo=1", "bad-query"),
        ("from=2026-02-01T00:00:00Z&from=2026-03-01T00:00:00Z", "bad-query"),
        ("minutes=7", "minutes-out-of-bounds"),
        ("to=2025-01-01T00:00:00Z", "period-empty"),
        ("from=2024-01-01T00:00:00Z&to=2025-01-01T00:00:00Z", "period-not-covered"),
        ("from=2036-01-01T00:00:00Z&to=2037-01-01T00:00:00Z", "period-not-covered"),
    ):
        status, problem = await call(consumer, "GET", f"{endpoint}?{query}", headers=header)
        assert (status, problem["reason"]) == (400, reason)
        assert problem["fields"] == [{"field": problem["field"], "rule": problem["rule"]}]
        assert problem["field"] in query or problem["field"] == "to"


async def test_an_answer_to_less_than_was_asked_names_what_is_not_covered(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    _, endpoint, header = await started(provider, consumer)
    query = "from=2025-12-01T00:00:00Z&to=2027-02-01T00:00:00Z"
    async with consumer.house.client.get(f"{endpoint}?{query}", headers=header) as answer:
        assert answer.status == 200
        assert answer.headers["Not-Covered"] == (
            "2025-12-01T00:00:00Z/2026-01-01T00:00:00Z;reason=period-not-covered, "
            "2027-01-01T00:00:00Z/2027-02-01T00:00:00Z;reason=period-not-covered"
        )
    for part in ("", "?from=2026-02-01T00:00:00Z&to=2026-03-01T00:00:00Z"):
        async with consumer.house.client.get(endpoint + part, headers=header) as answer:
            assert answer.status == 200
            assert "Not-Covered" not in answer.headers
    ever = Period(FROM - timedelta(days=365), TO + timedelta(days=365))
    provider.house.door.openings[ACME].append(opening("p2", values=ever))
    _, endpoint, header = await started(provider, consumer, "urn:metergate:load/portfolio/energy-advice")
    async with consumer.house.client.get(f"{endpoint}?{query}", headers=header) as answer:
        assert answer.headers["Not-Covered"] == "households=1;of=2;reason=period-not-covered"


async def test_a_no_of_the_door_names_the_field_as_it_is_called_here(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    _, endpoint, header = await started(provider, consumer)
    provider.house.door.decision = lambda _: Refusal((Reason.PERIOD_NOT_COVERED,))
    shorter = replace(provider.house.door.openings[ACME][0], values=Period(FROM, FROM + timedelta(days=31)))
    provider.house.door.openings[ACME] = [shorter]
    status, problem = await call(consumer, "GET", endpoint, headers=header)
    assert (status, problem["field"], problem["reasons"]) == (403, "to", ["period-not-covered"])
    assert "2026-02-01T00:00:00Z/2027-01-01T00:00:00Z" in problem["rule"]


async def test_days_may_be_asked_for_and_what_holds_no_whole_one_is_told_where_they_begin(
    sides: tuple[Side, Side],
) -> None:
    provider, consumer = sides
    provider.house.zone = ZoneInfo("Asia/Kolkata")
    _, endpoint, header = await started(provider, consumer)
    utc_day = "from=2026-02-01T00:00:00Z&to=2026-02-02T00:00:00Z"
    for accept in ("text/csv", "application/vnd.sdmx.data+csv"):
        heads = {**header, "Accept": accept}
        status, problem = await call(consumer, "GET", f"{endpoint}?{utc_day}&minutes=1440", headers=heads)
        assert (status, problem["reason"]) == (400, "no-whole-interval")
        assert "Asia/Kolkata" in problem["detail"]
        assert "2026-02-02T00:00:00+05:30" in problem["detail"]
    local_day = "from=2026-01-31T18:30:00Z&to=2026-02-01T18:30:00Z"
    status, _ = await call(consumer, "GET", f"{endpoint}?{local_day}&minutes=1440", headers=header)
    assert (status, provider.house.door.questions[-1].resolution) == (200, timedelta(days=1))
    month = "from=2026-02-28T18:30:00Z&to=2026-03-31T18:30:00Z&minutes=month"
    status, _ = await call(consumer, "GET", f"{endpoint}?{month}", headers=header)
    assert (status, provider.house.door.questions[-1].resolution) == (200, ONE_MONTH)
    status, problem = await call(consumer, "GET", f"{endpoint}?{local_day}&minutes=month", headers=header)
    assert (status, "there a month begins at 2026-02-01T00:00:00+05:30" in problem["detail"]) == (400, True)
    for minutes, reason in (("-1", "minutes-malformed"), ("2000", "minutes-out-of-bounds")):
        status, problem = await call(consumer, "GET", f"{endpoint}?minutes={minutes}", headers=header)
        assert (status, problem["reason"]) == (400, reason)


async def test_when_the_ground_ends_everything_that_needs_it_ends(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    running, endpoint, header = await started(provider, consumer)
    provider.house.door.openings[ACME] = []
    status, problem = await call(consumer, "GET", endpoint, headers=header)
    assert (status, "consent" in problem["detail"]) == (403, True)
    payload = {"ground": "g", "subject": "s", "recipient": "acme", "purpose": "energy-advice"}
    await provider.house.tell(Notice("ground.ended", payload))
    ended = await transfer_reaches(consumer, running.pid, "TERMINATED")
    assert "consent" in ended.why
    assert ended.address is None
    kept = {("dsp_agreement", running.agreement), ("dsp_process", running.partner_pid)}
    assert kept <= set(provider.house.ended), "beside the backups"
    status, problem = await call(consumer, "GET", endpoint, headers=header)
    assert (status, problem["reason"]) == (403, "transfer-ended")
    assert "consent" in problem["detail"]
    again = await consuming.fetch(
        consumer.connector, address=provider.base + "/dsp", agreement_id=running.agreement, data_format="HttpData-PULL"
    )
    refused = await transfer_reaches(consumer, again, "TERMINATED")
    assert refused.partner_pid == ""


async def test_a_ground_for_another_purpose_ends_nothing_here(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    _, endpoint, header = await started(provider, consumer)
    payload = {"ground": "g", "subject": "s", "recipient": "acme", "purpose": "forecast"}
    await endings.ground_ended(provider.connector, Notice("ground.ended", payload))
    assert (await call(consumer, "GET", endpoint, headers=header))[0] == 200


async def test_a_stream_goes_on_until_the_transfer_ends(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    running, endpoint, header = await started(provider, consumer, form="HttpData-STREAM")
    async with consumer.house.client.get(endpoint, headers=header) as answer:
        assert answer.content_type == "application/x-ndjson"
        assert json.loads(await answer.content.readline())["pseudonym"] == "p1"
        await order(consumer, running.pid, t.Say.COMPLETION, "enough")
        async with asyncio.timeout(5):
            await answer.content.read()
    assert (await transfer(provider, running.partner_pid)).state == "COMPLETED"
    assert provider.house.ended == [("dsp_process", running.partner_pid)], "beside the backups"
    assert (await call(consumer, "GET", endpoint, headers=header))[0] == 403


@pytest.mark.rule("DSP 9: data address with a token that dies with the transfer")
async def test_a_suspended_transfer_serves_nothing_and_goes_on_with_another_token(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    running, endpoint, header = await started(provider, consumer)
    await order(provider, running.partner_pid, t.Say.SUSPENSION, "a pause")
    await transfer_reaches(consumer, running.pid, "SUSPENDED")
    status, problem = await call(consumer, "GET", endpoint, headers=header)
    assert (status, problem["reason"]) == (403, "transfer-suspended")
    await order(provider, running.partner_pid, t.Say.START, "")
    again = await transfer_reaches(consumer, running.pid, "STARTED")
    assert again.address is not None
    _, token = read_data_address(again.address)
    assert (await call(consumer, "GET", endpoint, headers=header))[0] == 403
    assert (await call(consumer, "GET", endpoint, headers={"Authorization": token}))[0] == 200


async def test_a_stream_of_before_a_pause_ends_even_if_the_transfer_goes_on_before_it_looks(
    sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, consumer = sides
    running, endpoint, header = await started(provider, consumer, form="HttpData-STREAM")
    paused = asyncio.Event()
    monkeypatch.setattr(provider.house.door, "news", paused.wait)
    async with consumer.house.client.get(endpoint, headers=header) as answer:
        await answer.content.readline()
        await order(provider, running.partner_pid, t.Say.SUSPENSION, "a pause")
        await transfer_reaches(consumer, running.pid, "SUSPENDED")
        await order(provider, running.partner_pid, t.Say.START, "")
        await transfer_reaches(consumer, running.pid, "STARTED")
        paused.set()
        async with asyncio.timeout(5):
            await answer.content.read()
    assert (await transfer(provider, running.partner_pid)).state == "STARTED"


@pytest.mark.rule("DSP 9: data address with a token that dies with the transfer")
async def test_a_token_opens_one_address_only(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    _, one, header = await started(provider, consumer)
    _, other, _ = await started(provider, consumer)
    assert (await call(consumer, "GET", one, headers=header))[0] == 200
    for url, given in (
        (other, header),
        (one, {}),
        (one, {"Authorization": "Bearer mgd-" + "0" * 64}),
        (one, consumer.header(provider.connector.us.did)),
    ):
        assert (await call(consumer, "GET", url, headers=given))[0] == 401
    status, error = await catalog_of(provider, consumer, **header)
    assert (status, error["@type"]) == (401, "CatalogError")


async def test_who_left_the_trust_list_gets_no_more_data(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    _, endpoint, header = await started(provider, consumer)
    provider.house.directory.organisations.clear()
    status, problem = await call(consumer, "GET", endpoint, headers=header)
    assert (status, problem["reason"]) == (403, "participant-unknown")


async def test_a_format_that_the_dataset_does_not_have_is_refused(sides: tuple[Side, Side]) -> None:
    provider, consumer = sides
    agreement = await agreed(provider, consumer, "urn:metergate:community/riverside")
    for form in ("HttpData-STREAM", "HttpData-PUSH"):
        body = {
            "@context": [DSPACE],
            "@type": "TransferRequestMessage",
            "consumerPid": "urn:uuid:1",
            "agreementId": agreement,
            "format": form,
            "callbackAddress": consumer.base + "/dsp",
        }
        url = provider.base + "/dsp/transfers/request"
        status, error = await call(consumer, "POST", url, body, consumer.header(provider.connector.us.did))
        assert (status, error["@type"], error["code"]) == (400, "TransferError", "format-unknown")


async def order(side: Side, pid: str, say: t.Say, why: str) -> None:
    await side.connector.act(lambda c: transfers.order(store.load(c, Transfer, pid), say, why))
