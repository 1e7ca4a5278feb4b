"""Tables of neighbourhood figures: who was drawn together, and cells, which have one value for ever."""

from sqlalchemy import Column, Float, Integer, MetaData, String, Table, Text

METADATA = MetaData()

draw = Table(
    "cohort_draw",
    METADATA,
    Column("place", String(128), primary_key=True),
    Column("epoch", String(10), primary_key=True),
    Column("cohorts", Text, nullable=False),
)
"""``cohorts``: JSON, name -> id -> quantities. One row for each place and epoch, written once."""

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
"""``value`` is NULL for a cell that is never shown (too few, one dominates). ``counted`` of its ``members`` are in it;
these and ``status`` are NULL in cells that were closed before they were written down."""
