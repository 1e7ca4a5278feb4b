"""The ratchet against an independent chain of HMACs, and what cannot be made any more."""

import hashlib
import hmac
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.vault import ratchet
from policies.vault.ratchet import Chain, DayGone, Grain

SEED = bytes(range(32))
START = date(2026, 1, 15)
REACH = 800
days = st.integers(0, REACH).map(lambda n: START + timedelta(days=n))


def by_hand(day: date, seed: bytes = SEED, begin: date = START) -> bytes:
    """The construction once more, from its description: RFC 5869 with one block is one HMAC."""

    def step(key: bytes, label: bytes) -> bytes:
        return hmac.new(key, b"metergate ratchet 1 " + label + b"\x01", hashlib.sha256).digest()

    for _ in range((day.year - begin.year) * 12 + day.month - begin.month):
        seed = step(seed, b"month")
    key = step(seed, b"first day")
    for _ in range(day.day - 1):
        key = step(key, b"day")
    return step(key, b"use")


def keys(chain: Chain, some: set[date]) -> dict[date, bytes]:
    """What can be made."""
    found = {}
    for day in some:
        try:
            found[day] = ratchet.day_key(chain, day)
        except DayGone:
            continue
    return found


@given(days)
def test_a_day_key_is_the_chain_of_hmacs_that_the_page_describes(day: date) -> None:
    assert ratchet.day_key(ratchet.start(START, SEED), day) == by_hand(day)


@given(st.sets(days, min_size=1, max_size=12), days)
@settings(max_examples=60)
def test_expiry_takes_the_days_before_and_changes_no_other(some: set[date], first: date) -> None:
    chain = ratchet.expire(ratchet.start(START, SEED), first)
    assert keys(chain, some) == {day: by_hand(day) for day in some if day >= first}
    assert ratchet.oldest(chain) == first


@given(st.sets(days, min_size=1, max_size=12), st.sets(days, max_size=4), days)
@settings(max_examples=60)
def test_an_erased_day_is_gone_and_its_month_goes_on(some: set[date], erased: set[date], first: date) -> None:
    chain = ratchet.start(START, SEED)
    for day in erased:
        chain = ratchet.erase(chain, day)
    assert keys(chain, some | erased) == {day: by_hand(day) for day in some - erased}
    assert keys(ratchet.expire(chain, first), some) == {day: by_hand(day) for day in some - erased if day >= first}


@pytest.mark.parametrize("day", [date(2026, 3, 1), date(2026, 3, 31), date(2026, 2, 28), START])
def test_the_first_and_the_last_day_of_a_month_are_erased_without_their_neighbours(day: date) -> None:
    chain = ratchet.erase(ratchet.start(START, SEED), day)
    around = {START + timedelta(days=n) for n in range(90)}
    assert keys(chain, around) == {each: by_hand(each) for each in around if each != day}


def test_the_keys_of_an_erased_day_follow_from_no_link_that_is_left() -> None:
    chain = ratchet.erase(ratchet.start(START, SEED), date(2026, 4, 5))
    for link in chain:
        if link.kind is not Grain.DAY:
            assert link.begin > date(2026, 4, 5) or (link.end is not None and link.end <= date(2026, 4, 5))


def test_a_day_that_is_gone_is_told_without_naming_it() -> None:
    with pytest.raises(DayGone, match=r"^the day is not held$"):
        ratchet.day_key(ratchet.start(START, SEED), START - timedelta(days=1))


def test_expiry_never_gives_a_day_back() -> None:
    chain = ratchet.expire(ratchet.start(START, SEED), START + timedelta(days=40))
    assert ratchet.expire(chain, START) == chain


def test_fresh_randomness_ends_the_old_chain_and_begins_another() -> None:
    chain = ratchet.reseed(ratchet.start(START, SEED), date(2027, 1, 1), bytes(32))
    assert ratchet.day_key(chain, date(2026, 12, 31)) == by_hand(date(2026, 12, 31))
    assert ratchet.day_key(chain, date(2027, 3, 2)) == by_hand(date(2027, 3, 2), bytes(32), date(2027, 1, 1))
    old = chain[:-1]
    with pytest.raises(DayGone):
        ratchet.day_key(old, date(2027, 1, 1))


