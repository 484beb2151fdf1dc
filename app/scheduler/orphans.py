"""What a dead or stale worker may have left in the cluster: namespaces and volumes without a live row.

Only objects with this installation's label are looked at; those of others are never touched. Trainings and endpoints
each have a label of their own, and rows of their own to ask.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import audit, endpoints, orphan_rows, orphans
from app.db.engine import Database
from app.domain.clock import Clock, utc_now
from app.domain.orphan import Orphan, OrphanKind
from app.domain.seen import SeenNamespace
from app.k8s import objects, translate
from app.k8s.apply import Applier
from app.k8s.cluster import Cluster
from app.k8s.manifests import labels

EVERY_SECONDS = 60.0
"""Between two looks."""
_volumes = msgspec.json.Decoder(objects.ObjectList[objects.Namespace])
_log = structlog.get_logger(__name__)


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
    """Something must have been an orphan at two looks in a row before it is taken away; until then it is shown."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock
        self._before: set[str] = set()  # UIDs

    async def collect(self, cluster: Cluster) -> None:
        """Take away what was an orphan last time too. Raises TaasError; the next look goes on."""
        if not cluster.fresh or not cluster.endpoints_fresh:
            return
        shown: list[Orphan] = []
        found: set[str] = set()
        for owners in (_TRAININGS, _ENDPOINTS):
            for orphan in [*await self._spaces(cluster, owners), *await self._volumes(cluster, owners)]:
                if orphan.deleting_since is None:
                    found.add(orphan.uid)
                    if orphan.uid in self._before:
                        await self._take_away(cluster, owners, orphan)
                        orphan = replace(orphan, deleting_since=self._clock(), collect_at=None)
                shown.append(orphan)
        self._before = found
        async with self._database.transaction() as connection:
            await orphan_rows.replace_all(connection, shown)

    async def _take_away(self, cluster: Cluster, owners: _Owners, orphan: Orphan) -> None:
        _log.warning("collecting what has no live row", what=orphan.kind, name=orphan.name, kind=owners.word)
        if orphan.kind is OrphanKind.NAMESPACE:
            applier = Applier(cluster.client, cluster.cache)
            await applier.delete_namespace(orphan.name, orphan.uid)
            await applier.delete_jobs(orphan.name)
        else:
            await cluster.client.delete(f"/api/v1/persistentvolumes/{orphan.name}", uid=orphan.uid)
        async with self._database.transaction() as connection:  # where admins find what was taken away and when
            await audit.record(connection, "taas", "orphan.collect", f"{orphan.kind}/{orphan.name}", kind=owners.word)
        if orphan.kind is OrphanKind.NAMESPACE:
            selector = f"{labels.INSTALLATION}={cluster.cache.installation},{owners.label}={orphan.owner_id}"
            await cluster.client.delete("/api/v1/persistentvolumes", params={"labelSelector": selector})

    async def _spaces(self, cluster: Cluster, owners: _Owners) -> list[Orphan]:
        found = [(space, id_) for space, id_ in owners.namespaces(cluster) if space.ours]
        async with self._database.read() as connection:
            live = await owners.live(connection, [id_ for _, id_ in found])
        return [
            self._orphan(
                owners,
                OrphanKind.NAMESPACE,
                space.name,
                space.uid,
                id_,
                space.made_at,
                space.deleting_since,
                space.stuck,
            )
            for space, id_ in found
            if id_ not in live or live[id_] not in (None, space.uid)
        ]

    async def _volumes(self, cluster: Cluster, owners: _Owners) -> list[Orphan]:
        selector = f"{labels.INSTALLATION}={cluster.cache.installation},{owners.label}"
        data = await cluster.client.get("/api/v1/persistentvolumes", {"labelSelector": selector})
        metas = [item.metadata for item in _volumes.decode(data or b'{"metadata":{},"items":[]}').items]
        ids = {meta.uid: owners.owner_of(meta) for meta in metas}
        async with self._database.read() as connection:
            live = await owners.live(connection, [id_ for id_ in ids.values() if id_ is not None])
        return [
            self._orphan(
                owners,
                OrphanKind.VOLUME,
                meta.name,
                meta.uid,
                ids[meta.uid],
                meta.creation_timestamp,
                meta.deletion_timestamp,
            )
            for meta in metas
            if ids[meta.uid] not in live
        ]

    def _orphan(
        self,
        owners: _Owners,
        kind: OrphanKind,
        name: str,
        uid: str,
        owner_id: UUID | None,
        made_at: datetime | None,
        deleting_since: datetime | None,
        stuck: str = "",
    ) -> Orphan:
        collect_at = self._clock() + timedelta(seconds=EVERY_SECONDS) if deleting_since is None else None
        return Orphan(kind, name, uid, owners.word, owner_id, made_at, deleting_since, stuck, collect_at)
