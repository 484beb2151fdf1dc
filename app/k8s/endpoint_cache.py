"""The cache of what the cluster holds of endpoints, fed by watches and by what this process has just done.

Of two states of one object the one with the larger resource version is the newer. Unlike those of a training, pods
that are gone are nobody's business here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from app.domain.endpoints.seen import SeenDeployment, SeenEndpoint, SeenReplica
from app.domain.seen import SeenNamespace
from app.k8s import objects, translate
from app.k8s.warnings import Warnings

S = TypeVar("S", SeenNamespace, SeenDeployment, SeenReplica)
_namespace = msgspec.json.Decoder(objects.Namespace)
_deployment = msgspec.json.Decoder(objects.Deployment)


@dataclass(slots=True)
class _Held(Generic[S]):
    """Objects of one kind by UID: the version that is known, whose it is, and what is seen of it."""

    changed: Callable[[UUID], None]
    known: dict[str, tuple[int, UUID, S]] = field(default_factory=dict)

    def put(self, meta: objects.Meta, seen: S) -> None:
        owner = translate.endpoint_of(meta)
        held = self.known.get(meta.uid)
        if owner is None or (held is not None and held[0] >= meta.version):
            return
        self.known[meta.uid] = (meta.version, owner, seen)
        if held is None or held[2] != seen:
            self.changed(owner)

    def drop(self, uid: str) -> None:
        held = self.known.pop(uid, None)
        if held is not None:
            self.changed(held[1])

    def keep_only(self, uids: set[str], version: int) -> None:
        """After a list as of `version`: what it does not name is gone."""
        for uid in [uid for uid, held in self.known.items() if uid not in uids and held[0] <= version]:
            self.drop(uid)

    def of(self, owner: UUID) -> list[S]:
        return [seen for _, whose, seen in self.known.values() if whose == owner]


class EndpointCache:
    """`changed` is called with the id of each endpoint of which something changed."""

    def __init__(
        self,
        installation: str,
        changed: Callable[[UUID], None],
        warnings: Warnings,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.installation = installation
        self._warnings = warnings
        self._now = now
        self._tell = changed
        self._namespaces: _Held[SeenNamespace] = _Held(changed)
        self._deployments: _Held[SeenDeployment] = _Held(changed)
        self._replicas: _Held[SeenReplica] = _Held(changed)
        warnings.also_tell(self._warned)

    def seen(self, endpoint_id: UUID, namespace: str | None, *, fresh: bool) -> SeenEndpoint:
        """What is known of one endpoint now; `fresh` as the watches are."""
        spaces = [space for space in self._namespaces.of(endpoint_id) if space.name == namespace]
        return SeenEndpoint(
            fresh=fresh,
            namespace=spaces[0] if spaces else None,
            deployments={one.name: one for one in self._deployments.of(endpoint_id)},
            replicas=tuple(self._replicas.of(endpoint_id)),
            warnings=self._warnings.of(namespace or ""),
        )

    def namespaces(self) -> list[tuple[SeenNamespace, UUID]]:
        """Every namespace of an endpoint of this installation, with the endpoint's id."""
        return [(space, owner) for _, owner, space in self._namespaces.known.values()]

    def namespace_names(self) -> set[str]:
        return {space.name for _, _, space in self._namespaces.known.values()}

    def learn_namespace(self, data: bytes | None, name: str) -> None:
        """The API server's own words on a namespace, from a call just made; None: it is not there."""
        if data is not None:
            item = _namespace.decode(data)
            return self._namespaces.put(item.metadata, translate.namespace(item, self.installation))
        for uid in [uid for uid, (_, _, space) in self._namespaces.known.items() if space.name == name]:
            self._namespaces.drop(uid)

    def learn_deployment(self, data: bytes) -> None:
        """The same for a Deployment."""
        item = _deployment.decode(data)
        self._deployments.put(item.metadata, translate.deployment(item))

    def namespaces_replaced(self, items: list[objects.Namespace], version: int) -> None:
        self._namespaces.keep_only({item.metadata.uid for item in items}, version)
        for item in items:
            self.namespace_changed(item, False)

    def namespace_changed(self, item: objects.Namespace, deleted: bool) -> None:
        if deleted:
            self._namespaces.drop(item.metadata.uid)
        else:
            self._namespaces.put(item.metadata, translate.namespace(item, self.installation))

    def deployments_replaced(self, items: list[objects.Deployment], version: int) -> None:
        self._deployments.keep_only({item.metadata.uid for item in items}, version)
        for item in items:
            self.deployment_changed(item, False)

    def deployment_changed(self, item: objects.Deployment, deleted: bool) -> None:
        if deleted:
            self._deployments.drop(item.metadata.uid)
        else:
            self._deployments.put(item.metadata, translate.deployment(item))

    def pods_replaced(self, items: list[objects.Replica], version: int) -> None:
        self._replicas.keep_only({item.metadata.uid for item in items}, version)
        for item in items:
            self.pod_changed(item, False)

    def pod_changed(self, item: objects.Replica, deleted: bool) -> None:
        if deleted:
            return self._replicas.drop(item.metadata.uid)
        seen = translate.replica(item, self._now())
        held = self._replicas.known.get(item.metadata.uid)
        if held is not None and held[2].waiting and bool(held[2].waiting) == bool(seen.waiting):
            # Kubelet alternates between two words for one trouble: it waits since it was first seen to.
            seen = replace(seen, waiting_since=held[2].waiting_since)
        self._replicas.put(item.metadata, seen)

    def _warned(self, namespace: str) -> None:
        for space, owner in self.namespaces():
            if space.name == namespace:
                self._tell(owner)
