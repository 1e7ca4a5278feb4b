"""EiRegisterParty and who may speak: rules 67 to 70, 400 to 407, 512, 517."""

import pytest
from msgspec.structs import replace

from adapters.openadr.model import Put
from tests.adapters.openadr.ven import (
    Table,
    cancel_registration,
    message,
    poll,
    query,
    register,
    response,
    tag,
)


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.mark.rule("404")
@pytest.mark.rule("303/207")
def test_a_query_is_answered_without_ids(table: Table) -> None:
    reply = table.send("EiRegisterParty", query("Q-1"))
    assert (reply.name, reply.code) == ("oadrCreatedPartyRegistration", "200")
    assert reply.text("ei:eiResponse/pyld:requestID") == "Q-1"
    assert not reply.texts("ei:venID")
    assert not reply.texts("ei:registrationID")


@pytest.mark.rule("403")
def test_a_registration_brings_ids_and_a_poll_frequency(table: Table) -> None:
    ven = table.enrol("v")
    reply = table.send("EiRegisterParty", register("v"))
    assert reply.text("ei:venID") == ven
    assert reply.text("ei:registrationID")
    assert reply.text("oadr:oadrRequestedOadrPollFreq/xcal:duration") == "PT10S"


@pytest.mark.rule("402")
@pytest.mark.parametrize("change", [{"pull": ""}, {"pull": "false"}, {"transport": "xmpp"}])
def test_what_is_not_simple_http_pull_is_refused(table: Table, change: dict[str, str]) -> None:
    table.enrol("v")
    assert table.send("EiRegisterParty", register("v", **change)).code == "459"
    assert not table.state.registrations


@pytest.mark.rule("517")
def test_a_ven_that_nobody_enrolled_is_refused(table: Table) -> None:
    assert table.send("EiRegisterParty", register("stranger")).code == "463"
    assert table.send("OadrPoll", poll("stranger")).code == "452"
    assert table.send("OadrPoll", poll(table.enrol("known"))).code == "463"


@pytest.mark.rule("517")
@pytest.mark.rule("10.5.1")
def test_over_tls_the_certificate_says_who_it_is(table: Table) -> None:
    mine, other, stranger = "ab" * 32, "cd" * 32, "ef" * 32
    shown = ":".join(f"{byte:02X}" for byte in bytes.fromhex(mine)[-10:])
    ven, neighbour = table.enrol("v", fingerprint=shown), table.enrol("w", fingerprint=other)
    for name, certificate in (("v", mine), ("w", other)):
        assert table.send("EiRegisterParty", register(name), certificate).code == "200"
    assert table.send("EiRegisterParty", register("v"), stranger).code == "463"
    assert table.send("OadrPoll", poll(ven), mine).name == "oadrRegisterReport"
    assert table.send("OadrPoll", poll(neighbour), mine).code == "452"
    assert table.send("OadrPoll", poll(ven), stranger).code == "463"


@pytest.mark.rule("21/400/304/208")
def test_a_registration_with_its_number_goes_on(table: Table) -> None:
    ven = table.join()
    number = table.state.registrations[ven].number
    reply = table.send("EiRegisterParty", register("v", ven=ven, number=number))
    assert (reply.text("ei:venID"), reply.text("ei:registrationID")) == (ven, number)
    assert table.poll(ven).name == "oadrResponse"


@pytest.mark.rule("21/400/304/208")
@pytest.mark.parametrize(("ven", "number"), [("nobody", "nothing"), ("", "wrong")])
def test_a_wrong_registration_number_is_refused(table: Table, ven: str, number: str) -> None:
    own = table.join()
    reply = table.send("EiRegisterParty", register("v", ven=ven or own, number=number))
    assert (reply.name, reply.code) == ("oadrCreatedPartyRegistration", "452")


@pytest.mark.rule("406")
def test_a_new_registration_starts_anew(table: Table) -> None:
    ven = table.join()
    event = table.announce()
    table.poll(ven)
    table.send("EiRegisterParty", register("v"))
    assert table.poll(ven).name == "oadrRegisterReport"
    assert not table.state.answers[event]


@pytest.mark.rule("407")
def test_a_ven_that_cancels_is_no_longer_served_and_leaves_nothing_behind(table: Table) -> None:
    ven = table.join()
    number = table.state.registrations[ven].number
    assert table.send("EiRegisterParty", cancel_registration("wrong", ven)).code == "452"
    reply = table.send("EiRegisterParty", cancel_registration(number, ven))
    assert (reply.name, reply.code) == ("oadrCanceledPartyRegistration", "200")
    assert table.poll(ven).code == "463"
    assert ven not in table.state.registrations


@pytest.mark.rule("401")
@pytest.mark.rule("407")
def test_the_utility_ends_a_registration_by_poll(table: Table) -> None:
    ven = table.join()
    table.announce()
    table.apply(Put(replace(table.state.registrations[ven], ending=True)))
    for _ in range(2):
        asked = table.poll(ven)
        assert asked.name == "oadrCancelPartyRegistration"
    answer = message("oadrCanceledPartyRegistration", response() + tag("ei:venID", ven))
    assert table.send("EiRegisterParty", answer).name == "oadrResponse"
    assert ven not in table.state.registrations


@pytest.mark.rule("401")
def test_the_utility_asks_for_a_new_registration_by_poll(table: Table) -> None:
    ven = table.join()
    table.apply(Put(replace(table.state.registrations[ven], reregister=True)))
    assert table.poll(ven).name == "oadrRequestReregistration"
    table.send("EiRegisterParty", message("oadrResponse", response() + tag("ei:venID", ven)))
    assert table.poll(ven).name == "oadrResponse"


@pytest.mark.rule("512")
def test_ven_ids_have_large_and_small_letters(table: Table) -> None:
    ven = table.join()
    while ven.upper() == ven:
        ven = table.join(f"v{table.ids()}")
    assert table.poll(ven.upper()).code == "452"


@pytest.mark.rule("33/48")
def test_a_message_at_the_wrong_service_or_of_the_vtn_gets_459(table: Table) -> None:
    ven = table.join()
    assert table.send("EiEvent", poll(ven)).code == "459"
    assert table.send("EiRegisterParty", message("oadrRequestReregistration", tag("ei:venID", ven))).code == "459"
