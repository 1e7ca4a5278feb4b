"""Tables of the Dataspace Protocol."""

import sqlalchemy as sa
from alembic import op

revision = "gaiax_0001"
down_revision = None
branch_labels = ("gaiax",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dsp_process",
        sa.Column("pid", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("side", sa.String, nullable=False),
        sa.Column("partner", sa.String, nullable=False),
        sa.Column("partner_pid", sa.String, nullable=False),
        sa.Column("recipient", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("agreement", sa.String, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("dsp_process_partner", "dsp_process", ["partner", "partner_pid"])
    op.create_index("dsp_process_agreement", "dsp_process", ["agreement"])
    op.create_index("dsp_process_recipient", "dsp_process", ["recipient", "state"])
    op.create_table(
        "dsp_agreement",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("side", sa.String, primary_key=True),
        sa.Column("recipient", sa.String, nullable=False, index=True),
        sa.Column("ended", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "dsp_token",
        sa.Column("hash", sa.String, primary_key=True),
        sa.Column("transfer", sa.String, nullable=False, index=True),
        sa.Column("round", sa.Integer, nullable=False),
    )
    op.create_table(
        "dsp_seen",
        sa.Column("partner", sa.String, primary_key=True),
        sa.Column("jti", sa.String, primary_key=True),
        sa.Column("until", sa.Float, nullable=False, index=True),
    )
    op.create_table(
        "dsp_key",
        sa.Column("did", sa.String, primary_key=True),
        sa.Column("keys", sa.LargeBinary, nullable=False),
    )
