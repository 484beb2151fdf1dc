"""what tasks use of CPU and memory."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "task_usage",
        sa.Column("training_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("cpu", sa.BigInteger(), nullable=False),
        sa.Column("memory", sa.BigInteger(), nullable=False),
        sa.Column("cpu_peak", sa.BigInteger(), nullable=False),
        sa.Column("memory_peak", sa.BigInteger(), nullable=False),
        sa.Column("samples", sa.BigInteger(), nullable=False, server_default="1"),
        sa.Column("sampled_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["training_id", "role", "index"],
            ["tasks.training_id", "tasks.role", "tasks.index"],
            name=op.f("fk_task_usage_training_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("training_id", "role", "index", name=op.f("pk_task_usage")),
    )
    op.create_table(
        "usage_sampling",
        sa.Column("only", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sampled_at", sa.DateTime(timezone=True)),
        sa.Column("problem", sa.Text(), nullable=False, server_default=""),
        sa.CheckConstraint('"only" = 1', name=op.f("ck_usage_sampling_only")),
        sa.PrimaryKeyConstraint("only", name=op.f("pk_usage_sampling")),
    )


def downgrade() -> None:
    op.drop_table("usage_sampling")
    op.drop_table("task_usage")
