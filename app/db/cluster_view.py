"""What trainings have in the cluster: tasks on nodes, places in the queue, namespaces. Read from their rows only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.keyset import fetch_page
from app.db.tables import tasks, trainings
from app.domain.cluster import HeldNamespace, Holder, Waiting
from app.domain.paging import Page, PageRequest
from app.domain.training import NamespaceState, State, TaskState

# Literal, so that the partial indexes of the table serve them.
_ACTIVE = text("state IN ('starting','running','stopping')")
_QUEUED = text("state = 'queued'")
_HELD = text("namespace_state IN ('present', 'deleting')")
_STUCK = text("namespace_state = 'deleting' AND namespace_message <> ''")
_ON_NODE = (TaskState.PENDING, TaskState.RUNNING)


async def holders(connection: AsyncConnection, nodes: Sequence[str]) -> dict[str, tuple[Holder, ...]]:
    """By node, the trainings with tasks on it that have not ended, the oldest first."""
    active = select(trainings).where(_ACTIVE).subquery()
    query = (
        select(
            tasks.c.node, active.c.id, active.c.project, active.c.number, active.c.state, func.count().label("tasks")
        )
        .join(tasks, tasks.c.training_id == active.c.id)
        .where(tasks.c.node.in_(nodes), tasks.c.state.in_(_ON_NODE))
        .group_by(tasks.c.node, active.c.id, active.c.project, active.c.number, active.c.state)
        .order_by(active.c.id)
    )
    found: dict[str, list[Holder]] = defaultdict(list)
    for row in await connection.execute(query):
        found[row.node].append(Holder(row.id, row.project, row.number, State(row.state), row.tasks))
    return {node: tuple(held) for node, held in found.items()}


async def queue(connection: AsyncConnection, request: PageRequest) -> Page[Waiting]:
    """Who waits for a place, in the order in which they get one."""
    columns = ("id", "project", "number", "tasks_total", "created_by", "created_at", "message")
    query = select(*(trainings.c[name] for name in columns)).where(_QUEUED)
    return await fetch_page(connection, query, request, key=(trainings.c.id,), make=_waiting_of)


async def namespaces(connection: AsyncConnection, request: PageRequest, *, stuck: bool) -> Page[HeldNamespace]:
    """Those that are there or being deleted, of the oldest training first; `stuck`: only deletions that do not end."""
    columns = ("namespace", "namespace_state", "namespace_message", "id", "project", "number", "state", "starting_at")
    query = select(*(trainings.c[name] for name in columns), trainings.c.finished_at).where(_STUCK if stuck else _HELD)
    return await fetch_page(connection, query, request, key=(trainings.c.id,), make=_namespace_of)


async def counts(connection: AsyncConnection) -> tuple[int, int, int]:
    """How many are queued, how many namespaces there are, how many of them are stuck."""
    return await _count(connection, _QUEUED), await _count(connection, _HELD), await _count(connection, _STUCK)


async def _count(connection: AsyncConnection, where: ColumnElement[bool] | Any) -> int:
    return int((await connection.execute(select(func.count()).select_from(trainings).where(where))).scalar_one())


def _waiting_of(row: Row[Any]) -> Waiting:
    return Waiting(row.id, row.project, row.number, row.tasks_total, row.created_by, row.created_at, row.message)


def _namespace_of(row: Row[Any]) -> HeldNamespace:
    return HeldNamespace(
        namespace=row.namespace,
        namespace_state=NamespaceState(row.namespace_state),
        message=row.namespace_message,
        id=row.id,
        project=row.project,
        number=row.number,
        state=State(row.state),
        made_at=row.starting_at,
        finished_at=row.finished_at,
    )
