"""The chain over ciphertext: nothing can be changed, left out or put in without being seen."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from policies import ledger
from policies.terms import Grant, Level, Period, Purpose, Recipient, SubjectId


def test_the_construction_is_the_one_that_the_docstring_names() -> None:
    """An independent computation, so that a stranger's verifier agrees with ours."""
    leaf = sha256(b"\x00" + b"sealed").digest()
    first = sha256(b"\x01" + bytes(32) + (1).to_bytes(8, "big") + leaf).digest()
    second = sha256(b"\x01" + first + b"\x00" * 7 + b"\x02" + leaf).digest()
    assert ledger.leaf(b"sealed") == leaf
    assert ledger.link((0, ledger.GENESIS), b"sealed") == (1, first)
    assert ledger.link((1, first), b"sealed") == (2, second)


def test_an_entry_cannot_pose_as_a_link() -> None:
    first = ledger.link((0, ledger.GENESIS), b"a")
    assert ledger.leaf(b"\x01" + first[1]) != first[1]


def test_an_entry_is_padded_so_that_its_length_says_little() -> None:
    words: dict[str, Any] = {
        "kind": "release", "recipient": "r", "purpose": "forecast", "ground": "g", "ground_kind": "consent",
    }  # fmt: skip
    at = datetime(2026, 3, 1, tzinfo=UTC)

    def encoded(quantities: int) -> bytes:
        names = tuple(f"1-0:{n}.8.0*255" for n in range(quantities))
        entry = ledger.LedgerEntry(
            at=at, quantities=names, resolution=900.0, level="individual", start=at, end=at, **words
        )
        assert ledger.decode(ledger.encode(entry)) == entry
        return ledger.encode(entry)

    assert {len(encoded(n)) % 256 for n in range(20)} == {0}
    assert len(encoded(0)) == len(encoded(1))


def test_the_entry_of_a_grant_says_all_that_was_granted_and_under_which_ground() -> None:
    begin, hour = datetime(2026, 3, 1, tzinfo=UTC), timedelta(hours=1)
    grant = Grant(
        ground="g",
        subject=SubjectId("s" * 32),
        recipient=Recipient("org"),
        purpose=Purpose.FORECAST,
        quantities=frozenset({"energy", "1-0:2.8.0*255", "1-0:1.8.0*255"}),
        resolution=timedelta(minutes=15),
        level=Level.PSEUDONYMOUS,
        period=Period(begin, begin + hour),
        until=begin + 9 * hour,
        keep=timedelta(days=30),
        reference="agreement 7",
    )
    assert ledger.released(grant, begin + 2 * hour, ground_kind="contract") == ledger.LedgerEntry(
        kind="release",
        at=begin + 2 * hour,
        recipient="org",
        purpose="forecast",
        ground="g",
        ground_kind="contract",
        quantities=("1-0:1.8.0*255", "1-0:2.8.0*255", "energy"),
        resolution=900.0,
        level="pseudonymous",
        start=begin,
        end=begin + hour,
        reference="agreement 7",
    )
