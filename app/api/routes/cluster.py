"""/cluster: what there is, who holds it, who waits. What a worker last saw, with the time of it."""

from __future__ import annotations

from fastapi import APIRouter

from app.api.deps import Ctx, Listing, Me, Paged
from app.api.problems import documented
from app.api.schemas.cluster import ClusterOut, HeldNamespaceOut, HeldNodeOut, OrphanOut, WaitingOut

router = APIRouter(prefix="/cluster", tags=["cluster"])


@router.get("", responses=documented())
async def get_cluster(me: Me, context: Ctx) -> ClusterOut:
    """All nodes with what they give, what is requested and used, and the sums."""
    return ClusterOut.of(await context.cluster.view(me), await context.usage.measuring(me))


@router.get("/nodes", responses=documented())
async def list_cluster_nodes(me: Me, context: Ctx, paging: Paged) -> Listing[HeldNodeOut]:
    """By name, each with the trainings that hold something of it."""
    return paging.listing(await context.cluster.nodes(me, paging.request), HeldNodeOut.model_validate)


@router.get("/queue", responses=documented())
async def list_cluster_queue(me: Me, context: Ctx, paging: Paged) -> Listing[WaitingOut]:
    """Who waits for a place, in the order in which they get one."""
    return paging.listing(await context.cluster.queue(me, paging.request), WaitingOut.model_validate)


@router.get("/namespaces", responses=documented())
async def list_cluster_namespaces(
    me: Me, context: Ctx, paging: Paged, stuck: bool = False
) -> Listing[HeldNamespaceOut]:
    """This installation's namespaces that are there or being deleted; `stuck`: only deletions that do not end."""
    found = await context.cluster.namespaces(me, paging.request, stuck=stuck)
    return paging.listing(found, HeldNamespaceOut.model_validate)


@router.get("/orphans", responses=documented())
async def list_cluster_orphans(me: Me, context: Ctx, paging: Paged) -> Listing[OrphanOut]:
    """What lies in the cluster with this installation's label and belongs to no record: what becomes of it and when."""
    return paging.listing(await context.cluster.orphans(me, paging.request), OrphanOut.model_validate)
