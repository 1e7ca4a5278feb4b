"""Proofs of the ledger: of an entry, of a later ledger that begins with an earlier one; of books with a hole none."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.door import tree
from gateway.door.checkpoints import Checkpoint
from gateway.errors import BooksBroken
from policies import ledger as books
from policies import merkle
from policies.ledger import leaf
from policies.terms import ONE_DAY
from tests.gateway.door.test_chain import TURNED_ROUND, changed, filled
from tests.gateway.door.test_ledger import entry, rows, signed
from tests.gateway.house import House, house

SIZES = [*range(1, 20), 31, 32, 33]


@pytest.fixture(autouse=True)
def blocks_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a short ledger has many, of several levels."""
    monkeypatch.setattr(tree, "BLOCK_LEAVES", 4)
    monkeypatch.setattr(tree, "_LOWEST", 2)
    monkeypatch.setattr(tree, "_AT_ONCE", 2)


async def leaves_of(home: House) -> Sequence[bytes]:
    return [leaf(row.sealed) for row in await rows(home)]


async def head(home: House) -> Checkpoint:
    """Signed now."""
    await home.ledger.sign_checkpoint()
    assert home.ledger.checkpoints.newest is not None
    return home.ledger.checkpoints.newest


async def test_roots_and_proofs_of_every_size_are_those_of_all_leaves(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await filled(home, max(SIZES))
        leaves, own = await leaves_of(home), tree.LedgerTree(home.store, home.vault)
        for size in SIZES:
            whole = merkle.root(leaves[:size])
            assert await own.root(size) == whole
            found = await own.inclusion(list(range(1, size + 1)), size)
            for number, path in enumerate(found, 1):
                assert merkle.proves_inclusion(leaves[number - 1], number - 1, size, path, whole)
                between = await own.consistency(number, size)
                assert merkle.proves_consistency(number, size, between, merkle.root(leaves[:number]), whole)
        assert await own.root(0) == merkle.EMPTY


async def test_an_entry_that_is_not_signed_yet_is_signed_to_be_proved(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await filled(home, 5)
        first = await head(home)
        await filled(home, 2)
        for number in (3, 5):
            assert (await home.ledger.checkpoints.inclusion([number]))[0] == first
        found, [path] = await home.ledger.checkpoints.inclusion([6])
        assert found.number == 7
        assert merkle.proves_inclusion((await leaves_of(home))[5], 5, 7, path, found.root)


async def test_two_signed_heads_are_proved_to_be_one_ledger_also_after_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await filled(home, 6)
        first = await head(home)
        await filled(home, 7)
        await head(home)
    async with house(tmp_path) as home:
        assert home.ledger.checkpoints.newest is not None
        found = await home.ledger.checkpoints.consistency(6)
        assert found is not None
        assert (found.first, found.second) == (first, home.ledger.checkpoints.newest)
        assert merkle.proves_consistency(6, 13, found.path, found.first.root, found.second.root)
        assert await home.ledger.checkpoints.consistency(5) is None
        assert await home.ledger.checkpoints.consistency(6, 7) is None
        with pytest.raises(ValueError, match=r"^second: not before first$"):
            await home.ledger.checkpoints.consistency(13, 6)


async def test_entries_have_their_place_by_number_however_they_lie(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await filled(home, 7)
        leaves = await leaves_of(home)
        await changed(home, *TURNED_ROUND)
        assert await tree.LedgerTree(home.store, home.vault).root(7) == merkle.root(leaves)


CUT = {
    "the first": ("DELETE FROM ledger WHERE number = 1", "has a hole between entry 1 and 8"),
    "one in between": ("DELETE FROM ledger WHERE number = 6", "has a hole between entry 1 and 8"),
    "the last that was signed": ("DELETE FROM ledger WHERE number = 9", "has a hole between entry 9 and 9"),
    "altered": ("UPDATE ledger SET sealed = x'00' WHERE number = 6", "is not what was signed at entry 9"),
}


@pytest.mark.parametrize("cut", CUT)
async def test_of_books_with_a_hole_nothing_is_proved_and_no_head_is_signed(tmp_path: Path, cut: str) -> None:
    async with house(tmp_path) as home:
        await filled(home, 6)
        await head(home)
        await filled(home, 3)
        await head(home)
        await filled(home, 2)
        await changed(home, CUT[cut][0])
    async with house(tmp_path) as home:
        for number in (3, 8):
            with pytest.raises(BooksBroken, match=f"^the ledger {CUT[cut][1]}: metergate ledger verify$"):
                await home.ledger.checkpoints.inclusion([number])
        with pytest.raises(BooksBroken):
            await home.ledger.checkpoints.consistency(6)
        with pytest.raises(BooksBroken):
            await home.ledger.sign_checkpoint()
        assert [number for number, _ in await signed(home)] == [6, 9]


async def test_a_row_that_goes_while_the_gateway_runs_is_in_no_proof_that_needs_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await filled(home, 9)
        await head(home)
        await changed(home, CUT["one in between"][0])
        for number in (5, 6, 7, 8):
            with pytest.raises(BooksBroken, match="hole between entry 5 and 8: metergate ledger verify"):
                await home.ledger.checkpoints.inclusion([number])
        for number in (1, 2, 3, 4, 9):
            await home.ledger.checkpoints.inclusion([number])


async def test_a_head_of_before_roots_is_signed_again_with_its_root(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        for count in (2, 1):
            await filled(home, count)
            await head(home)
        await changed(home, """UPDATE checkpoint SET token = replace(token, '"root"', '"former"')""")
    async with house(tmp_path) as home:
        assert await home.ledger.checkpoints.consistency(3) is None
        found, _ = await home.ledger.checkpoints.inclusion([2])
        assert found.root == await tree.LedgerTree(home.store, home.vault).root(3)
        (_, former), (number, token) = await signed(home)
        assert (number, token["claims"]["root"]) == (3, found.root.hex())
        assert await home.ledger.checkpoints.consistency(3) is not None
        assert "root" not in former["claims"]
        assert await home.ledger.checkpoints.consistency(2) is None


async def test_a_head_that_lies_at_another_number_than_was_signed_proves_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await filled(home, 3)
        signed_at = await head(home)
        await changed(home, "UPDATE checkpoint SET number = 2")
        assert await home.ledger.checkpoints.at(2) == Checkpoint(2, b"", signed_at.token)
        assert await home.ledger.checkpoints.consistency(2) is None


async def test_of_a_ledger_without_entries_nothing_is_proved(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        with pytest.raises(BooksBroken, match=r"^the ledger has no entry$"):
            await home.ledger.checkpoints.inclusion([])


async def test_of_no_entries_the_head_that_was_signed_is_enough(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await filled(home, 1)
        first = await head(home)
        await filled(home, 1)
        assert await home.ledger.checkpoints.inclusion([]) == (first, [])


async def test_an_entry_that_was_forgotten_keeps_its_place_in_the_tree(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await filled(home, 6)
        before = await head(home)
        home.now += ONE_DAY
        await filled(home, 2)
        assert await home.ledger.forget_before(home.now) == 6
        await head(home)
        found = await home.ledger.checkpoints.consistency(6)
        assert found is not None
        assert found.first == before
        assert merkle.proves_consistency(6, 8, found.path, before.root, found.second.root)


async def test_what_a_household_is_shown_is_bound_to_its_leaf_and_salted(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.ledger.write([(who, entry(home)), (who, entry(home))])
        one, other = await home.ledger.page(who)
        assert one.entry == other.entry == entry(home)
        for each in (one, other):
            assert books.binds(each.sealed, each.plain)
            assert books.decode(each.plain) == each.entry
        assert not books.binds(one.sealed, other.plain)
        assert one.sealed[:32] != other.sealed[:32]
        one_salt, other_salt = (json.loads(each.plain)["salt"] for each in (one, other))
        assert (len(one_salt), len(other_salt)) == (32, 32)  # 128 bits, in hex
        assert one_salt != other_salt


async def test_an_entry_of_before_commitments_is_opened_and_binds_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        who = await home.household()
        await home.ledger.write([(who, entry(home))])
        await changed(home, "UPDATE ledger SET sealed = substr(sealed, 33)")
        [found] = await home.ledger.page(who)
        assert found.entry == entry(home)
        assert not books.binds(found.sealed, found.plain)
