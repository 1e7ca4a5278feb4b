"""What is stored at all, by table: the record of processing (GDPR Art. 30) is made from it. Pure.

What of it an erasure leaves, and until when, is ``policies.holdings``. A test compares both with the tables of a store.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class ToldOf(StrEnum):
    """Who is told of by it."""

    HOUSEHOLDS = "households"
    ORGANISATIONS = "organisations and their machines"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class KeptFor:
    """What the settings say: days, and hours of the window of a backup. ``evidence``: in days."""

    live: int
    quarter: int
    day: int
    evidence: int
    access_log: int
    session: int
    recovery: int


@dataclass(frozen=True, slots=True)
class StoredTables:
    """Some tables of the store that are held alike.

    Attributes:
        what: the categories of data.
        key: what opens it.
        ground: on which it is held; empty where it is about nobody.
        until: in words; numbers in braces are those of ``KeptFor``.
    """

    tables: tuple[str, ...]
    what: str
    of: ToldOf
    key: str
    ground: str
    until: str

    def until_in(self, limits: KeptFor) -> str:
        """With the numbers."""
        return self.until.format_map(asdict(limits))


_AGREED = "GDPR Art. 6(1)(a), (b), (c) or (e): the ground that each household's record names"
_CLAIMS = "GDPR Art. 5(2) and 17(3)(e)"
_OWN_DAY = "the household's key of their class and day"
_CLEAR = "none: in clear, under a random id"
_AFTER_ERASURE = "erasure, and {evidence} days"
_SERIES = "the end of their class: as received {live} days, quarters of an hour {quarter}, days {day}; or erasure"

STORED: Sequence[StoredTables] = (
    StoredTables(
        ("piece", "block"),
        "readings of meters, and what is worked out of them",
        ToldOf.HOUSEHOLDS,
        _OWN_DAY,
        _AGREED,
        _SERIES,
    ),
    StoredTables(
        ("required_part",),
        "which days of readings hold corrections, and which sealed parts these are",
        ToldOf.HOUSEHOLDS,
        "none: hashes of what is sealed; pinned in the key tree",
        "GDPR Art. 5(1)(d) and (f)",
        _SERIES,
    ),
    StoredTables(
        ("merged_part", "merged_sum"),
        "which sealed block of each day of readings is the newest",
        ToldOf.HOUSEHOLDS,
        "none: hashes of what is sealed, and their sealed sum; pinned in the key tree",
        "GDPR Art. 5(1)(f)",
        _SERIES,
    ),
    StoredTables(
        ("vee_exception", "vee_correction", "vee_clock", "vee_seen"),
        "what validation found of readings, and what was decided about it",
        ToldOf.HOUSEHOLDS,
        _OWN_DAY,
        "GDPR Art. 5(1)(d) and 6(1)(f)",
        _SERIES,
    ),
    StoredTables(
        ("metering_point", "meter", "meter_place", "box_meter"),
        "names, addresses, metering points and serial numbers",
        ToldOf.HOUSEHOLDS,
        "the household's key of class identity; found by keyed hashes",
        "GDPR Art. 6(1)(b)",
        "erasure",
    ),
    StoredTables(
        ("tenancy",),
        "who lives where, from when to when: name and address sealed; place, begin and end in clear",
        ToldOf.HOUSEHOLDS,
        "the household's key of class identity",
        "GDPR Art. 6(1)(b)",
        _AFTER_ERASURE,
    ),
    StoredTables(
        ("point_left",),
        "when a metering point was left",
        ToldOf.HOUSEHOLDS,
        "none: a keyed hash and a day",
        "GDPR Art. 5(1)(d) and 6(1)(f)",
        "{evidence} days",
    ),
    StoredTables(
        ("ground", "ground_term", "permission_request"),
        "what was asked and agreed, and when it ends",
        ToldOf.HOUSEHOLDS,
        _CLEAR,
        _CLAIMS,
        "its end, or erasure, and {evidence} days",
    ),
    StoredTables(
        ("evidence",),
        "receipts of consents, records of their end, certificates of erasure: signed",
        ToldOf.HOUSEHOLDS,
        "none: under a pseudonym; found by a keyed hash",
        "GDPR Art. 7(1) and 17(3)(e)",
        "its end, or erasure, and {evidence} days",
    ),
    StoredTables(
        ("ledger", "checkpoint"),
        "who received what of whom, when and on which ground",
        ToldOf.HOUSEHOLDS,
        "the household's key of class ledger",
        _CLAIMS,
        "{evidence} days; of an entry that went its hash stays",
    ),
    StoredTables(
        ("cohort_draw", "cohort_member"),
        "who was counted in which figures of a neighbourhood",
        ToldOf.HOUSEHOLDS,
        _CLEAR,
        "GDPR Art. 5(1)(f) and 6(1)(f)",
        "one day longer than the longer of {quarter} and {day} days",
    ),
    StoredTables(
        ("cohort_cell", "cohort_told"),
        "sums over cohorts of a neighbourhood, and which were told",
        ToldOf.NOBODY,
        "none",
        "",
        "the days of the figures",
    ),
    StoredTables(
        ("one_time_code",),
        "codes to log in or to enrol, as hashes",
        ToldOf.HOUSEHOLDS,
        "none: a hash",
        "GDPR Art. 6(1)(b)",
        "use, or the end of the code",
    ),
    StoredTables(
        ("session",),
        "who is logged in",
        ToldOf.HOUSEHOLDS,
        "none: a hash of the cookie, a random id",
        "GDPR Art. 6(1)(b) and 32",
        "{session} days, or the logout",
    ),
    StoredTables(
        ("access_log",),
        "calls: route, caller's id, answer",
        ToldOf.HOUSEHOLDS,
        _CLEAR,
        "GDPR Art. 6(1)(f) and 32",
        "{access_log} days",
    ),
    StoredTables(
        ("notice",),
        "what is still to be told to recipients or to be asked",
        ToldOf.HOUSEHOLDS,
        _CLEAR,
        "GDPR Art. 19",
        "delivery, or a day",
    ),
    StoredTables(
        ("owed_ending",),
        "what has ended of whom, until it is written beside each backup that can be restored",
        ToldOf.HOUSEHOLDS,
        "none here, under a random id; beside a backup sealed",
        "GDPR Art. 5(1)(f) and 32",
        "seconds, and as long as a place beside a backup cannot be written; beside a backup {recovery} hours",
    ),
    StoredTables(
        ("dsp_process", "dsp_agreement", "dsp_token"),
        "negotiations, agreements and transfers of the data space, with pairwise pseudonyms",
        ToldOf.HOUSEHOLDS,
        "none: under a pseudonym of each recipient; tokens as hashes",
        _CLAIMS,
        "as [adapters.gaiax] says",
    ),
    StoredTables(
        ("dsp_seen", "dsp_key", "dsp_distrusted"),
        "keys and tokens of participants, and who is not trusted",
        ToldOf.ORGANISATIONS,
        "none; identifiers of tokens until they expire",
        "",
        "the operator's word",
    ),
    StoredTables(
        (
            "openadr_ven",
            "openadr_resource",
            "openadr_registration",
            "openadr_answer",
            "openadr_offer",
            "openadr_request",
            "openadr_opt",
        ),
        "VENs, which reports they can make, their answers to events and when they opt out",
        ToldOf.HOUSEHOLDS,
        "answers and opts of a household: its key of class identity; else none",
        "GDPR Art. 6(1)(b)",
        "the end of the enrolment, or as [adapters.openadr] says; erasure",
    ),
    StoredTables(
        ("openadr_program", "openadr_event"),
        "programs and events of utilities",
        ToldOf.ORGANISATIONS,
        "none",
        "",
        "as [adapters.openadr] says",
    ),
    StoredTables(
        ("organisation", "client", "certificate", "box"),
        "organisations, their clients, certificates and boxes",
        ToldOf.ORGANISATIONS,
        "none; secrets as hashes",
        "",
        "the operator's word",
    ),
    StoredTables(
        ("pinned",),
        "how often the grounds of a household, and tables of who may, have changed",
        ToldOf.HOUSEHOLDS,
        "the household's key of class ledger; found by a keyed hash",
        "GDPR Art. 5(1)(f) and 32",
        _AFTER_ERASURE,
    ),
    StoredTables(
        ("batch", "batch_floor", "retention_days", "counter"),
        "numbers by which batches count once, how many questions recipients asked",
        ToldOf.NOBODY,
        "none",
        "",
        "as long as they are needed",
    ),
)

MEASURES: Sequence[str] = (
    "readings are sealed for each household, class and day; a key that has passed its time opens nothing any more",
    "values leave by one door, which asks before every write whether a ground stands, for this recipient and purpose",
    "each release stands in a ledger that the household reads; its chain of hashes shows what was changed or left out",
    "recipients know a household by a pseudonym of their own; sums of a neighbourhood are over cohorts",
    "partners, boxes and people speak TLS; boxes and VENs have certificates that can be revoked",
    "a backup can be opened with its recovery key, inside its window, and a restore revives nothing that has ended",
)
"""GDPR Art. 30(1)(g) and 32, in general words. What the operator does beside is the operator's to add."""
