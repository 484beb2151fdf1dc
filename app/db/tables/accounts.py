"""People, their sessions and tokens, and what they did."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.db.tables.base import metadata, moment, uuid_pk

users = Table(
    "users",
    metadata,
    uuid_pk(),
    Column("name", Text, nullable=False, unique=True),  # lower case; the log-in name
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    moment("created_at", now=True),
    moment("disabled_at"),
    CheckConstraint("role IN ('admin', 'member', 'viewer')", name="role"),
)

sessions = Table(
    "sessions",
    metadata,
    uuid_pk(),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("token_sha256", LargeBinary, nullable=False, unique=True),
    Column("user_agent", Text, nullable=False, server_default=""),
    moment("created_at", now=True),
    moment("last_seen_at", now=True),
    moment("expires_at", nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    uuid_pk(),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),  # the first characters, to recognise it by
    Column("token_sha256", LargeBinary, nullable=False, unique=True),
    moment("created_at", now=True),
    moment("expires_at"),
    moment("last_used_at"),
    UniqueConstraint("user_id", "name"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("route", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", Integer),  # null: the first request is still under way
    Column("headers", JSONB),
    Column("body", LargeBinary),
    moment("created_at", now=True),
    Index(None, "created_at"),
)

audit_log = Table(
    "audit_log",
    metadata,
    uuid_pk(),
    moment("at", now=True),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),  # such as project.update
    Column("object", Text, nullable=False),
    Column("detail", JSONB, nullable=False, server_default="{}"),
    Index(None, "object", "id"),
    Index(None, "actor", "id"),
    Index(None, "action", "id"),
)
