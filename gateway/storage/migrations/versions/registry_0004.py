"""Meters that came by themselves wait until the operator has looked at them; those of before do not."""

import sqlalchemy as sa
from alembic import op

revision = "registry_0004"
down_revision = "registry_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("meter", sa.Column("unseen", sa.Float))
    op.create_index("meter_unseen", "meter", ["unseen"])
