"""find logs to archive."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_attempts_unarchived", "attempts", ["training_id"], postgresql_where=sa.text("log_archived_at IS NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_attempts_unarchived", table_name="attempts")
