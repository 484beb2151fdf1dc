"""What starts trainings besides people and schedules: hooks with their deliveries, and projects that follow others."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
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
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.db.tables.base import metadata, moment, uuid_pk

hooks = Table(
    "hooks",
    metadata,
    uuid_pk(),
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("token_sha256", LargeBinary, nullable=False, unique=True),
    Column("hint", Text, nullable=False),  # how its token begins
    Column("old_token_sha256", LargeBinary, unique=True),  # the one before, worth something until old_until
    moment("old_until"),
    Column("signing", Text, nullable=False, server_default="none"),
    Column("secret", LargeBinary),  # sealed; what deliveries are signed with
    Column("old_secret", LargeBinary),  # sealed; the one before, accepted until old_secret_until
    moment("old_secret_until"),
    Column("rules", JSONB, nullable=False, server_default="[]"),  # domain.hook.ParamRule
    Column("enabled", Boolean, nullable=False, server_default="true"),
    Column("created_by", Text, nullable=False),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    UniqueConstraint("project_id", "name"),
    CheckConstraint("signing IN ('none', 'standard', 'github')", name="signing"),
)

hook_deliveries = Table(
    "hook_deliveries",
    metadata,
    uuid_pk(),
    Column("hook_id", ForeignKey("hooks.id", ondelete="CASCADE"), nullable=False),
    Column("key", Text),  # the sender's id of this delivery
    Column("holds", Boolean, nullable=False, server_default="true"),  # a second one with the key is the same
    Column("fingerprint", LargeBinary),  # SHA-256 of the body
    moment("received_at", now=True),
    Column("replay_of", Uuid),
    Column("replayed_by", Text),
    Column("outdated", JSONB, nullable=False, server_default="[]"),  # domain.hook.Outdated: what of an overlap it used
    Column("headers", JSONB, nullable=False, server_default="{}"),
    Column("payload", JSONB),  # {"value": …}, masked; null: not kept
    Column("payload_note", Text, nullable=False, server_default=""),  # why it was not kept
    Column("params", JSONB),
    Column("status", Integer),  # of the answer; null while it is under way
    Column("answer", JSONB),
    Column("training_id", Uuid),
    Column("repeats", Integer, nullable=False, server_default="0"),  # how often the sender sent it again
    Index(None, "hook_id", "id"),
    Index("uq_hook_deliveries_key", "hook_id", "key", unique=True, postgresql_where=text("holds AND key IS NOT NULL")),
    Index(None, "received_at"),
)

follows = Table(
    "follows",
    metadata,
    uuid_pk(),
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("upstream_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("params", JSONB, nullable=False, server_default="{}"),  # templates: domain.chain
    Column("created_by", Text, nullable=False),
    moment("created_at", now=True),
    UniqueConstraint("project_id", "upstream_id"),
    CheckConstraint("project_id <> upstream_id", name="not_itself"),
)

follow_starts = Table(
    "follow_starts",  # one for each success of a followed project, written with the success itself
    metadata,
    Column("follow_id", ForeignKey("follows.id", ondelete="CASCADE"), primary_key=True),
    Column("upstream_id", ForeignKey("trainings.id", ondelete="CASCADE"), primary_key=True),
    moment("created_at", now=True),
    moment("done_at"),  # null: still to be carried out
    Column("training_id", Uuid),
    Column("problem", Text, nullable=False, server_default=""),  # why nothing was started
    Index("ix_follow_starts_upstream", "upstream_id"),
    Index("ix_follow_starts_due", "created_at", postgresql_where=text("done_at IS NULL")),
)
