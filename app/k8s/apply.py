"""Doing to the cluster what was decided: it cannot choose, and doing it again does no harm.

Creating means creating or adopting: what is there already under the fixed name is ours if it carries the training's
label. Changing and deleting name the UID that is meant.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import structlog

from app.domain.causes import NODE_LOST
from app.errors import ClusterError
from app.k8s import objects
from app.k8s.binding import until_settled
from app.k8s.cache import Cache
from app.k8s.client import STRATEGIC_PATCH, KubeClient
from app.k8s.creating import Refused as Refused
from app.k8s.creating import create_or_adopt, path_of
from app.k8s.manifests import labels
from app.k8s.manifests.launch import Manifest, TrainingObjects

T = TypeVar("T")
_log = structlog.get_logger(__name__)


class Applier:
    """Calls for one training at a time. Every method may raise ClusterError (try later); creating, also Refused."""

    def __init__(self, client: KubeClient, cache: Cache) -> None:
        self._client = client
        self._cache = cache

    async def create_namespace(self, manifest: Manifest) -> None:
        self._cache.learn_namespace(await self._create(manifest), manifest["metadata"]["name"])

    async def create_children(self, made: TrainingObjects) -> None:
        """Everything inside the namespace; the Jobs last, so that no pod starts before what it needs is there.

        The walls come first and alone: where the namespace is gone, a late worker stops there, before it makes a
        volume, which no namespace would hold back.
        """
        await self._create(made.network_policy)
        around = (*made.secrets, *made.config_maps, made.service)
        await _all([*(self._create(manifest) for manifest in around), self._bind(made)])
        for data in await _all([self._create(manifest) for manifest in made.jobs.values()]):
            self._cache.learn_job(data)

    async def _bind(self, made: TrainingObjects) -> None:
        for manifests in (made.volumes, made.claims):
            answers = await _all([self._create(manifest) for manifest in manifests])
            for manifest, data in zip(manifests, answers, strict=True):
                await until_settled(self._client, manifest, data)

    async def suspend_job(self, namespace: str, name: str, uid: str) -> None:
        """Remove its running pods and keep it as it is."""
        change = [
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "add", "path": "/spec/suspend", "value": True},
        ]
        data = await if_still_meant(self._client.patch(f"{path_of('Job', namespace)}/{name}", change))
        if data is not None:
            self._cache.learn_job(data)

    async def fail_pod(self, namespace: str, name: str, uid: str, message: str) -> None:
        """Declare it failed by a disruption, which does not use up a try."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": NODE_LOST,
            "message": message,
            "lastTransitionTime": now,
        }
        change = {
            "metadata": {"uid": uid},
            "status": {"phase": "Failed", "reason": NODE_LOST, "message": message, "conditions": [condition]},
        }
        path = f"/api/v1/namespaces/{namespace}/pods/{name}/status"
        await if_still_meant(self._client.patch(path, change, kind=STRATEGIC_PATCH))

    async def force_delete_pod(self, namespace: str, name: str, uid: str) -> None:
        await if_still_meant(self._client.delete(f"/api/v1/namespaces/{namespace}/pods/{name}", uid=uid, grace=0))

    async def delete_namespace(self, name: str, uid: str) -> None:
        data = await if_still_meant(self._client.delete(f"{path_of('Namespace')}/{name}", uid=uid))
        if data is not None and msgspec.json.decode(data, type=_Kind).kind == "Namespace":
            self._cache.learn_namespace(data, name)

    async def delete_jobs(self, namespace: str) -> None:
        await self._client.delete(path_of("Job", namespace), propagation="Background")

    async def delete_volumes(self, training_id: UUID) -> None:
        selector = f"{labels.INSTALLATION}={self._cache.installation},{labels.TRAINING}={training_id}"
        await self._client.delete(path_of("PersistentVolume"), params={"labelSelector": selector})

    async def _create(self, manifest: Manifest) -> bytes:
        return await create_or_adopt(self._client, manifest)


async def if_still_meant(call: Awaitable[bytes | None]) -> bytes | None:
    """The answer, or None when the object is gone or another one has its name now: there is nothing to do."""
    try:
        return await call
    except ClusterError as exc:
        if exc.http_status not in (409, 422):
            raise
        _log.info("not the object that was meant", problem=exc.detail)
        return None


class _Kind(objects.Struct):
    kind: str = ""


async def _all(calls: Sequence[Awaitable[T]]) -> list[T]:
    """Every answer, in order; when calls fail, the others are still waited for, and a refusal counts most."""
    answers: list[Any] = await asyncio.gather(*calls, return_exceptions=True)
    failures = [answer for answer in answers if isinstance(answer, BaseException)]
    if failures:
        raise next((failure for failure in failures if isinstance(failure, Refused)), failures[0])
    return answers
