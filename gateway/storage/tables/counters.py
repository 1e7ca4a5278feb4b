"""The store's own tables: numbers that only grow. Branch ``store`` of the migrations."""

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, String, Table

METADATA = MetaData()

counter = Table(
    "counter",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("upto", BigInteger, nullable=False),
)
"""``upto``: raised before the numbers below it are given; what is given next is above it."""

pinned = Table(
    "pinned",
    METADATA,
    Column("place", String(32), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
"""How far the rows of a scope have come, sealed: see ``gateway.pins``. ``place``: a keyed hash of which."""
