"""which boot of its machine a pod ran in."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cluster_nodes", sa.Column("boot_id", sa.Text(), server_default="", nullable=False))
    op.add_column("cluster_nodes", sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("attempts", sa.Column("boot_id", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("attempts", "boot_id")
    op.drop_column("cluster_nodes", "reported_at")
    op.drop_column("cluster_nodes", "boot_id")
