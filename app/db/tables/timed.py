"""Timed projects: when each is due next, what became of every due time, and backfills.

That a due time is handled once rests on the primary key of `due_times`: trainings go with retention, this fact stays
as long as any due time could come up again.
"""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.db.tables.base import metadata, moment, uuid_pk

schedules = Table(
    "schedules",  # one row a timed project; the schedule itself is in the project's spec
    metadata,
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    moment("next_at"),  # null: paused, or over
    moment("handled_until", nullable=False),  # every due time up to here has its row
    moment("anchor", nullable=False),  # where intervals count from
    # the latest pause, which lasts while `resumed_at` is null
    moment("paused_at"),
    Column("paused_by", Text),
    Column("paused_reason", Text),
    moment("resumed_at"),
    Column("pause_catch_up", Text, nullable=False, server_default="skip"),  # for what was due during the pause
    moment("failures_from", now=True),  # only what ended since then counts as failures in a row
    CheckConstraint("paused_reason IN ('person', 'failures')", name="paused_reason"),
    CheckConstraint("(paused_at IS NULL) = (paused_reason IS NULL)", name="paused"),
    CheckConstraint("paused_at IS NULL OR resumed_at IS NOT NULL OR next_at IS NULL", name="paused_is_not_due"),
    Index("ix_schedules_next_at", "next_at", postgresql_where=text("next_at IS NOT NULL")),
)

schedule_changes = Table(
    "schedule_changes",  # each pause and each time it went on; what the schedule itself says is in project_revisions
    metadata,
    uuid_pk(),
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    moment("at", now=True),
    Column("by", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("reason", Text),  # of a pause
    Column("catch_up", Text),  # of going on: what is made up for
    Column("message", Text, nullable=False, server_default=""),
    CheckConstraint("change IN ('paused', 'resumed')", name="change"),
    Index(None, "project_id", "at"),
)

due_times = Table(
    "due_times",
    metadata,
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("due_at", DateTime(timezone=True), primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("cause", Text),  # domain.firing.Cause, where there is one
    Column("message", Text, nullable=False, server_default=""),  # why no training was started, or what it replaced
    Column("training_id", Uuid),  # may be gone by retention
    Column("folded", Integer, nullable=False, server_default="0"),  # older due times that this row speaks for too
    moment("handled_at", now=True),
    Column("watched", Boolean, nullable=False, server_default="false"),  # something may still have to be told of it
    Column("told", ARRAY(Text), nullable=False, server_default="{}"),  # what has been: late, overdue, slow
    CheckConstraint("outcome IN ('started', 'skipped', 'missed', 'queue_full', 'refused')", name="outcome"),
    Index(None, "due_at", "project_id"),
    Index(None, "handled_at"),
    Index("ix_due_times_watched", "due_at", postgresql_where=text("watched")),
)

backfills = Table(
    "backfills",
    metadata,
    uuid_pk(),
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("project", Text, nullable=False),
    Column("owner_id", Uuid, nullable=False),
    moment("from_at", nullable=False),
    moment("to_at", nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("request", JSONB, nullable=False),  # services.freeze.LaunchRequest: what is different from the project
    Column("state", Text, nullable=False, server_default="running"),
    Column("created_by", Text, nullable=False),
    moment("created_at", now=True),
    Column("cancelled_by", Text),
    moment("finished_at"),
    CheckConstraint("state IN ('running', 'done', 'cancelled')", name="state"),
    CheckConstraint("concurrency > 0", name="concurrency"),
    Index("ix_backfills_running", "id", postgresql_where=text("state = 'running'")),
    Index("ix_backfills_project", "project_id", "id"),
)

backfill_times = Table(
    "backfill_times",
    metadata,
    Column("backfill_id", ForeignKey("backfills.id", ondelete="CASCADE"), primary_key=True),
    Column("due_at", DateTime(timezone=True), primary_key=True),
    Column("outcome", Text, nullable=False, server_default="waiting"),
    Column("message", Text, nullable=False, server_default=""),
    Column("training_id", Uuid),
    CheckConstraint("outcome IN ('waiting', 'started', 'refused', 'cancelled')", name="outcome"),
    Index("ix_backfill_times_waiting", "backfill_id", "due_at", postgresql_where=text("outcome = 'waiting'")),
)
