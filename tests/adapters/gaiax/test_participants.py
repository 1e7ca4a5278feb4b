"""Who may call: a signed token of a participant, once, for us, in time; or a fixed token; nobody else."""

import asyncio
import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from adapters.gaiax.participants import Participants, authentication_keys, document_url, read_document
from adapters.gaiax.settings import Participant, read
from adapters.plugin import Reply
from metergate.testing.parties import FakeSigner
from policies.roles import Role
from tests.adapters.gaiax.harness import ACME, ACME_DID, House, gateway, member

US = "did:web:gateway.example"
THEIRS, STRANGER = FakeSigner(ACME_DID), FakeSigner("did:web:stranger.example")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with gateway(tmp_path) as house:
        member(house, THEIRS)
        yield house


def claims(now: datetime, **changes: Any) -> dict[str, Any]:
    given = {
        "iss": ACME_DID,
        "sub": ACME_DID,
        "aud": US,
        "iat": now.timestamp(),
        "exp": (now + timedelta(minutes=5)).timestamp(),
        "jti": str(now.timestamp()),
    }
    return {k: v for k, v in (given | changes).items() if v is not None}


def header(body: Mapping[str, Any], key: FakeSigner = THEIRS) -> str:
    return "Bearer " + key.sign(body, typ="JWT")


def trusting(house: House, **changes: Any) -> Participants:
    entry = Participant(**({"did": ACME_DID, "jwk": dict(THEIRS.jwk())} | changes))
    return Participants(house, [entry])


async def test_who_is_taken_off_the_list_is_nobody_until_put_back_also_after_a_restart(house: House) -> None:
    now = datetime.now(UTC)
    participants = trusting(house, organisation="acme")
    assert await participants.distrust(ACME_DID)
    assert house.recalled == [ACME], "what is on its way to it is called back"
    assert await participants.authenticate(header(claims(now))) is None
    again = trusting(house, organisation="acme")
    await again.load()
    assert await again.recipient(ACME_DID) is None
    assert again.listed() == [(ACME_DID, "acme", False)]
    assert await again.trust(ACME_DID)
    assert await again.authenticate(header(claims(now, jti="another"))) is not None
    assert not await again.trust(ACME_DID)
    assert not await again.distrust("did:web:unknown.example")


async def test_who_has_a_did_in_the_registry_is_taken_off_as_well(house: House) -> None:
    participants = Participants(house, [])
    assert await participants.recipient(ACME_DID) == ACME
    assert await participants.distrust(ACME_DID)
    assert await participants.recipient(ACME_DID) is None
    assert participants.listed() == [(ACME_DID, "", False)]


