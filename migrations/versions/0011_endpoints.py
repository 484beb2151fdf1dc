"""endpoints, and who may open them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _endpoints()
    _passes()


def downgrade() -> None:
    op.drop_table("endpoint_passes")
    op.drop_table("endpoints")


def _moment(name: str, *, now: bool = False, nullable: bool = True) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable and not now, server_default=default)


def _count(name: str, default: str, kind: type[sa.Integer] = sa.Integer) -> sa.Column[int]:
    return sa.Column(name, kind(), nullable=False, server_default=default)


def _endpoints() -> None:
    op.create_table(
        "endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        _moment("created_at", now=True),
        sa.Column("spec", postgresql.JSONB(), nullable=False),
        _count("spec_gen", "1"),
        sa.Column("desired", sa.Text(), nullable=False, server_default="running"),
        _count("starts", "1"),
        sa.Column("stop_reason", sa.Text()),
        sa.Column("stop_requested_by", sa.Text()),
        _count("intent_gen", "1", sa.BigInteger),
        _moment("last_request_at"),
        sa.Column("state", sa.Text(), nullable=False, server_default="starting"),
        sa.Column("reason", sa.Text()),
        sa.Column("message", sa.Text(), nullable=False, server_default=""),
        _count("launch", "0"),
        sa.Column("namespace", sa.Text()),
        sa.Column("namespace_uid", sa.Text()),
        sa.Column("namespace_state", sa.Text(), nullable=False, server_default="none"),
        sa.Column("addresses", postgresql.JSONB(), nullable=False, server_default="{}"),
        _count("applied_gen", "0"),
        _count("replicas", "0"),
        _count("ready", "0"),
        _moment("starting_at"),
        _moment("running_at"),
        _moment("stopping_at"),
        _moment("ended_at"),
        _count("status_gen", "0", sa.BigInteger),
        _count("seen_gen", "0", sa.BigInteger),
        _moment("wake_at", now=True),
        sa.Column("claimed_by", sa.Text()),
        _count("claim_epoch", "0", sa.BigInteger),
        _moment("claimed_until"),
        sa.PrimaryKeyConstraint("id", name="pk_endpoints"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_endpoints_project_id"),
        sa.UniqueConstraint("namespace", name="uq_endpoints_namespace"),
        sa.CheckConstraint(
            "state IN ('starting','running','stopping','stopped','failed')", name=op.f("ck_endpoints_state")
        ),
        sa.CheckConstraint("desired IN ('running','stopped')", name=op.f("ck_endpoints_desired")),
        sa.CheckConstraint(
            "namespace_state IN ('none','present','deleting','gone')", name=op.f("ck_endpoints_namespace_state")
        ),
    )
    op.create_index("ix_endpoints_due", "endpoints", ["wake_at"])
    op.create_index("ix_endpoints_changed", "endpoints", ["id"], postgresql_where=sa.text("intent_gen <> seen_gen"))
    op.create_index("ix_endpoints_kind", "endpoints", ["kind", "id"])
    op.create_index("ix_endpoints_project", "endpoints", ["project_id", "id"])
    op.create_index("ix_endpoints_owner", "endpoints", ["owner_id", "kind", "id"])


def _passes() -> None:
    op.create_table(
        "endpoint_passes",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        _moment("expires_at", nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_endpoint_passes"),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["endpoints.id"], name="fk_endpoint_passes_endpoint_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name="fk_endpoint_passes_session_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint("kind IN ('ticket','cookie')", name=op.f("ck_endpoint_passes_kind")),
    )
    for column in ("endpoint_id", "session_id", "expires_at"):
        op.create_index(f"ix_endpoint_passes_{column}", "endpoint_passes", [column])
