"""EiReport: rules 300 to 346."""

from decimal import Decimal

import pytest

from adapters.openadr.v2b import reports
from adapters.openadr.v2b.plan import plan
from tests.adapters.openadr.ven import (
    Reply,
    Table,
    interval,
    message,
    offer,
    register_report,
    report_request,
    response,
    tag,
    update_report,
)

ASK = "oadr:oadrReportRequest/"


@pytest.fixture
def table() -> Table:
    return Table()


def answer(table: Table, name: str, inner: str, ven: str) -> Reply:
    return table.send("EiReport", message(name, inner + tag("ei:venID", ven)))


def asked(table: Table, **details: str) -> tuple[str, Reply]:
    """A VEN that offers usage, an event that wants it, and the request as it comes by poll."""
    ven = table.join()
    assert table.send("EiReport", register_report(ven, offer(**details))).code == "200"  # type: ignore[arg-type]
    event = table.announce(
        targets=["v"], step="PT5M", reportDescriptors=[{"payloadType": "USAGE", "frequency": 1}],
        payloads=[("X_OADR20B_RESPONSE_REQUIRED", "never")],
    )  # fmt: skip
    kept = table.state.events[event]
    table.apply(*reports.changed(table.machine, kept, plan(kept), ven))
    table.poll(ven)
    return ven, table.poll(ven)


@pytest.mark.rule("301/309")
@pytest.mark.rule("311")
def test_the_first_poll_brings_the_vtns_metadata_until_it_is_answered(table: Table) -> None:
    ven = table.join(greeted=False)
    for _ in range(2):
        reply = table.poll(ven)
        assert reply.name == "oadrRegisterReport"
        assert not reply.texts("ei:reportRequestID")
    assert answer(table, "oadrRegisteredReport", response(), ven).name == "oadrResponse"
    assert table.poll(ven).name == "oadrResponse"


@pytest.mark.rule("301")
@pytest.mark.rule("344")
@pytest.mark.parametrize("name", ["oadrCreateReport", "oadrRegisteredReport"])
def test_a_request_for_metadata_is_answered_by_poll_and_names_the_request(table: Table, name: str) -> None:
    ven = table.join()
    head = tag("pyld:requestID", "P") if name == "oadrCreateReport" else response()
    reply = answer(table, name, head + report_request("mine"), ven)
    assert reply.code == "200"
    found = table.poll(ven)
    assert (found.name, found.texts("ei:reportRequestID")) == ("oadrRegisterReport", ["mine"])
    answer(table, "oadrRegisteredReport", response(), ven)
    assert table.poll(ven).name == "oadrResponse"


@pytest.mark.rule("340")
@pytest.mark.rule("336")
def test_other_reports_of_the_vtn_are_refused_and_unknown_ones_cannot_be_cancelled(table: Table) -> None:
    ven = table.join()
    assert (
        answer(table, "oadrCreateReport", tag("pyld:requestID", "P") + report_request("x", "OTHER"), ven).code == "461"
    )
    inner = tag("pyld:requestID", "P") + tag("ei:reportRequestID", "x") + tag("pyld:reportToFollow", "false")
    reply = answer(table, "oadrCancelReport", inner, ven)
    assert (reply.name, reply.code) == ("oadrCanceledReport", "452")


@pytest.mark.rule("308")
@pytest.mark.rule("312")
@pytest.mark.rule("331")
@pytest.mark.parametrize(
    ("offers", "code"),
    [
        ([], "200"),
        ([offer()], "200"),
        ([offer("H", name="METADATA_HISTORY_USAGE", sampling=False)], "200"),
        ([offer(), offer()], "459"),
        ([offer(rids=("same", "same"))], "459"),
        ([offer(length=None)], "459"),
        ([offer(length="PT5M", longest="PT2H")], "459"),
        ([offer(sampling=False)], "459"),
        ([offer(request="7")], "459"),
    ],
)
def test_metadata_of_a_ven_is_taken_or_refused_for_its_own_fault(table: Table, offers: list[str], code: str) -> None:
    ven = table.join()
    reply = table.send("EiReport", register_report(ven, *offers))
    assert (reply.name, reply.code) == ("oadrRegisteredReport", code)
    assert len(table.state.offers[ven]) == (len(offers) if code == "200" else 0)


@pytest.mark.rule("317/324/325")
@pytest.mark.rule("322")
@pytest.mark.rule("338")
@pytest.mark.rule("510")
def test_a_report_descriptor_becomes_a_request(table: Table) -> None:
    ven, reply = asked(table)
    assert reply.name == "oadrCreateReport"
    assert reply.text(ASK + "ei:reportSpecifier/ei:reportSpecifierID") == "RS"
    assert reply.texts(".//ei:specifierPayload/ei:rID") == ["energy"]
    assert reply.texts(".//ei:readingType") == ["x-notApplicable"]
    assert reply.text(".//xcal:granularity/xcal:duration") == "PT5M"
    assert reply.text(".//ei:reportBackDuration/xcal:duration") == "PT5M"
    assert reply.text(".//ei:reportInterval//xcal:dtstart/xcal:date-time") == "2026-03-01T13:00:00Z"
    request = reply.text(ASK + "ei:reportRequestID")
    pending = f"<oadr:oadrPendingReports>{tag('ei:reportRequestID', request)}</oadr:oadrPendingReports>"
    assert answer(table, "oadrCreatedReport", response() + pending, ven).code == "200"
    assert table.poll(ven).name == "oadrResponse"


