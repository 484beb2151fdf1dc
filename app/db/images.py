"""Rows of the image catalogue."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.keyset import fetch_page
from app.db.tables import images
from app.domain.catalogue import Image
from app.domain.paging import Page, PageRequest
from app.domain.project import Framework


async def add(connection: AsyncConnection, image: Image) -> bool:
    """False when the name is taken."""
    statement = (
        insert(images)
        .values(
            id=image.id,
            name=image.name,
            reference=image.reference,
            framework=image.framework,
            description=image.description,
            is_default=image.is_default,
            created_at=image.created_at,
        )
        .on_conflict_do_nothing(index_elements=["name"])
        .returning(images.c.id)
    )
    return (await connection.execute(statement)).first() is not None


async def clear_default(connection: AsyncConnection, framework: Framework) -> None:
    """So that another one can become it in the same transaction."""
    await connection.execute(
        update(images).where(images.c.framework == framework, images.c.is_default).values(is_default=False)
    )


async def by_name(connection: AsyncConnection, name: str) -> Image | None:
    row = (await connection.execute(select(images).where(images.c.name == name))).first()
    return _image_of(row) if row else None


async def default_for(connection: AsyncConnection, framework: Framework) -> Image | None:
    query = select(images).where(images.c.framework == framework, images.c.is_default)
    row = (await connection.execute(query)).first()
    return _image_of(row) if row else None


async def page(connection: AsyncConnection, request: PageRequest, framework: Framework | None = None) -> Page[Image]:
    query = select(images)
    if framework is not None:
        query = query.where(images.c.framework == framework)
    return await fetch_page(connection, query, request, key=(images.c.name,), make=_image_of)


async def change(connection: AsyncConnection, image_id: UUID, **values: Any) -> Image:
    statement = update(images).where(images.c.id == image_id).values(**values).returning(images)
    return _image_of((await connection.execute(statement)).one())


async def remove(connection: AsyncConnection, name: str) -> bool:
    """False when there is no such image."""
    return bool((await connection.execute(delete(images).where(images.c.name == name))).rowcount)


def _image_of(row: Row[Any]) -> Image:
    return Image(
        row.id, row.name, row.reference, Framework(row.framework), row.description, row.is_default, row.created_at
    )
