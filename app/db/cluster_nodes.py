"""Rows of the cluster's nodes, kept by a worker for everybody to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.codec import from_json, to_json
from app.db.keyset import fetch_page
from app.db.tables import cluster_nodes
from app.domain.cluster import ClusterNode, Taint
from app.domain.paging import Page, PageRequest


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node: what it can give and what has been asked of it, in Kubernetes quantities; `used` where it is known.

    `boot_id` is that of its machine when it last wrote its status, at `reported_at`.
    """

    name: str
    ready: str
    allocatable: dict[str, str]
    requested: dict[str, str]
    used: dict[str, str] | None = None
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    boot_id: str = ""
    reported_at: datetime | None = None


async def replace_all(connection: AsyncConnection, nodes: Sequence[NodeRow]) -> None:
    """These are all nodes there are now."""
    for node in sorted(nodes, key=lambda node: node.name):
        values = {
            "ready": node.ready,
            "allocatable": node.allocatable,
            "requested": node.requested,
            "used": node.used,
            "labels": node.labels,
            "taints": to_json(node.taints),
            "boot_id": node.boot_id,
            "reported_at": node.reported_at,
            "observed_at": func.now(),
        }
        statement = insert(cluster_nodes).values(name=node.name, **values)
        await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
    names = [node.name for node in nodes]
    await connection.execute(delete(cluster_nodes).where(cluster_nodes.c.name.not_in(names)))


async def everything(connection: AsyncConnection) -> tuple[ClusterNode, ...]:
    """All nodes by name; Kubernetes itself bounds how many there can be."""
    rows = await connection.execute(select(cluster_nodes).order_by(cluster_nodes.c.name))
    return tuple(_node_of(row) for row in rows)


async def page(connection: AsyncConnection, request: PageRequest) -> Page[ClusterNode]:
    """By name, without who holds what."""
    return await fetch_page(connection, select(cluster_nodes), request, key=(cluster_nodes.c.name,), make=_node_of)


def _node_of(row: Row[Any]) -> ClusterNode:
    return ClusterNode(
        row.name,
        row.ready,
        row.allocatable,
        row.requested,
        row.used,
        row.observed_at,
        labels=row.labels,
        taints=from_json(row.taints, tuple[Taint, ...]),
    )
