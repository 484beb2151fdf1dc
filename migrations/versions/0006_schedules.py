"""schedules, their due times, backfills."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _schedules()
    _due_times()
    _backfills()
    _trainings()


def downgrade() -> None:
    op.drop_index("ix_attempts_lost", table_name="attempts")
    for name in ("ix_trainings_backfill", "ix_trainings_handover", "uq_trainings_exclusive"):
        op.drop_index(name, table_name="trainings")
    for name in ("released_by", "released_at", "exclusive", "backfill_id"):
        op.drop_column("trainings", name)
    for name in ("backfill_times", "backfills", "due_times", "schedules"):
        op.drop_table(name)


def _moment(name: str, **more: object) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), **more)  # type: ignore[arg-type]


def _now(name: str) -> sa.Column[object]:
    return _moment(name, nullable=False, server_default=sa.text("now()"))


def _project(**more: object) -> sa.Column[object]:
    return sa.Column("project_id", sa.Uuid(), nullable=False, **more)  # type: ignore[arg-type]


def _of_project(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=f"fk_{table}_project_id", ondelete="CASCADE")


def _schedules() -> None:
    op.create_table(
        "schedules",
        _project(),
        _moment("next_at"),
        _moment("handled_until", nullable=False),
        _moment("anchor", nullable=False),
        _moment("paused_at"),
        sa.Column("paused_by", sa.Text()),
        sa.Column("paused_reason", sa.Text()),
        _moment("resumed_at"),
        sa.Column("pause_catch_up", sa.Text(), nullable=False, server_default="skip"),
        _now("failures_from"),
        _of_project("schedules"),
        sa.CheckConstraint("paused_reason IN ('person', 'failures')", name=op.f("ck_schedules_paused_reason")),
        sa.CheckConstraint("(paused_at IS NULL) = (paused_reason IS NULL)", name=op.f("ck_schedules_paused")),
        sa.CheckConstraint(
            "paused_at IS NULL OR resumed_at IS NOT NULL OR next_at IS NULL",
            name=op.f("ck_schedules_paused_is_not_due"),
        ),
        sa.PrimaryKeyConstraint("project_id", name="pk_schedules"),
    )
    op.create_index("ix_schedules_next_at", "schedules", ["next_at"], postgresql_where=sa.text("next_at IS NOT NULL"))


def _due_times() -> None:
    op.create_table(
        "due_times",
        _project(),
        _moment("due_at", nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text()),
        sa.Column("message", sa.Text(), nullable=False, server_default=""),
        sa.Column("training_id", sa.Uuid()),
        sa.Column("folded", sa.Integer(), nullable=False, server_default="0"),
        _now("handled_at"),
        sa.Column("watched", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("told", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.CheckConstraint(
            "outcome IN ('started', 'skipped', 'missed', 'queue_full', 'refused')", name=op.f("ck_due_times_outcome")
        ),
        _of_project("due_times"),
        sa.PrimaryKeyConstraint("project_id", "due_at", name="pk_due_times"),
    )
    op.create_index("ix_due_times_due_at_project_id", "due_times", ["due_at", "project_id"])
    op.create_index("ix_due_times_handled_at", "due_times", ["handled_at"])
    op.create_index("ix_due_times_watched", "due_times", ["due_at"], postgresql_where=sa.text("watched"))


def _backfills() -> None:
    op.create_table(
        "backfills",
        sa.Column("id", sa.Uuid(), nullable=False),
        _project(),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        _moment("from_at", nullable=False),
        _moment("to_at", nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("request", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="running"),
        sa.Column("created_by", sa.Text(), nullable=False),
        _now("created_at"),
        sa.Column("cancelled_by", sa.Text()),
        _moment("finished_at"),
        sa.CheckConstraint("state IN ('running', 'done', 'cancelled')", name=op.f("ck_backfills_state")),
        sa.CheckConstraint("concurrency > 0", name=op.f("ck_backfills_concurrency")),
        _of_project("backfills"),
        sa.PrimaryKeyConstraint("id", name="pk_backfills"),
    )
    op.create_index("ix_backfills_running", "backfills", ["id"], postgresql_where=sa.text("state = 'running'"))
    op.create_index("ix_backfills_project", "backfills", ["project_id", "id"])
    op.create_table(
        "backfill_times",
        sa.Column("backfill_id", sa.Uuid(), nullable=False),
        _moment("due_at", nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False, server_default="waiting"),
        sa.Column("message", sa.Text(), nullable=False, server_default=""),
        sa.Column("training_id", sa.Uuid()),
        sa.CheckConstraint(
            "outcome IN ('waiting', 'started', 'refused', 'cancelled')", name=op.f("ck_backfill_times_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["backfill_id"], ["backfills.id"], name="fk_backfill_times_backfill_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("backfill_id", "due_at", name="pk_backfill_times"),
    )
    op.create_index(
        "ix_backfill_times_waiting",
        "backfill_times",
        ["backfill_id", "due_at"],
        postgresql_where=sa.text("outcome = 'waiting'"),
    )


def _trainings() -> None:
    op.add_column("trainings", sa.Column("backfill_id", sa.Uuid()))
    op.add_column("trainings", sa.Column("exclusive", sa.Boolean(), nullable=False, server_default="false"))
    op.add_column("trainings", _moment("released_at"))
    op.add_column("trainings", sa.Column("released_by", sa.Text()))
    op.create_index(
        "uq_trainings_exclusive",
        "trainings",
        ["project_id"],
        unique=True,
        postgresql_where=sa.text("exclusive AND state IN ('starting','running','stopping')"),
    )
    op.create_index(
        "ix_trainings_handover",
        "trainings",
        ["project_id", "id"],
        postgresql_where=sa.text("exclusive AND archived_at IS NULL"),
    )
    op.create_index(
        "ix_trainings_backfill",
        "trainings",
        ["backfill_id", "id"],
        postgresql_where=sa.text("backfill_id IS NOT NULL"),
    )
    op.create_index("ix_attempts_lost", "attempts", ["training_id"], postgresql_where=sa.text("reason = 'NodeLost'"))
