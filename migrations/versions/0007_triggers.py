"""hooks, their deliveries, chains of projects."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "follows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("upstream_id", sa.Uuid(), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("project_id <> upstream_id", name=op.f("ck_follows_not_itself")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_follows_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["upstream_id"], ["projects.id"], name=op.f("fk_follows_upstream_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follows")),
        sa.UniqueConstraint("project_id", "upstream_id", name=op.f("uq_follows_project_id_upstream_id")),
    )
    op.create_index(op.f("ix_follows_upstream_id"), "follows", ["upstream_id"], unique=False)
    op.create_table(
        "hooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("old_token_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("old_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signing", sa.Text(), server_default="none", nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("signing IN ('none', 'standard', 'github')", name=op.f("ck_hooks_signing")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_hooks_project_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hooks")),
        sa.UniqueConstraint("old_token_sha256", name=op.f("uq_hooks_old_token_sha256")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_hooks_project_id_name")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_hooks_token_sha256")),
    )
    op.create_table(
        "follow_starts",
        sa.Column("follow_id", sa.Uuid(), nullable=False),
        sa.Column("upstream_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("training_id", sa.Uuid(), nullable=True),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["follow_id"], ["follows.id"], name=op.f("fk_follow_starts_follow_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["upstream_id"], ["trainings.id"], name=op.f("fk_follow_starts_upstream_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("follow_id", "upstream_id", name=op.f("pk_follow_starts")),
    )
    op.create_index(
        "ix_follow_starts_due",
        "follow_starts",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_index("ix_follow_starts_upstream", "follow_starts", ["upstream_id"], unique=False)
    op.create_table(
        "hook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hook_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("holds", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("replay_of", sa.Uuid(), nullable=True),
        sa.Column("replayed_by", sa.Text(), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("payload_note", sa.Text(), server_default="", nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("training_id", sa.Uuid(), nullable=True),
        sa.Column("repeats", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["hook_id"], ["hooks.id"], name=op.f("fk_hook_deliveries_hook_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_deliveries")),
    )
    op.create_index(op.f("ix_hook_deliveries_hook_id_id"), "hook_deliveries", ["hook_id", "id"], unique=False)
    op.create_index(op.f("ix_hook_deliveries_received_at"), "hook_deliveries", ["received_at"], unique=False)
    op.create_index(
        "uq_hook_deliveries_key",
        "hook_deliveries",
        ["hook_id", "key"],
        unique=True,
        postgresql_where=sa.text("holds AND key IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "uq_hook_deliveries_key", table_name="hook_deliveries", postgresql_where=sa.text("holds AND key IS NOT NULL")
    )
    op.drop_index(op.f("ix_hook_deliveries_received_at"), table_name="hook_deliveries")
    op.drop_index(op.f("ix_hook_deliveries_hook_id_id"), table_name="hook_deliveries")
    op.drop_table("hook_deliveries")
    op.drop_index("ix_follow_starts_upstream", table_name="follow_starts")
    op.drop_index("ix_follow_starts_due", table_name="follow_starts", postgresql_where=sa.text("done_at IS NULL"))
    op.drop_table("follow_starts")
    op.drop_table("hooks")
    op.drop_index(op.f("ix_follows_upstream_id"), table_name="follows")
    op.drop_table("follows")
