"""Tables of neighbourhood figures: who was drawn together, cells of one value for ever, and whom they protect."""

from sqlalchemy import Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

METADATA = MetaData()

draw = Table(
    "cohort_draw",
    METADATA,
    Column("place", String(128), primary_key=True),
    Column("epoch", String(10), primary_key=True),
    Column("cohorts", Text, nullable=False),
)
"""``cohorts``: JSON, length of a cell in seconds (0: closed for good), and name -> members, quantities. One row for
each place and epoch, written once."""

cell = Table(
    "cohort_cell",
    METADATA,
    Column("node", String(160), primary_key=True),
    Column("quantity", String(64), primary_key=True),
    Column("start", Float, primary_key=True),
    Column("value", String(40)),
    Column("unit", String(16)),
    Column("status", String(10)),
    Column("counted", Integer),
    Column("members", Integer),
)
"""``value`` is NULL for a cell of before that is never shown; now such a cell has no row. ``counted`` of its
``members`` are in it; these and ``status`` are NULL in cells that were closed before they were written down."""

told = Table(
    "cohort_told",
    METADATA,
    Column("node", String(160), primary_key=True),
    Column("begin", Float, nullable=False),
    Column("seconds", Integer, nullable=False),
    Column("intervals", Text, nullable=False),
    Column("slack", Integer, nullable=False),
    Index("cohort_told_begin", "begin"),
)
"""Of a cohort that told something. ``intervals``: hexadecimal, bit n for the n-th interval of ``seconds`` after
``begin``. ``slack``: how many of its members may still be seen singly until somebody protects the others."""

member = Table(
    "cohort_member",
    METADATA,
    Column("subject", String(32), primary_key=True),
    Column("epoch", String(10), primary_key=True),
    Column("node", String(160), nullable=False),
    Column("seen", Boolean, nullable=False),
    Index("cohort_member_epoch", "epoch"),
)
"""Of a cohort that told something. ``seen``: did not count when it was told, or was seen singly since."""
