"""Endpoints of every kind: looked at, started again, stopped."""

from __future__ import annotations

from uuid import UUID

from app.db import audit, endpoints, projects
from app.db.engine import Database
from app.domain.access import Action, Principal
from app.domain.endpoints.endpoint import Endpoint, EndpointReason, Kind
from app.domain.paging import Page, PageRequest
from app.errors import Conflict, NotFound
from app.services.access import require

WORDS = {Kind.TENSORBOARD: "TensorBoard", Kind.SERVING: "serving"}


class EndpointService:
    """Everybody sees every endpoint; who made it and admins start and stop it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, principal: Principal, kind: Kind, endpoint_id: UUID) -> Endpoint:
        """Raises `NotFound`."""
        async with self._database.read() as connection:
            return known(await endpoints.by_id(connection, endpoint_id), kind, endpoint_id)

    async def page(
        self, principal: Principal, kind: Kind, request: PageRequest, project: str | None = None
    ) -> Page[Endpoint]:
        """Those of one kind, or of one kind and project, the newest first."""
        async with self._database.read() as connection:
            if project is None:
                return await endpoints.page(connection, kind, request)
            found = await projects.by_name(connection, project)
            return await endpoints.page(connection, kind, request, project_id=found.id) if found else Page(())

    async def stop(self, principal: Principal, kind: Kind, endpoint_id: UUID) -> Endpoint:
        """One that has been asked before is fine. Raises `NotFound` and `NotAllowed`."""
        async with self._database.transaction() as connection:
            found = known(await endpoints.by_id(connection, endpoint_id), kind, endpoint_id)
            require(principal, Action.CHANGE, owner_id=found.owner_id)
            by, reason = principal.name, EndpointReason.STOPPED_BY_USER
            await endpoints.ask_to_stop(connection, [endpoint_id], by=by, reason=reason)
            await audit.record(connection, by, f"{kind}.stop", f"{kind}/{endpoint_id}")
            return known(await endpoints.by_id(connection, endpoint_id), kind, endpoint_id)

    async def start(self, principal: Principal, kind: Kind, endpoint_id: UUID) -> Endpoint:
        """Start it again as it was. Raises `NotFound`, `NotAllowed` and `Conflict` (its project is deleted)."""
        async with self._database.transaction() as connection:
            found = known(await endpoints.by_id(connection, endpoint_id), kind, endpoint_id)
            require(principal, Action.CHANGE, owner_id=found.owner_id)
            if await projects.by_id(connection, found.project_id, lock=True) is None:
                raise Conflict(f"The project {found.project} is deleted, so nothing of it is started any more.")
            await endpoints.ask_to_start(connection, endpoint_id)
            await audit.record(connection, principal.name, f"{kind}.start", f"{kind}/{endpoint_id}")
            return known(await endpoints.by_id(connection, endpoint_id), kind, endpoint_id)


def known(found: Endpoint | None, kind: Kind, endpoint_id: UUID) -> Endpoint:
    """Raises `NotFound` when there is none, or it is of another kind."""
    if found is None or found.kind is not kind:
        raise NotFound(f"There is no {WORDS[kind]} with the id {endpoint_id}.")
    return found