async def test_it_is_off_even_where_that_cannot_be_written_down(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(_: Any) -> None:
        raise OSError("no room")

    participants = trusting(house, organisation="acme")
    monkeypatch.setattr(house, "write", full)
    with pytest.raises(OSError, match="no room"):
        await participants.distrust(ACME_DID)
    assert not participants.trusted(ACME_DID)
    assert not participants.recorded(ACME_DID)
    assert house.recalled == [ACME]
    monkeypatch.undo()
    monkeypatch.setattr("adapters.gaiax.participants.TRUST_TRIED_EACH", 0)
    async with asyncio.TaskGroup() as group:
        loop = group.create_task(participants.run())
        while not participants.recorded(ACME_DID):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        loop.cancel()
    again = trusting(house, organisation="acme")
    await again.load()
    assert not again.trusted(ACME_DID)


@pytest.mark.rule("RFC 7519: short life, one audience, no replay")
async def test_a_participant_is_known_by_its_key_and_each_token_works_once(house: House) -> None:
    participants = trusting(house)
    token = header(claims(datetime.now(UTC)))
    caller = await participants.authenticate(token)
    assert caller is not None
    assert (caller.role, caller.recipient, caller.client) == (Role.PARTICIPANT, ACME, ACME_DID)
    assert await participants.authenticate(token) is None


async def test_an_entry_needs_an_organisation_of_its_own_or_of_the_registry_and_says_so(house: House) -> None:
    other = "did:web:other.example"
    participants = Participants(house, [Participant(did=other)])
    with capture_logs() as lines:
        assert await participants.recipient(other) is None
    setting = "adapters.gaiax.participants.organisation"
    assert setting in participants.untrusted(other)
    assert participants.untrusted("did:web:nobody.example") == "partner: not on the trust list"
    assert [line["setting"] for line in lines if line["event"] == "dsp.no_organisation"] == [setting]
    whole = Participants(house, [Participant(did=other, organisation="other")])
    assert await whole.recipient(other) == "other"
    assert await whole.distrust(other)
    assert whole.untrusted(other) == "partner: it was taken off the trust list"


Break = Callable[[datetime], Mapping[str, Any]]
BROKEN: dict[str, Break] = {
    "issued to somebody else": lambda now: {"aud": "did:web:other.example"},
    "without audience": lambda now: {"aud": None},
    "about somebody else": lambda now: {"sub": "did:web:other.example"},
    "by nobody we know": lambda now: {"iss": "did:web:other.example", "sub": "did:web:other.example"},
    "over": lambda now: {"exp": (now - timedelta(minutes=2)).timestamp()},
    "not begun": lambda now: {"nbf": (now + timedelta(minutes=2)).timestamp()},
    "from the future": lambda now: {"iat": (now + timedelta(minutes=2)).timestamp()},
    "living too long": lambda now: {"exp": (now + timedelta(hours=2)).timestamp()},
    "without end": lambda now: {"exp": None},
    "without number": lambda now: {"jti": None},
    "with an empty number": lambda now: {"jti": ""},
    "with an end that is no number": lambda now: {"exp": "soon"},
    "with an end that is no instant": lambda now: {"exp": 1e30},
}


@pytest.mark.rule("RFC 7519: short life, one audience, no replay")
@pytest.mark.parametrize("name", list(BROKEN))
async def test_one_broken_claim_and_the_caller_is_nobody(house: House, name: str) -> None:
    now = datetime.now(UTC)
    participants = trusting(house)
    assert await participants.authenticate(header(claims(now))) is not None
    assert await participants.authenticate(header(claims(now, **({"jti": "2"} | dict(BROKEN[name](now)))))) is None


@pytest.mark.parametrize("part", [0, 1])
async def test_a_token_that_is_nested_too_deep_is_nobody(house: House, part: int) -> None:
    parts = header(claims(datetime.now(UTC))).removeprefix("Bearer ").split(".")
    parts[part] = urlsafe_b64encode(b'{"a":' * 1200).rstrip(b"=").decode()
    assert await trusting(house).authenticate("Bearer " + ".".join(parts)) is None


def test_what_is_no_did_document_has_no_keys() -> None:
    for body in (b"", b"[" * 5000, b"\xff", b"1e400", b'{"id":"did:web:a","authentication":{}}'):
        assert read_document(body, "did:web:a") == {}


async def test_the_key_of_another_signs_for_nobody(house: House) -> None:
    assert await trusting(house).authenticate(header(claims(datetime.now(UTC)), STRANGER)) is None


async def test_an_unsigned_token_is_nobody(house: House) -> None:
    token = header(claims(datetime.now(UTC)))
    first, _, _ = token.removeprefix("Bearer ").split(".")
    body = token.removeprefix("Bearer ").split(".")[1]
    none = "eyJhbGciOiJub25lIn0"
    for forged in (f"{none}.{body}.", f"{first}.{body}.", f"{first}.{body}.AAAA"):
        assert await trusting(house).authenticate("Bearer " + forged) is None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=40) | st.binary(max_size=30).map(lambda b: f"Bearer {b.hex()}.{b.hex()}.{b.hex()}"))
async def test_any_other_header_is_nobody(text: str) -> None:
    class Nothing:
        pass

    participants = Participants(Nothing(), [])  # type: ignore[arg-type]
    assert await participants.authenticate(text) is None


