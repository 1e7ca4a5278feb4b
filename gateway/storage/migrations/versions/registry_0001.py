"""Tenancies, metering points, boxes, organisations."""

import sqlalchemy as sa
from alembic import op

revision = "registry_0001"
down_revision = None
branch_labels = ("registry",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tenancy",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("community", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("start", sa.Float, nullable=False),
        sa.Column("end", sa.Float),
        sa.Column("erased", sa.Float),
        sa.Column("identity", sa.LargeBinary),
    )
    op.create_table(
        "metering_point",
        sa.Column("lookup", sa.LargeBinary, primary_key=True),
        sa.Column("tenancy", sa.String(32), primary_key=True),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("start", sa.Float, nullable=False),
        sa.Column("end", sa.Float),
    )
    op.create_index("metering_point_tenancy", "metering_point", ["tenancy"])
    op.create_table(
        "box",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("made", sa.Float, nullable=False),
        sa.Column("revoked", sa.Float),
    )
    op.create_table(
        "box_meter",
        sa.Column("box", sa.String(64), primary_key=True),
        sa.Column("meter", sa.LargeBinary, primary_key=True),
        sa.Column("tenancy", sa.String(32), nullable=False),
    )
    op.create_table(
        "organisation",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("did", sa.String(512), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
