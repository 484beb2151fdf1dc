"""logs that retention has removed, and what it may remove, found by their age."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("trainings", sa.Column("logs_removed_at", sa.DateTime(timezone=True)))
    op.add_column("trainings", sa.Column("logs_removing", sa.Boolean(), nullable=False, server_default="false"))
    op.create_index(
        "ix_trainings_finished", "trainings", ["finished_at"], postgresql_where=sa.text("finished_at IS NOT NULL")
    )
    op.create_index(
        "ix_trainings_logs_kept",
        "trainings",
        ["finished_at"],
        postgresql_where=sa.text("finished_at IS NOT NULL AND logs_removed_at IS NULL"),
    )
    op.create_index("ix_trainings_logs_removing", "trainings", ["id"], postgresql_where=sa.text("logs_removing"))


def downgrade() -> None:
    op.drop_index("ix_trainings_logs_removing", table_name="trainings")
    op.drop_index("ix_trainings_logs_kept", table_name="trainings")
    op.drop_index("ix_trainings_finished", table_name="trainings")
    op.drop_column("trainings", "logs_removing")
    op.drop_column("trainings", "logs_removed_at")