@pytest.mark.rule("329")
@pytest.mark.rule("303/207")
def test_a_ven_that_lists_no_pending_report_has_the_one_it_was_sent(table: Table) -> None:
    ven, _ = asked(table)
    assert answer(table, "oadrCreatedReport", response() + "<oadr:oadrPendingReports/>", ven).code == "200"
    assert table.poll(ven).name == "oadrResponse"


@pytest.mark.rule("306")
def test_new_metadata_ends_the_requests_made_before_and_asks_anew(table: Table) -> None:
    ven, reply = asked(table)
    request = reply.text(ASK + "ei:reportRequestID")
    table.send("EiReport", register_report(ven, offer("NEW")))
    assert table.send("EiReport", update_report(ven, request, interval(uid="0"))).code == "452"
    assert table.poll(ven).text(ASK + "ei:reportSpecifier/ei:reportSpecifierID") == "NEW"


@pytest.mark.rule("328/335")
@pytest.mark.rule("345")
def test_a_descriptor_that_goes_ends_the_report(table: Table) -> None:
    ven, reply = asked(table)
    request = reply.text(ASK + "ei:reportRequestID")
    event = next(iter(table.state.events.values()))
    table.apply(*reports.changed(table.machine, event, None, ven))
    found = table.poll(ven)
    assert (found.name, found.texts("ei:reportRequestID")) == ("oadrCancelReport", [request])
    assert table.send("EiReport", update_report(ven, request, interval(uid="0"))).code == "452"
    answer(table, "oadrCanceledReport", response() + "<oadr:oadrPendingReports/>", ven)
    assert not table.state.requests[ven]


def at(minute: int, **details: str) -> str:
    return interval(start=f"2026-03-01T12:{minute:02}:00Z", **details)


@pytest.mark.rule("313-316")
@pytest.mark.rule("21/400/304/208")
@pytest.mark.parametrize(
    ("intervals", "details", "code"),
    [
        ([interval(uid="0")], {}, "200"),
        ([at(0), at(5)], {}, "200"),
        ([interval(uid="0"), interval(uid="1")], {}, "200"),
        ([interval(uid="0", rid="unknown")], {}, "452"),
        ([interval(uid="0")], {"specifier": "unknown"}, "452"),
        ([interval(uid="0")], {"start": ""}, "459"),
        ([interval(uid="0")], {"name": ""}, "459"),
        ([], {}, "459"),
        ([at(59), at(59)], {}, "459"),
        ([at(0), interval(uid="1")], {}, "459"),
        ([at(5), at(0)], {"start": "2026-03-01T12:05:00Z"}, "459"),
        ([interval(uid="0", lasting=""), interval(uid="1", lasting="")], {}, "459"),
        ([interval(uid="0"), interval(uid="1", lasting="")], {}, "459"),
        ([interval(uid="5"), interval(uid="9")], {}, "459"),
        ([interval(), interval()], {}, "459"),
    ],
)
def test_a_report_is_taken_whole_or_refused_for_its_own_fault(
    table: Table, intervals: list[str], details: dict[str, str], code: str
) -> None:
    ven, reply = asked(table)
    request = reply.text(ASK + "ei:reportRequestID")
    found = table.send("EiReport", update_report(ven, request, *intervals, **details))
    assert (found.name, found.code) == ("oadrUpdatedReport", code)
    assert table.outcome is not None
    assert len(table.outcome.measured) == (len(intervals) if code == "200" else 0)
    assert table.send("EiReport", update_report(ven, "unknown", *intervals, **details)).code == "452"


@pytest.mark.parametrize(
    ("scale", "text", "value"),
    [("k", "12345678.123", "12345678.123"), ("none", "12345678123", "12345678.123"), ("M", "0.001", "1")],
)
def test_values_keep_their_digits_and_become_our_units(table: Table, scale: str, text: str, value: str) -> None:
    ven, reply = asked(table, kind="reading", scale=scale)
    request = reply.text(ASK + "ei:reportRequestID")
    table.send("EiReport", update_report(ven, request, interval(text, uid="0")))
    assert table.outcome is not None
    reading = table.outcome.measured[0].reading()
    assert reading is not None
    assert (reading.quantity, reading.unit, reading.start) == ("1-0:1.8.0*255", "kWh", None)
    assert reading.value == Decimal(value)


@pytest.mark.parametrize(
    ("quality", "kept"),
    [
        ("Quality Good - Non Specific", 1),
        ("Quality Uncertain - Sensor Not Accurate", 0),
        ("Quality Limit - Field/Constant", 0),
        ("No New Value - Previous Value Used", 0),
        ("Quality Bad - Comm Failure", 0),
        ("No Quality - No Value", 0),
    ],
)
def test_a_value_that_the_ven_does_not_stand_for_is_acknowledged_and_not_kept(
    table: Table, quality: str, kept: int
) -> None:
    ven, reply = asked(table)
    request = reply.text(ASK + "ei:reportRequestID")
    found = table.send("EiReport", update_report(ven, request, interval(uid="0", quality=quality)))
    assert found.code == "200"
    assert table.outcome is not None
    assert len(table.outcome.measured) == kept


@pytest.mark.parametrize("text", ["INF", "NaN", "-INF"])
def test_what_is_no_number_gives_no_reading(table: Table, text: str) -> None:
    ven, reply = asked(table)
    request = reply.text(ASK + "ei:reportRequestID")
    assert table.send("EiReport", update_report(ven, request, interval(text, uid="0"))).code == "200"
    assert table.outcome is not None
    assert [m.reading() for m in table.outcome.measured] == [None]
