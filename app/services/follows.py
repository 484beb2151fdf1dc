"""Who follows whom: a project that starts whenever another one's training succeeds."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import audit, follows, projects
from app.db.engine import Database
from app.db.ids import new_id
from app.domain import chain
from app.domain.access import Principal
from app.domain.chain import Follow, FollowStart
from app.domain.clock import Clock
from app.domain.paging import Page, PageRequest
from app.domain.project import Project
from app.errors import Conflict, FieldError, InvalidInput, NotFound
from app.services.projects import may_change, unknown_project

FOLLOWS_MAX = 50


class FollowService:
    """Whoever may change both projects ties them: the one that follows may read the other's models."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(
        self,
        principal: Principal,
        name: str,
        upstream_name: str,
        params: dict[str, str],
        *,
        unread: Sequence[FieldError] = (),
    ) -> Follow:
        """`unread` is what was written and could not be read: it is told with everything else that is wrong.

        Raises `NotFound`, `NotAllowed`, `InvalidInput`, and `Conflict` with the circle that it would close.
        """
        errors = [*unread, *chain.check(params)]
        async with self._database.transaction() as connection:
            await follows.lock(connection)
            project = await _own(connection, principal, name)
            upstream = await projects.by_name(connection, upstream_name)
            if upstream is None:
                detail = f"There is no project named {upstream_name} to follow."
                raise InvalidInput.of([FieldError("/upstream", detail), *errors])
            may_change(principal, upstream)
            _refuse([*errors, *chain.check_model(params, upstream)])
            edges = await follows.edges(connection)
            if way := chain.circle(edges, upstream.name, project.name):
                raise Conflict(f"That would go round in circles: {' → '.join(way)}.", code="circle")
            if sum(1 for _, after in edges if after == project.name) >= FOLLOWS_MAX:
                raise Conflict(f"{name} follows {FOLLOWS_MAX} projects already.")
            follow = self._follow(principal, project, upstream, params)
            if not await follows.add(connection, follow):
                raise Conflict(f"{name} follows {upstream_name} already: change its params instead.")
            await audit.record(connection, principal.name, "follow.create", f"project/{name}", upstream=upstream_name)
        return follow

    async def page(self, principal: Principal, name: str, request: PageRequest) -> Page[Follow]:
        """What a project follows. Raises `NotFound`."""
        async with self._database.read() as connection:
            project = await projects.by_name(connection, name)
            if project is None:
                raise unknown_project(name)
            return await follows.page(connection, project.id, request)

    async def followers(self, principal: Principal, project: Project) -> list[str]:
        """The names of the projects that follow it."""
        async with self._database.read() as connection:
            return await follows.followers(connection, project.id)

    async def get(self, principal: Principal, follow_id: UUID) -> Follow:
        """Raises `NotFound`."""
        async with self._database.read() as connection:
            return _known(await follows.by_id(connection, follow_id))

    async def change(self, principal: Principal, follow_id: UUID, params: dict[str, str]) -> Follow:
        """Other params. Raises `NotFound`, `NotAllowed` and `InvalidInput`."""
        async with self._database.transaction() as connection:
            follow = _known(await follows.by_id(connection, follow_id))
            await _own(connection, principal, follow.project)
            upstream = await projects.by_id(connection, follow.upstream_id)
            _refuse([*chain.check(params), *(chain.check_model(params, upstream) if upstream else ())])
            await follows.set_params(connection, follow_id, params)
            await audit.record(
                connection, principal.name, "follow.change", f"project/{follow.project}", upstream=follow.upstream
            )
            return _known(await follows.by_id(connection, follow_id))

    async def delete(self, principal: Principal, follow_id: UUID) -> None:
        """It follows no more. Raises `NotFound` and `NotAllowed`."""
        async with self._database.transaction() as connection:
            follow = _known(await follows.by_id(connection, follow_id))
            await _own(connection, principal, follow.project)
            await follows.remove(connection, follow_id)
            await audit.record(
                connection, principal.name, "follow.delete", f"project/{follow.project}", upstream=follow.upstream
            )

    async def starts(self, principal: Principal, follow_id: UUID, request: PageRequest) -> Page[FollowStart]:
        """What it has led to, the newest first. Raises `NotFound`."""
        await self.get(principal, follow_id)
        async with self._database.read() as connection:
            return await follows.starts(connection, follow_id, request)

    def _follow(self, principal: Principal, project: Project, upstream: Project, params: dict[str, str]) -> Follow:
        return Follow(
            id=new_id(),
            project_id=project.id,
            project=project.name,
            upstream_id=upstream.id,
            upstream=upstream.name,
            params=params,
            created_by=principal.name,
            created_at=self._clock(),
        )


async def _own(connection: AsyncConnection, principal: Principal, name: str) -> Project:
    project = await projects.by_name(connection, name, lock=True)
    if project is None:
        raise unknown_project(name)
    may_change(principal, project)
    return project


def _known(follow: Follow | None) -> Follow:
    if follow is None:
        raise NotFound("No project follows another in that way.")
    return follow


def _refuse(errors: Sequence[FieldError]) -> None:
    if errors:
        raise InvalidInput.of(errors)
