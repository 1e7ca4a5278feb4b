"""What an operator takes away on a disk that takes nothing: in force at once, owed until it is written, and said so."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import NotRemembered, StoreFull
from gateway.registry.boxes import ANY_METER, Certificate
from policies.roles import Role
from policies.terms import FAR_FUTURE
from tests.gateway.house import ACME, House, house

MARK = "ab" * 32
SECRET = "a long secret"


async def furnished(home: House) -> tuple[str, str]:
    g = home.gateway
    who = await home.household()
    await g.clients.put("c", ACME, ["read"], SECRET)
    await g.registry.boxes.keep_certificate(Certificate(MARK, "ven", "v", FAR_FUTURE))
    return await g.registry.boxes.add_box({ANY_METER: who}), await g.sessions.start(Role.HOUSEHOLD, who)


Act = Callable[[House, str, str], Awaitable[object]]
Stands = Callable[[House, str, str, str | None], bool]
ACTS: dict[str, tuple[Act, Stands]] = {
    "a client is deleted": (
        lambda h, _b, _c: h.gateway.clients.remove("c"),
        lambda h, _b, _c, _t: h.gateway.clients.get("c") is not None,
    ),
    "tokens are revoked": (
        lambda h, _b, _c: h.gateway.clients.revoke("c"),
        lambda h, _b, _c, turn: h.gateway.clients.turn("c") == turn,
    ),
    "a certificate is revoked": (
        lambda h, _b, _c: h.gateway.registry.boxes.revoke(MARK),
        lambda h, _b, _c, _t: h.gateway.registry.boxes.certificate(MARK) is not None,
    ),
    "a box is revoked": (
        lambda h, box, _c: h.gateway.registry.boxes.revoke_box(box),
        lambda h, box, _c, _t: h.gateway.registry.boxes.subject_of(box, "m") is not None,
    ),
    "somebody logs out": (
        lambda h, _b, cookie: h.gateway.sessions.end(cookie),
        lambda h, _b, cookie, _t: h.gateway.sessions.find(cookie) is not None,
    ),
}


@pytest.mark.parametrize("what", ACTS)
async def test_what_was_taken_away_and_could_not_be_written_is_in_force_and_is_written_when_it_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    act, stands = ACTS[what]
    async with house(tmp_path) as home:
        box, cookie = await furnished(home)
        turn = home.gateway.clients.turn("c")
        assert stands(home, box, cookie, turn)
        with monkeypatch.context() as disk:
            full(home, disk)
            with pytest.raises(NotRemembered, match="in force, but it cannot be recorded"):
                await act(home, box, cookie)
            assert not stands(home, box, cookie, turn)
            await home.gateway.pins._write_owed()
            assert len(home.gateway.pins.faults) == 1
        await home.gateway.pins._write_owed()
        assert home.gateway.pins.faults == []
    async with house(tmp_path) as home:
        assert not stands(home, box, cookie, turn)
        assert home.gateway.pins.faults == []


def full(home: House, disk: pytest.MonkeyPatch) -> None:
    """Also of what is kept for endings."""

    async def write(*_: Any, **__: Any) -> None:
        raise StoreFull("full")

    disk.setattr(home.store, "write", write)


async def test_what_comes_after_it_is_written_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(tmp_path) as home:
        await furnished(home)
        with monkeypatch.context() as disk:
            full(home, disk)
            with pytest.raises(NotRemembered):
                await home.gateway.clients.revoke("c")
            with pytest.raises(StoreFull):
                await home.gateway.clients.change("c", ACME, ["write"])
        await home.gateway.clients.change("c", ACME, ["write"])
        turn = home.gateway.clients.turn("c")
    async with house(tmp_path) as home:
        client = home.gateway.clients.get("c")
        assert client is not None
        assert (client.scopes, home.gateway.clients.turn("c")) == (frozenset({"write"}), turn)


async def test_a_stop_writes_what_is_owed_if_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(tmp_path) as home:
        await furnished(home)
        with monkeypatch.context() as disk:
            full(home, disk)
            with pytest.raises(NotRemembered):
                await home.gateway.clients.remove("c")
        await home.gateway.pins.close()
    async with house(tmp_path) as home:
        assert home.gateway.clients.get("c") is None
