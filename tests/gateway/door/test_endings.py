"""Each way in which a yes ends, before a reader that has stopped reading: not a byte more, in the whole product.

What is asked again is refused for the same reason; what still stands is not touched.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.gaiax.dsp.catalog import STREAM
from gateway.door.epochs import Epochs
from gateway.identity.sessions import CLEAR_COOKIE
from policies.roles import Listener, Role
from policies.terms import DetailClass, Level, SubjectId
from tests.gateway.books import entries_of
from tests.gateway.door.product import CLIENT, PULL, Product, Pulled, product
from tests.gateway.door.readers import reading
from tests.gateway.house import ACME, ENERGY, FEED

MINUTE = timedelta(minutes=1)
Act = Callable[[Product, SubjectId], Awaitable[object]]


async def withdrawal(scene: Product, who: SubjectId) -> None:
    await scene.gateway.consent.withdraw(who)


async def time(scene: Product, _: SubjectId) -> None:
    scene.now += 5 * MINUTE


async def client(scene: Product, _: SubjectId) -> None:
    await scene.gateway.clients.remove(CLIENT)


async def client_of_another(scene: Product, _: SubjectId) -> None:
    await scene.gateway.clients.put(CLIENT, None, [], "another secret of some length")


async def token(scene: Product, _: SubjectId) -> None:
    scene.now += 15 * MINUTE


async def revoked(scene: Product, _: SubjectId) -> None:
    await scene.gateway.clients.revoke(CLIENT)


async def profile(scene: Product, _: SubjectId) -> None:
    await scene.profile(quantities=frozenset({FEED}))


async def finer_profile(scene: Product, _: SubjectId) -> None:
    await scene.profile(finest=15 * MINUTE)


async def retention(scene: Product, _: SubjectId) -> None:
    await scene.gateway.retention.shorten(DetailClass.LIVE, 0)


ENDINGS: dict[str, tuple[Act, int, int]] = {
    "withdrawal": (withdrawal, 300 * 24 * 60, 403),
    "time": (time, 5, 403),
    "client": (client, 300 * 24 * 60, 401),
    "client of another": (client_of_another, 300 * 24 * 60, 403),
    "token": (token, 300 * 24 * 60, 401),
    "token revoked": (revoked, 300 * 24 * 60, 401),
    "profile": (profile, 300 * 24 * 60, 403),
    "profile, finest": (finer_profile, 300 * 24 * 60, 403),
    "retention": (retention, 300 * 24 * 60, 200),
}
"""What ends it; minutes for which the household agreed; what a fresh question is answered."""


@pytest.mark.parametrize("name", ENDINGS)
async def test_a_slow_reader_gets_no_byte_more(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    act, minutes, answer = ENDINGS[name]
    async with product(tmp_path, monkeypatch) as scene:
        who = await scene.household(until=scene.now + minutes * MINUTE)
        with reading(scene.port) as reader, reading(scene.port) as again:
            scene.ask(reader, who)
            already = await reader.stalled()
            await act(scene, who)
            await reader.reset()
            assert await reader.raw_rest() <= already
            scene.ask(again, who)
            await again.stalled(1)
            assert again.sock.recv(12) == f"HTTP/1.1 {answer}".encode()


HARMLESS: dict[str, Act] = {
    "another's withdrawal": lambda scene, _: another(scene),
    "a new secret": lambda scene, _: scene.gateway.clients.put(CLIENT, ACME, [], "another secret of some length"),
    "a wider profile": lambda scene, _: scene.profile(zones=("Z1",)),
    "a class it has nothing of": lambda scene, _: scene.gateway.retention.shorten(DetailClass.DAY, 0),
    "a shorter class that holds the day": lambda scene, _: scene.gateway.retention.shorten(DetailClass.LIVE, 1),
}


async def another(scene: Product) -> None:
    await scene.gateway.consent.withdraw(await scene.household(10))


@pytest.mark.parametrize("name", HARMLESS)
async def test_what_takes_nothing_from_it_lets_it_go_on(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with product(tmp_path, monkeypatch) as scene:
        who = await scene.household()
        with reading(scene.port) as reader:
            scene.ask(reader, who)
            await reader.stalled()
            await HARMLESS[name](scene, who)
            got = await reader.rest()
            assert got.endswith(b"\r\n0\r\n\r\n")
            assert got.count(b"measured") == 6000


# -- by the data space


async def pulled(scene: Product, form: str) -> tuple[SubjectId, Pulled]:
    who = await scene.household()
    return who, await scene.transfer(Level.INDIVIDUAL, scene.gateway.release.pseudonym(ACME, who), form)


async def test_a_reading_leaves_by_the_data_space_through_the_real_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[tuple[SubjectId, Pulled]] = []

    async def prepare(scene: Product) -> None:
        found.append(await pulled(scene, PULL))

    async with product(tmp_path, monkeypatch, prepare) as scene:
        who, transfer = found[0]
        with reading(scene.port, 1 << 16) as reader:
            transfer.ask(reader)
            got = await reader.rest()
        assert got.startswith(b"HTTP/1.1 200")
        assert b"\r\nCache-Control: no-store\r\n" in got
        assert got.count(b"measured") == 6000
        assert scene.gateway.release.pseudonym(ACME, who).encode() in got
        assert who.encode() not in got
        (entry, *_) = await entries_of(scene.gateway.ledger, who)
        assert (entry.kind, entry.recipient, entry.quantities) == ("release", "acme", (ENERGY,))
        assert entry.reference == transfer.agreement


async def trust(scene: Product, _: SubjectId) -> None:
    await scene.profile(did="")


async def midnight(scene: Product, _: SubjectId) -> None:
    scene.now += timedelta(days=7)


@pytest.mark.parametrize("form", [PULL, STREAM])
@pytest.mark.parametrize("act", [trust, midnight, withdrawal, profile])
async def test_a_slow_participant_gets_no_byte_more(
    act: Act, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[tuple[SubjectId, Pulled]] = []

    async def prepare(scene: Product) -> None:
        found.append(await pulled(scene, form))

    async with product(tmp_path, monkeypatch, prepare) as scene:
        who, transfer = found[0]
        with reading(scene.port) as reader:
            transfer.ask(reader)
            already = await reader.stalled()
            await act(scene, who)
            await reader.reset()
            assert await reader.raw_rest() <= already


def test_epochs_only_grow_and_unknown_grounds_are_at_nothing() -> None:
    epochs = Epochs()
    seen = [epochs.current("a"), epochs.flip("a"), epochs.flip("a"), epochs.current("b")]
    assert seen == [0, 1, 2, 0]


# -- one's own data


async def logout(scene: Product, _: SubjectId) -> None:
    await scene.gateway.sessions.end(scene.cookie)


async def other_sessions_end(scene: Product, who: SubjectId) -> None:
    await scene.gateway.sessions.end_all(who)


async def session_runs_out(scene: Product, _: SubjectId) -> None:
    scene.now += timedelta(days=scene.gateway.settings.limits.session_days)


async def erasure(scene: Product, who: SubjectId) -> None:
    await scene.gateway.household_end.erase(who, keep=scene.cookie)


@pytest.mark.parametrize("act", [logout, other_sessions_end, session_runs_out, erasure, retention])
async def test_ones_own_download_ends_with_the_session_with_the_erasure_and_with_the_days(
    act: Act, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with product(tmp_path, monkeypatch) as scene:
        who = await scene.household()
        scene.cookie = await scene.gateway.sessions.start(Role.HOUSEHOLD, who)
        with reading(scene.ports[Listener.PEOPLE]) as reader:
            reader.ask("/data/readings.csv", {"Cookie": f"{CLEAR_COOKIE}={scene.cookie}"})
            already = await reader.stalled()
            await act(scene, who)
            await reader.reset()
            assert await reader.raw_rest() <= already
