"""Meters of a household, and the places at which they are read."""

import sqlalchemy as sa
from alembic import op

revision = "registry_0002"
down_revision = "registry_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "meter",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("tenancy", sa.String(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("meter_tenancy", "meter", ["tenancy"])
    op.create_table(
        "meter_place",
        sa.Column("lookup", sa.LargeBinary, primary_key=True),
        sa.Column("tenancy", sa.String(32), nullable=False),
        sa.Column("meter", sa.String(32), nullable=False),
    )
    op.create_index("meter_place_tenancy", "meter_place", ["tenancy"])
