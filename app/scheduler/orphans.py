"""What a dead or stale worker may have left in the cluster: namespaces and volumes without a live row.

Only objects with this installation's label are looked at; those of others are never touched. Trainings and endpoints
each have a label of their own, and rows of their own to ask.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import audit, endpoints, orphans
from app.db.engine import Database
from app.domain.seen import SeenNamespace
from app.k8s import objects, translate
from app.k8s.apply import Applier
from app.k8s.cluster import Cluster
from app.k8s.manifests import labels

_volumes = msgspec.json.Decoder(objects.ObjectList[objects.Namespace])
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Orphan:
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class _Owners:
    """One kind of owner: the label that says whose an object is, the namespaces that the watches know, and the rows."""

    word: str
    label: str
    namespaces: Callable[[Cluster], list[tuple[SeenNamespace, UUID]]]
    owner_of: Callable[[objects.Meta], UUID | None]
    live: Callable[[AsyncConnection, Sequence[UUID]], Awaitable[dict[UUID, str | None]]]


_TRAININGS = _Owners(
    "training", labels.TRAINING, lambda cluster: cluster.cache.namespaces(), translate.training_of, orphans.live
)
_ENDPOINTS = _Owners(
    "endpoint", labels.ENDPOINT, lambda cluster: cluster.endpoints.namespaces(), translate.endpoint_of, endpoints.live
)


class Orphans:
    """Something must have been an orphan at two looks in a row before it is taken away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._before: set[_Orphan] = set()

    async def collect(self, cluster: Cluster) -> None:
        """Take away what was an orphan last time too. Raises TaasError; the next look goes on."""
        if not cluster.fresh or not cluster.endpoints_fresh:
            return
        found: set[_Orphan] = set()
        for owners in (_TRAININGS, _ENDPOINTS):
            found |= await self._collect(cluster, owners)
        self._before = found

    async def _collect(self, cluster: Cluster, owners: _Owners) -> set[_Orphan]:
        suspects = {_Orphan(space.name, space.uid): id_ for space, id_ in await self._spaces(cluster, owners)}
        applier = Applier(cluster.client, cluster.cache)
        for orphan, owner_id in suspects.items():
            if orphan in self._before:
                _log.warning("collecting a namespace without a live row", namespace=orphan.name, kind=owners.word)
                await applier.delete_namespace(orphan.name, orphan.uid)
                await applier.delete_jobs(orphan.name)
                await self._say(f"namespace/{orphan.name}", owners)
                selector = f"{labels.INSTALLATION}={cluster.cache.installation},{owners.label}={owner_id}"
                await cluster.client.delete("/api/v1/persistentvolumes", params={"labelSelector": selector})
        volumes = await self._volumes(cluster, owners)
        for volume in volumes & self._before:
            _log.warning("collecting a volume without a live row", volume=volume.name, kind=owners.word)
            await cluster.client.delete(f"/api/v1/persistentvolumes/{volume.name}", uid=volume.uid)
            await self._say(f"volume/{volume.name}", owners)
        return set(suspects) | volumes

    async def _say(self, object_: str, owners: _Owners) -> None:
        """In the audit log, where admins find what was taken away and when."""
        async with self._database.transaction() as connection:
            await audit.record(connection, "taas", "orphan.collect", object_, kind=owners.word)

    async def _spaces(self, cluster: Cluster, owners: _Owners) -> list[tuple[SeenNamespace, UUID]]:
        found = [(space, id_) for space, id_ in owners.namespaces(cluster) if not space.deleting and space.ours]
        async with self._database.read() as connection:
            live = await owners.live(connection, [id_ for _, id_ in found])
        return [(space, id_) for space, id_ in found if id_ not in live or live[id_] not in (None, space.uid)]

    async def _volumes(self, cluster: Cluster, owners: _Owners) -> set[_Orphan]:
        selector = f"{labels.INSTALLATION}={cluster.cache.installation},{owners.label}"
        data = await cluster.client.get("/api/v1/persistentvolumes", {"labelSelector": selector})
        items = _volumes.decode(data or b'{"metadata":{},"items":[]}').items
        found = {_Orphan(item.metadata.name, item.metadata.uid): owners.owner_of(item.metadata) for item in items}
        async with self._database.read() as connection:
            live = await owners.live(connection, [id_ for id_ in found.values() if id_ is not None])
        return {volume for volume, owner_id in found.items() if owner_id not in live}
