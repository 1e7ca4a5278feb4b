"""Cells say of how many of their members they are, and whether all of it was measured."""

import sqlalchemy as sa
from alembic import op

revision = "cohorts_0003"
down_revision = "cohorts_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cohort_cell", sa.Column("status", sa.String(10)))
    op.add_column("cohort_cell", sa.Column("counted", sa.Integer))
    op.add_column("cohort_cell", sa.Column("members", sa.Integer))
