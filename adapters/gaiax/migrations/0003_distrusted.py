"""Participants that were taken off the trust list."""

import sqlalchemy as sa
from alembic import op

revision = "gaiax_0003"
down_revision = "gaiax_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("dsp_distrusted", sa.Column("did", sa.String, primary_key=True))
