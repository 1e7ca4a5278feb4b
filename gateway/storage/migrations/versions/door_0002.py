"""When the next word about the time of a ground is due. What was over before is told now."""

import json
import time
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "door_0002"
down_revision = "door_0001"
branch_labels = None
depends_on = None

_GROUND = sa.table("ground", sa.column("id"), sa.column("body"), sa.column("ended"))
_DAYS_BEFORE = (30, 7)
_AT_ONCE = 1000


def upgrade() -> None:
    term = op.create_table(
        "ground_term",
        sa.Column("ground", sa.String(32), primary_key=True),
        sa.Column("due", sa.Float, nullable=False),
    )
    op.create_index("ground_term_due", "ground_term", ["due"])
    connection, last, now = op.get_bind(), "", time.time()
    while rows := connection.execute(_after(last)).fetchall():
        last = rows[-1].id
        dues = [{"ground": row.id, "due": _due(json.loads(row.body), now)} for row in rows]
        connection.execute(sa.insert(term), dues)


def _after(last: str) -> Any:
    standing = sa.select(_GROUND.c.id, _GROUND.c.body).where(_GROUND.c.ended.is_(None), _GROUND.c.id > last)
    return standing.order_by(_GROUND.c.id).limit(_AT_ONCE)


def _due(body: Any, now: float) -> float:
    end = datetime.fromisoformat(body["scope"]["validity"]["end"]).timestamp()
    return min((day for before in _DAYS_BEFORE if (day := end - before * 86_400) > now), default=end)
