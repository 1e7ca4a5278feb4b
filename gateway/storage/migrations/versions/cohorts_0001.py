"""Draws and cells of neighbourhood figures."""

import sqlalchemy as sa
from alembic import op

revision = "cohorts_0001"
down_revision = None
branch_labels = ("cohorts",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cohort_draw",
        sa.Column("place", sa.String(128), primary_key=True),
        sa.Column("epoch", sa.String(10), primary_key=True),
        sa.Column("cohorts", sa.Text, nullable=False),
    )
    op.create_table(
        "cohort_cell",
        sa.Column("node", sa.String(160), primary_key=True),
        sa.Column("quantity", sa.String(64), primary_key=True),
        sa.Column("start", sa.Float, primary_key=True),
        sa.Column("value", sa.String(40)),
        sa.Column("unit", sa.String(16)),
    )
