"""Validation exceptions, corrections, and which days were looked at."""

import sqlalchemy as sa
from alembic import op

revision = "vee_0001"
down_revision = None
branch_labels = ("vee",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vee_exception",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("tenancy", sa.String(32), nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("found", sa.Float, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("vee_exception_day", "vee_exception", ["tenancy", "day"])
    op.create_index("vee_exception_state", "vee_exception", ["state", "found"])
    op.create_table(
        "vee_correction",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("tenancy", sa.String(32), nullable=False),
        sa.Column("class", sa.Integer, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("vee_correction_day", "vee_correction", ["tenancy", "class", "day"])
    op.create_table(
        "vee_seen",
        sa.Column("tenancy", sa.String(32), primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
