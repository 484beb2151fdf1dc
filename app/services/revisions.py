"""The history of a project's settings: who changed which field from what to what."""

from __future__ import annotations

from dataclasses import dataclass

from app.db import projects, revisions
from app.db.engine import Database
from app.domain.access import Principal
from app.domain.paging import Page, PageRequest
from app.domain.revision import Change, Revision, changes
from app.errors import NotFound
from app.services.projects import unknown_project


@dataclass(frozen=True, slots=True)
class Edit:
    """A revision, and what it changed in the one before it; None where that is not known, as for the first."""

    revision: Revision
    changes: tuple[Change, ...] | None


class RevisionService:
    """Everybody sees it, as everybody sees every project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, principal: Principal, name: str, request: PageRequest) -> Page[Edit]:
        """The newest first. Raises `NotFound`."""
        async with self._database.read() as connection:
            project = await projects.by_name(connection, name)
            if project is None:
                raise unknown_project(name)
            found = await revisions.page(connection, project.id, request)
            known = {one.number: one for one in found.items}
            if found.next is not None:  # what the last of this page changed
                before = await revisions.get(connection, project.id, found.items[-1].number - 1)
                known |= {before.number: before} if before else {}
        return found.map(lambda one: _edit(one, known.get(one.number - 1)))

    async def get(self, principal: Principal, name: str, number: int) -> Edit:
        """One revision. Raises `NotFound`."""
        async with self._database.read() as connection:
            project = await projects.by_name(connection, name)
            if project is None:
                raise unknown_project(name)
            found = await revisions.get(connection, project.id, number)
            if found is None:
                raise NotFound(f"{name} has no revision {number} on record; it is at revision {project.revision}.")
            return _edit(found, await revisions.get(connection, project.id, found.number - 1))


def _edit(revision: Revision, before: Revision | None) -> Edit:
    return Edit(revision, changes(before, revision) if before else None)