async def test_a_fixed_token_stands_for_its_participant_word_for_word(house: House) -> None:
    digest = hashlib.sha256(b"opaque").hexdigest()
    mock = json.dumps({"clientId": "x", "region": "eu"})
    participants = Participants(
        house,
        [
            Participant(did="KIT", organisation="kit", token_sha256=digest),
            Participant(did="EDC", organisation="edc", token_sha256=hashlib.sha256(mock.encode()).hexdigest()),
        ],
    )
    kit, edc = await participants.authenticate("Bearer opaque"), await participants.authenticate(mock)
    assert kit is not None
    assert edc is not None
    assert (kit.recipient, kit.client, edc.recipient) == ("kit", "KIT", "edc")
    assert await participants.authenticate("Bearer opaque2") is None
    assert await participants.authenticate("Bearer ") is None


async def test_a_token_of_the_data_plane_speaks_for_nobody(house: House) -> None:
    caller = await trusting(house).authenticate("Bearer mgd-" + "0" * 64)
    assert caller is not None
    assert caller.role is Role.ANYONE


def document(key: FakeSigner) -> dict[str, Any]:
    method = {"id": key.kid, "type": "JsonWebKey", "controller": key.did, "publicKeyJwk": dict(key.jwk())}
    return {"id": key.did, "verificationMethod": [method], "authentication": [key.kid]}


async def test_a_key_is_fetched_once_and_pinned(house: House) -> None:
    participants = Participants(house, [])
    url = "https://acme.example/.well-known/did.json"
    house.http.replies[url] = Reply(200, {}, json.dumps(document(THEIRS)).encode())
    assert await participants.authenticate(header(claims(datetime.now(UTC)))) is not None
    other = FakeSigner(ACME_DID)
    house.http.replies[url] = Reply(200, {}, json.dumps(document(other)).encode())
    assert await participants.authenticate(header(claims(datetime.now(UTC)), other)) is None
    assert await participants.authenticate(header(claims(datetime.now(UTC), jti="again"))) is not None


@pytest.mark.parametrize("body", [b"", b"[]", b'{"id": "did:web:other"}', b'{"id": "did:web:acme.example"}'])
async def test_a_document_that_does_not_name_the_key_helps_nobody(house: House, body: bytes) -> None:
    house.http.replies["https://acme.example/.well-known/did.json"] = Reply(200, {}, body)
    assert await Participants(house, []).authenticate(header(claims(datetime.now(UTC)))) is None


@pytest.mark.rule("did:web 3.2: read")
@pytest.mark.parametrize(
    ("did", "url"),
    [
        ("did:web:w3c-ccg.github.io", "https://w3c-ccg.github.io/.well-known/did.json"),
        ("did:web:w3c-ccg.github.io:user:alice", "https://w3c-ccg.github.io/user/alice/did.json"),
        ("did:web:example.com%3A3000", "https://example.com:3000/.well-known/did.json"),
        ("did:key:z6Mk", ""),
        ("did:web:", ""),
        ("did:web:a%2F..%2Fb", ""),
        ("did:web:a:..:b", ""),
        ("did:web:a%40b", ""),
    ],
)
def test_a_did_names_the_place_of_its_document(did: str, url: str) -> None:
    assert document_url(did) == url


def test_keys_that_are_not_for_authentication_do_not_count() -> None:
    assert THEIRS.kid in authentication_keys(document(THEIRS), ACME_DID)
    assert authentication_keys({**document(THEIRS), "authentication": []}, ACME_DID) == {}


async def test_we_show_ourselves_as_the_partner_wants(house: House) -> None:
    edc = trusting(house, outgoing="edc-mock").header(ACME_DID)
    assert json.loads(edc)["clientId"] == US
    assert trusting(house).header(ACME_DID).startswith("Bearer ey")


@pytest.mark.parametrize(
    "table",
    [
        {"participants": [{"did": ""}]},
        {"participants": [{"did": "x", "token_sha256": "secret"}]},
        {"pause": -1},
        {"unknown": 1},
    ],
)
def test_wrong_settings_name_the_field_and_not_the_value(table: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="settings of gaiax: ") as error:
        read(table)
    assert "secret" not in str(error.value)
