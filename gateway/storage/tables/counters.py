"""The store's own table: up to which number of a kind may have been given. Branch ``store`` of the migrations."""

from sqlalchemy import BigInteger, Column, MetaData, String, Table

METADATA = MetaData()

counter = Table(
    "counter",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("upto", BigInteger, nullable=False),
)
"""``upto``: raised before the numbers below it are given; what is given next is above it."""
