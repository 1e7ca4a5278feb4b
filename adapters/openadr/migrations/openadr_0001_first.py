"""The adapter's first tables.

Revision ID: openadr_0001
"""

import sqlalchemy as sa
from alembic import op

revision = "openadr_0001"
down_revision = None
branch_labels = ("openadr",)
depends_on = None

_KEYS = {
    "openadr_program": ("id",),
    "openadr_event": ("id",),
    "openadr_ven": ("id",),
    "openadr_resource": ("id",),
    "openadr_registration": ("ven",),
    "openadr_answer": ("event", "ven"),
    "openadr_offer": ("ven", "specifier"),
    "openadr_request": ("ven", "id"),
    "openadr_opt": ("ven", "opt_id", "scope"),
}


def upgrade() -> None:
    for table, keys in _KEYS.items():
        columns = [sa.Column(name, sa.String, primary_key=True) for name in keys]
        op.create_table(table, *columns, sa.Column("body", sa.Text, nullable=False))
    op.create_index("openadr_answer_ven", "openadr_answer", ["ven"])


def downgrade() -> None:
    for table in _KEYS:
        op.drop_table(table)
