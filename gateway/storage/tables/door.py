"""Tables of the door: grounds, requests, evidence, the ledger, notices. Branch ``door`` of the migrations."""

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, MetaData, String, Table, Text

from gateway.storage.tables import BIG

METADATA = MetaData()

ground = Table(
    "ground",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("subject", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("recipient", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("ended", Float),
    Index("ground_subject", "subject"),
)

ground_term = Table(
    "ground_term",
    METADATA,
    Column("ground", String(32), primary_key=True),
    Column("due", Float, nullable=False),
    Index("ground_term_due", "due"),
)
"""Of each ground that has not ended: when the next word about its time is due, a reminder or its end."""

permission_request = Table(
    "permission_request",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("subject", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Column("asked", Float, nullable=False),
    Column("answered", Float),
    Column("ground", String(32)),
    Column("mark", LargeBinary),
    Index("permission_request_subject", "subject"),
)
"""``mark``: a keyed hash of id, subject and body; a row without the right one was asked by nobody."""

evidence = Table(
    "evidence",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("subject_tag", LargeBinary, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("ground", String(32), nullable=False),
    Column("at", Float, nullable=False),
    Column("token", Text, nullable=False),
    Index("evidence_subject", "subject_tag"),
)

ledger = Table(
    "ledger",
    METADATA,
    Column("number", BIG, primary_key=True, autoincrement=False),
    Column("id", String(32), nullable=False, unique=True),
    Column("subject_tag", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("ledger_subject", "subject_tag"),
)

checkpoint = Table(
    "checkpoint",
    METADATA,
    Column("number", BIG, primary_key=True, autoincrement=False),
    Column("token", Text, nullable=False),
)

notice = Table(
    "notice",
    METADATA,
    Column("number", BIG, primary_key=True, autoincrement=True),
    Column("kind", String(64), nullable=False),
    Column("key", String(128), nullable=False),
    Column("payload", Text, nullable=False),
    Column("due", Float, nullable=False),
    Column("tries", Integer, nullable=False),
    Index("notice_due", "due"),
    Index("notice_key", "key", "number"),
)
