"""Whether the ledger's chain is whole: what was cut out, altered, swapped or cut off is told."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from gateway.door import chain
from tests.gateway.door.test_ledger import entry
from tests.gateway.house import House, house


async def whole(home: House) -> str:
    """The fault; "" for none."""
    return (await home.ledger.verify()).fault


async def changed(home: House, *statements: str) -> None:
    def act(connection: Connection) -> None:
        for each in statements:
            connection.execute(text(each))

    await home.store.write(act)


async def filled(home: House, count: int) -> None:
    who = await home.household()
    for n in range(count):
        await home.ledger.write([(who, entry(home, reference=str(n)))])


async def test_a_chain_is_whole_from_the_first_entry_to_the_last(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        assert (await home.ledger.verify()).entries == 0
        await filled(home, 5)
        await home.ledger.sign_checkpoint()
        await filled(home, 2)
        found = await home.ledger.verify()
        assert (found.entries, found.fault) == (7, "")
        assert home.ledger.verified == found


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (["DELETE FROM ledger WHERE number = 1"], "hole: entry 1 is missing"),
        (["DELETE FROM ledger WHERE number = 3"], "hole: entry 3 is missing"),
        (["UPDATE ledger SET sealed = x'00' WHERE number = 3"], "altered"),
        (["UPDATE ledger SET hash = x'00' WHERE number = 3"], "altered"),
        (
            [
                "UPDATE ledger SET number = 99 WHERE number = 2",
                "UPDATE ledger SET number = 2 WHERE number = 3",
                "UPDATE ledger SET number = 3 WHERE number = 99",
            ],
            "altered",
        ),
        (["DELETE FROM ledger WHERE number >= 4"], "hole: it ends at entry 3, a signed head says 5"),
        (["UPDATE checkpoint SET token = replace(token, '5', '6')"], "signed head"),
    ],
)
async def test_what_was_cut_out_or_altered_is_told(tmp_path: Path, act: list[str], words: str) -> None:
    async with house(tmp_path) as home:
        await filled(home, 5)
        await home.ledger.sign_checkpoint()
        assert await whole(home) == ""
        await changed(home, *act)
        assert words in await whole(home)


async def test_a_long_chain_is_walked_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "WALKED_AT_ONCE", 2)
    async with house(tmp_path) as home:
        for _ in range(3):
            await filled(home, 2)
            await home.ledger.sign_checkpoint()
        found = await home.ledger.verify()
        assert (found.entries, found.fault) == (6, "")
        await changed(home, "UPDATE ledger SET sealed = x'00' WHERE number = 5")
        found = await home.ledger.verify()
        assert (found.entries, found.fault) == (4, "the ledger's chain is broken at entry 5: it was altered")


async def test_a_look_takes_some_rows_in_their_order_with_their_own_heads_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "WALKED_AT_ONCE", 2)
    async with house(tmp_path) as home:
        for _ in range(3):
            await filled(home, 2)
            await home.ledger.sign_checkpoint()
        stretch = await home.store.look(lambda connection: chain._after(2, connection))
        assert [row.number for row in stretch.rows] == [3, 4]
        assert list(stretch.heads) == [4]
        assert stretch.signed == 6


TURNED_ROUND = [
    statement
    for table in ("ledger", "checkpoint")
    for statement in (
        f"CREATE TABLE kept AS SELECT * FROM {table} ORDER BY number DESC",
        f"DROP TABLE {table}",
        f"ALTER TABLE kept RENAME TO {table}",
    )
]


async def test_rows_are_walked_by_number_however_they_lie(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await filled(home, 4)
        await changed(home, *TURNED_ROUND)
        assert await whole(home) == ""


HEAD = "place = 'ledger head'"
MISSING = "'s head is missing: nobody can tell whether it is whole"


@pytest.mark.gdpr("33")
@pytest.mark.parametrize(
    ("act", "words"),
    [
        (["DELETE FROM ledger WHERE number = 5"], " has a hole: it ends at entry 4, its head says 5"),
        (["DELETE FROM ledger"], " has a hole: it ends at entry 0, its head says 5"),
        ([f"DELETE FROM pinned WHERE {HEAD}"], MISSING),
        (
            [f"DELETE FROM pinned WHERE {HEAD}", "DELETE FROM ledger WHERE number = 5"],
            MISSING,
        ),
        ([f"UPDATE pinned SET sealed = zeroblob(200) WHERE {HEAD}"], "'s head was altered"),
    ],
)
async def test_a_tail_that_is_cut_off_is_noticed_before_a_head_was_signed(
    tmp_path: Path, act: list[str], words: str
) -> None:
    async with house(tmp_path) as home:
        await filled(home, 5)
        assert await whole(home) == ""
        await changed(home, *act)
        assert await whole(home) == f"the ledger{words}"


async def test_the_head_moves_with_every_entry_and_is_not_taken_anew_at_a_start(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        for _ in range(3):
            await filled(home, 2)
            assert await whole(home) == ""
        await changed(home, f"DELETE FROM pinned WHERE {HEAD}")
    async with house(tmp_path) as home:
        assert "head is missing" in await whole(home)


async def test_a_chain_of_before_heads_were_kept_is_taken_as_it_is_once(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.ledger.adopt()
        assert await whole(home) == ""
        await filled(home, 2)
        await changed(home, f"DELETE FROM pinned WHERE {HEAD}")
        await home.ledger.adopt()
        assert await whole(home) == ""
