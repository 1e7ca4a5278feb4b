"""Notes of doubtful clocks."""

import sqlalchemy as sa
from alembic import op

revision = "vee_0002"
down_revision = "vee_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vee_clock",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("tenancy", sa.String(32), nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("vee_clock_day", "vee_clock", ["tenancy", "day"])
