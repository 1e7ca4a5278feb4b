"""The store's own tables: numbers that only grow, and what waits. Branch ``store`` of the migrations."""

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, String, Table, Text

from gateway.storage.tables import BIG

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

owed_ending = Table(
    "owed_ending",
    METADATA,
    Column("number", BIG, primary_key=True, autoincrement=True),
    Column("body", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""What has ended and may not be beside every backup yet: see ``gateway.recovery``. No number comes twice."""
