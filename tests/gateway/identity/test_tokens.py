"""The signer, partners' tokens, clients' secrets."""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import msgspec
import pytest

from adapters.plugin import Client, TooManyTries
from gateway.errors import SettingsError
from gateway.identity.clients import CLIENTS_OF_ONE, HASHES_AT_ONCE, HASHES_OF_ONE, HASHES_WAITING, Clients
from gateway.identity.signer import GatewaySigner, did_of, renew_key
from gateway.identity.tokens import JWT_TYPE, Tokens
from policies.roles import Role
from policies.terms import Recipient
from tests.gateway.people_house import Time, people

ACME = Client("acme-1", Recipient("acme"), frozenset({"read", "write"}))


def signer(folder: Path) -> GatewaySigner:
    return GatewaySigner(folder, "https://gw.example:8445")


class Known(Clients):
    """One client, without a store."""

    def __init__(self) -> None:
        self.gone, self.word = False, "one"

    def turn(self, client_id: str) -> str | None:
        return self.word if self.get(client_id) else None

    def get(self, client_id: str) -> Client | None:
        return ACME if client_id == ACME.id and not self.gone else None


@pytest.mark.parametrize(
    ("url", "did"),
    [
        ("https://gw.example", "did:web:gw.example"),
        ("https://gw.example:8445", "did:web:gw.example%3A8445"),
        ("https://gw.example/a/b", "did:web:gw.example:a:b"),
    ],
)
def test_the_did_is_the_address_as_did_web_writes_it(url: str, did: str) -> None:
    assert did_of(url) == did


