"""Tables of identity. Branch ``identity`` of the migrations. Secrets are here as hashes only."""

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, MetaData, String, Table, Text

from gateway.storage.tables import BIG

METADATA = MetaData()

client = Table(
    "client",
    METADATA,
    Column("id", String(128), primary_key=True),
    Column("organisation", String(64)),
    Column("scopes", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("turn", String(32), nullable=False, server_default=""),
)
"""``turn``: a word that its tokens hold; another one, and they are revoked."""

one_time_code = Table(
    "one_time_code",
    METADATA,
    Column("lookup", LargeBinary, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("expires", Float, nullable=False),
    Index("one_time_code_subject", "subject"),
)

session = Table(
    "session",
    METADATA,
    Column("lookup", LargeBinary, primary_key=True),
    Column("role", String(16), nullable=False),
    Column("subject", String(32), nullable=False),
    Column("expires", Float, nullable=False),
)

certificate = Table(
    "certificate",
    METADATA,
    Column("fingerprint", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("until", Float, nullable=False),
    Column("revoked", Float),
)

access = Table(
    "access_log",
    METADATA,
    Column("number", BIG, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("route", String(64), nullable=False),
    Column("verb", String(8), nullable=False),
    Column("caller", String(128), nullable=False),
    Column("status", Integer, nullable=False),
    Index("access_log_at", "at"),
)
