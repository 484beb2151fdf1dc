"""Rows of registries. The sealed password is read by whoever needs it, never together with the rest."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.keyset import fetch_page
from app.db.tables import projects, registries
from app.domain.catalogue import Registry, RegistryUse
from app.domain.names import DEFAULT_REGISTRY
from app.domain.paging import Page, PageRequest

_SHOWN = (
    registries.c.id,
    registries.c.name,
    registries.c.host,
    registries.c.username,
    registries.c.created_at,
    registries.c.updated_at,
)


_HOST_OF_PROJECT = (
    "CASE WHEN spec #>> '{run,image}' ~ '^(localhost|[^/]*[.:][^/]*)/' "
    f"THEN split_part(spec #>> '{{run,image}}', '/', 1) ELSE '{DEFAULT_REGISTRY}' END"
)


async def add(connection: AsyncConnection, registry: Registry, sealed: bytes) -> bool:
    """False when the name or the host is taken."""
    statement = (
        insert(registries)
        .values(
            id=registry.id,
            name=registry.name,
            host=registry.host,
            username=registry.username,
            password=sealed,
            created_at=registry.created_at,
            updated_at=registry.updated_at,
        )
        .on_conflict_do_nothing()
        .returning(registries.c.id)
    )
    return (await connection.execute(statement)).first() is not None


async def by_name(connection: AsyncConnection, name: str) -> Registry | None:
    row = (await connection.execute(select(*_SHOWN).where(registries.c.name == name))).first()
    return _registry_of(row) if row else None


async def page(connection: AsyncConnection, request: PageRequest) -> Page[Registry]:
    return await fetch_page(connection, select(*_SHOWN), request, key=(registries.c.name,), make=_registry_of)


async def login_for(connection: AsyncConnection, host: str) -> tuple[Registry, bytes] | None:
    """What images of `host` need, with the password still sealed; None when they need none."""
    row = (await connection.execute(select(registries).where(registries.c.host == host))).first()
    return (_registry_of(row), row.password) if row else None


async def projects_of(connection: AsyncConnection, host: str, request: PageRequest) -> Page[RegistryUse]:
    """Projects whose image comes from `host`, as `domain.names.registry_host` reads it; by name."""
    query = select(projects.c.name, text("spec #>> '{run,image}' AS image")).where(
        projects.c.deleted_at.is_(None), text(f"{_HOST_OF_PROJECT} = :host").bindparams(host=host)
    )
    return await fetch_page(
        connection, query, request, key=(projects.c.name,), make=lambda row: RegistryUse(row.name, row.image)
    )


async def change(connection: AsyncConnection, registry_id: UUID, **values: Any) -> Registry:
    statement = (
        update(registries)
        .where(registries.c.id == registry_id)
        .values(**values, updated_at=func.now())
        .returning(*_SHOWN)
    )
    return _registry_of((await connection.execute(statement)).one())


async def remove(connection: AsyncConnection, name: str) -> bool:
    """False when there is no such registry."""
    return bool((await connection.execute(delete(registries).where(registries.c.name == name))).rowcount)


def _registry_of(row: Row[Any]) -> Registry:
    return Registry(row.id, row.name, row.host, row.username, row.created_at, row.updated_at)
