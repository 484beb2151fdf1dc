"""notices, to whom they go, and the outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _subscriptions()
    _notices()
    _deliveries()


def downgrade() -> None:
    op.drop_table("deliveries")
    op.drop_table("notices")
    op.drop_table("subscriptions")


def _subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Uuid()),
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False, server_default=""),
        sa.Column("secret", sa.LargeBinary()),
        sa.Column("old_secret", sa.LargeBinary()),
        _moment("old_secret_until"),
        _moment("created_at", now=True),
        _moment("updated_at", now=True),
        _moment("disabled_at"),
        sa.Column("disabled_reason", sa.Text(), nullable=False, server_default=""),
        sa.CheckConstraint("channel IN ('webhook', 'mail')", name=op.f("ck_subscriptions_channel")),
        sa.CheckConstraint("scope IN ('project', 'own', 'all')", name=op.f("ck_subscriptions_scope")),
        sa.CheckConstraint("(scope = 'project') = (project_id IS NOT NULL)", name=op.f("ck_subscriptions_project")),
        sa.CheckConstraint("(channel = 'webhook') = (secret IS NOT NULL)", name=op.f("ck_subscriptions_secret")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_subscriptions_owner_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_subscriptions_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
    )
    op.create_index(op.f("ix_subscriptions_project_id"), "subscriptions", ["project_id"])
    op.create_index("ix_subscriptions_owner", "subscriptions", ["owner_id", "channel", "id"])
    op.create_index("ix_subscriptions_channel", "subscriptions", ["channel", "id"])
    op.create_index("ix_subscriptions_all", "subscriptions", ["id"], postgresql_where=sa.text("scope = 'all'"))


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Uuid()),
        sa.Column("training_id", sa.Uuid()),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        _moment("at", now=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_notices_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("key", name=op.f("uq_notices_key")),
    )
    op.create_index(op.f("ix_notices_project_id"), "notices", ["project_id"])
    op.create_index(op.f("ix_notices_at"), "notices", ["at"])


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="pending"),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("claim", sa.Integer(), nullable=False, server_default="0"),
        _moment("due_at", now=True),
        _moment("tried_at"),
        sa.Column("status", sa.Integer()),
        sa.Column("answer", sa.Text(), nullable=False, server_default=""),
        sa.Column("problem", sa.Text(), nullable=False, server_default=""),
        _moment("created_at", now=True),
        sa.CheckConstraint("state IN ('pending', 'sent', 'failed')", name=op.f("ck_deliveries_state")),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_deliveries_subscription_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notices.id"], name=op.f("fk_deliveries_notice_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subscription_id", "notice_id", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_notice_id"), "deliveries", ["notice_id"])
    op.create_index(
        "ix_deliveries_due", "deliveries", ["place", "due_at"], postgresql_where=sa.text("state = 'pending'")
    )


def _moment(name: str, *, now: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not now, server_default=sa.func.now() if now else None)