def test_the_signers_key_stays_the_same_and_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    first, second = signer(tmp_path), signer(tmp_path)
    assert first.jwk() == second.jwk()
    assert set(first.jwk()) == {"kty", "crv", "x", "y", "kid", "alg"}
    assert (tmp_path / "signer.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "signer.key").chmod(0o644)
    with pytest.raises(PermissionError):
        signer(tmp_path)


def test_what_was_signed_verifies_under_its_type_only(tmp_path: Path) -> None:
    mine = signer(tmp_path)
    token = mine.sign({"a": 1}, typ="receipt+jwt")
    assert mine.verify(token, typ="receipt+jwt") == {"a": 1}
    assert mine.verify(token, typ=JWT_TYPE) is None
    assert signer(tmp_path / "other").verify(token, typ="receipt+jwt") is None


def test_a_changed_token_never_verifies(tmp_path: Path) -> None:
    mine = signer(tmp_path)
    token = mine.sign({"a": 1}, typ=JWT_TYPE)
    for at in range(0, len(token), 3):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert mine.verify(changed, typ=JWT_TYPE) is None, at
    for other in (token[:-1], token + "A", token + "=", token + ".", token.rsplit(".", 1)[0] + ".", "", "..", "\udcff"):
        assert mine.verify(other, typ=JWT_TYPE) is None


def test_alg_none_and_a_foreign_alg_are_refused(tmp_path: Path) -> None:
    mine = signer(tmp_path)
    _, payload, signature = mine.sign({"a": 1}, typ=JWT_TYPE).split(".")
    for alg in ("none", "HS256", "ES384"):
        header = urlsafe_b64encode(msgspec.json.encode({"alg": alg, "typ": JWT_TYPE})).rstrip(b"=").decode()
        assert mine.verify(f"{header}.{payload}.{signature}", typ=JWT_TYPE) is None
        assert mine.verify(f"{header}.{payload}.", typ=JWT_TYPE) is None


def test_a_token_speaks_for_its_client_until_it_is_over(tmp_path: Path) -> None:
    time, clients = Time(), Known()
    tokens = Tokens(signer(tmp_path), clients, time, minutes=15)
    token = tokens.issue(ACME, frozenset({"read", "admin"}))
    for _ in range(2):
        caller = tokens.check(token)
        assert caller is not None
        assert (caller.role, caller.recipient, caller.scopes, caller.client) == (
            Role.PARTNER,
            "acme",
            frozenset({"read"}),
            "acme-1",
        )
    time.now += tokens.life
    assert tokens.check(token) is None


def test_a_token_dies_with_its_client(tmp_path: Path) -> None:
    clients = Known()
    tokens = Tokens(signer(tmp_path), clients, Time(), minutes=15)
    token = tokens.issue(ACME, frozenset({"read"}))
    assert tokens.check(token) is not None
    clients.gone = True
    assert tokens.check(token) is None


def test_tokens_are_revoked_together_and_a_new_one_is_good(tmp_path: Path) -> None:
    clients = Known()
    tokens = Tokens(signer(tmp_path), clients, Time(), minutes=15)
    token = tokens.issue(ACME, frozenset({"read"}))
    known = tokens.known(token)
    assert known is not None
    clients.word = "two"
    assert tokens.check(token) is None
    assert not known[1].still()
    assert tokens.check(tokens.issue(ACME, frozenset({"read"}))) is not None


async def test_a_revoked_token_stays_so_after_a_restart_and_under_a_client_of_the_same_name(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        await house.operator("PUT", "/api/organisations/acme", {"name": "Acme"})
        await house.operator("PUT", "/api/clients/acme-1", {"organisation": "acme", "scopes": ["read"]})
        client, tokens = house.gateway.clients.get("acme-1"), house.gateway.tokens
        assert client is not None
        revoked = tokens.issue(client, client.scopes)
        assert tokens.check(revoked) is not None
        await house.operator("POST", "/api/clients/acme-1/revoke-tokens")
        assert tokens.check(revoked) is None
        removed = tokens.issue(client, client.scopes)
    async with people(tmp_path) as house:
        tokens = house.gateway.tokens
        assert tokens.check(revoked) is None
        assert tokens.check(removed) is not None
        await house.operator("DELETE", "/api/clients/acme-1")
        await house.operator("PUT", "/api/clients/acme-1", {"organisation": "acme", "scopes": ["read"]})
        assert tokens.check(removed) is None
        async with house.browser.post(
            "/api/clients/nobody/revoke-tokens", headers={"Authorization": f"Bearer {house.token}"}
        ) as answer:
            assert answer.status == 404


def test_a_receipt_is_no_token(tmp_path: Path) -> None:
    mine = signer(tmp_path)
    tokens = Tokens(mine, Known(), Time(), minutes=15)
    payload = tokens.issue(ACME, frozenset()).split(".")[1]
    claims = msgspec.json.decode(urlsafe_b64decode(payload + "=="))
    assert tokens.check(mine.sign(claims, typ="receipt+jwt")) is None
    assert tokens.check(mine.sign(claims, typ=JWT_TYPE)) is not None
    assert tokens.check(mine.sign({**claims, "aud": "did:web:other"}, typ=JWT_TYPE)) is None


async def test_a_clients_secret_is_checked_by_its_hash_and_survives_a_restart(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        clients = house.gateway.clients
        await house.operator("PUT", "/api/organisations/acme", {"name": "Acme"})
        made = await house.operator("PUT", "/api/clients/acme-1", {"organisation": "acme", "scopes": ["read"]})
        secret = made["client_secret"]
        for _ in range(2):
            assert await clients.check("acme-1", secret) == Client("acme-1", Recipient("acme"), frozenset({"read"}))
        assert await clients.check("acme-1", secret + "x") is None
        assert await clients.check("nobody", secret) is None
    async with people(tmp_path) as house:
        clients = house.gateway.clients
        assert await clients.check("acme-1", secret) is not None
        await house.operator("DELETE", "/api/clients/acme-1")
        assert await clients.check("acme-1", secret) is None
    assert secret.encode() not in (tmp_path / "data" / "store.db").read_bytes()


async def test_wrong_secrets_of_one_client_at_one_address_are_refused_beyond_a_count(tmp_path: Path) -> None:
    async with people(tmp_path, login_wrong_per_minute=5) as house:
        clients = house.gateway.clients
        right = {name: await clients.put(name, None, []) for name in ("acme-1", "acme-2")}
        for client in ("acme-1", "unknown"):
            for _ in range(5):
                assert await clients.check(client, "wrong", "2001:db8::1") is None
            with pytest.raises(TooManyTries) as refused:
                await clients.check(client, right["acme-1"], "2001:db8::2")  # of the same /64
            assert 1 <= refused.value.seconds <= 61
        assert await clients.check("acme-2", right["acme-2"], "2001:db8::1") is not None
        assert await clients.check("acme-1", right["acme-1"], "2001:db8:0:1::1") is not None


async def test_wrong_secrets_that_come_at_once_are_counted_too(tmp_path: Path) -> None:
    async with people(tmp_path, login_wrong_per_minute=5) as house:
        tries = (house.gateway.clients.check("acme-1", "wrong", "192.0.2.1") for _ in range(20))
        said = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(each is None for each in said) < 5 + HASHES_AT_ONCE
        assert {type(each) for each in said} == {type(None), TooManyTries}


async def test_a_flood_of_secrets_is_turned_away_at_once_and_a_client_that_was_right_goes_on(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        clients = house.gateway.clients
        secret = await clients.put("acme-1", None, [])
        assert await clients.check("acme-1", secret, "192.0.2.1") is not None
        addresses = [f"198.51.100.{number % 9}" for number in range(1000)]
        tries = (clients.check(f"x{number}", "wrong", each) for number, each in enumerate(addresses))
        flood = asyncio.gather(*tries, return_exceptions=True)
        await asyncio.sleep(0)
        assert await clients.check("acme-1", secret, "198.51.100.1") is not None
        said = await flood
        turned = [each for each in said if isinstance(each, TooManyTries)]
        assert len(said) - len(turned) == HASHES_WAITING
        assert {each.busy for each in turned} == {True}
        assert min(each.seconds for each in turned) >= 1
        assert await clients.check("x1", "wrong", "198.51.100.1") is None  # the line is empty again


async def test_one_address_takes_a_part_of_the_line_only(tmp_path: Path) -> None:
    async with people(tmp_path) as house:
        clients = house.gateway.clients
        tries = (clients.check(f"x{number}", "wrong", "192.0.2.1") for number in range(100))
        flood = asyncio.gather(*tries, return_exceptions=True)
        await asyncio.sleep(0)
        assert await clients.check("acme-1", "wrong", "192.0.2.2") is None
        said = await flood
        assert [getattr(each, "busy", None) for each in said].count(False) == 100 - HASHES_OF_ONE


async def test_who_tries_many_names_at_an_address_waits_and_learns_of_none_whether_it_is_known(tmp_path: Path) -> None:
    async with people(tmp_path, login_wrong_per_minute=5) as house:
        clients = house.gateway.clients
        used, fresh = await clients.put("used", None, []), await clients.put("fresh", None, [])
        assert await clients.check("used", used, "192.0.2.1") is not None
        for number in range(5 * CLIENTS_OF_ONE):
            assert await clients.check(f"x{number}", "wrong", "192.0.2.1") is None
        for name, secret in (("fresh", "wrong"), ("fresh", fresh), ("unknown", "wrong"), ("used", "wrong")):
            with pytest.raises(TooManyTries) as refused:
                await clients.check(name, secret, "192.0.2.1")
            assert (refused.value.busy, refused.value.seconds > 1) == (False, True)
        assert await clients.check("used", used, "192.0.2.1") is not None
        assert await clients.check("fresh", fresh, "192.0.2.2") is not None
        for _ in range(4):  # no way round the count of one client by the quick hash
            with pytest.raises(TooManyTries):
                await clients.check("used", "wrong", "192.0.2.1")
        with pytest.raises(TooManyTries):
            await clients.check("used", used, "192.0.2.1")


def test_another_key_signs_from_the_next_start_on_and_what_the_former_signed_stays_valid(tmp_path: Path) -> None:
    before = signer(tmp_path)
    head = before.sign({"number": 1}, typ="head")
    renew_key(tmp_path)
    now = signer(tmp_path)
    assert now.kid != before.kid
    assert list(now.former()) == [before.jwk()]
    assert now.verify(head, typ="head", former=True) == {"number": 1}
    assert before.verify(now.sign({}, typ="head"), typ="head", former=True) is None
    renew_key(tmp_path)
    assert [jwk["kid"] for jwk in signer(tmp_path).former()] == [now.kid, before.kid]


def test_a_former_key_lets_nobody_in(tmp_path: Path) -> None:
    before = signer(tmp_path)
    token = Tokens(before, Known(), Time(), minutes=15).issue(ACME, frozenset({"read"}))
    assert Tokens(signer(tmp_path), Known(), Time(), minutes=15).check(token) is not None
    renew_key(tmp_path)
    assert Tokens(signer(tmp_path), Known(), Time(), minutes=15).check(token) is None


def test_nothing_private_of_a_former_key_is_kept(tmp_path: Path) -> None:
    signer(tmp_path)
    renew_key(tmp_path)
    (kept,) = msgspec.json.decode((tmp_path / "signer.former.json").read_bytes())
    assert "d" not in kept


def test_where_no_key_was_there_is_none_to_renew(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the first start makes one"):
        renew_key(tmp_path)
