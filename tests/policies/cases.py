"""Cases that must pass, to be broken one thing at a time."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from policies.grounds import Consent, Contract, Ground, LegalTask, Scope
from policies.terms import (
    Household,
    Level,
    Period,
    Purpose,
    Recipient,
    ReleaseRequest,
    SubjectId,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REGISTERS = ("1-0:1.8.0*255", "1-0:2.8.0*255", "1-0:1.7.0*255")
RESOLUTIONS = [timedelta(0), timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)]


@st.composite
def granted(draw: st.DrawFn, kind: type[Ground] | None = None) -> tuple[ReleaseRequest, Ground, datetime]:
    """A request, a ground that covers it with room on every side, and an instant at which it holds."""
    asked = frozenset(draw(st.sets(st.sampled_from(REGISTERS), min_size=1)))
    start = NOW - timedelta(hours=draw(st.integers(2, 1000)))
    period = Period(start, start + timedelta(hours=draw(st.integers(1, 1000))))
    resolution = draw(st.sampled_from(RESOLUTIONS[2:]))
    level = draw(st.sampled_from([Level.INDIVIDUAL, Level.PSEUDONYMOUS]))
    scope = Scope(
        recipient=Recipient("org"),
        purpose=draw(st.sampled_from(Purpose)),
        quantities=asked | frozenset(draw(st.sets(st.sampled_from(REGISTERS)))),
        resolution=draw(st.sampled_from([r for r in RESOLUTIONS if r <= resolution])),
        level=Level.INDIVIDUAL if level is Level.INDIVIDUAL else draw(st.sampled_from([level, Level.INDIVIDUAL])),
        values=Period(period.start - timedelta(days=draw(st.integers(0, 9))), period.end + timedelta(days=1)),
        validity=Period(NOW - timedelta(days=1), NOW + timedelta(days=draw(st.integers(1, 400)))),
        keep=timedelta(days=30),
    )
    subject = SubjectId("a" * 32)
    chosen = kind or draw(st.sampled_from([Consent, LegalTask, Contract]))
    ground: Ground
    if chosen is Consent:
        ground = Consent("g1", subject, scope, NOW - timedelta(days=1))
    elif chosen is LegalTask:
        ground = LegalTask("g1", subject, scope, "Some Act", "Art. 1", objectable=True)
    else:
        ground = Contract("g1", subject, scope)
    request = ReleaseRequest(
        scope.recipient, scope.purpose, Household(subject), asked, resolution, level, period, "ref"
    )
    return request, ground, NOW
