"""Trainings and what they leave behind: tasks, attempts, logs, events.

`trainings` has intent columns (the web process writes them and bumps `intent_gen`), status columns (only a worker
that holds the claim writes them, `WHERE claim_epoch = :epoch`), and the claim itself.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.db.tables.base import metadata, moment, uuid_pk

LIVE = "state NOT IN ('succeeded', 'failed', 'stopped', 'timed_out') OR namespace_state IN ('present', 'deleting')"

trainings = Table(
    "trainings",
    metadata,
    uuid_pk(),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("project", Text, nullable=False),  # the name at launch: a record outlives its project
    Column("owner_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("spec", JSONB, nullable=False),  # domain.training.TrainingSpec, frozen
    Column("version_id", Uuid, nullable=False),
    Column("trigger", Text, nullable=False),
    moment("scheduled_for"),
    Column("replaces", Uuid),
    Column("replaced_by", Uuid),
    Column("retry_of", Uuid),
    Column("backfill_id", Uuid),
    Column("exclusive", Boolean, nullable=False, server_default="false"),  # at most one such of a project is active
    Column("notes", Text, nullable=False, server_default=""),
    Column("created_by", Text, nullable=False),
    moment("created_at", now=True),
    # intent
    Column("intent_gen", BigInteger, nullable=False, server_default="1"),
    moment("stop_requested_at"),
    Column("stop_requested_by", Text),
    Column("stop_reason", Text),
    # status
    Column("state", Text, nullable=False, server_default="queued"),
    Column("reason", Text),
    Column("message", Text, nullable=False, server_default=""),  # a sentence with its remedy, or why it waits
    Column("namespace", Text, unique=True),
    Column("namespace_uid", Text),
    Column("namespace_state", Text, nullable=False, server_default="none"),
    Column("namespace_message", Text, nullable=False, server_default=""),  # why a deletion is stuck
    Column("tasks_total", Integer, nullable=False),
    Column("tasks_running", Integer, nullable=False, server_default="0"),
    Column("tasks_succeeded", Integer, nullable=False, server_default="0"),
    Column("tasks_failed", Integer, nullable=False, server_default="0"),
    moment("starting_at"),  # left the queue
    moment("started_at"),  # every required task runs
    moment("stopping_at"),
    moment("finished_at"),
    moment("archived_at"),  # logs, events and exit codes are safe
    moment("released_at"),  # a person says that nothing of it runs any more, on lost nodes either
    Column("released_by", Text),
    moment("logs_removed_at"),  # by retention; attempts keep verdicts and counts
    Column("logs_removing", Boolean, nullable=False, server_default="false"),  # marked, but not all of it is gone yet
    Column("status_gen", BigInteger, nullable=False, server_default="0"),  # bumped by every status write: ETag
    # the claim
    Column("seen_gen", BigInteger, nullable=False, server_default="0"),
    moment("wake_at", now=True),
    Column("claimed_by", Text),
    Column("claim_epoch", BigInteger, nullable=False, server_default="0"),
    moment("claimed_until"),
    # the claim of whoever follows the logs
    Column("log_claimed_by", Text),
    Column("log_epoch", BigInteger, nullable=False, server_default="0"),
    moment("log_claimed_until"),
    UniqueConstraint("project_id", "number"),
    CheckConstraint(
        "state IN ('queued','starting','running','stopping','succeeded','failed','stopped','timed_out')", name="state"
    ),
    CheckConstraint("namespace_state IN ('none','present','deleting','gone')", name="namespace_state"),
    Index(
        "uq_trainings_scheduled",  # two workers cannot fire one due time twice
        "project_id",
        "scheduled_for",
        unique=True,
        postgresql_where=text("trigger = 'schedule'"),
    ),
    Index("ix_trainings_due", "wake_at", postgresql_where=text(LIVE)),
    Index("ix_trainings_changed", "id", postgresql_where=text("intent_gen <> seen_gen")),
    Index("ix_trainings_queue", "id", postgresql_where=text("state = 'queued'")),
    Index("ix_trainings_active", "project_id", postgresql_where=text("state IN ('starting','running','stopping')")),
    Index(
        "uq_trainings_exclusive",
        "project_id",
        unique=True,
        postgresql_where=text("exclusive AND state IN ('starting','running','stopping')"),
    ),
    Index(
        "ix_trainings_handover",  # what the next exclusive training of a project waits for or replaces
        "project_id",
        "id",
        postgresql_where=text("exclusive AND archived_at IS NULL"),
    ),
    Index("ix_trainings_backfill", "backfill_id", "id", postgresql_where=text("backfill_id IS NOT NULL")),
    Index("ix_trainings_project", "project_id", "id"),
    Index("ix_trainings_state", "state", "id"),
    Index("ix_trainings_trigger", "trigger", "id"),
    Index("ix_trainings_version", "version_id", "id"),
    Index("ix_trainings_reason", "reason", "id", postgresql_where=text("reason IS NOT NULL")),
    Index("ix_trainings_owner", "owner_id", "id"),
    Index(None, "created_at"),
    Index("ix_trainings_finished", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
    Index(
        "ix_trainings_logs_kept",
        "finished_at",
        postgresql_where=text("finished_at IS NOT NULL AND logs_removed_at IS NULL"),
    ),
    Index("ix_trainings_logs_removing", "id", postgresql_where=text("logs_removing")),
)

tasks = Table(
    "tasks",
    metadata,
    Column("training_id", ForeignKey("trainings.id", ondelete="CASCADE"), primary_key=True),
    Column("role", Text, primary_key=True),
    Column("index", Integer, primary_key=True),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("message", Text, nullable=False, server_default=""),  # why it waits, or how it ended
    Column("node", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("exit_code", Integer),
    moment("started_at"),
    moment("finished_at"),
)

attempts = Table(
    "attempts",
    metadata,
    uuid_pk(),
    Column("training_id", Uuid, nullable=False),
    Column("role", Text, nullable=False),
    Column("index", Integer, nullable=False),
    Column("number", Integer, nullable=False),  # 1, 2, … within its task
    Column("pod_name", Text, nullable=False),
    Column("pod_uid", Text, nullable=False, unique=True),
    Column("node", Text),
    Column("state", Text, nullable=False),
    Column("exit_code", Integer),
    Column("reason", Text, nullable=False, server_default=""),  # the cluster's word: OOMKilled, Evicted, …
    Column("message", Text, nullable=False, server_default=""),
    Column("termination", Text),  # what start.sh left (domain.termination)
    Column("boot_id", Text),  # that its node has told at some time after its start
    moment("created_at", nullable=False),
    moment("scheduled_at"),  # a node took it
    moment("sandbox_at"),  # its volumes and network were there
    moment("started_at"),
    moment("finished_at"),
    # its log
    Column("log_bytes", BigInteger, nullable=False, server_default="0"),
    Column("log_lines", BigInteger, nullable=False, server_default="0"),
    Column(
        "log_last_at", Text
    ),  # where to resume (k8s.logs.Position): the last time stamp taken over, and how much of it
    Column("log_verdict", Text),  # null: not ended yet
    Column("log_missing_lines", BigInteger),
    moment("log_archived_at"),
    UniqueConstraint("training_id", "role", "index", "number"),
    ForeignKeyConstraint(
        ["training_id", "role", "index"], ["tasks.training_id", "tasks.role", "tasks.index"], ondelete="CASCADE"
    ),
    Index("ix_attempts_unarchived", "training_id", postgresql_where=text("log_archived_at IS NULL")),
    Index("ix_attempts_lost", "training_id", postgresql_where=text("reason = 'NodeLost'")),  # given up, not proven dead
)

log_chunks = Table(
    "log_chunks",  # the live tail; rows go when a segment in storage holds their bytes
    metadata,
    Column("attempt_id", ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True),
    Column("offset", BigInteger, primary_key=True),  # in bytes of the log as it was received
    Column("first_line", BigInteger, nullable=False),  # counted from 0
    Column("lines", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    moment("first_at", nullable=False),
    moment("last_at", nullable=False),
    Column("index", JSONB, nullable=False, server_default="[]"),  # as in log_segments
    Column("gap_before", Integer, nullable=False, server_default="0"),  # 1: lines may be missing before this chunk
)

log_segments = Table(
    "log_segments",
    metadata,
    Column("attempt_id", ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True),
    Column("offset", BigInteger, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("first_line", BigInteger, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("object_key", Text, nullable=False),
    Column("sha256", Text, nullable=False),  # of the uncompressed bytes
    Column("index", JSONB, nullable=False),  # [[line, byte offset, Unix ms], …]: domain.log.IndexEntry
    Column("gaps", JSONB, nullable=False, server_default="[]"),  # byte offsets before which lines may be missing
    moment("first_at", nullable=False),
    moment("last_at", nullable=False),
)

events = Table(
    "events",
    metadata,
    uuid_pk(),
    Column("training_id", ForeignKey("trainings.id", ondelete="CASCADE"), nullable=False),
    Column("key", Text, nullable=False),  # what makes it the same event: the cluster's uid, or ours
    Column("source", Text, nullable=False),  # taas | kubernetes
    Column("severity", Text, nullable=False),  # normal | warning
    Column("reason", Text, nullable=False),
    Column("object", Text, nullable=False, server_default=""),  # such as Pod/worker-0-x7abc
    Column("message", Text, nullable=False),
    Column("count", Integer, nullable=False, server_default="1"),
    moment("first_at", nullable=False),
    moment("last_at", nullable=False),
    UniqueConstraint("training_id", "key"),
    Index(None, "training_id", "id"),
)
