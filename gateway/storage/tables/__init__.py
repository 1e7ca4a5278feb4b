"""The tables, a module for each area."""

from sqlalchemy import BigInteger, Integer

BIG = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits on every engine. SQLite has one kind of integer, and calls a row's own number by that name only."""

ONCE = "once"
"""In ``Table.info``: a row that is appended under a key which is there already is left out, and the one there stays."""
