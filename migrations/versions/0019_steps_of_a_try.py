"""when a node took a task's pod, and when its volumes and network were there."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("scheduled_at", sa.DateTime(timezone=True)))
    op.add_column("attempts", sa.Column("sandbox_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("attempts", "sandbox_at")
    op.drop_column("attempts", "scheduled_at")
