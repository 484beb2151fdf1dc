"""The installation itself: its identity, its workers, and what they last saw of the cluster."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from app.db.tables.base import metadata, moment

installation = Table(
    "installation",
    metadata,
    Column("only", Integer, primary_key=True, server_default="1"),
    Column("name", Text, nullable=False),  # the value of the label taas.dev/installation
    moment("created_at", now=True),
    CheckConstraint('"only" = 1', name="only"),
)

workers = Table(
    "workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("cluster", Text, nullable=False),  # which cluster it talks to, in words
    Column("problem", Text, nullable=False, server_default=""),  # what is not ready, empty when all is well
    moment("started_at", now=True),
    moment("seen_at", now=True),
)

cluster_nodes = Table(
    "cluster_nodes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("ready", Text, nullable=False),
    Column("allocatable", JSONB, nullable=False),
    Column("requested", JSONB, nullable=False),
    Column("used", JSONB),
    Column("labels", JSONB, nullable=False, server_default="{}"),
    Column("taints", JSONB, nullable=False, server_default="[]"),  # [{key, value, effect}]
    Column("boot_id", Text, nullable=False, server_default=""),  # of its machine, as the node last told…
    moment("reported_at"),  # …at this time, by its own clock
    moment("observed_at", nullable=False),
)

cluster_orphans = Table(
    "cluster_orphans",  # domain.orphan: what a worker's last look found
    metadata,
    Column("uid", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("owner_id", Uuid),
    moment("made_at"),
    moment("deleting_since"),
    Column("stuck", Text, nullable=False, server_default=""),
    moment("collect_at"),
    moment("found_at", now=True),
    moment("looked_at", now=True),
)
