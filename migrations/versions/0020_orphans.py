"""what lies in the cluster and belongs to no record."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cluster_orphans",
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid()),
        sa.Column("made_at", sa.DateTime(timezone=True)),
        sa.Column("deleting_since", sa.DateTime(timezone=True)),
        sa.Column("stuck", sa.Text(), nullable=False, server_default=""),
        sa.Column("collect_at", sa.DateTime(timezone=True)),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_cluster_orphans")),
    )


def downgrade() -> None:
    op.drop_table("cluster_orphans")
