"""Notices, to whom they go, and the outbox: one row of `deliveries` for each notice and subscriber."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.db.tables.base import metadata, moment, uuid_pk

subscriptions = Table(
    "subscriptions",
    metadata,
    uuid_pk(),
    Column("channel", Text, nullable=False),
    Column("owner_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("scope", Text, nullable=False),
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), index=True),
    Column("kinds", ARRAY(Text), nullable=False),
    Column("target", Text, nullable=False),  # a URL or an address
    Column("place", Text, nullable=False),  # what is shared when it is slow: host and port, or `mail`
    Column("description", Text, nullable=False, server_default=""),
    Column("secret", LargeBinary),  # sealed
    Column("old_secret", LargeBinary),  # sealed; signs too until `old_secret_until`
    moment("old_secret_until"),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    moment("disabled_at"),
    Column("disabled_reason", Text, nullable=False, server_default=""),
    CheckConstraint("channel IN ('webhook', 'mail')", name="channel"),
    CheckConstraint("scope IN ('project', 'own', 'all')", name="scope"),
    CheckConstraint("(scope = 'project') = (project_id IS NOT NULL)", name="project"),
    CheckConstraint("(channel = 'webhook') = (secret IS NOT NULL)", name="secret"),
    Index("ix_subscriptions_owner", "owner_id", "channel", "id"),
    Index("ix_subscriptions_channel", "channel", "id"),
    Index("ix_subscriptions_all", "id", postgresql_where=text("scope = 'all'")),
)

notices = Table(
    "notices",
    metadata,
    uuid_pk(),
    Column("key", Text, nullable=False, unique=True),  # the same fact is told once
    Column("kind", Text, nullable=False),
    Column("project_id", ForeignKey("projects.id"), index=True),  # null: a test
    Column("training_id", Uuid),  # which may be removed by its age before the notice is
    Column("data", JSONB, nullable=False),
    moment("at", now=True),
    Index(None, "at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("subscription_id", ForeignKey("subscriptions.id", ondelete="CASCADE"), primary_key=True),
    Column("notice_id", ForeignKey("notices.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("place", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="pending"),
    Column("tries", Integer, nullable=False, server_default="0"),  # in all
    Column("tries_left", Integer, nullable=False),
    Column("claim", Integer, nullable=False, server_default="0"),  # grows with every try: who is late writes nothing
    moment("due_at", now=True),  # while it is being sent: when it is tried again if nothing was heard of it
    moment("tried_at"),
    Column("status", Integer),  # of the last answer
    Column("answer", Text, nullable=False, server_default=""),
    Column("problem", Text, nullable=False, server_default=""),
    moment("created_at", now=True),
    CheckConstraint("state IN ('pending', 'sent', 'failed')", name="state"),
    Index("ix_deliveries_due", "place", "due_at", postgresql_where=text("state = 'pending'")),
)
