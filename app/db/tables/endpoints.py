"""Endpoints (TensorBoards and what else runs until it is stopped), and who may open them.

Columns are as in `trainings`: intent (the web process writes it and bumps `intent_gen`), status (only a worker that
holds the claim writes it), and the claim. `last_request_at` is written by whoever carries requests to the endpoint.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.db.tables.base import metadata, moment, uuid_pk

endpoints = Table(
    "endpoints",
    metadata,
    uuid_pk(),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("project", Text, nullable=False),
    Column("owner_id", Uuid, nullable=False),
    Column("created_by", Text, nullable=False),
    moment("created_at", now=True),
    # intent
    Column("spec", JSONB, nullable=False),  # by kind, such as domain.endpoints.tensorboard.TensorBoardSpec
    Column("spec_gen", Integer, nullable=False, server_default="1"),  # bumped by every change of the spec
    Column("desired", Text, nullable=False, server_default="running"),
    Column("starts", Integer, nullable=False, server_default="1"),
    Column("stop_reason", Text),
    Column("stop_requested_by", Text),
    Column("intent_gen", BigInteger, nullable=False, server_default="1"),
    moment("last_request_at"),
    # status
    Column("state", Text, nullable=False, server_default="starting"),
    Column("reason", Text),
    Column("message", Text, nullable=False, server_default=""),
    Column("launch", Integer, nullable=False, server_default="0"),
    Column("namespace", Text, unique=True),
    Column("namespace_uid", Text),
    Column("namespace_state", Text, nullable=False, server_default="none"),
    Column("addresses", JSONB, nullable=False, server_default="{}"),  # "service/port" -> "host:port"
    Column("applied_gen", Integer, nullable=False, server_default="0"),
    Column("replicas", Integer, nullable=False, server_default="0"),
    Column("ready", Integer, nullable=False, server_default="0"),
    moment("starting_at"),
    moment("running_at"),
    moment("stopping_at"),
    moment("ended_at"),
    Column("status_gen", BigInteger, nullable=False, server_default="0"),
    # the claim
    Column("seen_gen", BigInteger, nullable=False, server_default="0"),
    moment("wake_at", now=True),
    Column("claimed_by", Text),
    Column("claim_epoch", BigInteger, nullable=False, server_default="0"),
    moment("claimed_until"),
    CheckConstraint("state IN ('starting','running','stopping','stopped','failed')", name="state"),
    CheckConstraint("desired IN ('running','stopped')", name="desired"),
    CheckConstraint("namespace_state IN ('none','present','deleting','gone')", name="namespace_state"),
    Index("ix_endpoints_due", "wake_at"),
    Index("ix_endpoints_changed", "id", postgresql_where=text("intent_gen <> seen_gen")),
    Index("ix_endpoints_kind", "kind", "id"),
    Index("ix_endpoints_project", "project_id", "id"),
    Index("ix_endpoints_owner", "owner_id", "kind", "id"),
)

endpoint_passes = Table(
    "endpoint_passes",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # SHA-256 of a ticket or of a cookie of the endpoint's own host
    Column("endpoint_id", ForeignKey("endpoints.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("session_id", ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", Text, nullable=False),  # ticket: exchanged once for a cookie
    moment("expires_at", nullable=False),
    CheckConstraint("kind IN ('ticket','cookie')", name="kind"),
    Index(None, "expires_at"),
)

serving_verdicts = Table(
    "serving_verdicts",
    metadata,
    Column("serving_id", ForeignKey("endpoints.id", ondelete="CASCADE"), primary_key=True),
    Column("training_id", ForeignKey("trainings.id", ondelete="CASCADE"), primary_key=True, index=True),
    moment("at", now=True),
    Column("promoted", Boolean, nullable=False),
    Column("message", Text, nullable=False),
)
