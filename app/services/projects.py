"""Projects: described, edited, cloned, deleted. Their records outlive them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from app.auth.seal import Sealer
from app.db import audit, endpoints, projects, revisions
from app.db.engine import Database
from app.db.ids import new_id
from app.domain.access import Action, Principal, can
from app.domain.clock import Clock
from app.domain.paging import Page, PageRequest
from app.domain.places import project_secret_place
from app.domain.project import Project, ProjectFilter
from app.errors import Conflict, FieldError, InvalidInput, NotAllowed, NotFound
from app.services.access import require
from app.services.drafts import ProjectDraft, resolve
from app.services.timing import set_schedule

Expected = Callable[[int], None]
"""Raises unless the revision it is given is one that the caller has seen."""


class ProjectService:
    """Everybody sees every project; its owner and admins change it."""

    def __init__(self, database: Database, clock: Clock, sealer: Sealer) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer

    async def create(self, principal: Principal, draft: ProjectDraft) -> Project:
        """Raises `InvalidInput`, and `Conflict` when the name is taken."""
        return await self._create(principal, draft)

    async def _create(self, principal: Principal, draft: ProjectDraft, *, paused_by: str | None = None) -> Project:
        require(principal, Action.CREATE)
        async with self._database.transaction() as connection:
            found = await resolve(connection, draft)
            now = self._clock()
            project = Project(
                id=new_id(),
                name=draft.name,
                owner_id=principal.user_id,
                owner=principal.name,
                algorithm_id=found.algorithm_id,
                spec=found.spec,
                created_at=now,
                updated_at=now,
                notes=draft.notes,
                tags=draft.distinct_tags,
                secret_names=found.spec.run.secret_env,
            )
            if not await projects.add(connection, project):
                raise _taken(draft.name)
            await projects.put_secrets(connection, project.id, self._sealed(project, draft))
            await revisions.add(connection, project, by=principal.name, secrets_set=draft.secrets_set)
            timing = await set_schedule(
                connection, project.id, before=None, after=found.spec.schedule, paused_by=paused_by
            )
            await audit.record(connection, principal.name, "project.create", f"project/{draft.name}")
        return replace(project, timing=timing)

    async def get(self, principal: Principal, name: str) -> Project:
        """Raises `NotFound`."""
        async with self._database.read() as connection:
            found = await projects.by_name(connection, name)
        if found is None:
            raise unknown_project(name)
        return found

    async def page(self, principal: Principal, which: ProjectFilter, request: PageRequest) -> Page[Project]:
        """By name."""
        async with self._database.read() as connection:
            return await projects.page(connection, which, request)

    async def edit(
        self, principal: Principal, name: str, expected: Expected, change: Callable[[Project], ProjectDraft]
    ) -> Project:
        """Replace a project by what `change` makes of it, unless its revision is not as `expected`.

        Raises what `expected` raises when somebody else was faster, `InvalidInput`, `NotAllowed` and `NotFound`.
        """
        async with self._database.transaction() as connection:
            current = await self._locked(connection, principal, name, expected)
            draft = change(current)
            if draft.name != name:
                detail = "A project keeps its name, which is in the addresses of its records; clone it instead."
                raise InvalidInput(detail, errors=[FieldError("/name", detail)])
            found = await resolve(connection, draft, current.secret_names)
            edited = replace(
                current,
                algorithm_id=found.algorithm_id,
                spec=found.spec,
                notes=draft.notes,
                tags=draft.distinct_tags,
                revision=current.revision + 1,
                updated_at=self._clock(),
                secret_names=found.spec.run.secret_env,
            )
            await projects.save(connection, edited)
            removed = [secret for secret, value in draft.secrets.items() if value is None]
            await projects.remove_secrets(connection, edited.id, removed)
            await projects.put_secrets(connection, edited.id, self._sealed(edited, draft))
            await revisions.add(connection, edited, by=principal.name, secrets_set=draft.secrets_set)
            if found.spec.schedule != current.spec.schedule:
                before, after = current.spec.schedule, found.spec.schedule
                edited = replace(edited, timing=await set_schedule(connection, edited.id, before=before, after=after))
            await audit.record(
                connection, principal.name, "project.update", f"project/{name}", revision=edited.revision
            )
        return edited

    async def clone(self, principal: Principal, name: str, new_name: str) -> Project:
        """A new project of the caller's own with the same settings; a timed one starts paused, to be changed first.

        Secrets go along only for somebody who could change the original: else they could be read that way.
        """
        require(principal, Action.CREATE)
        async with self._database.read() as connection:
            original = await projects.by_name(connection, name)
            if original is None:
                raise unknown_project(name)
            may_take_secrets = can(principal, Action.CHANGE, owner_id=original.owner_id)
            sealed = await projects.secrets(connection, original.id) if may_take_secrets else {}
        opened = {
            secret: self._sealer.open(value, project_secret_place(original.id, secret))
            for secret, value in sealed.items()
        }
        spec = original.spec
        draft = ProjectDraft(
            name=new_name,
            algorithm=spec.algorithm,
            version=spec.version,
            run=spec.run,
            image=spec.run.image,
            success=spec.run.success,
            running_limit=spec.running_limit,
            schedule=spec.schedule,
            params=spec.params,
            only_declared_params=spec.only_declared_params,
            metric=spec.metric,
            notes=original.notes,
            tags=original.tags,
            secrets=opened,
        )
        return await self._create(principal, draft, paused_by=principal.name)

    async def delete(self, principal: Principal, name: str, expected: Expected) -> None:
        """Its records stay, its secrets go. Raises `Conflict` while one of its trainings has not ended."""
        async with self._database.transaction() as connection:
            project = await self._locked(connection, principal, name, expected)
            if await projects.has_live_trainings(connection, project.id):
                raise Conflict(f"{name} has trainings that have not ended: stop them first, or wait for their end.")
            await set_schedule(connection, project.id, before=project.spec.schedule, after=None)
            await projects.mark_deleted(connection, project.id)
            await endpoints.stop_project(connection, project.id, by=principal.name)
            await audit.record(connection, principal.name, "project.delete", f"project/{name}")

    async def _locked(
        self, connection: AsyncConnection, principal: Principal, name: str, expected: Expected
    ) -> Project:
        project = await projects.by_name(connection, name, lock=True)
        if project is None:
            raise unknown_project(name)
        may_change(principal, project)
        expected(project.revision)
        return project

    def _sealed(self, project: Project, draft: ProjectDraft) -> dict[str, bytes]:
        return {
            name: self._sealer.seal(value, project_secret_place(project.id, name))
            for name, value in draft.secrets.items()
            if value is not None
        }


def may_change(principal: Principal, project: Project) -> None:
    """Raises `NotAllowed` unless the project is theirs, or they are an admin."""
    if not can(principal, Action.CHANGE, owner_id=project.owner_id):
        remedy = " Clone it to have one of your own." if can(principal, Action.CREATE) else ""
        raise NotAllowed(f"{project.name} belongs to {project.owner}; only they and admins may do this.{remedy}")


def unknown_project(name: str) -> NotFound:
    return NotFound(f"There is no project named {name}.")


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a project named {name} already: choose another name.", code="name_taken")
