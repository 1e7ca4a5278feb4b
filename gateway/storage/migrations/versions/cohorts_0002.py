"""Cells by their age, for retention."""

from alembic import op

revision = "cohorts_0002"
down_revision = "cohorts_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("cohort_cell_start", "cohort_cell", ["start"])
