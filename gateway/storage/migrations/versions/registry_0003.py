"""Since when a household is known to live where it does; unknown for those of before."""

import sqlalchemy as sa
from alembic import op

revision = "registry_0003"
down_revision = "registry_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tenancy", sa.Column("moved_in", sa.Float))
