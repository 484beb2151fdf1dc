"""Rows of the cluster's nodes, kept by a worker for everybody to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import cluster_nodes


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node: what it can give and what has been asked of it, in Kubernetes quantities; `used` where it is known."""

    name: str
    ready: str
    allocatable: dict[str, str]
    requested: dict[str, str]
    used: dict[str, str] | None = None


async def replace_all(connection: AsyncConnection, nodes: Sequence[NodeRow]) -> None:
    """These are all nodes there are now."""
    for node in sorted(nodes, key=lambda node: node.name):
        values = {
            "ready": node.ready,
            "allocatable": node.allocatable,
            "requested": node.requested,
            "used": node.used,
            "observed_at": func.now(),
        }
        statement = insert(cluster_nodes).values(name=node.name, **values)
        await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
    names = [node.name for node in nodes]
    await connection.execute(delete(cluster_nodes).where(cluster_nodes.c.name.not_in(names)))
