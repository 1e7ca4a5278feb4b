"""Grounds, permission requests, evidence, the ledger, checkpoints, notices."""

import sqlalchemy as sa
from alembic import op

revision = "door_0001"
down_revision = None
branch_labels = ("door",)
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "ground",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("recipient", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("ended", sa.Float),
    )
    op.create_index("ground_subject", "ground", ["subject"])
    op.create_table(
        "permission_request",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("asked", sa.Float, nullable=False),
        sa.Column("answered", sa.Float),
        sa.Column("ground", sa.String(32)),
    )
    op.create_index("permission_request_subject", "permission_request", ["subject"])
    op.create_table(
        "evidence",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("subject_tag", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("ground", sa.String(32), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
    )
    op.create_index("evidence_subject", "evidence", ["subject_tag"])
    op.create_table(
        "ledger",
        sa.Column("number", _BIG, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("subject_tag", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_index("ledger_subject", "ledger", ["subject_tag"])
    op.create_table(
        "checkpoint",
        sa.Column("number", _BIG, primary_key=True, autoincrement=False),
        sa.Column("token", sa.Text, nullable=False),
    )
    op.create_table(
        "notice",
        sa.Column("number", _BIG, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("due", sa.Float, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
    )
    op.create_index("notice_due", "notice", ["due"])
    op.create_index("notice_key", "notice", ["key", "number"])
