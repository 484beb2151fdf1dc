"""Rows of endpoints as the web sees them: it reads everything, and writes new ones and what is asked of them.

Status columns belong to the worker (`db/endpoint_status.py`). What is asked bumps `intent_gen`, so that the row is due.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import notify
from app.db.codec import from_json, to_json
from app.db.keyset import fetch_page
from app.db.tables import endpoints
from app.domain.endpoints.endpoint import (
    Desired,
    Endpoint,
    EndpointReason,
    EndpointSpec,
    EndpointState,
    Kind,
)
from app.domain.endpoints.serving import ServingSpec
from app.domain.endpoints.tensorboard import TensorBoardSpec
from app.domain.paging import Page, PageRequest
from app.domain.training import NamespaceState

CHANNEL = "endpoints"
SPECS: Mapping[Kind, type[EndpointSpec]] = {Kind.TENSORBOARD: TensorBoardSpec, Kind.SERVING: ServingSpec}
"""What stands in `spec`, by kind."""

_ENDED = [state.value for state in EndpointState if state.ended]
_LIVE = [state.value for state in EndpointState if not state.ended]
# Seen is noted no more often than this: a write for every request would be a waste.
NOTED_EVERY = "2 seconds"


async def add(connection: AsyncConnection, endpoint: Endpoint) -> None:
    """A new one, due at once."""
    await connection.execute(
        insert(endpoints).values(
            id=endpoint.id,
            kind=endpoint.kind,
            name=endpoint.name,
            project_id=endpoint.project_id,
            project=endpoint.project,
            owner_id=endpoint.owner_id,
            created_by=endpoint.created_by,
            created_at=endpoint.created_at,
            spec=to_json(endpoint.spec),
        )
    )
    notify.publish(connection, CHANNEL, endpoint.id)


async def by_id(connection: AsyncConnection, endpoint_id: UUID, *, lock: bool = False) -> Endpoint | None:
    """With `lock` nobody else changes what is wanted of it until the transaction ends."""
    query = select(endpoints).where(endpoints.c.id == endpoint_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).first()
    return endpoint_of(row) if row else None


async def lock_names(connection: AsyncConnection) -> None:
    """Nobody else takes a name until the transaction ends."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(70023)"))


async def live_by_name(connection: AsyncConnection, kind: Kind, name: str) -> Endpoint | None:
    """The one of that name that runs, or is about to."""
    query = select(endpoints).where(
        endpoints.c.kind == kind,
        endpoints.c.name == name,
        endpoints.c.desired == Desired.RUNNING,
        endpoints.c.state.in_(_LIVE) | (endpoints.c.starts > endpoints.c.launch),
    )
    row = (await connection.execute(query.limit(1))).first()
    return endpoint_of(row) if row else None


async def page(
    connection: AsyncConnection, kind: Kind, request: PageRequest, *, project_id: UUID | None = None
) -> Page[Endpoint]:
    """Those of one kind, the newest first."""
    query = select(endpoints).where(endpoints.c.kind == kind)
    if project_id is not None:
        query = query.where(endpoints.c.project_id == project_id)
    return await fetch_page(connection, query, request, key=(endpoints.c.id,), make=endpoint_of, descending=True)


async def of_owner(connection: AsyncConnection, owner_id: UUID, kind: Kind, project_id: UUID) -> list[Endpoint]:
    """What a person has of one kind in one project, the newest first."""
    query = (
        select(endpoints)
        .where(endpoints.c.owner_id == owner_id, endpoints.c.kind == kind, endpoints.c.project_id == project_id)
        .order_by(endpoints.c.id.desc())
        .limit(200)
    )
    return [endpoint_of(row) for row in await connection.execute(query)]


async def count_live(connection: AsyncConnection, owner_id: UUID, kind: Kind) -> int:
    """How many of a person's run or are about to."""
    query = (
        select(func.count())
        .select_from(endpoints)
        .where(endpoints.c.owner_id == owner_id, endpoints.c.kind == kind)
        .where(endpoints.c.state.in_(_LIVE) | (endpoints.c.starts > endpoints.c.launch))
        .where(endpoints.c.desired == Desired.RUNNING)
    )
    return int((await connection.execute(query)).scalar_one())


async def ask_to_start(connection: AsyncConnection, endpoint_id: UUID) -> None:
    """Start it, or start it again; one that runs goes on."""
    over = endpoints.c.state.in_([*_ENDED, EndpointState.STOPPING])
    await _ask(
        connection,
        [endpoint_id],
        desired=Desired.RUNNING,
        stop_reason=None,
        stop_requested_by=None,
        starts=case((over, endpoints.c.launch + 1), else_=endpoints.c.starts),
    )


