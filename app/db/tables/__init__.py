"""All tables, as SQLAlchemy Core; only the repositories beside this package use them."""

from app.db.tables.accounts import audit_log, idempotency_keys, sessions, tokens, users
from app.db.tables.base import metadata
from app.db.tables.catalogue import (
    algorithms,
    images,
    project_revisions,
    project_secrets,
    projects,
    registries,
    storages,
    versions,
)
from app.db.tables.endpoints import endpoint_passes, endpoints, serving_verdicts
from app.db.tables.installation import cluster_nodes, cluster_orphans, installation, workers
from app.db.tables.metrics import metric_readings, metric_series
from app.db.tables.notices import deliveries, notices, subscriptions
from app.db.tables.timed import backfill_times, backfills, due_times, schedule_changes, schedules
from app.db.tables.trainings import attempts, events, log_chunks, log_segments, tasks, trainings
from app.db.tables.triggers import follow_starts, follows, hook_deliveries, hooks
from app.db.tables.usage import task_usage, usage_sampling

__all__ = [
    "algorithms",
    "attempts",
    "audit_log",
    "backfill_times",
    "backfills",
    "cluster_nodes",
    "cluster_orphans",
    "deliveries",
    "due_times",
    "endpoint_passes",
    "endpoints",
    "events",
    "follow_starts",
    "follows",
    "hook_deliveries",
    "hooks",
    "idempotency_keys",
    "images",
    "installation",
    "log_chunks",
    "log_segments",
    "metadata",
    "metric_readings",
    "metric_series",
    "notices",
    "project_revisions",
    "project_secrets",
    "projects",
    "registries",
    "schedule_changes",
    "schedules",
    "serving_verdicts",
    "sessions",
    "storages",
    "subscriptions",
    "task_usage",
    "tasks",
    "tokens",
    "trainings",
    "usage_sampling",
    "users",
    "versions",
    "workers",
]