@pytest.mark.parametrize(
    ("first", "kinds"),
    [
        (START, [Grain.DAYS, Grain.MONTHS, Grain.MONTHS]),
        (date(2026, 2, 1), [Grain.MONTHS, Grain.MONTHS]),
        (date(2026, 12, 1), [Grain.DAYS, Grain.MONTHS]),
        (date(2026, 12, 31), [Grain.DAYS, Grain.MONTHS]),
        (date(2027, 1, 1), [Grain.MONTHS]),
        (date(2027, 3, 5), [Grain.DAYS, Grain.MONTHS]),
    ],
)
def test_expiry_holds_no_link_more_than_the_days_need(first: date, kinds: list[Grain]) -> None:
    """A link of no days would be a key that nobody needs; at its own begin a month is left as it is."""
    chain = ratchet.expire(ratchet.reseed(ratchet.start(START, SEED), date(2027, 1, 1), bytes(32)), first)
    assert [link.kind for link in chain] == kinds
    assert ratchet.oldest(chain) == first
    assert [link.end for link in chain] == [link.begin for link in chain[1:]] + [None]


def test_days_that_are_held_one_by_one_expire_one_by_one() -> None:
    chain = ratchet.erase(ratchet.start(START, SEED), date(2026, 1, 20))
    first = date(2026, 1, 22)
    assert ratchet.expire(chain, first) == tuple(link for link in chain if link.begin >= first)


def test_fresh_randomness_cannot_replace_a_month_that_may_be_in_use() -> None:
    with pytest.raises(ValueError, match=r"^fresh randomness comes after the newest month$"):
        ratchet.reseed(ratchet.start(START, SEED), date(2026, 2, 1), bytes(32))


@given(st.sets(days, max_size=3), days)
@settings(max_examples=40)
def test_a_chain_survives_its_encoding(erased: set[date], first: date) -> None:
    chain = ratchet.start(START, SEED)
    for day in erased:
        chain = ratchet.erase(chain, day)
    chain = ratchet.expire(chain, first)
    assert ratchet.decode(ratchet.encode(chain)) == chain


def test_a_chain_starts_from_32_bytes_and_is_whole() -> None:
    with pytest.raises(ValueError, match=r"^a chain starts from 32 random bytes$"):
        ratchet.start(START, b"short")
    with pytest.raises(ValueError, match=r"^a chain is a whole number of links$"):
        ratchet.decode(ratchet.encode(ratchet.start(START, SEED))[:-1])


@given(st.lists(st.integers(2, 14), min_size=1, max_size=4), st.integers(0, 1500))
def test_however_often_it_is_seeded_no_key_changes_and_expiry_keeps_the_rest(gaps: list[int], expired: int) -> None:
    first = date(2026, 1, 20)
    chain, seeds, month = ratchet.start(first, bytes(32)), [(first, bytes(32))], first
    for number, gap in enumerate(gaps, 1):
        for _ in range(gap):
            month = ratchet.next_month(month)
        seed = bytes([number]) * 32
        chain = ratchet.reseed(chain, month, seed)
        seeds.append((month.replace(day=1), seed))
    ends = [begin for begin, _ in seeds[1:]] + [None]
    assert [link.begin for link in chain if link.kind is Grain.MONTHS][-1] == seeds[-1][0]
    alone = {begin: ratchet.start(begin, seed) for begin, seed in seeds}
    days = [begin + timedelta(days=n) for begin, _ in seeds for n in (0, 1, 27, 31)]
    for day in days:
        begin = max(b for b, _ in seeds if b <= day)
        assert ratchet.day_key(chain, day) == ratchet.day_key(alone[begin], day)
    cut = first + timedelta(days=expired)
    left = ratchet.expire(chain, cut)
    assert ratchet.oldest(left) == max(cut, first)
    for day in days:
        if day >= cut:
            assert ratchet.day_key(left, day) == ratchet.day_key(chain, day)
        else:
            with pytest.raises(ratchet.DayGone):
                ratchet.day_key(left, day)
    assert [link.end for link in chain if link.end is None] == ends[-1:]
    assert all(link.kind in (Grain.MONTHS, Grain.DAYS) for link in chain)


def test_a_chain_of_nothing_has_no_oldest_day() -> None:
    assert ratchet.oldest(()) is None
    assert ratchet.expire((), date(2026, 1, 1)) == ()
    assert ratchet.reseed((), date(2026, 1, 1), bytes(32)) == ()
