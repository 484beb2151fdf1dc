"""find trainings by their time."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_trainings_created_at", "trainings", ["created_at"])


def downgrade() -> None:
    op.drop_index("ix_trainings_created_at", table_name="trainings")
