"""What the pods of the whole cluster have asked of each node, and what they use where metrics-server tells."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import msgspec

from app.domain import quantity
from app.errors import ClusterError
from app.k8s import objects
from app.k8s.client import KubeClient

Amounts = dict[str, str]


class _Requests(objects.Struct):
    requests: dict[str, str] = msgspec.field(default_factory=dict)


class _Container(objects.Struct):
    resources: _Requests = msgspec.field(default_factory=_Requests)


class _Spec(objects.Struct):
    node_name: str = ""
    containers: list[_Container] = msgspec.field(default_factory=list)


class _Pod(objects.Struct):
    spec: _Spec


class _Usage(objects.Struct):
    metadata: objects.Meta
    usage: dict[str, str] = msgspec.field(default_factory=dict)


_pods = msgspec.json.Decoder(objects.ObjectList[_Pod])
_metrics = msgspec.json.Decoder(objects.ObjectList[_Usage])
_LIVE = "status.phase!=Succeeded,status.phase!=Failed,spec.nodeName!="


async def requested(client: KubeClient) -> dict[str, Amounts]:
    """By node, the sum of what its pods that have not ended have requested. Raises ClusterError."""
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    token = ""
    while True:
        params: dict[str, str | int] = {"fieldSelector": _LIVE, "limit": 500}
        if token:
            params["continue"] = token
        page = _pods.decode(await client.get("/api/v1/pods", params) or b'{"metadata":{},"items":[]}')
        for pod in page.items:
            of_node = sums[pod.spec.node_name]
            of_node["pods"] += 1
            for container in pod.spec.containers:
                for resource, amount in container.resources.requests.items():
                    of_node[resource] += quantity.parse(amount)
        token = page.metadata.continue_
        if not token:
            return {node: {name: quantity.in_base(value) for name, value in of.items()} for node, of in sums.items()}


async def used(client: KubeClient) -> dict[str, Amounts]:
    """By node, what is used now; empty without metrics-server, or while it does not answer. Raises ClusterError."""
    try:
        data = await client.get("/apis/metrics.k8s.io/v1beta1/nodes")
    except ClusterError as exc:
        if exc.http_status not in (403, 503):
            raise
        return {}
    return {item.metadata.name: item.usage for item in _metrics.decode(data).items} if data else {}
