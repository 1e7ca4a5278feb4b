"""A told interval protects its members: who was in which cohort that told something, and how many may still be seen.

Of before nothing was counted: nobody of a cohort that told a figure may be seen singly any more in that epoch.
"""

import json
from datetime import UTC, datetime, time
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "cohorts_0004"
down_revision = "cohorts_0003"
branch_labels = None
depends_on = None

_DRAW = sa.table("cohort_draw", sa.column("place"), sa.column("epoch"), sa.column("cohorts"))
_CELL = sa.table("cohort_cell", sa.column("node"), sa.column("value"))
_WHOLE_DAY = 86_400


def upgrade() -> None:
    told = op.create_table(
        "cohort_told",
        sa.Column("node", sa.String(160), primary_key=True),
        sa.Column("begin", sa.Float, nullable=False),
        sa.Column("seconds", sa.Integer, nullable=False),
        sa.Column("intervals", sa.Text, nullable=False),
        sa.Column("slack", sa.Integer, nullable=False),
    )
    member = op.create_table(
        "cohort_member",
        sa.Column("subject", sa.String(32), primary_key=True),
        sa.Column("epoch", sa.String(10), primary_key=True),
        sa.Column("node", sa.String(160), nullable=False),
        sa.Column("seen", sa.Boolean, nullable=False),
    )
    op.create_index("cohort_member_epoch", "cohort_member", ["epoch"])
    op.create_index("cohort_told_begin", "cohort_told", ["begin"])
    connection = op.get_bind()
    told_before = sa.select(_CELL.c.node).where(_CELL.c.value.is_not(None)).distinct()
    shown = {row.node for row in connection.execute(told_before)}
    for row in connection.execute(sa.select(_DRAW)).fetchall():
        cohorts = json.loads(row.cohorts)
        begin = datetime.combine(datetime.fromisoformat(row.epoch), time(), UTC).timestamp()
        words = {"begin": begin, "seconds": _WHOLE_DAY, "intervals": "1", "slack": 0}
        nodes = [{"node": node, **words} for node in cohorts if node in shown]
        members = [
            {"subject": who, "epoch": row.epoch, "node": each["node"], "seen": False}
            for each in nodes
            for who in cohorts[each["node"]]
        ]
        for table, rows in ((told, nodes), (member, members)):
            if rows:
                connection.execute(sa.insert(table), rows)
        body = json.dumps({"seconds": 0, "cohorts": {name: _as_now(of) for name, of in cohorts.items()}})
        mine = sa.and_(_DRAW.c.place == row.place, _DRAW.c.epoch == row.epoch)
        connection.execute(sa.update(_DRAW).where(mine).values(cohorts=body))


def _as_now(of: dict[str, list[str]]) -> dict[str, Any]:
    """Members and what all of them had agreed to."""
    return {"members": sorted(of), "quantities": sorted(set.intersection(*map(set, of.values())))}
