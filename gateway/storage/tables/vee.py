"""Tables of VEE. Branch ``vee`` of the migrations. What was found and what was decided is sealed under keys of its day.

``day``: the UTC day (proleptic ordinal) whose key seals the row, so that the row can be opened as long as the values
that it is about. ``vee_clock``: that a meter's clock was doubtful on a local day; its id is a keyed hash of which.
``vee_seen``: which version of a merged day was looked at.
"""

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, MetaData, String, Table

from gateway.storage.tables import BIG, ONCE

METADATA = MetaData()

vee_exception = Table(
    "vee_exception",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("tenancy", String(32), nullable=False),
    Column("day", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("found", Float, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("vee_exception_day", "tenancy", "day"),
    Index("vee_exception_state", "state", "found"),
)

vee_correction = Table(
    "vee_correction",
    METADATA,
    Column("number", BIG, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False),
    Column("tenancy", String(32), nullable=False),
    Column("class", Integer, nullable=False),
    Column("day", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("vee_correction_day", "tenancy", "class", "day"),
    sqlite_autoincrement=True,
)

vee_clock = Table(
    "vee_clock",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("tenancy", String(32), nullable=False),
    Column("day", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("vee_clock_day", "tenancy", "day"),
    info={ONCE: True},
)

vee_seen = Table(
    "vee_seen",
    METADATA,
    Column("tenancy", String(32), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
)

ALL = (vee_exception, vee_correction, vee_clock, vee_seen)
