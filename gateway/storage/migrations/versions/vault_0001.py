"""Pieces, blocks, batches, retention."""

import sqlalchemy as sa
from alembic import op

revision = "vault_0001"
down_revision = None
branch_labels = ("vault",)
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "piece",
        sa.Column("number", _BIG, primary_key=True, autoincrement=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("class", sa.Integer, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("piece_of_day", "piece", ["subject", "class", "day"])
    op.create_table(
        "block",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("class", sa.Integer, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("pieces", sa.Integer, nullable=False),
        sa.Column("upto", _BIG, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("block_of_day", "block", ["subject", "class", "day"], unique=True)
    op.create_table(
        "batch",
        sa.Column("source", sa.String, primary_key=True),
        sa.Column("sequence", _BIG, primary_key=True),
        sa.Column("taken", _BIG, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "batch_floor",
        sa.Column("source", sa.String, primary_key=True),
        sa.Column("floor", _BIG, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "retention_days",
        sa.Column("class", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("days", sa.Integer, nullable=False),
    )
