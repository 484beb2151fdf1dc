"""Making objects: create, or adopt what is there under the fixed name if it is ours."""

from __future__ import annotations

import msgspec

from app.domain.seen import Refusal
from app.errors import ClusterError
from app.k8s import objects
from app.k8s.client import KubeClient
from app.k8s.manifests import labels
from app.k8s.manifests.launch import Manifest

_PATHS = {
    "Namespace": "/api/v1/namespaces",
    "PersistentVolume": "/api/v1/persistentvolumes",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies",
    "Secret": "/api/v1/namespaces/{namespace}/secrets",
    "ConfigMap": "/api/v1/namespaces/{namespace}/configmaps",
    "Service": "/api/v1/namespaces/{namespace}/services",
    "PersistentVolumeClaim": "/api/v1/namespaces/{namespace}/persistentvolumeclaims",
    "Job": "/apis/batch/v1/namespaces/{namespace}/jobs",
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers",
    "HTTPRoute": "/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes",
    "GRPCRoute": "/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/grpcroutes",
}
_WHOSE = (labels.INSTALLATION, labels.TRAINING, labels.ENDPOINT)
_FOR_GOOD = {400, 403, 405, 409, 413, 422}


class Refused(Exception):
    """The API server refuses an object, and trying again will not help."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def path_of(kind: str, namespace: str = "") -> str:
    """The collection of that kind."""
    return _PATHS[kind].format(namespace=namespace)


async def create_or_adopt(client: KubeClient, manifest: Manifest) -> bytes:
    """The object as it is in the cluster. Raises Refused (it never will be) or ClusterError (try later)."""
    kind, meta = manifest["kind"], manifest["metadata"]
    path = path_of(kind, meta.get("namespace", ""))
    try:
        return await client.create(path, manifest)
    except ClusterError as exc:
        if exc.http_status == 409 and exc.reason == "AlreadyExists":
            return await _adopt(client, f"{path}/{meta['name']}", manifest)
        refused = refused_for_good(exc, manifest)
        if refused is None:
            raise
        raise refused from exc


def refused_for_good(exc: ClusterError, manifest: Manifest) -> Refused | None:
    """The refusal of `manifest`, when trying again will not help."""
    if exc.http_status not in _FOR_GOOD or "being terminated" in exc.detail:
        return None
    return Refused(Refusal(f"{manifest['kind']}/{manifest['metadata']['name']}", exc.http_status or 0, exc.detail))


async def _adopt(client: KubeClient, path: str, manifest: Manifest) -> bytes:
    data = await client.get(path)
    if data is None:
        raise ClusterError(f"{path} was there and is not any more.", http_status=404, reason="NotFound")
    found = msgspec.json.decode(data, type=_Any).metadata.labels
    wanted = manifest["metadata"]["labels"]
    if all(found.get(name) == wanted.get(name) for name in _WHOSE):
        return data
    what = f"{manifest['kind']}/{manifest['metadata']['name']}"
    raise Refused(Refusal(what, 409, f"{what} is there already and belongs to somebody else"))


class _Any(objects.Struct):
    metadata: objects.Meta
