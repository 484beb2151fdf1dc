"""each pause of a schedule and each time it went on."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "schedule_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("catch_up", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("change IN ('paused', 'resumed')", name=op.f("ck_schedule_changes_change")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_schedule_changes_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_changes")),
    )
    op.create_index(op.f("ix_schedule_changes_project_id_at"), "schedule_changes", ["project_id", "at"])
    # The pause that lasts is known already; of those before nothing is.
    op.execute("""
        INSERT INTO schedule_changes (id, project_id, at, by, change, reason)
        SELECT gen_random_uuid(), project_id, paused_at, coalesce(paused_by, 'TaaS'), 'paused', paused_reason
        FROM schedules WHERE paused_at IS NOT NULL AND resumed_at IS NULL
    """)


def downgrade() -> None:
    op.drop_table("schedule_changes")
