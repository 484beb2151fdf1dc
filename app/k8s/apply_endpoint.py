"""Doing to the cluster what was decided about an endpoint: it cannot choose, and doing it again does no harm.

Inside the endpoint's namespace objects are applied by the API server itself (server-side apply): made when they are
missing, brought up to the spec when they are not. What lies outside is created or adopted.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from app.errors import ClusterError
from app.k8s import objects
from app.k8s.apply import if_still_meant
from app.k8s.binding import until_settled
from app.k8s.client import APPLY_PATCH, KubeClient
from app.k8s.creating import create_or_adopt, path_of, refused_for_good
from app.k8s.endpoint_cache import EndpointCache
from app.k8s.manifests import labels
from app.k8s.manifests.endpoints import EndpointObjects
from app.k8s.manifests.launch import Manifest

_FIELD_MANAGER = {"fieldManager": "taas", "force": "true"}


class EndpointApplier:
    """Every method may raise ClusterError (try later); making things, also Refused."""

    def __init__(self, client: KubeClient, cache: EndpointCache) -> None:
        self._client = client
        self._cache = cache

    async def create_namespace(self, manifest: Manifest) -> None:
        self._cache.learn_namespace(await create_or_adopt(self._client, manifest), manifest["metadata"]["name"])

    async def apply(self, made: EndpointObjects) -> dict[str, str]:
        """Make all of it so; the addresses of its Services, by `<service>/<port's name>`.

        The walls come first and alone: where the namespace is gone, a late worker stops there, before it makes a
        volume, which no namespace would hold back.
        """
        await self._apply(made.walls)
        for volume in made.volumes:
            await until_settled(self._client, volume, await create_or_adopt(self._client, volume))
        addresses: dict[str, str] = {}
        for manifest in made.inside:
            data = await self._apply(manifest)
            if manifest["kind"] == "Deployment":
                self._cache.learn_deployment(data)
            elif manifest["kind"] == "PersistentVolumeClaim":
                await until_settled(self._client, manifest, data)
            elif manifest["kind"] == "Service":
                addresses |= _addresses(data)
        return addresses

    async def delete_deployment(self, namespace: str, name: str, uid: str) -> None:
        path = f"{path_of('Deployment', namespace)}/{name}"
        await if_still_meant(self._client.delete(path, uid=uid, propagation="Background"))

    async def delete_namespace(self, name: str, uid: str) -> None:
        path = f"{path_of('Namespace')}/{name}"
        await if_still_meant(self._client.delete(path, uid=uid))
        self._cache.learn_namespace(await self._client.get(path), name)

    async def delete_volumes(self, endpoint_id: UUID) -> None:
        selector = f"{labels.INSTALLATION}={self._cache.installation},{labels.ENDPOINT}={endpoint_id}"
        await self._client.delete(path_of("PersistentVolume"), params={"labelSelector": selector})

    async def _apply(self, manifest: Manifest) -> bytes:
        meta = manifest["metadata"]
        path = f"{path_of(manifest['kind'], meta['namespace'])}/{meta['name']}"
        try:
            data = await self._client.patch(path, manifest, kind=APPLY_PATCH, params=_FIELD_MANAGER)
        except ClusterError as exc:
            refused = refused_for_good(exc, manifest)
            if refused is None:
                raise
            raise refused from exc
        if data is None:
            raise ClusterError(f"The namespace {meta['namespace']} is not there.", http_status=404, reason="NotFound")
        return data


class _Port(objects.Struct):
    name: str = ""
    port: int = 0


class _ServiceSpec(objects.Struct):
    cluster_ip: str = msgspec.field(default="", name="clusterIP")
    ports: tuple[_Port, ...] = ()


class _Service(objects.Struct):
    metadata: objects.Meta
    spec: _ServiceSpec = msgspec.field(default_factory=_ServiceSpec)


def _addresses(data: bytes) -> dict[str, str]:
    """Of a headless Service there are none."""
    service = msgspec.json.decode(data, type=_Service)
    ip = service.spec.cluster_ip
    if ip in ("", "None"):
        return {}
    host = f"[{ip}]" if ":" in ip else ip
    return {f"{service.metadata.name}/{port.name}": f"{host}:{port.port}" for port in service.spec.ports}