async def ask_to_stop(connection: AsyncConnection, ids: Sequence[UUID], *, by: str, reason: EndpointReason) -> None:
    """Those that are to be stopped already keep the first wish."""
    statement = select(endpoints.c.id).where(endpoints.c.id.in_(ids), endpoints.c.desired != Desired.STOPPED)
    wanted = list((await connection.execute(statement)).scalars())
    await _ask(connection, wanted, desired=Desired.STOPPED, stop_reason=reason, stop_requested_by=by)


async def stop_project(connection: AsyncConnection, project_id: UUID, *, by: str) -> None:
    """Everything that a project has goes with it."""
    ids = list((await connection.execute(select(endpoints.c.id).where(endpoints.c.project_id == project_id))).scalars())
    await ask_to_stop(connection, ids, by=by, reason=EndpointReason.PROJECT_DELETED)


async def change_spec(connection: AsyncConnection, endpoint_id: UUID, spec: EndpointSpec) -> None:
    """What runs is brought up to it."""
    await _ask(connection, [endpoint_id], spec=to_json(spec), spec_gen=endpoints.c.spec_gen + 1)


async def note_request(connection: AsyncConnection, endpoint_id: UUID) -> None:
    """It was used just now. No worker is woken: it looks when the idle time would be over."""
    late = endpoints.c.last_request_at < func.now() - text(f"interval '{NOTED_EVERY}'")
    await connection.execute(
        update(endpoints)
        .where(endpoints.c.id == endpoint_id, endpoints.c.last_request_at.is_(None) | late)
        .values(last_request_at=func.now())
    )


async def remove_ended(connection: AsyncConnection, kind: Kind, days: int) -> int:
    """Forget those of a kind that ended so many days ago and whose namespace is gone."""
    statement = delete(endpoints).where(
        endpoints.c.kind == kind,
        endpoints.c.state.in_(_ENDED),
        endpoints.c.starts <= endpoints.c.launch,
        endpoints.c.namespace_state.in_([NamespaceState.NONE, NamespaceState.GONE]),
        endpoints.c.ended_at < func.now() - func.make_interval(0, 0, 0, days),
    )
    return int((await connection.execute(statement)).rowcount)


async def live(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, str | None]:
    """Those of `ids` that own something in the cluster, each with the UID of its namespace where that is known."""
    query = select(endpoints.c.id, endpoints.c.namespace_uid).where(
        endpoints.c.id.in_(ids),
        endpoints.c.state.in_(_LIVE)
        | endpoints.c.namespace_state.in_([NamespaceState.PRESENT, NamespaceState.DELETING]),
    )
    return {row.id: row.namespace_uid for row in await connection.execute(query)}


async def _ask(connection: AsyncConnection, ids: Sequence[UUID], **values: Any) -> None:
    if not ids:
        return
    statement = (
        update(endpoints)
        .where(endpoints.c.id.in_(ids))
        .values(intent_gen=endpoints.c.intent_gen + 1, **values)
        .returning(endpoints.c.id)
    )
    for endpoint_id in (await connection.execute(statement)).scalars():
        notify.publish(connection, CHANNEL, endpoint_id)


def endpoint_of(row: Row[Any]) -> Endpoint:
    """The domain's value of a row of `endpoints`."""
    kind = Kind(row.kind)
    return Endpoint(
        id=row.id,
        kind=kind,
        name=row.name,
        project_id=row.project_id,
        project=row.project,
        owner_id=row.owner_id,
        created_by=row.created_by,
        created_at=row.created_at,
        spec=from_json(row.spec, SPECS[kind]),
        spec_gen=row.spec_gen,
        desired=Desired(row.desired),
        starts=row.starts,
        stop_reason=EndpointReason(row.stop_reason) if row.stop_reason else None,
        stop_requested_by=row.stop_requested_by,
        intent_gen=row.intent_gen,
        last_request_at=row.last_request_at,
        state=EndpointState(row.state),
        reason=EndpointReason(row.reason) if row.reason else None,
        message=row.message,
        launch=row.launch,
        namespace=row.namespace,
        namespace_uid=row.namespace_uid,
        namespace_state=NamespaceState(row.namespace_state),
        addresses=row.addresses,
        applied_gen=row.applied_gen,
        replicas=row.replicas,
        ready=row.ready,
        starting_at=row.starting_at,
        running_at=row.running_at,
        stopping_at=row.stopping_at,
        ended_at=row.ended_at,
        status_gen=row.status_gen,
    )
