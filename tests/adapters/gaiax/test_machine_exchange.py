"""What both machines have in common: what happens to a message of ours, and two machines that talk by a bad line."""

import ast
import hashlib
from itertools import count
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.gaiax import dsp
from adapters.gaiax.dsp import exchange, messages, negotiations
from adapters.gaiax.dsp import negotiation as n
from adapters.gaiax.dsp import transfer as t
from adapters.gaiax.dsp.agreements import Wish
from adapters.gaiax.dsp.conduct import OurConduct
from adapters.gaiax.dsp.outcome import Before, Due, Incoming, Outcome, Us
from adapters.gaiax.dsp.process import Agreement, Negotiation
from adapters.gaiax.dsp.words import Side
from tests.adapters.gaiax.harness import opening
from tests.adapters.gaiax.machines import (
    ACME,
    ACME_DID,
    LATER,
    OFFER,
    RULES,
    TARGET,
    US,
    WANTED,
    negotiation,
    transfer,
    unchanged,
)

PURE = ("negotiation", "transfer", "negotiations", "transfers", "agreements", "exchange", "outcome", "process",
        "conduct", "messages", "catalog", "words")  # fmt: skip
IMPURE = {"asyncio", "sqlalchemy", "aiohttp", "time", "random", "secrets", "uuid4", "structlog", "logging"}


@pytest.mark.parametrize("name", PURE)
def test_what_decides_neither_waits_nor_stores_nor_asks_a_clock(name: str) -> None:
    tree = ast.parse((Path(dsp.__file__).parent / f"{name}.py").read_text(encoding="utf-8"))
    imported: set[str] = set()
    for node in ast.walk(tree):
        assert not isinstance(node, (ast.AsyncFunctionDef, ast.Await)) or name == "catalog"  # the protocol of a shelf
        if isinstance(node, ast.Import):
            imported |= {each.name.split(".")[0] for each in node.names}
        if isinstance(node, ast.ImportFrom):
            imported |= {(node.module or "").split(".")[0], *(each.name for each in node.names)}
    shell = {"store", "connector", "inbound", "outbound", "consumer", "routes", "bells"}
    assert not imported & (IMPURE | shell)


@given(st.integers(100, 599), st.integers(0, 100))
def test_a_message_is_tried_again_where_that_helps_and_never_for_ever(status: int, tries: int) -> None:
    wait = exchange.again(status, tries)
    if status < 500 and status not in exchange.AGAIN:
        assert wait is None
    else:
        longest = exchange.LONGEST_NOT_FOUND if status == 404 else exchange.LONGEST_MESSAGE_WAIT
        most = exchange.MOST_NOT_FOUND if status == 404 else exchange.MESSAGE_TRIES
        assert (wait is None) == (tries + 1 >= most)
        assert wait is None or exchange.FIRST_MESSAGE_WAIT <= wait <= longest


def test_when_a_message_has_arrived_what_comes_next_is_said_unless_the_partner_was_faster() -> None:
    process = negotiation(Side.CONSUMER, state=n.State.AGREED, saying="1")
    done = exchange.settled(process, "1", "", US, accepted=True)
    assert (done.says, done.process and done.process.said) == ((n.Say.VERIFICATION,), "1")
    assert exchange.settled(process, "1", "", US, accepted=False).says == ()
    moved = negotiation(Side.CONSUMER, state=n.State.AGREED, saying="2")
    assert exchange.settled(moved, "1", "", US, accepted=True).says == ()
    again = negotiation(Side.CONSUMER, state=n.State.AGREED, said="1")
    unchanged(exchange.settled(again, "1", "", US, accepted=True), again)
    unchanged(exchange.settled(None, "1", "", US, accepted=True), None)


