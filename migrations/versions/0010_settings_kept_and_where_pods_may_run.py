"""what a project's settings were, revision by revision; labels and taints of nodes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# What is known of the projects that are there: how they are now, but not who made them so.
_PRESENT = """
    INSERT INTO project_revisions (project_id, revision, at, spec, notes, tags)
    SELECT id, revision, updated_at, spec, notes, tags FROM projects WHERE deleted_at IS NULL
"""


def upgrade() -> None:
    op.add_column("cluster_nodes", sa.Column("labels", postgresql.JSONB(), nullable=False, server_default="{}"))
    op.add_column("cluster_nodes", sa.Column("taints", postgresql.JSONB(), nullable=False, server_default="[]"))
    op.create_table(
        "project_revisions",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text()),
        sa.Column("spec", postgresql.JSONB(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("secrets_set", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_project_revisions_project_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "revision", name="pk_project_revisions"),
    )
    op.execute(_PRESENT)


def downgrade() -> None:
    op.drop_table("project_revisions")
    op.drop_column("cluster_nodes", "taints")
    op.drop_column("cluster_nodes", "labels")
