"""Since when a household is known to live where it does; of those of before: since another left one of its points."""

import sqlalchemy as sa
from alembic import op

revision = "registry_0003"
down_revision = "registry_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tenancy", sa.Column("moved_in", sa.Float))
    tenancy = sa.table("tenancy", sa.column("id"), sa.column("start"), sa.column("moved_in"))
    columns = ("lookup", "tenancy", "end")
    mine = sa.table("metering_point", *map(sa.column, columns)).alias("mine")
    former = sa.table("metering_point", *map(sa.column, columns)).alias("former")
    same = mine.join(former, sa.and_(mine.c.lookup == former.c.lookup, mine.c.tenancy != former.c.tenancy))
    left = (
        sa.select(sa.func.max(former.c.end))
        .select_from(same)
        .where(mine.c.tenancy == tenancy.c.id, former.c.end <= tenancy.c.start)
        .scalar_subquery()
    )
    op.execute(tenancy.update().values(moved_in=left))
