"""What everybody may see of the cluster: rows that the worker keeps, never the cluster itself."""

from __future__ import annotations

from dataclasses import replace

from app.db import cluster_nodes, cluster_view, orphan_rows
from app.db.engine import Database
from app.domain.access import Principal
from app.domain.cluster import ClusterNode, ClusterView, HeldNamespace, Waiting
from app.domain.orphan import Orphan
from app.domain.paging import Page, PageRequest


class ClusterService:
    """Looks; changes nothing. Without a cluster there are simply no nodes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def view(self, principal: Principal) -> ClusterView:
        """All nodes with their sums, and how much there is in the queue and in namespaces."""
        async with self._database.read() as connection:
            nodes = await cluster_nodes.everything(connection)
            queued, namespaces, stuck = await cluster_view.counts(connection)
            orphans = await orphan_rows.count(connection)
        return ClusterView(nodes, queued, namespaces, stuck, orphans)

    async def nodes(self, principal: Principal, request: PageRequest) -> Page[ClusterNode]:
        """By name, each with the trainings that hold something of it."""
        async with self._database.read() as connection:
            found = await cluster_nodes.page(connection, request)
            held = await cluster_view.holders(connection, [node.name for node in found.items])
        return found.map(lambda node: replace(node, holders=held.get(node.name, ())))

    async def queue(self, principal: Principal, request: PageRequest) -> Page[Waiting]:
        """Who waits for a place, in the order in which they get one."""
        async with self._database.read() as connection:
            return await cluster_view.queue(connection, request)

    async def namespaces(self, principal: Principal, request: PageRequest, *, stuck: bool) -> Page[HeldNamespace]:
        """The namespaces of this installation that are there or being deleted; `stuck`: deletions that do not end."""
        async with self._database.read() as connection:
            return await cluster_view.namespaces(connection, request, stuck=stuck)

    async def orphans(self, principal: Principal, request: PageRequest) -> Page[Orphan]:
        """What lies in the cluster with this installation's label and belongs to no record, by name."""
        async with self._database.read() as connection:
            return await orphan_rows.page(connection, request)
