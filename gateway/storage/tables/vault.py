"""The vault's tables. What is sealed is bytes; who, which class and which day are in clear; how many values is not.

``piece``: one for each household, class and day of a batch, numbered by the store in the order in which they became
durable. ``block``: a household's day of a class, merged. ``batch``: what was acknowledged, so that it counts once;
below a source's ``floor`` every sequence is known. ``required_part``: pieces and blocks without which their day is not
shown, since they correct what others of it say. ``merged_part``: the block of each merged day, and ``merged_sum`` what
ties those rows to the keys. ``retention_days``: days of a class where the operator shortened them.
"""

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, String, Table

from gateway.storage.tables import BIG

metadata = MetaData()

piece = Table(
    "piece",
    metadata,
    Column("number", BIG, primary_key=True, autoincrement=False),
    Column("subject", String, nullable=False),
    Column("class", Integer, nullable=False),
    Column("day", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("piece_of_day", "subject", "class", "day"),
    sqlite_autoincrement=True,
)

block = Table(
    "block",
    metadata,
    Column("id", BIG, primary_key=True),
    Column("subject", String, nullable=False),
    Column("class", Integer, nullable=False),
    Column("day", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("pieces", Integer, nullable=False),
    Column("upto", BIG, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("block_of_day", "subject", "class", "day", unique=True),
)

required_part = Table(
    "required_part",
    metadata,
    Column("subject", String, primary_key=True),
    Column("class", Integer, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("upto", BIG, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""``digest``: SHA-256 of what is sealed; empty where nothing that was ever there may be shown."""

batch = Table(
    "batch",
    metadata,
    Column("source", String, primary_key=True),
    Column("sequence", BIG, primary_key=True),
    Column("taken", BIG, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

batch_floor = Table(
    "batch_floor",
    metadata,
    Column("source", String, primary_key=True),
    Column("floor", BIG, nullable=False),
    sqlite_with_rowid=False,
)

merged_part = Table(
    "merged_part",
    metadata,
    Column("subject", String, primary_key=True),
    Column("class", Integer, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("upto", BIG, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""``digest``: SHA-256 of what is sealed in the block that was merged last."""

merged_sum = Table(
    "merged_sum",
    metadata,
    Column("subject", String, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""Of a household's rows of ``merged_part`` together."""

retention_days = Table(
    "retention_days",
    metadata,
    Column("class", Integer, primary_key=True, autoincrement=False),
    Column("days", Integer, nullable=False),
)
