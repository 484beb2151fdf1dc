"""two secrets of a hook while they are changed over."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hooks", sa.Column("old_secret", sa.LargeBinary(), nullable=True))
    op.add_column("hooks", sa.Column("old_secret_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "hook_deliveries",
        sa.Column("outdated", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("hook_deliveries", "outdated")
    op.drop_column("hooks", "old_secret_until")
    op.drop_column("hooks", "old_secret")
