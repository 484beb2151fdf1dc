"""Rows of storages."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.keyset import fetch_page
from app.db.tables import projects, storages, trainings
from app.db.tables.trainings import LIVE
from app.domain.catalogue import Storage
from app.domain.paging import Page, PageRequest


async def add(connection: AsyncConnection, storage: Storage) -> bool:
    """False when the name is taken."""
    statement = (
        insert(storages)
        .values(
            id=storage.id,
            name=storage.name,
            kind=storage.kind,
            config=storage.config,
            is_default=storage.is_default,
            created_at=storage.created_at,
            updated_at=storage.updated_at,
        )
        .on_conflict_do_nothing(index_elements=["name"])
        .returning(storages.c.id)
    )
    return (await connection.execute(statement)).first() is not None


async def clear_default(connection: AsyncConnection) -> None:
    """So that another one can become it in the same transaction."""
    await connection.execute(update(storages).where(storages.c.is_default).values(is_default=False))


async def by_name(connection: AsyncConnection, name: str) -> Storage | None:
    row = (await connection.execute(select(storages).where(storages.c.name == name))).first()
    return _storage_of(row) if row else None


async def by_names(connection: AsyncConnection, names: Collection[str]) -> dict[str, Storage]:
    """Those that are there, by name."""
    rows = await connection.execute(select(storages).where(storages.c.name.in_(names)))
    return {row.name: _storage_of(row) for row in rows}


async def default(connection: AsyncConnection) -> Storage | None:
    row = (await connection.execute(select(storages).where(storages.c.is_default))).first()
    return _storage_of(row) if row else None


async def page(connection: AsyncConnection, request: PageRequest) -> Page[Storage]:
    return await fetch_page(connection, select(storages), request, key=(storages.c.name,), make=_storage_of)


async def change(connection: AsyncConnection, storage_id: UUID, **values: Any) -> Storage:
    statement = (
        update(storages).where(storages.c.id == storage_id).values(**values, updated_at=func.now()).returning(storages)
    )
    return _storage_of((await connection.execute(statement)).one())


async def users_of(connection: AsyncConnection, name: str) -> list[str]:
    """A few of the projects, and trainings that have not ended, that name this storage; in words."""
    used = text("spec #>> '{run,storage}' = :name").bindparams(name=name)
    in_projects = select(projects.c.name).where(projects.c.deleted_at.is_(None), used).limit(3)
    in_trainings = select(trainings.c.project, trainings.c.number).where(text(f"({LIVE})"), used).limit(3)
    return [
        *(f"project {row.name}" for row in await connection.execute(in_projects)),
        *(f"training {row.project} #{row.number}" for row in await connection.execute(in_trainings)),
    ]


async def remove(connection: AsyncConnection, storage_id: UUID) -> None:
    await connection.execute(delete(storages).where(storages.c.id == storage_id))


def _storage_of(row: Row[Any]) -> Storage:
    return Storage(row.id, row.name, row.kind, row.config, row.is_default, row.created_at, row.updated_at)
