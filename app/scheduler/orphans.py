"""What a dead or stale worker may have left in the cluster: namespaces and volumes without a live training.

Only objects with this installation's label are looked at; those of others are never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import msgspec
import structlog

from app.db import orphans
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


class Orphans:
    """Something must have been an orphan at two looks in a row before it is taken away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._before: set[_Orphan] = set()

    async def collect(self, cluster: Cluster) -> None:
        """Take away what was an orphan last time too. Raises TaasError; the next look goes on."""
        if not cluster.fresh:
            return
        applier = Applier(cluster.client, cluster.cache)
        suspects = {_Orphan(space.name, space.uid): training_id for space, training_id in await self._spaces(cluster)}
        for orphan, training_id in suspects.items():
            if orphan in self._before:
                _log.warning("collecting a namespace without a live training", namespace=orphan.name)
                await applier.delete_namespace(orphan.name, orphan.uid)
                await applier.delete_jobs(orphan.name)
                await applier.delete_volumes(training_id)
        volumes = await self._volumes(cluster)
        for volume in volumes & self._before:
            _log.warning("collecting a volume without a live training", volume=volume.name)
            await cluster.client.delete(f"/api/v1/persistentvolumes/{volume.name}", uid=volume.uid)
        self._before = set(suspects) | volumes

    async def _spaces(self, cluster: Cluster) -> list[tuple[SeenNamespace, UUID]]:
        found = [(space, id_) for space, id_ in cluster.cache.namespaces() if not space.deleting and space.ours]
        async with self._database.read() as connection:
            live = await orphans.live(connection, [training_id for _, training_id in found])
        return [(space, id_) for space, id_ in found if id_ not in live or live[id_] not in (None, space.uid)]

    async def _volumes(self, cluster: Cluster) -> set[_Orphan]:
        selector = f"{labels.INSTALLATION}={cluster.cache.installation},{labels.TRAINING}"
        data = await cluster.client.get("/api/v1/persistentvolumes", {"labelSelector": selector})
        items = _volumes.decode(data or b'{"metadata":{},"items":[]}').items
        found = {_Orphan(item.metadata.name, item.metadata.uid): translate.training_of(item.metadata) for item in items}
        async with self._database.read() as connection:
            live = await orphans.live(connection, [id_ for id_ in found.values() if id_ is not None])
        return {volume for volume, training_id in found.items() if training_id not in live}
