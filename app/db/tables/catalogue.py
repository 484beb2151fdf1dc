"""What trainings are made of: algorithms, images, registries, storages, projects."""

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
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.db.tables.base import metadata, moment, uuid_pk

# The words of a name, for searching by how they begin; pg_trgm is not there on every PostgreSQL.
WORDS = text("to_tsvector('simple'::regconfig, translate(name, '-_./:@', '      '))")

algorithms = Table(
    "algorithms",
    metadata,
    uuid_pk(),
    Column("name", Text, nullable=False, unique=True),
    Column("description", Text, nullable=False, server_default=""),
    Column("owner_id", ForeignKey("users.id"), nullable=False),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    Index("ix_algorithms_words", WORDS, postgresql_using="gin"),
)

versions = Table(
    "versions",
    metadata,
    uuid_pk(),
    Column("algorithm_id", ForeignKey("algorithms.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("digest", Text, nullable=False),  # hex SHA-256 of the canonical tar
    Column("size", BigInteger, nullable=False),  # bytes of all files
    Column("archive_size", BigInteger, nullable=False),  # bytes of the canonical tar.gz
    Column(
        "files", JSONB, nullable=False
    ),  # [{path, size, offset, executable, text}] in the order of the canonical tar
    Column("findings", JSONB, nullable=False, server_default="[]"),  # what the linter says
    Column("created_by", Text, nullable=False),
    moment("created_at", now=True),
    UniqueConstraint("algorithm_id", "number"),
    UniqueConstraint("algorithm_id", "digest"),
    Index(None, "digest"),
)

registries = Table(
    "registries",
    metadata,
    uuid_pk(),
    Column("name", Text, nullable=False, unique=True),
    Column("host", Text, nullable=False, unique=True),  # as image references begin, such as registry.example.com:5000
    Column("username", Text, nullable=False),
    Column("password", LargeBinary, nullable=False),  # sealed; never read back by a person
    moment("created_at", now=True),
    moment("updated_at", now=True),
)

images = Table(
    "images",
    metadata,
    uuid_pk(),
    Column("name", Text, nullable=False, unique=True),
    Column("reference", Text, nullable=False),
    Column("framework", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("is_default", Boolean, nullable=False, server_default="false"),
    moment("created_at", now=True),
    Index("uq_images_default", "framework", unique=True, postgresql_where=text("is_default")),
)

storages = Table(
    "storages",
    metadata,
    uuid_pk(),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("config", JSONB, nullable=False),
    Column("is_default", Boolean, nullable=False, server_default="false"),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    Index("uq_storages_default", "is_default", unique=True, postgresql_where=text("is_default")),
)

projects = Table(
    "projects",
    metadata,
    uuid_pk(),
    Column("name", Text, nullable=False),
    Column("owner_id", ForeignKey("users.id"), nullable=False),
    Column("algorithm_id", ForeignKey("algorithms.id"), nullable=False, index=True),
    Column("spec", JSONB, nullable=False),  # domain.project.ProjectSpec
    Column("notes", Text, nullable=False, server_default=""),
    Column("tags", ARRAY(Text), nullable=False, server_default="{}"),
    Column("revision", Integer, nullable=False, server_default="1"),  # the ETag
    Column("last_number", Integer, nullable=False, server_default="0"),  # of its trainings
    moment("created_at", now=True),
    moment("updated_at", now=True),
    moment("deleted_at"),
    Index("ix_projects_words", WORDS, postgresql_using="gin"),
    Index("uq_projects_name", "name", unique=True, postgresql_where=text("deleted_at IS NULL")),
    CheckConstraint("revision > 0", name="revision"),
)

project_secrets = Table(
    "project_secrets",
    metadata,
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),  # sealed
    moment("updated_at", now=True),
)

project_revisions = Table(
    "project_revisions",
    metadata,
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    moment("at", nullable=False),
    Column("by", Text),  # null: from before revisions were kept
    Column("spec", JSONB, nullable=False),
    Column("notes", Text, nullable=False),
    Column("tags", ARRAY(Text), nullable=False),
    Column("secrets_set", ARRAY(Text), nullable=False, server_default="{}"),  # names of those that got a new value
)
