"""Messages: what we write is valid against the schemas, what we read may come in any JSON-LD form."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft201909Validator
from referencing import Registry, Resource

from adapters.gaiax import odrl
from adapters.gaiax.dsp import catalog, messages
from adapters.gaiax.dsp import negotiation as n
from adapters.gaiax.dsp import transfer as t
from adapters.gaiax.dsp.messages import Malformed
from adapters.gaiax.dsp.process import Agreement, Negotiation, Transfer
from adapters.gaiax.dsp.words import Side
from adapters.gaiax.jsonld import DSPACE, NotLinkedData, compacted
from adapters.gaiax.wellknown import VERSIONS
from adapters.plugin import Organisation
from policies.terms import Level, Purpose, Recipient
from tests.adapters.gaiax.harness import ACME_DID, ENERGY, opening
from tests.shared import SHARED, needs_corpus

CORPUS = SHARED / "corpus/gaiax"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OFFER = odrl.offer(next(iter(catalog._singles([opening()]))), ACME_DID)


def registry() -> Registry[Any]:
    """All schemas of the standard; three of them lack a slash in a reference."""
    found = []
    for file in sorted((CORPUS / "dsp/schemas").rglob("*.json")):
        text = file.read_text().replace("json#definitions", "json#/definitions")
        schema = json.loads(text)
        found.append((schema["$id"], Resource.from_contents(schema)))
    return Registry().with_resources(found)


def valid(name: str, document: Any) -> None:
    known = registry()
    schema = known.contents(f"https://w3id.org/dspace/2025/1/{name}-schema.json")
    problems = list(Draft201909Validator(schema, registry=known).iter_errors(document))
    assert not problems, problems[0].message


def negotiation(side: Side = Side.PROVIDER, **changes: Any) -> Negotiation:
    given: dict[str, Any] = {
        "pid": "urn:uuid:a",
        "partner_pid": "urn:uuid:b",
        "side": side,
        "partner": ACME_DID,
        "recipient": Recipient("acme"),
        "callback": "https://acme.example/dsp",
        "begun": NOW,
        "changed": NOW,
        "state": n.State.REQUESTED,
        "dataset": "urn:metergate:load/single/p1",
        "offer_id": OFFER.id,
        "policy": OFFER.policy,
    }
    return Negotiation(**(given | changes))


def transfer(side: Side = Side.PROVIDER, **changes: Any) -> Transfer:
    given: dict[str, Any] = {
        "pid": "urn:uuid:a",
        "partner_pid": "urn:uuid:b",
        "side": side,
        "partner": ACME_DID,
        "recipient": Recipient("acme"),
        "callback": "https://acme.example/dsp",
        "begun": NOW,
        "changed": NOW,
        "state": t.State.REQUESTED,
        "agreement": "urn:uuid:c",
        "format": catalog.PULL,
    }
    return Transfer(**(given | changes))


def agreement() -> Agreement:
    policy = odrl.agreement("urn:uuid:c", "d", OFFER.policy, assigner="did:web:us", assignee=ACME_DID, at=NOW)
    return Agreement(
        id="urn:uuid:c", side=Side.PROVIDER, partner=ACME_DID, recipient=Recipient("acme"), dataset="d", policy=policy
    )


SCHEMAS = {
    n.Say.REQUEST: "contract-request-message",
    n.Say.OFFER: "contract-offer-message",
    n.Say.ACCEPTED: "contract-negotiation-event-message",
    n.Say.AGREEMENT: "contract-agreement-message",
    n.Say.VERIFICATION: "contract-agreement-verification-message",
    n.Say.FINALIZED: "contract-negotiation-event-message",
    n.Say.TERMINATION: "contract-negotiation-termination-message",
}


@needs_corpus
@pytest.mark.parametrize("say", list(n.Say))
def test_each_negotiation_message_is_valid_and_read_back(say: n.Say) -> None:
    path, body = messages.negotiation_message(say, negotiation(), agreement(), "https://us.example/dsp")
    valid(f"negotiation/{SCHEMAS[say]}", body)
    assert path.startswith("/negotiations/urn:uuid:b/")
    assert messages.read(json.dumps(body).encode(), body["@type"]).consumer_pid == "urn:uuid:b"


@needs_corpus
def test_a_first_request_has_a_callback_address_and_no_provider_pid() -> None:
    process = negotiation(Side.CONSUMER, partner_pid="")
    path, body = messages.negotiation_message(n.Say.REQUEST, process, None, "https://us.example/dsp")
    valid("negotiation/contract-request-message", body)
    assert (path, body["callbackAddress"]) == ("/negotiations/request", "https://us.example/dsp")
    assert "providerPid" not in body


@needs_corpus
@pytest.mark.parametrize("say", list(t.Say))
def test_each_transfer_message_is_valid_and_read_back(say: t.Say) -> None:
    address = messages.data_address("https://us.example/dsp-data/1", "token")
    _, body = messages.transfer_message(say, transfer(), "https://us.example/dsp", address)
    valid(f"transfer/transfer-{say}-message", body)
    read = messages.read(json.dumps(body).encode(), body["@type"])
    if say is t.Say.START:
        assert read.address is not None
        assert messages.read_data_address(read.address) == ("https://us.example/dsp-data/1", "token")


@needs_corpus
def test_states_errors_versions_and_catalogs_are_valid() -> None:
    valid("negotiation/contract-negotiation", messages.negotiation_state(negotiation()))
    valid("transfer/transfer-process", messages.transfer_state(transfer()))
    valid("negotiation/contract-negotiation-error", messages.error(messages.NEGOTIATION_ERROR, "c", ["why"]))
    valid("transfer/transfer-error", messages.error(messages.TRANSFER_ERROR, "c", ["why"]))
    valid("catalog/catalog-error", messages.error(messages.CATALOG_ERROR, "c", ["why"]))
    valid("common/protocol-version", VERSIONS)
    datasets = catalog.shelf_of(acme(), ACME_DID, (opening(),), ("riverside",), NOW.date())
    valid("catalog/catalog", catalog.catalog("did:web:us", "urn:c", "https://us.example/dsp", datasets))
    valid("catalog/catalog", catalog.catalog("did:web:us", "urn:c", "https://us.example/dsp", []))
    valid("catalog/dataset", catalog.dataset_answer(datasets[0], "urn:c", "https://us.example/dsp"))


def test_a_dataset_says_whose_days_it_tells_and_that_rows_name_the_meter_but_no_meter_itself() -> None:
    datasets = catalog.shelf_of(acme(), ACME_DID, (opening(),), ("riverside",), NOW.date())
    body = catalog.catalog("did:web:us", "urn:c", "https://us.example/dsp", datasets, "Asia/Kolkata")
    for each in body["dataset"]:
        assert each["http://www.w3.org/2006/time#timeZone"] == "Asia/Kolkata"
        assert "Days are those of Asia/Kolkata" in each["dct:description"]
    single, *_, community = body["dataset"]
    assert "the meter of the household by its label" in single["dct:description"]
    assert "no meter" in community["dct:description"]


def acme() -> Organisation:
    return Organisation(
        id=Recipient("acme"),
        name="Acme",
        did=ACME_DID,
        levels=frozenset(Level),
        quantities=frozenset({ENERGY}),
        purposes=frozenset({Purpose.ENERGY_ADVICE, Purpose.FORECAST, Purpose.NEIGHBOURHOOD}),
    )


def test_a_catalog_lists_what_the_caller_may_see_and_what_it_may_ask_for() -> None:
    datasets = catalog.shelf_of(acme(), ACME_DID, (opening(),), ("riverside",), NOW.date())
    names = {d.id.removeprefix("urn:metergate:"): [o.terms.ask for o in d.offers if o.terms] for d in datasets}
    assert names == {
        "load/single/p1": [False, True],
        "load/portfolio/energy-advice": [False],
        "community/riverside": [False],
    }


def test_a_household_known_at_a_farther_level_is_not_offered_closer() -> None:
    far = opening(level=Level.PSEUDONYMOUS)
    datasets = catalog.shelf_of(replace(acme(), purposes=frozenset({far.purpose})), ACME_DID, (far,), (), NOW.date())
    assert [d.id for d in datasets] == ["urn:metergate:load/portfolio/energy-advice"]


def test_nothing_is_offered_that_the_profile_does_not_let_the_recipient_ask_for() -> None:
    wide = opening(quantities=frozenset({ENERGY, "1-0:2.8.0*255"}))
    quarter = replace(acme(), finest=timedelta(minutes=15), purposes=frozenset({wide.purpose}))
    (single, _) = catalog.shelf_of(quarter, ACME_DID, (wide,), (), NOW.date())
    (terms,) = [o.terms for o in single.offers]
    assert terms is not None
    assert (terms.quantities, terms.resolution) == ((ENERGY,), timedelta(minutes=15))
    nothing: list[Organisation] = [
        replace(quarter, purposes=frozenset()),
        replace(quarter, quantities=frozenset()),
        replace(quarter, levels=frozenset()),
    ]
    for narrow in nothing:
        assert catalog.shelf_of(narrow, ACME_DID, (wide,), (), NOW.date()) == ()


def examples() -> Iterator[Path]:
    """Messages, not errors."""
    for folder in ("negotiation", "transfer"):
        files = sorted((CORPUS / "examples/dsp" / folder).glob("*.json"))
        yield from (file for file in files if not file.stem.endswith("error"))


@pytest.mark.rule("DSP 8: messages in any JSON-LD form")
@needs_corpus
@pytest.mark.parametrize("file", list(examples()), ids=lambda f: f.stem)
def test_the_examples_of_the_standard_are_read_in_any_form(file: Path) -> None:
    from pyld import jsonld

    from adapters.gaiax import jsonld as ours

    document = json.loads(file.read_text())
    kind = document["@type"]
    plain = messages.read(json.dumps(document).encode(), kind)
    expanded = ours.expanded(document)[0]
    foreign = jsonld.compact(expanded, {"@context": {"x": "https://w3id.org/dspace/2025/1/"}}, ours._options())
    again = messages.read(json.dumps(foreign).encode(), kind)
    assert (again.kind, again.provider_pid, again.consumer_pid) == (kind, plain.provider_pid, plain.consumer_pid)
    assert (again.event, again.agreement_id, again.format) == (plain.event, plain.agreement_id, plain.format)
    if plain.offer:
        assert odrl.same_rules(again.offer, plain.offer)


WHOLE = {
    "@context": [DSPACE],
    "@type": "TransferRequestMessage",
    "consumerPid": "urn:uuid:b",
    "agreementId": "urn:uuid:c",
    "format": "HttpData-PULL",
    "callbackAddress": "https://acme.example/dsp/",
}


def test_a_callback_address_loses_its_trailing_slash() -> None:
    assert messages.read(json.dumps(WHOLE).encode(), "TransferRequestMessage").callback == "https://acme.example/dsp"


@pytest.mark.rule("DSP 8: messages in any JSON-LD form")
def test_relative_names_survive_a_foreign_form() -> None:
    prefix = {"x": "https://w3id.org/dspace/2025/1/", "dct": "http://purl.org/dc/terms/"}
    foreign = {
        "@context": prefix,
        "@type": "x:TransferRequestMessage",
        "x:consumerPid": {"@id": "1e6ee3c0"},
        "x:agreementId": {"@id": "ATP0101"},
        "dct:format": {"@id": "HttpData-PULL"},
        "x:callbackAddress": "https://acme.example/dsp",
    }
    read = messages.read(json.dumps(foreign).encode(), "TransferRequestMessage")
    assert (read.consumer_pid, read.agreement_id, read.format) == ("1e6ee3c0", "ATP0101", "HttpData-PULL")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_one_broken_member_is_refused_by_its_name(data: st.DataObject) -> None:
    member = data.draw(st.sampled_from(["consumerPid", "agreementId", "format", "callbackAddress", "@type"]))
    broken: Any = data.draw(st.sampled_from([None, 7, "", [], {"a": 1}, "x" * 3000, ["urn:uuid:b"]]))
    document = {**WHOLE, member: broken}
    if data.draw(st.booleans()):
        del document[member]
    with pytest.raises(Malformed, match=member):
        messages.read(json.dumps(document).encode(), "TransferRequestMessage")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"@type":"TransferStartMessage"}',
        b"[" * 5000,
        b'{"@context":' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"}",
        json.dumps({**WHOLE, "@context": ["https://example.org/other.jsonld"]}).encode(),
        json.dumps({**WHOLE, "@context": [DSPACE, "https://example.org/other.jsonld"]}).encode(),
        json.dumps({**WHOLE, "@context": [DSPACE, {"a": "https://example.org/"}] * 9}).encode(),
        json.dumps({**WHOLE, "callbackAddress": "file:///etc/passwd"}).encode(),
        json.dumps({**WHOLE, "callbackAddress": "http://user:secret@host/"}).encode(),
        json.dumps({**WHOLE, "callbackAddress": "http://host:port/"}).encode(),
    ],
)
def test_what_is_no_message_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        messages.read(body, "TransferRequestMessage")


@settings(max_examples=60, deadline=None)
@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda s: st.lists(s, max_size=3), max_leaves=5))
def test_no_json_crashes_the_reader(value: object) -> None:
    for document in (value, {**WHOLE, "dataAddress": value}, {"@context": value, "@type": "TransferStartMessage"}):
        try:
            messages.read(json.dumps(document).encode(), "TransferRequestMessage")
        except Malformed:
            continue


@pytest.mark.parametrize("prefix", ["", "odrl:"])
def test_a_request_as_edc_writes_it_is_read(prefix: str) -> None:
    """Two contexts, an id of the message, members with or without prefix, one rule without an array."""
    document = {
        "@context": [DSPACE, "https://w3id.org/edc/dspace/v0.0.1"],
        "@id": "f7b0a4d2-0000-4000-8000-000000000000",
        "@type": "ContractRequestMessage",
        "consumerPid": "1e6ee3c0-0000-4000-8000-000000000000",
        "callbackAddress": "http://edc.example:8282/protocol/2025-1",
        "offer": {
            "@id": OFFER.id,
            "@type": prefix + "Offer",
            prefix + "target": {"@id": "urn:metergate:load/single/p1"},
            prefix + "permission": OFFER.policy["permission"][0],
        },
    }
    read = messages.read(json.dumps(document).encode(), "ContractRequestMessage")
    assert read.consumer_pid == "1e6ee3c0-0000-4000-8000-000000000000"
    assert read.offer["@id"] == OFFER.id
    assert read.offer["target"] in ("urn:metergate:load/single/p1", {"@id": "urn:metergate:load/single/p1"})
    assert odrl.same_rules(read.offer, OFFER.policy)


def test_a_policy_as_edc_writes_it_is_the_same() -> None:
    """Prefixed operands, a typed right operand, no profile, a target within the rule, empty arrays."""
    theirs = json.loads(json.dumps(OFFER.policy).replace(odrl.ODRL, "odrl:").replace('"use"', '"odrl:use"'))
    rule = theirs["permission"][0]
    rule["target"] = "urn:other"
    rule["constraint"][0]["rightOperand"] = {"@value": rule["constraint"][0]["rightOperand"], "@type": "xsd:string"}
    rule["constraint"].reverse()
    assert odrl.same_rules({**theirs, "prohibition": [], "obligation": []}, {**OFFER.policy, "profile": "p"})


def test_a_policy_that_says_something_else_is_not() -> None:
    for place in range(len(OFFER.policy["permission"][0]["constraint"])):
        for member, value in (("rightOperand", "other"), ("operator", "neq"), ("leftOperand", odrl.ODRL + "count")):
            theirs = json.loads(json.dumps(OFFER.policy))
            theirs["permission"][0]["constraint"][place][member] = value
            assert not odrl.same_rules(theirs, OFFER.policy)
    without_duty = json.loads(json.dumps(OFFER.policy))
    del without_duty["permission"][0]["duty"]
    assert not odrl.same_rules(without_duty, OFFER.policy)


def test_a_policy_in_an_unknown_context_is_not_linked_data() -> None:
    with pytest.raises(NotLinkedData, match=r"https://example\.org/c is none of the bundled ones"):
        odrl.same_rules({"permission": [{"@context": "https://example.org/c", "action": "use"}]}, OFFER.policy)


def test_an_offer_id_follows_from_its_terms_and_differs_for_each_recipient() -> None:
    terms = next(iter(catalog._singles([opening()])))
    assert odrl.offer(terms, ACME_DID) == odrl.offer(terms, ACME_DID)
    assert odrl.offer(terms, ACME_DID).id != odrl.offer(terms, "did:web:other").id


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(0), "PT0S"),
        (timedelta(minutes=15), "PT15M"),
        (timedelta(days=30), "P30D"),
        (timedelta(days=1, hours=2, seconds=3), "P1DT2H3S"),
    ],
)
def test_durations_are_day_time_durations(length: timedelta, text: str) -> None:
    assert odrl.duration(length) == text


def test_messages_name_no_context_but_that_of_the_standard() -> None:
    _, body = messages.negotiation_message(n.Say.AGREEMENT, negotiation(), agreement(), "")
    assert body["@context"] == [DSPACE]
    operands = [c["leftOperand"] for c in body["agreement"]["permission"][0]["constraint"]]
    assert all(o.startswith((odrl.ODRL, odrl.OWN_OPERANDS)) for o in operands)


SCOPED = {"p": {"@id": "https://e.org/p", "@context": {f"t{n}": f"https://e.org/{n}" for n in range(50)}}}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"@context": [DSPACE, SCOPED], "p": [{"t1": 1}] * 50}, "inside the definition of a term"),
        ({"offer": {"@context": [SCOPED], "p": [{"t1": 1}] * 50}}, "inside the definition of a term"),
        ({"@context": [DSPACE, {f"t{n}": f"https://e.org/{n}" for n in range(257)}]}, "256 terms"),
        ({"offer": {"permission": [{"action": "use"}] * 400}}, "400 objects"),
        ({"offer": [{"@context": [DSPACE]}] * 16}, "16 contexts"),
        ({"offer": {"odrl:x": [0] * 2001}}, "2000 values"),
        ({"offer": {"@type": ["Catalog", "TransferRequestMessage"] * 100}}, "2 for each @type"),
        ({"offer": {"@type": ["http://www.w3.org/ns/dcat#Catalog"] * 200}}, "2 for each @type"),
        ({"offer": {"@type": ["dcat:Catalog"] * 200}}, "2 for each @type"),
    ],
)
def test_a_message_whose_expansion_would_cost_a_product_is_refused_by_rule(changes: dict[str, Any], rule: str) -> None:
    message = {"@context": [DSPACE], "@type": "ContractRequestMessage", "odrl:x": 1}
    assert compacted(message)["@type"] == "ContractRequestMessage"
    with pytest.raises(NotLinkedData, match=rule):
        compacted(message | changes)


def test_a_policy_that_is_compared_has_few_objects_and_values() -> None:
    rule = {"action": "use", "constraint": [{"leftOperand": "x"}] * 40}
    for much in ({"permission": [rule, rule]}, {"permission": [{"action": [str(number) for number in range(401)]}]}):
        with pytest.raises(NotLinkedData, match="more than"):
            odrl.same_rules(much, OFFER.policy)
    assert odrl.same_rules(OFFER.policy, OFFER.policy)


def test_in_the_standards_own_names_a_message_may_have_more_objects() -> None:
    message = {"@context": [DSPACE], "@type": "Catalog", "dataset": [{"@id": str(n)} for n in range(2000)]}
    assert compacted(message) is message
