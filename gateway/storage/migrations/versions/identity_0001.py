"""Clients, one-time codes, sessions, certificates, the access log."""

import sqlalchemy as sa
from alembic import op

revision = "identity_0001"
down_revision = None
branch_labels = ("identity",)
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "client",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("organisation", sa.String(64)),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "one_time_code",
        sa.Column("lookup", sa.LargeBinary, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
    )
    op.create_index("one_time_code_subject", "one_time_code", ["subject"])
    op.create_table(
        "session",
        sa.Column("lookup", sa.LargeBinary, primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
    )
    op.create_table(
        "certificate",
        sa.Column("fingerprint", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.Column("revoked", sa.Float),
    )
    op.create_table(
        "access_log",
        sa.Column("number", _BIG, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("route", sa.String(64), nullable=False),
        sa.Column("verb", sa.String(8), nullable=False),
        sa.Column("caller", sa.String(128), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
    )
    op.create_index("access_log_at", "access_log", ["at"])
