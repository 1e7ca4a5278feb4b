"""What is left of the ledger's entries when they are forgotten, and up to which signed head they are."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway.door import chain, tree
from gateway.door import ledger as module
from gateway.door.checkpoints import Checkpoints
from gateway.storage.tables.door import ledger
from policies.ledger import leaf
from policies.terms import ONE_DAY
from tests.gateway.door.test_chain import TURNED_ROUND, changed, filled
from tests.gateway.door.test_ledger import rows
from tests.gateway.house import House, PlainSigner, house


class Turned(PlainSigner):
    """Has another key now: whoever does not ask for what the former one signed gets nothing."""

    def verify(self, token: str, *, typ: str, former: bool = False) -> Mapping[str, Any] | None:
        return super().verify(token, typ=typ) if former else None


async def forgotten(home: House) -> list[int]:
    return [row.number for row in await rows(home) if row.subject_tag == chain.FORGOTTEN]


async def days(home: House, *counts: int) -> None:
    """On each day that many entries, and their head signed."""
    for count in counts:
        await filled(home, count)
        await home.ledger.sign_checkpoint()
        home.now += ONE_DAY


@pytest.mark.parametrize("turned", [[], TURNED_ROUND], ids=["as they came", "the wrong way round"])
async def test_the_first_entries_go_first_some_at_a_time_and_their_leaves_stay(
    tmp_path: Path, turned: list[str]
) -> None:
    async with house(tmp_path) as home:
        await filled(home, 5)
        before = [leaf(row.sealed) for row in await rows(home)]
        await changed(home, *turned)

        def act(connection: Connection) -> int:
            return chain.forget(connection, ledger.c.number <= 4, home.vault, most=3)

        for count, numbers in ((3, [1, 2, 3]), (1, [1, 2, 3, 4]), (0, [1, 2, 3, 4])):
            assert await home.store.write(act) == count
            assert await forgotten(home) == numbers
        assert [chain.leaf_of(row, home.vault) for row in await rows(home)] == before


@pytest.mark.parametrize("turned", [[], TURNED_ROUND], ids=["as they came", "the wrong way round"])
async def test_what_is_older_than_an_instant_ends_with_the_last_head_that_was_signed_before_it(
    tmp_path: Path, turned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "forget", partial(chain.forget, most=2))
    async with house(tmp_path) as home:
        first = home.now
        await days(home, 2, 1, 2, 1)
        await changed(home, *turned)
        assert await home.ledger.forget_before(first) == 0
        assert await home.ledger.forget_before(first + 3 * ONE_DAY) == 5
        assert await home.ledger.forget_before(first + 3 * ONE_DAY + timedelta(seconds=1)) == 1
        assert await forgotten(home) == [1, 2, 3, 4, 5, 6]


async def test_what_a_former_key_signed_is_a_head_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(tmp_path) as home:
        await days(home, 2, 1)
        monkeypatch.setattr(home.ledger, "_signer", Turned())
        assert (await home.ledger.verify()).fault == ""
        heads = Checkpoints(home.store, tree.LedgerTree(home.store, home.vault), Turned(), lambda: home.now)
        assert await heads.at(2) == await home.ledger.checkpoints.at(2)
        assert await home.ledger.forget_before(home.now) == 3
