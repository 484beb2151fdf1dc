"""what trainings' summaries say."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "metric_readings",
        sa.Column("training_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("watched_until", sa.DateTime(timezone=True)),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.Column("complete", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("problem", sa.Text(), nullable=False, server_default=""),
        sa.Column("files", JSONB(), nullable=False, server_default="{}"),
        sa.Column("left_out", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("claim_epoch", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("claimed_until", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["training_id"], ["trainings.id"], name=op.f("fk_metric_readings_training_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("training_id", name=op.f("pk_metric_readings")),
    )
    op.create_index("ix_metric_readings_due", "metric_readings", ["due_at"], postgresql_where=sa.text("NOT complete"))
    points = [
        sa.Column(f"{name}_{part}", kind)
        for name in ("last", "lowest", "highest")
        for part, kind in (("step", sa.BigInteger()), ("at", sa.Double()), ("value", sa.Double()))
    ]
    op.create_table(
        "metric_series",
        sa.Column("training_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("stride", sa.BigInteger(), nullable=False),
        sa.Column("open_values", sa.BigInteger(), nullable=False),
        sa.Column("open_kept", sa.Integer(), nullable=False),
        *points,
        sa.Column("points", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["training_id"], ["trainings.id"], name=op.f("fk_metric_series_training_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("training_id", "number", name=op.f("pk_metric_series")),
        sa.UniqueConstraint("training_id", "run", "tag", name=op.f("uq_metric_series_training_id_run_tag")),
    )
    # What earlier trainings wrote may still be there: it is read too.
    op.execute("""
        INSERT INTO metric_readings (training_id) SELECT id FROM trainings
        WHERE state NOT IN ('queued', 'starting') AND jsonb_typeof(spec -> 'storage') = 'object'
    """)


def downgrade() -> None:
    op.drop_table("metric_series")
    op.drop_table("metric_readings")
