"""The words: periods, classes, roles, refusals."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.terms import (
    DPV,
    EVERYTHING,
    SAYS,
    DetailClass,
    Period,
    Purpose,
    Reason,
    Refusal,
    class_of,
)

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
instants = st.integers(0, 10**8).map(lambda seconds: BEGIN + timedelta(seconds=seconds))


@given(instants, instants, instants)
def test_a_period_holds_its_start_and_not_its_end(start: datetime, end: datetime, at: datetime) -> None:
    period = Period(start, end)
    assert period.contains(at) == (start <= at < end)
    assert period.empty == (not period.contains(start))
    assert not period.contains(end)


@given(instants, instants, instants, instants)
def test_covering_is_containing_every_instant_and_empty_is_never_covered(
    a: datetime, b: datetime, c: datetime, d: datetime
) -> None:
    outer, inner = Period(a, b), Period(c, d)
    covers = not inner.empty and inner.intersect(outer) == inner
    assert outer.covers(inner) == covers
    if covers:
        assert outer.contains(c)


def test_a_period_needs_a_zone() -> None:
    with pytest.raises(ValueError, match=r"^a period needs aware instants$"):
        Period(datetime(2026, 1, 1), datetime(2026, 1, 2, tzinfo=UTC))  # noqa: DTZ001 - that is the fault
    with pytest.raises(ValueError, match=r"^a period needs aware instants$"):
        Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2))  # noqa: DTZ001 - that is the fault


@pytest.mark.parametrize(
    ("minutes", "detail"),
    [
        (0, DetailClass.LIVE),
        (14, DetailClass.LIVE),
        (15, DetailClass.QUARTER),
        (20, DetailClass.LIVE),
        (45, DetailClass.QUARTER),
        (48, DetailClass.LIVE),
        (720, DetailClass.QUARTER),
        (1439, DetailClass.LIVE),
        (1440, DetailClass.DAY),
    ],
)
def test_the_coarsest_class_that_serves_is_opened(minutes: int, detail: DetailClass) -> None:
    assert class_of(timedelta(minutes=minutes)) is detail


def test_every_reason_has_a_sentence_and_a_refusal_has_a_reason() -> None:
    assert set(SAYS) == set(Reason)
    assert str(Refusal((Reason.WITHDRAWN, Reason.TOO_FINE))) == f"{SAYS[Reason.WITHDRAWN]}; {SAYS[Reason.TOO_FINE]}"
    with pytest.raises(ValueError, match=r"^a refusal needs a reason$"):
        Refusal(())


def test_every_purpose_has_a_term_of_dpv() -> None:
    assert all(p.dpv.startswith(DPV) and len(p.dpv) > len(DPV) for p in Purpose)
    assert Purpose.BILLING.dpv == "https://w3id.org/dpv#PaymentManagement"


def test_everything_holds_whatever_quantity_there_is() -> None:
    assert all(name in EVERYTHING for name in ("1-0:1.8.0*255", "energy", "", "not a quantity"))
