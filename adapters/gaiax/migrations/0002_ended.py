"""Since when processes and agreements are over. What was over before counts from this migration."""

import time

import sqlalchemy as sa
from alembic import op

revision = "gaiax_0002"
down_revision = "gaiax_0001"
branch_labels = None
depends_on = None

FINAL = ("FINALIZED", "TERMINATED", "COMPLETED")


def upgrade() -> None:
    op.add_column("dsp_process", sa.Column("ended", sa.Float))
    op.create_index("ix_dsp_process_ended", "dsp_process", ["ended"])
    op.create_index("ix_dsp_agreement_ended", "dsp_agreement", ["ended"])
    now = int(time.time())
    process = sa.table("dsp_process", sa.column("state"), sa.column("ended"))
    agreement = sa.table("dsp_agreement", sa.column("ended"))
    op.execute(process.update().where(process.c.state.in_(FINAL)).values(ended=now))
    op.execute(agreement.update().where(agreement.c.ended != 0).values(ended=now))
