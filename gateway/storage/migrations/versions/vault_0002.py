"""Numbers of pieces come from the store; they go on above all that were ever given."""

import sqlalchemy as sa
from alembic import op

revision = "vault_0002"
down_revision = "vault_0001"
branch_labels = None
depends_on = ("store_0001",)


def upgrade() -> None:
    connection = op.get_bind()
    piece, block = sa.table("piece", sa.column("number")), sa.table("block", sa.column("upto"))
    given = [
        connection.execute(sa.select(sa.func.max(piece.c.number))).scalar(),
        connection.execute(sa.select(sa.func.max(block.c.upto))).scalar(),
    ]
    if connection.dialect.name == "sqlite":  # it counted before, those that were deleted too
        counted = sa.table("sqlite_sequence", sa.column("name"), sa.column("seq"))
        given.append(connection.execute(sa.select(counted.c.seq).where(counted.c.name == "piece")).scalar())
    counter = sa.table("counter", sa.column("name"), sa.column("upto"))
    op.execute(counter.insert().values(name="piece", upto=max(number or 0 for number in given)))
