"""What is left of a household that was erased: which tables, by which law, and for how long. One table for all who ask.

The certificate and the page before the one confirmation say of it what there is of this household
(``gateway.consent.remains``), ``gateway.forgetting`` deletes by it, and a test searches store and keys for the
household's id and finds it here and nowhere else. Names, addresses and readings are in none
of it: their keys are gone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from meter_driver.instants import in_utc
from policies.retention import KEPT_EVIDENCE
from policies.terms import ONE_DAY, DetailClass

NOTICES_KEPT = ONE_DAY
"""A notice is delivered, or given up, within that time (``gateway.serve.outbox``)."""


@dataclass(frozen=True, slots=True)
class Holding:
    """One kind of thing that stays.

    Attributes:
        key: for the words of the page.
        what: as the certificate says it.
        law: by which it stays.
        tables: of the store.
        always: of every household that was erased; else of those of which there is something.
    """

    key: str
    what: str
    law: str
    tables: tuple[str, ...]
    always: bool = False


_CLAIMS = "GDPR Art. 5(2) and 17(3)(e)"
HOLDINGS: Sequence[Holding] = (
    Holding(
        "tenancy",
        "that a household was here: its place, begin and end, under a random id",
        _CLAIMS,
        ("tenancy",),
        always=True,
    ),
    Holding(
        "receipts",
        "receipts, with what was read before, and withdrawals, and this certificate",
        "GDPR Art. 5(2), 7(1) and 17(3)(e)",
        ("evidence",),
    ),
    Holding("certificate", "this certificate, under a pseudonym", _CLAIMS, ("evidence",)),
    Holding(
        "records",
        "records of grounds and requests, under a random id",
        _CLAIMS,
        ("ground", "ground_term", "permission_request"),
    ),
    Holding(
        "ledger",
        "its entries of the disclosure ledger, sealed, and in the key tree the key that opens them; of each entry a "
        "hash stays longer, which tells nothing of it",
        _CLAIMS,
        ("ledger", "pinned"),
        always=True,
    ),
    Holding(
        "dataspace",
        "agreements and negotiations of the data space about it, under the name by which each recipient knows it",
        _CLAIMS,
        ("dsp_process", "dsp_agreement", "dsp_token"),
    ),
    Holding(
        "points",
        "of each metering point a keyed hash and the day it was left: so that no earlier reading is taken for the next "
        "household's, and no list takes this one in again",
        "GDPR Art. 5(1)(d) and 6(1)(f)",
        ("point_left",),
    ),
    Holding(
        "figures",
        "in which neighbourhood figures it was counted, under a random id: so that no later one tells of a household",
        "GDPR Art. 5(1)(f) and 6(1)(f)",
        ("cohort_draw", "cohort_member"),
    ),
    Holding("access", "log of calls to the gateway, under a random id", "GDPR Art. 6(1)(f) and 32", ("access_log",)),
    Holding(
        "session", "the session in which the certificate is fetched, under a random id", "GDPR Art. 12(3)", ("session",)
    ),
    Holding(
        "endings",
        "that its grounds have ended and that it was erased, under a random id, beside each backup that can still be "
        "restored: so that no restore brings anything back",
        "GDPR Art. 5(1)(f) and 32",
        ("owed_ending",),
    ),
    Holding(
        "notices",
        "messages that its consents have ended and that it was erased, under a random id, until they are delivered",
        "GDPR Art. 19",
        ("notice",),
        always=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long things stay that the settings say it of. ``evidence``: limitation of claims.

    ``endings``: the window in which a backup can be restored. ``dataspace``: after the end of an agreement.
    """

    figures: timedelta
    access: timedelta
    session: timedelta
    endings: timedelta
    dataspace: timedelta
    evidence: timedelta = KEPT_EVIDENCE

    @classmethod
    def of(
        cls, days: Mapping[DetailClass, int], window: timedelta, *, access: int, session: int, dataspace: int
    ) -> "Lasting":
        """The others in days. Figures go with the last values that they could be worked out from."""
        figures = max(days[detail] for detail in (DetailClass.QUARTER, DetailClass.DAY))
        return cls((figures + 1) * ONE_DAY, access * ONE_DAY, session * ONE_DAY, window, dataspace * ONE_DAY)

    def time_of(self, holding: Holding) -> timedelta:
        """An agreement ends when its notice is delivered, and goes with the next round."""
        match holding.key:
            case "figures":
                return self.figures
            case "access":
                return self.access
            case "session":
                return self.session
            case "endings":
                return self.endings
            case "dataspace":
                return NOTICES_KEPT + self.dataspace + ONE_DAY
            case "notices":
                return NOTICES_KEPT
            case _:
                return self.evidence

    def until(self, holding: Holding, at: datetime) -> date:
        """The last day (UTC) on which something of it is there, of a household that was erased at an instant."""
        return in_utc(at + self.time_of(holding)).date()
