"""Rows of what projects' settings were: one a revision, written with the edit itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.codec import to_json
from app.db.keyset import fetch_page
from app.db.tables import project_revisions
from app.domain.paging import Page, PageRequest
from app.domain.project import Project
from app.domain.revision import Revision, settings_of


async def add(connection: AsyncConnection, project: Project, *, by: str, secrets_set: Sequence[str]) -> None:
    """The project as it was just saved."""
    await connection.execute(
        insert(project_revisions).values(
            project_id=project.id,
            revision=project.revision,
            at=project.updated_at,
            by=by,
            spec=to_json(project.spec),
            notes=project.notes,
            tags=list(project.tags),
            secrets_set=sorted(secrets_set),
        )
    )


async def page(connection: AsyncConnection, project_id: UUID, request: PageRequest) -> Page[Revision]:
    """The newest first."""
    query = select(project_revisions).where(project_revisions.c.project_id == project_id)
    key = (project_revisions.c.revision,)
    return await fetch_page(connection, query, request, key=key, make=_revision_of, descending=True)


async def get(connection: AsyncConnection, project_id: UUID, number: int) -> Revision | None:
    query = select(project_revisions).where(
        project_revisions.c.project_id == project_id, project_revisions.c.revision == number
    )
    row = (await connection.execute(query)).first()
    return _revision_of(row) if row else None


def _revision_of(row: Row[Any]) -> Revision:
    return Revision(row.revision, row.at, row.by, settings_of(row.spec, row.notes, row.tags), tuple(row.secrets_set))
