"""What this process knows of the cluster: eight watches, however much there is in it, and the caches they feed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from app.domain.endpoints.seen import SeenEndpoint
from app.domain.seen import Seen
from app.k8s import objects
from app.k8s.cache import Cache
from app.k8s.client import KubeClient
from app.k8s.endpoint_cache import EndpointCache
from app.k8s.manifests import labels
from app.k8s.watch import HasMeta, Patience, Watch

T = TypeVar("T", bound=HasMeta)


class Cluster:
    """`changed` is called with the id of each training of which something changed, `endpoint_changed` likewise."""

    def __init__(
        self,
        client: KubeClient,
        installation: str,
        changed: Callable[[UUID], None],
        endpoint_changed: Callable[[UUID], None] = lambda _: None,
        patience: Patience = Patience(),
    ) -> None:
        self.client = client
        self.cache = Cache(installation, changed, other_namespaces=lambda: self.endpoints.namespace_names())
        self.endpoints = EndpointCache(installation, endpoint_changed, self.cache.warnings)
        self._patience = patience
        ours = {"labelSelector": f"{labels.INSTALLATION}={installation},{labels.TRAINING}"}
        warnings = {"fieldSelector": "type=Warning"}
        cache = self.cache
        self._watches: tuple[Watch[Any], ...] = (
            self._watch("/api/v1/nodes", objects.Node, cache.nodes.replaced, cache.nodes.changed, {}),
            self._watch("/api/v1/events", objects.Event, cache.warnings.replaced, cache.warnings.changed, warnings),
            self._watch(
                "/api/v1/namespaces", objects.Namespace, cache.namespaces_replaced, cache.namespace_changed, ours
            ),
            self._watch("/apis/batch/v1/jobs", objects.Job, cache.jobs_replaced, cache.job_changed, ours),
            self._watch("/api/v1/pods", objects.Pod, cache.pods_replaced, cache.pod_changed, ours),
        )

        theirs = {"labelSelector": f"{labels.INSTALLATION}={installation},{labels.ENDPOINT}"}
        held = self.endpoints
        self._endpoint_watches: tuple[Watch[Any], ...] = (
            self._watch(
                "/api/v1/namespaces", objects.Namespace, held.namespaces_replaced, held.namespace_changed, theirs
            ),
            self._watch(
                "/apis/apps/v1/deployments",
                objects.Deployment,
                held.deployments_replaced,
                held.deployment_changed,
                theirs,
            ),
            self._watch("/api/v1/pods", objects.Replica, held.pods_replaced, held.pod_changed, theirs),
        )

    async def run(self) -> None:
        """Keep the caches up to date for ever."""
        async with asyncio.TaskGroup() as group:
            for watch in (*self._watches, *self._endpoint_watches):
                group.create_task(watch.run(), name=f"watch {watch.path}")

    @property
    def fresh(self) -> bool:
        """Whether every watch that trainings need stands and has been listed."""
        return all(watch.fresh for watch in self._watches)

    @property
    def endpoints_fresh(self) -> bool:
        """The same for endpoints."""
        return all(watch.fresh for watch in self._endpoint_watches)

    @property
    def problem(self) -> str:
        """What is wrong with the watches; empty when all stand."""
        return "; ".join(
            f"{watch.path}: {watch.problem}" for watch in (*self._watches, *self._endpoint_watches) if not watch.fresh
        )

    def seen(self, training_id: UUID, namespace: str | None) -> Seen:
        """What is known of one training now."""
        return self.cache.seen(training_id, namespace, fresh=self.fresh)

    async def confirm_namespace(self, name: str) -> None:
        """Ask the API server itself whether there is such a namespace, before anything is concluded from its absence.

        Raises ClusterError.
        """
        self.cache.learn_namespace(await self.client.get(f"/api/v1/namespaces/{name}"), name)

    def seen_endpoint(self, endpoint_id: UUID, namespace: str | None) -> SeenEndpoint:
        """What is known of one endpoint now."""
        return self.endpoints.seen(endpoint_id, namespace, fresh=self.endpoints_fresh)

    async def confirm_endpoint_namespace(self, name: str) -> None:
        """As `confirm_namespace`. Raises ClusterError."""
        self.endpoints.learn_namespace(await self.client.get(f"/api/v1/namespaces/{name}"), name)

    async def confirm_jobs(self, name: str) -> None:
        """The same for the Jobs of a training's namespace. Raises ClusterError."""
        self.cache.learn_jobs(await self.client.get(f"/apis/batch/v1/namespaces/{name}/jobs"))

    def _watch(
        self,
        path: str,
        kind: type[T],
        replaced: Callable[[list[T], int], None],
        changed: Callable[[T, bool], None],
        selector: dict[str, str],
    ) -> Watch[T]:
        return Watch(
            self.client,
            path,
            kind,
            replaced=replaced,
            changed=changed,
            selector=selector,
            patience=self._patience,
        )
