"""What all tables share: one MetaData with constraint names that migrations can rely on, and column shorthands."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, DateTime, MetaData, Uuid, func

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def uuid_pk() -> Column[Any]:
    """A UUIDv7 made by the application (PostgreSQL has `uuidv7()` only from 18 on); ordered by time."""
    return Column("id", Uuid, primary_key=True)


def moment(name: str, *, nullable: bool = True, now: bool = False) -> Column[Any]:
    """A point in time with its zone; `now` fills it from the database's clock."""
    return Column(
        name, DateTime(timezone=True), nullable=nullable and not now, server_default=func.now() if now else None
    )
