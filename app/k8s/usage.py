"""What the pods of trainings use now, from the cluster's metrics API (metrics-server, or whatever else serves it).

https://github.com/kubernetes/metrics/blob/master/pkg/apis/metrics/v1beta1/types.go
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from app.domain import usage
from app.domain.usage import PodUsage
from app.errors import ClusterError
from app.k8s import objects
from app.k8s.client import KubeClient
from app.k8s.manifests import labels

PATH = "/apis/metrics.k8s.io/v1beta1/pods"


class _Amounts(objects.Struct):
    cpu: str = "0"
    memory: str = "0"


class _Container(objects.Struct):
    usage: _Amounts = msgspec.field(default_factory=_Amounts)


class _PodMetrics(objects.Struct):
    metadata: objects.Meta
    timestamp: datetime
    containers: list[_Container] | None = None


class _PodMetricsList(objects.Struct):
    items: list[_PodMetrics] | None = None


_lists = msgspec.json.Decoder(_PodMetricsList)


async def of_trainings(client: KubeClient, installation: str) -> list[PodUsage] | None:
    """One sample of each pod that is sampled, with a single request; None where the cluster has no such API.

    The API knows no pages. Raises ClusterError.
    """
    params = {"labelSelector": f"{labels.INSTALLATION}={installation},{labels.TRAINING}"}
    data = await client.get(PATH, params)
    return None if data is None else read(data)


def read(data: bytes) -> list[PodUsage]:
    """The samples in a PodMetricsList. Raises ClusterError when it is something else."""
    try:
        return [_sample(item) for item in _lists.decode(data).items or ()]
    except ValueError as exc:  # msgspec's errors are ValueErrors too
        raise ClusterError(f"The metrics API answered with something else than pod metrics: {exc}.") from exc


def _sample(item: _PodMetrics) -> PodUsage:
    used = [container.usage for container in item.containers or ()]
    return PodUsage(
        item.metadata.namespace,
        item.metadata.name,
        cpu=min(sum(usage.millicores(one.cpu) for one in used), usage.LARGEST),
        memory=min(sum(usage.whole_bytes(one.memory) for one in used), usage.LARGEST),
        at=item.timestamp,
    )
