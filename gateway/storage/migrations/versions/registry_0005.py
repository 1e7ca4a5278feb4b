"""When a metering point was left by households that were erased since: a keyed hash and a day, nobody's id."""

import sqlalchemy as sa
from alembic import op

revision = "registry_0005"
down_revision = "registry_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "point_left",
        sa.Column("lookup", sa.LargeBinary, primary_key=True),
        sa.Column("day", sa.Float, nullable=False),
    )
