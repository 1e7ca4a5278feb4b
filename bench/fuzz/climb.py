"""Dearer inputs from good ones: a hill climb over mutations, the same for the same seed."""

from collections.abc import Callable, Iterator, Sequence
from random import Random

_TOKENS = (
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
    b":",
    b",",
    b"<",
    b">",
    b"/",
    b"&",
    b"0",
    b"9",
    b"e9",
    b"-",
    b".",
    b"\\u0000",
    b"\n",
    b" ",
    b"\x00",
    b"\xff",
    b"\x7e",
    b"\x68",
    b"\x1b",
    b"\x76",
    b"null",
    b"1e999999",
    b"(",
    b")",
    b"'",
    b"+",
    b"?",
)
_KEPT = 8


def mutated(data: bytes, others: Sequence[bytes], most: int, random: Random) -> bytes:
    """One change: a slice again and again, moved, left out, taken from another, or a token; never above ``most``."""
    at, to = sorted((random.randrange(len(data) + 1), random.randrange(len(data) + 1)))
    piece = data[at : min(to, at + random.choice((1, 4, 16, 64, 256, 4096)))]
    other = random.choice(others)
    begin = random.randrange(len(other) + 1)
    new = (
        lambda: data[:at] + piece * random.choice((2, 3, 10, 100, 1000)) + data[at + len(piece) :],
        lambda: data[:at] + piece * (max(0, most - len(data)) // max(1, len(piece))) + data[at:],
        lambda: data[:at] + data[at + len(piece) :],
        lambda: data[:at] + other[begin : begin + 256] + data[at:],
        lambda: data[:at] + random.choice(_TOKENS) + data[at:],
        lambda: data[:at] + random.choice(_TOKENS) * random.choice((1, 10, 1000)) + data[at + len(piece) :],
        lambda: data[:at] + bytes([random.randrange(256)]) + data[at + 1 :],
    )
    return random.choice(new)()[:most]


def climbed(
    seeds: Sequence[bytes], dear: Callable[[bytes], float], most: int, random: Random, more: Callable[[], bool]
) -> Iterator[bytes]:
    """Each input that is dearer than all before, while there is ``more`` to spend. ``dear``: cost of an input."""
    pool = sorted(((dear(seed[:most]), seed[:most]) for seed in seeds if seed), reverse=True)[:_KEPT]
    best = pool[0][0] if pool else 0.0
    while pool and more():
        _, parent = random.choice(pool)
        child = mutated(parent, [data for _, data in pool], most, random)
        cost = dear(child) if child else 0.0
        if cost > pool[-1][0] or len(pool) < _KEPT:
            pool = sorted([*pool, (cost, child)], reverse=True)[:_KEPT]
        if cost > best:
            best = cost
            yield child
