"""Which authorities a box trusts: those of its gateway, and none that somebody put beside the one of the pin."""

from edge.roots import fingerprint, merged, pinned, roots_of
from tests.edge.peer import Authority

FIRST, SECOND, EVIL = Authority().pem, Authority().pem, Authority().pem


def mark(pem: str) -> str:
    return fingerprint(roots_of(pem)[0])


def test_of_a_bundle_the_one_with_the_fingerprint_is_trusted_alone() -> None:
    for bundle in (FIRST + EVIL, EVIL + FIRST):
        assert pinned(bundle, mark(FIRST)) == FIRST
    assert pinned(EVIL, mark(FIRST)) is None


def test_what_is_held_stays_until_the_gateway_has_dropped_it() -> None:
    assert merged(FIRST, SECOND, []) == FIRST + SECOND
    assert merged(FIRST + SECOND, SECOND, [mark(FIRST)]) == SECOND
    assert merged(FIRST, FIRST, []) == FIRST
