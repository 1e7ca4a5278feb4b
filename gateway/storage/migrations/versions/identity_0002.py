"""A word that the tokens of a client hold: another one, and they are revoked. Tokens of before have none."""

import sqlalchemy as sa
from alembic import op

revision = "identity_0002"
down_revision = "identity_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("client", sa.Column("turn", sa.String(32), nullable=False, server_default=""))
