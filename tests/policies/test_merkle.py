"""Trees of RFC 9162 against published vectors and, for every small tree, against the definitions read word by word.

The vectors are those of Google's certificate-transparency (``merkle/log_verifier_test.go`` of google/trillian,
Apache-2.0; the same numbers as in ``merkle_tree_test.cc`` of google/certificate-transparency).
"""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import merkle
from policies.ledger import leaf

INPUTS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
LEAVES = [leaf(bytes.fromhex(each)) for each in INPUTS]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
_ZERO = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
_ONE = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
_PAIR = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
_UPPER = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
_FIVE = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
_SEVENTH = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
_LOWER = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
_SIXTH = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"


def parts(leaves: Sequence[bytes]) -> merkle.Subtree:
    return lambda begin, end: merkle.root(leaves[begin:end])


def hexed(path: Sequence[bytes]) -> list[str]:
    return [each.hex() for each in path]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_that_were_published(size: int) -> None:
    assert merkle.root(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(
    ("number", "size", "path"),
    [
        (1, 1, []),
        (1, 8, [_ONE, _PAIR, _UPPER]),
        (6, 8, [_FIVE, _SEVENTH, _LOWER]),
        (3, 3, [ROOTS[2]]),
        (2, 5, [_ZERO, _PAIR, _FIVE]),
    ],
)
def test_inclusion_proofs_are_those_that_were_published(number: int, size: int, path: list[str]) -> None:
    assert hexed(merkle.inclusion(number - 1, size, parts(LEAVES))) == path
    proof, head = [bytes.fromhex(each) for each in path], bytes.fromhex(ROOTS[size])
    assert merkle.proves_inclusion(LEAVES[number - 1], number - 1, size, proof, head)


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [(1, 1, []), (1, 8, [_ONE, _PAIR, _UPPER]), (6, 8, [_SIXTH, _SEVENTH, _LOWER]), (2, 5, [_PAIR, _FIVE])],
)
def test_consistency_proofs_are_those_that_were_published(first: int, second: int, path: list[str]) -> None:
    assert hexed(merkle.consistency(first, second, parts(LEAVES))) == path
    proof, heads = [bytes.fromhex(each) for each in path], [bytes.fromhex(ROOTS[n]) for n in (first, second)]
    assert merkle.proves_consistency(first, second, proof, *heads)


def by_the_letter(inputs: Sequence[bytes]) -> bytes:
    """MTH of section 2.1.1, by its recursion."""
    if not inputs:
        return sha256(b"").digest()
    if len(inputs) == 1:
        return sha256(b"\x00" + inputs[0]).digest()
    k = 1
    while k * 2 < len(inputs):
        k *= 2
    return sha256(b"\x01" + by_the_letter(inputs[:k]) + by_the_letter(inputs[k:])).digest()


def path_by_the_letter(m: int, inputs: Sequence[bytes]) -> list[bytes]:
    """PATH of section 2.1.3.1."""
    if len(inputs) == 1:
        return []
    k = 1
    while k * 2 < len(inputs):
        k *= 2
    if m < k:
        return [*path_by_the_letter(m, inputs[:k]), by_the_letter(inputs[k:])]
    return [*path_by_the_letter(m - k, inputs[k:]), by_the_letter(inputs[:k])]


def proof_by_the_letter(m: int, inputs: Sequence[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of section 2.1.4.1."""
    if m == len(inputs):
        return [] if whole else [by_the_letter(inputs)]
    k = 1
    while k * 2 < len(inputs):
        k *= 2
    if m <= k:
        return [*proof_by_the_letter(m, inputs[:k], whole), by_the_letter(inputs[k:])]
    return [*proof_by_the_letter(m - k, inputs[k:], False), by_the_letter(inputs[:k])]


@pytest.mark.parametrize("size", range(1, 34))
def test_roots_and_proofs_of_every_small_tree_are_those_of_the_definitions(size: int) -> None:
    inputs = [b"%d" % n for n in range(size)]
    leaves = [leaf(each) for each in inputs]
    of, head = parts(leaves), merkle.root(leaves)
    assert head == by_the_letter(inputs)
    for n in range(size):
        path = merkle.inclusion(n, size, of)
        assert path == path_by_the_letter(n, inputs)
        assert merkle.proves_inclusion(leaves[n], n, size, path, head)
        for other in {*range(size)} - {n}:
            assert not merkle.proves_inclusion(leaves[n], other, size, path, head)
        proof, before = merkle.consistency(n + 1, size, of), merkle.root(leaves[: n + 1])
        assert proof == proof_by_the_letter(n + 1, inputs)
        assert merkle.proves_consistency(n + 1, size, proof, before, head)


def bent(path: Sequence[bytes]) -> list[list[bytes]]:
    """A proof with one part changed, left out or put in."""
    other = leaf(b"other")
    changed = [[*path[:n], other, *path[n + 1 :]] for n in range(len(path))]
    shorter = [[*path[:n], *path[n + 1 :]] for n in range(len(path))]
    return [*changed, *shorter, *[[*path[:n], other, *path[n:]] for n in range(len(path) + 1)]]


@given(st.integers(1, 70), st.data())
def test_a_proof_that_was_changed_proves_nothing(size: int, data: st.DataObject) -> None:
    leaves = [leaf(b"%d" % n) for n in range(size)]
    n, of, head = data.draw(st.integers(0, size - 1)), parts(leaves), merkle.root(leaves)
    path, proof, before = (
        merkle.inclusion(n, size, of),
        merkle.consistency(n + 1, size, of),
        merkle.root(leaves[: n + 1]),
    )
    for wrong in bent(path):
        assert not merkle.proves_inclusion(leaves[n], n, size, wrong, head)
    for wrong in bent(proof):
        assert not merkle.proves_consistency(n + 1, size, wrong, before, head)
    assert not merkle.proves_inclusion(leaf(b"other"), n, size, path, head)
    assert not merkle.proves_inclusion(leaves[n], n, size, path, merkle.EMPTY)
    assert not merkle.proves_consistency(n + 1, size, proof, merkle.EMPTY, head)
    assert not merkle.proves_consistency(n + 1, size, proof, before, merkle.EMPTY)


def test_what_is_in_no_tree_is_proved_by_nothing() -> None:
    one = merkle.root(LEAVES[:1])
    assert not merkle.proves_inclusion(LEAVES[0], 0, 0, [], merkle.EMPTY)
    assert not merkle.proves_inclusion(LEAVES[0], -1, 1, [], one)
    assert not merkle.proves_consistency(0, 1, [], merkle.EMPTY, one)
    assert not merkle.proves_consistency(2, 1, [], one, one)
    assert not merkle.proves_consistency(3, 4, [], one, one)
