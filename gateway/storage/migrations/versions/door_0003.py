"""What is asked of a household is tied to the keys: a keyed hash of each request. The next start gives it to those of
before, once.
"""

import sqlalchemy as sa
from alembic import op

revision = "door_0003"
down_revision = "door_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("permission_request", sa.Column("mark", sa.LargeBinary))
