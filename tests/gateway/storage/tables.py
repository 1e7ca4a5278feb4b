"""Tables of the store's own tests."""

from sqlalchemy import Column, Float, Integer, LargeBinary, MetaData, String, Table, Text

from gateway.storage.tables import BIG, ONCE

METADATA = MetaData()

row = Table("row", METADATA, Column("number", BIG, primary_key=True, autoincrement=False))
once = Table("once", METADATA, Column("name", String, primary_key=True), Column("raw", LargeBinary), info={ONCE: True})
other = Table("other", METADATA, Column("number", BIG, primary_key=True, autoincrement=False))
value = Table(
    "value",
    METADATA,
    Column("number", BIG, primary_key=True, autoincrement=True),
    Column("whole", BIG),
    Column("real", Float),
    Column("words", Text),
    Column("raw", LargeBinary),
)
fact = Table(
    "fact",
    METADATA,
    Column("name", String, primary_key=True),
    Column("part", String, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("end", Float),
)