def test_a_first_request_that_brings_no_id_of_the_provider_ends_here() -> None:
    process = negotiation(Side.CONSUMER, partner_pid="", saying="1")
    refused = exchange.settled(process, "1", "", US, accepted=False)
    assert (refused.process and refused.process.state, refused.says) == ("TERMINATED", ())
    taken = exchange.settled(process, "1", "urn:uuid:p", US, accepted=True)
    assert taken.process is not None
    assert (taken.process.partner_pid, taken.process.state) == ("urn:uuid:p", "REQUESTED")
    fetching = transfer(Side.CONSUMER, partner_pid="", saying="1")
    ended = exchange.settled(fetching, "1", "", US, accepted=True)
    assert ended.process is not None
    assert ended.process.state is t.State.TERMINATED


# -- two machines


class Peer:
    """One side of a conversation: a machine, what it stores, and its outbox."""

    def __init__(self, did: str) -> None:
        self.us = Us(did, f"https://{did[8:]}", OurConduct())
        self.process: Negotiation | None = None
        self.agreement: Agreement | None = None
        self.outbox: list[tuple[str, str, str]] = []
        self._numbers = (f"{did} {number}" for number in count())

    def commit(self, outcome: Outcome[Negotiation]) -> Outcome[Negotiation]:
        for one in outcome.writes:
            if isinstance(one, Agreement):
                self.agreement = one
            elif isinstance(one, Negotiation):
                self.process = one
        self.outbox += [(next(self._numbers), say, outcome.why) for say in outcome.says]
        return outcome

    def speak(self) -> Outcome[Negotiation]:
        number, say, why = self.outbox[0]
        due = Due(say, number, why, LATER, "urn:uuid:agreed", "mgd-fresh")
        return self.commit(negotiations.speak(self.process, due, self.us, [opening()], self.agreement))

    def hear(self, partner: str, path: str, body: bytes) -> tuple[int, str]:
        """Status, and our id in the answer to a first request."""
        message = messages.read(body, msgspec.json.decode(body)["@type"])
        came = Incoming(message, partner, ACME, LATER, hashlib.sha256(path.encode() + body).hexdigest())
        if path == "/negotiations/request":
            outcome = negotiations.request(Before(self.process), came, WANTED, "urn:uuid:provider", self.us)
        else:
            say = n.Say(message.event.lower() or path.split("/", 3)[3].removeprefix("agreement/").removesuffix("s"))
            outcome = negotiations.hear(self.process, say, came, self.us)
        status = outcome.refusal.status if outcome.refusal else 200
        self.commit(outcome)
        return status, str((outcome.answer or {}).get("providerPid", ""))

    def deliver(self, other: "Peer", line: str) -> None:
        """Try the oldest message; ``line``: whether it, or the answer to it, is lost."""
        outcome = self.speak()
        if outcome.send is not None:
            path, body = outcome.send
            status, pid = other.hear(self.us.did, path, msgspec.json.encode(body)) if line != "lost" else (0, "")
            status = 0 if line == "answer lost" else status
            if exchange.again(status, 0) is not None:
                return
            number = self.outbox[0][0]
            self.commit(exchange.settled(self.process, number, pid, self.us, accepted=status == 200))
        del self.outbox[0]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["lost", "answer lost", "good"])), max_size=40))
def test_two_connectors_come_to_the_same_agreement_whatever_the_line_loses(line: list[tuple[bool, str]]) -> None:
    provider, consumer = Peer("did:web:provider.example"), Peer(ACME_DID)
    wish = Wish(provider.us.did, provider.us.address, TARGET, {"@id": OFFER.id, **RULES})
    consumer.commit(negotiations.begin("urn:uuid:consumer", wish, ACME, LATER))
    for turn, state in [*line, *[(True, "good"), (False, "good")] * 10]:
        speaker, listener = (consumer, provider) if turn else (provider, consumer)
        if speaker.outbox:
            speaker.deliver(listener, state)
    assert not provider.outbox
    assert not consumer.outbox
    assert provider.process is not None
    assert consumer.process is not None
    assert (provider.process.state, consumer.process.state) == ("FINALIZED", "FINALIZED")
    assert provider.process.agreement == consumer.process.agreement == "urn:uuid:agreed"
    assert provider.agreement is not None
    assert consumer.agreement is not None
    assert provider.agreement.policy == consumer.agreement.policy
